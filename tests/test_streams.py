"""Streams: the first chunk is made at once, and the source is closed whatever happens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from ramekin.errors import ContractError
from ramekin.streams import AsyncStream, Stream


@pytest.fixture
def closed() -> list[str]:
    """What was closed."""
    return []


def generate(closed: list[str], *chunks: Any) -> Iterator[Any]:
    """Give chunks, and note when that ends."""
    try:
        yield from chunks
    finally:
        closed.append("source")


async def generate_later(closed: list[str], *chunks: Any) -> AsyncIterator[Any]:
    """Do the same, waiting."""
    try:
        for chunk in chunks:
            await asyncio.sleep(0)
            yield chunk
    finally:
        await asyncio.sleep(0)
        closed.append("source")


class Source:
    """An iterable of another kind, with an iterator that cannot be closed."""

    def __init__(self, closed: list[str]) -> None:
        self._closed = closed

    def __iter__(self) -> Iterator[str]:
        return iter(["a", "b"])

    def close(self) -> None:
        self._closed.append("source")


class AsyncSource:
    """The same, waiting; each can be closed once only."""

    def __init__(self, closed: list[str]) -> None:
        self._closed = closed
        self._chunks = iter(["a", "b"])

    def __aiter__(self) -> AsyncSource:
        return self

    async def __anext__(self) -> str:
        for chunk in self._chunks:
            return chunk
        raise StopAsyncIteration

    async def aclose(self) -> None:
        self._closed.append("source")


def begin(stream: AsyncStream) -> AsyncStream:
    """Make the first chunk of a stream from a thread."""
    stream.begin()
    return stream


async def read(stream: AsyncStream) -> list[bytes]:
    """Read a stream on an event loop."""
    await stream.begin_async()
    chunks = [chunk async for chunk in stream]
    await stream.aclose()
    return chunks


@pytest.mark.parametrize("chunks", [[], ["a"], ["é", b"b", "", "c"]])
def test_chunks_are_text_or_bytes(closed: list[str], chunks: list[Any]) -> None:
    """Text is written in UTF-8, wherever the stream is read."""
    expected = [chunk.encode() if isinstance(chunk, str) else chunk for chunk in chunks]
    assert list(Stream(generate(closed, *chunks))) == expected
    assert list(begin(AsyncStream(generate_later(closed, *chunks)))) == expected
    assert asyncio.run(read(AsyncStream(generate_later(closed, *chunks)))) == expected
    assert closed == ["source"] * 3


def test_a_stream_given_up_closes_its_source(closed: list[str]) -> None:
    """A generator whose reader leaves runs its ``finally``; closing again does nothing."""
    stream, later = Stream(generate(closed, "a", "b")), begin(AsyncStream(generate_later(closed, "a", "b")))
    for given_up in (stream, later):
        assert next(iter(given_up)) == b"a"
        given_up.close()
        given_up.close()
    assert closed == ["source"] * 2


def test_any_iterable_with_a_close_is_closed(closed: list[str]) -> None:
    """What is no generator is closed by its own name for it."""
    stream = Stream(Source(closed))
    assert list(stream) == [b"a", b"b"]
    stream.close()
    assert asyncio.run(read(AsyncStream(AsyncSource(closed)))) == [b"a", b"b"]
    assert closed == ["source"] * 2


@pytest.mark.parametrize("chunks", [[7], ["a", None]])
def test_other_chunks_are_refused(closed: list[str], chunks: list[Any]) -> None:
    """A number is no content; the source is closed, whether the first chunk or a later one is wrong."""
    with pytest.raises(ContractError, match="chunks are text or bytes"):
        list(Stream(generate(closed, *chunks)))
    with pytest.raises(ContractError, match="chunks are text or bytes"):
        asyncio.run(read(AsyncStream(generate_later(closed, *chunks))))
    assert closed == ["source"] * 2


def test_a_first_chunk_that_is_cancelled_closes_the_source(closed: list[str]) -> None:
    """A client that leaves before anything is sent leaves nothing open."""

    async def leave() -> None:
        async def wait() -> AsyncIterator[str]:
            try:
                await asyncio.Event().wait()
                yield "never"
            finally:
                closed.append("source")

        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await AsyncStream(wait()).begin_async()
        assert closed == ["source"]

    asyncio.run(leave())
