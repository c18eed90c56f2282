"""The contents of event streams: the chunks of a source, with heartbeats where it has nothing to give."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterable, AsyncIterator, Iterable
from concurrent.futures import Future, wait
from typing import TYPE_CHECKING, Self

from ramekin.streaming.events import HEARTBEAT
from ramekin.streaming.pacing import Pacer
from ramekin.streaming.sources import TaskSource, ThreadSource
from ramekin.streams import UNBEGUN, AsyncStream, Stream

if TYPE_CHECKING:
    from ramekin.streaming.sources import Write

_LOGGER = logging.getLogger("ramekin.error")
#: How long the end of a stream waits for a plain source that is busy.
CLOSE_SECONDS = 5.0
_BUSY = (
    "The source of a stream is busy in its thread though the client has gone; it is closed at its next item. "
    "One that waits for long yields None meanwhile."
)


class _Beats:
    """Takes what a source answered, or a heartbeat where it has not."""

    __slots__ = ()

    _pacer: Pacer
    _pending: Future[bytes | None] | asyncio.Future[bytes | None] | None

    def _take(self, pending: Future[bytes | None] | asyncio.Future[bytes | None]) -> bytes | None:
        """Return a chunk, an empty one where there is nothing to send yet; None at the end."""
        chunk: bytes | None = b""
        if pending.done():
            self._pending = None  # type: ignore[misc]  # The subclasses have the slot.
            chunk = pending.result()
            if chunk:
                self._pacer.note_item()
        if chunk == b"" and not self._pacer.left:
            self._pacer.note_heartbeat()
            return HEARTBEAT
        return chunk


class PlainEvents(_Beats, Stream):
    """The content that a plain iterable gives; it can be read in a thread, and on an event loop without taking one.

    Args:
        items: The iterable.
        write: What makes a chunk of an item.
        seconds: How long it may be silent.
    """

    __slots__ = ("_events", "_has_ended", "_on_loop", "_pacer", "_pending")

    def __init__(self, items: Iterable[object], write: Write, seconds: float) -> None:
        self._events = ThreadSource(items, write)
        self._pacer = Pacer(seconds)
        self._pending: Future[bytes | None] | None = None
        self._on_loop: asyncio.Future[bytes | None] | None = None
        self._has_ended = False
        self._first = UNBEGUN

    async def begin_async(self) -> None:
        """Make the first chunk; the thread of the source makes it, while the event loop waits."""
        if self._first is UNBEGUN:
            try:
                self._first = await self._next_async()
            except BaseException:
                await self.aclose()
                raise

    def _next(self) -> bytes | None:
        chunk: bytes | None = b""
        while chunk == b"":
            pending = self._pending = self._pending or self._events.ask()
            wait([pending], self._pacer.left)
            chunk = self._take(pending)
        return chunk

    async def __aiter__(self) -> AsyncIterator[bytes]:
        await self.begin_async()
        chunk = self._take_first()
        while chunk is not None:
            yield chunk
            chunk = await self._next_async()

    async def _next_async(self) -> bytes | None:
        chunk: bytes | None = b""
        while chunk == b"":
            if self._pending is None:
                self._pending, self._on_loop = self._events.ask(), None
            self._on_loop = self._on_loop or asyncio.wrap_future(self._pending)
            await asyncio.wait([self._on_loop], timeout=self._pacer.left)
            chunk = self._take(self._pending)
        return chunk

    def close(self) -> None:
        """Close the source, in its own thread; one that is busy for long is left to itself. Again does nothing."""
        if not self._has_ended:
            self._has_ended = True
            ended = self._events.end()
            wait([ended], CLOSE_SECONDS)
            self._judge_end(ended)

    async def aclose(self) -> None:
        """Do the same on an event loop."""
        if not self._has_ended:
            self._has_ended = True
            ended = self._events.end()
            await asyncio.wait([asyncio.wrap_future(ended)], timeout=CLOSE_SECONDS)
            if self._on_loop is not None and self._on_loop.done():
                self._on_loop.exception()  # Looked at, so that the loop does not complain that nobody did.
            self._judge_end(ended)

    def _judge_end(self, ended: Future[None]) -> None:
        """Raise what the source raised that nobody was told of."""
        if not ended.done():
            _LOGGER.warning("%s", _BUSY)
            return
        ended.result()
        if self._pending is not None:
            self._pending.result()


class AsyncEvents(_Beats):
    """The chunks that an async iterable gives.

    Args:
        items: The iterable.
        write: What makes a chunk of an item.
        seconds: How long it may be silent.
    """

    __slots__ = ("_pacer", "_pending", "_source")

    def __init__(self, items: AsyncIterable[object], write: Write, seconds: float) -> None:
        self._source = TaskSource(items, write)
        self._pacer = Pacer(seconds)
        self._pending: asyncio.Future[bytes | None] | None = None

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        chunk: bytes | None = b""
        while chunk == b"":
            pending = self._pending = self._pending or self._source.ask()
            await asyncio.wait([pending], timeout=self._pacer.left)
            chunk = self._take(pending)
        if chunk is None:
            raise StopAsyncIteration
        return chunk

    async def aclose(self) -> None:
        """Break off what the source waits for, and close it; raise what it raised that nobody was told of."""
        await self._source.end()
        pending, self._pending = self._pending, None
        if pending is not None and pending.done() and not pending.cancelled():
            pending.result()


def open_events(items: Iterable[object] | AsyncIterable[object], write: Write, seconds: float) -> Stream | AsyncStream:
    """Return the content that items give, plain or async."""
    if isinstance(items, AsyncIterable):
        return AsyncStream(AsyncEvents(items, write, seconds))
    return PlainEvents(items, write, seconds)
