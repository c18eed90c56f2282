"""Sending: an answer as ASGI messages, its content piece by piece, until its end or until the client leaves.

Specification: ASGI HTTP message format 2.5, response events; RFC 9112 §9.6 for closing connections.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Coroutine, Iterable
from contextvars import Context
from typing import TYPE_CHECKING, Any

from ramekin.asgi.leaving import ClientLeft, Watch
from ramekin.failures import log_failure

if TYPE_CHECKING:
    from ramekin.asgi.requests import ASGIRequest
    from ramekin.asgi.threads import Threads
    from ramekin.frames import Answer
    from ramekin.responses import Content, Head
    from ramekin.types import Message, Send

#: Answers after which nobody can tell where the next request begins, where some of this one was left unread.
_LOST_FRAMING = frozenset({400, 413})
#: Those, and the one that names another protocol: they may get fields that belong to the connection.
MARKED_STATUSES = _LOST_FRAMING | {426}
_END = object()
#: ``Content-Length`` of short content, made once: most answers of an API have one of these.
_READY_LENGTHS = 512
_LENGTHS = tuple((b"content-length", b"%d" % length) for length in range(_READY_LENGTHS))


def length_field(length: int) -> tuple[bytes, bytes]:
    """Return the ``Content-Length`` of content in one piece."""
    return _LENGTHS[length] if length < _READY_LENGTHS else (b"content-length", b"%d" % length)


async def send_whole(send: Send, request: ASGIRequest, head: Head, content: bytes) -> None:
    """Send a response whose content is in one piece."""
    headers = [*head.raw_headers, length_field(len(content))]
    if head.status in _LOST_FRAMING and request.is_left_unread and request.http_version.startswith("1"):
        headers.append((b"connection", b"close"))
    if head.status == 426 and request.http_version.startswith("1"):  # RFC 9110 §15.5.22
        headers += [(b"upgrade", b"websocket"), (b"connection", b"upgrade")]
    await send({"type": "http.response.start", "status": head.status, "headers": headers})
    await send({"type": "http.response.body", "body": content})


class Delivery:
    """One answer on its way: counts its bytes, and closes what the request opened, whatever happens.

    An exception in the middle of a stream is logged and passes to the server, which has to give up the connection. A
    client that leaves ends it without one.

    Args:
        request: The request.
        watch: What has watched for the client's leaving while the answer was made; None where nothing has.
        send: What takes the next message.
        threads: Where plain code runs.
        context: Where the plan ran: the context of its thread; None on the event loop.

    Attributes:
        sent: Bytes of content that were sent.
    """

    def __init__(
        self, request: ASGIRequest, watch: Watch | None, send: Send, threads: Threads, context: Context | None
    ) -> None:
        self._request = request
        self._watch = watch
        self._send = send
        self._threads = threads
        self._is_on_loop = context is None
        self._context = context
        self.sent = 0

    async def send(self, answer: Answer) -> None:
        """Send an answer to its end."""
        head, content, close = answer
        broken: Exception | None = None
        try:
            if isinstance(content, bytes):
                await send_whole(self._give, self._request, head, content)
                self.sent = len(content)
            else:
                await self._give({"type": "http.response.start", "status": head.status, "headers": head.raw_headers})
                chunks = self._send_chunks(content)
                await (self._run_async(chunks) if isinstance(content, AsyncIterable) else chunks)
        except ClientLeft:
            pass  # Nobody is there to be told.
        except Exception as error:
            broken = error
            log_failure(self._request, error)
            raise
        finally:
            if self._watch is not None:
                await self._watch.stop()
            await self._close(content, close, broken)

    async def _send_chunks(self, content: Content) -> None:
        if content is not None and not isinstance(content, bytes):
            chunks = aiter(content) if isinstance(content, AsyncIterable) else self._read_chunks(content)
            watch = self._watch = self._watch or Watch(self._request)
            watch.start()
            try:
                async with watch:
                    async for chunk in chunks:
                        if chunk:
                            await self._give({"type": "http.response.body", "body": chunk, "more_body": True})
                            self.sent += len(chunk)
            finally:
                await getattr(chunks, "aclose", _nothing)()
        await self._give({"type": "http.response.body", "body": b""})

    async def _give(self, message: Message) -> None:
        try:
            await self._send(message)
        except OSError as error:  # ASGI HTTP message format 2.4: what sending after the client has left raises.
            raise ClientLeft from error

    async def _read_chunks(self, content: Iterable[bytes]) -> AsyncIterator[bytes]:
        iterator = iter(content)
        while True:
            made: Any = await self._run(next, iterator, _END)
            if made is _END:
                return
            yield made

    async def _run(self, function: Any, *args: Any) -> Any:
        """Run a plain function in a thread, in the context of the plan's where it ran in one."""
        self._context = self._context or self._threads.copy_context()
        return await self._threads.run(self._context, function, *args)

    async def _run_async(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Await what async parts go on with, in the context that the thread of the plan left, if it ran in one."""
        if self._is_on_loop:
            await coroutine
        else:
            await asyncio.create_task(coroutine, context=self._context)

    async def _close(self, content: Content, close: Any, broken: Exception | None) -> None:
        try:
            close_content = getattr(content, "close", None)
            if isinstance(content, AsyncIterable):
                await self._run_async(getattr(content, "aclose", _nothing)())
            elif close_content is not None:
                await self._run(close_content)
        finally:
            if close is not None and self._is_on_loop:
                await close(broken)
            elif close is not None:
                await self._run(close, broken)


async def _nothing() -> None:
    """Close what cannot be closed."""
