"""Checks of rules and methods.

Specification: RFC 9110 §9.3 (methods), §15.3.2 (201), §15.3.5 (204); RFC 5789 (PATCH).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from marshmallow import Schema

from ramekin.checks.registry import check
from ramekin.checks.subjects import api_operations
from ramekin.errors import RoutingError
from ramekin.methods import Route, compile_look_up

if TYPE_CHECKING:
    from ramekin.operations import Operation, PathParameter
    from ramekin.sites import Site

#: Content in requests of these methods means nothing (RFC 9110 §9.3.1, §9.3.2 and §9.3.5).
_BODILESS_METHODS = frozenset({"GET", "HEAD", "DELETE"})


@check(
    "RK401",
    "A path is never reached",
    severity="error",
    why="Another rule takes the requests for it.",
    fix="Take the value out of the converter, or one of the rules away.",
)
def find_shadowed_rules(site: Site) -> Iterator[tuple[Operation, str]]:
    """Ask the router for paths of each rule that has values to choose from."""
    look_up = compile_look_up(site.router)
    seen: set[str] = set()
    for operation in api_operations(site):
        if operation.name in seen:
            continue
        seen.add(operation.name)
        for values in _samples(operation.path_parameters):
            try:
                path = unquote(site.router.build(operation.name, values))
            except RoutingError:  # A converter of one's own takes other values.
                continue
            other = _answerer(site.router.static.get(path) or look_up(path)[0])
            if other is not None and other.name != operation.name:
                yield operation, f"{path} is answered by {other.where.rpartition('.')[0]} at {other.rule!r}."


def _answerer(found: object) -> Operation | None:
    """Return any operation of what a path leads to."""
    plans = found.plans.values() if isinstance(found, Route) else ()
    return next((plan.operation for plan in plans), None)


def _samples(parameters: Iterable[PathParameter]) -> Iterator[Mapping[str, Any]]:
    """Yield values for a rule: one set, or one for each choice of its first parameter that has some."""
    parameters = list(parameters)
    sample = {parameter.name: _sample(parameter.schema) for parameter in parameters}
    chosen = next((parameter for parameter in parameters if "enum" in parameter.schema), None)
    for choice in (None,) if chosen is None else chosen.schema["enum"]:
        yield sample if chosen is None else {**sample, chosen.name: choice}


def _sample(schema: Mapping[str, Any]) -> Any:
    if "enum" in schema:
        return schema["enum"][0]
    if schema.get("format") == "uuid":
        return "6d1d5a1e-9c55-4f0f-8a55-3f2f0f6f3a10"
    if schema.get("type") in ("integer", "number"):
        value = schema.get("minimum", schema.get("maximum", 1))
        return float(value) if schema["type"] == "number" else value
    return "x" * max(schema.get("minLength", 1), 1)


@check(
    "RK402",
    "Two paths differ by a slash at the end",
    severity="warning",
    why="Clients, caches and people take them for one.",
    fix="Keep one of them: with the slash, a request without it is redirected.",
)
def find_slash_twins(site: Site) -> Iterator[tuple[Operation, str]]:
    """Compare the paths of all rules."""
    paths = {operation.path: operation for operation in api_operations(site)}
    for path, operation in paths.items():
        if path != "/" and path.endswith("/") and path.rstrip("/") in paths:
            yield operation, f"{path} stands beside {path.rstrip('/')}."


@check(
    "RK403",
    "A body is read where it means nothing",
    severity="warning",
    why="Proxies, servers and clients drop the content of such requests (RFC 9110 §9.3).",
    fix="Take it from the query, or make the operation a POST.",
)
def find_unsendable_bodies(site: Site) -> Iterator[tuple[Operation, str]]:
    """Look for bodies of GET, HEAD and DELETE."""
    for operation in api_operations(site):
        if operation.method in _BODILESS_METHODS and operation.has_body:
            yield operation, f"{operation.method} reads a body."


@check(
    "RK404",
    "Something is made, and nobody says where",
    severity="warning",
    why="A client that gets 201 looks for the new resource in Location (RFC 9110 §15.3.2).",
    fix='Declare it: @returns(…, status=201, headers={"Location": fields.Url(relative=True)}).',
)
def find_creations_without_location(site: Site) -> Iterator[tuple[Operation, str]]:
    """Look for 201 without Location."""
    for operation in api_operations(site):
        for outcome in operation.successes:
            if outcome.status == 201 and all(header.name.lower() != "location" for header in outcome.headers):
                yield operation, "Its 201 has no Location."


@check(
    "RK405",
    "PATCH wants members that may be unchanged",
    severity="warning",
    why="A client has to send what it does not want to change, and so overwrites what another one did.",
    fix="Take a partial schema: @accepts(json=BookSchema(partial=True)).",
)
def find_complete_patches(site: Site) -> Iterator[tuple[Operation, str]]:
    """Look for required members in the bodies of PATCH."""
    for operation in api_operations(site):
        if operation.method == "PATCH":
            for item in operation.inputs_at("json"):
                names = _required(item.shape)
                if names:
                    yield operation, f"It requires {', '.join(names)}."


def _required(shape: object) -> list[str]:
    if not isinstance(shape, Schema) or shape.partial is True:
        return []
    spared = shape.partial or ()
    return [name for name, field in shape.load_fields.items() if field.required and name not in spared]


@check(
    "RK406",
    "A success has no content and is not 204",
    severity="warning",
    why="A client reads on for content that does not come, or takes none for an empty text.",
    fix="Declare @returns(status=204).",
)
def find_empty_successes(site: Site) -> Iterator[tuple[Operation, str]]:
    """Look for 200 and 201 without content."""
    for operation in api_operations(site):
        for outcome in operation.successes:
            if outcome.status == 200 and outcome.shape is None and not outcome.implied and operation.method != "HEAD":
                yield operation, "Its 200 has no content."
