"""Pacing: when a heartbeat is due, so that a client that left is noticed though nothing is there to be sent.

Heartbeats come in pairs. The first one that reaches a closed connection is answered by a reset, of which the server
learns when it sends the second.

Specification: HTML Living Standard §9.2.7 (authors are advised to send a comment about every 15 seconds); RFC 9293
§3.10.7.4 (a reset in answer to data on a closed connection).
"""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

#: How long a source may take for its first item before the head goes out without it.
FIRST_SECONDS = 0.5
#: How long the second heartbeat of a pair comes after the first.
PAIR_SECONDS = 1.0


class Pacer:
    """Tells when the next heartbeat is due.

    Args:
        seconds: How long a stream may be silent.
        clock: What tells the time, in seconds.
    """

    __slots__ = ("_clock", "_due", "_is_first", "_seconds")

    def __init__(self, seconds: float, clock: Callable[[], float] = monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._is_first = True
        self._due = clock() + min(FIRST_SECONDS, seconds)

    @property
    def left(self) -> float:
        """Seconds until the next heartbeat is due, none when it is overdue."""
        return max(0.0, self._due - self._clock())

    def note_item(self) -> None:
        """Take note that an item is sent."""
        self._is_first = True
        self._due = self._clock() + self._seconds

    def note_heartbeat(self) -> None:
        """Take note that a heartbeat is sent."""
        self._due = self._clock() + (min(PAIR_SECONDS, self._seconds) if self._is_first else self._seconds)
        self._is_first = not self._is_first
