"""Threads: where the plain functions of an ASGI app run, so that none of them holds up the event loop.

Specification: PEP 567 (context variables).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from contextvars import Context, copy_context
from typing import TYPE_CHECKING, Any, TypeVar

from ramekin.coroutines import LOOP, WAIT, Wait
from ramekin.failures import log_failure

if TYPE_CHECKING:
    from ramekin.asgi.requests import ASGIRequest
    from ramekin.frames import Answer
    from ramekin.methods import Fallback
    from ramekin.plans import Plan

T = TypeVar("T")


class Threads:
    """A bounded pool of threads; what finds none free waits for one.

    Args:
        count: Most threads.
    """

    __slots__ = ("_count", "_pool")

    def __init__(self, count: int) -> None:
        self._count = count
        self._pool: ThreadPoolExecutor | None = None

    @staticmethod
    def copy_context() -> Context:
        """Return a copy of the context in which threads find the running loop for their coroutines."""
        context = copy_context()
        context.run(LOOP.set, asyncio.get_running_loop())
        context.run(WAIT.set, Wait())
        return context

    async def run(self, context: Context, function: Callable[..., T], *args: Any) -> T:
        """Run a function in a thread, within a context, and return what it returns.

        A thread cannot be stopped: when the task that waits is cancelled, the coroutine that the function waits for is
        cancelled, too, and the task waits on until the function is done. What waits for a thread never runs.

        Raises:
            CancelledError: The task was cancelled.
            Exception: Whatever the function raises.
        """
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self._count, "ramekin")
        submitted = self._pool.submit(context.run, function, *args)
        future = asyncio.wrap_future(submitted)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            if submitted.cancel():
                raise  # No thread had taken it.
            wait = context[WAIT] or Wait()
            wait.cancel()
            while not future.done():
                with suppress(asyncio.CancelledError):  # Cancelled once more, it cannot stop any sooner.
                    await asyncio.wait([future])
            wait.resume()
            future.exception()  # Looked at, so that the loop does not complain that nobody did.
            raise


async def run_in_thread(
    answering: Plan | Fallback, request: ASGIRequest, given: Any, threads: Threads, context: Context
) -> Answer:
    """Run a plan in a thread; when this is cancelled meanwhile, what the plan opened is closed."""
    answers: list[Answer] = []

    def run() -> None:
        answers.append(answering.run(request, given))

    try:
        await request.prefetch()
        await threads.run(context, run)
    except asyncio.CancelledError:
        for answer in answers:
            await threads.run(context, _give_up, request, answer)
        raise
    finally:
        request.close_spool()
    return answers[0]


def _give_up(request: ASGIRequest, answer: Answer) -> None:
    """Close what nothing is sent of."""
    _, content, close = answer
    try:
        getattr(content, "close", lambda: None)()
    except Exception as error:
        log_failure(request, error)
    if close is not None:
        close(None)
