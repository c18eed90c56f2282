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
