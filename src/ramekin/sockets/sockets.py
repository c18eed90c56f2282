"""The socket as a handler sees it.

Specification: ASGI WebSocket message format 2.5; RFC 6455 §5.5.1 and §7.4 (closing).
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self

from ramekin.errors import ContractError
from ramekin.sockets.codecs import measure
from ramekin.sockets.errors import NORMAL, POLICY, TOO_BIG, TRY_AGAIN_LATER, SocketClosed

if TYPE_CHECKING:
    from ramekin.sockets.codecs import MessageCodec
    from ramekin.types import Message, Receive, Send

#: Most messages that wait for a handler; of a client that sends more nothing is read until it has taken some. Nor is it
#: while those that wait have as many bytes as one message may have.
WAITING_MESSAGES = 16
#: How long that may last. A client that leaves meanwhile is not noticed, as its messages come before its leaving.
STALL_SECONDS = 10.0
#: Longest reason of a close frame, in bytes: a control frame has 125, the code two of them (RFC 6455 §5.5).
_REASON_BYTES = 123
#: Codes that a close frame may have (RFC 6455 §7.4; the rest is reserved).
_CODES = frozenset({1000, 1001, 1002, 1003, *range(1007, 1015), *range(3000, 5000)})


class Socket:
    """One WebSocket connection.

    Until a handler first accepts, receives, sends or closes, and for half a second at most, it may raise a problem,
    which then answers the request in place of the connection. Messages come loaded by the schema that `messages`
    declares for them, and go dumped by the other.

    Attributes:
        subprotocol: The subprotocol that is chosen, or None.
        close_code: The close code, once the connection is closed.
        close_reason: The reason that came with it.

    Example:
        >>> async def websocket(self, socket):
        ...     async for message in socket:
        ...         await socket.send({"text": message["text"].upper()})
    """

    def __init__(self, receive: Receive, send: Send, codec: MessageCodec, offered: list[str]) -> None:
        self._receive = receive
        self._send = send
        self._codec = codec
        self._offered = offered
        self.subprotocol = codec.choose_subprotocol(offered)
        self.close_code: int | None = None
        self.close_reason = ""
        #: Whether the handler knows that the connection is closed.
        self.is_told = False
        #: Set when the handler first wants to talk, or has ended.
        self.wanted = asyncio.Event()
        self._accepted = asyncio.Event()
        self._reading: asyncio.Task[None] | None = None
        self._inbox: deque[Message] = deque()
        self._waiting_bytes = 0
        self._has_news = asyncio.Event()
        self._has_room = asyncio.Event()

    # -- The handler's side -------------------------------------------------------------------------------------------

    async def accept(self, subprotocol: str | None = None) -> None:
        """Open the connection, if it is not open: a handler that may have nothing to say for long begins with this.

        One that waits for something else for half a second has accepted as well.

        Args:
            subprotocol: One of those that are declared and that the client offers; the best of them when None.

        Raises:
            SocketClosed: The client has left.
            ContractError: The subprotocol is not declared or not offered, or the connection is open with another one.
        """
        if subprotocol is not None and subprotocol != self.subprotocol:
            self._choose(subprotocol)
        await self._open()
        if self.close_code is not None:
            raise self._tell()

    def _choose(self, subprotocol: str) -> None:
        if subprotocol not in self._codec.subprotocols or subprotocol not in self._offered:
            raise ContractError(
                f"The handler chose the subprotocol {subprotocol!r}, which is not declared and offered."
            )
        if self._accepted.is_set():
            raise ContractError(f"The connection is open with the subprotocol {self.subprotocol!r}.")
        self.subprotocol = subprotocol

    async def receive(self) -> Any:
        """Return the next message, loaded.

        Raises:
            SocketClosed: There will be none.
            InvalidMessage: It is not what is declared; the next one may be.
            ContractError: The operation declares no messages that it receives.
        """
        read = self._codec.read
        if read is None:
            raise ContractError("The handler receives a message, but declares none: messages(receives=…).")
        await self._open()
        while not self._inbox:
            if self.close_code is not None:
                raise self._tell()
            self._has_news.clear()
            try:
                async with asyncio.timeout(self._codec.idle_seconds):
                    await self._has_news.wait()
            except TimeoutError:
                await self.close(POLICY, "Nothing was sent for too long.")
        message = self._inbox.popleft()
        self._waiting_bytes -= measure(message)
        self._has_room.set()
        return read(message)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Any:
        """Return the next message; the iteration ends with the connection."""
        try:
            return await self.receive()
        except SocketClosed:
            raise StopAsyncIteration from None

    async def send(self, value: Any) -> None:
        """Send a message, and wait until the client can take more.

        Raises:
            SocketClosed: The connection is closed.
            ContractError: The value is not what is declared.
        """
        text: bytes = self._codec.write(value)
        await self._open()
        if self.close_code is not None:
            raise self._tell()
        try:
            await self._send({"type": "websocket.send", "text": text.decode()})
        except OSError:
            self.note_closed(1006, "")
            raise self._tell() from None

    async def close(self, code: int = NORMAL, reason: str = "") -> None:
        """Close the connection, unless it is closed.

        Args:
            code: The close code; 1000 that all is said, 3000 to 4999 for codes of one's own.
            reason: A few words, cut to 123 bytes.

        Raises:
            ValueError: The code is none that can be sent.
        """
        if code not in _CODES:
            raise ValueError(f"{code} is no close code that can be sent (RFC 6455 §7.4).")
        await self._open()
        if self.close_code is None:
            reason = reason.encode()[:_REASON_BYTES].decode("utf-8", "ignore")
            self.note_closed(code, reason)
            self.is_told = self.is_told or asyncio.current_task() is not self._reading
            await self.stop_reading()  # Some servers send no close while they are asked for a message.
            with suppress(OSError):  # Nobody is there to be told.
                await self._send({"type": "websocket.close", "code": code, "reason": reason})

    async def _open(self) -> None:
        if not self._accepted.is_set():
            self.wanted.set()
            await self._accepted.wait()

    def _tell(self) -> SocketClosed:
        self.is_told = True
        return SocketClosed(self.close_code or NORMAL, self.close_reason)

    # -- The gateway's side -------------------------------------------------------------------------------------------

    def note_accepted(self) -> None:
        """Let the handler go on."""
        self._accepted.set()

    def start_reading(self) -> asyncio.Task[None]:
        """Take messages off the connection until it is closed."""
        self._reading = asyncio.create_task(self._read())
        return self._reading

    async def stop_reading(self) -> None:
        """Take no more messages."""
        reading = self._reading
        if reading is not None and reading is not asyncio.current_task():
            reading.cancel()
            await asyncio.wait({reading})

    async def _read(self) -> None:
        while self.close_code is None:
            try:
                message = await self._receive()
            except OSError:
                message = {"type": "websocket.disconnect", "code": 1006}
            if message["type"] == "websocket.disconnect":
                self.note_closed(message.get("code") or 1005, message.get("reason") or "")
                return
            if self._codec.read is None:
                await self.close(POLICY, "No messages are taken.")
                return
            size, most = measure(message), self._codec.message_bytes
            if size > most:
                await self.close(TOO_BIG, f"A message may have at most {most} bytes.")
                return
            self._inbox.append(message)
            self._waiting_bytes += size
            self._has_news.set()
            await self._wait_for_room()

    async def _wait_for_room(self) -> None:
        """Wait until the handler has taken some messages; one that takes none for long is closed."""
        while len(self._inbox) >= WAITING_MESSAGES or self._waiting_bytes >= self._codec.message_bytes:
            self._has_room.clear()
            try:
                async with asyncio.timeout(STALL_SECONDS):
                    await self._has_room.wait()
            except TimeoutError:
                await self.close(TRY_AGAIN_LATER, "Messages are not taken.")
                return

    def note_closed(self, code: int, reason: str) -> None:
        """Take note that the connection is closed; again changes nothing."""
        if self.close_code is None:
            self.close_code, self.close_reason = code, reason
        self._has_news.set()
