"""Cross-origin requests: which origins may call, what they may send and read."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import fields

from ramekin import App, Reply, Resource, Settings, accepts, raises, returns
from ramekin.operations import Declaration, Effects, Endpoint
from ramekin.problems import Conflict, Unauthorized
from ramekin.settings import CORS
from ramekin.steps import Exchange, Phase, Step
from ramekin.testing import Client
from ramekin.testing.results import Result

PAGE = "https://shop.example"
NAMED = CORS(origins=(PAGE, "http://localhost:3000"))


class Keyed(Declaration):
    """Wants a token and a key, whatever the method."""

    def effects(self, endpoint: Endpoint) -> Effects:
        schemes = {
            "bearer": {"type": "http", "scheme": "bearer"},
            "key": {"type": "apiKey", "in": "header", "name": "X-Key"},
            "cookie": {"type": "apiKey", "in": "cookie", "name": "session"},
        }
        return Effects(problems=(Unauthorized,), security_schemes=schemes)

    def steps(self, operation: Any, settings: Settings) -> Any:
        yield Step(phase=Phase.ADMIT, name="authentication", enter=self.refuse)

    def refuse(self, exchange: Exchange) -> None:
        if exchange.request.header("authorization") is None:
            raise Unauthorized(headers={"WWW-Authenticate": "Bearer"})


@pytest.fixture
def app() -> App:
    """An app with a collection, a guarded thing, and a resource that answers OPTIONS by itself."""
    app = App("Shop")

    @app.resource("/books")
    class Books(Resource):
        @accepts(headers={"if_none_match": fields.String()})
        @returns(fields.String(), headers={"ETag": fields.String(), "Expires": fields.String()})
        def get(self, headers: Any) -> Reply[str]:
            return Reply("a", headers={"ETag": '"1"', "Expires": "0"})

        @accepts(json={"title": fields.String()})
        @raises(Conflict)
        @returns(fields.String(), status=201)
        def post(self, json: Any) -> str:
            if json:
                raise Conflict(headers={"Retry-After": "3"})
            raise RuntimeError

    @app.resource("/guarded/<name>")
    @Keyed()
    @returns(status=204)
    class Guarded(Resource):
        def delete(self, name: str) -> None: ...

        def options(self, name: str) -> None: ...

    return app


def with_cors(app: App, cors: CORS = NAMED, **settings: Any) -> Client:
    return Client(app, settings=Settings(cors=cors, **settings), raise_exceptions=False)


def allowed(result: Result) -> dict[str, str]:
    return {
        name.removeprefix("Access-Control-"): value
        for name, value in result.headers
        if name.startswith("Access-Control-")
    }


def preflight(client: Client, path: str, method: str = "GET", origin: str = PAGE, **headers: str) -> Result:
    return client.options(path, headers={"Origin": origin, "Access-Control-Request-Method": method, **headers})


# -- Origins -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("origin", NAMED.origins)
def test_a_named_origin_may_read(app: App, origin: str) -> None:
    """The answer to a page of a named origin names it, and the header fields that the operation declares."""
    result = with_cors(app).get("/books", headers={"Origin": origin})

    assert allowed(result) == {"Allow-Origin": origin, "Expose-Headers": "ETag"}
    assert result.headers["Vary"] == "Origin"


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "",
        "*",
        "https://shop.example.evil.example",
        "https://evilshop.example",
        "https://evil.example/https://shop.example",
        "https://api.shop.example",
        "http://shop.example",
        "https://shop.example:8443",
        "https://shop.example:443",
        "https://SHOP.example",
        "https://shop.example/",
        "https://shop.example, https://evil.example",
        "http://localhost",
        "shop.example",
    ],
)
def test_another_origin_gets_no_header(app: App, origin: str) -> None:
    """Null, a suffix, a prefix, another scheme or port: no field, and caches keep the answers apart."""
    client = with_cors(app)
    simple, asked = client.get("/books", headers={"Origin": origin}), preflight(client, "/books", origin=origin)

    assert (allowed(simple), simple.status, simple.headers["Vary"]) == ({}, 200, "Origin")
    assert (allowed(asked), asked.status, asked.headers["Vary"]) == ({}, 204, "Origin")


def test_a_request_without_origin_varies_too(app: App) -> None:
    """A cache must not give a page the answer that was given to a program."""
    result = with_cors(app).get("/books")

    assert (allowed(result), result.headers["Vary"]) == ({}, "Origin")


def test_what_a_hook_says_of_origins_does_not_count(app: App) -> None:
    """A hook that lets in whoever asks is not heard, and what it says of caches stays."""

    @app.after
    def reflect(request: Any, reply: Reply[Any]) -> None:
        reply.headers.set("Vary", "Accept")
        reply.headers.set("access-control-allow-origin", request.header("origin"))

    for origin, told in ((PAGE, [PAGE]), ("https://evil.example", [])):
        headers = with_cors(app).get("/books", headers={"Origin": origin}).headers
        assert (headers.getlist("Access-Control-Allow-Origin"), headers["Vary"]) == (told, "Accept, Origin")


def test_every_origin(app: App) -> None:
    """For all origins the answer is one, so it varies with none."""
    client = with_cors(app, CORS(origins=("*",)))

    for headers in ({"Origin": "null"}, {"Origin": "https://any.example"}):
        result = client.get("/books", headers=headers)
        assert (allowed(result)["Allow-Origin"], "Vary" in result.headers) == ("*", False)
    assert not allowed(client.get("/books"))


def test_credentials(app: App) -> None:
    """Where credentials are allowed, the answer and the preflight say so beside the one origin."""
    client = with_cors(app, CORS(origins=(PAGE,), credentials=True))

    for result in (client.get("/books", headers={"Origin": PAGE}), preflight(client, "/books")):
        assert (allowed(result)["Allow-Origin"], allowed(result)["Allow-Credentials"]) == (PAGE, "true")


def test_no_origin_is_trusted_by_default(app: App) -> None:
    """Without origins nothing is said, and OPTIONS is what it is without a page."""
    client = Client(app)

    assert not allowed(client.get("/books", headers={"Origin": PAGE}))
    assert dict(preflight(client, "/books").headers) == dict(client.options("/books").headers)


# -- Failures ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "options", "status"),
    [
        ("GET", "/nowhere", {}, 404),
        ("PUT", "/books", {}, 405),
        ("DELETE", "/guarded/a", {}, 401),
        ("GET", "/books", {"headers": {"Accept": "text/html"}}, 406),
        ("POST", "/books", {"json": {"title": "a"}}, 409),
        ("POST", "/books", {"content": b"{", "content_type": "text/plain"}, 415),
        ("POST", "/books", {"json": {"title": 3}}, 422),
        ("POST", "/books", {"json": {}}, 500),
    ],
)
def test_failures_can_be_read(app: App, method: str, path: str, options: dict[str, Any], status: int) -> None:
    """The fields stand on every failure, so that a page can tell its user what went wrong."""
    client = with_cors(app).with_headers({"Origin": PAGE})
    result = client.request(method, path, **options)

    assert (result.status, allowed(result)["Allow-Origin"], result.headers["Vary"]) == (status, PAGE, "Origin")


@pytest.mark.parametrize(
    ("method", "path", "options", "names"),
    [
        ("PUT", "/books", {}, "X-Trace, X-More, Allow"),
        ("POST", "/books", {"json": {"title": "a"}}, "X-Trace, X-More, Retry-After"),
        ("GET", "/books", {}, "ETag, X-Trace, X-More"),
        ("DELETE", "/guarded/a", {}, "X-Trace, X-More, WWW-Authenticate"),
    ],
)
def test_what_can_be_read(app: App, method: str, path: str, options: dict[str, Any], names: str) -> None:
    """A page may read declared fields, those of a problem, and those that the settings name."""
    client = with_cors(app, NAMED_MORE, request_id_header="X-Trace").with_headers({"Origin": PAGE})

    assert allowed(client.request(method, path, **options))["Expose-Headers"] == names


NAMED_MORE = CORS(origins=(PAGE,), expose_headers=("X-More", "X-TRACE"))


# -- Preflights --------------------------------------------------------------------------------------------------------


def test_a_preflight_is_told_what_there_is(app: App) -> None:
    """It gets the methods of the route, and the header fields that the operation declares, and for how long."""
    client = with_cors(app, CORS(origins=(PAGE,), allow_headers=("X-Trace",), max_age_seconds=60))
    result = preflight(client, "/books", "POST", **{"Access-Control-Request-Headers": "x-evil"})

    assert (result.status, result.content) == (204, b"")
    assert allowed(result) == {
        "Allow-Origin": PAGE,
        "Allow-Methods": "GET, POST, HEAD, OPTIONS",
        "Allow-Headers": "Content-Type, X-Trace",
        "Max-Age": "60",
    }


@pytest.mark.parametrize(
    ("path", "method", "names"),
    [
        ("/books", "GET", "If-None-Match"),
        ("/books", "HEAD", "If-None-Match"),
        ("/books", "DELETE", "If-None-Match, Content-Type"),
        ("/guarded/a", "DELETE", "Authorization, X-Key"),
        ("/docs", "GET", None),
    ],
)
def test_what_can_be_sent(app: App, path: str, method: str, names: str | None) -> None:
    """A page may send what the operation reads; asking for no method of the route, what any of its operations reads."""
    assert allowed(preflight(with_cors(app), path, method)).get("Allow-Headers") == names


def test_packed_bodies_can_be_sent(app: App) -> None:
    """Where bodies are taken in gzip, a page may say that its body is."""
    result = preflight(with_cors(app, request_gzip=True), "/books", "POST")

    assert allowed(result)["Allow-Headers"] == "Content-Type, Content-Encoding"


def test_a_preflight_of_an_unknown_path(app: App) -> None:
    """A path that is not there is 404, and one of another form is a redirect, both readable."""
    client = with_cors(app)
    found = preflight(client, "/nowhere")

    assert (found.status, allowed(found)) == (404, {"Allow-Origin": PAGE})


def test_a_preflight_needs_no_credentials(app: App) -> None:
    """A browser sends it without, so no authentication and no hook stands before it; a plain OPTIONS is as it was."""
    calls: list[str] = []
    app.before(lambda request: calls.append(request.method))
    client = with_cors(app)

    result = preflight(client, "/guarded/a", "DELETE")

    assert (result.status, allowed(result)["Allow-Methods"], calls) == (204, "DELETE, OPTIONS", [])
    assert client.options("/guarded/a").status == 401
    assert client.options("/guarded/a", headers={"Authorization": "x"}).status == 204
    assert client.options("/guarded/a", headers={"Origin": PAGE}).status == 401
    assert len(calls) == 3


def test_a_private_network_is_not_opened(app: App) -> None:
    """Nothing allows a public page to call into a private network."""
    result = preflight(with_cors(app), "/books", **{"Access-Control-Request-Private-Network": "true"})

    assert "Allow-Private-Network" not in allowed(result)


def test_a_preflight_for_another_host(app: App) -> None:
    """The host comes first, as for any request."""
    client = with_cors(app, trusted_hosts=("api.example",))

    assert preflight(client, "/books", Host="evil.example").status == 400
    assert preflight(client, "/guarded/a", Host="evil.example").status == 400
    assert preflight(client, "/books").status == 204


def test_the_request_id_stands_on_a_preflight(app: App) -> None:
    """What stands around cross-origin requests sees preflights, too."""
    result = preflight(with_cors(app, request_id_header="X-Trace"), "/books", **{"X-Trace": "abc"})

    assert result.headers["X-Trace"] == "abc"


def test_a_breach_can_be_read(app: App) -> None:
    """The fields stand on what the check of the contract answers."""
    app.after(lambda request, reply: Reply(status=204).finish_empty())

    result = with_cors(app, contract="raise").get("/books", headers={"Origin": PAGE})

    assert (result.status, allowed(result)["Allow-Origin"]) == (500, PAGE)


HOSTILE = st.text(st.characters(max_codepoint=0xFF, exclude_characters="\r\n\x00"), max_size=30) | st.sampled_from(
    [PAGE + ".evil.example", "null", "https://evil.example", "evil.example", "[::1", "//evil.example", "*"]
)


@given(
    fields=st.dictionaries(
        st.sampled_from(
            ["ORIGIN", "HOST", *(f"X_FORWARDED_{name}" for name in ("FOR", "PROTO", "HOST", "PREFIX")), "FORWARDED"]
        ),
        HOSTILE,
    ),
    method=st.sampled_from(["GET", "OPTIONS"]),
    proxies=st.sampled_from([0, 1]),
    hosts=st.sampled_from([(), ("api.example", "*.api.example")]),
)
def test_nothing_that_is_sent_opens_an_app(fields: dict[str, str], method: str, proxies: int, hosts: Any) -> None:
    """Whatever names an origin, a host or a proxy: no failure of the server, and no origin but a named one is told."""
    settings = Settings(cors=NAMED, trusted_proxies=proxies, trusted_hosts=hosts)
    environ = {f"HTTP_{name}": value for name, value in fields.items()}
    if method == "OPTIONS":
        environ["HTTP_ACCESS_CONTROL_REQUEST_METHOD"] = "POST"
    app = App("Any")
    app.add_resource("/folder/", Folder)
    client = Client(app, settings=settings, contract=False)

    for path in ("/folder/", "/folder", "/nowhere", "/openapi.json"):
        result = client.request(method, path, environ=environ)
        assert result.status < 500
        assert allowed(result).get("Allow-Origin") in (None, *NAMED.origins)
        assert not result.headers.get("Location", "/").startswith(("//", "http"))


class Folder(Resource):
    @returns(status=204)
    def get(self) -> None: ...
