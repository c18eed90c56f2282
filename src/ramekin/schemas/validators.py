"""Validators of a private copy: they judge as the user's own, and their messages carry codes.

Where values are compared with stated ones, ``true`` can be told from 1 too: Python holds them equal, JSON does not.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

from marshmallow import ValidationError, validate

from ramekin.schemas.messages import INVALID, with_code

Validator: TypeAlias = Callable[[Any], Any]

#: The code of each of marshmallow's validators; a subclass stands before its base.
_CODES: tuple[tuple[type[validate.Validator], str], ...] = (
    (validate.Length, "length"),
    (validate.Range, "range"),
    (validate.ContainsOnly, "contains-only"),
    (validate.OneOf, "one-of"),
    (validate.NoneOf, "none-of"),
    (validate.Regexp, "pattern"),
    (validate.Equal, "equal"),
    (validate.Email, "email"),
    (validate.URL, "url"),
    (validate.Predicate, "predicate"),
)


class CodedValidator:
    """A validator whose messages carry a code; it judges as the one that it wraps."""

    __slots__ = ("code", "validator")

    def __init__(self, validator: Validator, code: str) -> None:
        self.validator = validator
        self.code = code

    def __call__(self, value: Any) -> Any:
        """Return the value, or raise the messages of the fault."""
        try:
            return self.validator(value)
        except ValidationError as error:
            # A new exception: the caught one may be shared, and its messages are not ours to change.
            raise ValidationError(with_code(error.messages, self.code), **error.kwargs) from error

    def __repr__(self) -> str:
        return repr(self.validator)


class ExactValidator:
    """A OneOf, ContainsOnly or Equal for which ``true`` is not 1."""

    __slots__ = ("validator",)

    def __init__(self, validator: validate.OneOf | validate.Equal) -> None:
        self.validator = validator

    def __call__(self, value: Any) -> Any:
        """Return the value, or raise the messages of the fault."""
        self.validator(value)
        if not self._states(value):
            raise ValidationError(self.validator._format_error(value))
        return value

    def _states(self, value: Any) -> bool:
        if isinstance(self.validator, validate.Equal):
            return same_value(value, self.validator.comparable)
        if isinstance(self.validator, validate.ContainsOnly):
            return all(_is_among(each, self.validator.choices) for each in value)
        return _is_among(value, self.validator.choices)

    def __repr__(self) -> str:
        return repr(self.validator)


def wrap_validator(validator: Validator, *, exact: bool) -> Validator:
    """Return a validator that judges alike and whose messages carry their code.

    Args:
        validator: The user's own; it is not changed.
        exact: Whether ``true`` is told from 1.
    """
    if isinstance(validator, validate.And) and type(validator).__call__ is validate.And.__call__:
        union = copy.copy(validator)
        union.validators = tuple(wrap_validator(each, exact=exact) for each in validator.validators)
        return union
    code = next((code for cls, code in _CODES if isinstance(validator, cls)), INVALID)
    return CodedValidator(_made_exact(validator) if exact else validator, code)


def same_value(given: Any, stated: Any) -> bool:
    """Tell whether two values that Python holds equal are one in JSON too, where ``true`` is never 1."""
    if isinstance(given, bool) or isinstance(stated, bool):
        return given is stated
    if isinstance(given, (list, tuple)) and isinstance(stated, (list, tuple)):
        return all(map(same_value, given, stated))
    if isinstance(given, dict) and isinstance(stated, dict):
        return all(same_value(given[key], stated[key]) for key in given if key in stated)
    return True


def _made_exact(validator: Validator) -> Validator:
    """Return an exact validator for one that compares as marshmallow's own do, else the validator itself."""
    own = (validate.OneOf.__call__, validate.ContainsOnly.__call__, validate.Equal.__call__)
    if isinstance(validator, (validate.OneOf, validate.Equal)) and type(validator).__call__ in own:
        return ExactValidator(validator)
    return validator


def _is_among(value: Any, choices: Iterable[Any]) -> bool:
    return isinstance(value, str) or any(value == choice and same_value(value, choice) for choice in choices)
