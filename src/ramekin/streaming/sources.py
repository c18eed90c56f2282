"""Sources: what gives the items of a stream, one at a time as they are asked for, apart from whoever waits for them.

A plain iterable runs in a thread of its own, an async one in a task of its own, so that heartbeats can be sent while it
waits. Nothing is made ahead: an iterator stands at its last item until the client has taken that.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, Callable, Iterable
from concurrent.futures import Future
from contextvars import copy_context
from queue import SimpleQueue
from threading import Thread
from typing import Any, TypeAlias

from ramekin.problems import ServiceUnavailable

#: Makes the chunk of an item; an empty one where there is nothing to send.
Write: TypeAlias = Callable[[Any], bytes]

_END: Any = object()
#: Most plain iterables that a process runs at once, so that no client takes all its threads by opening streams.
MOST_THREADS = 1_000
_RUNNING: set[Thread] = set()


class ThreadSource:
    """A plain iterable in a thread of its own, with the context variables of whoever made it.

    Args:
        items: The iterable.
        write: What makes a chunk of an item, there too: to dump an object may read a database.
    """

    __slots__ = ("_asked", "_ended", "_items", "_iterator", "_thread", "_write")

    def __init__(self, items: Iterable[Any], write: Write) -> None:
        self._items = items
        self._iterator = iter(items)
        self._write = write
        self._asked: SimpleQueue[Future[bytes | None] | None] = SimpleQueue()
        self._ended: Future[None] = Future()
        # A thread that waits for ever does not keep the process from ending.
        self._thread = Thread(target=copy_context().run, args=(self._run,), name="ramekin-stream", daemon=True)

    def ask(self) -> Future[bytes | None]:
        """Ask for the next chunk; None is the end.

        Raises:
            ServiceUnavailable: 503, too many streams have threads at this time.
        """
        if not self._thread.ident:
            if len(_RUNNING) >= MOST_THREADS:
                raise ServiceUnavailable("Too many streams are open.", headers={"Retry-After": "10"})
            _RUNNING.add(self._thread)
            self._thread.start()
        answer: Future[bytes | None] = Future()
        self._asked.put(answer)
        return answer

    def end(self) -> Future[None]:
        """Have the iterator closed once it stands at an item, and return what says that it is."""
        if self._thread.ident:
            self._asked.put(None)
        else:
            self._close()
        return self._ended

    def _run(self) -> None:
        while (answer := self._asked.get()) is not None:
            try:
                item = next(self._iterator, _END)
                chunk = None if item is _END else self._write(item)
            except BaseException as error:
                answer.set_exception(_keep_from_ending(error))
            else:
                answer.set_result(chunk)
        self._close()
        _RUNNING.discard(self._thread)

    def _close(self) -> None:
        try:
            for each in _list_closable(self._iterator, self._items):
                getattr(each, "close", _nothing)()
        except BaseException as error:
            self._ended.set_exception(error)
        else:
            self._ended.set_result(None)


class TaskSource:
    """An async iterable in a task of its own, so that what it enters it leaves in the same task.

    Args:
        items: The iterable.
        write: What makes a chunk of an item.
    """

    __slots__ = ("_answer", "_asked", "_has_ended", "_items", "_iterator", "_task", "_write")

    def __init__(self, items: AsyncIterable[Any], write: Write) -> None:
        self._items = items
        self._iterator = aiter(items)
        self._write = write
        self._asked = asyncio.Event()
        self._has_ended = False
        self._answer: asyncio.Future[bytes | None] | None = None
        self._task: asyncio.Task[None] | None = None

    def ask(self) -> asyncio.Future[bytes | None]:
        """Ask for the next chunk; None is the end."""
        if self._task is None:
            self._task = asyncio.create_task(self._run())
        self._answer = asyncio.get_running_loop().create_future()
        self._asked.set()
        return self._answer

    async def end(self) -> None:
        """Break off what the iterator waits for, and close it."""
        self._has_ended = True
        if self._task is None:
            await self._close()
            return
        self._task.cancel()
        await asyncio.wait([self._task])
        if not self._task.cancelled():
            self._task.result()

    async def _run(self) -> None:
        try:
            while not self._has_ended:  # An iterator may keep the cancellation to itself.
                await self._asked.wait()
                self._asked.clear()
                await self._make(self._answer)  # type: ignore[arg-type]  # There is one once something was asked for.
        finally:
            await self._close()

    async def _make(self, answer: asyncio.Future[bytes | None]) -> None:
        try:
            item = await anext(self._iterator, _END)
            answer.set_result(None if item is _END else self._write(item))
        except asyncio.CancelledError:
            answer.cancel()
            raise
        except BaseException as error:
            answer.set_exception(_keep_from_ending(error))

    async def _close(self) -> None:
        for each in _list_closable(self._iterator, self._items):
            close = getattr(each, "aclose", None)
            if close is not None:
                await close()


def _list_closable(iterator: Any, items: Any) -> tuple[Any, ...]:
    return (iterator,) if iterator is items else (iterator, items)


def _keep_from_ending(error: BaseException) -> BaseException:
    """Return an exception that may pass iterators: what they take for an end that is none becomes a bug (PEP 479)."""
    if not isinstance(error, StopIteration | StopAsyncIteration):
        return error
    bug = RuntimeError(f"{type(error).__name__} was raised while an item was made.")
    bug.__cause__ = error
    return bug


def _nothing() -> None:
    """Close what cannot be closed."""
