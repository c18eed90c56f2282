"""Lifespans: set up once before the first request of a process, taken down after its last."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from threading import Barrier
from typing import Any

import pytest
from marshmallow import fields

from ramekin import App, Resource, Settings, returns
from ramekin.coroutines import run_coroutine
from ramekin.errors import DeclarationError
from ramekin.testing import Client

NO_PAGES = Settings(openapi_path=None, docs_path=None)


class Shared(Resource):
    """Shows what requests share."""

    @returns(fields.Raw())
    def get(self) -> Any:
        return self.request.shared


@pytest.fixture
def log() -> list[str]:
    """What was set up and taken down."""
    return []


@pytest.fixture
def app() -> App:
    """An app whose requests show what they share."""
    app = App("Lasting", settings=NO_PAGES)
    app.add_resource("/", Shared)
    return app


@contextmanager
def note(log: list[str], name: str) -> Iterator[None]:
    """Note that something is set up and taken down."""
    log.append(f"+{name}")
    yield
    log.append(f"-{name}")


@asynccontextmanager
async def note_later(log: list[str], name: str) -> AsyncIterator[None]:
    """Do the same, waiting."""
    await asyncio.sleep(0)
    with note(log, name):
        yield


def test_every_kind_of_function_sets_up(app: App, log: list[str]) -> None:
    """Generators, context managers and functions that only set up, plain or async; taken down in reverse."""

    @app.lifespan
    def generate(shared: dict[str, Any]) -> Iterator[None]:
        with note(log, "generator"):
            shared["a"] = 1
            yield

    @app.lifespan
    async def generate_later(shared: dict[str, Any]) -> AsyncIterator[None]:
        async with note_later(log, "async generator"):
            shared["b"] = shared["a"] + 1
            yield

    @app.lifespan
    async def give_later(shared: dict[str, Any]) -> Any:
        await asyncio.sleep(0)
        return note(log, "given later")

    app.lifespan(lambda shared: note_later(log, "async manager"))
    app.on_start(lambda shared: log.append("+start"))
    app.on_stop(lambda shared: log.append("-stop"))

    @app.on_stop
    async def stop(shared: dict[str, Any]) -> None:
        await asyncio.sleep(0)
        log.append(f"-stop {shared['b']}")

    with Client(app) as client:
        assert log == ["+generator", "+async generator", "+given later", "+async manager", "+start"]
        assert client.get("/").json == {"a": 1, "b": 2}
        del log[:]
    assert log == ["-stop 2", "-stop", "-async manager", "-given later", "-async generator", "-generator"]


def test_the_first_request_sets_up(app: App, log: list[str]) -> None:
    """Without anybody who says when, set-ups run before the first request, and once."""
    app.lifespan(lambda shared: note(log, "x"))
    client = Client(app)
    assert log == []
    client.get("/")
    client.get("/")
    assert log == ["+x"]


def test_first_requests_at_once_set_up_once(app: App, log: list[str]) -> None:
    """The others wait until it is done."""
    app.lifespan(lambda shared: note_later(log, "x"))
    barrier = Barrier(8)

    def ask(_: int) -> int:
        client = Client(app)
        barrier.wait()
        client.get("/")
        return len(log)

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(ask, range(8))) == [1] * 8


@pytest.mark.parametrize("error", [OSError("no database"), SystemExit("no database")])
def test_what_cannot_be_set_up_is_loud(app: App, log: list[str], error: BaseException) -> None:
    """The exception passes, what was set up before is taken down, and the next start tries again."""
    errors: list[BaseException] = [error]
    app.lifespan(lambda shared: note(log, "before"))

    @app.on_start
    async def fail(shared: dict[str, Any]) -> None:
        if errors:
            raise errors.pop()

    with pytest.raises(type(error), match="no database"):
        app.start()
    assert log == ["+before", "-before"]
    app.start()
    assert log == ["+before", "-before", "+before"]
    app.stop()
    assert log == ["+before", "-before"] * 2


def test_a_request_whose_set_up_fails_is_not_answered(app: App) -> None:
    """The server is left to say so; the method is not called."""

    @app.on_start
    def fail(shared: dict[str, Any]) -> None:
        raise OSError("no database")

    with pytest.raises(OSError, match="no database"):
        Client(app, raise_exceptions=False).get("/")


def test_what_cannot_be_taken_down_is_loud(app: App, log: list[str]) -> None:
    """The exception passes, and the rest is taken down nevertheless."""
    app.lifespan(lambda shared: note(log, "before"))

    @app.on_stop
    def fail(shared: dict[str, Any]) -> None:
        raise SystemExit("stuck")

    client = Client(app).__enter__()
    with pytest.raises(SystemExit, match="stuck"):
        client.__exit__()
    assert log == ["+before", "-before"]


def test_stopping_what_runs_not_does_nothing(app: App, log: list[str]) -> None:
    """Taking down happens once, and only what was set up is."""
    app.lifespan(lambda shared: note(log, "x"))
    app.stop()
    app.start()
    app.start()
    app.stop()
    app.stop()
    assert log == ["+x", "-x"]


def test_one_task_enters_and_leaves(app: App, log: list[str]) -> None:
    """What belongs to the task that entered it can be kept up: a task group, a cancel scope."""

    @app.lifespan
    async def keep(shared: dict[str, Any]) -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as group:
            worker = group.create_task(asyncio.Event().wait())
            yield
            worker.cancel()
        log.append("left")

    app.start()
    app.stop()
    assert log == ["left"]


def test_what_breaks_off_is_logged_and_set_up_again(app: App, log: list[str], caplog: pytest.LogCaptureFixture) -> None:
    """A task of a group that fails takes the lifespan down; the next request sets it up anew."""
    errors = [OSError("lost")]

    async def work() -> None:
        if errors:
            raise errors.pop()

    @app.lifespan
    async def keep(shared: dict[str, Any]) -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as group:
            group.create_task(work())
            log.append("set up")
            yield

    lifespan = app.compile().lifespan
    with caplog.at_level(logging.ERROR, "ramekin.error"):
        app.start()
        run_coroutine(asyncio.wait_for(asyncio.shield(lifespan._keeper), 10))
    assert [record.getMessage() for record in caplog.records] == [
        "The lifespan broke off; the next request sets it up again"
    ]
    Client(app).get("/")
    assert log == ["set up", "set up"]


def test_a_start_that_is_cancelled_goes_on_for_others(app: App, log: list[str]) -> None:
    """A client that leaves while its request sets up does not break the set-up."""

    async def start_twice() -> None:
        begun = asyncio.Event()

        async def keep(shared: dict[str, Any]) -> Any:
            begun.set()
            await asyncio.sleep(0)
            return note(log, "x")

        app.lifespan(keep)
        lifespan = app.compile().lifespan
        first = asyncio.create_task(lifespan.start())
        await begun.wait()
        first.cancel()
        await lifespan.start()
        assert first.cancelled()
        await lifespan.stop()

    asyncio.run(start_twice())
    assert log == ["+x", "-x"]


def test_another_loop_may_take_down(app: App, log: list[str]) -> None:
    """What was set up from a thread is taken down on the loop that set it up, whoever asks."""
    loops: list[asyncio.AbstractEventLoop] = []

    @app.lifespan
    async def keep(shared: dict[str, Any]) -> AsyncIterator[None]:
        loops.append(asyncio.get_running_loop())
        yield
        loops.append(asyncio.get_running_loop())

    app.start()
    asyncio.run(app.compile().lifespan.stop())
    assert loops[0] is loops[1]


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (7, "takes a function, not 7"),
        (lambda: None, "has to take one argument, the dict that requests find as request.shared"),
        (lambda shared, more: None, "has to take one argument"),
    ],
)
def test_what_takes_no_dict_is_refused(app: App, function: Any, said: str) -> None:
    """A function of the lifespan takes what requests share."""
    for register in (app.lifespan, app.on_start, app.on_stop):
        with pytest.raises(DeclarationError, match=said):
            register(function)


def test_what_gives_no_manager_is_refused(app: App) -> None:
    """A value that nobody can enter is a mistake: it belongs into the dict."""
    app.lifespan(lambda shared: "pool")
    with pytest.raises(DeclarationError, match="gives nothing or a context manager, not 'pool'"):
        app.start()


PROGRAM = """
import os, sys
from ramekin import App
from ramekin.testing import Client

app = App("Forked")

@app.lifespan
async def keep(shared):
    shared["pid"] = os.getpid()
    print("+", shared["pid"] == os.getpid(), flush=True)
    yield
    print("-", shared["pid"] == os.getpid(), flush=True)

app.start()
if os.fork() == 0:
    Client(app).get("/")
    sys.exit(0)
os.wait()
print("parent", flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="forks")
def test_each_process_has_its_own() -> None:
    """A forked process sets up for itself at its first request, and the end of each takes its own down."""
    program = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", PROGRAM]
    done = subprocess.run(program, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.split("\n") == ["+ True", "+ True", "- True", "parent", "- True", ""]
    assert done.stderr == ""
