"""Sending: content piece by piece, what was opened closed whatever happens, the record written."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from marshmallow import fields
from tests.asgi.conftest import Server, make_scope, serve

from ramekin import App, Request, Resource, Settings, returns
from ramekin.types import Message


class Streams(Resource):
    """Streams of each kind; the path says what becomes of them."""

    closed: list[str]

    @returns(fields.String(), media_type="text/plain")
    def get(self, how: str) -> Iterator[str]:
        try:
            yield "a"
            yield ""
            if how == "broken":
                raise OSError("disk")
            yield "b"
        finally:
            self.closed.append("source")
            if how == "stuck":
                raise KeyError("stuck")

    @returns(fields.String(), media_type="text/plain")
    async def post(self, how: str) -> AsyncIterator[str]:
        try:
            yield "a"
            await asyncio.sleep(0)
            yield ""
            if how == "broken":
                raise OSError("disk")
            yield "b"
        finally:
            await asyncio.sleep(0)
            self.closed.append("source")
            if how == "stuck":
                raise KeyError("stuck")

    @returns(fields.String(), media_type="text/plain")
    async def put(self, how: str) -> Any:
        return iter(["a", "b"])


@pytest.fixture
def closed() -> list[str]:
    """What was closed."""
    return []


@pytest.fixture(params=["none", "plain", "async"])
def app(request: pytest.FixtureRequest, closed: list[str]) -> App:
    """An app that streams, without a teardown, with a plain one, with an async one."""
    seen = closed

    class Mine(Streams):
        closed = seen

    app = App("Streams", settings=Settings(openapi_path=None, docs_path=None))
    app.add_resource("/<how>", Mine)
    if request.param == "plain":
        app.teardown(lambda request, error: seen.append(f"teardown {type(error).__name__}"))
    elif request.param == "async":

        @app.teardown
        async def note(request: Request, error: Exception | None) -> None:
            await asyncio.sleep(0)
            seen.append(f"teardown {type(error).__name__}")

    return app


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_content_is_sent_piece_by_piece(app: App, closed: list[str], method: str) -> None:
    """Each chunk is a message; one that is empty is none. What was opened is closed after the last."""
    server = serve(app.asgi, make_scope("/well", method))
    assert [message.get("body") for message in server.sent[1:]] == [b"a", b"b", b""]
    assert closed in (["source"], ["source", "teardown NoneType"])


def test_plain_content_of_an_async_method_is_made_in_a_thread(app: App) -> None:
    """It may wait for each chunk, which would hold up the event loop."""
    assert serve(app.asgi, make_scope("/well", "PUT")).content == b"ab"


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_content_that_breaks_off_is_logged(
    app: App, closed: list[str], method: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A bug of the app, an OSError too, is in the log and passes to the server, which gives up the connection."""
    with caplog.at_level(logging.ERROR, "ramekin.error"), pytest.raises(OSError, match="disk"):
        serve(app.asgi, make_scope("/broken", method))
    assert [record.getMessage() for record in caplog.records] == [f"Unhandled OSError in {method.lower()}Mine"]
    assert closed in (["source"], ["source", "teardown OSError"])


class LeftServer(Server):
    """A server whose client has left when the app sends, as the specification has it."""

    def __init__(self, after: int) -> None:
        super().__init__()
        self._after = after

    async def send(self, message: Message) -> None:
        """Take some messages, and no more."""
        if len(self.sent) == self._after:
            raise BrokenPipeError("the client has left")
        await super().send(message)


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("after", [0, 1, 2])
def test_a_client_that_has_left_is_no_error(
    app: App, closed: list[str], method: str, after: int, caplog: pytest.LogCaptureFixture
) -> None:
    """What the server raises then ends the response in silence, and what was opened is closed."""

    async def run() -> None:
        server = LeftServer(after)
        await app.asgi(make_scope("/well", method), server.receive, server.send)

    asyncio.run(run())
    assert closed in (["source"], ["source", "teardown NoneType"])
    assert caplog.records == []


@pytest.mark.parametrize(("method", "sent"), [("GET", 2), ("POST", 2), ("HEAD", 0)])
def test_each_request_has_its_record(app: App, method: str, sent: int, caplog: pytest.LogCaptureFixture) -> None:
    """The access log counts the bytes of content."""
    with caplog.at_level(logging.INFO, "ramekin.access"):
        serve(app.asgi, make_scope("/well", method))
        serve(app.asgi, make_scope("/well/else"))
    written = [(record.__dict__["status"], record.__dict__["bytes"]) for record in caplog.records]
    assert written == [(200, sent), (404, written[1][1])]
    assert written[1][1] > 100


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_what_cannot_be_closed_stops_no_teardown(
    app: App, closed: list[str], method: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The error of a source that is closed shows, and the rest is closed nevertheless."""
    with caplog.at_level(logging.ERROR, "ramekin.error"), pytest.raises(KeyError, match="stuck"):
        serve(app.asgi, make_scope("/stuck", method))
    assert closed in (["source"], ["source", "teardown KeyError"])


@pytest.mark.parametrize("path", ["/well", "/stuck"])
def test_head_closes_what_it_does_not_send(
    app: App, closed: list[str], path: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A stream is begun for its head, then closed; what fails then is logged, for the head is right."""
    server = serve(app.asgi, make_scope(path, "HEAD"))
    assert (server.status, server.content, closed[0]) == (200, b"", "source")
    assert len(caplog.records) == (path == "/stuck")
