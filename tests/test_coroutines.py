"""Coroutines: what tells async functions apart, and where a thread has them run."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from concurrent.futures import CancelledError
from contextvars import ContextVar
from functools import partial
from threading import Event
from typing import Any

import pytest

from ramekin.coroutines import LOOP, WAIT, Wait, drive, is_async, run_coroutine, settle_elsewhere, settle_here

COLOUR: ContextVar[str] = ContextVar("colour", default="none")


async def double(number: int) -> int:
    """Return twice a number, having waited."""
    await asyncio.sleep(0)
    return 2 * number


class Callable:
    """An object that is called by a coroutine."""

    async def __call__(self) -> None: ...


@pytest.mark.parametrize("function", [double, partial(double, 1), partial(partial(double), 1), Callable()])
def test_what_makes_coroutines_is_async(function: Any) -> None:
    """Functions, partials of them and objects called by one are told."""
    assert is_async(function)


@pytest.mark.parametrize("function", [len, Callable, lambda: double(1), object(), None, partial(len, "")])
def test_what_makes_none_is_not_async(function: Any) -> None:
    """A class is called without waiting, whatever its objects are; a lambda does not say what it returns."""
    assert not is_async(function)


def test_a_coroutine_that_never_waits_is_driven() -> None:
    """Driving returns what the coroutine returns."""

    async def add() -> int:
        return await settle_elsewhere(double(2)) + 1

    assert drive(add()) == 5


def test_a_coroutine_that_waits_cannot_be_driven() -> None:
    """A part that waits for the loop of a thread that has none is a bug that is named."""
    with pytest.raises(RuntimeError, match="waited there for an event loop"):
        drive(settle_here(double(1)))


def test_coroutines_of_a_process_share_one_loop() -> None:
    """The loop stays, so that what belongs to a loop, such as a pool of connections, can be kept."""

    async def own_loop() -> asyncio.AbstractEventLoop:
        return asyncio.get_running_loop()

    assert run_coroutine(own_loop()) is run_coroutine(own_loop())


def test_context_variables_go_there_and_back() -> None:
    """A coroutine elsewhere sees the context of the thread, which sees what the coroutine changed."""

    async def mix() -> str:
        seen = COLOUR.get()
        COLOUR.set("green")
        return seen

    token = COLOUR.set("blue")
    try:
        assert run_coroutine(mix()) == "blue"
        assert COLOUR.get() == "green"
    finally:
        COLOUR.reset(token)


def test_exceptions_pass() -> None:
    """What the coroutine raises is raised in the thread."""

    async def fail() -> None:
        raise KeyError("lost")

    with pytest.raises(KeyError, match="lost"):
        run_coroutine(fail())


def test_a_coroutine_that_is_cancelled_by_itself_is_a_failure() -> None:
    """It ends no thread: what was not cancelled by the server is an exception like any other."""

    async def cancel() -> None:
        raise asyncio.CancelledError

    with pytest.raises(CancelledError):
        run_coroutine(cancel())


def test_a_wait_is_cancelled_once() -> None:
    """The coroutine that runs, else the next; what closes things afterwards runs to its end."""

    async def run() -> None:
        wait, loop = Wait(), asyncio.get_running_loop()

        def work() -> list[str]:
            WAIT.set(wait)
            LOOP.set(loop)
            log = []
            for _ in range(2):
                try:
                    log.append(str(run_coroutine(double(1))))
                except asyncio.CancelledError:
                    log.append("cancelled")
            return log

        wait.cancel()
        assert await asyncio.to_thread(work) == ["cancelled", "2"]
        wait.cancel()
        wait.resume()
        assert await asyncio.to_thread(work) == ["2", "2"]

    asyncio.run(run())


@pytest.mark.skipif(sys.platform == "win32", reason="interrupts itself by a signal")
def test_an_interrupt_gives_up_the_coroutine() -> None:
    """Ctrl+C ends the waiting, and the coroutine with it."""
    ended = Event()

    async def last() -> None:
        try:
            os.kill(os.getpid(), signal.SIGINT)
            await asyncio.Event().wait()
        finally:
            ended.set()

    with pytest.raises(KeyboardInterrupt):
        run_coroutine(last())
    assert ended.wait(10)


def test_first_coroutines_at_once_share_one_loop() -> None:
    """In a new process, too, where several threads ask for the loop at the same time."""
    program = """
import asyncio, threading
from concurrent.futures import ThreadPoolExecutor
from ramekin.coroutines import run_coroutine

barrier = threading.Barrier(8)

async def find():
    return id(asyncio.get_running_loop())

def ask(_):
    barrier.wait()
    return run_coroutine(find())

with ThreadPoolExecutor(8) as pool:
    print(len(set(pool.map(ask, range(8)))))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert (done.stdout, done.stderr) == ("1\n", "")


def test_a_loop_does_not_wait_for_itself() -> None:
    """A plain function on the loop cannot wait for a coroutine of that loop: it would never end."""

    async def wait() -> None:
        LOOP.set(asyncio.get_running_loop())
        run_coroutine(double(1))

    with pytest.raises(RuntimeError, match="make it async too"):
        asyncio.run(wait())
