"""Cross-origin requests: which pages of other origins may call the API, and what they may send and read.

What a page may send follows from the declarations: the methods of the route, and the header fields that the operation
reads. A preflight is answered before anything else, authentication and hooks included, for a browser sends it without
credentials. Nothing is said of private networks.

Specification: Fetch §3.3 (CORS protocol).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, cast

from ramekin.inputs import header_name
from ramekin.methods import Route, compile_look_up
from ramekin.problems import Problem
from ramekin.responses import HeaderList, Reply
from ramekin.steps import Exchange, Phase, Step

if TYPE_CHECKING:
    from marshmallow import Schema

    from ramekin.operations import Operation
    from ramekin.requests import Request
    from ramekin.settings import CORS, Settings
    from ramekin.sites import Site

#: What a page may read of any response (Fetch §4.5.1, CORS-safelisted response-header names).
_READABLE = frozenset(
    {"cache-control", "content-language", "content-length", "content-type", "expires", "last-modified", "pragma"}
)
_VARY = ("Vary", "Origin")
#: What nobody else says of a response while origins are named.
_OWN = frozenset({"access-control-allow-origin", "access-control-allow-credentials", "access-control-expose-headers"})
#: Security schemes whose credentials come in ``Authorization``.
_AUTHORIZATION = frozenset({"http", "oauth2", "openIdConnect"})


def is_preflight(method: str, header: Callable[[str], str | None]) -> bool:
    """Tell whether a request asks what another one may do (Fetch §3.3.2, CORS-preflight request).

    Args:
        method: Its method.
        header: Returns a header field by its lower-case name, or None.
    """
    return method == "OPTIONS" and None not in (header("origin"), header("access-control-request-method"))


def cors_step(settings: Settings) -> Step:
    """Return the step that answers preflights, and says on every response which origin may read it."""
    desk = _Desk(settings)
    return Step(phase=Phase.OUTER, name="cors", enter=desk.enter, leave=desk.leave, blocking=False)


class _Desk:
    """What the origins of the settings are told."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._any_origin = "*" in settings.cors.origins
        self._credentials = [("Access-Control-Allow-Credentials", "true")] if settings.cors.credentials else []
        #: The names that may be read, by operation.
        self._exposed: dict[str | None, tuple[str, ...]] = {}

    def enter(self, exchange: Exchange) -> Reply[Any] | None:
        """Answer a preflight, if it asks about a path that there is."""
        request = exchange.request
        route = _find_route(exchange) if is_preflight(request.method, request.header) else None
        if route is None:
            return None
        headers = {"Allow": route.allow}
        if _may_read(self._settings.cors, request):
            headers |= _describe(route, request, self._settings)
        return Reply[Any](status=204, headers=headers).finish_empty()

    def leave(self, exchange: Exchange, reply: Reply[Any]) -> Reply[Any]:
        """Say who may read the answer; names and values are known to be good, so they are put as they are."""
        headers = reply.headers
        present = {name.lower() for name, _ in headers.pairs}
        if not self._any_origin:
            if "vary" in present:
                headers.add_token("Vary", "Origin")
            else:
                headers.pairs.append(_VARY)
        for name in present & _OWN:
            headers.remove(name)
        if _may_read(self._settings.cors, exchange.request):
            origin = "*" if self._any_origin else exchange.request.header("origin") or ""
            headers.pairs += [("Access-Control-Allow-Origin", origin), *self._credentials]
            if "access-control-allow-methods" not in present:
                headers.pairs += self._tell_exposed(exchange.operation, reply)
        return reply

    def _tell_exposed(self, operation: Operation | None, reply: Reply[Any]) -> list[tuple[str, str]]:
        key = None if operation is None else operation.id
        names = self._exposed.get(key)
        if names is None:
            names = self._exposed[key] = tuple(_unique(_exposed(operation, self._settings)))
        if reply.problem is not None and reply.problem.headers:
            names = tuple(_unique((*names, *(name for name, _ in HeaderList(reply.problem.headers)))))
        return [("Access-Control-Expose-Headers", ", ".join(names))] if names else []


def _may_read(cors: CORS, request: Request) -> bool:
    """Tell whether a request came from a page that may read the answer."""
    origin = request.header("origin")
    return origin is not None and (origin in cors.origins or "*" in cors.origins)


def _find_route(exchange: Exchange) -> Route | None:
    """Return the route that a preflight asks about; None where there is none, and another answer is ready."""
    if exchange.operation is None:
        answer: Reply[Any] | Problem = exchange.arguments["answer"]
        if answer.status != 204:
            return None
    site = cast("Site", exchange.request.site)
    found, _ = compile_look_up(site.router)(exchange.request.path)
    return found if isinstance(found, Route) else None


def _describe(route: Route, request: Request, settings: Settings) -> dict[str, Any]:
    """Return what a preflight is told of the operation that it asks about, or of all where there is no such one."""
    plan = route.plans.get(request.header("access-control-request-method") or "")
    operations = [each.operation for each in route.plans.values()] if plan is None else [plan.operation]
    read = [name for operation in operations for name in _read_headers(operation, settings)]
    names = _unique((*read, *settings.cors.allow_headers))
    told: dict[str, Any] = {
        "Access-Control-Allow-Methods": route.allow,
        "Access-Control-Max-Age": settings.cors.max_age_seconds,
    }
    return told | {"Access-Control-Allow-Headers": ", ".join(names)} if names else told


def _read_headers(operation: Operation, settings: Settings) -> Iterator[str]:
    """Yield the header fields that an operation reads and that a page has to be allowed to send."""
    if operation.has_body:
        yield "Content-Type"
        if settings.request_gzip:
            yield "Content-Encoding"
    for item in operation.inputs_at("headers"):
        schema = cast("Schema", item.shape)  # Only a JSON body may be one field.
        yield from (header_name(field.data_key or name) for name, field in schema.load_fields.items())
    for scheme in operation.effects.security_schemes.values():
        if scheme.get("type") in _AUTHORIZATION:
            yield "Authorization"
        elif scheme.get("in") == "header":
            yield scheme["name"]


def _exposed(operation: Operation | None, settings: Settings) -> Iterator[str]:
    """Yield the header fields that a page may read: those of the declared outcomes, and what the settings name."""
    if operation is not None:
        declared = (header.name for outcome in operation.outcomes for header in outcome.headers)
        yield from (name for name in declared if name.lower() not in _READABLE)
    if settings.request_id_header is not None:
        yield settings.request_id_header
    yield from settings.cors.expose_headers


def _unique(names: Iterable[str]) -> list[str]:
    """Return names, each once whatever its case, as it was spelt first."""
    found: dict[str, str] = {}
    for name in names:
        found.setdefault(name.lower(), name)
    return list(found.values())
