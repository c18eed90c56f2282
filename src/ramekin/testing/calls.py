"""From a call of an operation to the request that makes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from ramekin.arguments import content_types
from ramekin.errors import RoutingError
from ramekin.inputs import header_name
from ramekin.inputs.names import Slot, build_slot, load_names
from ramekin.operations import BODY_LOCATIONS, JSON_MEDIA_TYPE, Operation
from ramekin.testing.bodies import encode_query
from ramekin.testing.errors import CallError
from ramekin.testing.values import dump_value

if TYPE_CHECKING:
    from marshmallow import Schema

    from ramekin.sites import Site


@dataclass(frozen=True, slots=True)
class Call:
    """The request that calls an operation: method, path, and the options of `ramekin.testing.Client.request`."""

    method: str
    path: str
    options: Mapping[str, Any] = field(default_factory=dict)


def find_operation(site: Site, target: str | Callable[..., Any]) -> Operation:
    """Return the operation of this id, or the only one that this function answers.

    Raises:
        CallError: There is none, or there are several.
    """
    if isinstance(target, str):
        found = [operation for operation in site.operations if operation.id == target]
        if not found:
            known = [operation.id for operation in site.operations]
            near = get_close_matches(target, known, n=1)
            hint = f"Did you mean {near[0]!r}?" if near else f"There are: {', '.join(known)}."
            raise CallError(f"No operation has the id {target!r}. {hint}")
        return found[0]
    found = [operation for operation in site.operations if operation.handler is target]
    if len(found) == 1:
        return found[0]
    name = getattr(target, "__qualname__", repr(target))
    if found:
        listed = ", ".join(f"{operation.id!r} ({operation.method} {operation.path})" for operation in found)
        raise CallError(f"{name} answers several operations: {listed}. Give the id instead of the function.")
    raise CallError(
        f"{name} answers no operation of {site.info.title}; expected is a method of a registered resource class, "
        "such as Books.get, or an operation's id."
    )


def compose(site: Site, operation: Operation, arguments: Mapping[str, Any]) -> Call:
    """Return the request that calls an operation with these arguments.

    Args:
        site: What the operation belongs to.
        operation: The operation.
        arguments: Path values by their names; ``query``, ``json``, ``form``, ``files``, ``headers``, ``cookies``.

    Raises:
        CallError: The operation does not take an argument, needs one that is not given, or no path can hold a value.
    """
    parts = {parameter.name for parameter in operation.path_parameters}
    locations = {item.location for item in operation.effects.inputs}
    unknown = [name for name in arguments if name not in parts and name not in locations]
    missing = [parameter.name for parameter in operation.path_parameters if parameter.name not in arguments]
    body = [item.location for item in operation.effects.inputs if item.location in BODY_LOCATIONS]
    if _needs_body(operation) and not any(location in arguments for location in body):
        missing.append(" or ".join(dict.fromkeys(body)))
    if unknown or missing:
        raise CallError(
            f"{operation.id} ({operation.method} {operation.path}) takes {_list_names(operation)}; "
            + (f"given beside that: {', '.join(unknown)}. " if unknown else "")
            + (f"missing: {', '.join(missing)}." if missing else "")
        )
    try:
        path = site.router.build(operation.name, {name: arguments[name] for name in parts})
    except RoutingError as error:
        raise CallError(f"{operation.id}: the path {operation.path} cannot hold what is given: {error}") from error
    options = {name: value for name, value in arguments.items() if name not in parts}
    return Call(operation.method, path, _adapt(operation, options))


def _needs_body(operation: Operation) -> bool:
    return any(item.required for item in operation.effects.inputs if item.location in BODY_LOCATIONS)


def _list_names(operation: Operation) -> str:
    names = [parameter.name for parameter in operation.path_parameters]
    names += dict.fromkeys(item.location for item in operation.effects.inputs)
    return ", ".join(names) or "no argument"


def _adapt(operation: Operation, options: dict[str, Any]) -> dict[str, Any]:
    """Spell the arguments as the declarations of their locations say."""
    for item in operation.effects.inputs:
        if item.location != "files" and item.location in options:
            options[item.location] = dump_value(item.shape, options[item.location])
    if options.get("query") is not None:
        options["query"] = encode_query(options["query"], _query_slots(operation))
    if options.get("headers") is not None:
        options["headers"] = {header_name(name): value for name, value in options["headers"].items()}
    if "json" in options:
        if options["json"] is None and not _needs_body(operation):
            del options["json"]
        else:
            options["content_type"] = _json_type(operation)
    elif options.get("form") is not None and operation.inputs_at("files"):
        options.setdefault("files", {})
    return {name: value for name, value in options.items() if value is not None or name == "json"}


def _query_slots(operation: Operation) -> dict[str, Slot]:
    shapes: list[Schema] = [item.shape for item in operation.inputs_at("query")]  # type: ignore[misc]  # no bare field there
    return {name: build_slot(declared, deep=True) for shape in shapes for name, declared in load_names(shape).items()}


def _json_type(operation: Operation) -> str:
    return next((name for name in content_types(operation) if "*" not in name), JSON_MEDIA_TYPE)
