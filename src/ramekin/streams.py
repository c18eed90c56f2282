"""Streams: content that is made chunk by chunk while it is sent.

A stream is begun before the head is sent: its first chunk is made, so that a source that fails before it has given
anything is answered by a 500. What begins it knows where it is: in a thread (`begin`) or on an event loop
(`begin_async`).
"""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
from typing import Any, TypeVar

from ramekin.coroutines import run_coroutine
from ramekin.errors import ContractError

ContentT = TypeVar("ContentT")

#: In the place of the first chunk, before it is made.
UNBEGUN: Any = object()


class Stream:
    """The chunks of an iterable, its source closed when it ends or is given up."""

    __slots__ = ("_first", "_iterator", "_source")

    def __init__(self, source: Iterable[Any]) -> None:
        self._source = source
        self._iterator = iter(source)
        self._first: bytes | None = UNBEGUN

    def begin(self) -> None:
        """Make the first chunk, unless it is made."""
        if self._first is UNBEGUN:
            try:
                self._first = self._next()
            except BaseException:
                self.close()
                raise

    async def begin_async(self) -> None:
        """Do the same for an event loop, which a plain source must not hold up."""
        from asyncio import to_thread

        await to_thread(self.begin)

    def _take_first(self) -> bytes | None:
        """Return the first chunk, once; None where there is none."""
        first, self._first = self._first, None
        return first

    def _next(self) -> bytes | None:
        for chunk in self._iterator:
            return _to_bytes(chunk)
        return None

    def __iter__(self) -> Iterator[bytes]:
        self.begin()
        chunk = self._take_first()
        while chunk is not None:
            yield chunk
            chunk = self._next()

    def close(self) -> None:
        """Close the source and its iterator, if they can be closed; again does nothing."""
        sources = (self._iterator,) if self._iterator is self._source else (self._iterator, self._source)
        for source in sources:
            close = getattr(source, "close", None)
            if close is not None:
                close()


class AsyncStream:
    """The chunks of an async iterable; it can be read on an event loop, and from a thread that is none's."""

    __slots__ = ("_first", "_iterator", "_source")

    def __init__(self, source: AsyncIterable[Any]) -> None:
        self._source = source
        self._iterator = aiter(source)
        self._first: bytes | None = UNBEGUN

    async def begin_async(self) -> None:
        """Make the first chunk, unless it is made."""
        if self._first is UNBEGUN:
            try:
                self._first = await self._next()
            except BaseException:
                await self.aclose()
                raise

    def begin(self) -> None:
        """Do the same from a thread."""
        run_coroutine(self.begin_async())

    def _take_first(self) -> bytes | None:
        first, self._first = self._first, None
        return first

    async def _next(self) -> bytes | None:
        async for chunk in self._iterator:
            return _to_bytes(chunk)
        return None

    async def __aiter__(self) -> AsyncIterator[bytes]:
        await self.begin_async()
        chunk = self._take_first()
        while chunk is not None:
            yield chunk
            chunk = await self._next()

    def __iter__(self) -> Iterator[bytes]:
        self.begin()
        chunk = self._take_first()
        while chunk is not None:
            yield chunk
            chunk = run_coroutine(self._next())

    async def aclose(self) -> None:
        """Close the source and its iterator, if they can be closed; again does nothing."""
        sources = (self._iterator,) if self._iterator is self._source else (self._iterator, self._source)
        for source in sources:
            close = getattr(source, "aclose", None)
            if close is not None:
                await close()

    def close(self) -> None:
        """Do the same from a thread."""
        run_coroutine(self.aclose())


def begin(content: ContentT) -> ContentT:
    """Begin content in a thread, if it is a stream, and return it."""
    if isinstance(content, Stream | AsyncStream):
        content.begin()
    return content


async def begin_async(content: ContentT) -> ContentT:
    """Begin content on an event loop, if it is a stream, and return it."""
    if isinstance(content, Stream | AsyncStream):
        await content.begin_async()
    return content


def _to_bytes(chunk: object) -> bytes:
    if isinstance(chunk, str):
        return chunk.encode()
    if isinstance(chunk, bytes):
        return chunk
    raise ContractError(f"The handler streamed {type(chunk).__name__}; chunks are text or bytes.")
