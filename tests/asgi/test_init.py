"""The ASGI gateway: where an operation runs, and what becomes of one that is given up."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextvars import ContextVar
from typing import Any

import pytest
from marshmallow import fields
from tests.asgi.conftest import Server, make_scope, serve

from ramekin import App, Reply, Request, Resource, Settings, returns
from ramekin.errors import ContractError

COLOUR: ContextVar[str] = ContextVar("colour", default="none")


class Plain(Resource):
    """Says where plain code runs."""

    @returns(fields.String())
    def get(self) -> str:
        return threading.current_thread().name

    @returns(fields.String(), media_type="text/plain")
    def post(self) -> Iterator[str]:
        yield threading.current_thread().name
        yield f" {threading.current_thread().name}"


class Later(Resource):
    """Says where async code runs."""

    @returns(fields.String())
    async def get(self) -> str:
        return threading.current_thread().name

    @returns(fields.String(), media_type="text/plain")
    async def post(self) -> AsyncIterator[str]:
        yield threading.current_thread().name

    @returns(status=204)
    async def put(self) -> None:
        COLOUR.set("red")


@pytest.fixture
def app() -> App:
    """An app whose methods say where they run."""
    app = App("Where", settings=Settings(openapi_path=None, docs_path=None))
    app.add_resource("/plain", Plain)
    app.add_resource("/later", Later)
    return app


def where(app: App, path: str, method: str = "GET") -> str:
    """Return the kind of thread that an operation ran in."""
    return serve(app.asgi, make_scope(path, method)).content.decode().strip('"').partition("_")[0]


def test_plain_code_runs_in_a_thread_and_async_code_on_the_loop(app: App) -> None:
    """Nothing that may wait holds up the loop, and nothing that awaits costs a thread."""
    assert (where(app, "/plain"), where(app, "/plain", "POST")) == ("ramekin", "ramekin")
    assert (where(app, "/later"), where(app, "/later", "POST")) == ("MainThread", "MainThread")


def test_a_plain_hook_takes_an_async_method_to_a_thread(app: App) -> None:
    """The operation begins in a thread then; its async parts still run on the loop."""
    seen: list[str] = []
    app.before(lambda request: seen.append(threading.current_thread().name.partition("_")[0]))
    assert where(app, "/later") == "MainThread"
    assert serve(app.asgi, make_scope("/nowhere")).status == 404
    assert seen == ["ramekin", "ramekin"]


def test_an_async_hook_leaves_an_async_method_on_the_loop(app: App) -> None:
    """Requests that match nothing included."""
    seen: list[str] = []

    @app.before
    async def note(request: Request) -> None:
        seen.append(threading.current_thread().name)

    assert where(app, "/later") == "MainThread"
    assert serve(app.asgi, make_scope("/nowhere", "HEAD")).status == 404
    assert seen == ["MainThread", "MainThread"]


def test_other_connections_are_refused(app: App) -> None:
    """A scope that the specification may add says what it is."""
    with pytest.raises(RuntimeError, match="not 'telnet'"):
        serve(app.asgi, {"type": "telnet"})


def test_a_server_without_lifespan_has_the_first_request_set_up(app: App) -> None:
    """It is set up once, on the server's loop, and taken down when that loop is closed."""
    log: list[str] = []

    @app.lifespan
    async def keep(shared: dict[str, Any]) -> AsyncIterator[None]:
        log.append(threading.current_thread().name)
        try:
            yield
        finally:
            log.append("down")

    async def ask_twice() -> None:
        for _ in range(2):
            server = Server()
            await app.asgi(make_scope("/later"), server.receive, server.send)
            assert server.status == 200

    asyncio.run(ask_twice())
    assert log == ["MainThread", "down"]


# -- Cancellation ------------------------------------------------------------------------------------------------------


class Slow(Resource):
    """Waits until it is told to go on."""

    begun: threading.Event
    may_end: threading.Event
    closed: list[str]

    @returns(status=204)
    async def get(self) -> None:
        self.begun.set()
        await asyncio.Event().wait()

    @returns(status=204)
    def put(self) -> None:
        self.begun.set()
        self.may_end.wait(10)

    @returns(fields.String(), media_type="text/plain")
    def post(self) -> Any:
        self.begun.set()
        self.may_end.wait(10)
        return Source(self.closed)

    @returns(fields.String(), media_type="text/plain")
    async def patch(self) -> AsyncIterator[str]:
        try:
            self.begun.set()
            await asyncio.Event().wait()
            yield ""
        finally:
            self.closed.append("source")


class Source:
    """A source whose closing fails."""

    def __init__(self, closed: list[str]) -> None:
        self._closed = closed

    def __iter__(self) -> Iterator[str]:
        yield "a"

    def close(self) -> None:
        self._closed.append("source")
        raise OSError("stuck")


def give_up(app: App, method: str, slow: type[Slow]) -> None:
    """Cancel a request while its method runs, as a server does whose time to shut down is over."""

    async def run() -> None:
        server = Server()
        task = asyncio.ensure_future(app.asgi(make_scope("/slow", method), server.receive, server.send))
        await asyncio.to_thread(slow.begun.wait, 10)
        task.cancel()
        await asyncio.sleep(0)
        slow.may_end.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert server.sent == []

    asyncio.run(run())


@pytest.mark.parametrize("hook", ["plain", "async", "none"])
@pytest.mark.parametrize(("method", "closed"), [("GET", []), ("PUT", []), ("POST", ["source"]), ("PATCH", ["source"])])
def test_a_cancelled_request_is_torn_down(app: App, hook: str, method: str, closed: list[str]) -> None:
    """Wherever it runs, what it opened is closed, in the context that it ran in."""
    seen: list[str] = []

    class Mine(Slow):
        begun, may_end, closed = threading.Event(), threading.Event(), seen

    app.add_resource("/slow", Mine)
    down: list[str] = []
    if hook == "plain":
        app.before(lambda request: COLOUR.set("red") and None)
        app.teardown(lambda request, error: down.append(COLOUR.get()))
    elif hook == "async":

        @app.before
        async def colour(request: Request) -> None:
            COLOUR.set("red")

        @app.teardown
        async def note(request: Request, error: Exception | None) -> None:
            await asyncio.sleep(0)
            down.append(COLOUR.get())

    give_up(app, method, Mine)
    assert down == ([] if hook == "none" else ["red"])
    assert sorted(set(seen)) == closed


def test_a_reply_that_does_not_fit_is_a_bug_on_the_loop_too() -> None:
    """An undeclared status of an async method is answered by a 500."""
    app = App("Wrong", settings=Settings(openapi_path=None, docs_path=None))

    @app.resource("/")
    class Wrong(Resource):
        @returns(status=204)
        async def get(self) -> Reply[Any]:
            return Reply(status=299)

    assert serve(app.asgi, make_scope()).status == 500
    debug = app.compile(app.settings.changed(debug=True))
    with pytest.raises(ContractError, match="299"):
        serve(debug.asgi, make_scope())
