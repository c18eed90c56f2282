"""Validators compiled: conditions that can stand inline, and one check that gives all messages as ``And`` does.

A condition is an expression over ``{x}`` that is true exactly when the validator accepts. Only validators of
marshmallow's own classes with bounds of plain types have one; any other is called, once, as it is.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal, TypeAlias

from marshmallow import ValidationError, validate
from marshmallow.error_store import copy_containers

from ramekin.schemas.messages import with_code
from ramekin.schemas.sources import compile_function
from ramekin.schemas.validators import CodedValidator, ExactRegexp, ExactURL, ExactValidator, Validator

#: What a check returns: all messages, or None for a good value.
Check: TypeAlias = Callable[[Any], "list[Any] | None"]


@dataclass(frozen=True, slots=True)
class Condition:
    """An inline condition of one validator.

    Attributes:
        source: The expression over ``{x}``; names in ``{braces}`` other than x stand for constants.
        constants: The constants by name.
        messages: What the validator says when the condition is false.
    """

    source: str
    constants: dict[str, Any]
    messages: list[Any]


def inline_condition(validator: Validator, value_type: type) -> Condition | None:
    """Return the condition of a validator for values of exactly one type, or None where it must be called."""
    code = validator.code if type(validator) is CodedValidator else None
    validator = _unwrap(validator)
    maker = _MAKERS.get(type(validator))
    made = maker(validator, value_type) if maker else None
    if made is None:
        return None
    source, constants, message = made
    return Condition(source, constants, [message if code is None else with_code(message, code)])


def _unwrap(validator: Validator) -> Any:
    """Return the validator that judges."""
    if type(validator) is CodedValidator:
        validator = validator.validator
    return validator.validator if type(validator) is ExactValidator else validator


def is_pure(validator: Validator, value_type: type) -> bool:
    """Tell whether a validator does nothing with values of a type but accept or refuse them, as often as it is called.

    One of a user's own may do anything; one of marshmallow's raises other errors for a value that it is not made for.
    """
    inner = _unwrap(validator)
    return inline_condition(validator, value_type) is not None or (value_type is str and type(inner) in _PURE)


#: Validators of text that have no inline condition, or may have none.
_PURE = frozenset({validate.Email, validate.NoneOf, validate.Regexp, validate.URL, ExactRegexp, ExactURL})


def codec_constraints(validator: Validator, value_type: type) -> dict[str, Any] | None:
    """Return the bounds by which the codec accepts just what a validator does, None where it has no such bounds.

    Args:
        validator: A validator.
        value_type: The exact type of the values.
    """
    inner = _unwrap(validator)
    if type(inner) is validate.Length and value_type in (str, list):
        low, high = (inner.min, inner.max) if inner.equal is None else (inner.equal, inner.equal)
        return _bounds(
            {"min_length": low, "max_length": high}, low, high, lambda bound: type(bound) is int and bound >= 0
        )
    if type(inner) is validate.Range and value_type in (int, float):
        names = ("ge" if inner.min_inclusive else "gt", "le" if inner.max_inclusive else "lt")
        fits = _fits_word if value_type is int else _fits_double
        return _bounds(dict(zip(names, (inner.min, inner.max), strict=True)), inner.min, inner.max, fits)
    return None


def codec_choices(validator: Validator, value_type: type) -> Any:
    """Return the type of which the codec accepts just what a OneOf of texts does, None where there is none."""
    inner = _unwrap(validator)
    if type(inner) is not validate.OneOf or value_type is not str:
        return None
    choices: Any = inner.choices
    if type(choices) not in (list, tuple, set, frozenset) or not choices:
        return None
    if any(type(choice) is not str or not choice.isprintable() for choice in choices):
        return None
    return Literal[tuple(choices)]


def _bounds(named: dict[str, Any], low: Any, high: Any, fits: Callable[[Any], bool]) -> dict[str, Any] | None:
    given = {name: bound for name, bound in named.items() if bound is not None}
    if not all(map(fits, given.values())) or (len(given) == 2 and low > high):
        return None
    return given


def _fits_word(bound: Any) -> bool:
    return type(bound) is int and -(2**62) <= bound <= 2**62


def _fits_double(bound: Any) -> bool:
    return _is_finite(bound) and abs(bound) <= 2**53


def make_check(validators: list[Validator], conditions: list[Condition | None]) -> Check | None:
    """Return the check of a field's validators, None if there are none.

    Args:
        validators: The validators in their order.
        conditions: The inline condition of each, or None where it must be called.
    """
    if not validators:
        return None
    if len(validators) == 1:
        return _single_check(validators[0], conditions[0])
    singles = [_single_check(*pair) for pair in zip(validators, conditions, strict=True)]

    def check(value: Any) -> list[Any] | None:
        found: list[Any] = []
        for single in singles:
            messages = single(value)
            if messages is not None:
                found.extend(messages)
        return found or None

    return check


def _single_check(validator: Validator, condition: Condition | None) -> Check:
    if condition is not None:
        return _condition_check(condition)

    def check(value: Any) -> list[Any] | None:
        try:
            validator(value)
        except ValidationError as error:
            messages = copy_containers(error.messages)  # type: ignore[no-untyped-call]
            return [messages] if isinstance(messages, dict) else [*messages] or None
        return None

    return check


def _condition_check(condition: Condition) -> Check:
    source = condition.source.format(x="x", **{name: name for name in condition.constants})
    namespace = {**condition.constants, "messages": condition.messages}
    check: Check = compile_function(f"def check(x): return None if {source} else messages[:]", "check", namespace)
    return check


_Made: TypeAlias = "tuple[str, dict[str, Any], Any] | None"


def _length(validator: Any, value_type: type) -> _Made:
    if value_type not in (str, list):
        return None
    bounds = (validator.min, validator.max, validator.equal)
    if any(bound is not None and type(bound) is not int for bound in bounds):
        return None
    if validator.equal is not None:
        source, message = f"len({{x}}) == {validator.equal}", validator.message_equal
    else:
        low, high = (None if bound is None else str(bound) for bound in bounds[:2])
        source = _between("len({x})", low, high, "<=", "<=")
        message = _bounded_message(validator)
    return _made(validator, source, message)


def _range(validator: Any, value_type: type) -> _Made:
    named = {"low": validator.min, "high": validator.max}
    bounds = {name: bound for name, bound in named.items() if bound is not None}
    # A Decimal has no literal, and what is no Decimal is not compared with one.
    constants = {name: bound for name, bound in bounds.items() if type(bound) is value_type is Decimal}
    plain = all(name in constants or _is_finite(bound) for name, bound in bounds.items())
    if value_type not in (int, float, Decimal) or not plain or any(each.is_nan() for each in constants.values()):
        return None
    low, high = "<=" if validator.min_inclusive else "<", "<=" if validator.max_inclusive else "<"
    shown = {name: f"{{{name}}}" if name in constants else f"({bound!r})" for name, bound in bounds.items()}
    source = _between("{x}", shown.get("low"), shown.get("high"), low, high)
    made = _made(validator, source, _bounded_message(validator))
    return made and (made[0], constants, made[2])


def _is_finite(bound: Any) -> bool:
    return type(bound) is int or (type(bound) is float and math.isfinite(bound))


def _between(middle: str, low: str | None, high: str | None, low_sign: str, high_sign: str) -> str:
    source = middle
    if low is not None:
        source = f"{low} {low_sign} {source}"
    if high is not None:
        source = f"{source} {high_sign} {high}"
    return "True" if low is None and high is None else source


def _bounded_message(validator: Any) -> Any:
    if validator.min is None:
        return validator.message_max
    return validator.message_min if validator.max is None else validator.message_all


def _made(validator: Any, source: str, message: Any) -> _Made:
    template = validator.error or message
    return None if _repeats_input(template) else (source, {}, validator._format_error(None, message))


def _one_of(validator: Any, value_type: type) -> _Made:
    if type(validator.choices) not in (list, tuple, set, frozenset) or _repeats_input(validator.error):
        return None
    if value_type not in (str, int) or any(type(choice) is not value_type for choice in validator.choices):
        return None
    return "{x} in {choices}", {"choices": frozenset(validator.choices)}, validator._format_error(None)


def _regexp(validator: Any, value_type: type) -> _Made:
    if value_type is not str or not isinstance(validator.regex.pattern, str) or _repeats_input(validator.error):
        return None
    return "{match}({x}) is not None", {"match": validator.regex.match}, validator._format_error("")


def _exact_regexp(validator: ExactRegexp, value_type: type) -> _Made:
    made = _regexp(validator.validator, value_type) if type(validator.validator) is validate.Regexp else None
    return made and (made[0], {"match": validator.regex.match}, made[2])


def _equal(validator: Any, value_type: type) -> _Made:
    if type(validator.comparable) is not value_type or value_type not in (str, int) or _repeats_input(validator.error):
        return None
    return "{x} == {other}", {"other": validator.comparable}, validator._format_error(None)


def _repeats_input(template: Any) -> bool:
    return not isinstance(template, str) or "{input" in template


_MAKERS: dict[type, Callable[[Any, type], _Made]] = {
    validate.Length: _length,
    validate.Range: _range,
    validate.OneOf: _one_of,
    validate.Regexp: _regexp,
    ExactRegexp: _exact_regexp,
    validate.Equal: _equal,
}
