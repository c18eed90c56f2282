"""The components of one document: which schemas there are, which of them are one, and what each is called.

A schema is written once for each way in which it is used, under a reference that is reserved before its fields are
written, so recursive schemas end. When all operations are written, schemas of one class that say the same become one
component, and the references get their names.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from apispec import APISpec
from marshmallow import Schema, fields

from ramekin.openapi.converter import Converter, JSONSchema, Mode, Partial, normalize_partial
from ramekin.openapi.names import component_name, name_clash, variant_name

_RESERVED = "reserved:"


@dataclass(slots=True)
class _Entry:
    """One schema in one mode."""

    number: int
    schema: Schema
    mode: Mode
    unknown: str | None
    #: What the component's users see as its origin; entries of several origins never become one.
    owner: Hashable
    where: str
    body: JSONSchema = field(default_factory=dict)
    color: Hashable = None

    @property
    def name(self) -> str:
        """What it is called if nothing else has that name."""
        partial: Partial = self.mode.partial
        return variant_name(
            self.schema,
            write=self.mode.direction == "write",
            partial=partial or frozenset(),
            unknown=self.unknown,
            coerce=self.mode.coerce,
        )


class Components:
    """Collects the schemas of a document.

    Args:
        spec: The document.
        lower: What makes JSON Schema into that of the document's version.
    """

    def __init__(self, spec: APISpec, lower: Callable[[JSONSchema], JSONSchema]) -> None:
        self._spec = spec
        self._lower = lower
        self._converters: dict[Mode, Converter] = {}
        self._entries: dict[Hashable, _Entry] = {}
        self._ordered: list[_Entry] = []
        self._names: dict[int, str] = {}

    def converter(self, mode: Mode) -> Converter:
        """Return the converter of a mode."""
        if mode not in self._converters:
            self._converters[mode] = Converter(mode, self, self._spec)
        return self._converters[mode]

    def reference(
        self, schema: Schema, mode: Mode, unknown: str | None = None, *, origin: type[Any] | None = None
    ) -> JSONSchema:
        """Return the reserved reference of a schema, and write it if it is new.

        Args:
            schema: The schema; whether there are many is not its component's affair.
            mode: How its values travel.
            unknown: What becomes of unknown members, where a Nested field says so.
            origin: The class that the schema was made from, where it has no lasting class of its own.
        """
        mode = replace(mode.under(schema), location="json", inline=False)
        mode = replace(mode, partial=None) if mode.direction == "read" else mode
        stated = unknown or schema.unknown
        unknown = stated if mode.direction == "write" and stated != _default_unknown(schema) else None
        owner = type(schema) if origin is None else component_name(type(schema))
        key = (owner, _signature(schema), mode, unknown)
        entry = self._entries.get(key)
        if entry is None:
            cls = origin or type(schema)
            where = f"{cls.__module__}.{cls.__qualname__}"
            entry = _Entry(len(self._ordered), schema, mode, unknown, owner, where)
            self._entries[key] = entry
            self._ordered.append(entry)
            entry.body = self.converter(mode).schema2jsonschema(schema, unknown=stated)
        return {"$ref": f"{_RESERVED}{entry.number}"}

    def settle(self, used: Any) -> None:
        """Name the components that a value refers to, directly or through others, and add them to the document.

        Raises:
            DeclarationError: Two classes would have one name.
        """
        self._write_twins()
        entries = self._ordered
        reached = _reach(used, entries)
        _color(entries)
        groups: dict[Hashable, list[_Entry]] = {}
        for entry in entries:
            groups.setdefault(entry.color, []).append(entry)
        shown = [groups[color] for color in dict.fromkeys(entry.color for entry in reached)]
        for group, name in _name_groups(shown):
            self._names.update((entry.number, name) for entry in group)
        for group in sorted(shown, key=lambda group: self._names[group[0].number]):
            body = self._lower(self.resolve(group[0].body))
            self._spec.components.schema(self._names[group[0].number], body)

    def resolve(self, value: Any) -> Any:
        """Return a value with its reserved references as references to the named components."""
        if isinstance(value, list):
            return [self.resolve(each) for each in value]
        if not isinstance(value, dict):
            return value
        resolved = {key: self.resolve(each) for key, each in value.items()}
        number = _reserved_number(value)
        if number is not None:
            resolved["$ref"] = f"#/components/schemas/{self._names[number]}"
        return resolved

    def _write_twins(self) -> None:
        """Write for reading what is written for writing, so that a name shows whether the two differ."""
        for entry in self._ordered:  # The list grows as the twins refer to others.
            if entry.mode.direction == "write" and not entry.mode.partial:
                self.reference(entry.schema, Mode("read"))


def _default_unknown(schema: Schema) -> str:
    return str(schema.opts.unknown)


def _signature(schema: Schema) -> Hashable:
    """Return what tells instances of one class apart."""
    nested = tuple(
        (name, None if inner.only is None else frozenset(inner.only), frozenset(inner.exclude or ()))
        for name, field_ in sorted(schema.fields.items())
        if isinstance(inner := _innermost(field_), fields.Nested)
    )
    return (frozenset(schema.load_fields), frozenset(schema.dump_fields), normalize_partial(schema.partial), nested)


def _innermost(given: Any) -> Any:
    while isinstance(given, fields.List):
        given = given.inner
    return given


def _reserved_number(value: dict[str, Any]) -> int | None:
    reference = value.get("$ref")
    if isinstance(reference, str) and reference.startswith(_RESERVED):
        return int(reference.removeprefix(_RESERVED))
    return None


def _references(value: Any) -> Iterator[int]:
    """Yield the numbers of the reserved references in a value, in order."""
    if isinstance(value, list):
        for each in value:
            yield from _references(each)
    elif isinstance(value, dict):
        number = _reserved_number(value)
        if number is not None:
            yield number
        for each in value.values():
            yield from _references(each)


def _reach(used: Any, entries: list[_Entry]) -> list[_Entry]:
    """Return the entries that a value refers to, directly or through others, in the order in which they are met."""
    waiting, reached = list(_references(used)), dict[int, _Entry]()
    while waiting:
        number = waiting.pop(0)
        if number not in reached:
            reached[number] = entries[number]
            waiting += _references(entries[number].body)
    return list(reached.values())


def _color(entries: list[_Entry]) -> None:
    """Give entries of one owner the same color where they, and all that they refer to, say the same.

    This is partition refinement: all of one owner begin alike, and part until nothing parts any more.
    """
    colors: list[Hashable] = [entry.owner for entry in entries]
    count = len(set(colors))
    while True:
        texts = [(color, _text(entry.body, colors)) for entry, color in zip(entries, colors, strict=True)]
        numbers = {text: number for number, text in enumerate(dict.fromkeys(texts))}
        colors = [numbers[text] for text in texts]
        if len(numbers) == count:
            break
        count = len(numbers)
    for entry, color in zip(entries, colors, strict=True):
        entry.color = color


def _text(body: JSONSchema, colors: list[Hashable]) -> str:
    """Return a schema as text, each reference as the color of what it refers to."""

    def colored(value: Any) -> Any:
        if isinstance(value, list):
            return [colored(each) for each in value]
        if not isinstance(value, dict):
            return value
        number = _reserved_number(value)
        found = {key: colored(each) for key, each in value.items()}
        return found if number is None else {**found, "$ref": f"color:{colors[number]!r}"}

    return json.dumps(colored(body), sort_keys=True)


def _name_groups(groups: list[list[_Entry]]) -> list[tuple[list[_Entry], str]]:
    """Return each group of equal entries with its name.

    Raises:
        DeclarationError: Groups of two classes would have one name.
    """
    taken: dict[str, _Entry] = {}
    named = []
    for group in groups:
        name = base = min((entry.name for entry in group), key=lambda each: (len(each), each))
        other = taken.get(base)
        if other is not None and (other.owner != group[0].owner or isinstance(other.owner, str)):
            raise name_clash(base, other.where, group[0].where, problem=isinstance(other.owner, str))
        number = 2
        while name in taken:
            name, number = f"{base}{number}", number + 1
        taken[name] = group[0]
        named.append((group, name))
    return named
