"""The WSGI gateway: environ in, head and content out, closed whatever happens."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from contextvars import ContextVar
from typing import Any

import pytest
from marshmallow import fields
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.test import EnvironBuilder

from ramekin import App, Resource, Settings, accepts, returns
from ramekin.testing import Client

NO_PAGES = Settings(openapi_path=None, docs_path=None)


@pytest.fixture
def closed() -> list[str]:
    """What was closed."""
    return []


@pytest.fixture
def app(closed: list[str]) -> App:
    """An app with a value, a stream and a folder."""
    app = App("Served", settings=NO_PAGES)

    @app.resource("/value/")
    class Value(Resource):
        @returns(fields.String())
        def get(self) -> str:
            return "value"

        @accepts(json=fields.Raw())
        @returns(fields.Raw())
        def post(self, json: Any) -> Any:
            return json

    @app.resource("/stream/<how>")
    class Streams(Resource):
        @returns(fields.String(), media_type="text/plain")
        def get(self, how: str) -> Iterator[str]:
            try:
                if how == "early":
                    raise RuntimeError(how)
                yield "one"
                yield "two" if how == "well" else 7  # type: ignore[misc]
            finally:
                closed.append(how)

        @returns(status=204)
        def head(self, how: str) -> None: ...

    @app.resource("/caf\u00e9")
    class Cafe(Resource):
        @returns(fields.String())
        def get(self) -> str:
            return "café"

    return app


def call(app: App, **given: Any) -> tuple[str, dict[str, str], Iterable[bytes]]:
    """Call the app with an environ made by hand, as no client would."""
    environ = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": "/",
        "wsgi.input": io.BytesIO(),
        "wsgi.url_scheme": "http",
        **given,
    }
    started: list[Any] = []

    def start_response(line: str, headers: Any, exc_info: Any = None, /) -> Any:
        started.extend([line, dict(headers)])

    content = app({key: value for key, value in environ.items() if value is not None}, start_response)
    return started[0], started[1], content


# -- Paths and redirects -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("prefix", "url", "location"),
    [
        ("", "/value", "/value/"),
        ("/shop", "/value", "/shop/value/"),
        ("", "/value?a=1&b=%20%2F", "/value/?a=1&b=%20%2F"),
        ("/caf%C3%A9", "/value", "/caf%C3%A9/value/"),
    ],
)
def test_a_folder_is_redirected_to_with_its_slash(app: App, prefix: str, url: str, location: str) -> None:
    """308 keeps method, query and mount prefix, and names no host."""
    from urllib.parse import unquote

    result = Client(app, script_name=unquote(prefix)).post(url, json=[1])
    assert (result.status, result.headers["Location"], result.content) == (308, location, b"")


def test_a_redirect_keeps_method_and_body(client: Client) -> None:
    """A client that follows sends the same once more."""
    assert client.post("/value", json=[1], follow_redirects=True).json == [1]


@pytest.mark.malformed
@pytest.mark.parametrize("query", ["\r\nX: y", "a\x00", "é", '"<>'])
def test_a_redirect_quotes_what_is_no_query(malformed_client: Client, query: str) -> None:
    """Bytes that a server should not have handed on split no response."""
    result = malformed_client.get("/value", environ={"QUERY_STRING": query})
    assert result.status == 308
    assert result.headers["Location"].removeprefix("/value/?").isascii()
    assert "X" not in result.headers


def test_paths_arrive_as_utf_8(client: Client) -> None:
    """WSGI carries bytes as latin-1 (PEP 3333); what they spell is matched, their mojibake is not."""
    assert client.get("/café").json == "café"
    assert client.get("/", environ={"PATH_INFO": "/café".encode().decode("latin-1")}).status == 200
    assert client.get("/", environ={"PATH_INFO": "/caf\xe9"}).status == 404


@pytest.mark.malformed
@pytest.mark.parametrize("path", ["/☃", "no slash", "", None, "*"])
def test_paths_that_no_server_sends_are_404(app: App, path: str | None) -> None:
    """An environ that PEP 3333 does not allow is answered, not crashed on."""
    line, _, content = call(app, PATH_INFO=path)
    assert line.startswith("404 ")
    assert b"not-found" in b"".join(content)


# -- Content and closing -----------------------------------------------------------------------------------------------


def test_content_in_one_piece_has_a_length(client: Client) -> None:
    """The gateway counts the bytes; a stream has no length."""
    assert client.get("/value/").headers["Content-Length"] == "7"
    assert "Content-Length" not in client.get("/stream/well").headers


def test_a_stream_is_sent_in_its_pieces(client: Client, closed: list[str]) -> None:
    """Each piece goes out when it is made."""
    pieces = client.get("/stream/well", stream=True).iter()
    assert (next(pieces), closed) == (b"one", [])
    assert (list(pieces), closed) == ([b"two"], ["well"])


def test_a_stream_that_fails_before_its_first_byte_is_a_500(app: App, closed: list[str]) -> None:
    """Nothing has gone out, so the client still gets a problem."""
    result = Client(app, raise_exceptions=False).get("/stream/early")
    assert (result.status, result.problem["code"], closed) == (500, "internal-server-error", ["early"])


def test_a_stream_that_fails_later_reaches_the_server(
    app: App, closed: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    """After the head is out only the server can give up the connection; the fault is logged with the request's id."""
    result = Client(app, raise_exceptions=False).get("/stream/late", stream=True)
    with pytest.raises(Exception, match="streamed int"):
        list(result.iter())
    assert closed == ["late"]
    (record,) = [record for record in caplog.records if record.name == "ramekin.error"]
    assert len(record.__dict__["request_id"]) == 32


def test_a_client_that_leaves_closes_the_generator(client: Client, closed: list[str]) -> None:
    """The generator's `finally` runs when the server closes the response early."""
    result = client.get("/stream/well", stream=True)
    pieces = result.iter()
    next(pieces)
    result.close()
    assert closed == ["well"]


def test_a_client_that_leaves_at_once_closes_the_generator(client: Client, closed: list[str]) -> None:
    """A response of which nothing was sent is closed too."""
    client.get("/stream/well", stream=True).close()
    assert closed == ["well"]


def test_a_resource_may_answer_head_itself(client: Client, closed: list[str]) -> None:
    """A `head` of the resource's own runs in the place of GET's, and its problems have no content."""
    assert client.head("/stream/well").status == 204
    assert closed == []
    assert client.head("/stream/well", headers={"Accept": "a/b"}).content == b""


def test_no_header_list_is_shared_between_responses(app: App) -> None:
    """A server or middleware that changes the head of one response changes no other."""

    def spoil(environ: Any, start_response: Any) -> Any:
        def start(line: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            headers.append(("X-Count", str(len(headers))))
            return start_response(line, headers)

        return inner(environ, start)

    inner = app.wsgi
    app.wsgi = spoil
    client = Client(app)
    for path in ("/value/", "/stream/well", "/nowhere"):
        first, second = (client.get(path).headers["X-Count"] for _ in range(2))
        assert first == second


# -- Contexts ----------------------------------------------------------------------------------------------------------

COLOUR: ContextVar[str] = ContextVar("colour", default="none")


class Coloured(Resource):
    """Sets a context variable, and shows what it found."""

    @returns(fields.String())
    def get(self) -> str:
        found = COLOUR.get()
        COLOUR.set("red")
        return found

    @returns(fields.String(), media_type="text/plain")
    def post(self) -> Iterator[str]:
        COLOUR.set(COLOUR.get() + ", red")
        yield COLOUR.get()
        COLOUR.set(COLOUR.get() + ", green")
        yield COLOUR.get()


def test_the_next_request_of_a_thread_sees_no_context_variable_of_the_last() -> None:
    """Each request runs in a copy of the thread's context, its stream and its teardown included."""
    app, seen = App("Coloured", settings=NO_PAGES), []
    app.add_resource("/", Coloured)
    app.teardown(lambda request, error: seen.append(COLOUR.get()))
    client = Client(app)
    for _ in range(2):
        assert client.get("/").json == "none"
        assert list(client.post("/", stream=True).iter()) == [b"none, red", b"none, red, green"]
    assert seen == ["red", "none, red, green"] * 2
    assert COLOUR.get() == "none"


def test_middleware_may_set_context_variables(app: App) -> None:
    """What stands around the app in the thread is seen within."""
    app = App("Coloured", settings=NO_PAGES)
    app.add_resource("/", Coloured)
    inner = app.wsgi

    def colour(environ: Any, start_response: Any) -> Iterable[bytes]:
        token = COLOUR.set("blue")
        try:
            return inner(environ, start_response)
        finally:
            COLOUR.reset(token)

    app.wsgi = colour
    assert [Client(app).get("/").json for _ in range(2)] == ["blue", "blue"]


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_what_a_server_raises_stays_its_own(app: App, method: str, caplog: pytest.LogCaptureFixture) -> None:
    """An error of ``start_response`` passes to the server that it came from: the app answers nothing in its place."""
    heads = []

    def start_response(status: str, headers: Any, exc_info: Any = None) -> Any:
        heads.append(status)
        raise ConnectionError("gone")

    for _ in range(2):
        environ = EnvironBuilder("/value/", method=method, data=b"1", content_type="application/json").get_environ()
        with pytest.raises(ConnectionError, match="gone"):
            app(environ, start_response)
    assert heads == ["200 OK", "200 OK"]
    assert not caplog.records


# -- Middleware and processes ------------------------------------------------------------------------------------------


def test_middleware_is_plain_wsgi(app: App) -> None:
    """What wraps `app.wsgi` stands between server and app."""
    app.wsgi = ProxyFix(app.wsgi, x_prefix=1)
    result = Client(app).get("/value", headers={"X-Forwarded-Prefix": "/shop"})
    assert result.headers["Location"] == "/shop/value/"


def test_two_first_requests_make_one_site(app: App) -> None:
    """The app is compiled once, however many threads ask first."""
    from concurrent.futures import ThreadPoolExecutor
    from threading import Barrier

    barrier = Barrier(8)

    def compile_at_once(_: int) -> int:
        barrier.wait()
        return id(app.compile())

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(compile_at_once, range(8)))) == 1


def test_two_apps_do_not_touch() -> None:
    """Each app has its own routes, handlers and settings."""
    one, other = App("One", settings=NO_PAGES), App("Other", settings=NO_PAGES.changed(problem_base_uri="https://a.b/"))

    class Shared(Resource):
        @returns(fields.String())
        def get(self) -> str:
            return self.url_for(Shared)

    one.add_resource("/one", Shared)
    other.add_resource("/other", Shared)
    assert (Client(one).get("/one").json, Client(other).get("/other").json) == ("/one", "/other")
    assert Client(one).get("/other").problem["type"] == "about:blank"
    assert Client(other).get("/one").problem["type"] == "https://a.b/not-found"
