"""Lifespans: what is set up once in each worker before its first request, and taken down after its last.

Under ASGI the server says when. Under WSGI nobody does: the first request of a process sets up, and the end of the
process takes down.

Specification: ASGI Lifespan Protocol 2.0.
"""

from __future__ import annotations

import atexit
import inspect
import logging
import os
import sys
from collections.abc import Callable, Iterable
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    AsyncExitStack,
    asynccontextmanager,
    contextmanager,
    suppress,
)
from functools import partial
from types import CoroutineType
from typing import TYPE_CHECKING, Any, TypeAlias

from ramekin.coroutines import is_own_loop, run_coroutine
from ramekin.errors import DeclarationError

if TYPE_CHECKING:
    import asyncio

    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_LOGGER = logging.getLogger("ramekin.error")

#: Takes what the requests of a worker share. It sets up and, where it is a generator or gives a context manager, takes
#: down; each may be plain or async.
Setup: TypeAlias = Callable[[dict[str, Any]], Any]


class Lifespan:
    """The set-ups of one compiled app in this process.

    One task enters and leaves them all, whoever asks for it: a task group, say, has to be left by the task that entered
    it.

    Args:
        setups: What sets up, in order; taken down in the reverse order.

    Attributes:
        shared: What the set-ups made; one dict for all requests of this worker.
    """

    def __init__(self, setups: Iterable[Setup] = ()) -> None:
        self._setups = tuple(setups)
        self._begun = 0
        self._at_end = 0
        self._process = 0
        self._started: asyncio.Future[None]
        self._ending: asyncio.Event
        self._keeper: asyncio.Task[BaseException | None]
        self.shared: dict[str, Any] = {}

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to set up."""
        return not self._setups

    @property
    def is_started(self) -> bool:
        """Whether this process is set up. A forked one is not, whatever its parent did."""
        return self._process == os.getpid()

    async def start(self) -> None:
        """Set up on this event loop, unless that is done.

        On the loop of the process, which nobody ends, it is taken down when the process ends.

        Raises:
            BaseException: A set-up failed; what was set up before it is taken down, and the next start tries again.
        """
        import asyncio

        if self.is_started:
            return
        if self._begun != os.getpid():
            self._begun = os.getpid()
            self._started = asyncio.get_running_loop().create_future()
            self._ending = asyncio.Event()
            self._keeper = asyncio.create_task(self._keep())
            if is_own_loop(asyncio.get_running_loop()) and self._at_end != os.getpid():
                self._at_end = os.getpid()
                _call_at_end(self.stop_here)
        await asyncio.shield(self._started)  # Another may wait for it, too, when this one is cancelled.

    async def _keep(self) -> BaseException | None:
        """Set up, wait for the end, take down; return what failed then, for a SystemExit would end the loop for all."""
        import asyncio

        try:
            async with AsyncExitStack() as stack:
                self.shared.clear()
                for setup in self._setups:
                    await _enter(stack, setup(self.shared))
                self._process = os.getpid()
                self._started.set_result(None)
                with suppress(asyncio.CancelledError):  # The loop is closed by a server that knows no lifespans.
                    await self._ending.wait()
        except BaseException as error:
            if self._started.done():
                if not self._ending.is_set():
                    _LOGGER.error("The lifespan broke off; the next request sets it up again", exc_info=error)
                return error
            self._started.set_exception(_blame(error))
        finally:
            self._process = self._begun = 0
        return None

    async def stop(self) -> None:
        """Take down, on the event loop that set up, unless that is done.

        Raises:
            BaseException: Whatever taking down raises.
        """
        import asyncio

        if not self.is_started:
            return
        loop = self._keeper.get_loop()
        if loop is not asyncio.get_running_loop():
            await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(self.stop(), loop))
            return
        self._ending.set()
        error = await self._keeper
        if error is not None:
            raise error

    def start_here(self) -> None:
        """Set up from a thread."""
        run_coroutine(self.start())

    def stop_here(self) -> None:
        """Take down from a thread."""
        if self.is_started:
            run_coroutine(self.stop())

    def surround(self, wsgi: WSGIApplication) -> WSGIApplication:
        """Return a WSGI application that sets up before its first request in each process."""
        if self.is_empty:
            return wsgi

        def serve(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            if not self.is_started:
                self.start_here()
            return wsgi(environ, start_response)

        return serve


def _blame(error: BaseException) -> BaseException:
    """Return what a set-up failed of; a cancellation would look as if whoever waits had been cancelled."""
    import asyncio

    if isinstance(error, asyncio.CancelledError):
        blamed = RuntimeError("A set-up awaited something that was cancelled.")
        blamed.__cause__ = error
        return blamed
    return error


def _call_at_end(function: Callable[[], object]) -> None:
    """Have a function called when this process ends; one that ``multiprocessing`` forked ends without ``atexit``."""
    atexit.register(function)
    process = sys.modules.get("multiprocessing.process")
    if process is not None and process.parent_process() is not None:
        from multiprocessing.util import Finalize

        Finalize(None, function, exitpriority=0)


async def _enter(stack: AsyncExitStack, given: Any) -> None:
    """Enter what a set-up gave, if it can be entered."""
    if type(given) is CoroutineType:
        given = await given
    if isinstance(given, AbstractAsyncContextManager):
        await given.__aenter__()
    elif isinstance(given, AbstractContextManager):
        given.__enter__()
    elif given is not None:
        raise DeclarationError(f"A lifespan function gives nothing or a context manager, not {given!r}.")
    else:
        return
    stack.push_async_exit(partial(_leave, given))


async def _leave(manager: Any, kind: Any, error: BaseException | None, trace: Any) -> Any:
    """Leave what was entered; that another failed is nothing to it, so that what stands after a ``yield`` runs."""
    import asyncio

    told = (kind, error, trace) if isinstance(error, asyncio.CancelledError) else (None, None, None)
    if isinstance(manager, AbstractAsyncContextManager):
        return await manager.__aexit__(*told)
    return manager.__exit__(*told)


def as_setup(function: Callable[..., Any]) -> Setup:
    """Return a function of the app as a set-up: generators become context managers.

    Raises:
        DeclarationError: It cannot be called with one argument.
    """
    if not callable(function):
        raise DeclarationError(f"app.lifespan takes a function, not {function!r}.")
    try:
        inspect.signature(function).bind({})
    except TypeError:
        raise DeclarationError(
            f"{function.__qualname__} has to take one argument, the dict that requests find as request.shared."
        ) from None
    if inspect.isasyncgenfunction(function):
        return asynccontextmanager(function)
    return contextmanager(function) if inspect.isgeneratorfunction(function) else function


def as_takedown(function: Callable[[dict[str, Any]], Any]) -> Setup:
    """Return a function that takes down as a set-up that does nothing before."""
    stop = as_setup(function)

    @asynccontextmanager
    async def wait(shared: dict[str, Any]) -> Any:
        yield
        given = stop(shared)
        if type(given) is CoroutineType:
            await given

    return wait
