"""A server of ASGI in small, for what a real one does in its own order."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

from ramekin.types import ASGIApplication, Message, Scope

REQUEST: Message = {"type": "http.request", "body": b"", "more_body": False}
LEFT: Message = {"type": "http.disconnect"}


def make_scope(path: str = "/", method: str = "GET", **changes: Any) -> Scope:
    """Return the scope of a request; header fields are given as text."""
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in changes.pop("headers", ())]
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.5"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": headers,
        "client": ("192.0.2.1", 1234),
        "server": ("localhost", 80),
        **changes,
    }


class Server:
    """Hands messages to an application, and keeps what it sends.

    Args:
        messages: What is received at first; then nothing comes until the client leaves.
    """

    def __init__(self, messages: Iterable[Message] = (REQUEST,)) -> None:
        self._messages = list(messages)
        self._left = asyncio.Event()
        self.sent: list[Message] = []
        self.has_sent = asyncio.Event()

    async def receive(self) -> Message:
        """Give the next message."""
        if self._messages:
            return self._messages.pop(0)
        await self._left.wait()
        return LEFT

    async def send(self, message: Message) -> None:
        """Take a message."""
        self.sent.append(message)
        self.has_sent.set()

    def leave(self) -> None:
        """Close the client's side of the connection."""
        self._left.set()

    @property
    def status(self) -> int:
        """The status of the response."""
        return int(self.sent[0]["status"])

    @property
    def headers(self) -> dict[str, str]:
        """The header fields of the response."""
        return {name.decode(): value.decode("latin-1") for name, value in self.sent[0]["headers"]}

    @property
    def content(self) -> bytes:
        """The content that was sent."""
        return b"".join(message.get("body", b"") for message in self.sent[1:])


def serve(asgi: ASGIApplication, scope: Scope, *messages: Message) -> Server:
    """Run one connection to its end."""

    async def run() -> Server:
        server = Server(messages or (REQUEST,))
        await asgi(scope, server.receive, server.send)
        return server

    return asyncio.run(run())
