"""What slow clients, cancellations and streams of the other kind do to an app under ASGI: nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from threading import Event
from typing import Any

import pytest
from marshmallow import fields
from tests.asgi.conftest import Server, make_scope, serve

from ramekin import App, Request, Resource, Settings, accepts, returns
from ramekin.fields import Upload
from ramekin.streaming import streams
from ramekin.testing import Client
from ramekin.testing.client import Protocol
from ramekin.types import Message

NO_PAGES = Settings(openapi_path=None, docs_path=None)
TEXT = returns(fields.String(), media_type="text/plain")


# -- Streams of the other kind -----------------------------------------------------------------------------------------
class Mixed(Resource):
    """A plain method gives an async generator, or one that fails; an async method a plain one that takes its time."""

    @TEXT
    def get(self) -> AsyncIterator[str]:
        return self.give()

    @TEXT
    def put(self) -> AsyncIterator[str]:
        return self.fail()

    async def give(self) -> AsyncIterator[str]:
        yield "a"
        yield "b"

    async def fail(self) -> AsyncIterator[str]:
        raise ValueError
        yield "never"


@pytest.mark.parametrize("hooked", [False, True])
@pytest.mark.parametrize("spoken", ["wsgi", "asgi"])
def test_a_plain_method_may_give_an_async_generator(spoken: Protocol, hooked: bool) -> None:
    """Its chunks are sent, and one that fails at once is a 500, with steps and without."""
    app = App("Mixed", settings=NO_PAGES)
    app.add_resource("/", Mixed)
    if hooked:
        app.before(lambda request: None)
    client = Client(app, protocol=spoken, raise_exceptions=False)
    assert client.get("/").content == b"ab"
    assert client.put("/").status == 500


@pytest.mark.parametrize("declare", [TEXT, streams({"n": fields.Integer()}), streams(fields.String(), format="lines")])
def test_a_plain_generator_of_an_async_method_does_not_hold_up_the_loop(declare: Any) -> None:
    """Its first chunk, too, is made in a thread."""
    asked, go_on = Event(), Event()

    def make() -> Iterator[Any]:
        asked.set()
        go_on.wait(10)
        yield {"n": 1} if declare is not TEXT else "a"

    async def get(self: Any) -> Any:
        return make()

    async def run() -> None:
        app = App("Slow", settings=NO_PAGES)
        app.add_resource("/", type("Slow", (Resource,), {"get": declare(get)}))
        server = Server()
        task = asyncio.ensure_future(app.asgi(make_scope(), server.receive, server.send))
        await asyncio.to_thread(asked.wait, 10)  # This loop would not get here.
        go_on.set()
        await task
        assert server.status == 200

    asyncio.run(run())


# -- Slow clients ------------------------------------------------------------------------------------------------------
class Reading(Resource):
    """Plain methods that read bodies."""

    @accepts(json={"n": fields.Integer()})
    @returns({"n": fields.Integer()})
    def post(self, json: Any) -> Any:
        return json

    @accepts(files={"f": Upload()})
    @returns(fields.Integer())
    def put(self, files: Any) -> int:
        return len(files["f"].read())

    @returns(fields.Integer())
    def get(self) -> int:
        return 1


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("POST", [("content-type", "application/json"), ("transfer-encoding", "chunked")]),
        ("PUT", [("content-type", "multipart/form-data; boundary=b"), ("content-length", "1000")]),
    ],
)
def test_a_slow_client_takes_no_thread(method: str, headers: Any) -> None:
    """The only thread is free for others, while a body is yet to come."""
    app = App("Slow", settings=NO_PAGES.changed(asgi_threads=1))
    app.add_resource("/", Reading)

    async def run() -> None:
        slow = Server([{"type": "http.request", "body": b"{", "more_body": True}])
        task = asyncio.ensure_future(app.asgi(make_scope(method=method, headers=headers), slow.receive, slow.send))
        quick = Server()
        async with asyncio.timeout(10):
            await app.asgi(make_scope(), quick.receive, quick.send)
        assert quick.status == 200
        slow.leave()
        await task

    asyncio.run(run())


@pytest.mark.parametrize("size", [10, 200_000])
def test_files_are_kept_until_there_is_a_thread(size: int) -> None:
    """In memory or on disk, they are what was sent."""
    head = b'--b\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\n'
    body = head + b"x" * size + b"\r\n--b--\r\n"
    headers = [("content-type", "multipart/form-data; boundary=b"), ("content-length", str(len(body)))]
    messages: list[Message] = [
        {"type": "http.request", "body": body[:50], "more_body": True},
        {"type": "http.request", "body": body[50:]},
    ]
    app = App("Files", settings=NO_PAGES)
    app.add_resource("/", Reading)
    assert serve(app.asgi, make_scope(method="PUT", headers=headers), *messages).content == str(size).encode()


def test_files_that_are_too_long_are_refused() -> None:
    """The limit holds before there is a thread, as it does behind it."""
    app = App("Files", settings=NO_PAGES.changed(limits=NO_PAGES.limits.changed(multipart_bytes=100)))
    app.add_resource("/", Reading)
    headers = [("content-type", "multipart/form-data; boundary=b"), ("transfer-encoding", "chunked")]
    message: Message = {"type": "http.request", "body": b"x" * 101}
    assert serve(app.asgi, make_scope(method="PUT", headers=headers), message).status == 413


# -- Cancellations -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("waits", [False, True])
def test_a_cancelled_teardown_stops_no_other(waits: bool) -> None:
    """What was entered is closed, though a teardown inside is broken off."""
    app, log = App("Torn", settings=NO_PAGES), list[str]()
    app.teardown(lambda request, error: log.append("app"))

    class Torn(Resource):
        async def teardown(self, request: Request, error: Exception | None) -> None:
            log.append("begun")
            await asyncio.Event().wait()

    async def later(self: Any) -> str:
        return "a"

    def now(self: Any) -> str:
        return "a"

    app.add_resource("/", type("Own", (Torn,), {"get": returns(fields.String())(later if waits else now)}))

    async def run() -> None:
        server = Server()
        task = asyncio.ensure_future(app.asgi(make_scope(), server.receive, server.send))
        while log != ["begun"]:
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(run())
    assert log == ["begun", "app"]


@pytest.mark.parametrize("hooked", [False, True])
@pytest.mark.parametrize("spoken", ["wsgi", "asgi"])
def test_awaiting_what_was_cancelled_is_a_bug(spoken: Protocol, hooked: bool) -> None:
    """Nobody cancelled the request, so that it is answered, by a 500."""
    app = App("Cancelled", settings=NO_PAGES)
    if hooked:

        @app.before
        async def before(request: Request) -> None: ...

    @app.resource("/")
    class Cancelled(Resource):
        @returns(status=204)
        async def get(self) -> None:
            task = asyncio.create_task(asyncio.sleep(99))
            task.cancel()
            await task

    result = Client(app, protocol=spoken, raise_exceptions=False).get("/")
    assert (result.status, result.problem["code"]) == (500, "internal-server-error")


def test_a_request_that_is_cancelled_before_it_has_a_thread_never_runs() -> None:
    """Nobody would read its answer."""
    app, ran, go_on = App("Busy", settings=NO_PAGES.changed(asgi_threads=1)), list[str](), Event()

    @app.resource("/<name>")
    class Busy(Resource):
        @returns(status=204)
        def get(self, name: str) -> None:
            ran.append(name)
            go_on.wait(10)

    async def run() -> None:
        servers = Server(), Server()
        first, second = (
            asyncio.ensure_future(app.asgi(make_scope(f"/{number}"), server.receive, server.send))
            for number, server in enumerate(servers)
        )
        while not ran:
            await asyncio.sleep(0)
        second.cancel()
        with pytest.raises(asyncio.CancelledError):
            await second
        go_on.set()
        await first

    asyncio.run(run())
    assert ran == ["0"]


# -- Lifespans ---------------------------------------------------------------------------------------------------------
def test_a_set_up_that_awaits_what_was_cancelled_fails_loudly() -> None:
    """The start does not wait for ever."""
    app = App("Set up", settings=NO_PAGES)

    @app.lifespan
    async def pool(shared: dict[str, Any]) -> AsyncIterator[None]:
        task = asyncio.create_task(asyncio.sleep(99))
        task.cancel()
        await task
        yield

    with pytest.raises(RuntimeError, match="A set-up awaited something that was cancelled"):
        app.start()


def test_a_loop_that_closes_takes_down() -> None:
    """Under a server that knows no lifespans what stands after a yield runs, without a finally, and so do the stops."""
    app, log = App("Plain server", settings=NO_PAGES), list[str]()

    @app.lifespan
    async def pool(shared: dict[str, Any]) -> AsyncIterator[None]:
        yield
        log.append("take down")

    app.on_stop(lambda shared: log.append("stop"))

    @app.resource("/")
    class Root(Resource):
        @returns(status=204)
        async def get(self) -> None: ...

    assert serve(app.asgi, make_scope()).status == 204
    assert log == ["stop", "take down"]
