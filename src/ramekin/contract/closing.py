"""The schemas of a document, closed: what a response has beyond them is a breach.

A document leaves output open so that clients take new members as they come; a test wants to know of them. Objects with
``properties`` get ``additionalProperties: false`` where nothing else is said. The parts of an ``allOf`` stay open and
the whole is closed by ``unevaluatedProperties``. Annotations, which no validator reads, are left out.

Specification: JSON Schema 2020-12 Core §10 and §11; the OpenAPI Format Registry for ``int32`` and ``int64``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

JSONSchema: TypeAlias = dict[str, Any]

PREFIX = "#/components/schemas/"
_ONE = ("items", "not", "if", "then", "else", "contains", "propertyNames", "additionalProperties")
_MANY = ("allOf", "anyOf", "oneOf", "prefixItems")
_NAMED = ("properties", "patternProperties", "dependentSchemas")
_PLAIN = frozenset(
    {
        *("type", "format", "enum", "const", "pattern", "minLength", "maxLength", "multipleOf"),
        *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "required", "dependentRequired"),
        *("minItems", "maxItems", "uniqueItems", "minContains", "maxContains", "minProperties", "maxProperties"),
    }
)

#: Formats of numbers, which validators read as formats of text.
_BITS = {"int32": 32, "int64": 64}


class Schemas:
    """The component schemas of a document, from which schemas that stand alone are made.

    Args:
        components: The schemas by name.
    """

    def __init__(self, components: Mapping[str, Any]) -> None:
        self._components = components
        self._recursive = {name for name in components if name in self._reach(name)}
        self._written: dict[tuple[str, bool], Any] = {}

    def _reach(self, name: str) -> set[str]:
        found: set[str] = set()
        waiting = [name]
        while waiting:
            for other in _references(self._components.get(waiting.pop(), {})):
                if other not in found:
                    found.add(other)
                    waiting.append(other)
        return found

    def stand_alone(self, schema: Any, *, closed: bool) -> Any:
        """Return a schema that refers to nothing outside itself.

        References are written out where they end, which validators thank with speed.

        Args:
            schema: A schema of the document.
            closed: Whether objects are closed; requests say themselves what they refuse.
        """
        written = self._write(schema, closed)
        if self._recursive and isinstance(written, dict):
            names = [(name, each) for name in sorted(self._recursive) for each in (True, False)]
            definitions = {_key(name, each): self._write(self._components[name], each) for name, each in names}
            return {**written, "$defs": definitions}
        return written

    def _write(self, schema: Any, closed: bool) -> Any:
        if not isinstance(schema, dict):
            return schema
        found: JSONSchema = {keyword: value for keyword, value in schema.items() if keyword in _PLAIN}
        _bound(found)
        for keyword in _ONE:
            if keyword in schema:
                found[keyword] = self._write(schema[keyword], closed)
        for keyword in _MANY:
            if keyword in schema:
                inner = closed and keyword != "allOf"
                found[keyword] = [self._write(each, inner) for each in schema[keyword]]
        for keyword in _NAMED:
            if keyword in schema:
                found[keyword] = {name: self._write(each, closed) for name, each in schema[keyword].items()}
        reference = schema.get("$ref")
        if isinstance(reference, str):
            if not found:
                return self._refer(reference, closed)
            found["allOf"] = [*found.get("allOf", ()), self._refer(reference, closed=False)]
        if closed:
            _close(found)
        return found

    def _refer(self, reference: str, closed: bool) -> Any:
        name = reference.removeprefix(PREFIX)
        if name == reference or name not in self._components:
            return {"$ref": reference}
        if name in self._recursive:
            return {"$ref": f"#/$defs/{_key(name, closed)}"}
        key = name, closed
        if key not in self._written:
            self._written[key] = self._write(self._components[name], closed)
        return self._written[key]


def _key(name: str, closed: bool) -> str:
    return name if closed else f"{name}.open"


def _bound(schema: JSONSchema) -> None:
    """Write the bounds that the format of an integer means."""
    bits = _BITS.get(schema.get("format", ""))
    if bits is not None:
        del schema["format"]
        limit = 2 ** (bits - 1)
        schema["minimum"] = max(schema.get("minimum", -limit), -limit)
        schema["maximum"] = min(schema.get("maximum", limit - 1), limit - 1)


def _close(schema: JSONSchema) -> None:
    """Refuse members that a schema does not name."""
    if "additionalProperties" in schema or "patternProperties" in schema:
        return
    if "allOf" in schema:
        if "properties" in schema or any(_has_members(part) for part in schema["allOf"]):
            schema["unevaluatedProperties"] = False
    elif "properties" in schema:
        schema["additionalProperties"] = False


def _has_members(schema: Any) -> bool:
    return isinstance(schema, dict) and ("properties" in schema or "$ref" in schema or "allOf" in schema)


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for each in value:
            yield from _references(each)
    elif isinstance(value, dict):
        reference = value.get("$ref")
        if isinstance(reference, str) and reference.startswith(PREFIX):
            yield reference.removeprefix(PREFIX)
        for each in value.values():
            yield from _references(each)
