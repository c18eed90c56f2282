"""Bodies: messages of content, awaited on the event loop or read by a thread."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.asgi.conftest import LEFT, Server, make_scope, serve

from ramekin import App, Resource, Settings, accepts, returns
from ramekin.asgi.bodies import Body
from ramekin.bodies import Bounds
from ramekin.coroutines import LOOP
from ramekin.fields import Upload
from ramekin.limits import Limits
from ramekin.problems import BadRequest, ContentTooLarge
from ramekin.types import Message


def split(*chunks: bytes) -> list[Message]:
    """Return messages that bring chunks."""
    messages: list[Message] = [{"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks]
    return [*messages, {"type": "http.request"}]


@given(chunks=st.lists(st.binary(max_size=5), max_size=5))
def test_content_comes_together(chunks: list[bytes]) -> None:
    """However it is split, empty messages included, all of it is there."""

    async def read() -> bytes:
        return await Body(Server(split(*chunks)).receive).receive_all(Bounds(None, 100))

    assert asyncio.run(read()) == b"".join(chunks)


@pytest.mark.parametrize(
    ("length", "limit", "messages", "error"),
    [
        (3, 9, split(b"ab"), BadRequest),
        (1, 9, split(b"ab"), BadRequest),
        (None, 3, split(b"ab", b"cd"), ContentTooLarge),
        (None, 9, [split(b"ab")[0], LEFT], BadRequest),
        (0, 9, [LEFT], BadRequest),
    ],
)
def test_content_is_held_to_its_bounds(length: int, limit: int, messages: Any, error: Any) -> None:
    """It ends where it was announced to, and never passes the limit; a client that leaves has not sent it."""

    async def read() -> bytes:
        return await Body(Server(messages).receive).receive_all(Bounds(length, limit))

    with pytest.raises(error):
        asyncio.run(read())


def test_a_broken_body_stays_broken() -> None:
    """Who reads again after the client left is told again, and waits for nothing."""

    async def read_twice() -> None:
        body = Body(Server([LEFT]).receive)
        for _ in range(2):
            with pytest.raises(BadRequest):
                await body.receive()
        assert not body.has_ended

    asyncio.run(read_twice())


def test_a_thread_reads_as_much_as_it_wants() -> None:
    """What a message brings beyond that is kept for the next read."""

    async def read() -> list[bytes]:
        body = Body(Server(split(b"abc", b"de", b"f")).receive)
        LOOP.set(asyncio.get_running_loop())
        return await asyncio.to_thread(lambda: [body.read(2), body.read(2), body.read(-1), body.read(9), body.read(9)])

    assert asyncio.run(read()) == [b"ab", b"c", b"de", b"f", b""]


class Bodies(Resource):
    """Reads content in each way."""

    @returns({}, media_type="text/plain")
    def get(self) -> str:
        return "nothing"

    @accepts(json={}, required=False)
    @returns(status=204)
    async def patch(self, json: Any) -> None: ...

    @returns({}, media_type="text/plain")
    async def post(self) -> AsyncIterator[bytes]:
        async for chunk in self.request.chunks():
            yield chunk

    @returns({}, media_type="text/plain")
    async def put(self) -> bytes:
        await self.request.read_body()
        return b"".join([chunk async for chunk in self.request.chunks()])

    @accepts(files={"f": Upload()})
    @returns({}, media_type="text/plain")
    async def delete(self, files: Any) -> bytes:
        content: bytes = files["f"].read()
        return content


@pytest.fixture
def app() -> App:
    """An app with a small limit."""
    settings = Settings(openapi_path=None, docs_path=None, limits=Limits(body_bytes=10), request_gzip=True)
    app = App("Bodies", settings=settings)
    app.add_resource("/", Bodies)
    return app


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_an_async_method_reads_what_comes(app: App, method: str) -> None:
    """Chunk by chunk or whole, and again after it was read."""
    server = serve(app.asgi, make_scope(method=method), *split(b"ab", b"cd"))
    assert (server.status, server.content) == (200, b"abcd")


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_an_async_method_reads_packed_content(app: App, method: str) -> None:
    """It is unpacked within the limit."""
    scope = make_scope(method=method, headers=[("content-encoding", "gzip")])
    # The limit counts what comes, too.
    app.settings = app.settings.changed(limits=Limits(body_bytes=100))
    assert serve(app.asgi, scope, *split(gzip.compress(b"abcd"))).content == b"abcd"
    assert serve(app.asgi, scope, *split(gzip.compress(b"a" * 101))).status == 413


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_an_async_method_reads_within_the_limit(app: App, method: str) -> None:
    """What passes it is answered by a 413, whether it was announced or not."""
    for headers in ([], [("content-length", "11")]):
        assert serve(app.asgi, make_scope(method=method, headers=headers), *split(b"x" * 11)).status == 413


def test_an_async_operation_takes_no_body_where_none_is_due(app: App) -> None:
    """A body that may be left out is awaited like any other."""
    assert serve(app.asgi, make_scope(method="PATCH")).status == 204
    scope = make_scope(method="PATCH", headers=[("content-type", "application/json"), ("content-length", "2")])
    assert serve(app.asgi, scope, {"type": "http.request", "body": b"{}"}).status == 204


def test_files_are_read_by_a_thread(app: App) -> None:
    """The parser of forms waits for bytes, so an async method with files runs in a thread."""
    content = b'--x\r\nContent-Disposition: form-data; name="f"; filename="a"\r\n\r\nabc\r\n--x--\r\n'
    headers = [("content-type", "multipart/form-data; boundary=x"), ("transfer-encoding", "chunked")]
    scope = make_scope(method="DELETE", headers=headers)
    assert serve(app.asgi, scope, *split(content[:30], content[30:])).content == b"abc"
