"""The ``Authorization`` field as servers hand it over."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import fields

from ramekin import App, Resource, Settings, returns
from ramekin.auth import JWT, APIKeys, Basic, Bearer, BearerTokens, Principal, requires
from ramekin.testing import Client

SETTINGS = Settings(openapi_path=None, secret_key="a key for these tests alone")


def find(*credentials: str) -> Principal[Any] | None:
    """Know one user, by a token, by a key or by a name and a password."""
    return Principal("ada") if credentials in {("good",), ("ada", "pass:wörd")} else None


SCHEMES = {
    "bearer": Bearer(find),
    "tokens": BearerTokens(),
    "jwt": JWT("s" * 32, algorithms=["HS256"], issuer=None, audience=None),
    "basic": Basic(find),
    "keys": APIKeys(find, header="X-API-Key"),
    "cookie": APIKeys(find, cookie="key", name="cookie"),
    "query": APIKeys(find, query="key", name="query"),
}


def serve(scheme: str) -> Client:
    """Return a client of a resource that this scheme guards."""
    app = App("Credentials", settings=SETTINGS)

    @app.resource("/")
    @requires(SCHEMES[scheme])
    class Thing(Resource):
        @returns(fields.String())
        def get(self) -> str:
            return str(self.principal.id)

    return Client(app, contract=False, validate=False)


CLIENTS = {name: serve(name) for name in SCHEMES}


def send(scheme: str, authorization: str) -> Any:
    """Return the answer to this ``Authorization`` field, as latin-1 text like a server's."""
    return CLIENTS[scheme].get("/", environ={"HTTP_AUTHORIZATION": authorization})


def encode(text: str | bytes) -> str:
    """Return the Basic credentials of a text."""
    return "Basic " + b64encode(text.encode() if isinstance(text, str) else text).decode()


@pytest.mark.parametrize("value", ["Bearer good", "bearer good", "BEARER  good", "Bearer good "])
def test_good_tokens(value: str) -> None:
    """The scheme's name has no case, and space around the token is none of it (RFC 9110 §11.4)."""
    assert send("bearer", value).json == "ada"


@pytest.mark.parametrize("value", ["", "Basic good", "Digest username=x, realm=y", "good", "Bearer\tgood", "(x) good"])
def test_no_token(value: str) -> None:
    """What is no bearer token is none at all: 401 without an error code (RFC 6750 §3.1)."""
    result = send("bearer", value)
    assert (result.status, result.headers["WWW-Authenticate"]) == (401, 'Bearer realm="api"')


@pytest.mark.parametrize(
    "value",
    [
        "Bearer",
        "Bearer ",
        "Bearer a b",
        "Bearer =",
        'Bearer "x"',
        "Bearer tök",
        "Bearer a=b",
        "Bearer good,",
        "Bearer a,b c",
    ],
)
def test_malformed_tokens(value: str) -> None:
    """A token of another form is an invalid request."""
    result = send("bearer", value)
    assert (result.status, result.headers["WWW-Authenticate"]) == (401, 'Bearer realm="api", error="invalid_request"')


@pytest.mark.parametrize("value", ["Bearer nobody", "Bearer good=", "Bearer " + "a" * 8_000])
def test_bad_tokens(value: str) -> None:
    """A token that nobody knows is an invalid one."""
    result = send("bearer", value)
    assert (result.status, result.headers["WWW-Authenticate"]) == (401, 'Bearer realm="api", error="invalid_token"')


@pytest.mark.parametrize(
    "value",
    [
        "Bearer good,Bearer good",
        "Bearer good, Bearer bad",
        "Basic good,Bearer good",
        ",Bearer good",
        "Digest username=x, realm=y,Bearer good",
        "Bearer good,Digest username=x",
    ],
)
def test_two_fields(value: str) -> None:
    """Two ``Authorization`` lines, which servers join by a comma, are answered by 400 (RFC 9110 §5.3)."""
    assert [send(scheme, value).status for scheme in ("bearer", "tokens", "jwt", "basic")] == [400] * 4


def test_two_fields_under_asgi() -> None:
    """ASGI has the lines one by one, and they are as bad."""
    line = b"authorization", b"Bearer good"
    assert [ask_asgi([line]), ask_asgi([line, line]), ask_asgi([])] == [200, 400, 401]


def ask_asgi(headers: list[tuple[bytes, bytes]]) -> int:
    """Return the status that an ASGI server gets for these header lines."""
    messages: list[Any] = []
    scope: dict[str, Any] = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
    }
    scope |= {"path": "/", "raw_path": b"/", "query_string": b"", "root_path": "", "headers": headers}

    async def send(message: Any) -> None:
        messages.append(message)

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def call() -> None:
        await CLIENTS["bearer"].app.asgi(scope, receive, send)

    asyncio.run(call())
    return int(messages[0]["status"])


@pytest.mark.parametrize("query", ["access_token=good", "token=good", "bearer=good", "key=good"])
def test_a_token_is_read_nowhere_else(query: str) -> None:
    """A token in the query or in a cookie is not seen."""
    assert CLIENTS["bearer"].get(f"/?{query}", headers={"Cookie": query}).status == 401


@pytest.mark.parametrize("field", ["Proxy-Authorization", "X-Authorization", "X-Forwarded-Authorization"])
def test_other_fields_hold_no_token(field: str) -> None:
    """Only ``Authorization`` is read."""
    assert CLIENTS["bearer"].get("/", headers={field: "Bearer good"}).status == 401


def test_basic_credentials() -> None:
    """Name and password are UTF-8, and the password may hold colons (RFC 7617 §2)."""
    assert send("basic", encode("ada:pass:wörd")).json == "ada"


@pytest.mark.parametrize("text", ["ada", "ada:pass\0", "ada\n:x", b"\xff:x", ""])
def test_malformed_basic_credentials(text: str | bytes) -> None:
    """Credentials without a colon, with control characters or in no UTF-8 are malformed."""
    result = send("basic", encode(text))
    assert (result.status, result.problem["detail"]) == (401, "The credentials are malformed.")


@pytest.mark.parametrize("value", ["Basic", "Basic !", "Basic YWRh", "Basic YWRhOng=x", "Basic ÄÖ"])
def test_basic_credentials_in_no_base64(value: str) -> None:
    """What is no base64 is malformed."""
    assert send("basic", value).problem["detail"] == "The credentials are malformed."


def test_unknown_users_and_wrong_passwords_are_one() -> None:
    """The answer does not say which users exist."""
    bodies = [send("basic", encode(text)).problem for text in ("ada:wrong", "eve:wrong")]
    for body in bodies:
        body.pop("request_id")
    assert bodies[0] == bodies[1]


VALUES = st.one_of(
    st.text(st.characters(max_codepoint=255)),
    st.builds(
        "{} {}".format, st.sampled_from(["Bearer", "Basic", "bearer"]), st.text(st.characters(max_codepoint=255))
    ),
    st.builds("Bearer {}".format, st.from_regex(r"\A[A-Za-z0-9._~+/-]+(\.[A-Za-z0-9_-]+){0,3}=*\Z")),
    st.binary().map(encode),
)


@given(value=VALUES)
@pytest.mark.parametrize("scheme", ["bearer", "tokens", "jwt", "basic"])
def test_no_value_is_let_in_by_chance(scheme: str, value: str) -> None:
    """Whatever the field holds is answered by 401 or 400, and never by an error of the server."""
    assert send(scheme, value).status in (400, 401)


@given(value=st.text(st.characters(max_codepoint=255)))
@pytest.mark.parametrize("scheme", ["keys", "cookie", "query"])
def test_no_key_is_let_in_by_chance(scheme: str, value: str) -> None:
    """Whatever stands in the place of a key is answered by 401 or 400."""
    environ = {"HTTP_X_API_KEY": value, "HTTP_COOKIE": value, "QUERY_STRING": f"key={value}"}
    assert CLIENTS[scheme].get("/", environ=environ).status in (400, 401)
