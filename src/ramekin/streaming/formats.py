"""The formats of item streams: how each is written, described and read.

What the document says of a content is what OpenAPI 3.2 lets ``schema`` say of a sequential media type: the list of its
items. OpenAPI 3.1 and 3.0 leave that open.

Specification: OpenAPI 3.2 §4.14.2 (sequential media types), §4.14.4 (``text/event-stream``); JSON Schema 2020-12 §8.5
(``contentSchema``).
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any

from ramekin.errors import ContractError
from ramekin.operations import ItemFormat
from ramekin.streaming.contents import open_events
from ramekin.streaming.events import Event, write_data, write_event
from ramekin.streaming.reading import make_data_reader, make_line_reader
from ramekin.streams import AsyncStream, Stream

EVENTS_MEDIA_TYPE = "text/event-stream"
#: RFC 6648 advises against new names with ``x-``, such as ``application/x-ndjson``; OpenAPI 3.2 has this one first.
LINES_MEDIA_TYPE = "application/jsonl"

Encode = Callable[[Any], bytes]


def _require_items(value: object, media_type: str) -> None:
    if isinstance(value, str | bytes | Mapping) or not isinstance(value, Iterable | AsyncIterable):
        raise ContractError(
            f"The handler returned {type(value).__name__} for {media_type}; declared are items: a generator, plain or "
            "async, or another iterable."
        )


# -- Events ------------------------------------------------------------------------------------------------------------


def make_events_format(heartbeat_seconds: float) -> ItemFormat:
    """Return the format of server-sent events."""
    return ItemFormat(
        compile=partial(_compile_events, heartbeat_seconds),
        describe=_describe_events,
        find_schema=lambda schema: schema["items"]["properties"]["data"]["contentSchema"],
        make_reader=make_data_reader,
    )


def _compile_events(heartbeat_seconds: float, encode: Encode) -> Callable[[Any], Stream | AsyncStream]:
    def write(item: Any) -> bytes:
        if item is None:
            return b""
        if isinstance(item, Event):
            return write_event(item, encode(item.data))
        return write_data(encode(item))

    def open_content(value: Any) -> Stream | AsyncStream:
        _require_items(value, EVENTS_MEDIA_TYPE)
        return open_events(value, write, heartbeat_seconds)

    return open_content


def _describe_events(schema: dict[str, Any]) -> dict[str, Any]:
    properties = {
        "data": {"type": "string", "contentMediaType": "application/json", "contentSchema": schema},
        "event": {"type": "string"},
        "id": {"type": "string"},
        "retry": {"type": "integer", "minimum": 0},
    }
    return {"type": "array", "items": {"type": "object", "properties": properties, "required": ["data"]}}


# -- JSON Lines --------------------------------------------------------------------------------------------------------


def make_lines_format() -> ItemFormat:
    """Return the format of JSON Lines."""
    return ItemFormat(
        compile=_compile_lines,
        describe=lambda schema: {"type": "array", "items": schema},
        find_schema=lambda schema: schema["items"],
        make_reader=make_line_reader,
    )


def _compile_lines(encode: Encode) -> Callable[[Any], Stream | AsyncStream]:
    def open_content(value: Any) -> Stream | AsyncStream:
        _require_items(value, LINES_MEDIA_TYPE)
        if isinstance(value, AsyncIterable):
            return AsyncStream(_write_async_lines(value, encode))
        return Stream(_write_lines(value, encode))

    return open_content


def _write_lines(items: Iterable[Any], encode: Encode) -> Iterator[bytes]:
    try:
        for item in items:
            yield encode(item) + b"\n"
    finally:
        close = getattr(items, "close", None)
        if close is not None:
            close()


async def _write_async_lines(items: AsyncIterable[Any], encode: Encode) -> AsyncGenerator[bytes]:
    try:
        async for item in items:
            yield encode(item) + b"\n"
    finally:
        close = getattr(items, "aclose", None)
        if close is not None:
            await close()
