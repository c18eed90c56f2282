"""Judges of JSON values: one schema each, by jsonschema, or by the compiled jsonschema-rs where that is installed.

The compiled validator says whether a value is right; what is wrong with one is always jsonschema's to say, so the
faults are the same with either. Both get the same functions for formats, and patterns are read as ECMA-262 reads them.

Specification: JSON Schema 2020-12; RFC 6901 (JSON Pointer).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from typing import Any, Protocol

from ramekin import json
from ramekin.contract.formats import find_formats
from ramekin.errors import RamekinError

SHOWN_CHARACTERS = 200
_ESCAPED_OR_CLASS = re.compile(r"\\k<(\w+)>|\\.|\[\^?\]?(?:\\.|[^\\\]])*\]|\(\?<(?![=!])|\$", re.DOTALL)


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One place where a value is not what its schema says; see `ramekin.contract.Breach`."""

    pointer: str
    declared: str
    got: str


Judge = Callable[[Any], list[Fault]]


class _Error(Protocol):
    """What jsonschema says of one failed keyword; see ``jsonschema.ValidationError``."""

    message: str
    validator: str | None
    validator_value: Any
    instance: Any
    schema: Any
    absolute_path: Iterable[str | int]
    relative_path: Sequence[str | int]
    schema_path: Sequence[str | int]
    context: Sequence[_Error]


def check_installed() -> None:
    """Make sure that there is a validator.

    Raises:
        RamekinError: jsonschema is not installed.
    """
    if not _has("jsonschema"):
        raise RamekinError(
            'The check of the contract needs jsonschema; install "ramekin[testing]", or have the client go without it: '
            "Client(app, contract=False)."
        )


@cache
def _has(module: str) -> bool:
    return find_spec(module) is not None


def is_compiled() -> bool:
    """Tell whether the compiled validator is installed."""
    return _has("jsonschema_rs")


def compile_judge(schema: Any, *, compiled: bool | None = None) -> Judge:
    """Return what finds the faults of a value.

    Args:
        schema: A schema that stands alone.
        compiled: Whether the compiled validator decides; where it is installed when None.
    """
    validator = _make_validator()(schema)

    def explain(value: Any) -> list[Fault]:
        return sorted(set(_explain(validator.iter_errors(value))))

    fast = _compile(schema) if (is_compiled() if compiled is None else compiled) else None
    if fast is None:
        return lambda value: [] if validator.is_valid(value) else explain(value)
    is_valid = fast.is_valid

    def judge(value: Any) -> list[Fault]:
        if is_valid(value):
            return []
        # Were jsonschema content with what the compiled validator refuses, the test would still have to know.
        return explain(value) or [
            Fault(_to_pointer(one.instance_path), one.message, "") for one in fast.iter_errors(value)
        ]

    return judge


def _compile(schema: Any) -> Any:
    """Return the compiled validator of a schema, or None where it has a pattern that the compiler does not take."""
    import jsonschema_rs

    try:
        return jsonschema_rs.Draft202012Validator(schema, formats=dict(find_formats()), validate_formats=True)
    except jsonschema_rs.ValidationError:
        return None


@cache
def _make_validator() -> Callable[[Any], Any]:
    """Return jsonschema's validator, with our formats, and with patterns as the compiled one reads them."""
    from jsonschema import Draft202012Validator, FormatChecker, ValidationError
    from jsonschema.validators import extend

    def check_pattern(validator: Any, pattern: str, value: Any, schema: Any) -> Iterator[ValidationError]:
        if isinstance(value, str):
            regex = _compile_pattern(pattern)
            if regex is not None and not regex.search(value):
                yield ValidationError(f"{value!r} does not match {pattern!r}")

    checker = FormatChecker(())
    checker.checkers = {name: (function, ()) for name, function in find_formats().items()}
    cls: Any = extend(Draft202012Validator, {"pattern": check_pattern})  # type: ignore[no-untyped-call]  # jsonschema's
    return lambda schema: cls(schema, format_checker=checker)


@cache
def _compile_pattern(pattern: str) -> re.Pattern[str] | None:
    """Return a pattern of ECMA-262 as Python has it, None where it has no such thing."""

    def translate(match: re.Match[str]) -> str:
        text = match[0]
        if text == "$":
            return r"\Z"  # Python's $ also stands before a last line feed.
        if text == "(?<":
            return "(?P<"
        return f"(?P={match[1]})" if match[1] else text

    try:
        return re.compile(_ESCAPED_OR_CLASS.sub(translate, pattern), re.ASCII)
    except re.error:
        return None


# -- In words -------------------------------------------------------------------------------------------------------


def show(value: Any) -> str:
    """Return a value as JSON, cut short."""
    try:
        text = json.encode(value).decode()
    except json.EncodeError:
        text = repr(value)
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[: SHOWN_CHARACTERS - 1]}…"


def escape(name: str) -> str:
    """Return a name as it stands in a JSON Pointer."""
    return name.replace("~", "~0").replace("/", "~1")


def _to_pointer(path: Iterable[str | int]) -> str:
    return "".join(f"/{escape(str(part))}" for part in path)


def _explain(errors: Iterable[_Error]) -> Iterator[Fault]:
    found = list(errors)
    for error in found:
        if error.validator is None:  # The schema is false.
            yield Fault(_to_pointer(error.absolute_path), "nothing", show(error.instance))
        elif error.validator == "unevaluatedProperties":
            yield from _explain_unevaluated(error, any(_is_beneath(other, error) for other in found))
        else:
            yield from _EXPLAIN.get(error.validator, _explain_value)(error)


def _is_beneath(other: _Error, error: _Error) -> bool:
    """Tell whether something else is wrong with an object; the members of its faulty parts then count as surplus."""
    place = list(error.absolute_path)
    return other is not error and list(other.absolute_path)[: len(place)] == place


def _explain_value(error: _Error) -> Iterator[Fault]:
    words = _WORDS.get(str(error.validator), "{keyword}: {value}")
    declared = words.format(keyword=error.validator, value=show(error.validator_value))
    yield Fault(_to_pointer(error.absolute_path), declared, show(error.instance))


_WORDS = {
    "enum": "one of {value}",
    "const": "{value}",
    "format": "the format {value}",
    "pattern": "the pattern {value}",
    "minimum": "at least {value}",
    "maximum": "at most {value}",
    "exclusiveMinimum": "more than {value}",
    "exclusiveMaximum": "less than {value}",
    "minLength": "at least {value} characters",
    "maxLength": "at most {value} characters",
    "minItems": "at least {value} items",
    "maxItems": "at most {value} items",
    "minProperties": "at least {value} members",
    "maxProperties": "at most {value} members",
    "multipleOf": "a multiple of {value}",
    "uniqueItems": "items that differ",
    "not": "not {value}",
}


def _explain_type(error: _Error) -> Iterator[Fault]:
    types = error.validator_value
    declared = types if isinstance(types, str) else " or ".join(types)
    yield Fault(_to_pointer(error.absolute_path), declared, show(error.instance))


def _explain_required(error: _Error) -> Iterator[Fault]:
    # jsonschema has one error for each name but says which in its message alone; equal faults are merged.
    given: Mapping[str, Any] = error.instance
    for name in error.validator_value:
        if name not in given:
            yield Fault(_to_pointer([*error.absolute_path, name]), "a required member", "nothing")


def _explain_surplus(error: _Error) -> Iterator[Fault]:
    schema: Mapping[str, Any] = error.schema
    given: Mapping[str, Any] = error.instance
    known = schema.get("properties", ())
    patterns = [regex for each in schema.get("patternProperties", ()) if (regex := _compile_pattern(each))]
    for name in given:
        if name not in known and not any(regex.search(name) for regex in patterns):
            yield Fault(_to_pointer([*error.absolute_path, name]), "no such member", show(given[name]))


def _explain_unevaluated(error: _Error, is_faulty: bool) -> Iterator[Fault]:
    # Which members no place describes, jsonschema says in its message alone; it counts those of a faulty part, too.
    given: Mapping[str, Any] = error.instance
    known = set(_list_members(error.schema)) if is_faulty else set()
    surplus = [name for name in given if repr(name) in error.message and not known & {name, None}]
    for name in surplus:
        yield Fault(_to_pointer([*error.absolute_path, name]), "no such member", show(given[name]))
    if not surplus and not is_faulty:
        yield Fault(_to_pointer(error.absolute_path), "no other members", show(given))


def _list_members(schema: Any) -> Iterator[str | None]:
    """Yield the members that a schema names; None where a reference may name more."""
    if isinstance(schema, dict):
        yield from schema.get("properties", ())
        if "$ref" in schema or "patternProperties" in schema:
            yield None
        parts = [*(schema.get(keyword) for keyword in ("then", "else")), *schema.get("dependentSchemas", {}).values()]
        for part in (*schema.get("allOf", ()), *schema.get("anyOf", ()), *schema.get("oneOf", ()), *parts):
            yield from _list_members(part)


def _explain_choice(error: _Error) -> Iterator[Fault]:
    """Explain the alternative that the value comes nearest to, or name them all where it is like none."""
    branches: dict[Any, list[_Error]] = {}
    for one in error.context:
        if one.validator is None:
            continue
        branches.setdefault(one.schema_path[0], []).append(one)
    near = sorted((errors for errors in branches.values() if not any(map(_misses_at_once, errors))), key=len)
    if near:
        yield from _explain(near[0])
        return
    names = dict.fromkeys(_name_alternative(schema) for schema in error.validator_value)
    yield Fault(_to_pointer(error.absolute_path), " or ".join(names), show(error.instance))


def _misses_at_once(error: _Error) -> bool:
    return error.validator in ("type", "const", "enum", "format", "pattern") and not error.relative_path


def _name_alternative(schema: Any) -> str:
    if not isinstance(schema, dict):
        return show(schema)
    said = next((schema[keyword] for keyword in ("format", "enum", "const", "type") if keyword in schema), schema)
    return said if isinstance(said, str) else show(said)


_EXPLAIN: dict[str, Callable[[_Error], Iterator[Fault]]] = {
    "additionalProperties": _explain_surplus,
    "anyOf": _explain_choice,
    "oneOf": _explain_choice,
    "required": _explain_required,
    "type": _explain_type,
}
