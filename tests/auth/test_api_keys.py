"""API keys."""

from __future__ import annotations

from typing import Any

import pytest
from marshmallow import fields

from ramekin import App, Reply, Resource, Settings, accepts, returns
from ramekin.auth import APIKeys, NewKey, Principal, Requirement, anonymous, generate_key, hash_key, requires
from ramekin.errors import DeclarationError
from ramekin.testing import Client, exercise_implied

KEY = NewKey("shop_of-these-tests-alone", hash_key("shop_of-these-tests-alone"))
FOUND = {KEY.hash: Principal("robot", {"write"})}


def serve(keys: Requirement) -> Client:
    """Return a client of a resource that these keys guard, and that has a query and cookies of its own."""
    app = App("Keys", settings=Settings(openapi_path=None))

    @app.resource("/")
    @requires(keys)
    class Thing(Resource):
        @accepts(query={"n": fields.Integer()}, cookies={"c": fields.String()})
        @returns(fields.String())
        def get(self, query: Any, cookies: Any) -> str:
            return f"{self.principal and self.principal.id} {query} {cookies}"

    return Client(app)


HEADER: Any = {"headers": {"X-API-Key": KEY.key}}
QUERY: Any = {"query": {"key": KEY.key}}
COOKIE: Any = {"cookies": {"key": KEY.key}}


@pytest.mark.parametrize(
    ("place", "right", "wrong"),
    [
        ({}, HEADER, QUERY | COOKIE),
        ({"header": "x-api-key"}, HEADER, {"headers": {"X-Key": KEY.key}}),
        ({"query": "key"}, QUERY, HEADER | COOKIE),
        ({"cookie": "key"}, COOKIE, HEADER | QUERY),
    ],
)
def test_a_key_is_read_in_its_place_alone(place: Any, right: Any, wrong: Any) -> None:
    """It counts in its own place, beside what the operation reads there itself, and in no other."""
    client = serve(APIKeys(FOUND, **place))
    assert client.get("/", **right).json == "robot {} {}"
    assert client.get("/", **wrong).status == 401


def test_a_key_in_the_query_is_a_parameter_of_nobody_else() -> None:
    """The operation does not see it, and its own names are held to its schema as ever."""
    client = serve(APIKeys(FOUND, query="key"))
    assert client.get("/", query={"key": KEY.key, "n": 3}).json == "robot {'n': 3} {}"
    assert client.get("/", query={"key": KEY.key, "m": 3}).status == 422


@pytest.mark.parametrize("options", [{"query": [("key", "a"), ("key", KEY.key)]}, {"query": f"key=a&key={KEY.key}"}])
def test_a_key_given_twice(options: Any) -> None:
    """Of two keys none is chosen."""
    assert serve(APIKeys(FOUND, query="key")).get("/", **options).status == 400


def test_a_key_given_twice_in_cookies() -> None:
    """Of two cookies none is chosen."""
    result = serve(APIKeys(FOUND, cookie="key")).get("/", headers={"Cookie": f"key=a; key={KEY.key}"})
    assert result.status == 400


@pytest.mark.parametrize("key", ["x", KEY.key[:-1], KEY.key + "x", f"{KEY.key},{KEY.key}", "k" * 513, KEY.hash])
def test_bad_keys(key: str) -> None:
    """A key that is not known is refused, and so is the hash that is stored."""
    result = serve(APIKeys(FOUND)).get("/", headers={"X-API-Key": key})
    assert (result.status, result.headers["WWW-Authenticate"]) == (401, 'ApiKey realm="api"')


def test_a_query_that_is_none() -> None:
    """What cannot be read has no key in it."""
    assert serve(APIKeys(FOUND, query="key")).get("/?key=%ff").status == 401


@pytest.mark.parametrize(
    ("place", "options", "varies"),
    [
        ({"header": "x-api-key"}, HEADER, ["x-api-key"]),
        ({"query": "key"}, QUERY, []),
        ({"cookie": "key"}, COOKIE, ["Cookie"]),
    ],
)
def test_answers_are_kept_by_no_shared_cache(place: Any, options: Any, varies: list[str]) -> None:
    """Caches do not know of keys as they do of ``Authorization``, so answers say it (RFC 9111 §3.5, §5.2.2.7)."""
    headers = serve(APIKeys(FOUND, **place)).get("/", **options).headers
    assert (headers.getlist("Vary"), headers["Cache-Control"]) == (varies, "private")


@pytest.mark.parametrize(
    ("place", "options", "varies"),
    [
        ({"header": "x-api-key"}, {"headers": {"X-API-Key": "bad"}}, ["x-api-key"]),
        ({"header": "x-api-key"}, {}, ["x-api-key"]),
        ({"cookie": "key"}, {"cookies": {"key": "bad"}}, ["Cookie"]),
        ({"cookie": "key"}, {"headers": {"Cookie": "key=a; key=b"}}, ["Cookie"]),
    ],
)
@pytest.mark.parametrize(("safeguards", "caching"), [(True, "no-store"), (False, "private")])
def test_refusals_are_kept_by_no_cache(
    place: Any, options: Any, varies: list[str], caching: str, *, safeguards: bool
) -> None:
    """What the scheme itself refuses varies by the key, and is stored by nobody, as every problem is."""
    app = App("Keys", settings=Settings(openapi_path=None, security_headers=safeguards))

    @app.resource("/")
    @requires(APIKeys(FOUND, **place))
    class Thing(Resource):
        @returns(status=204)
        def get(self) -> None: ...

    result = Client(app, contract=False).get("/", **options)
    assert result.status in (400, 401)
    assert (result.headers.getlist("Vary"), result.headers.getlist("Cache-Control")) == (varies, [caching])


def test_answers_to_nobody_vary_by_the_key() -> None:
    """Where a key is not needed, the answer without one is not that for its owner."""
    client = serve(APIKeys(FOUND) | anonymous)
    headers = client.get("/").headers
    assert (headers["Vary"], headers["Cache-Control"]) == ("X-API-Key", "private")


def test_what_is_stricter_stays() -> None:
    """An answer that no cache may keep stays one, and one that all could keep does not."""
    said = {"no-store": "no-store", "public, max-age=60": "private, max-age=60"}
    keys = APIKeys(FOUND)
    app = App("Keys", settings=Settings(openapi_path=None))

    @app.resource("/")
    @requires(keys)
    class Thing(Resource):
        @accepts(query={"said": fields.String()})
        @returns(fields.String())
        def get(self, query: Any) -> Reply[str]:
            return Reply("mine", headers={"Cache-Control": query["said"]})

    for given, expected in said.items():
        assert Client(app).get("/", query={"said": given}, **HEADER).headers["Cache-Control"] == expected


def test_keys_from_a_function() -> None:
    """A function is given the hash, never the key."""
    given: list[str] = []

    def find(hash_of_key: str) -> Principal[Any] | None:
        given.append(hash_of_key)
        return FOUND.get(hash_of_key)

    assert serve(APIKeys(find)).get("/", headers={"X-API-Key": KEY.key}).status == 200
    assert given == [KEY.hash]


def test_an_async_function() -> None:
    """The function may be awaited."""

    async def find(hash_of_key: str) -> Principal[Any] | None:
        return FOUND.get(hash_of_key)

    client = serve(APIKeys(find))
    assert [client.get("/", headers={"X-API-Key": key}).status for key in (KEY.key, "x")] == [200, 401]


def test_new_keys() -> None:
    """A key has 256 random bits behind its prefix; its SHA-256 is what is stored."""
    keys = {generate_key("p").key for _ in range(100)}
    assert len(keys) == 100
    assert {(key[:2], len(key)) for key in keys} == {("p_", 45)}
    assert hash_key("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ({"header": "X-Key", "query": "key"}, "takes one place, not header and query"),
        ({"header": "X Key"}, "name of a header field"),
        ({"cookie": "a=b"}, "name of a cookie field"),
        ({"header": "Authorization"}, "belongs to other schemes"),
        ({"realm": 'a"b'}, "without quotes"),
        ({"name": "a b"}, "is a word of letters"),
    ],
)
def test_places_that_cannot_be(place: Any, message: str) -> None:
    """A place that no request has is refused when it is declared."""
    with pytest.raises(DeclarationError, match=message):
        APIKeys(FOUND, **place)


def test_the_document_describes_the_place() -> None:
    """The security scheme names where the key stands, and the description."""
    document = serve(APIKeys(FOUND, query="key", description="Ask us.")).site.document()
    expected = {"type": "apiKey", "in": "query", "name": "key", "description": "Ask us."}
    assert document["components"]["securitySchemes"] == {"keys": expected}
    assert [one["name"] for one in document["paths"]["/"]["get"]["parameters"]] == ["n", "c"]


def test_implied_outcomes_without_the_key() -> None:
    """`exercise_implied` takes the key away to meet 401, wherever the client carries it."""
    client = serve(APIKeys(FOUND)).with_headers({"X-API-Key": KEY.key})
    exercise_implied(client)
    assert {401, 422} <= {exercise.status for exercise in client.exercises}
