"""What reads streams of items: for tests, and for the check of the contract.

Specification: HTML Living Standard §9.2.5 and §9.2.6; JSON Lines (jsonlines.org).
"""

from __future__ import annotations

import codecs
import re
from datetime import timedelta

from ramekin.operations import ReadItems
from ramekin.streaming.events import Event

_LINE_END = re.compile(r"\r\n|\n|\r")


class EventReader:
    """Reads events from the bytes of a stream, as they arrive."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")("replace")
        self._rest = ""
        self._data: list[str] = []
        self._event: str | None = None
        self._retry: timedelta | None = None
        self._id: str | None = None

    def read(self, chunk: bytes) -> list[Event[str]]:
        """Return the events that are complete with these bytes; each has the id that holds at its end."""
        text = self._rest + self._decoder.decode(chunk)
        # A CR at the end may be half of a CRLF.
        held, text = (text[-1:], text[:-1]) if text.endswith("\r") else ("", text)
        *lines, rest = _LINE_END.split(text)
        self._rest = rest + held
        return [event for line in lines if (event := self._read_line(line)) is not None]

    def _read_line(self, line: str) -> Event[str] | None:
        if not line:
            return self._end()
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            self._data.append(value)
        elif name == "event":
            self._event = value
        elif name == "id" and "\0" not in value:
            self._id = value
        elif name == "retry" and value.isascii() and value.isdigit():
            self._retry = timedelta(milliseconds=int(value))
        return None

    def _end(self) -> Event[str] | None:
        data, event, retry = self._data, self._event, self._retry
        self._data, self._event, self._retry = [], None, None
        return Event("\n".join(data), event, self._id, retry) if data else None


class LineReader:
    """Reads lines from the bytes of a stream, as they arrive."""

    def __init__(self) -> None:
        self._rest = b""

    def read(self, chunk: bytes) -> list[bytes]:
        """Return the lines that are complete with these bytes."""
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        return lines


def make_data_reader() -> ReadItems:
    """Return what reads the JSON text of each event out of the next bytes of a stream."""
    reader = EventReader()
    return lambda chunk: [event.data.encode() for event in reader.read(chunk)]


def make_line_reader() -> ReadItems:
    """Return what reads the JSON text of each line out of the next bytes of a stream."""
    return LineReader().read
