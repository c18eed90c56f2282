"""The schemas of a document, closed: what a response has beyond them is a breach.

A document leaves output open so that clients take new members as they come; a test wants to know of them. Objects whose
members are described at one place get ``additionalProperties: false`` where the document says nothing else. Where
several places describe one object, as the parts of an ``allOf`` do, these stay open and the whole is closed by
``unevaluatedProperties``; the objects within are closed as ever. What is too composed for that is left open: a false
alarm is worse. Annotations, which no validator reads, are left out.

Specification: JSON Schema 2020-12 Core §10 and §11; RFC 6901 (references); the OpenAPI Format Registry for ``int32``
and ``int64``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeAlias
from urllib.parse import unquote

from ramekin.errors import RamekinError

JSONSchema: TypeAlias = dict[str, Any]

#: What is said of the values within, where closing is safe.
_WITHIN = ("items", "additionalProperties", "unevaluatedProperties", "unevaluatedItems")
_WITHIN_NAMED = ("properties", "patternProperties")
#: What is said of the same value.
_ALTERNATIVES = ("anyOf", "oneOf")
_CONDITIONAL = ("then", "else")
#: What only asks: closed it would ask something else.
_QUESTIONS = ("not", "if", "contains", "propertyNames")
_MEMBERS = ("properties", "patternProperties")
_OWN_WORD = ("additionalProperties", "unevaluatedProperties")
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
    """The schemas of a document, from which schemas that stand alone are made.

    Args:
        document: The document, which references point into.
    """

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        self._recursive: dict[str, bool] = {}
        self._written: dict[tuple[str, bool, bool], Any] = {}
        self._definitions: dict[str, Any] = {}

    def stand_alone(self, schema: Any, *, closed: bool) -> Any:
        """Return a schema that refers to nothing outside itself.

        References are written out where they end, which validators thank with speed.

        Args:
            schema: A schema of the document.
            closed: Whether objects are closed; requests say themselves what they refuse.

        Raises:
            RamekinError: It refers to what the document does not have.
        """
        written = self._write(schema, closed, closed)
        if self._definitions and isinstance(written, dict):
            return {**written, "$defs": self._definitions}
        return written

    # -- References ---------------------------------------------------------------------------------------------------

    def _find(self, reference: str) -> Any:
        """Return what a reference points to."""
        if not reference.startswith("#/"):
            raise RamekinError(
                f"The document refers to {reference!r}; the check of the contract follows references within the "
                "document alone, such as '#/components/schemas/Book'."
            )
        found: Any = self._document
        for part in reference[2:].split("/"):
            name = unquote(part).replace("~1", "/").replace("~0", "~")
            try:
                found = found[int(name)] if isinstance(found, list) else found[name]
            except (KeyError, IndexError, ValueError, TypeError):
                raise RamekinError(f"The document refers to {reference!r}, which it does not have.") from None
        return found

    def _is_recursive(self, reference: str) -> bool:
        if reference not in self._recursive:
            found: set[str] = set()
            waiting = [reference]
            while waiting:
                new = set(_references(self._find(waiting.pop()))) - found
                found |= new
                waiting += new
            self._recursive[reference] = reference in found
        return self._recursive[reference]

    def _refer(self, reference: str, top: bool, deep: bool) -> Any:
        key = reference, top, deep
        if not self._is_recursive(reference):
            if key not in self._written:
                self._written[key] = self._write(self._find(reference), top, deep)
            return self._written[key]
        if key not in self._written:
            name = str(len(self._written))
            self._written[key] = {"$ref": f"#/$defs/{name}"}
            self._definitions[name] = True
            self._definitions[name] = self._write(self._find(reference), top, deep)
        return self._written[key]

    # -- Writing ------------------------------------------------------------------------------------------------------

    def _write(self, schema: Any, top: bool, deep: bool) -> Any:
        """Return a schema without references.

        Args:
            schema: The schema.
            top: Whether the object that it is about is closed.
            deep: Whether the objects within are.
        """
        if not isinstance(schema, dict):
            return schema
        found: JSONSchema = {keyword: value for keyword, value in schema.items() if keyword in _PLAIN}
        _bound(found)
        reference = schema.get("$ref")
        if isinstance(reference, str) and not found and not schema.keys() & _STRUCTURAL:
            return self._refer(reference, top, deep)
        deep = deep and not self._is_entangled(schema)
        alone = top and self._is_alone(schema)
        self._write_within(schema, found, deep)
        self._write_parts(schema, found, alone, deep)
        if top and not any(word in schema for word in _OWN_WORD):
            if alone:
                if any(word in schema for word in _MEMBERS):
                    found["additionalProperties"] = False
            elif self._is_closable(schema):
                found["unevaluatedProperties"] = False
        return found

    def _write_within(self, schema: JSONSchema, found: JSONSchema, deep: bool) -> None:
        for keyword in _WITHIN:
            if keyword in schema:
                found[keyword] = self._write(schema[keyword], deep, deep)
        for keyword in _WITHIN_NAMED:
            if keyword in schema:
                found[keyword] = {name: self._write(each, deep, deep) for name, each in schema[keyword].items()}
        if "prefixItems" in schema:
            found["prefixItems"] = [self._write(each, deep, deep) for each in schema["prefixItems"]]
        for keyword in _QUESTIONS:
            if keyword in schema:
                found[keyword] = self._write(schema[keyword], False, False)

    def _write_parts(self, schema: JSONSchema, found: JSONSchema, top: bool, deep: bool) -> None:
        for keyword in ("allOf", *_ALTERNATIVES):
            if keyword in schema:
                found[keyword] = [self._write(each, top, deep) for each in schema[keyword]]
        for keyword in _CONDITIONAL:
            if keyword in schema:
                found[keyword] = self._write(schema[keyword], False, deep)
        if "dependentSchemas" in schema:
            parts = schema["dependentSchemas"].items()
            found["dependentSchemas"] = {name: self._write(each, False, deep) for name, each in parts}
        if isinstance(schema.get("$ref"), str):
            found["allOf"] = [*found.get("allOf", ()), self._refer(schema["$ref"], top, deep)]

    # -- What can be closed -------------------------------------------------------------------------------------------

    def _is_alone(self, schema: JSONSchema) -> bool:
        """Tell whether at most one place describes the members, so that this place can be closed by itself."""
        parts = [*_list_bases(schema), *_list_alternatives(schema)]
        own = any(word in schema for word in _MEMBERS)
        if parts and any(word in schema for word in _OWN_WORD):
            return False
        if any(self._describes(part) for part in _list_conditional(schema)):
            return False
        return own + sum(self._describes(part) for part in parts) < 2

    def _is_closable(self, schema: JSONSchema) -> bool:
        """Tell whether what no place describes is surplus."""
        alternatives = list(_list_alternatives(schema))
        if any(map(self._describes, alternatives)):
            return not any(map(self._is_free, alternatives))
        return any(word in schema for word in _MEMBERS) or any(map(self._describes, _list_bases(schema)))

    def _describes(self, schema: Any, seen: frozenset[str] = frozenset()) -> bool:
        """Tell whether a schema says which members its object has."""
        if not isinstance(schema, dict):
            return False
        if any(word in schema for word in (*_MEMBERS, *_OWN_WORD)):
            return True
        reference = schema.get("$ref")
        if isinstance(reference, str) and reference not in seen:
            seen |= {reference}
            if self._describes(self._find(reference), seen):
                return True
        return any(self._describes(part, seen) for part in _list_parts(schema))

    def _is_free(self, schema: Any) -> bool:
        """Tell whether a schema takes objects with any members."""
        if isinstance(schema, bool):
            return schema
        if not self._takes_objects(schema, frozenset()):
            return False
        return not self._describes(schema)

    def _takes_objects(self, schema: Any, seen: frozenset[str]) -> bool:
        types = schema.get("type", "object")
        if "object" not in ([types] if isinstance(types, str) else types) or "const" in schema or "enum" in schema:
            return False
        reference = schema.get("$ref")
        if not isinstance(reference, str) or reference in seen:
            return True
        found = self._find(reference)
        return not isinstance(found, dict) or self._takes_objects(found, seen | {reference})

    def _is_entangled(self, schema: JSONSchema) -> bool:
        """Tell whether two places describe the objects of one member, which then cannot be closed at either."""
        own = {keyword: value for keyword, value in schema.items() if keyword in (*_WITHIN, *_MEMBERS, "prefixItems")}
        conditional = _list_conditional(schema)
        groups = [
            set(self._list_objects(own)),
            *(set(self._list_objects(part)) for part in (*_list_bases(schema), *conditional)),
            {name for part in _list_alternatives(schema) for name in self._list_objects(part)},
        ]
        groups = [group for group in groups if group]
        if len(groups) < 2:
            return False
        return any("*" in group for group in groups) or len(set().union(*groups)) < sum(map(len, groups))

    def _list_objects(self, schema: Any, seen: frozenset[str] = frozenset()) -> Iterator[str]:
        """Yield the members that hold objects; ``*`` is every one, ``[]`` the items of a list."""
        if not isinstance(schema, dict):
            return
        for name, each in schema.get("properties", {}).items():
            if _mentions_objects(each):
                yield f".{name}"
        if any(_mentions_objects(schema.get(word)) for word in ("patternProperties", *_OWN_WORD)):
            yield "*"
        if any(_mentions_objects(schema.get(word)) for word in ("items", "prefixItems", "unevaluatedItems")):
            yield "[]"
        reference = schema.get("$ref")
        if isinstance(reference, str) and reference not in seen:
            yield from self._list_objects(self._find(reference), seen | {reference})
        for part in _list_parts(schema):
            yield from self._list_objects(part, seen)


#: What keeps a reference from standing for the whole schema.
_STRUCTURAL = {
    *(*_WITHIN, *_WITHIN_NAMED, "prefixItems", "allOf", *_ALTERNATIVES),
    *(*_CONDITIONAL, *_QUESTIONS, "dependentSchemas"),
}


def _list_bases(schema: JSONSchema) -> Iterator[Any]:
    """Yield what always holds of the same value."""
    yield from schema.get("allOf", ())
    if isinstance(schema.get("$ref"), str):
        yield {"$ref": schema["$ref"]}


def _list_alternatives(schema: JSONSchema) -> Iterator[Any]:
    for keyword in _ALTERNATIVES:
        yield from schema.get(keyword, ())


def _list_conditional(schema: JSONSchema) -> list[Any]:
    return [
        *(schema[keyword] for keyword in _CONDITIONAL if keyword in schema),
        *schema.get("dependentSchemas", {}).values(),
    ]


def _list_parts(schema: JSONSchema) -> Iterable[Any]:
    return [*schema.get("allOf", ()), *_list_alternatives(schema), *_list_conditional(schema)]


def _mentions_objects(value: Any) -> bool:
    if isinstance(value, list):
        return any(map(_mentions_objects, value))
    if isinstance(value, dict):
        return bool(value.keys() & {"$ref", *_MEMBERS}) or any(map(_mentions_objects, value.values()))
    return False


def _bound(schema: JSONSchema) -> None:
    """Write the bounds that the format of an integer means."""
    bits = _BITS.get(schema.get("format", ""))
    if bits is not None:
        del schema["format"]
        limit = 2 ** (bits - 1)
        schema["minimum"] = max(schema.get("minimum", -limit), -limit)
        schema["maximum"] = min(schema.get("maximum", limit - 1), limit - 1)


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for each in value:
            yield from _references(each)
    elif isinstance(value, dict):
        reference = value.get("$ref")
        if isinstance(reference, str):
            yield reference
        for each in value.values():
            yield from _references(each)
