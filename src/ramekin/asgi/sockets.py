"""WebSocket connections: the request that opens one runs through its plan; what refuses it is answered over HTTP.

Specification: ASGI WebSocket message format 2.5, with the extension WebSocket Denial Response; RFC 6455 §4.2.2.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import Context
from time import perf_counter
from typing import TYPE_CHECKING, Any

from ramekin.access_log import compile_clock, log_access
from ramekin.asgi.requests import ASGIRequest, find_path
from ramekin.asgi.threads import Threads, run_in_thread
from ramekin.methods import NO_HOST, NO_ROUTE, Fallback, Route, answer_unmatched, compile_look_up
from ramekin.problems import NotFound
from ramekin.sockets.conversations import Conversation
from ramekin.sockets.sockets import Socket

if TYPE_CHECKING:
    from ramekin.frames import Answer
    from ramekin.plans import Plan
    from ramekin.sites import Site
    from ramekin.types import ASGIApplication, Receive, Scope, Send

_NO_SOCKET = "There is no WebSocket here."


class SocketRequest(ASGIRequest):
    """The request that opens a WebSocket connection: a GET without content.

    Attributes:
        socket: What its handler talks through.
    """

    __slots__ = ("socket",)

    socket: Socket

    @property
    def peer_scheme(self) -> str:
        return "https" if self.scope.get("scheme") == "wss" else "http"


def compile_sockets(site: Site, threads: Threads) -> ASGIApplication:
    """Return what serves the WebSocket connections of a site."""
    look_up, (start_clock, _) = compile_look_up(site.router), compile_clock(site.settings)
    propagate = site.settings.propagate_exceptions

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        started = start_clock()
        await receive()  # websocket.connect
        request = SocketRequest.make({**scope, "method": "GET"}, receive, site, None)
        request.content.has_ended = True
        found, arguments = look_up(find_path(scope))
        if site.hosts is not None and not site.hosts.trust(request.host):
            found = NO_HOST
        plan = found.socket if isinstance(found, Route) else None
        request.operation = None if plan is None else plan.operation
        if plan is not None:
            request.socket = Socket(receive, send, plan.codec, scope.get("subprotocols") or [])
            answer, context = await _run(plan, request, arguments, threads)
        else:
            is_other = isinstance(found, Route) and found not in (NO_HOST, NO_ROUTE)
            missing = NotFound(_NO_SOCKET) if is_other else answer_unmatched(request, found)
            answer, context = await _run(site.fallback, request, missing, threads)
        head, content, close = answer
        error: Exception | None = None
        try:
            if isinstance(content, Conversation):
                accept = {"type": "websocket.accept", "subprotocol": request.socket.subprotocol}
                try:
                    await send({**accept, "headers": head.raw_headers})
                except OSError:  # The client has left, of which the handler learns where it talks.
                    request.socket.note_closed(1006, "")
                error = await content.run(request)
            else:
                await _deny(scope, send, answer)
        finally:
            if close is not None:
                await _close(close, error, context, threads)
            if started is not None:
                log_access(request, head.status, 0, perf_counter() - started)
        if propagate and error is not None:
            raise error

    return serve


async def _run(
    answering: Plan | Fallback, request: ASGIRequest, given: Any, threads: Threads
) -> tuple[Answer, Context | None]:
    """Run a plan where it belongs, and give the context of its thread; None on the event loop."""
    if answering.run_async is not None:
        request.on_loop = True
        return await answering.run_async(request, given), None
    context = threads.copy_context()
    return await run_in_thread(answering, request, given, threads, context), context


async def _deny(scope: Scope, send: Send, answer: Answer) -> None:
    """Answer over HTTP, where the server can; others answer 403 (ASGI: a close before it is accepted)."""
    head, content, _ = answer
    if "websocket.http.response" not in (scope.get("extensions") or {}):
        await send({"type": "websocket.close", "code": 1008})
        return
    body = content if isinstance(content, bytes) else b""
    headers = [*head.raw_headers, (b"content-length", b"%d" % len(body))]
    await send({"type": "websocket.http.response.start", "status": head.status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": body})


async def _close(
    close: Callable[[Exception | None], Any], error: Exception | None, context: Context | None, threads: Threads
) -> None:
    if context is None:
        await close(error)
    else:
        await threads.run(context, close, error)
