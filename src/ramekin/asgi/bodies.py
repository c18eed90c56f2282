"""Bodies: the content of a request as ASGI brings it, message by message, read within the limits.

Specification: ASGI HTTP message format 2.5, request and disconnect events.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ramekin.bodies import Bounds, broken_off
from ramekin.coroutines import run_coroutine

if TYPE_CHECKING:
    from ramekin.types import Receive


class Body:
    """The content of one request: awaited on the event loop, or read as a stream by a thread.

    Args:
        receive: What gives the next message.

    Attributes:
        has_ended: Whether all of it arrived.
    """

    __slots__ = ("_has_broken", "_left", "_next", "_receive", "has_ended")

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._left = b""
        self._next: Any = None
        self._has_broken = False
        self.has_ended = False

    def receive_from(self, receive: Receive) -> None:
        """Have the messages that are still to come given by something else."""
        self._receive = receive

    def put_back(self, message: Any) -> None:
        """Have a message that was taken from the connection come next."""
        self._next = message

    async def receive(self) -> bytes:
        """Return the next bytes, none at the end.

        Raises:
            BadRequest: 400, the client left before it had sent all.
        """
        while not self.has_ended:
            if self._has_broken:
                raise broken_off()
            message, self._next = self._next or await self._receive(), None
            if message["type"] != "http.request":
                self._has_broken = True
                continue
            self.has_ended = not message.get("more_body", False)
            chunk: bytes = message.get("body", b"")
            if chunk:
                return chunk
        return b""

    async def receive_all(self, bounds: Bounds) -> bytes:
        """Return all bytes within these bounds.

        Raises:
            BadRequest: 400, there are fewer than were announced.
            ContentTooLarge: 413, there are more than are allowed.
        """
        chunks = []
        while chunk := await self.receive():
            bounds.count(chunk)
            chunks.append(chunk)
        bounds.end()
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    def read(self, size: int = -1, /) -> bytes:
        """Return at most ``size`` bytes, none at the end, for a thread that is none of an event loop."""
        if not self._left:
            self._left = run_coroutine(self.receive())
        chunk, self._left = (self._left, b"") if size < 0 else (self._left[:size], self._left[size:])
        return chunk
