"""The ASGI gateway: reads the scope, finds the plan, sends its answer.

An operation all of whose parts are async runs on the server's event loop. Any other runs in a thread of a bounded pool,
its context variables carried there, while its async parts run on the loop.

Specification: ASGI 3.0.
"""

from __future__ import annotations

from functools import cache
from time import perf_counter
from typing import TYPE_CHECKING, Any

from ramekin.access_log import INFO, compile_clock, log_access
from ramekin.asgi.leaving import ClientLeft, Watch
from ramekin.asgi.lifespans import serve_lifespan
from ramekin.asgi.requests import ASGIRequest, find_path, join_fields
from ramekin.asgi.sending import MARKED_STATUSES, Delivery, length_field, send_whole
from ramekin.asgi.threads import Threads, run_in_thread
from ramekin.methods import NO_HOST, Fallback, Found, answer_unmatched, compile_look_up

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from ramekin.frames import Answer
    from ramekin.plans import Plan
    from ramekin.sites import Site
    from ramekin.types import ASGIApplication, Receive, Scope, Send

__all__ = ["compile_asgi"]


def compile_asgi(site: Site) -> ASGIApplication:
    """Return the ASGI application of a compiled site."""
    find_static, look_up = site.router.static.get, compile_look_up(site.router)
    start_clock, levels = compile_clock(site.settings)
    threads, lifespan = Threads(site.settings.asgi_threads), site.lifespan
    streaming = frozenset(operation for operation in site.operations if operation.is_streaming)
    fallback, hosts, has_lifespan = site.fallback, site.hosts, not site.lifespan.is_empty
    serve_other = _compile_other(site, threads)

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await serve_other(scope, receive, send)
            return
        started = None if INFO in levels and not levels[INFO] else start_clock()
        if has_lifespan and not lifespan.is_started:
            await lifespan.start()  # The server does not know the lifespan protocol.
        found: Found | None = None if scope.get("root_path") else find_static(scope["path"])
        if found is not None:
            arguments: dict[str, Any] = {}
        else:
            found, arguments = look_up(find_path(scope))
        request = ASGIRequest()  # `ASGIRequest.make`, written out to save the call.
        request.scope, request.receive, request.site = scope, receive, site
        request.on_loop, request._refusal = False, None
        pairs = scope["headers"]
        fields: dict[bytes, bytes] = dict(pairs)
        request.fields = fields = fields if len(fields) == len(pairs) else join_fields(pairs)
        request.accept = fields[b"accept"].decode("latin-1") if b"accept" in fields else None
        if hosts is not None and not hosts.trust(request.host):
            found = NO_HOST
        plan: Plan | None = found.plans.get(scope["method"])
        request.operation = None if plan is None else plan.operation
        answering: Plan | Fallback = plan or fallback
        given: Any = arguments if plan is not None else answer_unmatched(request, found)
        context = watch = None
        making: Awaitable[Answer]
        if answering.run_async is not None:
            request.on_loop = True
            making = answering.run_async(request, given)
        else:
            context = threads.copy_context()
            making = run_in_thread(answering, request, given, threads, context)
        if request.operation in streaming:
            watch = Watch(request)
            try:
                answer = await watch.run(making)
            except ClientLeft:
                return  # Nobody is there to be answered.
        else:
            answer = await making
        head, content, close = answer
        if type(content) is bytes and close is None and started is None and watch is None:
            if head.status in MARKED_STATUSES:
                await send_whole(send, request, head, content)
                return
            # `send_whole` for all others, written out to save the call.
            headers = [*(head.raw or head.raw_headers), length_field(len(content))]
            await send({"type": "http.response.start", "status": head.status, "headers": headers})
            await send({"type": "http.response.body", "body": content})
            return
        delivery = Delivery(request, watch, send, threads, context)
        try:
            await delivery.send(answer)
        finally:
            if started is not None:
                log_access(request, head.status, delivery.sent, perf_counter() - started)

    return serve


def _compile_other(site: Site, threads: Threads) -> ASGIApplication:
    """Return what serves what is no HTTP; few apps have WebSockets, so what serves them is imported on use."""

    @cache
    def find_sockets() -> ASGIApplication:
        from ramekin.asgi.sockets import compile_sockets

        return compile_sockets(site, threads)

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await serve_lifespan(site.lifespan, receive, send)
        elif scope["type"] == "websocket":
            if not (site.lifespan.is_empty or site.lifespan.is_started):
                await site.lifespan.start()
            await find_sockets()(scope, receive, send)
        else:
            raise RuntimeError(f"Ramekin answers http, websocket and lifespan, not {scope['type']!r}.")

    return serve
