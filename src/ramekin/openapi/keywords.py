"""What marshmallow's validators say in JSON Schema.

A validator of one's own class, or a subclass that judges otherwise, says nothing here.

Specification: JSON Schema 2020-12 Validation §6.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from typing import Any

from marshmallow import fields, validate
from marshmallow.fields import Field

from ramekin.openapi.patterns import translate_pattern, url_pattern
from ramekin.openapi.values import NotJSON, to_json

#: JSON types, and the keywords for how much a value of each holds.
_SIZES = {
    "string": ("minLength", "maxLength"),
    "array": ("minItems", "maxItems"),
    "object": ("minProperties", "maxProperties"),
}


def describe_validators(field: Field[Any], json_type: str | None, *, choices: bool = True) -> dict[str, Any]:
    """Return the keywords that a field's validators come to.

    Args:
        field: The field.
        json_type: The type of its values in JSON, None for any.
        choices: Whether values are compared as they are written; False where several texts mean one value.
    """
    validators = list(_parts(field.validators))
    keywords: dict[str, Any] = {}
    if json_type in _SIZES and _is_measured(field):
        keywords |= _sizes(validators, *_SIZES[json_type])
    if json_type in ("integer", "number"):
        keywords |= _bounds(validators, field)
    if isinstance(field, fields.String):
        keywords |= _patterns(validators)
        keywords |= _formats(validators)
    if choices:
        keywords |= _choices(validators, field)
    if json_type == "array":
        keywords |= _contents(validators, field)
    return keywords


def _parts(validators: Iterable[Any]) -> Iterator[Any]:
    """Yield validators with those inside an ``And`` in its place."""
    for validator in validators:
        if _judges_as(validator, validate.And):
            yield from _parts(validator.validators)
        else:
            yield validator


def _judges_as(validator: Any, cls: type[validate.Validator]) -> bool:
    return isinstance(validator, cls) and type(validator).__call__ is cls.__call__


def _is_measured(field: Field[Any]) -> bool:
    """Tell whether the loaded value has the length of the JSON value."""
    if isinstance(field, fields.Nested):
        return bool(field.many or field.schema.many)
    measured = isinstance(field, fields.String | fields.List | fields.Tuple | fields.Mapping)
    return measured and not isinstance(field, fields.UUID)


def _sizes(validators: list[Any], least_keyword: str, most_keyword: str) -> dict[str, Any]:
    lengths = [each for each in validators if _judges_as(each, validate.Length)]
    least = [bound for each in lengths for bound in (each.min, each.equal) if bound is not None]
    most = [bound for each in lengths for bound in (each.max, each.equal) if bound is not None]
    found = {}
    if least:
        found[least_keyword] = max(least)
    if most:
        found[most_keyword] = min(most)
    return found


def _bounds(validators: list[Any], field: Field[Any]) -> dict[str, Any]:
    ranges = [each for each in validators if _judges_as(each, validate.Range)]
    lower = [(bound, not each.min_inclusive) for each in ranges if (bound := _number(each.min, field)) is not None]
    upper = [(bound, not each.max_inclusive) for each in ranges if (bound := _number(each.max, field)) is not None]
    found = {}
    if lower:
        bound, exclusive = max(lower)
        found["exclusiveMinimum" if exclusive else "minimum"] = bound
    if upper:
        bound, exclusive = min(upper, key=lambda each: (each[0], not each[1]))
        found["exclusiveMaximum" if exclusive else "maximum"] = bound
    return found


def _number(bound: Any, field: Field[Any]) -> int | float | None:
    """Return a bound as a JSON number, or None where it is none."""
    if isinstance(field, fields.TimeDelta) and bound is not None:
        bound = field._serialize(bound, "", None)
    if isinstance(bound, bool) or not isinstance(bound, int | float | Decimal) or not math.isfinite(bound):
        return None
    if isinstance(bound, Decimal):
        return int(bound) if bound == bound.to_integral_value() else float(bound)
    return bound


def _patterns(validators: list[Any]) -> dict[str, Any]:
    found = dict.fromkeys(pattern for each in validators if (pattern := _pattern(each)) is not None)
    if not found:
        return {}
    first, *others = found
    return {"pattern": first} | ({"allOf": [{"pattern": other} for other in others]} if others else {})


def _pattern(validator: Any) -> str | None:
    if _judges_as(validator, validate.URL):
        return url_pattern(validator)
    is_text = _judges_as(validator, validate.Regexp) and isinstance(validator.regex.pattern, str)
    return translate_pattern(validator.regex) if is_text else None


def _formats(validators: list[Any]) -> dict[str, Any]:
    for each in validators:
        if _judges_as(each, validate.Email):
            return {"format": "email"}
        if _judges_as(each, validate.URL):
            return {"format": "uri-reference" if each.relative else "uri"}
    return {}


def _choices(validators: list[Any], field: Field[Any]) -> dict[str, Any]:
    """Return ``enum`` or ``const`` for values that are allowed, ``not`` for those that are not."""

    def written(value: Any) -> Any:
        return to_json(field._serialize(value, "", None))

    found: dict[str, Any] = {}
    allowed: list[Any] | None = None
    for each in validators:
        if _judges_as(each, validate.Equal):
            values = _write_all([each.comparable], written)
        elif _judges_as(each, validate.OneOf):
            values = _write_all(each.choices, written)
        else:
            continue
        if values is not None:
            allowed = values if allowed is None else [value for value in allowed if value in values]
    if allowed:
        is_constant = len(allowed) == 1 and any(_judges_as(each, validate.Equal) for each in validators)
        found = {"const": allowed[0]} if is_constant else {"enum": allowed}
    barred = [
        value
        for each in validators
        if _judges_as(each, validate.NoneOf)
        for value in _write_all(each.iterable, written) or ()
    ]
    if barred:
        found["not"] = {"enum": barred}
    return found


def _contents(validators: list[Any], field: Field[Any]) -> dict[str, Any]:
    """Return what the items of a list are limited to, as a keyword of the list."""
    if not isinstance(field, fields.List):
        return {}

    def written(value: Any) -> Any:
        return to_json(field.inner._serialize(value, "", None))

    for each in validators:
        if _judges_as(each, validate.ContainsOnly):
            values = _write_all(each.choices, written)
            return {} if values is None else {"items": {"enum": values}}
    return {}


def _write_all(values: Iterable[Any], written: Callable[[Any], Any]) -> list[Any] | None:
    """Return values as JSON, each once, or None where one cannot be written."""
    found: list[Any] = []
    try:
        for value in values:
            text = written(value)
            if not any(text == other and type(text) is type(other) for other in found):
                found.append(text)
    except (NotJSON, AttributeError, LookupError, TypeError, ValueError, ArithmeticError):
        return None
    return found
