"""Texts as the values that they stand for, as the schema of a header field or parameter says.

What a text does not stand for is left as text, for the judge to refuse.

Specification: OpenAPI 3.1 §4.8.12.3 (styles ``form``, ``simple`` and ``deepObject``).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

Parse: TypeAlias = Callable[[str], Any]

_INTEGER = re.compile(r"-?[0-9]{1,400}\Z")
_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,299})(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?\Z")
_BOOLEANS = {"true": True, "false": False}


def compile_parse(schema: Any) -> Parse:
    """Return what reads one text by a schema that stands alone."""
    kind = find_type(schema)
    if kind == "array":
        item = compile_parse(schema.get("items"))
        return lambda text: [item(part.strip()) for part in text.split(",")] if text.strip() else []
    return _PARSES.get(kind, _parse_text)


def read_object(schema: Any, name: str, given: Mapping[str, list[str]], *, split: bool) -> dict[str, Any]:
    """Return the object that names in brackets spell.

    Args:
        schema: Its schema, which stands alone.
        name: What stands before the brackets.
        given: The texts of each name.
        split: Whether one text is a whole list; a document does not say so of a list within an object.

    Raises:
        LookupError: The schema does not say how a text is to be read.
    """
    schema = _find_plain(schema)
    found: dict[str, Any] = {}
    for one in given:
        if one.startswith(f"{name}["):
            key = one[len(name) + 1 :].partition("]")[0]
            inner, whole = _find_member(schema, key), f"{name}[{key}]"
            if whole in given:
                found[key] = _read_texts(inner, given[whole], split)
            else:
                found[key] = read_object(inner, whole, given, split=split)
    return found


def _find_member(schema: Mapping[str, Any], name: str) -> Any:
    if name in schema.get("properties", {}):
        return schema["properties"][name]
    return schema.get("additionalProperties", {})


def _read_texts(schema: Any, texts: list[str], split: bool) -> Any:
    plain = _find_plain(schema)
    if find_type(plain) == "array":
        item = compile_parse(_find_plain(plain.get("items", {})))
        parts = texts[0].split(",") if split and texts != [""] else [] if split else texts
        return [item(part) for part in parts]
    return compile_parse(plain)(texts[0]) if len(texts) == 1 else texts


def _find_plain(schema: Any) -> Mapping[str, Any]:
    """Return the part of a schema that says of which type a value is."""
    if not isinstance(schema, Mapping) or not schema:
        return {}
    if find_type(schema) or "enum" in schema or "const" in schema or "type" in schema:
        return schema
    parts = [part for keyword in ("allOf", "anyOf", "oneOf") for part in schema.get(keyword, ())]
    parts = [part for part in parts if part != {"type": "null"}]
    if len(parts) != 1:
        raise LookupError("The schema states no type.")
    return _find_plain(parts[0])


def find_type(schema: Any) -> str:
    """Return the type that a schema states, null aside; empty where it states none or several."""
    given = schema.get("type", "") if isinstance(schema, Mapping) else ""
    if isinstance(given, str):
        return given
    types = [each for each in given if each != "null"]
    return str(types[0]) if len(types) == 1 else ""


def _parse_text(text: str) -> str:
    return text


def _parse_integer(text: str) -> Any:
    return int(text) if _INTEGER.match(text) else text


def _parse_number(text: str) -> Any:
    return float(text) if _NUMBER.match(text) else text


def _parse_boolean(text: str) -> Any:
    return _BOOLEANS.get(text, text)


_PARSES: dict[str, Parse] = {"integer": _parse_integer, "number": _parse_number, "boolean": _parse_boolean}
