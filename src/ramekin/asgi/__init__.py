"""The ASGI gateway: reads the scope, finds the plan, sends its answer.

An operation all of whose parts are async runs on the server's event loop. Any other runs in a thread of a bounded pool,
its context variables carried there, while its async parts run on the loop.

Specification: ASGI 3.0.
"""

from __future__ import annotations

import asyncio
from contextvars import Context
from time import perf_counter
from typing import TYPE_CHECKING, Any

from ramekin.access_log import INFO, compile_is_logged, log_access
from ramekin.asgi.lifespans import serve_lifespan
from ramekin.asgi.requests import ASGIRequest, find_path
from ramekin.asgi.sending import Delivery, send_whole
from ramekin.asgi.threads import Threads
from ramekin.methods import NO_HOST, Fallback, Found, answer_unmatched, compile_look_up

if TYPE_CHECKING:
    from ramekin.frames import Answer
    from ramekin.plans import Plan
    from ramekin.sites import Site
    from ramekin.types import ASGIApplication, Receive, Scope, Send

__all__ = ["compile_asgi"]


def compile_asgi(site: Site) -> ASGIApplication:
    """Return the ASGI application of a compiled site."""
    find_static, look_up = site.router.static.get, compile_look_up(site.router)
    is_logged = compile_is_logged(site.settings)
    threads, lifespan = Threads(site.settings.asgi_threads), site.lifespan
    fallback, hosts = site.fallback, site.hosts

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await serve_other(scope, receive, send)
            return
        started = perf_counter() if is_logged(INFO) else None
        if not (lifespan.is_empty or lifespan.is_started):
            await lifespan.start()  # The server does not know the lifespan protocol.
        found: Found | None = None if scope.get("root_path") else find_static(scope["path"])
        if found is not None:
            arguments: dict[str, Any] = {}
        else:
            found, arguments = look_up(find_path(scope))
        request = ASGIRequest(scope, receive, site, None)
        if hosts is not None and not hosts.trust(request.host):
            found = NO_HOST
        plan: Plan | None = found.plans.get(scope["method"])
        if plan is not None:
            request.operation = plan.operation
        answering: Plan | Fallback = plan or fallback
        given: Any = arguments if plan is not None else answer_unmatched(request, found)
        context = None
        if answering.run_async is not None:
            request.on_loop = True
            answer = await answering.run_async(request, given)
        else:
            context = threads.copy_context()
            answer = await _run_in_thread(answering, request, given, threads, context)
        head, content, close = answer
        if type(content) is bytes and close is None and started is None:
            await send_whole(send, request, head, content)
            return
        delivery = Delivery(request, receive, send, threads, context)
        try:
            await delivery.send(answer)
        finally:
            if started is not None:
                log_access(request, head.status, delivery.sent, perf_counter() - started)

    async def serve_other(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await serve_lifespan(lifespan, receive, send)
        else:
            raise RuntimeError(f"Ramekin answers http and lifespan, not {scope['type']!r}.")

    return serve


async def _run_in_thread(
    answering: Plan | Fallback, request: ASGIRequest, given: Any, threads: Threads, context: Context
) -> Answer:
    """Run a plan in a thread; when this is cancelled meanwhile, what the plan opened is closed."""
    await request.prefetch()
    answers: list[Answer] = []

    def run() -> None:
        answers.append(answering.run(request, given))

    try:
        await threads.run(context, run)
    except asyncio.CancelledError:
        for answer in answers:
            await threads.run(context, _give_up, answer)
        raise
    return answers[0]


def _give_up(answer: Answer) -> None:
    """Close what nothing is sent of."""
    _, content, close = answer
    try:
        getattr(content, "close", lambda: None)()
    finally:
        if close is not None:
            close(None)
