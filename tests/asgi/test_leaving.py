"""Streams under ASGI: what runs when a client leaves, when the server stops, and what is left behind."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from marshmallow import fields
from tests.asgi.conftest import Server as AnyServer
from tests.asgi.conftest import make_scope

from ramekin import App, Request, Resource, Settings, accepts, limits, returns
from ramekin.asgi.leaving import AHEAD_BYTES, KEPT_BYTES
from ramekin.problems import BadRequest
from ramekin.streaming import streams

NO_PAGES = Settings(openapi_path=None, docs_path=None)
TEXT = returns(fields.String(), media_type="text/plain")
EVENTS = streams({"n": fields.Integer()})
EVENTS_SELDOM = streams({"n": fields.Integer()}, heartbeat=timedelta(minutes=1))
LINES = streams({"n": fields.Integer()}, "lines")

Method = Callable[[Any], Any]


def make_app(method: Method, log: list[str], declare: Any = TEXT) -> App:
    """Return an app of one stream that notes its teardown."""
    app = App("Stream", settings=NO_PAGES)
    app.add_resource("/", type("Feed", (Resource,), {"get": declare(method)}))

    @app.teardown
    async def end(request: Request, error: Exception | None) -> None:
        log.append(f"teardown {type(error).__name__}")

    return app


class Server:
    """One request to an app, as a server makes it, and what was sent."""

    def __init__(
        self, app: App, send: Callable[[Any], Awaitable[None]] | None = None, content: Iterable[bytes] = ()
    ) -> None:
        self.sent: list[bytes] = []
        self.left = asyncio.Event()
        self.got_chunk = asyncio.Event()
        self._send_more = send
        self.content = list(content)
        length = b"%d" % sum(map(len, self.content))
        headers = [(b"content-length", length), (b"content-type", b"text/plain")] if self.content else []
        scope = {"type": "http", "method": "GET", "path": "/", "headers": headers, "http_version": "1.1"}
        self.task = asyncio.ensure_future(app.asgi(scope, self._receive, self._send))

    async def _receive(self) -> Any:
        if self.content:
            return {"type": "http.request", "body": self.content.pop(0), "more_body": bool(self.content)}
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Any) -> None:
        if message["type"] == "http.response.body" and message["body"]:
            self.sent.append(message["body"])
            self.got_chunk.set()
            if self._send_more is not None:
                await self._send_more(message)


def run(serve: Callable[[], Awaitable[None]]) -> None:
    """Run a server, and see that it leaves no task behind."""

    async def run_alone() -> None:
        await serve()
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(run_alone())


def waiting_later(log: list[str]) -> Method:
    """Return an async generator that waits for ever after its first chunk."""

    async def get(self: Any) -> AsyncIterator[Any]:
        try:
            yield "first"
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            log.append("finally")

    return get


def events_later(log: list[str]) -> Method:
    """Return the same for events."""

    async def get(self: Any) -> AsyncIterator[Any]:
        try:
            yield {"n": 1}
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            log.append("finally")

    return get


@pytest.mark.parametrize(("make", "declare"), [(waiting_later, TEXT), (events_later, EVENTS)])
def test_leaving_breaks_off_what_an_async_generator_waits_for(make: Any, declare: Any) -> None:
    """Its finally runs, then the teardown, and the request ends without a fault."""
    log: list[str] = []

    async def serve() -> None:
        server = Server(make_app(make(log), log, declare))
        await server.got_chunk.wait()
        assert log == []
        server.left.set()
        await server.task

    run(serve)
    assert log == ["finally", "teardown NoneType"]


@pytest.mark.parametrize(("make", "declare"), [(waiting_later, TEXT), (events_later, EVENTS)])
def test_a_server_that_stops_has_everything_torn_down(make: Any, declare: Any) -> None:
    """Cancelled, a request ends its generator and runs its teardown, and the cancellation goes on."""
    log: list[str] = []

    async def serve() -> None:
        server = Server(make_app(make(log), log, declare))
        await server.got_chunk.wait()
        server.task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await server.task

    run(serve)
    assert log == ["finally", "teardown NoneType"]


@pytest.mark.parametrize(("make", "declare"), [(waiting_later, TEXT), (events_later, EVENTS)])
def test_a_connection_that_cannot_be_written_to_ends_the_stream(make: Any, declare: Any) -> None:
    """What a server raises of a lost client is a client that left; the generator is closed before the request ends."""
    log: list[str] = []

    async def lose(message: Any) -> None:
        raise OSError

    async def serve() -> None:
        server = Server(make_app(make(log), log, declare), lose)
        await server.task
        assert log == ["finally", "teardown NoneType"]

    run(serve)


def test_leaving_closes_a_plain_generator_after_its_chunk() -> None:
    """A thread cannot be broken off: the chunk it makes is made, and sent to nobody."""
    log: list[str] = []
    busy, free = threading.Event(), threading.Event()

    def get(self: Any) -> Iterator[str]:
        try:
            yield "first"
            busy.set()
            free.wait()
            yield "second"
            log.append("third")
        finally:
            log.append("finally")

    async def serve() -> None:
        server = Server(make_app(get, log))
        await asyncio.to_thread(busy.wait)
        server.left.set()
        for _ in range(5):
            await asyncio.sleep(0)
        assert log == []
        server.task.cancel()  # The server stops, too, while nothing can be done.
        for _ in range(5):
            await asyncio.sleep(0)
        free.set()
        with pytest.raises(asyncio.CancelledError):
            await server.task
        assert server.sent == [b"first"]

    run(serve)
    assert log == ["finally", "teardown NoneType"]


def test_a_failure_in_the_midst_breaks_the_response_off(caplog: pytest.LogCaptureFixture) -> None:
    """It is logged, given to the server, and what teardown sees."""
    log: list[str] = []

    async def get(self: Any) -> AsyncIterator[str]:
        yield "first"
        raise KeyError("late")

    async def serve() -> None:
        server = Server(make_app(get, log))
        with pytest.raises(KeyError):
            await server.task

    run(serve)
    assert log == ["teardown KeyError"]
    assert "Unhandled KeyError in getFeed" in caplog.text


@pytest.mark.parametrize(("make", "declare"), [(waiting_later, TEXT), (events_later, EVENTS)])
def test_a_request_that_is_cancelled_before_its_first_chunk_is_torn_down(make: Any, declare: Any) -> None:
    """The first chunk is waited for before anything is sent; a generator that is cancelled there is closed."""
    log: list[str] = []
    began = asyncio.Event()

    async def get(self: Any) -> AsyncIterator[Any]:
        try:
            began.set()
            await asyncio.Event().wait()
            yield None
        finally:
            log.append("finally")

    async def serve() -> None:
        server = Server(make_app(get, log, declare))
        await began.wait()
        server.task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await server.task

    run(serve)
    assert log == ["finally", "teardown NoneType"]


def test_a_generator_that_will_not_be_cancelled_is_closed() -> None:
    """One that swallows the cancellation and goes on is closed where it yields next."""
    log: list[str] = []

    async def get(self: Any) -> AsyncIterator[Any]:
        try:
            yield {"n": 1}
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                log.append("swallowed")
            yield {"n": 2}
        finally:
            log.append("finally")

    async def serve() -> None:
        server = Server(make_app(get, log, EVENTS))
        await server.got_chunk.wait()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        server.left.set()
        await asyncio.wait_for(server.task, 20)

    run(serve)
    assert log == ["swallowed", "finally", "teardown NoneType"]


def test_many_streams_leave_nothing_behind() -> None:
    """Of streams that are left at once, each is closed and torn down."""
    log: list[str] = []
    app = make_app(events_later(log), log, EVENTS)

    async def serve() -> None:
        servers = [Server(app) for _ in range(50)]
        await asyncio.gather(*(server.got_chunk.wait() for server in servers))
        for server in servers:
            server.left.set()
        await asyncio.gather(*(server.task for server in servers))

    run(serve)
    assert sorted(log) == sorted(["finally", "teardown NoneType"] * 50)


# -- Before the first chunk, and with content unread -------------------------------------------------------------------


@pytest.mark.parametrize("declare", [TEXT, LINES, EVENTS_SELDOM])
def test_leaving_before_the_first_chunk_is_noticed(declare: Any) -> None:
    """Whoever waits for the first chunk of a stream is watched, too; nothing is sent, and all is closed."""
    log: list[str] = []
    began = asyncio.Event()

    async def get(self: Any) -> AsyncIterator[Any]:
        try:
            began.set()
            await asyncio.Event().wait()
            yield None
        finally:
            await asyncio.sleep(0)
            log.append("finally")

    async def serve() -> None:
        server = Server(make_app(get, log, declare))
        await began.wait()
        server.left.set()
        await asyncio.wait_for(server.task, 20)
        assert server.sent == []

    run(serve)
    assert log == ["finally", "teardown NoneType"]


def test_a_stream_made_though_its_client_left_is_closed() -> None:
    """A handler may keep the cancellation to itself; what it gives is closed, and none of it sent."""
    log: list[str] = []
    began = asyncio.Event()

    async def chunks() -> AsyncIterator[Any]:
        try:
            yield {"n": 1}
        finally:
            log.append("finally")

    async def get(self: Any) -> Any:
        try:
            began.set()
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return chunks()

    async def serve() -> None:
        server = Server(make_app(get, log, LINES))
        await began.wait()
        server.left.set()
        await asyncio.wait_for(server.task, 20)
        assert server.sent == []

    run(serve)
    assert log == ["finally", "teardown NoneType"]


@pytest.mark.parametrize("size", [5, KEPT_BYTES, KEPT_BYTES + 1])
@pytest.mark.parametrize(("make", "declare"), [(waiting_later, TEXT), (events_later, EVENTS)])
def test_leaving_is_noticed_though_content_is_unread(make: Any, declare: Any, size: int) -> None:
    """Nobody reads what an operation does not declare, much or little, and the end comes after it."""
    log: list[str] = []

    async def serve() -> None:
        server = Server(make_app(make(log), log, declare), content=[b"x" * size, b"y", b"z"])
        await server.got_chunk.wait()
        server.left.set()
        await asyncio.wait_for(server.task, 20)

    run(serve)
    assert log == ["finally", "teardown NoneType"]


def reading_late(began: asyncio.Event) -> Method:
    """Return a stream that reads the content of its request after its first chunk."""

    async def get(self: Any) -> AsyncIterator[str]:
        if not began.is_set():
            yield "first"
            await began.wait()
        try:
            async for chunk in self.request.chunks():
                yield chunk.decode()
        except BadRequest:
            yield "broken off"

    return get


def test_content_that_is_read_late_is_kept() -> None:
    """What the watch took from the connection is what a handler reads of it, and then it reads on."""
    may_read = asyncio.Event()

    async def serve() -> None:
        server = Server(make_app(reading_late(may_read), []), content=[b"a", b"b"])
        await server.got_chunk.wait()
        may_read.set()
        await server.task
        assert server.sent == [b"first", b"a", b"b"]

    run(serve)


def test_content_that_nobody_reads_is_not_kept_for_ever() -> None:
    """A handler that reads more than is kept only after a while is told that it cannot be read to its end."""
    may_read = asyncio.Event()
    app = make_app(reading_late(may_read), [])
    app.declare(limits(body_bytes=2 * KEPT_BYTES))

    async def serve() -> None:
        server = Server(app, content=[b"x" * KEPT_BYTES, b"x", b"x"])
        await server.got_chunk.wait()
        while server.content:
            await asyncio.sleep(0)
        may_read.set()
        await server.task
        assert server.sent == [b"first", b"broken off"]

    run(serve)


def test_content_that_is_being_read_waits() -> None:
    """Once a handler reads, little more is taken from the connection than is kept, and none is lost."""
    may_read = asyncio.Event()
    may_read.set()
    content, left = [b"x" * AHEAD_BYTES] * 9, []

    async def serve() -> None:
        async def look(message: Any) -> None:
            for _ in range(10):
                await asyncio.sleep(0)
            left.append(len(server.content))

        server = Server(make_app(reading_late(may_read), []), look, content)
        await server.task
        assert server.sent == content

    run(serve)
    assert left == [6, 5, 4, 3, 2, 1, 0, 0, 0]


class Importing(Resource):
    """Streams what becomes of its content."""

    began: asyncio.Event

    @accepts(json={"n": fields.Integer()})
    @streams({"n": fields.Integer()}, "lines")
    async def post(self, json: Any) -> AsyncIterator[Any]:
        self.began.set()
        await asyncio.Event().wait()
        yield json


@pytest.mark.parametrize("is_announced", [True, False])
def test_a_stream_that_reads_its_content_is_watched_from_then_on(is_announced: bool) -> None:
    """In whatever way the content comes, it is read whole, and then the leaving breaks off what is waited for."""
    log: list[str] = []
    app = App("Import", settings=NO_PAGES)
    app.add_resource("/", Importing)
    app.teardown(lambda request, error: log.append(f"teardown {type(error).__name__}"))

    async def serve() -> None:
        Importing.began = asyncio.Event()
        server = AnyServer([{"type": "http.request", "body": b"{}"}])
        headers = [("content-type", "application/json"), *([("content-length", "2")] if is_announced else [])]
        scope = make_scope(method="POST", headers=headers)
        task = asyncio.ensure_future(app.asgi(scope, server.receive, server.send))
        await Importing.began.wait()
        server.leave()
        await asyncio.wait_for(task, 20)
        assert server.sent == []

    run(serve)
    assert log == ["teardown NoneType"]


def test_content_of_a_stream_that_is_refused_is_not_asked_for() -> None:
    """Whoever waits to be asked for it, by Expect, is answered first."""
    app = App("Import", settings=NO_PAGES)
    app.add_resource("/", Importing)
    request = {"type": "http.request", "body": b"{}"}

    async def serve() -> None:
        server = AnyServer([request])
        scope = make_scope(method="POST", headers=[("content-type", "text/plain"), ("content-length", "2")])
        await app.asgi(scope, server.receive, server.send)
        assert server.status == 415
        assert await server.receive() is request

    run(serve)


def test_content_that_breaks_off_is_no_content() -> None:
    """A stream that waits for the rest of its content ends with its client, also where the server raises that."""
    log: list[str] = []

    async def get(self: Any) -> AsyncIterator[str]:
        try:
            async for chunk in self.request.chunks():
                yield chunk.decode()
        finally:
            log.append("finally")

    async def serve() -> None:
        async def receive() -> Any:
            if not content:
                raise OSError
            return {"type": "http.request", "body": content.pop(), "more_body": True}

        server, content = AnyServer(), [b"a"]
        scope = make_scope(headers=[("content-length", "2")])
        await make_app(get, log).asgi(scope, receive, server.send)

    run(serve)
    assert log == ["finally", "teardown NoneType"]
