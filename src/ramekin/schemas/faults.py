"""The faults of one input: marshmallow's messages as a flat list of pointers, codes and details.

Specification: RFC 6901 (JSON Pointer); the list is what a problem of RFC 9457 carries as ``errors``.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import lru_cache
from typing import Any, TypeAlias

from marshmallow import Schema, ValidationError, fields
from marshmallow.exceptions import SCHEMA
from marshmallow.fields import Field

from ramekin.schemas.copies import Identity, nesting_key
from ramekin.schemas.messages import INVALID, READ_ONLY, Message
from ramekin.types import Location, Shape

#: Longest JSON Pointer; names of the input beyond it are cut.
POINTER_CHARACTERS = 200


#: What is found: pointer and message.
_Found: TypeAlias = "list[tuple[str, Any]]"
#: Adds what messages tell of a value at a pointer.
_Walk: TypeAlias = Callable[[Any, str, _Found], None]


@dataclasses.dataclass(frozen=True, slots=True)
class Fault:
    """One fault of an input.

    Attributes:
        location: Where the input came from.
        pointer: The JSON Pointer to the value within it, at most 200 characters.
        code: The stable code, for programs.
        detail: The message, for people.
        text: What was written of it once; most faults are told again and again.
    """

    location: str
    pointer: str
    code: str
    detail: str
    text: bytes | None = dataclasses.field(default=None, init=False, repr=False, compare=False)

    def keep_text(self, text: bytes) -> bytes:
        """Keep what was written of it; return that."""
        object.__setattr__(self, "text", text)
        return text


def collect_faults(shape: Shape, error: ValidationError, location: Location) -> list[Fault]:
    """Return the faults that an error of marshmallow tells, in the order of the fields.

    Args:
        shape: What the input was loaded with.
        error: What loading it raised.
        location: Where the input came from.
    """
    return _find_teller(Identity(shape), location)(error.messages)


@lru_cache(maxsize=256)
def _find_teller(shape: Identity, location: Location) -> Callable[[Any], list[Fault]]:
    return compile_teller(shape.given, location)


def compile_teller(shape: Shape, location: Location) -> Callable[[Any], list[Fault]]:
    """Return the function that turns the messages of a shape into faults.

    Args:
        shape: What the input is loaded with; it is kept alive only as long as the function needs it.
        location: Where the input comes from.
    """
    walk, tell_one = _Reader().walk_of(shape), compile_tell_one(location)

    def tell(messages: Any) -> list[Fault]:
        found: _Found = []
        walk(messages, "", found)
        return [tell_one(pointer, message) for pointer, message in found] or [
            Fault(location, "", INVALID, "Invalid value.")
        ]

    return tell


def compile_tell_one(location: Location) -> Callable[[str, Any], Fault]:
    """Return the function that makes the fault of a pointer and a message."""
    # A fault is frozen, and most are told again and again: the same field, the same message.
    known: dict[tuple[str, str, str], Fault] = {}

    def tell_one(pointer: str, message: Any) -> Fault:
        if type(message) is not Message:
            return Fault(location, pointer, INVALID, str(message))
        fault = known.get((pointer, message, message.code))
        if fault is None:
            if len(known) >= _MOST_KNOWN:
                known.clear()
            fault = known[pointer, message, message.code] = Fault(location, pointer, message.code, str(message))
        return fault

    return tell_one


#: Most faults that are kept to be told again.
_MOST_KNOWN = 256


def _walk_any(messages: Any, pointer: str, found: _Found) -> None:
    """Walk messages of which no shape is known."""
    if isinstance(messages, (list, tuple)):
        for each in messages:
            if isinstance(each, str):
                found.append((pointer, each))
            else:
                _walk_any(each, pointer, found)
    elif isinstance(messages, dict):
        for key in _ordered(messages):
            _walk_any(messages[key], pointer if key == SCHEMA else _point(pointer, key), found)
    elif messages is not None:
        found.append((pointer, messages))


def _walker(walk_members: _Walk) -> _Walk:
    """Return a walk for messages whose dicts are told by a shape; the rest of them is the value's own."""

    def walk(messages: Any, pointer: str, found: _Found) -> None:
        if isinstance(messages, dict):
            walk_members(messages, pointer, found)
        elif isinstance(messages, list):
            for each in messages:
                if isinstance(each, dict):
                    walk_members(each, pointer, found)
                else:
                    _walk_any(each, pointer, found)
        else:
            _walk_any(messages, pointer, found)

    return walk


#: Of each member by its key: its number, its part of a pointer, and the walk of its messages.
_Members: TypeAlias = "dict[Any, tuple[int, str, _Walk]]"


def _walk_in_order(members: _Members, messages: dict[Any, Any], pointer: str, found: _Found) -> bool:
    """Walk messages that stand in the order of the fields, as nearly all do; tell whether these did."""
    last = -1
    for key, told in messages.items():
        member = members.get(key)
        if member is None or member[0] < last:
            return False
        last, segment, walk_member = member
        place = pointer + segment
        if len(place) > POINTER_CHARACTERS:
            place = _point(pointer, key)
        # Most members have one message, which every walk takes alike.
        if type(told) is list and len(told) == 1 and type(told[0]) is Message:
            found.append((place, told[0]))
        else:
            walk_member(told, place, found)
    return True


class _Reader:
    """Makes the walks of a shape; those of equal nested schemas are one, so that input cannot decide how many."""

    __slots__ = ("_made",)

    def __init__(self) -> None:
        self._made: dict[Any, _Walk] = {}

    def walk_of(self, shape: Shape) -> _Walk:
        """Return the walk of a schema or a field."""
        if isinstance(shape, Schema):
            return self._items(self._schema(shape)) if shape.many else self._schema(shape)
        return self._field(shape)

    def _field(self, field: Field[Any]) -> _Walk:
        if isinstance(field, fields.Nested):
            return self._later(field)
        if isinstance(field, fields.List):
            return _indexed(self._field(field.inner))
        if isinstance(field, fields.Tuple):
            return _indexed(*map(self._field, field.tuple_fields))
        if isinstance(field, fields.Mapping):
            return self._mapping(field)
        return _walk_any

    def _later(self, field: fields.Nested) -> _Walk:
        """Return the walk of a Nested field, whose schema is looked at with its first fault."""
        key = (nesting_key(field), type(field), getattr(field, "field_name", None))

        def walk(messages: Any, pointer: str, found: _Found) -> None:
            if key not in self._made:
                self._made[key] = self._nested(field)
            self._made[key](messages, pointer, found)

        return walk

    def _nested(self, field: fields.Nested) -> _Walk:
        schema = field.schema
        if isinstance(field, fields.Pluck):
            return self._plucked(field)
        return self._items(self._schema(schema)) if schema.many or field.many else self._schema(schema)

    def _items(self, walk_item: _Walk) -> _Walk:
        """Return the walk of many objects; where marshmallow tells no indexes, of their members."""
        walk_index = _indexed(walk_item)

        def walk_members(messages: Any, pointer: str, found: _Found) -> None:
            indexed = any(isinstance(key, int) for key in messages)
            (walk_index if indexed else walk_item)(messages, pointer, found)

        return _walker(walk_members)

    def _schema(self, schema: Schema) -> _Walk:
        members: _Members = {}
        read_only: set[str] = set()
        for index, (name, field) in enumerate(schema.fields.items()):
            key = name if field.data_key is None else field.data_key
            if field.dump_only:
                read_only.add(key)
            else:
                members[key] = (index, f"/{escape_name(key)}", self._field(field))

        def walk_members(messages: Any, pointer: str, found: _Found) -> None:
            before = len(found)
            if _walk_in_order(members, messages, pointer, found):
                return
            del found[before:]
            if SCHEMA in messages:
                walk(messages[SCHEMA], pointer, found)
            for key, (_, _, walk_member) in members.items():
                if key in messages:
                    walk_member(messages[key], _point(pointer, key), found)
            for key in sorted((key for key in messages if key not in members and key != SCHEMA), key=str):
                told = _read_only(messages[key]) if key in read_only else messages[key]
                _walk_any(told, _point(pointer, key), found)

        walk = _walker(walk_members)
        return walk

    def _mapping(self, field: fields.Mapping[Any]) -> _Walk:
        levels = {
            "key": self._field(field.key_field) if field.key_field else _walk_any,
            "value": self._field(field.value_field) if field.value_field else _walk_any,
        }

        def walk_members(messages: Any, pointer: str, found: _Found) -> None:
            for key, told in messages.items():
                place = pointer if key == SCHEMA else _point(pointer, key)
                if not isinstance(told, dict):
                    _walk_any(told, place, found)
                    continue
                for level, each in told.items():
                    walk = levels.get(level)
                    if walk is None:
                        _walk_any(each, _point(place, level), found)
                    else:
                        walk(each, place, found)

        return _walker(walk_members)

    def _plucked(self, field: fields.Pluck) -> _Walk:
        data_key = field._field_data_key
        walk_inner = self._field(field.schema.fields[field.field_name])

        def walk_members(messages: Any, pointer: str, found: _Found) -> None:
            for key in _ordered(messages):
                if isinstance(key, int):
                    walk(messages[key], _point(pointer, key), found)
                elif key in (SCHEMA, data_key):
                    walk_inner(messages[key], pointer, found)
                else:
                    _walk_any(messages[key], _point(pointer, key), found)

        walk = _walker(walk_members)
        return walk


def _indexed(*walks: _Walk) -> _Walk:
    """Return the walk of a list: one for all its items, or one for each."""

    def walk_members(messages: Any, pointer: str, found: _Found) -> None:
        for key in _ordered(messages) if len(messages) > 1 else messages:
            if isinstance(key, int) and (len(walks) == 1 or key < len(walks)):
                walks[0 if len(walks) == 1 else key](messages[key], _point(pointer, key), found)
            else:
                _walk_any(messages[key], pointer if key == SCHEMA else _point(pointer, key), found)

    return _walker(walk_members)


def _read_only(messages: Any) -> Any:
    """Say that a member is read-only where marshmallow says that it is unknown."""
    if isinstance(messages, list):
        return [READ_ONLY if type(each) is Message and each.code == "unknown" else each for each in messages]
    return messages


def _ordered(messages: dict[Any, Any]) -> list[Any]:
    """Order the keys of a level: its own messages, indexes by number, names by letter."""
    return sorted(
        messages,
        key=lambda key: (key != SCHEMA, not isinstance(key, int), key if isinstance(key, int) else str(key)),
    )


def _point(pointer: str, key: Any) -> str:
    """Return the pointer to a member; a name that would make it too long is cut."""
    if type(key) is int:
        place = f"{pointer}/{key}"
        return place if len(place) <= POINTER_CHARACTERS else pointer
    name = str(key)[:POINTER_CHARACTERS]
    place = f"{pointer}/{escape_name(name)}"
    while name and len(place) > POINTER_CHARACTERS:
        name = name[: -max(1, (len(place) - POINTER_CHARACTERS) // 2)]
        place = f"{pointer}/{escape_name(name)}"
    return place if len(place) <= POINTER_CHARACTERS else pointer


def escape_name(name: str) -> str:
    """Return a name as a reference token of a JSON Pointer."""
    return name.replace("~", "~0").replace("/", "~1")
