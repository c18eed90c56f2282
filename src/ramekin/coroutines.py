"""Coroutines: where those run that the parts of a request bring, so that one plan serves plain and async code.

A plan is one coroutine function. Where the server calls from an event loop, it runs there, and what its parts bring is
awaited. Where the server calls from a thread, it is driven without ever being suspended: what its parts bring runs on
a loop elsewhere, that of the server or else the one loop of the process, while the thread waits.

Specification: PEP 492 (coroutines), PEP 567 (context variables).
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Awaitable, Callable, Coroutine
from contextvars import Context, ContextVar, copy_context
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar, cast

if TYPE_CHECKING:
    import asyncio
    from concurrent.futures import Future

T = TypeVar("T")

#: Waits for a coroutine in the way of the place where the plan runs.
Settle: TypeAlias = "Callable[[Coroutine[Any, Any, T]], Awaitable[T]]"

#: The loop on which the coroutines of this context run; that of the process where there is none.
LOOP: ContextVar[asyncio.AbstractEventLoop | None] = ContextVar("ramekin.loop", default=None)


class Wait:
    """What a thread waits for: the coroutine that a loop runs for it, if one is. All of it happens on that loop."""

    __slots__ = ("_is_over", "_task")

    def __init__(self) -> None:
        self._is_over = False
        self._task: asyncio.Task[Any] | None = None

    def cancel(self) -> None:
        """Cancel the coroutine; where there is none now, the next one."""
        self._is_over = True
        if self._task is not None:
            self._task.cancel()

    def resume(self) -> None:
        """Let further coroutines run, as those that close what was opened."""
        self._is_over = False

    async def carry(self, coroutine: Coroutine[Any, Any, T]) -> tuple[T | None, BaseException | None, Context]:
        """Return what a coroutine returns or raises, and the context that it leaves behind."""
        import asyncio

        self._task = asyncio.current_task()
        try:
            if self._is_over:
                coroutine.close()
                raise asyncio.CancelledError
            return await coroutine, None, copy_context()
        except (Exception, SystemExit, KeyboardInterrupt) as error:  # One that passed might end the loop for all.
            return None, error, copy_context()
        except asyncio.CancelledError as error:
            if not self._is_over:
                raise
            self._is_over = False  # As a task, the thread is told once, and may wait for what it closes.
            return None, error, copy_context()
        finally:
            self._task = None


#: What the thread of this context waits for, so that it can be cancelled.
WAIT: ContextVar[Wait | None] = ContextVar("ramekin.wait", default=None)


def is_async(function: object) -> bool:
    """Tell whether calling this makes a coroutine: an ``async def``, a partial of one, an object called by one."""
    while isinstance(function, partial):
        function = function.func
    if inspect.iscoroutinefunction(function):
        return True
    return callable(function) and inspect.iscoroutinefunction(type(function).__call__)


def drive(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that never waits, and return what it returns."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        value: T = done.value
        return value
    coroutine.close()
    raise RuntimeError("A plan was driven in a thread, and one of its parts waited there for an event loop.")


async def settle_here(coroutine: Coroutine[Any, Any, T]) -> T:
    """Wait for a coroutine on the loop that runs this one."""
    try:
        return await coroutine
    except Exception:
        raise
    except BaseException as error:
        blamed = blame(error)
        if blamed is error:
            raise
        raise blamed from error


def blame(error: BaseException) -> BaseException:
    """Return what an interruption of async code on this loop means for its request.

    A cancellation that nobody asked of the task comes from something else that was cancelled: a bug like others.
    """
    import asyncio

    if isinstance(error, asyncio.CancelledError):
        task = asyncio.current_task()
        if task is not None and not task.cancelling():
            return RuntimeError("Async code awaited something that was cancelled, while its request was not.")
    return error


async def settle_elsewhere(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine on a loop elsewhere, for what is driven in a thread."""
    return run_coroutine(coroutine)


def run_coroutine(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine on the loop of this context, and wait for it in this thread.

    Context variables are carried there and back.

    Raises:
        RuntimeError: This thread runs that loop, so that waiting would never end.
        BaseException: Whatever the coroutine raises.
    """
    import asyncio

    loop = LOOP.get() or _find_loop()
    if asyncio._get_running_loop() is loop:
        coroutine.close()
        raise RuntimeError("A plain function of the event loop's thread cannot wait for async code; make it async too.")
    wait = WAIT.get() or Wait()
    try:
        value, error, context = asyncio.run_coroutine_threadsafe(wait.carry(coroutine), loop).result()
    except Exception:
        raise
    except BaseException:  # A signal interrupted this thread.
        loop.call_soon_threadsafe(wait.cancel)
        raise
    _restore(context)
    if error is not None:
        raise error
    return cast("T", value)


def submit(coroutine: Coroutine[Any, Any, T]) -> Future[T]:
    """Begin a coroutine on the loop of the process, and return what its result can be asked of."""
    import asyncio

    return asyncio.run_coroutine_threadsafe(coroutine, _find_loop())


def _restore(context: Context) -> None:
    """Take over the context variables that a coroutine changed."""
    for variable, value in context.items():
        if variable.get(_NOTHING) is not value:
            variable.set(value)


_NOTHING = object()


# -- The loop of the process ------------------------------------------------------------------------------------------
_LOOPS: dict[int, asyncio.AbstractEventLoop] = {}


def is_own_loop(loop: asyncio.AbstractEventLoop) -> bool:
    """Tell whether a loop is the one of this process, which ends with it."""
    return _LOOPS.get(os.getpid()) is loop


def _find_loop() -> asyncio.AbstractEventLoop:
    """Return the one loop of this process, which runs in a thread of its own from its first use on."""
    loop = _LOOPS.get(os.getpid())  # A forked process has the threads of its parent no longer, nor a loop.
    return _start_loop() if loop is None else loop


def _start_loop() -> asyncio.AbstractEventLoop:
    import asyncio
    import threading

    with _starting():
        loop = _LOOPS.get(os.getpid())
        if loop is None:
            loop = asyncio.new_event_loop()
            threading.Thread(target=loop.run_forever, name="ramekin-loop", daemon=True).start()
            _LOOPS.clear()
            _LOOPS[os.getpid()] = loop
    return loop


def _starting() -> Any:
    """Return the lock of the process, which a fork in the middle of a start cannot leave held."""
    import threading

    return _LOCKS.setdefault(os.getpid(), threading.Lock())


_LOCKS: dict[int, Any] = {}
