"""Requests that came as a scope: what they say of themselves, and how their paths are read."""

from __future__ import annotations

from typing import Any

import pytest
from tests.asgi.conftest import LEFT, REQUEST, make_scope, serve

from ramekin import App, Resource, Settings, accepts, returns
from ramekin.asgi.requests import ASGIRequest, find_path
from ramekin.types import Message, Scope


async def receive() -> Message:
    """Give no content."""
    return REQUEST


def read(**changes: Any) -> ASGIRequest:
    """Return a request that matched no operation."""
    return ASGIRequest.make(make_scope(**changes), receive, App("Any").compile(), None)


def test_a_request_says_what_the_scope_says() -> None:
    """Each question is answered from the scope."""
    request = read(path="/a", method="PUT", query_string=b"q=\xe9", headers=[("host", "a"), ("accept", "b/c")])
    assert (request.method, request.path, request.query_string, request.scheme) == ("PUT", "/a", "q=é", "http")
    assert (request.client_host, request.http_version, request.host) == ("192.0.2.1", "1.1", "a")
    assert (request.accept, request.headers["Accept"], request.header("Accept")) == ("b/c", "b/c", "b/c")
    assert request.header("x-none") is None
    assert repr(request) == "<ASGIRequest PUT '/a'>"


def test_what_a_scope_may_leave_out_has_a_default() -> None:
    """A server need not say more than the specification asks for."""
    scope: Scope = {"type": "http", "method": "GET", "path": "", "headers": [], "client": None}
    request = ASGIRequest.make(scope, receive, App("Any").compile(), None)
    assert (request.path, request.script_name, request.query_string) == ("/", "", "")
    assert (request.scheme, request.http_version, request.client_host) == ("http", "1.1", None)


def test_several_lines_of_one_name_are_one_field() -> None:
    """Lines are joined by a comma, those of Cookie by a semicolon."""
    request = read(headers=[("a", "1"), ("cookie", "c=1"), ("a", "2"), ("cookie", "d=2"), ("content-length", "3")])
    assert (request.header("a"), request.header("cookie"), request.content_length) == ("1, 2", "c=1; d=2", 3)


@pytest.mark.parametrize(
    ("path", "raw_path", "root_path", "found"),
    [
        ("/a", b"/a", "", "/a"),
        ("", b"", "", "/"),
        ("/é", b"/%C3%A9", "", "/é"),
        ("/\ufffd", b"/%E9", "", None),
        ("/\ufffd", b"/%E9?q=1", "", None),
        ("/\ufffd", b"/%EF%BF%BD?q=%E9", "", "/\ufffd"),
        ("/\ufffd", None, "", "/\ufffd"),
        ("/api/a", b"/api/a", "/api", "/a"),
        ("/api/a", b"/api/a", "/api/", "/a"),
        ("/api", b"/api", "/api", "/"),
        ("/api/", b"/api/", "/api", "/"),
        ("/apis", b"/apis", "/api", "/apis"),
        ("/a", b"/a", "/api", "/a"),
        ("/api/\ufffd", b"/api/%E9", "/api", None),
        ("/\ufffd/a", b"/%EF%BF%BD/a", "/\ufffd", "/a"),
    ],
)
def test_paths_are_decoded_below_the_mount_prefix(
    path: str, raw_path: bytes | None, root_path: str, found: str | None
) -> None:
    """The prefix is taken off where the server left it on; None is a path that is not in UTF-8."""
    assert find_path({"path": path, "raw_path": raw_path, "root_path": root_path}) == found


def test_a_server_without_raw_paths_is_believed() -> None:
    """What the server decoded is then all there is."""
    assert find_path({"path": "/\ufffd"}) == "/\ufffd"


def test_a_path_that_is_not_in_utf_8_still_has_a_name() -> None:
    """The access log names it as the server decoded it."""
    assert read(path="/\ufffd", raw_path=b"/%E9").path == "/\ufffd"


@pytest.mark.parametrize("root_path", ["/api", "/api/", "//api"])
def test_the_mount_prefix_is_one_path(root_path: str) -> None:
    """However the server writes it, no two slashes begin it, for they would name a host."""
    assert read(root_path=root_path).script_name == "/api"


class Echo(Resource):
    """Gives back what it takes."""

    @accepts(json={})
    @returns(status=204)
    def post(self, json: Any) -> None: ...

    @returns(status=204)
    async def put(self) -> None:
        self.request.open_stream()


@pytest.fixture
def app() -> App:
    """An app that takes JSON."""
    app = App("Echo", settings=Settings(openapi_path=None, docs_path=None))
    app.add_resource("/", Echo)
    return app


def test_an_async_method_cannot_read_a_stream(app: App) -> None:
    """Reading would hold up the event loop; the error says what to do."""
    app.settings = app.settings.changed(propagate_exceptions=True)
    with pytest.raises(RuntimeError, match=r"await request.read_body\(\), or async for request.chunks\(\)"):
        serve(app.asgi, make_scope(method="PUT"))


CONTENT: Message = {"type": "http.request", "body": b"{}"}


@pytest.mark.parametrize(
    ("headers", "message", "status", "closes"),
    [
        ([("content-length", "2")], CONTENT, 204, False),
        ([("transfer-encoding", "chunked")], CONTENT, 204, False),
        ([("content-length", "3")], CONTENT, 400, False),
        ([("content-length", "1")], CONTENT, 400, False),
        ([("content-length", "9")], LEFT, 400, True),
        ([("content-length", "+2")], CONTENT, 400, True),
        ([("content-length", "2"), ("content-length", "3")], CONTENT, 400, True),
        ([("content-length", "99999999")], CONTENT, 413, True),
    ],
)
def test_content_is_counted(app: App, headers: Any, message: Message, status: int, closes: bool) -> None:
    """What is not as long as it says is refused; a connection on which some was left unread is closed."""
    scope = make_scope(method="POST", headers=[("content-type", "application/json"), *headers])
    server = serve(app.asgi, scope, message)
    assert (server.status, server.headers.get("connection")) == (status, "close" if closes else None)


def test_a_connection_of_http_2_is_not_closed(app: App) -> None:
    """There each request has a stream of its own, and the field is forbidden (RFC 9113 §8.2.2)."""
    headers = [("content-type", "application/json"), ("content-length", "99999999")]
    server = serve(app.asgi, make_scope(method="POST", headers=headers, http_version="2"), CONTENT)
    assert (server.status, "connection" in server.headers) == (413, False)
