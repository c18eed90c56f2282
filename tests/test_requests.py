"""The request as a handler sees it: cheap, lazy, and the same whatever brought it."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable
from typing import Any

import pytest
from marshmallow import fields

from ramekin import App, Request, Resource, Settings, returns
from ramekin.errors import RoutingError
from ramekin.testing import Client

NO_PAGES = Settings(openapi_path=None, docs_path=None)
HEX = set("0123456789abcdef")


READERS: dict[str, Callable[[Request], list[bytes]]] = {
    "body": lambda request: [request.body, request.body],
    "stream": lambda request: [request.stream.read(2), request.stream.read(), request.body],
    "both": lambda request: [request.body, request.stream.read(1), request.stream.read(), request.body],
    "none": lambda request: [],
}


@pytest.fixture
def seen() -> list[Request]:
    """The requests that were handled."""
    return []


@pytest.fixture
def app(seen: list[Request]) -> App:
    """An app that keeps what it is asked."""
    app = App("Kept", settings=NO_PAGES)

    @app.resource("/kept/<name>")
    class Kept(Resource):
        @returns(status=204)
        def get(self, name: str) -> None:
            seen.append(self.request)

        @returns(fields.Raw())
        def post(self, name: str) -> Any:
            return [len(part) for part in READERS[name](self.request)]

    return app


def test_a_request_says_what_was_sent(client: Client, seen: list[Request]) -> None:
    """Method, path, query, header fields, scheme, peer and version are those of the message."""
    environ = {"REMOTE_ADDR": "192.0.2.7", "SERVER_PROTOCOL": "HTTP/1.1"}
    client.get("/kept/é b?x=%41", headers={"X-One": "1", "Accept": "a/b, */*"}, environ=environ)
    (request,) = seen
    assert (request.method, request.path, request.query_string) == ("GET", "/kept/é b", "x=%41")
    assert (request.scheme, request.client_host, request.http_version) == ("http", "192.0.2.7", "1.1")
    assert (request.header("x-one"), request.headers["X-ONE"], request.header("x-two")) == ("1", "1", None)
    assert (request.host, request.accept, request.content_type) == ("localhost", "a/b, */*", None)
    assert request.operation is not None
    assert (request.operation.id, request.settings) == ("getKept", client.site.settings)
    assert repr(request) == "<WSGIRequest GET '/kept/é b'>"


def test_content_headers_are_headers_too(app: App) -> None:
    """Type and length are found by name, though WSGI keeps them apart."""
    found: list[Any] = []

    def look(request: Request) -> None:
        found.extend([request.header("content-type"), request.header("content-length"), request.content_length])

    app.before(look)
    Client(app).post("/kept/none", content=b"abc", content_type="text/x")
    assert found == ["text/x", "3", 3]


def test_the_mount_prefix_is_not_the_path(app: App, seen: list[Request]) -> None:
    """The prefix is known, and paths are built beneath it."""
    Client(app, script_name="/shop").get("/shop/kept/a")
    (request,) = seen
    assert (request.script_name, request.path) == ("/shop", "/kept/a")
    assert request.url_for("Kept", name="é b", n=1) == "/shop/kept/%C3%A9%20b?n=1"


def test_an_unknown_target_has_no_path(client: Client, seen: list[Request]) -> None:
    """`url_for` says what there is and what is missing."""
    client.get("/kept/a")
    with pytest.raises(RoutingError, match="Kept"):
        seen[0].url_for("Other")
    with pytest.raises(RoutingError, match="needs the values name"):
        seen[0].url_for("Kept")


@pytest.mark.parametrize(
    "name",
    [
        "method",
        "path",
        "mount_prefix",
        "query_string",
        "peer_scheme",
        "peer_host",
        "http_version",
        "headers",
        "body",
    ],
)
def test_a_gateway_answers_the_primitive_questions(name: str) -> None:
    """The base class knows no protocol."""
    with pytest.raises(NotImplementedError):
        getattr(Request(), name)
    with pytest.raises(NotImplementedError):
        Request().header("host")


# -- The request id ----------------------------------------------------------------------------------------------------


def test_ids_are_random(client: Client, seen: list[Request]) -> None:
    """Each request has 32 hexadecimal digits of its own, the same at every look; nobody is trusted by default."""
    for _ in range(2):
        client.get("/kept/a", headers={"X-Request-ID": "mine"})
    first, second = (request.id for request in seen)
    assert first != second
    assert (len(first), set(first) <= HEX, seen[0].id) == (32, True, first)


@pytest.fixture
def trusting(app: App) -> Client:
    """A client of the app that trusts a header."""
    return Client(app, settings=NO_PAGES.changed(request_id_header="X-Request-ID"), raise_exceptions=False)


@pytest.mark.parametrize("path", ["/kept/a", "/nowhere"])
def test_a_trusted_id_is_taken_and_echoed(trusting: Client, path: str) -> None:
    """Where a header is trusted its id goes back, in the problem too."""
    result = trusting.get(path, headers={"X-Request-ID": "abc-123"})
    assert result.headers["X-Request-ID"] == "abc-123"
    assert result.status == 204 or result.problem["request_id"] == "abc-123"


@pytest.mark.parametrize("given", ["", "a b", "x" * 129, "é", 'a"', "<a>", "a\tb", "a,b"])
def test_an_invalid_id_is_ignored(trusting: Client, given: str) -> None:
    """What is no short visible ASCII is replaced by a random id, not repeated."""
    echoed = trusting.get("/kept/a", headers={"X-Request-ID": given}).headers["X-Request-ID"]
    assert (len(echoed), set(echoed) <= HEX) == (32, True)


def test_problem_and_log_have_one_id(trusting: Client, caplog: pytest.LogCaptureFixture) -> None:
    """The id of the problem stands in the record of the bug and of the request."""
    with caplog.at_level(logging.INFO, "ramekin.access"):
        result = trusting.post("/kept/unknown")
    ids = {record.__dict__["request_id"] for record in caplog.records}
    assert (result.status, ids, len(caplog.records)) == (500, {result.problem["request_id"]}, 2)


# -- One request and the next ------------------------------------------------------------------------------------------


def test_nothing_of_one_request_is_seen_by_the_next(app: App, seen: list[Request]) -> None:
    """State, instance and arguments are new for each request."""
    states: list[dict[str, Any]] = []

    def note(request: Request) -> None:
        states.append(dict(request.state))
        request.state["who"] = request.path

    app.before(note)
    client = Client(app)
    for _ in range(2):
        client.get("/kept/a")
    assert states == [{}, {}]
    assert seen[0] is not seen[1]
    assert seen[1].state == {"who": "/kept/a"}


# -- The body ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("how", "lengths"), [("body", [5, 5]), ("stream", [2, 3, 0]), ("both", [5, 1, 4, 5]), ("none", [])]
)
def test_a_body_is_read_once(client: Client, how: str, lengths: list[int]) -> None:
    """The body is kept, the stream goes on where it was, and after the body the stream begins anew."""
    assert client.post(f"/kept/{how}", content=b"12345").json == lengths


def test_no_body_is_empty(client: Client) -> None:
    """Without a length and without an end there is nothing to read (PEP 3333)."""
    assert client.post("/kept/body", environ={"wsgi.input": io.BytesIO(b"abc"), "CONTENT_LENGTH": ""}).json == [0, 0]
