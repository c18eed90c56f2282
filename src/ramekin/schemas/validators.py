"""Validators of a private copy: they judge as the user's own, and their messages carry codes.

Where the documented type is what is accepted, they also refuse what the document does not say: ``true`` is no 1, a
text of which choices are parts is no choice, a ``$`` is the end of the text, and a URL is one of RFC 3986.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeAlias, cast

from marshmallow import ValidationError, validate

from ramekin.schemas.formats import is_uri_reference
from ramekin.schemas.messages import INVALID, with_code
from ramekin.schemas.regexes import narrow_regex

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


class ExactRegexp:
    """A Regexp that judges as its pattern does in a document.

    Attributes:
        validator: The user's own.
        regex: What is matched.
    """

    __slots__ = ("regex", "validator")

    def __init__(self, validator: validate.Regexp) -> None:
        self.validator = validator
        self.regex = narrow_regex(cast(re.Pattern[str], validator.regex))

    def __call__(self, value: Any) -> Any:
        """Return the value, or raise the message of the fault."""
        if self.regex.match(value) is None:
            raise ValidationError(self.validator._format_error(value))
        return value

    def __repr__(self) -> str:
        return repr(self.validator)


class ExactURL:
    """A URL validator that takes only what RFC 3986 calls a URI, or a reference to one."""

    __slots__ = ("validator",)

    def __init__(self, validator: validate.URL) -> None:
        self.validator = validator

    def __call__(self, value: Any) -> Any:
        """Return the value, or raise the message of the fault."""
        self.validator(value)
        if not is_uri_reference(value):
            raise ValidationError(self.validator._format_error(value))
        return value

    def __repr__(self) -> str:
        return repr(self.validator)


def wrap_validator(validator: Validator, *, exact: bool) -> Validator:
    """Return a validator that judges alike and whose messages carry their code.

    Args:
        validator: The user's own; it is not changed.
        exact: Whether nothing is accepted but what the document says.
    """
    if isinstance(validator, validate.And) and type(validator).__call__ is validate.And.__call__:
        union = copy.copy(validator)
        union.validators = tuple(wrap_validator(each, exact=exact) for each in validator.validators)
        return union
    code = next((code for cls, code in _CODES if isinstance(validator, cls)), INVALID)
    return CodedValidator(_made_exact(validator) if exact else validator, code)


def find_ranges(validators: Iterable[Validator]) -> Iterator[Validator]:
    """Yield those of wrapped validators that hold values within bounds, as marshmallow's own do."""
    for each in validators:
        if isinstance(each, validate.And):
            yield from find_ranges(each.validators)
        elif isinstance(each, CodedValidator) and type(each.validator).__call__ is validate.Range.__call__:
            yield each


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
    """Return an exact validator for one that judges as marshmallow's own do, else the validator itself."""
    own = type(validator).__call__
    if isinstance(validator, (validate.OneOf, validate.Equal)) and own in _COMPARING:
        return ExactValidator(validator)
    if isinstance(validator, validate.Regexp) and own is validate.Regexp.__call__:
        return ExactRegexp(validator) if isinstance(validator.regex.pattern, str) else validator
    return ExactURL(validator) if isinstance(validator, validate.URL) and own is validate.URL.__call__ else validator


_COMPARING = (validate.OneOf.__call__, validate.ContainsOnly.__call__, validate.Equal.__call__)


def _is_among(value: Any, choices: Iterable[Any]) -> bool:
    # A text holds all its parts; the choices are its characters alone.
    if isinstance(value, str) and not isinstance(choices, str):
        return True
    return any(value == choice and same_value(value, choice) for choice in choices)
