"""Strict copies: schemas that accept exactly the documented type, and whose messages carry codes.

The strictness is a layer before marshmallow: each field of a private copy judges the value at its own place
(after the hooks, before the validators) and lets marshmallow deserialize what it has accepted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from marshmallow import Schema, fields
from marshmallow.fields import Field

from ramekin.schemas.copies import copy_field, copy_schema, finds_schema_itself, settle_schema
from ramekin.schemas.judges import NUMBER_DIGITS, Form, Judge, Refuse, make_judge, refusal
from ramekin.schemas.kinds import ENUM, accepted_kind
from ramekin.schemas.messages import code_error_messages
from ramekin.schemas.validators import same_value, wrap_validator
from ramekin.types import Location, Shape


@dataclass(frozen=True, slots=True)
class Rules:
    """How the values of a location are judged.

    Attributes:
        form: The form of the values themselves.
        nested: The form inside a Nested or Dict value.
        number_digits: Most digits of a number in text.
    """

    form: Form
    nested: Form
    number_digits: int = NUMBER_DIGITS

    def inside(self) -> Rules:
        """Return the rules that hold within a JSON object of its own."""
        return Rules(self.nested, self.nested, self.number_digits)

    def for_keys(self) -> Rules:
        """Return the rules of object keys, which are text in JSON too."""
        return Rules("free" if self.form == "free" else "text", self.nested, self.number_digits)


def rules_for(location: Location, *, coerce: bool = False, number_digits: int = NUMBER_DIGITS) -> Rules:
    """Return how values of a location are judged."""
    if coerce or location == "files":
        return Rules("free", "free", number_digits)
    if location == "json":
        return Rules("json", "json", number_digits)
    return Rules("text", "json" if location == "form" else "text", number_digits)


def make_strict(shape: Shape, rules: Rules) -> Shape:
    """Return a private copy that judges by the rules and whose messages carry codes; the original stays as it is."""
    if isinstance(shape, Schema):
        return _harden_schema(copy_schema(shape), rules)
    twin = copy_field(shape)
    _harden(twin, rules)
    return twin


def _harden_schema(twin: Schema, rules: Rules) -> Schema:
    twin.error_messages = code_error_messages(twin.error_messages)
    for field in twin.fields.values():
        _harden(field, rules)
    return twin


def _harden(field: Field[Any], rules: Rules) -> None:
    """Make a copied field, and the fields inside it, judge by the rules."""
    exact = rules.form != "free"
    field.error_messages = code_error_messages(field.error_messages, owner=field)
    field.validators = [wrap_validator(each, exact=exact) for each in field.validators]
    if isinstance(field, fields.List):
        _harden(field.inner, rules)
    elif isinstance(field, fields.Tuple):
        field.validate_length = wrap_validator(field.validate_length, exact=exact)  # type: ignore[assignment]
        for each in field.tuple_fields:
            _harden(each, rules)
    elif isinstance(field, fields.Mapping):
        _harden_mapping(field, rules)
    elif isinstance(field, fields.Nested):
        _harden_nested(field, rules if isinstance(field, fields.Pluck) else rules.inside())
    elif isinstance(field, fields.Enum):
        _harden_enum(field, rules)
    elif exact:
        _harden_value(field, rules)


def _harden_mapping(field: fields.Mapping[Any], rules: Rules) -> None:
    if field.key_field:
        _harden(field.key_field, rules.for_keys())
    if field.value_field:
        _harden(field.value_field, rules.inside())


def _harden_nested(field: fields.Nested, rules: Rules) -> None:
    if not finds_schema_itself(field):
        return
    deserialize = field._deserialize

    def settle_first(value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if "_settled" not in field.__dict__:
            settle_schema(field, lambda schema: _harden_schema(schema, rules))
        return deserialize(value, attr, data, **kwargs)

    field._deserialize = settle_first  # type: ignore[method-assign,assignment]


def _harden_enum(field: fields.Enum[Any], rules: Rules) -> None:
    _harden(field.field, rules)
    if rules.form == "free" or accepted_kind(field) is not ENUM:
        return
    deserialize = field._deserialize

    def find_member(value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        member = deserialize(value, attr, data, **kwargs)
        if member is value or same_value(value, member.value):
            return member
        raise field.make_error("unknown", choices=field.choices_text)

    field._deserialize = find_member  # type: ignore[method-assign]


def _harden_value(field: Field[Any], rules: Rules) -> None:
    """Put the judge of the field's kind before its own deserialization."""
    refuse = refusal(field)
    judge = make_judge(accepted_kind(field), rules.form, refuse, number_digits=rules.number_digits)
    if judge is not None:
        can_overflow = isinstance(field, (fields.Number, fields.TimeDelta, fields.DateTime, fields.Date, fields.Time))
        judged = (
            _judge_and_guard(field._deserialize, judge, refuse) if can_overflow else _judge(field._deserialize, judge)
        )
        field._deserialize = judged  # type: ignore[method-assign]


def _judge(deserialize: Callable[..., Any], judge: Judge) -> Callable[..., Any]:
    def deserialize_judged(value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        return deserialize(judge(value), attr, data, **kwargs)

    return deserialize_judged


def _judge_and_guard(deserialize: Callable[..., Any], judge: Judge, refuse: Refuse) -> Callable[..., Any]:
    """Refuse also numbers beyond what float, timedelta or datetime can hold; marshmallow lets some escape."""

    def deserialize_judged(value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        value = judge(value)
        try:
            return deserialize(value, attr, data, **kwargs)
        except (ArithmeticError, LookupError) as error:
            raise refuse(value) from error

    return deserialize_judged
