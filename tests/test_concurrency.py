"""Requests at once: plain and async code in any mixture, crashes among them, and nothing mixed up.

The long form, with ``RAMEKIN_LONG=1``, makes 100,000 calls under each protocol.
"""

from __future__ import annotations

import asyncio
import json as stdlib_json
import logging
import os
import random
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import pytest
from marshmallow import fields
from tests.asgi.conftest import Server, make_scope
from werkzeug.test import Client as WSGIClient

from ramekin import App, Request, Resource, Settings, accepts, returns
from ramekin.operations import Declaration, Operation
from ramekin.steps import Exchange, Phase, Step

CALLS = 100_000 if os.environ.get("RAMEKIN_LONG") else 2_000
SETTINGS = Settings(openapi_path=None, docs_path=None, access_log=False)
WHO: ContextVar[str] = ContextVar("who", default="nobody")
SAID = {name: fields.String() for name in ("header", "variable", "found", "body", "path", "step")}


@dataclass(frozen=True)
class Marked(Declaration):
    """A step that keeps who asks, plain or async."""

    waits: bool

    def steps(self, operation: Operation, settings: Settings) -> Iterable[Step]:
        def enter(exchange: Exchange) -> None:
            exchange.state["step"] = exchange.request.header("x-who")

        async def enter_later(exchange: Exchange) -> None:
            await asyncio.sleep(0)
            enter(exchange)

        yield Step(phase=Phase.VALUE, name="marked", enter=enter_later if self.waits else enter)


def describe(request: Request, who: str, body: Any) -> Any:
    """Return what this request knows of itself, or crash where it says so."""
    if who.endswith("crash"):
        raise RuntimeError(who)
    state = request.state
    return {
        "header": request.header("x-who"),
        "variable": WHO.get(),
        "found": state["found"],
        "body": body["who"],
        "path": who,
        "step": state.get("step"),
    }


class Plain(Resource):
    """A plain method and a plain stream."""

    @accepts(json={"who": fields.String()})
    @returns(SAID)
    def post(self, who: str, json: Any) -> Any:
        return describe(self.request, who, json)

    @accepts(json={"who": fields.String()})
    @returns(fields.String(), media_type="text/plain")
    def put(self, who: str, json: Any) -> Iterator[str]:
        said = describe(self.request, who, json)
        yield ""
        yield stdlib_json.dumps(said | {"variable": WHO.get()})


class Later(Resource):
    """The same, waiting now and then."""

    @accepts(json={"who": fields.String()})
    @returns(SAID)
    async def post(self, who: str, json: Any) -> Any:
        await asyncio.sleep(0)
        return describe(self.request, who, json)

    @accepts(json={"who": fields.String()})
    @returns(fields.String(), media_type="text/plain")
    async def put(self, who: str, json: Any) -> AsyncIterator[str]:
        said = describe(self.request, who, json)
        await asyncio.sleep(0)
        yield ""
        yield stdlib_json.dumps(said | {"variable": WHO.get()})


@Marked(waits=False)
class Mixed(Later):
    """Async methods within a plain step."""


@Marked(waits=True)
class MixedToo(Plain):
    """Plain methods within an async step."""


@Marked(waits=True)
class MixedLater(Later):
    """Async methods within an async step."""


@pytest.fixture(params=["plain hooks", "async hooks"])
def app(request: pytest.FixtureRequest, torn: list[str]) -> App:
    """An app with hooks of one kind."""
    app = App("Busy", settings=SETTINGS)
    for resource in (Plain, Later, Mixed, MixedToo, MixedLater):
        app.add_resource(f"/{resource.__name__}/<who>", resource)

    def identify(request: Request) -> None:
        request.state["found"] = WHO.get()
        WHO.set(request.header("x-who") or "")

    def leave(request: Request, error: Exception | None) -> None:
        torn.append(f"{WHO.get()} {request.header('x-who')} {error}")

    async def identify_later(request: Request) -> None:
        await asyncio.sleep(0)
        identify(request)

    async def leave_later(request: Request, error: Exception | None) -> None:
        await asyncio.sleep(0)
        leave(request, error)

    waits = request.param == "async hooks"
    app.before(identify_later if waits else identify)
    app.teardown(leave_later if waits else leave)
    return app


@pytest.fixture
def torn() -> list[str]:
    """What was torn down: who asked by the context, who by the request, and the error."""
    return []


@dataclass(frozen=True)
class Call:
    """One request that says who asks in each of its parts."""

    who: str
    method: str
    resource: str

    @property
    def path(self) -> str:
        return f"/{self.resource}/{self.who}"

    @property
    def content(self) -> bytes:
        return stdlib_json.dumps({"who": self.who}).encode()

    def judge(self, status: int, content: bytes) -> str | None:
        """Return what is wrong with an answer, None where it is this call's own."""
        if self.who.endswith("crash"):
            return None if status == 500 else f"{self.who}: {status}"
        said = stdlib_json.loads(content)
        step = said.pop("step", None)
        expected = dict.fromkeys(("header", "variable", "body", "path"), self.who) | {"found": "nobody"}
        is_own = said == expected and (step == self.who) == self.resource.startswith("Mixed")
        return None if status == 200 and is_own else f"{self.who}: {status} {content!r}"


def make_calls(count: int) -> list[Call]:
    """Return calls of all kinds, one in five of which crashes."""
    chance = random.Random(1)
    resources = ("Plain", "Later", "Mixed", "MixedToo", "MixedLater")
    return [
        Call(f"{number}-{chance.choice(('a', 'b', 'c', 'd', 'crash'))}", *pick)
        for number in range(count)
        for pick in [(chance.choice(("POST", "PUT")), chance.choice(resources))]
    ]


def call_wsgi(app: App, calls: list[Call]) -> list[str]:
    """Send calls from sixteen threads, and return what was wrong."""
    client = WSGIClient(app)

    def send(call: Call) -> str | None:
        with client.open(
            call.path,
            method=call.method,
            data=call.content,
            content_type="application/json",
            headers={"X-Who": call.who},
        ) as response:
            return call.judge(response.status_code, response.data)

    with ThreadPoolExecutor(16) as pool:
        return [wrong for wrong in pool.map(send, calls) if wrong]


def call_asgi(app: App, calls: list[Call]) -> list[str]:
    """Send calls from 64 tasks, and return what was wrong."""
    waiting, wrong = iter(calls), list[str | None]()

    async def send_some() -> None:
        for call in waiting:
            headers = [("x-who", call.who), ("content-type", "application/json")]
            scope = make_scope(call.path, call.method, headers=[*headers, ("content-length", str(len(call.content)))])
            server = Server([{"type": "http.request", "body": call.content}])
            await asyncio.ensure_future(app.asgi(scope, server.receive, server.send))  # As servers do, in a task.
            wrong.append(call.judge(server.status, server.content))

    async def send_all() -> None:
        await asyncio.gather(*(asyncio.create_task(send_some()) for _ in range(64)))

    asyncio.run(send_all())
    return [each for each in wrong if each]


@pytest.mark.parametrize("send", [call_wsgi, call_asgi])
def test_nothing_is_mixed_up(app: App, torn: list[str], send: Callable[[App, list[Call]], list[str]]) -> None:
    """Each answer, stream and teardown is that of its own request, in the context of its own."""
    calls = make_calls(CALLS)
    logger = logging.getLogger("ramekin.error")
    logger.disabled = True  # A fifth of the calls crashes on purpose.
    try:
        assert send(app, calls) == []
    finally:
        logger.disabled = False
    expected = [f"{call.who} {call.who} {call.who if call.who.endswith('crash') else None}" for call in calls]
    assert sorted(torn) == sorted(expected)
