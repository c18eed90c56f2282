"""Async code: methods, hooks, steps, providers and exception handlers may each be plain or ``async def``."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextvars import ContextVar
from dataclasses import dataclass
from itertools import product
from typing import Any

import pytest
from marshmallow import fields

from ramekin import App, Reply, Request, Resource, Settings, accepts, raises, returns
from ramekin.errors import ContractError
from ramekin.operations import Declaration, Effects, Endpoint, Operation
from ramekin.problems import Conflict
from ramekin.steps import Exchange, Phase, Step
from ramekin.testing import Client

NO_PAGES = Settings(openapi_path=None, docs_path=None)
TRACE: ContextVar[tuple[str, ...]] = ContextVar("trace", default=())


def note(log: list[str], what: str, waits: bool) -> Callable[..., Any]:
    """Return a plain or an async function that notes that it ran and returns nothing."""

    async def later(*_: Any) -> None:
        await asyncio.sleep(0)
        log.append(what)

    def now(*_: Any) -> None:
        log.append(what)

    return later if waits else now


@dataclass(frozen=True)
class Around(Declaration):
    """A step of each phase, its parts plain or async, and a provided parameter."""

    log: list[str]
    waits: bool

    def effects(self, endpoint: Endpoint) -> Effects:
        async def later(exchange: Exchange) -> str:
            await asyncio.sleep(0)
            return "provided"

        return Effects(provides={"thing": later if self.waits else lambda exchange: "provided"})

    def steps(self, operation: Operation, settings: Settings) -> Iterable[Step]:
        async def leave_later(exchange: Exchange, reply: Reply[Any]) -> Reply[Any]:
            await asyncio.sleep(0)
            self.log.append("leave")
            return reply

        def leave(exchange: Exchange, reply: Reply[Any]) -> Reply[Any]:
            self.log.append("leave")
            return reply

        for phase in Phase:
            yield Step(
                phase=phase,
                name=phase.name,
                enter=note(self.log, "enter", self.waits),
                leave=leave_later if self.waits else leave,
                close=note(self.log, "close", self.waits),
            )


def build(log: list[str], *, method: bool, step: bool, hook: bool) -> App:
    """Return an app whose parts are async where that is asked for."""
    app = App("Mixed", settings=NO_PAGES)
    app.declare(Around(log, step))
    app.before(note(log, "before", hook))
    app.after(note(log, "after", hook))
    app.teardown(note(log, "teardown", hook))

    class Hooked(Resource):
        before = note(log, "resource before", hook)
        after = note(log, "resource after", hook)
        teardown = note(log, "resource teardown", hook)

    class Plain(Hooked):
        @accepts(json={"n": fields.Integer(required=True)})
        @returns({"n": fields.Integer()})
        def post(self, json: Any, thing: str) -> Any:
            assert thing == "provided"
            return json

    class Later(Hooked):
        @accepts(json={"n": fields.Integer(required=True)})
        @returns({"n": fields.Integer()})
        async def post(self, json: Any, thing: str) -> Any:
            assert thing == "provided"
            await asyncio.sleep(0)
            return json

    app.add_resource("/", Later if method else Plain)
    return app


@pytest.mark.parametrize(("method", "step", "hook"), list(product([True, False], repeat=3)))
def test_plain_and_async_parts_run_in_one_order(method: bool, step: bool, hook: bool) -> None:
    """Whatever is async, the onion is the same, and a fault is a fault."""
    log: list[str] = []
    client = Client(build(log, method=method, step=step, hook=hook))
    result = client.post("/", json={"n": 1})
    assert (result.status, result.json) == (200, {"n": 1})
    assert log == [
        *["before", "enter", "enter", "enter", "enter", "enter", "resource before"],
        *["resource after", "leave", "leave", "leave", "leave", "leave", "after"],
        *["resource teardown", "close", "close", "close", "close", "close", "teardown"],
    ]
    assert client.post("/", json={"n": "x"}).status == 422


class Streams(Resource):
    """What is given piece by piece."""

    @returns(fields.String(), media_type="text/plain")
    async def get(self) -> AsyncIterator[str]:
        for word in ("a", "b", "c"):
            await asyncio.sleep(0)
            yield word

    @returns(fields.String(), media_type="text/plain")
    async def post(self) -> AsyncIterator[str]:
        raise RuntimeError("broken")
        yield "never"


class Failing(Resource):
    """What raises."""

    @raises(Conflict)
    @returns(status=204)
    async def get(self) -> None:
        raise KeyError("x")

    @returns(status=204)
    async def post(self) -> None:
        raise RuntimeError("bug")


@pytest.fixture
def app() -> App:
    """An app of async methods."""
    app = App("Async", settings=NO_PAGES)
    app.add_resource("/streams", Streams)
    app.add_resource("/failing", Failing)

    @app.exception_handler(KeyError)
    async def explain(error: KeyError, request: Request) -> Conflict:
        await asyncio.sleep(0)
        return Conflict("Explained.")

    return app


def test_an_async_generator_streams(client: Client) -> None:
    """Its chunks are sent one by one; HEAD has none."""
    assert list(client.get("/streams", stream=True).iter()) == [b"a", b"b", b"c"]
    assert client.head("/streams").content == b""


def test_an_async_generator_that_fails_at_once_is_a_500(app: App) -> None:
    """The first chunk is made before the head is sent."""
    client = Client(app, raise_exceptions=False, contract=False)
    assert client.post("/streams").problem["code"] == "internal-server-error"


def test_an_exception_handler_may_be_async(client: Client) -> None:
    """Its problem is answered like any other."""
    assert client.get("/failing").problem["detail"] == "Explained."


def test_an_exception_handler_that_fails_later_is_a_500() -> None:
    """A bug in an async handler of exceptions is answered as any bug."""
    app = App("Failing", settings=NO_PAGES)
    app.add_resource("/failing", Failing)

    @app.exception_handler(KeyError)
    async def fail(error: KeyError, request: Request) -> Any:
        return "no problem"

    assert Client(app, raise_exceptions=False).get("/failing").status == 500
    with pytest.raises(ContractError, match="returns a Problem or a Reply, not str"):
        Client(app).get("/failing")


def test_a_bug_in_an_async_method_is_raised_in_tests(client: Client) -> None:
    """The test client shows the exception of an async method as that of a plain one."""
    with pytest.raises(RuntimeError, match="bug"):
        client.post("/failing")


def test_an_async_hook_that_returns_no_reply_is_named() -> None:
    """An async hook is held to what it may return."""
    app = App("Hooked", settings=NO_PAGES)

    @app.before
    async def hurry(request: Request) -> Any:
        return "soon"

    with pytest.raises(ContractError, match=r"hurry returns a Reply or None, not str"):
        Client(app).get("/")


def test_context_variables_reach_every_part() -> None:
    """What a plain hook sets, an async method sees, and the reverse."""
    app = App("Traced", settings=NO_PAGES)
    seen: list[tuple[str, ...]] = []

    @app.before
    def begin(request: Request) -> None:
        TRACE.set(("before",))

    @app.teardown
    def end(request: Request, error: Exception | None) -> None:
        seen.append(TRACE.get())

    @app.resource("/")
    class Traced(Resource):
        @returns(fields.List(fields.String()))
        async def get(self) -> Any:
            TRACE.set((*TRACE.get(), "method"))
            return TRACE.get()

    assert Client(app).get("/").json == ["before", "method"]
    assert seen == [("before", "method")]


def test_an_async_method_reads_the_raw_body() -> None:
    """``read_body`` gives all of it, ``chunks`` gives it as it arrives."""
    app = App("Raw", settings=NO_PAGES)

    @app.resource("/")
    class Raw(Resource):
        @returns(fields.Integer())
        async def post(self) -> int:
            return len(await self.request.read_body()) + len(await self.request.read_body())

        @returns(fields.Integer())
        async def put(self) -> int:
            return sum([len(chunk) async for chunk in self.request.chunks()])

    client = Client(app)
    assert client.post("/", content=b"12345").json == 10
    assert client.put("/", content=b"x" * 200_000).json == 200_000


def test_a_plain_function_may_return_a_coroutine() -> None:
    """What a decorator that knows no async code makes of an async method is awaited, with and without steps."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            return function(*arguments, **named)

        return call

    async def get(self: Any) -> Any:
        await asyncio.sleep(0)
        return "later"

    for hooks in ([], [note([], "before", False)]):
        app = App("Wrapped", settings=NO_PAGES)
        for hook in hooks:
            app.before(hook)
        method = returns(fields.String())(decorate(get))
        app.resource("/wrapped")(type("Wrapped", (Resource,), {"get": method}))

        assert Client(app).get("/wrapped").json == "later"
