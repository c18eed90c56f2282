"""Leaving: how a client that goes is noticed while an answer is made and sent, though its content may be unread.

A server tells of a client that left in the same row of messages that brings the content of the request. So what watches
takes them all, and keeps those of content for a handler that reads them later.

Specification: ASGI HTTP message format 2.5, request and disconnect events.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

if TYPE_CHECKING:
    from ramekin.asgi.requests import ASGIRequest
    from ramekin.types import Message

T = TypeVar("T")

#: Content that is taken ahead of a handler that reads it; more is taken once it has read some.
AHEAD_BYTES = 65_536
#: Content that is kept for a handler that may read it yet: as much as a body may have by default.
KEPT_BYTES = 1_048_576
_LEFT: Message = {"type": "http.disconnect"}


class ClientLeft(Exception):
    """The client closed the connection before it had the whole response."""


class Watch:
    """Watches for the client's leaving, and breaks off what waits within its block; it may be entered again.

    Content that an operation does not declare, and has not begun to read, is let go where it is more than is kept: one
    that reads it after all is told that it broke off. Declared content is kept waiting instead, and a client that
    leaves meanwhile is noticed once it is read.

    Args:
        request: The request, whose messages come by way of this from now on.

    Raises:
        ClientLeft: The client left.
    """

    def __init__(self, request: ASGIRequest) -> None:
        self._from_server = request.receive
        self._is_wanted = request.operation is None or request.operation.has_body
        self._messages: deque[Message] = deque()
        self._bytes = 0
        self._has_news = asyncio.Event()
        self._has_room = asyncio.Event()
        self._has_left = self._has_broken_off = False
        self._watching: asyncio.Task[None] | None = None
        self._inside: asyncio.Task[Any] | None = None
        request.receive_from(self.receive)

    def start(self) -> None:
        """Begin to take messages."""
        if self._watching is None:
            self._watching = asyncio.create_task(self._take())

    async def stop(self) -> None:
        """Take no more messages."""
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.wait([self._watching])

    async def run(self, making: Awaitable[T]) -> T:
        """Return what is made, given up when the client leaves before.

        Declared content is not asked for, as who sends it may be refused first; the watch begins with the reading.
        """
        made: list[T] = []
        if not self._is_wanted:
            self.start()
        try:
            async with self:
                made.append(await making)
        except BaseException:
            if made:  # Though it was given up; whoever is to send it closes it.
                return made[0]
            await self.stop()
            raise
        return made[0]

    async def receive(self) -> Message:
        """Return the next message, as the server's own function would."""
        self._is_wanted = True
        self.start()
        while not self._messages:
            if self._has_left or self._has_broken_off:
                return _LEFT
            self._has_news.clear()
            await self._has_news.wait()
        message = self._messages.popleft()
        self._bytes -= len(message.get("body", b""))
        self._has_room.set()
        return message

    async def _take(self) -> None:
        while not self._has_left:
            try:
                message = await self._from_server()
            except OSError:
                message = _LEFT
            if message["type"] == "http.disconnect":
                self._has_left = True
            elif not self._has_broken_off:
                await self._keep(message)
            self._has_news.set()
        if self._inside is not None:
            self._inside.cancel()

    async def _keep(self, message: Message) -> None:
        self._messages.append(message)
        self._bytes += len(message.get("body", b""))
        self._has_news.set()
        while self._is_wanted and self._bytes > AHEAD_BYTES:
            self._has_room.clear()
            await self._has_room.wait()
        if self._bytes > KEPT_BYTES:
            self._messages.clear()
            self._bytes, self._has_broken_off = 0, True

    async def __aenter__(self) -> Self:
        if self._has_left:
            raise ClientLeft
        self._inside = asyncio.current_task()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        inside, self._inside = self._inside, None
        # What the watch alone cancelled goes on, as `asyncio.timeout` does it.
        if self._has_left and inside is not None and inside.uncancel() == 0 and kind in (None, asyncio.CancelledError):
            raise ClientLeft from error
