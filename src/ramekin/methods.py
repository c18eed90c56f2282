"""Methods: what one rule leads to, and the methods that need no code.

HEAD follows from GET, OPTIONS and 405 from the methods that are there.

Specification: RFC 9110 §9.3.2 (HEAD), §9.3.7 (OPTIONS), §15.5.6 (405).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import quote

from ramekin import json
from ramekin.failures import log_failure
from ramekin.frames import Frame, Onion, frame_steps
from ramekin.problems import BadRequest, MethodNotAllowed, NotFound, NotImplementedByServer, problem_of_status
from ramekin.responses import Content, Head, Reply
from ramekin.routing import NOTHING, MovedTo, NoRoute, Router, quote_path
from ramekin.steps import Exchange, Phase, Step
from ramekin.streams import AsyncStream

if TYPE_CHECKING:
    from ramekin.failures import Failures
    from ramekin.frames import Answer
    from ramekin.operations import Operation
    from ramekin.plans import Plan, RunAsync
    from ramekin.problems import Problem
    from ramekin.requests import Request
    from ramekin.settings import Settings
    from ramekin.sockets.plans import SocketPlan


class Route:
    """What one rule leads to.

    Attributes:
        plans: The plan of each method; HEAD's is its own, else follows from GET's.
        socket: The plan of the WebSocket connections; None where there are none.
        quick: What a gateway has made of plans to answer more quickly, by method.
    """

    __slots__ = ("plans", "quick", "socket")

    def __init__(self, plans: Mapping[str, Plan], socket: SocketPlan | None = None) -> None:
        self.socket = socket
        self.quick: Mapping[str, Callable[..., Any]] = NOTHING
        self.plans = {method: plan for method, plan in plans.items() if method != "HEAD"}
        head = plans.get("HEAD") or plans.get("GET")
        if head is not None:
            self.plans["HEAD"] = _HeadPlan(head)
        if "OPTIONS" in self.plans:
            self.plans["OPTIONS"] = _OptionsPlan(self.plans["OPTIONS"], self.allow)

    @property
    def allow(self) -> str:
        """The methods, as ``Allow`` lists them."""
        return ", ".join(dict.fromkeys([*self.plans, "OPTIONS"]))

    @property
    def options_headers(self) -> dict[str, str]:
        """The header fields of the answer to OPTIONS.

        ``Accept-Post`` and ``Accept-Patch`` (W3C LDP §7.1, RFC 5789 §3.1) go with the methods that read a body.
        """
        from ramekin.arguments import content_types

        found = {"Allow": self.allow}
        for method, header in (("POST", "Accept-Post"), ("PATCH", "Accept-Patch")):
            plan = self.plans.get(method)
            if plan is not None and plan.operation.has_body:
                found[header] = ", ".join(content_types(plan.operation))
        return found


class _HeadPlan:
    """The plan of HEAD: that of GET, or one of its own, without content."""

    __slots__ = ("_inner", "operation", "run_async")

    def __init__(self, inner: Plan) -> None:
        self.operation: Operation = inner.operation
        self._inner = inner
        self.run_async = None if inner.run_async is None else self._compile_run(inner.run_async)

    def run(self, request: Request, arguments: dict[str, Any]) -> Answer:
        """Answer a request in a thread, given the values of the path."""
        return without_content(request, self._inner.run(request, arguments))

    @staticmethod
    def _compile_run(run_async: RunAsync) -> RunAsync:
        async def run(request: Request, arguments: dict[str, Any]) -> Answer:
            return await without_content_async(request, await run_async(request, arguments))

        return run


class _OptionsPlan:
    """The plan of a resource's own OPTIONS: its successes say which methods there are, unless they do themselves."""

    __slots__ = ("_allow", "_inner", "operation", "run_async")

    def __init__(self, inner: Plan, allow: str) -> None:
        self.operation: Operation = inner.operation
        self._inner = inner
        self._allow = allow
        self.run_async = None if inner.run_async is None else self._compile_run(inner.run_async)

    def run(self, request: Request, arguments: dict[str, Any]) -> Answer:
        """Answer a request in a thread, given the values of the path."""
        return self._allowing(self._inner.run(request, arguments))

    def _compile_run(self, run_async: RunAsync) -> RunAsync:
        async def run(request: Request, arguments: dict[str, Any]) -> Answer:
            return self._allowing(await run_async(request, arguments))

        return run

    def _allowing(self, answer: Answer) -> Answer:
        head, content, close = answer
        if head.status < 400 and all(name.lower() != "allow" for name, _ in head.headers):
            head = Head(head.status, [*head.headers, ("Allow", self._allow)])
        return head, content, close


def without_content(request: Request, answer: Answer) -> Answer:
    """Return the answer to HEAD that goes with an answer to GET (RFC 9110 §9.3.2)."""
    head, content, close_all = answer
    close = getattr(content, "close", None)
    if close is not None:
        try:
            close()
        except Exception as error:
            log_failure(request, error)
    return Head(head.status, _sized(head, content)), None, close_all


async def without_content_async(request: Request, answer: Answer) -> Answer:
    """Do the same on an event loop, where streams are closed by coroutines."""
    head, content, close_all = answer
    if not isinstance(content, AsyncStream):
        return without_content(request, answer)
    try:
        await content.aclose()
    except Exception as error:
        log_failure(request, error)
    return Head(head.status, head.headers), None, close_all


def _sized(head: Head, content: Content) -> list[tuple[str, str]]:
    if isinstance(content, bytes) and content:
        return [*head.headers, ("Content-Length", str(len(content)))]
    return head.headers


#: What a path leads to: a route, or the form of the path under which there is one.
Found: TypeAlias = Route | MovedTo
NO_ROUTE = Route({})
#: What any path leads to where the request asks a host that is not trusted.
NO_HOST = Route({})


def compile_look_up(router: Router[Route]) -> Callable[[str | None], tuple[Found, dict[str, Any]]]:
    """Return what finds the route of a decoded path, and the values in it; None is a path that is not in UTF-8."""
    find = router.find

    def look_up(path: str | None) -> tuple[Found, dict[str, Any]]:
        if path is None:
            return NO_ROUTE, {}
        try:
            return find(path)
        except NoRoute:
            return NO_ROUTE, {}
        except MovedTo as moved:
            return moved, {}

    return look_up


def answer_unmatched(request: Request, found: Found) -> Reply[Any] | Problem:
    """Return the answer to a request that no operation answers."""
    if isinstance(found, MovedTo):
        return _redirect(request, found.path)
    if found is NO_HOST:
        return BadRequest("The request asks a host that this API does not answer for.")
    if found is NO_ROUTE:
        return NotFound()
    if request.method == "OPTIONS":
        return Reply(status=204, headers=found.options_headers)
    if found.socket is not None and request.method == "GET":
        return _demand_upgrade(request)
    return MethodNotAllowed(headers={"Allow": found.allow})


def _demand_upgrade(request: Request) -> Problem:
    """Return the answer to a plain request for what is a WebSocket, or to any where there can be none."""
    if request.can_upgrade:  # RFC 9110 §15.5.22: with the field Upgrade, which the gateway adds.
        return problem_of_status(426)("This is a WebSocket; ask for it by a WebSocket client.")
    return NotImplementedByServer(
        "This is a WebSocket, and WSGI has none: a request is answered once. Serve the app under ASGI."
    )


def _redirect(request: Request, path: str) -> Reply[Any]:
    """Return the redirect to another form of the path: a path alone, so that no host can be slipped in."""
    # What is no character of a query (RFC 3986 §3.4) is quoted; servers hand raw bytes on as latin-1.
    query = quote(request.query_string, safe="%!$&'()*+,;=:@/?-._~[]", encoding="latin-1", errors="replace")
    location = "/" + (quote_path(request.script_name) + path).lstrip("/") + (query and f"?{query}")
    return Reply(status=308, headers={"Location": location})


class Fallback:
    """What answers requests that match no operation, with the outer steps of the app around it."""

    __slots__ = ("_onion", "run_async")

    def __init__(
        self, steps: Sequence[Step], failures: Failures, settings: Settings, to_head: Callable[[Reply[Any]], Head]
    ) -> None:
        def answer(exchange: Exchange) -> Any:
            given: Reply[Any] | Problem = exchange.arguments.pop("answer")
            return given if isinstance(given, Reply) else failures.answer(exchange, given)

        outside = [step for step in steps if step.phase is Phase.OUTER]
        frames = [
            *frame_steps(outside, _finish_unmatched),
            Frame(name="fallback", enter=answer, finish=_finish_unmatched),
        ]
        self._onion = Onion(frames, failures, settings.propagate_exceptions or settings.debug, to_head)
        self.run_async = None if any(step.may_block for step in outside) else self._run_async

    def run(self, request: Request, given: Reply[Any] | Problem) -> Answer:
        """Answer with a reply or a problem in a thread."""
        answer = self._onion.run(Exchange(request, None, {"answer": given}))
        return without_content(request, answer) if request.method == "HEAD" else answer

    async def _run_async(self, request: Request, given: Reply[Any] | Problem) -> Answer:
        answer = await self._onion.run_async(Exchange(request, None, {"answer": given}))
        return without_content(request, answer) if request.method == "HEAD" else answer


def _finish_unmatched(reply: Reply[Any]) -> Reply[Any]:
    """Finish a reply that stands around no operation: JSON, or no content."""
    if reply.finished:
        return reply
    if reply.value is None:
        return reply.finish_empty()
    reply.body = json.encode(reply.value)
    reply.headers.pairs.insert(0, ("Content-Type", "application/json"))
    reply.status, reply.finished = reply.status or 200, True
    return reply
