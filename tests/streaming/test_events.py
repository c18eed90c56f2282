"""Events as they are written, and as they are read again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ramekin.errors import ContractError
from ramekin.streaming.events import Event, write_event
from ramekin.streaming.reading import EventReader, LineReader

TEXTS = st.text(st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs"]), min_size=1)


@given(
    data=st.integers(),
    event=st.none() | TEXTS,
    id=st.none() | TEXTS | st.integers(),
    retry=st.none() | st.integers(0, 10**9),
    size=st.integers(1, 9),
)
def test_what_is_written_is_read(data: int, event: Any, id: Any, retry: Any, size: int) -> None:
    """An event comes out of its own bytes, however these are cut."""
    wait = None if retry is None else timedelta(milliseconds=retry)
    written = write_event(Event(data, event, id, wait), str(data).encode())
    reader = EventReader()
    read = [each for at in range(0, len(written), size) for each in reader.read(written[at : at + size])]
    assert read == [Event(str(data), event, None if id is None else str(id), wait)]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"event": "a\nb"}, "Event.event may hold no CR, LF or NUL"),
        ({"id": "a\rb"}, "Event.id may hold no CR, LF or NUL"),
        ({"id": "a\0b"}, "Event.id may hold no CR, LF or NUL"),
        ({"event": "\ud800"}, "Event.event holds a lone surrogate"),
        ({"event": 1}, "Event.event is text, not int"),
        ({"id": True}, "Event.id is text or an integer, not bool"),
        ({"id": 1.5}, "Event.id is text or an integer, not float"),
        ({"retry": 3}, "Event.retry is a timedelta"),
        ({"retry": timedelta(seconds=-1)}, "Event.retry is a timedelta"),
    ],
)
def test_what_would_break_the_stream_is_refused(arguments: dict[str, Any], message: str) -> None:
    """No type or id can end its line, so that nobody can slip an event in."""
    with pytest.raises(ContractError, match=message):
        Event(1, **arguments)


# The examples of HTML Living Standard §9.2.6.
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("data: YHOO\ndata: +2\ndata: 10\n\n", [("YHOO\n+2\n10", None)]),
        (
            ": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n",
            [("first event", "1"), ("second event", ""), (" third event", "")],
        ),
        ("data\n\ndata\ndata\n\ndata:", [("", None), ("\n", None)]),
        ("data:test\n\ndata: test\n\n", [("test", None), ("test", None)]),
        (
            "\ufeffdata: a\r\n\r\ndata: b\r\rretry: x\nid: a\0b\nfoo: 1\ndata: c\n\n",
            [("a", None), ("b", None), ("c", None)],
        ),
    ],
)
def test_streams_are_read_as_browsers_read_them(text: str, expected: list[tuple[str, str | None]]) -> None:
    """Line ends, comments, empty values and unknown fields mean what the standard says."""
    assert [(event.data, event.id) for event in EventReader().read(text.encode())] == expected


def test_lines_are_read_when_they_end() -> None:
    """A line is an item once its end is there."""
    reader = LineReader()
    assert [reader.read(chunk) for chunk in (b"1\n2", b"3\n", b"4")] == [[b"1"], [b"23"], []]
