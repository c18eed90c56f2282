"""The names that one location's schemas declare, and where each value given under one goes.

This is the part that query strings and forms share: known and unknown names, values given once or several times, and
the names of objects in a query (`filter[title]`).

Specification: OpenAPI 3.1, "Style Values" (`form` with and without `explode`, `deepObject`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from marshmallow import EXCLUDE, INCLUDE, RAISE, Schema, fields

from ramekin.schemas import Fault
from ramekin.types import Location

#: Longest JSON Pointer of a fault; the names in it come from outside.
POINTER_CHARACTERS = 200

#: How values of one name are kept: the only one, a list of all, one text split at commas, an object by names in
#: brackets, or whatever comes (for names that no field declares).
Style = Literal["one", "many", "comma", "object", "any"]


@dataclass(frozen=True, slots=True)
class Slot:
    """What one name holds.

    Attributes:
        style: How its values are kept.
        names: Of an object: the names that its schema declares.
        others: Of an object with open names (a Dict): what any other name holds.
        unknown: Of an object without open names: what becomes of a name that it does not declare.
        read_only: Of an object: the names that are only ever written out.
    """

    style: Style
    names: Mapping[str, Slot] = field(default_factory=dict)
    others: Slot | None = None
    unknown: str = RAISE
    read_only: frozenset[str] = frozenset()


ANY = Slot("any")


def header_name(field_name: str) -> str:
    """Return the header field name that a name in a schema stands for: ``x_api_key`` is ``X-Api-Key``.

    Args:
        field_name: The field's `data_key` where it has one, else its name.
    """
    return "-".join(word[:1].upper() + word[1:] for word in field_name.replace("_", "-").split("-"))


def data_key(name: str, declared: fields.Field[Any]) -> str:
    """Return the name of a field on the wire."""
    return name if declared.data_key is None else declared.data_key


def load_names(schema: Schema) -> dict[str, fields.Field[Any]]:
    """Return the fields that a schema loads, by their names on the wire."""
    return {data_key(name, declared): declared for name, declared in schema.load_fields.items()}


def read_only_names(schema: Schema) -> frozenset[str]:
    """Return the names on the wire that a schema only dumps."""
    return frozenset(data_key(name, one) for name, one in schema.dump_fields.items()) - load_names(schema).keys()


def is_object(declared: fields.Field[Any]) -> bool:
    """Tell whether a field's value is an object, or several."""
    return isinstance(declared, fields.Mapping) or (
        isinstance(declared, fields.Nested) and not isinstance(declared, fields.Pluck)
    )


def is_many(declared: fields.Field[Any]) -> bool:
    """Tell whether a field's value is a list."""
    if isinstance(declared, fields.Nested):
        return bool(declared.many or declared.schema.many)
    return isinstance(declared, fields.List | fields.Tuple)


def items_of(declared: fields.Field[Any]) -> Sequence[fields.Field[Any]]:
    """Return the fields that judge the items of a list; none where the field is no List or Tuple."""
    if isinstance(declared, fields.List):
        return (declared.inner,)
    return tuple(declared.tuple_fields) if isinstance(declared, fields.Tuple) else ()


def holds_objects(declared: fields.Field[Any]) -> bool:
    """Tell whether a field's value, or an item of it, is an object."""
    return is_object(declared) or any(is_object(item) for item in items_of(declared))


def pointer_to(path: Sequence[str]) -> str:
    """Return the JSON Pointer (RFC 6901) of a name; one that would be too long is cut."""
    pointer = "".join("/" + key[:POINTER_CHARACTERS].replace("~", "~0").replace("/", "~1") for key in path)
    return pointer if len(pointer) <= POINTER_CHARACTERS else pointer[:POINTER_CHARACTERS].removesuffix("~")


def build_slot(declared: fields.Field[Any], *, deep: bool) -> Slot:
    """Return the slot of a field.

    Args:
        declared: The field.
        deep: Whether this is a query, which spells objects by names in brackets and may split at commas.
    """
    if deep and is_object(declared):
        return _build_object(declared)
    if not is_many(declared):
        return Slot("one")
    return Slot("comma" if deep and declared.metadata.get("explode") is False else "many")


def _build_object(declared: fields.Field[Any]) -> Slot:
    """Return the slot of a Nested or Dict field of a query."""
    if isinstance(declared, fields.Nested):
        schema = declared.schema
        names = {name: build_slot(one, deep=True) for name, one in load_names(schema).items()}
        unknown = declared.unknown or schema.unknown
        return Slot("object", names, unknown=unknown, read_only=read_only_names(schema))
    value = getattr(declared, "value_field", None)
    return Slot("object", others=Slot("one") if value is None else build_slot(value, deep=True))


class Names:
    """All names of one location, and the way of each value into the raw mapping of its schema.

    Args:
        location: The location, for the faults.
        shapes: The schemas declared for it.
        deep: Whether names in brackets spell objects.
    """

    __slots__ = ("_all_read_only", "_deep", "_including", "_location", "_shapes", "_tolerant", "slots")

    def __init__(self, location: Location, shapes: Sequence[Schema], *, deep: bool = False) -> None:
        self._location = location
        self._shapes = len(shapes)
        self._deep = deep
        #: The schema's position and the slot, by name.
        self.slots: dict[str, tuple[int, Slot]] = {
            name: (index, build_slot(declared, deep=deep))
            for index, shape in enumerate(shapes)
            for name, declared in load_names(shape).items()
        }
        self._including = tuple(index for index, shape in enumerate(shapes) if shape.unknown == INCLUDE)
        self._tolerant = any(shape.unknown in (EXCLUDE, INCLUDE) for shape in shapes)
        self._all_read_only = frozenset().union(*(read_only_names(shape) for shape in shapes)) - self.slots.keys()

    def new_raw(self) -> list[dict[str, Any]]:
        """Return one empty raw mapping for each schema."""
        return [{} for _ in range(self._shapes)]

    def knows(self, name: str) -> bool:
        """Tell whether a schema declares the name."""
        return name in self.slots

    def keeps_unknown(self, name: str) -> bool:
        """Tell whether a value under an undeclared name reaches a schema."""
        return bool(self._including) and name not in self._all_read_only

    def place(self, name: str, value: Any, raw: list[dict[str, Any]], faults: dict[Fault, None]) -> None:
        """Put one value where it belongs, or add the fault that it is."""
        found = self.slots.get(name)
        if found is not None:
            index, slot = found
            self._store(slot, raw[index], (name,), value, faults)
        elif not (self._deep and name[-1:] == "]" and "[" in name and self._place_deep(name, value, raw, faults)):
            self._place_unknown(name, value, raw, faults)

    def add_fault(self, path: Sequence[str], code: str, detail: str, faults: dict[Fault, None]) -> None:
        """Add a fault at a name; one that is there already is not repeated."""
        faults[Fault(self._location, pointer_to(path), code, detail)] = None

    def _place_unknown(self, name: str, value: Any, raw: list[dict[str, Any]], faults: dict[Fault, None]) -> None:
        is_read_only = name in self._all_read_only
        # What is never to be set from outside does not come in as an unknown name either.
        if not self._tolerant or (is_read_only and self._including):
            self._refuse((name,), is_read_only, faults)
        else:
            for index in self._including:
                self._store(ANY, raw[index], (name,), value, faults)

    def _place_deep(self, name: str, value: Any, raw: list[dict[str, Any]], faults: dict[Fault, None]) -> bool:
        """Put the value of a name like ``filter[title]`` into its object; False where no object has that name."""
        head, _, rest = name[:-1].partition("[")
        index, slot = self.slots.get(head, (0, ANY))
        if slot.style != "object":
            return False
        target, path = raw[index], [head]
        keys = rest.split("][")
        while keys:
            inner = target.setdefault(path[-1], {})
            if type(inner) is not dict:
                self._repeat(path, faults)
                return True
            target, key = inner, keys.pop(0)
            following = slot.names.get(key, slot.others)
            if following is None or (keys and following.style != "object"):
                self._place_unknown_deep(slot, target, [*path, "][".join([key, *keys])], value, faults)
                return True
            path.append(key)
            slot = following
        self._store(slot, target, path, value, faults)
        return True

    def _place_unknown_deep(
        self, slot: Slot, target: dict[str, Any], path: Sequence[str], value: str, faults: dict[Fault, None]
    ) -> None:
        name = path[-1]
        if slot.unknown == RAISE or (slot.unknown == INCLUDE and name in slot.read_only):
            self._refuse(path, name in slot.read_only, faults)
        elif slot.unknown == INCLUDE:
            self._store(ANY, target, path, value, faults)

    def _store(
        self, slot: Slot, target: dict[str, Any], path: Sequence[str], value: Any, faults: dict[Fault, None]
    ) -> None:
        """Keep one value as the slot says."""
        key, style = path[-1], slot.style
        if style == "many":
            target.setdefault(key, []).append(value)
        elif key not in target:
            target[key] = value if style != "comma" else value.split(",") if value else []
        elif style != "any":
            self._repeat(path, faults)
        elif type(target[key]) is list:
            target[key].append(value)
        else:
            target[key] = [target[key], value]

    def _repeat(self, path: Sequence[str], faults: dict[Fault, None]) -> None:
        self.add_fault(path, "repeated", "Given more than once.", faults)

    def _refuse(self, path: Sequence[str], is_read_only: bool, faults: dict[Fault, None]) -> None:
        if is_read_only:
            self.add_fault(path, "read-only", "This member is read-only.", faults)
        else:
            self.add_fault(path, "unknown", "Unknown field.", faults)
