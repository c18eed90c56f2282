"""Who is let in, in which order things are refused, and what the answers say."""

from __future__ import annotations

from typing import Any

import pytest
from marshmallow import fields

from ramekin import App, Limits, Reply, Request, Resource, Settings, accepts, returns
from ramekin.auth import APIKeys, BadCredentials, Basic, Bearer, Principal, anonymous, hash_key, policy, requires
from ramekin.problems import NotFound
from ramekin.testing import Client

PEOPLE = {"ada": Principal("ada", {"read", "write"}), "bob": Principal("bob", {"read"})}
tokens = Bearer(PEOPLE.get, name="tokens", realm="shop")
keys = APIKeys({hash_key("k1"): Principal("robot", {"write"})}, realm="shop")


async def find_later(token: str) -> Principal[Any] | None:
    """Find somebody as a database with an event loop does."""
    return PEOPLE.get(token)


async def find_key_later(hash_of_key: str) -> Principal[Any] | None:
    """Find a program in the same way."""
    return Principal("robot") if hash_of_key == hash_key("k1") else None


async def check_later(name: str, password: str) -> Principal[Any] | None:
    """Check a password in the same way."""
    return PEOPLE.get(name)


later = Bearer(find_later, name="later")


def serve(requirement: Any, **settings: Any) -> Client:
    """Return a client of one guarded resource."""
    app = App("Admission", settings=Settings(openapi_path=None, **settings))
    seen: list[Any] = []

    @app.after
    def note(request: Request, reply: Reply[Any]) -> None:
        seen.append(request.principal)

    @app.resource("/")
    @requires(requirement)
    class Thing(Resource):
        @returns(fields.String(allow_none=True))
        def get(self, principal: Principal[None] | None) -> str | None:
            assert principal is self.principal is self.request.principal
            return None if principal is None else str(principal.id)

        @accepts(json={"n": fields.Integer(required=True)})
        @returns(status=204)
        def post(self, json: Any) -> None: ...

    client = Client(app)
    client.seen = seen  # type: ignore[attr-defined]
    return client


def bearer(token: str) -> dict[str, str]:
    """Return the header of a token."""
    return {"Authorization": f"Bearer {token}"}


def challenges(client: Client, **headers: str) -> list[str]:
    """Return the challenges of an answer."""
    result = client.get("/", headers={name.replace("_", "-"): value for name, value in headers.items()})
    return result.headers.getlist("WWW-Authenticate")


def test_the_principal_is_at_hand() -> None:
    """It stands in the resource, in the request and in the parameter of its name; hooks have it too."""
    client = serve(tokens)
    assert client.get("/", headers=bearer("ada")).json == "ada"
    assert client.get("/").status == 401
    assert client.seen == [PEOPLE["ada"], None]  # type: ignore[attr-defined]


def test_the_first_alternative_that_holds_decides() -> None:
    """Alternatives are tried from the left."""
    client = serve(tokens | keys)
    both = {**bearer("ada"), "X-API-Key": "k1"}
    assert client.get("/", headers=both).json == "ada"
    assert client.get("/", headers={"X-API-Key": "k1"}).json == "robot"


def test_a_later_alternative_makes_up_for_missing_scopes() -> None:
    """Whoever lacks the scopes of one alternative may hold another."""
    client = serve(tokens("write") | keys)
    assert client.get("/", headers={**bearer("bob"), "X-API-Key": "k1"}).json == "robot"
    assert client.get("/", headers=bearer("bob")).status == 403


def test_good_credentials_beside_bad_ones() -> None:
    """Whoever holds one alternative is let in, in whichever order they stand."""
    both = {**bearer("nobody"), "X-API-Key": "k1"}
    assert [serve(one).get("/", headers=both).status for one in (tokens | keys, keys | tokens)] == [200, 200]
    assert serve(tokens & keys).get("/", headers=both).status == 401


@pytest.mark.parametrize("first", [tokens, later], ids=["plain", "async"])
def test_schemes_that_read_the_same_field(first: Any) -> None:
    """What the one does not know may be good to the other; one that nobody knows is refused once."""
    other = Bearer({"eve": Principal("eve", {"read"})}.get, name="other", realm="shop")
    client = serve(first | other)
    assert [client.get("/", headers=bearer(one)).json for one in ("ada", "eve")] == ["ada", "eve"]
    refused = client.get("/", headers=bearer("nobody"))
    assert refused.status == 401
    assert {one.rpartition(", ")[2] for one in refused.headers.getlist("WWW-Authenticate")} == {'error="invalid_token"'}


@pytest.mark.parametrize("first", [tokens, later], ids=["plain", "async"])
def test_a_lacking_scope_is_told_before_bad_credentials(first: Any) -> None:
    """Somebody is known and may not do this: 403, whatever another scheme made of their token."""
    other = Bearer({"eve": Principal("eve", {"read"})}.get, name="other", realm="shop")
    for one in (first("write") | other("write"), other("write") | first("write")):
        result = serve(one).get("/", headers=bearer("eve"))
        assert (result.status, 'error="insufficient_scope"' in result.headers["WWW-Authenticate"]) == (403, True)


@policy
def anybody(request: Request) -> bool:
    """Let everybody in."""
    return True


@pytest.mark.parametrize("nobody", [anonymous, anybody], ids=["anonymous", "policy"])
def test_bad_credentials_are_refused_where_none_are_needed(nobody: Any) -> None:
    """Who sends a bad token hears of it, rather than be served as nobody."""
    for rule in (tokens | nobody, later | nobody, keys | tokens | nobody, tokens | keys | nobody, nobody | tokens):
        client = serve(rule)
        assert [client.get("/", headers=one).status for one in ({}, bearer("eve"), bearer("ada"))] == [200, 401, 200]


def test_the_challenges_of_every_alternative() -> None:
    """401 names each scheme that would do, once; the one that was refused says what was wrong (RFC 9110 §11.6.1)."""
    basic = Basic(lambda user, password: None, realm="shop")
    client = serve(tokens | keys | basic)
    assert challenges(client) == [
        'Bearer realm="shop"',
        'ApiKey realm="shop"',
        'Basic realm="shop", charset="UTF-8"',
    ]
    assert challenges(client, Authorization="Bearer nobody")[0] == 'Bearer realm="shop", error="invalid_token"'


def test_missing_scopes_are_named() -> None:
    """403 says which scopes there have to be (RFC 6750 §3.1)."""
    result = serve(tokens("write", "read")).get("/", headers=bearer("bob"))
    assert result.problem["detail"] == "Required: read, write."
    expected = 'Bearer realm="shop", error="insufficient_scope", scope="read write"'
    assert result.headers.getlist("WWW-Authenticate") == [expected]


def test_a_scheme_without_errors_of_its_own() -> None:
    """Only bearer tokens have error codes in their challenge."""
    result = serve(keys("read")).get("/", headers={"X-API-Key": "k1"})
    assert (result.status, result.headers.getlist("WWW-Authenticate")) == (403, ['ApiKey realm="shop"'])


def test_authentication_comes_before_all_faults_of_the_request() -> None:
    """401 and 403 come before 406, 415, 413, 400 and 422, and after 404 and 405."""
    client = serve(tokens("write"), limits=Limits(body_bytes=10))
    bad: dict[str, Any] = {"content": b"{" * 20, "content_type": "text/plain"}
    statuses = [
        client.post("/", headers={"Accept": "text/html"}, **bad).status,
        client.post("/", headers=bearer("bob"), **bad).status,
        client.post("/", headers=bearer("ada"), **bad).status,
        client.post("/", headers=bearer("ada"), content=b"{" * 20, content_type="application/json").status,
        client.post("/", headers=bearer("ada"), json={}).status,
    ]
    assert statuses == [401, 403, 415, 413, 422]
    assert (client.put("/").status, client.get("/nowhere").status) == (405, 404)


def test_head_is_guarded() -> None:
    """HEAD is answered by the guarded GET, without content."""
    client = serve(tokens)
    assert (client.head("/").status, client.head("/", headers=bearer("ada")).status) == (401, 200)


def test_options_tells_methods_and_nothing_else() -> None:
    """OPTIONS says which methods there are; it runs no handler and finds no principal."""
    client = serve(tokens)
    result = client.options("/", headers=bearer("ada"))
    assert (result.status, result.content) == (204, b"")
    assert client.seen == [None]  # type: ignore[attr-defined]


@pytest.mark.parametrize("path", ["//", "/./", "/%2e/", "/;x", "/%00", "/..//"])
def test_tricks_with_the_path_do_not_pass(path: str) -> None:
    """The check stands on the operation that was matched, so another spelling is another resource or the same check."""
    assert serve(tokens).get(path).status in (308, 401, 404)


@pytest.mark.parametrize("header", ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"])
def test_method_overrides_are_ignored(header: str) -> None:
    """The method is that of the request, whatever a header or the query says."""
    app = App("Override", settings=Settings(openapi_path=None))

    @app.resource("/")
    class Thing(Resource):
        @requires(anonymous)
        @returns(fields.String())
        def get(self) -> str:
            return "read"

        @requires(tokens)
        @returns(status=204)
        def delete(self) -> None:
            raise AssertionError

    result = Client(app).get("/?_method=DELETE", headers={header: "DELETE"})
    assert (result.status, result.json) == (200, "read")


def test_a_scheme_that_finds_no_principal() -> None:
    """A loader that returns something else is a bug, and nobody is let in."""
    careless = Bearer(lambda token: {"id": token}, name="careless")  # type: ignore[arg-type]
    client = Client(serve(careless).app, raise_exceptions=False)
    assert client.get("/", headers=bearer("ada")).status == 500


def test_async_schemes() -> None:
    """A function that is awaited decides as any other one, alone and among alternatives."""
    for client in (serve(later), serve(later("read") | keys), serve(keys | later), serve(keys & later)):
        headers = {"X-API-Key": "k1"} if client.get("/", headers=bearer("ada")).status == 401 else {}
        assert client.get("/", headers={**bearer("ada"), **headers}).status == 200
        assert client.get("/", headers={**bearer("nobody"), **headers}).status == 401


@pytest.mark.parametrize("protocol", ["wsgi", "asgi"])
@pytest.mark.parametrize("rule", [tokens, later, tokens | later, later & tokens])
def test_plain_and_async_handlers_under_both_protocols(rule: Any, protocol: Any) -> None:
    """Whatever is awaited and whatever is not, who has no good token is not let in."""
    app = App("Both", settings=Settings(openapi_path=None))

    @app.resource("/")
    @requires(rule)
    class Thing(Resource):
        @returns(fields.String())
        def get(self) -> str:
            return str(self.principal.id)

        @returns(fields.String())
        async def post(self) -> str:
            return str(self.principal.id)

    client = Client(app, protocol=protocol)
    for method in ("GET", "POST"):
        assert client.request(method, "/", headers=bearer("ada")).json == "ada"
        assert [client.request(method, "/", headers=one).status for one in ({}, bearer("eve"))] == [401, 401]
        assert client.as_principal(Principal("bob")).request(method, "/").json == "bob"


def test_several_async_schemes() -> None:
    """Each of them is waited for in turn."""
    client = serve(APIKeys(find_key_later) & later)
    assert client.get("/", headers={**bearer("ada"), "X-API-Key": "k1"}).json == "robot"
    assert client.get("/", headers={**bearer("eve"), "X-API-Key": "k1"}).status == 401


def test_an_async_password_check() -> None:
    """A function that checks passwords may be awaited."""
    assert serve(Basic(check_later)).get("/", headers={"Authorization": "Basic YWRhOng="}).json == "ada"


def test_async_schemes_that_lack_scopes() -> None:
    """Scopes are checked of who was awaited."""
    client = serve(later("write"))
    assert [client.get("/", headers=bearer(name)).status for name in ("ada", "bob")] == [200, 403]


def test_an_async_scheme_refuses() -> None:
    """What it raises once it is awaited is answered by 401 as well."""

    async def refuse(token: str) -> None:
        raise BadCredentials("Too late.")

    result = serve(Bearer(refuse)).get("/", headers=bearer("ada"))
    assert (result.status, result.problem["detail"]) == (401, "Too late.")


def test_each_scheme_is_asked_once() -> None:
    """Several alternatives of one scheme check its credentials once."""
    asked: list[str] = []

    def find(token: str) -> Principal[Any] | None:
        asked.append(token)
        return PEOPLE.get(token)

    counted = Bearer(find)
    assert serve(counted("delete") | counted("write")).get("/", headers=bearer("ada")).status == 200
    assert asked == ["ada"]


@policy(otherwise=NotFound)
def is_robot(principal: Principal[Any]) -> bool:
    """Tell whether it is a program."""
    return principal.id == "robot"


@policy
def is_local(request: Request) -> bool:
    """Tell whether it comes from this machine."""
    return request.client_host == "127.0.0.1"


def test_the_principal_is_that_of_the_alternative_whose_policy_holds() -> None:
    """An alternative that a policy closes leaves the next one."""
    client = serve(tokens & is_robot | keys & is_robot)
    assert client.get("/", headers={**bearer("ada"), "X-API-Key": "k1"}).json == "robot"
    assert client.get("/", headers=bearer("ada")).status == 404


def test_an_alternative_without_policies_makes_up_for_one_with() -> None:
    """Whoever a policy refuses may hold another alternative."""
    client = serve(tokens & is_robot | tokens("write"))
    assert [client.get("/", headers=bearer(name)).status for name in ("ada", "bob")] == [200, 404]


def test_an_alternative_without_policies_is_enough() -> None:
    """Where the first that holds asks no policy, none is asked."""
    client = serve(keys | tokens & is_robot)
    assert client.get("/", headers={"X-API-Key": "k1"}).json == "robot"


def test_a_scheme_by_hand() -> None:
    """A handler of an open operation can ask a scheme itself."""
    app = App("Hand", settings=Settings(openapi_path=None))

    @app.resource("/")
    class Thing(Resource):
        @returns(fields.Boolean())
        def get(self) -> bool:
            return tokens.authenticate(self.request) is not None

    client = Client(app)
    assert [client.get("/", headers=headers).json for headers in ({}, bearer("ada"))] == [False, True]


def test_a_policy_for_nobody_in_particular() -> None:
    """A policy may stand alone, with no principal."""
    client = serve(is_local)
    elsewhere = {"REMOTE_ADDR": "192.0.2.1"}
    assert (client.get("/").json, client.get("/", environ=elsewhere).status) == (None, 403)


def test_a_policy_in_place_of_credentials() -> None:
    """Where credentials would have done, those whom the policy refuses are asked for them."""
    client = serve(is_local | tokens)
    elsewhere = {"REMOTE_ADDR": "192.0.2.1"}
    assert client.get("/", environ=elsewhere).status == 401
    assert client.get("/", environ=elsewhere, headers=bearer("ada")).json == "ada"
