"""The test's end of a WebSocket connection, through ASGI.

Specification: ASGI WebSocket message format 2.5, with the extension WebSocket Denial Response.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Self

from werkzeug.datastructures import Headers

from ramekin import json as codec
from ramekin.contract.responses import UNLIMITED
from ramekin.coroutines import submit
from ramekin.sockets.errors import SocketClosed
from ramekin.testing.bodies import encode_json
from ramekin.testing.errors import CallError, ProtocolError, ResultError, SocketRefused

if TYPE_CHECKING:
    from ramekin.testing.results import Result
    from ramekin.types import ASGIApplication, Message, Scope

#: How long a test waits for an app that says nothing, in seconds.
WAIT_SECONDS = 30.0


class ClientSocket:
    """The client's end of a connection; leaving its block closes it and waits for the app.

    Attributes:
        subprotocol: The subprotocol that the app chose, or None.
        headers: The header fields of the answer that opened the connection.

    Example:
        >>> with client.websocket("/echo") as socket:
        ...     socket.send({"text": "hello"})
        ...     socket.receive()
        {'text': 'HELLO'}
    """

    def __init__(
        self,
        asgi: ASGIApplication,
        scope: Scope,
        make_result: Callable[[int, Headers, bytes], Result],
        check: Callable[[Any], None],
    ) -> None:
        self._asgi = asgi
        self._scope = scope
        self._make_result = make_result
        self._check = check
        self._said: SimpleQueue[Message | BaseException | None] = SimpleQueue()
        self._code: int | None = None
        self.subprotocol: str | None = None
        self.headers = Headers()

    def __enter__(self) -> Self:
        """Open the connection.

        Raises:
            SocketRefused: The app answered over HTTP.
        """
        self._heard: asyncio.Queue[Message] = asyncio.Queue()
        self._heard.put_nowait({"type": "websocket.connect"})
        self._task = submit(self._run())
        message = self._next()
        if message["type"] == "websocket.accept":
            self.subprotocol = message.get("subprotocol")
            self.headers = _to_headers(message)
            return self
        result = self._read_refusal(message)
        self._task.result(WAIT_SECONDS)
        raise SocketRefused(result)

    def _read_refusal(self, message: Message) -> Result:
        if message["type"] == "websocket.close":  # What servers make of it that cannot say more.
            return self._make_result(403, Headers(), b"")
        if message["type"] != "websocket.http.response.start":
            raise ProtocolError(f"The ASGI application sent {message['type']!r} before it accepted the connection.")
        body = self._next().get("body", b"")
        return self._make_result(message["status"], _to_headers(message), body)

    async def _run(self) -> None:
        self._loop = asyncio.get_running_loop()
        try:
            await self._asgi(self._scope, self._heard.get, self._send)
        except BaseException as error:  # It is the test's; a SystemExit that passed would end the loop for all.
            self._said.put(error)
        else:
            self._said.put(None)

    async def _send(self, message: Message) -> None:
        if self._code is not None:
            raise OSError("The client has left.")  # ASGI 2.4: as servers do.
        self._said.put(message)

    def _next(self) -> Message:
        try:
            message = self._said.get(timeout=WAIT_SECONDS)
        except Empty:
            raise ResultError(f"The app sent nothing for {WAIT_SECONDS:g} seconds.") from None
        if message is None:
            raise ProtocolError("The ASGI application ended without closing the connection.")
        if isinstance(message, BaseException):
            raise message
        return message

    # -- Talking ------------------------------------------------------------------------------------------------------

    def send(self, value: Any) -> None:
        """Send a value as JSON; dates, UUIDs and decimals are written as the app would."""
        self._hear({"type": "websocket.receive", "text": encode_json(value).decode()})

    def send_text(self, text: str) -> None:
        """Send a text as it is."""
        self._hear({"type": "websocket.receive", "text": text})

    def send_bytes(self, content: bytes) -> None:
        """Send a binary message."""
        self._hear({"type": "websocket.receive", "bytes": content})

    def receive(self) -> Any:
        """Return the next message, as what its JSON stands for; it is held against the document.

        Raises:
            SocketClosed: The app closed the connection.
            ContractBreach: The message is not what is declared.
            ResultError: None came for 30 seconds, or it is no JSON.
            Exception: Whatever the app did not handle, where the client raises exceptions.
        """
        if self._code is not None:
            raise CallError("The connection is closed.")
        message = self._next()
        if message["type"] == "websocket.close":
            self._leave(message.get("code", 1000))
            raise SocketClosed(message.get("code", 1000), message.get("reason") or "")
        text = message.get("text")
        if message["type"] != "websocket.send" or text is None:
            raise ResultError(f"The app sent {dict(message)!r} where a text was expected.")
        try:
            value = codec.decode(text.encode(), UNLIMITED)
        except codec.JSONError as error:
            raise ResultError(f"The app sent what is no JSON: {error.detail}") from error
        self._check(value)
        return value

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Close the connection, and wait for the app to end; again does nothing.

        Raises:
            Exception: Whatever the app did not handle, where the client raises exceptions.
        """
        self._leave(code, reason)
        while not self._said.empty():
            said = self._said.get()
            if isinstance(said, BaseException):
                raise said

    def _leave(self, code: int, reason: str = "") -> None:
        if self._code is None:
            self._code = code
            self._hear({"type": "websocket.disconnect", "code": code, "reason": reason})
            self._task.result(WAIT_SECONDS)

    def _hear(self, message: Message) -> None:
        if message["type"] != "websocket.disconnect" and self._code is not None:
            raise CallError("The connection is closed.")
        self._loop.call_soon_threadsafe(self._heard.put_nowait, message)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self.close()
        else:
            self._leave(1001)


def _to_headers(message: Message) -> Headers:
    pairs = message.get("headers") or ()
    return Headers([(name.decode("latin-1"), value.decode("latin-1")) for name, value in pairs])
