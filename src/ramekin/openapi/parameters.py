"""The parameters of an operation: of its path, its query, its headers and its cookies.

Specification: OpenAPI 3.1 §4.8.12 (parameter object, with its styles).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal, cast

from marshmallow.fields import Field

from ramekin.inputs import header_name
from ramekin.openapi.components import Components
from ramekin.openapi.converter import Mode
from ramekin.operations import Input, Operation
from ramekin.types import Location

if TYPE_CHECKING:
    from marshmallow import Schema

_PLACES: dict[Location, str] = {"query": "query", "headers": "header", "cookies": "cookie"}
#: What an item of a comma-separated list is, in a query and in a header (RFC 9110 §5.6.1: without space around it).
_ITEMS: dict[Location, str] = {"query": "^[^,]*$", "headers": r"^[^\s,]([^,]*[^\s,])?$"}
_TOLD_BY_THE_PARAMETER = ("description", "deprecated")


def build_parameters(operation: Operation, components: Components) -> list[dict[str, Any]]:
    """Return the parameter objects of an operation, those of the path first."""
    parameters: list[dict[str, Any]] = [
        {"name": part.name, "in": "path", "required": True, "schema": dict(part.schema)}
        for part in operation.path_parameters
    ]
    for item in operation.effects.inputs:
        if item.location in _PLACES:
            parameters += _parameters_of(item, components)
    return parameters


def _parameters_of(item: Input, components: Components) -> Iterator[dict[str, Any]]:
    schema = cast("Schema", item.shape)  # A parameter has a name, so a single field is refused at registration.
    mode = Mode("write", item.location, coerce=item.coerce, inline=True).under(schema)
    converter = components.converter(mode)
    for name, field in schema.load_fields.items():
        key = name if field.data_key is None else field.data_key
        described = converter.under(mode.inside(name)).convert_field(field)
        parameter: dict[str, Any] = {
            "name": header_name(key) if item.location == "headers" else key,
            "in": _PLACES[item.location],
        }
        parameter |= {member: described.pop(member) for member in _TOLD_BY_THE_PARAMETER if member in described}
        parameter |= {"required": converter.is_required(name, field)}
        yield parameter | _style(item.location, field, described) | {"schema": described}


def _style(location: Location, field: Field[Any], described: dict[str, Any]) -> dict[str, Any]:
    """Return how a value of several parts is written; texts in a list are told what separates them."""
    if described.get("type") == "object":
        return {"style": "deepObject", "explode": True}
    if described.get("type") != "array":
        return {}
    explode = location == "query" and field.metadata.get("explode") is not False
    if not explode and isinstance(described.get("items"), dict):
        _bar_commas(described["items"], _ITEMS[location])
    style: Literal["form", "simple"] = "form" if location == "query" else "simple"
    return {"style": style, "explode": explode}


def _bar_commas(items: dict[str, Any], pattern: str) -> None:
    if items.get("type") != "string" or not items.keys().isdisjoint(("enum", "const", "format", "anyOf")):
        return
    if "pattern" in items:
        items.setdefault("allOf", []).append({"pattern": pattern})
    else:
        items["pattern"] = pattern
