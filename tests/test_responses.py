"""Replies: header fields, cookies, statuses, media types and content of every kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from marshmallow import fields

from ramekin import App, Reply, Resource, Settings, returns
from ramekin.errors import ContractError
from ramekin.responses import (
    BODILESS_STATUSES,
    Head,
    HeaderList,
    InvalidHeader,
    check_header,
    mark_private,
    status_line,
)
from ramekin.testing import Client
from ramekin.testing.results import Result

NO_PAGES = Settings(openapi_path=None, docs_path=None)


def send(handler: Callable[[Any], Any], *declared: Any, method: str = "GET") -> Result:
    """Answer one request by a function with these declarations."""
    app = App("One", settings=NO_PAGES)

    def get(self: Any) -> Any:
        return handler(self)

    for declaration in reversed(declared):
        get = declaration(get)
    app.add_resource("/", type("One", (Resource,), {"get": get}))
    return Client(app, raise_exceptions=False).request(method, "/")


# -- Header fields -----------------------------------------------------------------------------------------------------


def test_header_names_are_case_insensitive() -> None:
    """A field is found, replaced and removed in any spelling; the order and the spelling given are kept."""
    headers = HeaderList({"X-A": "1", "x-b": 2})
    headers.add("x-a", "3")
    assert (headers.get("X-a"), headers.get_all("x-A"), "X-B" in headers) == ("1", ["1", "3"], True)
    headers.set("X-a", 4.5)
    headers.remove("X-B")
    assert (list(headers), len(headers), headers.get("x-b", "none")) == ([("X-a", "4.5")], 1, "none")
    assert repr(headers) == "HeaderList([('X-a', '4.5')])"


@pytest.mark.parametrize(
    ("present", "token", "value"),
    [
        ([], "Origin", "Origin"),
        (["Accept"], "Origin", "Accept, Origin"),
        (["Accept", "Cookie"], "cookie", "Accept"),
        (["*"], "Origin", "*"),
    ],
)
def test_a_token_is_added_once(present: list[str], token: str, value: str) -> None:
    """A member joins a comma-separated field unless it is there, in any letter case."""
    headers = HeaderList([("Vary", each) for each in present])
    headers.add_token("Vary", token)
    assert headers.get("Vary") == value


@pytest.mark.parametrize("name", ["", "a b", "a:b", "é", "a\r\nb", "a\x00", None, 7, b"x"])
def test_a_name_that_is_no_token_is_refused(name: Any) -> None:
    """A field name is a token (RFC 9110 §5.1)."""
    with pytest.raises(InvalidHeader, match="must be a token"):
        HeaderList([(name, "x")])


@pytest.mark.parametrize("value", ["a\rb", "a\nb", "a\x00b", "\x1b[0m", "a\x7f", "☃"])
def test_a_value_that_would_split_is_refused(value: str) -> None:
    """Control characters and what latin-1 lacks are refused when set, and the error carries the value."""
    with pytest.raises(InvalidHeader) as caught:
        HeaderList().set("X-Note", value)
    assert caught.value.value == value


@pytest.mark.parametrize("value", [None, True, b"x", 1j])
def test_only_text_and_numbers_can_be_sent(value: Any) -> None:
    """What no field dumps has to be text or a number."""
    with pytest.raises(InvalidHeader, match="must be text or a number"):
        check_header("X-Note", value)


@settings(max_examples=200)
@given(st.text(max_size=20))
def test_no_accepted_value_can_split_a_response(value: str) -> None:
    """Whatever the text: it is refused, or goes out in latin-1 without CR, LF or NUL."""
    try:
        _, sent = check_header("X-Note", value)
    except InvalidHeader:
        return
    assert {"\r", "\n", "\x00"}.isdisjoint(sent)
    sent.encode("latin-1")


@pytest.mark.parametrize(
    "name",
    [
        "Connection",
        "keep-alive",
        "Proxy-Authenticate",
        "Proxy-Connection",
        "TE",
        "Trailer",
        "Transfer-Encoding",
        "UPGRADE",
    ],
)
def test_fields_of_the_connection_are_refused(name: str) -> None:
    """Hop-by-hop fields are the server's (PEP 3333), and the error says so."""
    with pytest.raises(InvalidHeader, match="belongs to the connection"):
        Reply(headers={name: "x"})


@pytest.mark.parametrize("name", ["Content-Length", "content-length"])
@pytest.mark.parametrize(("declared", "value"), [(returns(fields.String()), "a"), (returns(status=204), None)])
def test_a_length_of_content_in_one_piece_is_refused(name: str, declared: Any, value: Any) -> None:
    """The bytes of content in one piece are counted, never stated."""
    assert send(lambda self: Reply(value, headers={name: 3}), declared).status == 500


def test_a_length_of_a_stream_is_the_handlers() -> None:
    """A handler that knows the length of a stream may state it."""
    result = send(
        lambda self: Reply(iter([b"ab", b"c"]), headers={"Content-Length": 3}),
        returns(fields.String(), media_type="application/octet-stream"),
    )
    assert (result.content, result.headers["Content-Length"]) == (b"abc", "3")


def test_a_hook_cannot_state_a_length_either() -> None:
    """What is set on a finished reply is checked too."""
    app = App("Hooked", settings=NO_PAGES)
    app.after(lambda request, reply: reply.headers.set("Content-Length", 1))
    assert Client(app, raise_exceptions=False).get("/x").status == 500


def test_a_content_type_by_hand_is_refused() -> None:
    """The media type is declared."""
    assert send(lambda self: Reply("a", headers={"content-type": "a/b"}), returns(fields.String())).status == 500


# -- Header values of other types --------------------------------------------------------------------------------------

UUID_TEXT = "9f0c5a3e-6a0b-4a0e-8d5f-2f1b3c4d5e6f"


@pytest.mark.parametrize(
    ("field", "value", "text"),
    [
        (fields.DateTime(), datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "2026-01-02T03:04:05+00:00"),
        (fields.DateTime(format="rfc"), datetime(2026, 1, 2, tzinfo=UTC), "Fri, 02 Jan 2026 00:00:00 +0000"),
        (fields.Date(), date(2026, 1, 2), "2026-01-02"),
        (fields.UUID(), UUID(UUID_TEXT), UUID_TEXT),
        (fields.Boolean(), True, "true"),
        (fields.List(fields.Integer()), [1, 2], "1,2"),
        (fields.Integer(), 7, "7"),
        (fields.Decimal(), Decimal("1.50"), "1.50"),
        (fields.Integer(allow_none=True, metadata={"optional": True}), None, None),
        (fields.DateTime(), "2026-01-02T03:04:05Z", "2026-01-02T03:04:05Z"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_declared_field_dumps_its_value(field: Any, value: Any, text: str) -> None:
    """A header value that is no text is put into words by the field that declares it; text and numbers pass."""
    result = send(lambda self: Reply(headers={"x-value": value}), returns(status=204, headers={"X-Value": field}))
    assert (result.status, result.headers.get("X-Value")) == (204, text)


@pytest.mark.parametrize("value", [None, object(), UUID(UUID_TEXT), b"x", ["a"], True])
def test_an_undeclared_value_of_another_type_is_refused(value: Any) -> None:
    """Without a declared field only text and numbers can be sent."""
    assert send(lambda self: Reply(headers={"X-Value": value}), returns(status=204)).status == 500


@pytest.mark.parametrize(("field", "value"), [(fields.UUID(), None), (fields.DateTime(), "x\n"), (fields.Date(), 5.5j)])
def test_a_value_that_its_field_cannot_dump_is_refused(field: Any, value: Any) -> None:
    """None, control characters and what the field cannot dump are bugs."""
    result = send(lambda self: Reply(headers={"X-Value": value}), returns(status=204, headers={"X-Value": field}))
    assert result.status == 500


def test_an_undumped_value_is_replaced_and_removed() -> None:
    """`set` and `remove` see values that wait for their field."""
    headers = HeaderList({"X-A": UUID(UUID_TEXT), "X-B": None})
    headers.set("x-a", "text")
    headers.remove("x-b")
    headers.set("X-C", True)
    assert (headers.pairs, headers.undumped) == ([("x-a", "text")], {"X-C": True})


def test_a_finished_reply_takes_text_only() -> None:
    """After the dump no field is left to dump a value."""
    app = App("Hooked", settings=NO_PAGES)
    app.after(lambda request, reply: reply.headers.set("X-When", date(2026, 1, 2)))
    assert Client(app, raise_exceptions=False).get("/x").status == 500


# -- Cookies -----------------------------------------------------------------------------------------------------------


def cookie(**options: Any) -> str:
    """Return the field that a cookie becomes."""
    reply: Reply[None] = Reply()
    reply.set_cookie("a", **options)
    return reply.headers.get_all("Set-Cookie")[0]


def test_cookies_are_secure_by_default() -> None:
    """HttpOnly, SameSite=Lax, Secure and the path / stand unless they are switched off."""
    assert set(cookie(value="1").split("; ")) == {"a=1", "Secure", "HttpOnly", "Path=/", "SameSite=Lax"}
    assert cookie(value="1", secure=False, http_only=False, same_site=None, path=None) == "a=1"


def test_cookies_live_as_long_as_they_say() -> None:
    """An age is a number of seconds or a timedelta."""
    assert "Max-Age=60" in cookie(max_age=timedelta(minutes=1))
    assert "Max-Age=60" in cookie(max_age=60)
    assert "Expires=Fri, 02 Jan 2026 00:00:00 GMT" in cookie(expires=datetime(2026, 1, 2, tzinfo=UTC))


def test_cookies_stand_beside_each_other() -> None:
    """Each cookie has a field of its own."""
    reply: Reply[None] = Reply()
    reply.set_cookie("a", "1")
    reply.delete_cookie("b")
    first, second = reply.headers.get_all("Set-Cookie")
    assert first.startswith("a=1;")
    assert "Max-Age=0" in second
    assert "Expires=Thu, 01 Jan 1970" in second


def test_a_cookie_of_more_than_4096_bytes_is_refused() -> None:
    """Browsers would drop it in silence, so it is an error when set."""
    room = 4096 - len(cookie(value=""))
    assert len(cookie(value="x" * room)) == 4096
    with pytest.raises(ContractError, match="longer than 4096 bytes"):
        cookie(value="x" * (room + 1))


@pytest.mark.parametrize("name", ["", "a b", "a=b", "a;b", "é", "a\n"])
def test_a_cookie_name_that_is_no_token_is_refused(name: str) -> None:
    """A cookie's name is a token (RFC 6265bis §4.1.1)."""
    with pytest.raises(InvalidHeader, match="must be a token"):
        Reply[None]().set_cookie(name, "x")


@settings(max_examples=200)
@given(st.text(max_size=20))
def test_no_cookie_value_can_split_a_response(value: str) -> None:
    """Whatever the value: it is refused, or quoted so that it adds no attribute and no line."""
    try:
        field = cookie(value=value)
    except (ContractError, UnicodeEncodeError):
        return
    assert {"\r", "\n", "\x00"}.isdisjoint(field)
    assert len(field.split("; ")) == 5


# -- Status and content ------------------------------------------------------------------------------------------------


def test_a_plain_value_goes_out_under_the_topmost() -> None:
    """Several successes stack; a Reply says otherwise."""
    declared = returns({"a": fields.Integer()}, status=201), returns({"b": fields.Integer()})
    plain = send(lambda self: {"a": 1, "b": 2}, *declared)
    other = send(lambda self: Reply({"a": 1, "b": 2}, status=200), *declared)
    assert (plain.status, plain.json, other.status, other.json) == (201, {"a": 1}, 200, {"b": 2})


@pytest.mark.parametrize(
    ("declared", "value"),
    [
        (returns(fields.String()), Reply("a", status=201)),
        (returns(fields.String()), Reply("a", status=404)),
        (returns(fields.String()), None),
        (returns(fields.String()), Reply(None)),
        (returns(status=204), "a"),
        (returns(status=204), Reply("")),
        (returns(fields.String()), Reply("a", media_type="text/csv")),
        (returns(fields.String(), media_type="text/csv"), 7),
        (returns(fields.String(), media_type="text/csv"), {"a": "b"}),
        (returns(fields.String(), media_type="text/csv"), [1]),
        (returns(fields.String(), media_type="text/csv"), None),
    ],
)
def test_what_is_not_declared_is_a_bug(declared: Any, value: Any) -> None:
    """An undeclared status or media type, content where there is none, and none where there is some, are 500."""
    assert send(lambda self: value, declared).status == 500


def test_none_is_a_value_where_the_field_allows_it() -> None:
    """A single field that may be null sends null."""
    assert send(lambda self: None, returns(fields.String(allow_none=True))).content == b"null"


@pytest.mark.parametrize("status", [201, 202, 205, 303])
def test_no_content_has_length_zero(status: int) -> None:
    """Where the status could have content, the length says that there is none."""
    result = send(lambda self: None, returns(status=status))
    assert (result.status, result.content, result.headers["Content-Length"]) == (status, b"", "0")


@pytest.mark.parametrize("status", [204, 304])
def test_a_status_without_content_has_no_length(status: int) -> None:
    """204 and 304 send neither length nor type (RFC 9110 §8.6)."""
    result = send(lambda self: Reply(), returns(status=status))
    assert (result.status, list(result.headers)) == (status, [])


@pytest.mark.parametrize(
    ("value", "content"),
    [
        ("é,1", "é,1".encode()),
        (b"\xff\x00", b"\xff\x00"),
        (["a", b"b", ""], b"ab"),
        (lambda: (part for part in ("x", "é")), "xé".encode()),
        ("", b""),
        ([], b""),
    ],
    ids=lambda value: type(value).__name__,
)
def test_other_media_types_take_text_bytes_and_iterables(value: Any, content: bytes) -> None:
    """Text goes out in UTF-8, bytes as they are, an iterable in pieces."""
    result = send(lambda self: value() if callable(value) else value, returns(fields.String(), media_type="text/csv"))
    assert (result.content, result.headers["Content-Type"]) == (content, "text/csv; charset=utf-8")


def test_one_status_has_several_media_types() -> None:
    """A Reply names the media type; the topmost is the default."""
    declared = returns(fields.List(fields.Integer())), returns(fields.String(), media_type="text/csv")
    assert send(lambda self: [1], *declared).json == [1]
    result = send(lambda self: Reply("1,2", media_type="text/csv"), *declared)
    assert (result.text, result.media_type) == ("1,2", "text/csv")


def test_a_json_suffix_is_json() -> None:
    """A media type of the suffix +json is dumped by its schema."""
    result = send(lambda self: {"a": 1}, returns({"a": fields.Integer()}, media_type="application/hal+json"))
    assert (result.json, result.media_type) == ({"a": 1}, "application/hal+json")


class Chunks:
    """An iterable whose iterator and own `close` are both noted."""

    def __init__(self, log: list[str]) -> None:
        self.log = log

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield b"one"
            yield b"two"
        finally:
            self.log.append("iterator")

    def close(self) -> None:
        self.log.append("source")


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_stream_is_closed_with_its_source(method: str) -> None:
    """Iterator and source are closed after the last byte, and for HEAD without one."""
    log: list[str] = []
    result = send(lambda self: Chunks(log), returns(fields.String(), media_type="text/plain"), method=method)
    assert result.content == (b"onetwo" if method == "GET" else b"")
    assert log == ["iterator", "source"]


def test_head_of_a_stream_that_fails_to_close_is_answered() -> None:
    """An exception while a stream is closed for HEAD is logged only."""

    class Bad(Chunks):
        def close(self) -> None:
            raise RuntimeError

    result = send(lambda self: Bad([]), returns(fields.String(), media_type="text/plain"), method="HEAD")
    assert result.status == 200


def test_a_dropped_stream_is_closed() -> None:
    """When a hook answers something else, or fails, nobody is left to send the stream."""
    logs: list[list[str]] = [[], []]
    app = App("Dropped", settings=NO_PAGES)
    answers: list[Any] = [lambda: Reply[Any](status=204).finish_empty(), lambda: 1 / 0]
    app.after(lambda request, reply: answers[int(request.query_string)]())

    @app.resource("/")
    class Streams(Resource):
        @returns(fields.String(), media_type="text/plain")
        @returns(status=204)
        def get(self) -> Any:
            return Chunks(logs[int(self.request.query_string)])

    client = Client(app, raise_exceptions=False)
    assert [client.get("/?0").status, client.get("/?1").status] == [204, 500]
    assert logs == [["iterator", "source"]] * 2


@pytest.mark.parametrize(
    ("status", "line"),
    [(200, "200 OK"), (413, "413 Content Too Large"), (422, "422 Unprocessable Content"), (499, "499 Status")],
)
def test_a_status_line_has_a_reason(status: int, line: str) -> None:
    """The reason phrase is RFC 9110's; a status without one still has a line that servers take."""
    assert (status_line(status), Head(status, []).line) == (line, line)


def test_a_reply_shows_what_it_is() -> None:
    """The representation names status and type, never the value."""
    assert repr(Reply("secret", status=201)) == "<Reply 201 str>"
    assert {204, 205, 304} == BODILESS_STATUSES


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_header_is_a_finite_number(value: float) -> None:
    """No client could read another."""
    with pytest.raises(InvalidHeader, match="X-Ratio may be no"):
        Reply(headers={"X-Ratio": value})


def test_a_cookie_for_other_sites_is_secure() -> None:
    """Browsers drop SameSite=None without Secure (RFC 6265bis §5.7), so it is refused when it is set."""
    with pytest.raises(ContractError, match="Cookie a has same_site='None' without secure"):
        Reply().set_cookie("a", "1", same_site="None", secure=False)
    Reply().set_cookie("a", "1", same_site="None")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (None, "private"),
        ("no-store", "no-store"),
        ("private, max-age=5", "private, max-age=5"),
        ('private="X-User", max-age=5', 'private="X-User", max-age=5'),
        ("max-age=60", "private, max-age=60"),
        ("public, max-age=60, S-MaxAge=600", "private, max-age=60"),
        ("no-cache", "private, no-cache"),
    ],
)
def test_a_stricter_cache_control_is_left(given: str | None, expected: str) -> None:
    """What the app says of caching is kept, but for what lets others have the answer."""
    headers = HeaderList({} if given is None else {"Cache-Control": given})
    mark_private(headers, "Cookie")
    assert (headers.get_all("Cache-Control"), headers.get_all("Vary")) == ([expected], ["Cookie"])


@pytest.mark.parametrize(("given", "expected"), [("Accept", "Accept, Cookie"), ("*", "*"), ("cookie", "cookie")])
def test_vary_is_added_to(given: str, expected: str) -> None:
    """The answer varies by the cookie beside whatever else it varies by."""
    headers = HeaderList({"Vary": given})
    mark_private(headers, "Cookie")
    assert headers.get_all("Vary") == [expected]
