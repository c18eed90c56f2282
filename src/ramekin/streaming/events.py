"""Events as they are written: a few lines of text each, ended by an empty one.

Specification: HTML Living Standard §9.2.5 (parsing an event stream), §9.2.6 (interpreting it).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Generic, TypeVar

from ramekin.errors import ContractError

DataT = TypeVar("DataT")

#: A comment, which clients pass over.
HEARTBEAT = b":\n\n"
#: What would end the line, or make clients pass over an id.
_FORBIDDEN = re.compile(r"[\r\n\0]")


@dataclass(frozen=True, slots=True)
class Event(Generic[DataT]):
    """One server-sent event, where there is more to say than its data.

    Attributes:
        data: The item, which the declared schema dumps; it travels as JSON.
        event: Its type, by which clients listen; ``message`` when None.
        id: What a client that comes back sends as ``Last-Event-ID``.
        retry: How long clients are to wait before they come back.

    Raises:
        ContractError: The type or id holds CR, LF or NUL or is no text, or the time is no time or negative.

    Example:
        >>> Event({"price": 12}, id=7, event="trade").id
        7
    """

    data: DataT
    event: str | None = None
    id: str | int | None = None
    retry: timedelta | None = None

    def __post_init__(self) -> None:
        if self.event is not None and not isinstance(self.event, str):
            raise ContractError(f"Event.event is text, not {type(self.event).__name__}.")
        if self.id is not None and (not isinstance(self.id, str | int) or isinstance(self.id, bool)):
            raise ContractError(f"Event.id is text or an integer, not {type(self.id).__name__}.")
        for name, value in (("event", self.event), ("id", self.id)):
            if isinstance(value, str):
                _check_text(name, value)
        if self.retry is not None and (not isinstance(self.retry, timedelta) or self.retry < timedelta(0)):
            raise ContractError(f"Event.retry is a timedelta that is not negative, not {self.retry!r}.")


def _check_text(name: str, value: str) -> None:
    if _FORBIDDEN.search(value):
        raise ContractError(f"Event.{name} may hold no CR, LF or NUL.")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ContractError(f"Event.{name} holds a lone surrogate.") from None


def write_event(event: Event[object], data: bytes) -> bytes:
    """Return an event as it travels.

    Args:
        event: The event.
        data: Its data, in one line.
    """
    lines = []
    if event.id is not None:
        lines.append(f"id: {event.id}\n")
    if event.event is not None:
        lines.append(f"event: {event.event}\n")
    if event.retry is not None:
        lines.append(f"retry: {event.retry // timedelta(milliseconds=1)}\n")
    return b"".join(("".join(lines).encode(), write_data(data)))


def write_data(data: bytes) -> bytes:
    """Return an event that is its data alone."""
    return b"data: " + data + b"\n\n"
