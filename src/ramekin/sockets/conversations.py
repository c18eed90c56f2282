"""Conversations: a handler of messages, run beside what reads the connection, until either ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ramekin.failures import log_failure
from ramekin.sockets.errors import INTERNAL, NORMAL, POLICY, RESTART, InvalidMessage, SocketClosed

if TYPE_CHECKING:
    from ramekin.requests import Request
    from ramekin.responses import Reply
    from ramekin.sockets.sockets import Socket

#: How long a handler may take before it wants to talk or refuses. Then the connection is accepted: only of one that is
#: do servers tell that the client left.
ACCEPT_SECONDS = 0.5
#: How long a handler may go on after its client left without noticing, before it is cancelled.
LEAVE_SECONDS = 5.0


class Conversation:
    """One handler on its way: begun before the connection is accepted, run until the end of either.

    Args:
        start: Calls the handler.
        socket: The socket that it has.
        answer: Makes a reply of an exception that it raises, as the app says; what nobody expected it logs, and leaves
            in the exchange.
        is_silent: Whether it never receives, so that it cannot notice that the client left.
    """

    def __init__(
        self,
        start: Callable[[], Coroutine[Any, Any, Any]],
        socket: Socket,
        answer: Callable[[Exception], Coroutine[Any, Any, tuple[Reply[Any], Exception | None]]],
        *,
        is_silent: bool,
    ) -> None:
        self._start = start
        self._socket = socket
        self._answer = answer
        self._patience = 0.0 if is_silent else LEAVE_SECONDS
        self._task: asyncio.Task[Any]

    async def begin(self) -> None:
        """Run the handler until it first wants to talk, or has waited for something else for long.

        Raises:
            Exception: What it raised before that.
        """
        self._task = asyncio.create_task(self._start())
        self._task.add_done_callback(lambda _: self._socket.wanted.set())
        with suppress(TimeoutError):
            async with asyncio.timeout(ACCEPT_SECONDS):
                await self._socket.wanted.wait()
        if self._task.done():
            self._task.result()

    async def run(self, request: Request) -> Exception | None:
        """Let the handler talk to its end, then close the connection.

        Returns:
            The exception that nobody expected, which was logged.
        """
        task, socket = self._task, self._socket
        socket.note_accepted()
        reading = socket.start_reading()
        try:
            await asyncio.wait({task, reading}, return_when=asyncio.FIRST_COMPLETED)
            await self._let_end(task)
            return await self._close(task, request)
        except asyncio.CancelledError:
            await self.aclose()
            await socket.close(RESTART)
            raise
        finally:
            await socket.stop_reading()

    async def _let_end(self, task: asyncio.Task[Any]) -> None:
        """Wait for a handler whose client left; one that does not notice is cancelled."""
        await asyncio.wait({task}, timeout=self._patience)
        if not task.done() and not self._socket.is_told:
            task.cancel()
        await asyncio.wait({task})

    async def _close(self, task: asyncio.Task[Any], request: Request) -> Exception | None:
        """Close the connection as the end of the handler says."""
        error = asyncio.CancelledError() if task.cancelled() else task.exception()
        socket = self._socket
        if error is None:
            await socket.close(NORMAL)
        elif isinstance(error, InvalidMessage):
            await socket.close(error.code, error.detail)
        elif isinstance(error, SocketClosed | asyncio.CancelledError):
            await socket.close(INTERNAL if socket.close_code is None else NORMAL)
        elif isinstance(error, Exception):
            return await self._refuse(error)
        else:
            log_failure(request, error)
            await socket.close(INTERNAL)
        return None

    async def _refuse(self, error: Exception) -> Exception | None:
        """Close the connection as the reply to an exception says, the app's own handlers being asked."""
        reply, bug = await self._answer(error)
        if reply.status is not None and reply.status >= 500:
            await self._socket.close(INTERNAL)
        else:
            await self._socket.close(POLICY, "" if reply.problem is None else reply.problem.code)
        return bug

    async def aclose(self) -> None:
        """End the handler, if it has not ended."""
        task = self._task
        if not task.done():
            task.cancel()
            await asyncio.wait({task})
        if not task.cancelled():
            task.exception()  # Looked at, so that the loop does not complain that nobody did.
