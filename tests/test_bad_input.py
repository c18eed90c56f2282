"""What bad input, faults and attackers get, line by line; the order of the tests is that of the list of rules."""

from __future__ import annotations

import gzip
import hmac
import io
import json
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from marshmallow import EXCLUDE, INCLUDE, RAISE, Schema, fields, validate

from ramekin import App, Limits, Reply, Request, Resource, Settings, accepts, limits, returns, signing
from ramekin.auth import APIKeys, Basic, BearerTokens, Principal, hash_key, public, requires
from ramekin.fields import Upload
from ramekin.schemas import compile_reader
from ramekin.sessions import sessions
from ramekin.signing import BadToken, Signer
from ramekin.testing import Client
from ramekin.testing.results import Result

NO_PAGES = Settings(openapi_path=None, docs_path=None)
JSON = "application/json"
OPTIONAL_STRING = fields.String(metadata={"optional": True})


@pytest.fixture
def app() -> App:
    """An app with one resource for each way in."""
    app = App("Ways in", settings=NO_PAGES)

    @app.resource("/values")
    class Values(Resource):
        @accepts(json=fields.Raw(allow_none=True))
        @returns(fields.Raw(allow_none=True))
        def post(self, json: Any) -> Any:
            return json

    @app.resource("/items")
    class Items(Resource):
        @accepts(json={"n": fields.Integer(required=True, validate=validate.Range(min=0)), "s": fields.String()})
        @returns({"n": fields.Integer(), "s": OPTIONAL_STRING}, status=201)
        def post(self, json: dict[str, Any]) -> dict[str, Any]:
            return json

        @accepts(json={"n": fields.Integer()})
        @returns({"n": fields.Integer()})
        def patch(self, json: dict[str, Any]) -> dict[str, Any]:
            return json

        @accepts(query={"q": fields.String(), "size": fields.Integer(validate=validate.Range(1, 100))})
        @returns({"q": OPTIONAL_STRING, "size": fields.Integer(metadata={"optional": True})})
        def get(self, query: dict[str, Any]) -> dict[str, Any]:
            return query

    @app.resource("/items/<int:number>")
    class Item(Resource):
        @returns(fields.Integer())
        def get(self, number: int) -> int:
            return number

    @app.resource("/names/<name>")
    class Name(Resource):
        @returns(fields.String())
        def get(self, name: str) -> str:
            return name

    @app.resource("/folder/")
    class Folder(Resource):
        @returns(fields.String())
        def get(self) -> str:
            return "folder"

    @app.resource("/moves")
    class Moves(Resource):
        @accepts(query={"to": fields.String(required=True), "header": fields.String(load_default="X-To")})
        @returns(status=204)
        def get(self, query: dict[str, Any]) -> Reply[None]:
            return Reply(headers={query["header"]: query["to"]})

    @app.resource("/numbers")
    class Numbers(Resource):
        @returns({"x": fields.Raw()})
        def get(self) -> dict[str, float]:
            return {"x": float("nan")}

    return app


def post(client: Client, content: bytes | str, path: str = "/values", **headers: str) -> Result:
    """Send content as JSON."""
    return client.post(path, content=content, content_type=JSON, headers=headers)


# -- JSON body ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[1,]",
        b"{'a': 1}",
        b"NaN",
        b"[Infinity]",
        b"-Infinity",
        b"1e400",
        b'"\\q"',
        b'"\\ud800"',
        b'"\xff"',
        b'"\xc0\x80"',
        '"a"'.encode("utf-16"),
        '"a"'.encode("utf-32"),
        b"",
        b" ",
        b'{"a": 1, "a": 2}',
        b"[" * 65 + b"]" * 65,
        b"[" * 100_000,
        b"[" + b"0," * 100_000 + b"0]",
        b"1" * 65,
    ],
    ids=lambda body: repr(body[:12]),
)
def test_malformed_json_is_400(client: Client, body: bytes) -> None:
    """What is no JSON text within the limits is answered by 400, and nothing of it is repeated."""
    result = post(client, body)
    assert (result.status, result.problem["code"]) == (400, "bad-request")


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b"\xef\xbb\xbf[1]", [1]),
        (b"18446744073709551617", 18446744073709551617),
        (b"1" * 64, int("1" * 64)),
        (b"-0.0", -0.0),
        (b"null", None),
        (b"[" * 64 + b"]" * 64, json.loads("[" * 64 + "]" * 64)),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_unusual_json_is_taken(client: Client, body: bytes, value: Any) -> None:
    """A byte order mark, exact integers and the deepest allowed nesting arrive as they are."""
    assert post(client, body).json == value


def test_duplicate_keys_are_switchable(app: App) -> None:
    """Where `unique_keys` is off the last member of a name counts."""
    client = Client(app, settings=NO_PAGES.changed(unique_keys=False))
    assert post(client, b'{"a": 1, "a": 2}').json == {"a": 2}


def test_wrong_shape_is_422_with_all_faults(client: Client) -> None:
    """Every fault of shape, type and range is reported at once, each with its pointer."""
    result = client.post("/items", json={"n": -1, "s": 7, "extra": True})
    assert result.status == 422
    assert {error["pointer"] for error in result.problem["errors"]} == {"/n", "/s", "/extra"}


@pytest.mark.parametrize("status", [204, 413])
def test_a_body_costs_twice_its_limit_at_most(status: int) -> None:
    """Memory stays within twice the limit and 8 MB, for bodies that are taken and for those that are not."""
    import tracemalloc

    limit = 16_000_000
    app = App("Heavy", settings=NO_PAGES.changed(limits=Limits(body_bytes=limit)))

    @app.resource("/")
    class Heavy(Resource):
        @accepts(json=fields.String())
        @returns(status=204)
        def post(self, json: str) -> None: ...

    client = Client(app)
    source = Source(b'"' + b"x" * (limit - 2 if status == 204 else 2 * limit) + b'"')
    tracemalloc.start()
    try:
        assert chunked(client, source, "/").status == status
        assert tracemalloc.get_traced_memory()[1] <= 2 * limit + 8_000_000
    finally:
        tracemalloc.stop()


def test_at_most_a_hundred_faults_are_reported(client: Client) -> None:
    """The list of faults ends at the limit."""
    result = client.post("/items", json={f"x{number}": 1 for number in range(500)})
    assert len(result.problem["errors"]) == 100


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_422_never_repeats_a_value_json_cannot_carry(client: Client, value: float) -> None:
    """A query value that looks like NaN gets an ordinary 422."""
    result = client.get("/items", query={"size": str(value)})
    assert (result.status, result.problem["errors"][0]["pointer"]) == (422, "/size")


@pytest.mark.parametrize("name", ["x" * 5000, "é" * 5000, "a/b~c", "\x00\n"])
def test_names_are_repeated_at_200_characters_at_most(client: Client, name: str) -> None:
    """A name of the input appears in a problem cut short."""
    result = client.post("/items", json={"n": 1, name: 1})
    assert result.status == 422
    assert all(len(error["pointer"]) <= 2 * 201 + 1 for error in result.problem["errors"])
    assert name[:201].encode() not in result.content or len(name) <= 200


def test_values_of_the_input_are_not_repeated(client: Client) -> None:
    """A problem repeats no value."""
    assert b"my secret" not in client.post("/items", json={"n": "my secret"}).content


def test_a_long_body_is_413_before_reading(app: App) -> None:
    """A Content-Length over the limit is refused with nothing read."""
    source = Source(b"[1]")
    result = Client(app).post("/values", content_type=JSON, environ={"CONTENT_LENGTH": "1048577", "wsgi.input": source})
    assert (result.status, source.calls) == (413, 0)


@pytest.mark.parametrize("length", ["1" * 19, "9" * 40])
def test_an_enormous_length_is_413(client: Client, length: str) -> None:
    """Digits of any number are a length."""
    assert client.post("/values", content_type=JSON, environ={"CONTENT_LENGTH": length}).status == 413


class Source(io.BytesIO):
    """A server's stream that counts the calls."""

    calls = 0

    def read(self, size: int | None = -1, /) -> bytes:
        """Count and read."""
        self.calls += 1
        return super().read(size)


def chunked(client: Client, source: Any, path: str = "/values") -> Result:
    """Send a body without a length, as servers hand over chunked ones."""
    environ = {"wsgi.input": source, "wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}
    return client.post(path, content_type=JSON, environ=environ)


def test_a_long_chunked_body_is_413(client: Client) -> None:
    """A body without a length is refused as soon as it passes the limit, the rest unread."""
    source = Source(b"[" + b" " * 5_000_000 + b"]")
    assert chunked(client, source).status == 413
    assert source.tell() <= 1_048_576 + 65_536


def test_a_limit_of_the_operation_counts() -> None:
    """An operation's own limit is obeyed by every reader of the body."""
    app = App("Short", settings=NO_PAGES.changed(limits=Limits(body_bytes=100)))

    @app.resource("/")
    class Short(Resource):
        @limits(body_bytes=10)
        @accepts(json=fields.Raw())
        @returns(fields.Raw())
        def post(self, json: Any) -> Any:
            return json

    client = Client(app)
    assert [post(client, b" " * spaces + b"1", "/").status for spaces in (9, 10)] == [200, 413]
    assert [chunked(client, Source(b" " * spaces + b"1"), "/").status for spaces in (9, 10)] == [200, 413]


# -- Type and coding ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/jsonx",
        "json",
        "application/json; charset=latin-1",
        "application/json; charset=utf-16",
        "+json",
        "application/json, text/html",
    ],
)
def test_a_wrong_content_type_is_415(client: Client, content_type: str) -> None:
    """A content type that is missing, wrong or of another charset is refused, and the right ones are named."""
    result = client.post("/values", content=b"[1]", content_type=content_type)
    assert (result.status, result.headers["Accept-Post"]) == (415, JSON)


def test_a_wrong_patch_type_names_accept_patch(client: Client) -> None:
    """PATCH names what it takes in Accept-Patch (RFC 5789)."""
    result = client.patch("/items", content=b"{}", content_type="text/plain")
    assert (result.status, result.headers["Accept-Patch"]) == (415, JSON)


@pytest.mark.parametrize(
    "content_type",
    [
        "Application/JSON",
        "application/vnd.books+json",
        "application/json;charset=UTF-8",
        'application/json; charset="utf-8"',
    ],
)
def test_json_types_of_any_spelling_are_taken(client: Client, content_type: str) -> None:
    """Types of the suffix +json, any letter case and UTF-8 by name are taken."""
    assert client.post("/values", content=b"[1]", content_type=content_type).json == [1]


@pytest.mark.parametrize("coding", ["gzip", "br", "deflate", "gzip, gzip", "junk"])
def test_a_content_coding_is_415(client: Client, coding: str) -> None:
    """Coded content is refused, with what is taken."""
    result = client.post(
        "/values", content=gzip.compress(b"[1]"), content_type=JSON, headers={"Content-Encoding": coding}
    )
    assert (result.status, result.headers["Accept-Encoding"]) == (415, "identity")


PACKED = gzip.compress(b"[1]")


@pytest.fixture
def gzip_client(app: App) -> Client:
    """A client of the app with gzip switched on."""
    return Client(app, settings=NO_PAGES.changed(request_gzip=True))


def post_packed(client: Client, content: bytes, coding: str = "gzip") -> Result:
    """Send coded content as JSON."""
    return client.post("/values", content=content, content_type=JSON, headers={"Content-Encoding": coding})


@pytest.mark.parametrize("coding", ["gzip", "GZIP", "x-gzip"])
def test_gzip_is_unpacked_where_switched_on(gzip_client: Client, coding: str) -> None:
    """A packed body arrives as if it had come plain."""
    assert post_packed(gzip_client, gzip.compress(b'{"a": 1}'), coding).json == {"a": 1}


def test_gzip_of_several_members_is_one_body(gzip_client: Client) -> None:
    """Members follow one another (RFC 1952 §2.2), up to a hundred."""
    assert post_packed(gzip_client, gzip.compress(b"[1,") + gzip.compress(b"2]")).json == [1, 2]
    assert post_packed(gzip_client, gzip.compress(b"") * 101).status == 400


def test_an_unpacked_limit_is_counted_while_streaming(gzip_client: Client) -> None:
    """A small body that unpacks to more than the limit is 413; just the limit is taken."""
    assert post_packed(gzip_client, gzip.compress(b"[" + b" " * 50_000_000 + b"]")).status == 413
    assert post_packed(gzip_client, gzip.compress(b" " * 1_048_575 + b"1")).json == 1


@pytest.mark.parametrize(
    "content",
    [b"no gzip", PACKED[:-9], PACKED + b"rest", PACKED[:5], b""],
    ids=["no-gzip", "cut", "more-behind", "head-alone", "empty"],
)
def test_broken_gzip_is_400(gzip_client: Client, content: bytes) -> None:
    """What is no gzip, ends early or has a wrong checksum is malformed."""
    assert post_packed(gzip_client, content).status == 400


def test_an_unknown_coding_names_gzip(gzip_client: Client) -> None:
    """Where gzip is on a 415 says so."""
    assert post_packed(gzip_client, b"x", "br").headers["Accept-Encoding"] == "gzip, identity"


# -- Framing -----------------------------------------------------------------------------------------------------------
def test_fewer_bytes_than_announced_are_400(client: Client) -> None:
    """A truncated body that happens to parse is not taken as whole."""
    result = client.post(
        "/values", content_type=JSON, environ={"CONTENT_LENGTH": "9", "wsgi.input": io.BytesIO(b"123")}
    )
    assert result.status == 400


def test_bytes_beyond_the_length_are_left(client: Client) -> None:
    """What follows the announced length is never read."""
    source = io.BytesIO(b"[1]GET / HTTP/1.1")
    result = client.post("/values", content_type=JSON, environ={"CONTENT_LENGTH": "3", "wsgi.input": source})
    assert (result.json, source.read(3)) == ([1], b"GET")


@pytest.mark.parametrize("error", [OSError("gone"), ValueError("bad chunk"), TimeoutError()])
def test_a_read_error_of_the_server_is_400(client: Client, error: Exception) -> None:
    """Whatever a server raises on a broken chunk is the client's fault, never a 500."""

    class Broken(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise error

    assert chunked(client, Broken()).status == 400


def test_a_good_chunked_body_is_served(client: Client) -> None:
    """A body without a length is read to its end."""
    assert chunked(client, io.BytesIO(b"[1, 2]")).json == [1, 2]


@pytest.mark.malformed
@pytest.mark.parametrize("length", ["-1", "+3", "3.0", "x", " 3", "٣", "0x3"])
def test_a_length_that_is_no_number_is_400(malformed_client: Client, length: str) -> None:
    """A Content-Length of anything but digits is malformed."""
    result = malformed_client.post(
        "/values", content_type=JSON, environ={"CONTENT_LENGTH": length, "wsgi.input": io.BytesIO(b"[1]")}
    )
    assert result.status == 400


def test_the_connection_is_the_servers(client: Client, protocol: str) -> None:
    """Under WSGI a refused body leaves it alone (PEP 3333); under ASGI an unread one ends it (RFC 9112 §9.6)."""
    result = client.post("/values", content_type=JSON, environ={"CONTENT_LENGTH": "99999999"})
    assert {"keep-alive", "transfer-encoding"}.isdisjoint(name.lower() for name, _ in result.headers)
    assert result.headers.get("Connection") == (None if protocol == "wsgi" else "close")


# -- URL and query -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "path", ["/names/\xff", "/names/\xc0\xaf", "/names/\xed\xa0\x80", "/names/a\x00b", "/\xff", "/\x00"]
)
def test_undecodable_paths_are_404(client: Client, path: str) -> None:
    """A path that is no UTF-8, overlong or holds a NUL is nowhere."""
    assert client.get("/", environ={"PATH_INFO": path}).status == 404


@pytest.mark.parametrize("text", ["9223372036854775808", "1" * 400, "٣", "-1", "+1", "1.0", "0x1", "1_0", " 1"])
def test_path_integers_outside_the_documented_form_are_404(client: Client, text: str) -> None:
    """A path integer is ASCII digits within 64 bits."""
    assert client.get("/", environ={"PATH_INFO": f"/items/{text}".encode().decode("latin-1")}).status == 404


@pytest.mark.parametrize("query", ["q=%ff", "q=%c0%af", "q=%ED%A0%80"])
def test_undecodable_queries_are_refused(client: Client, query: str) -> None:
    """Percent-coded bytes that are no UTF-8 are refused in a query."""
    assert client.get("/items", query=query).status in (400, 422)


@pytest.mark.parametrize("query", ["q=%", "q=%2", "q=%zz"])
def test_bad_percent_coding_never_crashes(client: Client, query: str) -> None:
    """A percent sign without two digits is malformed, or itself."""
    assert client.get("/items", query=query).status in (200, 400, 422)


def test_nul_in_a_query_is_data(client: Client) -> None:
    """A NUL in a query value is a character like others."""
    assert client.get("/items", query="q=a%00b").json == {"q": "a\x00b"}


@pytest.mark.parametrize("query", ["q=1&q=2", "unknown=1", "size=0", "size=101", "size=1e1", "size=%D9%A3"])
def test_faulty_parameters_are_422(client: Client, query: str) -> None:
    """A single parameter given twice, an unknown one, and one outside its range or form are invalid."""
    result = client.get("/items", query=query)
    assert (result.status, result.problem["errors"][0]["location"]) == (422, "query")


def test_without_a_declaration_the_query_is_ignored(client: Client) -> None:
    """An operation that declares no query takes any."""
    assert client.get("/names/a?x=1&x=2&%ff").json == "a"


def test_too_many_parameters_are_400(client: Client) -> None:
    """More pairs than the limit are refused before they are looked at."""
    assert client.get("/items", query="&".join(["q=1"] * 1001)).status == 400


@pytest.mark.parametrize("path", ["//evil.example/folder", "///folder", "/%5Cevil.example/folder", "//folder"])
def test_a_redirect_never_names_a_host(client: Client, path: str) -> None:
    """Slashes and backslashes at the start of a path make no redirect to elsewhere."""
    location = client.get("/", environ={"PATH_INFO": path}).headers.get("Location", "/")
    assert location.startswith("/")
    assert location[1:2] not in ("/", "\\")


# -- Response headers --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("value", ["a\r\nSet-Cookie: x=1", "a\nb", "a\x00b", "☃"])
def test_header_values_from_input_are_400(client: Client, value: str) -> None:
    """What declared input brings and no header field can carry is the client's fault."""
    result = client.get("/moves", query={"to": value})
    assert result.status == 400
    assert "Set-Cookie" not in result.headers


def test_header_values_from_nested_input_are_400() -> None:
    """Declared input is searched however deep the value stood."""
    app = App("Deep", settings=NO_PAGES)

    @app.resource("/")
    class Deep(Resource):
        @accepts(json={"tags": fields.List(fields.Dict())})
        @returns(status=204)
        def post(self, json: dict[str, Any]) -> Reply[None]:
            return Reply(headers={"X-Tag": f"tag {json['tags'][0]['name']}"})

    client = Client(app)
    assert [client.post("/", json={"tags": [{"name": name}]}).status for name in ("a", "a\n")] == [204, 400]


def test_a_location_is_percent_coded(client: Client) -> None:
    """Characters beyond latin-1 become percent-coded UTF-8 in a Location (RFC 3987 §3.1)."""
    result = client.get("/moves", query={"to": "/☃?a=b", "header": "Location"})
    assert (result.status, result.headers["Location"]) == (204, "/%E2%98%83?a=b")


def test_header_values_of_the_handlers_own_are_500() -> None:
    """A handler that sets a value no field can carry is at fault itself."""
    app = App("Own", settings=NO_PAGES)

    @app.resource("/")
    class Own(Resource):
        @returns(status=204)
        def get(self) -> Reply[None]:
            return Reply(headers={"X-Note": "a\r\nb"})

    assert Client(app, raise_exceptions=False).get("/").status == 500


def test_nan_in_a_value_is_500_not_null(app: App) -> None:
    """JSON out is strict: NaN is an error, never null in silence."""
    result = Client(app, raise_exceptions=False).get("/numbers")
    assert (result.status, result.problem["code"]) == (500, "internal-server-error")


# -- Cookies and sessions ----------------------------------------------------------------------------------------------
def shop(keys: tuple[str, ...] = ("the key of this month",), age: float = 0) -> Client:
    """Return a client of an app that counts visits, its keys the newest first, its clock so many seconds on."""
    app = App("Shop", settings=Settings(secret_key=keys[0], secret_key_fallbacks=keys[1:]))
    app.declare(sessions(max_age=timedelta(hours=1), clock=lambda: 1_800_000_000 + age))

    @app.resource("/visits")
    class Visits(Resource):
        @returns(fields.Integer())
        def get(self) -> Any:
            return self.session.get("visits", 0)

        @returns(fields.Integer())
        def post(self) -> Any:
            self.session["visits"] = self.session.get("visits", 0) + 1
            return self.session["visits"]

        @returns(status=204)
        def put(self) -> None:
            self.session["visits"] = "9" * 4096

        @returns(status=204)
        def patch(self) -> None:
            self.session.renew(subject="7")

        @returns(status=204)
        def delete(self) -> None: ...

    return Client(app, raise_exceptions=False, headers={"Host": "shop.example", "X-Forwarded-For": "192.0.2.1"})


def visit(client: Client) -> tuple[str, str]:
    """Begin a session, and return its cookie and the attributes."""
    cookie, _, attributes = client.post("/visits").headers["Set-Cookie"].partition("; ")
    return cookie, attributes


@pytest.mark.parametrize(
    ("options", "change"),
    [
        ({}, lambda cookie: cookie.replace("=W", "=X")),
        ({}, lambda cookie: cookie[:-5] + "AAAAA"),
        ({}, lambda cookie: cookie + "="),
        ({"age": 3600}, lambda cookie: cookie),
        ({"keys": ("the key of somebody else",)}, lambda cookie: cookie),
        ({}, lambda cookie: "__Host-session=junk"),
    ],
    ids=["tampered", "forged", "padded", "expired", "unknown-key", "junk"],
)
def test_a_bad_session_cookie_is_as_none_and_is_cleared(options: Any, change: Callable[[str], str]) -> None:
    """The client is anonymous, and rid of the cookie."""
    cookie, _ = visit(shop())
    result = shop(**options).get("/visits", headers={"Cookie": change(cookie)})
    assert (result.status, result.json) == (200, 0)
    assert result.headers["Set-Cookie"].startswith("__Host-session=; ")
    assert "Max-Age=0" in result.headers["Set-Cookie"]


def test_the_newest_key_signs_new_cookies() -> None:
    """The rotation list is not turned round: what is written with two keys is good with the newer one alone."""
    old, new = "the key of last month", "the key of this month"
    before, _ = visit(shop((old,)))
    result = shop((new, old)).post("/visits", headers={"Cookie": before})
    after = result.headers["Set-Cookie"].partition(";")[0]
    seen = [shop(keys).get("/visits", headers={"Cookie": after}).json for keys in ((new,), (old,))]
    assert (result.json, seen) == (2, [2, 0])


def test_a_session_over_4_kb_is_an_error_when_set() -> None:
    """Browsers would drop the cookie in silence."""
    assert shop().put("/visits").status == 500


def test_login_makes_a_fresh_session() -> None:
    """Nothing of the session before is left."""
    client = shop()
    cookie, _ = visit(client)
    fresh = client.patch("/visits", headers={"Cookie": cookie}).headers["Set-Cookie"].partition(";")[0]
    assert (fresh != cookie, client.get("/visits", headers={"Cookie": fresh}).json) == (True, 0)


def test_a_session_cookie_has_its_flags() -> None:
    """It is kept from scripts, other sites and plain HTTP."""
    _, attributes = visit(shop())
    assert {"HttpOnly", "SameSite=Lax", "Secure"} <= set(attributes.split("; "))


@pytest.mark.parametrize("cookie", ["", "__Host-session=junk", None], ids=["none", "bad", "good"])
def test_any_touch_of_the_session_keeps_caches_away(cookie: str | None) -> None:
    """An answer that merely looked at the session is for its own client alone."""
    given = visit(shop())[0] if cookie is None else cookie
    headers = shop().get("/visits", headers={"Cookie": given}).headers
    assert (headers["Vary"], headers["Cache-Control"]) == ("Cookie", "private")


@pytest.mark.parametrize(
    "sender", [{"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "https://evil.example"}]
)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_an_unsafe_request_of_another_origin_with_the_session_is_403(method: str, sender: dict[str, str]) -> None:
    """It is refused whether or not the handler would touch the session."""
    cookie, _ = visit(shop())
    result = shop().request(method, "/visits", headers={"Cookie": cookie, **sender})
    assert (result.status, result.problem["code"]) == (403, "cross-origin")


@pytest.mark.parametrize("carried", [{"Cookie": "key=k"}, {"Authorization": "Basic YWRhOng="}])
def test_an_unsafe_request_of_another_origin_with_what_browsers_send_unasked_is_403(carried: dict[str, str]) -> None:
    """A key in a cookie and a password are sent for whoever's page, as the session is."""
    app = App("Shop", settings=NO_PAGES)

    @app.resource("/")
    @requires(APIKeys({hash_key("k"): Principal("ada")}, cookie="key") | Basic(lambda name, word: Principal(name)))
    class Root(Resource):
        @returns(status=204)
        def post(self) -> None: ...

    senders: tuple[dict[str, str], ...] = ({}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"})
    assert [Client(app).post("/", headers={**carried, **one}).status for one in senders] == [204, 403, 403]


# -- Tokens and authorization ------------------------------------------------------------------------------------------
def test_a_salt_for_each_purpose() -> None:
    """What one purpose has signed is nothing to another: no cookie is a token, and no token is a cookie."""
    settings = Settings(secret_key="the key of this month", openapi_path=None)
    browser, tokens = sessions(), BearerTokens()
    app = App("Shop", settings=settings)
    app.declare(browser)

    @app.resource("/visits")
    class Visits(Resource):
        @public
        @returns({"name": fields.String(allow_none=True)})
        def post(self) -> Any:
            name = self.session.subject
            self.session.renew(subject="ada")
            return {"name": name}

        @requires(tokens)
        @returns(status=204)
        def get(self) -> None: ...

    cookie = Client(app).post("/visits").cookies["session"]
    token = tokens.issue(Principal("ada"), settings)

    assert Client(app).get("/visits", headers={"Authorization": f"Bearer {token}"}).status == 204
    assert Client(app).get("/visits", headers={"Authorization": f"Bearer {cookie}"}).status == 401
    assert Client(app).post("/visits", cookies={"session": cookie}).json == {"name": "ada"}
    assert Client(app).post("/visits", cookies={"session": token}).json == {"name": None}


@given(
    purpose=st.sampled_from(
        [
            "session:session",
            "session-id:session",
            "auth:tokens",
            "ramekin.own",
            "own.token:auth:tokens",
            ".own.token:auth:tokens",
        ]
    )
    | st.text(min_size=1)
)
def test_no_purpose_of_an_app_makes_a_session_or_token(purpose: str) -> None:
    """What the framework signs for itself is nothing that an app can sign, whatever it calls its purpose."""
    signer = APP_THAT_SIGNS.signer(purpose, max_age=timedelta(days=1))
    cookie, token = signer.dump([int(time.time()), "ada", {}]), signer.dump({"sub": "ada"})
    client = Client(APP_THAT_SIGNS)
    assert client.post("/", headers={"Cookie": f"session={cookie}"}).json == {"name": None}
    assert client.get("/", headers={"Authorization": f"Bearer {token}"}).status == 401


APP_THAT_SIGNS = App("Signing", settings=Settings(secret_key="the key of this month", openapi_path=None))
APP_THAT_SIGNS.declare(sessions())


@APP_THAT_SIGNS.resource("/")
class Signing(Resource):
    @public
    @returns({"name": fields.String(allow_none=True)})
    def post(self) -> Any:
        return {"name": self.session.subject}

    @requires(BearerTokens())
    @returns(status=204)
    def get(self) -> None: ...


def test_signatures_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """How long it takes to refuse a signature does not say how much of it is right."""
    compared: list[bytes] = []

    def compare(given: bytes, made: bytes) -> bool:
        compared.append(given)
        return hmac.compare_digest(given, made)

    monkeypatch.setattr(signing, "compare_digest", compare)
    signer = Signer("the key of this month", "reset", max_age=timedelta(hours=1))
    forged = signer.dump(7)[:-1] + "_"

    with pytest.raises(BadToken):
        signer.load(forged)
    assert compared == [forged.rpartition(".")[2].encode()]


class Part(Schema):
    id = fields.Integer(dump_only=True)
    name = fields.String()


class Whole(Part):
    owner = fields.String(dump_only=True, data_key="ownedBy")
    part = fields.Nested(Part)
    parts = fields.List(fields.Nested(Part(unknown=INCLUDE)))


@pytest.mark.parametrize("unknown", [RAISE, INCLUDE, EXCLUDE])
@pytest.mark.parametrize("partial", [False, True])
@pytest.mark.parametrize("coerce", [False, True])
@pytest.mark.parametrize(
    "value",
    [
        {"id": 9},
        {"ownedBy": "mallory"},
        {"owner": "mallory"},
        {"part": {"id": 9}},
        {"parts": [{"name": "a"}, {"id": 9}]},
        {"id": None},
    ],
    ids=repr,
)
def test_read_only_members_cannot_be_set(unknown: Any, partial: bool, coerce: bool, value: Any) -> None:
    """Whatever a schema does with unknown members, no read-only one of it reaches the handler by any name."""
    app = App("Parts", settings=NO_PAGES)

    @app.resource("/")
    class Parts(Resource):
        @accepts(json=Whole(unknown=unknown, partial=partial), coerce=coerce)
        @returns(fields.Raw())
        def post(self, json: Any) -> Any:
            return json

    result = Client(app).post("/", json={"name": "Ada", **value})
    assert result.status == 422 or result.json in ({"name": "Ada"}, {"name": "Ada", "part": {}})


@hypothesis_settings(max_examples=50)
@given(
    name=st.sampled_from(["id", "owner", "ownedBy"]),
    value=st.one_of(st.none(), st.booleans(), st.integers(), st.text()),
)
def test_no_value_sets_a_read_only_member(name: str, value: Any) -> None:
    """A schema that takes unknown members refuses those that it only ever writes out, whatever their value is."""
    read = compile_reader(Whole(unknown=INCLUDE), "json")
    loaded, faults = read({"name": "Ada", "more": 1, name: value})
    assert loaded is None
    assert [(fault.pointer, fault.code) for fault in faults or ()] == [(f"/{name}", "read-only")]


# -- Methods and negotiation -------------------------------------------------------------------------------------------
@pytest.mark.parametrize("path", ["/names/a", "/items", "/folder/", "/nowhere", "/folder", "/numbers", "/items?size=0"])
def test_head_is_get_without_content(app: App, path: str) -> None:
    """HEAD has the status and length of GET wherever GET is, in failures too, and no content."""
    client = Client(app, raise_exceptions=False)
    get, head = client.get(path), client.head(path)
    assert (head.status, head.content, head.headers.get("Content-Type")) == (
        get.status,
        b"",
        get.headers["Content-Type"],
    )
    if get.status < 400:
        assert head.headers.get("Content-Length", get.headers["Content-Length"]) == get.headers["Content-Length"]


def test_options_names_the_methods_and_types(client: Client) -> None:
    """OPTIONS is 204 with Allow, and with the content types of POST and PATCH."""
    result = client.options("/items")
    assert (result.status, result.content) == (204, b"")
    assert set(result.headers["Allow"].split(", ")) == {"GET", "HEAD", "POST", "PATCH", "OPTIONS"}
    assert (result.headers["Accept-Post"], result.headers["Accept-Patch"]) == (JSON, JSON)


@pytest.mark.parametrize("method", ["PUT", "DELETE", "TRACE"])
def test_other_methods_are_405_with_the_full_allow(client: Client, method: str) -> None:
    """A method that the resource lacks is refused with all that it has."""
    result = client.request(method, "/items")
    assert (result.status, result.problem["code"]) == (405, "method-not-allowed")
    assert result.headers["Allow"] == client.options("/items").headers["Allow"]


@pytest.mark.malformed
@pytest.mark.parametrize("method", ["get", "FOO", "CONNECT", "QUERY", "G\x00T", "X" * 5000])
def test_unknown_methods_are_405(malformed_client: Client, method: str) -> None:
    """Methods are case-sensitive, and one that nobody knows is not allowed."""
    assert malformed_client.get("/items", environ={"REQUEST_METHOD": method}).status == 405


@pytest.mark.parametrize("header", ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"])
def test_method_override_headers_are_ignored(client: Client, header: str) -> None:
    """No header changes the method."""
    assert client.get("/names/a", headers={header: "DELETE"}).status == 200


@pytest.mark.parametrize("accept", ["text/html", "image/*", "application/json;q=0", "application/xml, text/*;q=0.5"])
def test_an_accept_that_cannot_be_met_is_406(client: Client, accept: str) -> None:
    """Where no declared media type fits, the request is refused."""
    assert client.get("/names/a", headers={"Accept": accept}).status == 406


@pytest.mark.parametrize(
    "accept",
    [
        "*/*",
        "application/*",
        "text/html, */*;q=0.1",
        "junk",
        ";;;",
        ",",
        "application/json;q=x",
        "a/b/c",
        "\xff",
        "q=1",
    ],
)
def test_a_junk_accept_gets_the_default(client: Client, accept: str) -> None:
    """An Accept that fits, or says nothing readable, gets the declared type."""
    assert client.get("/names/a", headers={"Accept": accept}).json == "a"


# -- Several faults at once --------------------------------------------------------------------------------------------
def test_faults_are_answered_in_order(app: App) -> None:
    """A request wrong in every way is answered for the outermost fault; each mended one shows the next."""
    client = Client(app)
    request: dict[str, Any] = {
        "content": b"\xff" * 2_000_000,
        "content_type": "text/plain",
        "headers": {"Accept": "text/html", "Content-Encoding": "br"},
    }
    seen = [client.request("DELETE", "/nowhere", **request).status]
    seen.append(client.request("DELETE", "/items", **request).status)
    seen.append(client.post("/items", **request).status)
    request["headers"].pop("Accept")
    seen.append(client.post("/items", **request).status)
    request["content_type"] = JSON
    seen.append(client.post("/items", **request).status)
    request["headers"].pop("Content-Encoding")
    seen.append(client.post("/items", **request).status)
    for content in (b"\xff", b'{"n": -1}', b'{"n": 1}'):
        request["content"] = content
        seen.append(client.post("/items", **request).status)
    assert seen == [404, 405, 406, 415, 415, 413, 400, 422, 201]


def test_a_short_read_comes_before_syntax_and_faults() -> None:
    """A truncated body is 400 though another location is invalid, and the faults of all locations come together."""
    app = App("Both", settings=NO_PAGES)

    @app.resource("/")
    class Both(Resource):
        @accepts(json={"n": fields.Integer()}, query={"q": fields.Integer()}, headers={"x-n": fields.Integer()})
        @returns(status=204)
        def post(self, json: Any, query: Any, headers: Any) -> None: ...

    client = Client(app)
    short = {"CONTENT_LENGTH": "99", "wsgi.input": io.BytesIO(b"{")}
    assert client.post("/?q=x", content_type=JSON, environ=short).status == 400
    assert client.post("/?q=x", content_type=JSON, content=b"{").status == 400
    result = client.post("/?q=x", json={"n": "x"}, headers={"X-N": "x"})
    assert {error["location"] for error in result.problem["errors"]} == {"json", "query", "headers"}


def test_the_host_and_the_path_decide_nothing(client: Client) -> None:
    """A forged Host or forwarded header appears nowhere in the answer (decisions look at the matched operation)."""
    headers = {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https", "Forwarded": "host=evil.example"}
    result = client.get("/folder", headers=headers, environ={"HTTP_HOST": "evil.example/x?"})
    assert (result.status, result.headers["Location"]) == (308, "/folder/")
    assert b"evil" not in result.content


def test_a_value_that_cannot_be_written_hurts_only_its_request() -> None:
    """Lone surrogates and NaN are refused on the way in, so no stored value breaks a list for everyone."""
    stored: list[Any] = []
    app = App("Shelf", settings=NO_PAGES)

    @app.resource("/")
    class Shelf(Resource):
        @accepts(json=fields.Raw())
        @returns(status=204)
        def post(self, json: Any) -> None:
            stored.append(json)

        @returns(fields.List(fields.Raw()))
        def get(self) -> list[Any]:
            return stored

    client = Client(app)
    for body in (b'"\\udc80"', b"NaN", b"1e999", b'"ok"'):
        post(client, body, "/")
    assert client.get("/").json == ["ok"]


def test_the_digits_limit_of_the_interpreter_is_never_met(client: Client) -> None:
    """A number of more digits than `int()` takes is refused by the limit, in JSON and in text."""
    assert post(client, b"9" * 5000).status == 400
    assert client.get("/items", query={"size": "9" * 5000}).status == 422


@pytest.mark.parametrize("name", list(Limits.__dataclass_fields__))
def test_every_limit_is_one_number_for_all(name: str) -> None:
    """Each limit is an attribute of the one object and can be changed for one operation by its name."""
    assert getattr(Limits().changed(**{name: 7}), name) == 7


def test_a_before_hook_reads_the_body_within_the_limit(app: App) -> None:
    """A hook that reads the body of an unmatched request is bound by the app's limit too."""

    @app.before
    def read(request: Request) -> None:
        _ = request.body

    client = Client(app)
    assert client.post("/nowhere", content=b"x" * 2_000_000).status == 413
    assert client.post("/nowhere", content=b"x").status == 404


# -- Each limit in each kind of content

URLENCODED = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=b"


def limited_app(content_type: str, **change: int) -> App:
    """Return an app with changed limits that reads one kind of content."""
    app = App("Limited", settings=NO_PAGES.changed(limits=Limits().changed(**change)))
    text = {"n": fields.Integer(), "s": fields.String()}
    members = {**text, "o": fields.Dict()}
    body: dict[str, Any] = {JSON: {"json": members}, URLENCODED: {"form": text}}.get(
        content_type, {"form": members, "files": {"f": Upload()}}
    )

    @app.resource("/")
    class Limited(Resource):
        @accepts(query={"q": fields.List(fields.Integer())}, cookies={"c": fields.String()})
        @returns(status=204)
        def get(self, query: Any, cookies: Any) -> None: ...

        @accepts(**body)
        @returns(status=204)
        def post(self, **given: Any) -> None: ...

    return app


def part(content: bytes, name: bytes = b"n", more: bytes = b"") -> bytes:
    """Return one part of a multipart body."""
    return b'--b\r\nContent-Disposition: form-data; name="%s"\r\n%s\r\n%s\r\n' % (name, more, content)


JSON_PART = b"Content-Type: application/json\r\n"


@pytest.mark.parametrize(
    ("limit", "content_type", "content", "status"),
    [
        ("body_bytes", JSON, b'{"n": 1}' + b" " * 200, 413),
        ("body_bytes", URLENCODED, b"n=1&s=" + b"x" * 200, 413),
        ("multipart_bytes", MULTIPART, part(b"1") + part(b"x" * 200, b"s") + b"--b--\r\n", 413),
        ("json_depth", JSON, b'{"o": {"a": {"b": {"c": {}}}}}', 400),
        ("json_depth", MULTIPART, part(b'{"a": {"b": {"c": {"d": {}}}}}', b"o", JSON_PART) + b"--b--\r\n", 422),
        ("json_nodes", JSON, b'{"o": {"a": [1, 2, 3, 4, 5, 6]}}', 400),
        ("json_nodes", MULTIPART, part(b'{"a": [1, 2, 3, 4, 5, 6]}', b"o", JSON_PART) + b"--b--\r\n", 422),
        ("number_digits", JSON, b'{"n": 123456}', 400),
        ("number_digits", URLENCODED, b"n=123456", 422),
        ("number_digits", MULTIPART, part(b"123456") + b"--b--\r\n", 422),
        ("form_parts", URLENCODED, b"n=1&" * 6, 413),
        ("form_parts", MULTIPART, part(b"1") * 6 + b"--b--\r\n", 413),
        ("form_field_bytes", URLENCODED, b"s=" + b"x" * 30, 413),
        ("form_field_bytes", MULTIPART, part(b"x" * 30, b"s") + b"--b--\r\n", 413),
        ("part_header_bytes", MULTIPART, part(b"1", more=b"X: " + b"x" * 150 + b"\r\n") + b"--b--\r\n", 413),
    ],
)
def test_each_limit_holds_in_each_content(limit: str, content_type: str, content: bytes, status: int) -> None:
    """What is just taken by default is refused where the limit is small, by the status that the limit names."""
    small = {"body_bytes": 100, "multipart_bytes": 200, "form_field_bytes": 20, "part_header_bytes": 100}
    taken, refused = (
        Client(limited_app(content_type, **change)).post("/", content=content, content_type=content_type).status
        for change in ({}, {limit: small.get(limit, 4)})
    )
    assert (taken < 300 or taken == 422, refused) == (True, status)


@pytest.mark.parametrize(
    ("limit", "request_parts", "status"),
    [
        ("query_fields", {"query": "q=1&q=2&q=3&q=4&q=5"}, 400),
        ("number_digits", {"query": "q=123456"}, 422),
        ("cookie_fields", {"headers": {"Cookie": "; ".join(f"c{number}=1" for number in range(6))}}, 400),
    ],
)
def test_each_limit_holds_in_the_head(limit: str, request_parts: Any, status: int) -> None:
    """Query and cookies obey the same object."""
    taken, refused = (
        Client(limited_app(JSON, **change)).get("/", **request_parts).status for change in ({}, {limit: 4})
    )
    assert (taken, refused) == (204, status)


@pytest.mark.parametrize(
    ("body", "code"),
    [(b"", "empty"), (b"{", "syntax"), (b'{"n":1,"n":2}', "duplicate-key"), (b"[NaN]", "not-finite")],
)
def test_json_that_cannot_be_read_says_why_by_a_code(app: App, body: bytes, code: str) -> None:
    """A syntax error is a fault of the whole body, with its stable code."""
    problem = Client(app).post("/values", content=body, content_type=JSON).problem
    assert (problem["status"], problem["code"]) == (400, "bad-request")
    assert [(fault["location"], fault["pointer"], fault["code"]) for fault in problem["errors"]] == [("json", "", code)]


@pytest.mark.parametrize(
    ("way", "location", "code"),
    [
        ({"path": "/in?q=%zz"}, "query", "invalid-query"),
        ({"headers": {"Cookie": "a=1; " * 2_000}}, "cookies", "too-many-cookies"),
        ({"content": b"a=%zz"}, "form", "invalid-form"),
        ({}, "form", "empty"),
    ],
)
def test_a_location_that_cannot_be_read_says_why_by_a_code(way: dict[str, Any], location: str, code: str) -> None:
    """Broken text of any location is a fault of the whole location, with its stable code."""
    app = App("Locations", settings=NO_PAGES)

    @app.resource("/in")
    class In(Resource):
        @accepts(query={"q": fields.String()}, cookies={"a": fields.String()})
        @returns(status=204)
        def get(self, query: Any, cookies: Any) -> None:
            return None

        @accepts(form={"a": fields.String()})
        @returns(status=204)
        def post(self, form: Any) -> None:
            return None

    options = {"content_type": "application/x-www-form-urlencoded", **way}
    path = options.pop("path", "/in")
    result = Client(app).request("POST" if location == "form" else "GET", path, **options)
    assert result.status == 400
    assert [(fault["location"], fault["code"]) for fault in result.problem["errors"]] == [(location, code)]


def test_framing_has_no_fault(app: App) -> None:
    """A problem of the request as a whole has its detail alone."""
    problem = Client(app).post("/values", content=b"[1]", content_type=JSON, environ={"CONTENT_LENGTH": "9"}).problem
    assert problem["status"] == 400
    assert "errors" not in problem
