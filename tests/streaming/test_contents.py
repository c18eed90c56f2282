"""The contents of event streams, read and closed in all ways."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

from ramekin.streaming.contents import AsyncEvents, PlainEvents


def test_a_plain_source_is_closed_once() -> None:
    """Whoever closes its content, in a thread or on an event loop, and however often."""
    log: list[str] = []

    def items() -> Iterator[object]:
        try:
            yield 1
            yield 2
        finally:
            log.append("closed")

    async def read() -> list[bytes]:
        content = PlainEvents(items(), lambda item: b"%d" % item, 60)
        chunks = [chunk async for chunk in content]
        await content.aclose()
        await content.aclose()
        content.close()
        return chunks

    assert asyncio.run(read()) == [b"1", b"2"]
    assert log == ["closed"]


def test_sources_that_never_began_are_closed() -> None:
    """There is nothing to break off."""

    async def items() -> AsyncIterator[object]:
        yield 1

    async def close() -> None:
        source = items()
        await AsyncEvents(source, lambda item: b"x", 60).aclose()
        assert [item async for item in source] == []

    asyncio.run(close())
