"""Streams: content that is made chunk by chunk while it is sent.

The first chunk is made before the head is sent, so that a source that fails before it has given anything is answered by
a 500.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
from typing import Any

from ramekin.coroutines import run_coroutine
from ramekin.errors import ContractError


class Stream:
    """The chunks of an iterable, its source closed when it ends or is given up."""

    __slots__ = ("_first", "_iterator", "_source")

    def __init__(self, source: Iterable[Any]) -> None:
        self._source = source
        self._iterator = iter(source)
        try:
            self._first: bytes | None = self._next()
        except BaseException:
            self.close()
            raise

    def _next(self) -> bytes | None:
        for chunk in self._iterator:
            return _to_bytes(chunk)
        return None

    def __iter__(self) -> Iterator[bytes]:
        chunk, self._first = self._first, None
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
        self._first: bytes | None = None

    async def begin(self) -> None:
        """Make the first chunk."""
        try:
            self._first = await self._next()
        except BaseException:
            await self.aclose()
            raise

    async def _next(self) -> bytes | None:
        async for chunk in self._iterator:
            return _to_bytes(chunk)
        return None

    async def __aiter__(self) -> AsyncIterator[bytes]:
        chunk, self._first = self._first, None
        while chunk is not None:
            yield chunk
            chunk = await self._next()

    def __iter__(self) -> Iterator[bytes]:
        chunk, self._first = self._first, None
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


def _to_bytes(chunk: object) -> bytes:
    if isinstance(chunk, str):
        return chunk.encode()
    if isinstance(chunk, bytes):
        return chunk
    raise ContractError(f"The handler streamed {type(chunk).__name__}; chunks are text or bytes.")
