"""Coroutines: what tells async functions apart, and where a thread has them run."""

from __future__ import annotations

import asyncio
from contextvars import ContextVar
from functools import partial
from typing import Any

import pytest

from ramekin.coroutines import LOOP, drive, is_async, run_coroutine, settle_elsewhere, settle_here

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


def test_a_loop_does_not_wait_for_itself() -> None:
    """A plain function on the loop cannot wait for a coroutine of that loop: it would never end."""

    async def wait() -> None:
        LOOP.set(asyncio.get_running_loop())
        run_coroutine(double(1))

    with pytest.raises(RuntimeError, match="make it async too"):
        asyncio.run(wait())
