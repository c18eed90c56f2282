"""The faults of one input: marshmallow's messages as a flat list of pointers, codes and details.

Specification: RFC 6901 (JSON Pointer); the list is what a problem of RFC 9457 carries as ``errors``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from marshmallow import Schema, ValidationError, fields
from marshmallow.exceptions import SCHEMA

from ramekin.schemas.messages import INVALID, code_of
from ramekin.types import Location, Shape

#: Longest JSON Pointer; names of the input beyond it are cut.
POINTER_CHARACTERS = 200

_READ_ONLY = ("read-only", "This member is read-only.")

#: What messages belong to: a schema, many of a schema, a field, or nothing known.
_Owner: TypeAlias = "Shape | _Many | None"
_Found: TypeAlias = Iterator[tuple[str, str, str]]


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of an input.

    Attributes:
        location: Where the input came from.
        pointer: The JSON Pointer to the value within it, at most 200 characters.
        code: The stable code, for programs.
        detail: The message, for people.
    """

    location: str
    pointer: str
    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class _Many:
    """The items of a list that one schema loads."""

    schema: Schema


def collect_faults(shape: Shape, error: ValidationError, location: Location) -> list[Fault]:
    """Return the faults that an error of marshmallow tells, in the order of the fields.

    Args:
        shape: What the input was loaded with.
        error: What loading it raised.
        location: Where the input came from.
    """
    owner = _Many(shape) if isinstance(shape, Schema) and shape.many else shape
    found = [Fault(location, *each) for each in _walk(error.messages, owner, "")]
    return found or [Fault(location, "", INVALID, "Invalid value.")]


def _walk(messages: Any, owner: _Owner, pointer: str) -> _Found:
    if isinstance(messages, dict):
        yield from _walk_members(messages, owner, pointer)
    elif isinstance(messages, (list, tuple)):
        for each in messages:
            yield from _walk(each, owner, pointer)
    elif messages is not None:
        yield pointer, code_of(messages), str(messages)


def _walk_members(messages: dict[Any, Any], owner: _Owner, pointer: str) -> _Found:
    if isinstance(owner, fields.Pluck):
        yield from _walk_plucked(messages, owner, pointer)
    elif isinstance(owner, fields.Nested):
        schema = owner.schema
        yield from _walk_members(messages, _Many(schema) if schema.many or owner.many else schema, pointer)
    elif isinstance(owner, Schema):
        yield from _walk_schema(messages, owner, pointer)
    elif isinstance(owner, fields.Mapping):
        yield from _walk_mapping(messages, owner, pointer)
    else:
        if isinstance(owner, _Many) and not any(isinstance(key, int) for key in messages):
            yield from _walk_schema(messages, owner.schema, pointer)
            return
        for key in _ordered(messages):
            yield from _walk(messages[key], _item_of(owner, key), pointer if key == SCHEMA else _point(pointer, key))


def _walk_schema(messages: dict[Any, Any], schema: Schema, pointer: str) -> _Found:
    members: dict[Any, fields.Field[Any]] = {}
    read_only = set()
    for name, field in schema.fields.items():
        key = name if field.data_key is None else field.data_key
        if not field.dump_only:
            members[key] = field
        else:
            read_only.add(key)
    if SCHEMA in messages:
        yield from _walk(messages[SCHEMA], schema if isinstance(messages[SCHEMA], dict) else None, pointer)
    for key, field in members.items():
        if key in messages:
            yield from _walk(messages[key], field, _point(pointer, key))
    for key in sorted((key for key in messages if key not in members and key != SCHEMA), key=str):
        for place, code, detail in _walk(messages[key], None, _point(pointer, key)):
            told = _READ_ONLY if code == "unknown" and key in read_only else (code, detail)
            yield (place, *told)


def _walk_mapping(messages: dict[Any, Any], field: fields.Mapping[Any], pointer: str) -> _Found:
    for key, levels in messages.items():
        place = pointer if key == SCHEMA else _point(pointer, key)
        if not isinstance(levels, dict):
            yield from _walk(levels, None, place)
            continue
        for level, each in levels.items():
            inner = {"key": field.key_field, "value": field.value_field}
            yield from _walk(each, inner.get(level), place if level in inner else _point(place, level))


def _walk_plucked(messages: dict[Any, Any], field: fields.Pluck, pointer: str) -> _Found:
    inner = field.schema.fields.get(field.field_name)
    data_key = field._field_data_key if inner is not None else field.field_name
    for key in _ordered(messages):
        if isinstance(key, int):
            place = _point(pointer, key)
            yield from (
                _walk_plucked(messages[key], field, place)
                if isinstance(messages[key], dict)
                else _walk(messages[key], None, place)
            )
        else:
            yield from _walk(messages[key], inner, pointer if key in (SCHEMA, data_key) else _point(pointer, key))


def _item_of(owner: _Owner, key: Any) -> _Owner:
    if isinstance(owner, _Many):
        return owner.schema
    if isinstance(owner, fields.List):
        return owner.inner
    if isinstance(owner, fields.Tuple) and isinstance(key, int) and key < len(owner.tuple_fields):
        return owner.tuple_fields[key]
    return None


def _ordered(messages: dict[Any, Any]) -> list[Any]:
    """Order the keys of a level: its own messages, indexes by number, names by letter."""
    return sorted(
        messages, key=lambda key: (key != SCHEMA, not isinstance(key, int), key if isinstance(key, int) else str(key))
    )


def _point(pointer: str, key: Any) -> str:
    """Return the pointer to a member; a name that would make it too long is cut."""
    name = str(key)[:POINTER_CHARACTERS]
    place = f"{pointer}/{_escape(name)}"
    while name and len(place) > POINTER_CHARACTERS:
        name = name[: -max(1, (len(place) - POINTER_CHARACTERS) // 2)]
        place = f"{pointer}/{_escape(name)}"
    return place if len(place) <= POINTER_CHARACTERS else pointer


def _escape(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
