"""Threads: a bounded pool, and contexts that go there."""

from __future__ import annotations

import asyncio
from contextvars import ContextVar
from threading import Event, current_thread
from typing import Any

import pytest

from ramekin.asgi.threads import Threads
from ramekin.coroutines import run_coroutine

COLOUR: ContextVar[str] = ContextVar("colour", default="none")


def test_what_a_function_returns_or_raises_comes_back() -> None:
    """A thread is as good as a call."""

    async def run() -> None:
        threads = Threads(1)
        context = threads.copy_context()
        assert await threads.run(context, divmod, 7, 2) == (3, 1)
        with pytest.raises(ZeroDivisionError):
            await threads.run(context, divmod, 7, 0)

    asyncio.run(run())


def test_one_context_serves_several_calls() -> None:
    """What one function sets the next one sees, and nobody else."""

    async def run() -> None:
        threads = Threads(2)
        context = threads.copy_context()
        await threads.run(context, COLOUR.set, "red")
        assert await threads.run(context, COLOUR.get) == "red"
        assert await threads.run(threads.copy_context(), COLOUR.get) == COLOUR.get() == "none"

    asyncio.run(run())


def test_coroutines_of_a_thread_run_on_the_loop_that_sent_it() -> None:
    """What belongs to the server's loop, such as a pool of connections, is used there."""

    async def find_loop() -> asyncio.AbstractEventLoop:
        return asyncio.get_running_loop()

    async def run() -> None:
        threads = Threads(1)
        found = await threads.run(threads.copy_context(), lambda: run_coroutine(find_loop()))
        assert found is asyncio.get_running_loop()

    asyncio.run(run())


def test_no_more_threads_than_allowed() -> None:
    """Functions beyond that wait for a thread."""

    async def run() -> set[str]:
        threads = Threads(2)
        names = [threads.run(threads.copy_context(), lambda: current_thread().name) for _ in range(20)]
        return set(await asyncio.gather(*names))

    assert asyncio.run(run()) <= {"ramekin_0", "ramekin_1"}


@pytest.mark.parametrize("error", [None, OSError("lost")])
def test_a_cancelled_task_waits_for_its_thread(error: Exception | None) -> None:
    """A thread cannot be stopped, so nothing goes on behind the back of the task that began it."""
    begun, may_end, log = Event(), Event(), list[str]()

    def work() -> None:
        begun.set()
        may_end.wait(10)
        log.append("done")
        if error:
            raise error

    async def run() -> None:
        threads = Threads(1)
        task: asyncio.Task[Any] = asyncio.create_task(threads.run(threads.copy_context(), work))
        await asyncio.to_thread(begun.wait, 10)
        task.cancel()
        await asyncio.sleep(0)
        assert not task.done()
        may_end.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert log == ["done"]

    asyncio.run(run())
