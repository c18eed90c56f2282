"""Strict copies: schemas that accept exactly the documented type, and whose messages carry codes.

The strictness is a layer before marshmallow: each field of a private copy judges the value at its own place
(after the hooks, before the validators) and lets marshmallow deserialize what it has accepted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from marshmallow import INCLUDE, Schema, ValidationError, fields, missing
from marshmallow.fields import Field
from marshmallow.types import UnknownOption

from ramekin.schemas.copies import barred_names, copy_field, copy_schema, finds_schema_itself, settle_schema
from ramekin.schemas.judges import NUMBER_DIGITS, Form, Judge, Refuse, make_judge, refusal
from ramekin.schemas.kinds import Kind, accepted_kind
from ramekin.schemas.messages import READ_ONLY, code_error_messages, with_code
from ramekin.schemas.validators import Validator, find_ranges, same_value, wrap_validator
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


def make_strict(shape: Shape, rules: Rules, *, unknown: UnknownOption | None = None) -> Shape:
    """Return a private copy that judges by the rules and whose messages carry codes; the original stays as it is.

    Args:
        shape: The schema or field.
        rules: How values are judged.
        unknown: What happens to the unknown names of a schema, where it is not for the schema to say.
    """
    hardening = _Hardening()
    if isinstance(shape, Schema):
        copied = copy_schema(shape)
        copied.unknown = unknown or copied.unknown
        return hardening.harden_schema(copied, rules, copied.unknown)
    twin = copy_field(shape)
    hardening.harden(twin, rules)
    return twin


@dataclass(frozen=True, slots=True)
class JudgedValue:
    """Stands in place of a field's ``_deserialize``: judges the value first.

    Attributes:
        deserialize: The field's own.
        kind: What is accepted.
        form: The form in which it comes.
        judge: What refuses everything else.
        refuse: Makes the field's message for it.
        guards: Whether numbers beyond what float, timedelta or datetime can hold are refused too; marshmallow lets
            some of their exceptions escape.
        number_digits: Most digits of a number in text.
    """

    deserialize: Callable[..., Any]
    kind: Kind
    form: Form
    judge: Judge
    refuse: Refuse
    guards: bool
    number_digits: int

    def __call__(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        """Judge and deserialize a value."""
        value = self.judge(value)
        if not self.guards:
            return self.deserialize(value, attr, data, **kwargs)
        try:
            return self.deserialize(value, attr, data, **kwargs)
        except (ArithmeticError, LookupError) as error:
            raise self.refuse(value) from error


@dataclass(frozen=True, slots=True)
class JudgedMember:
    """Stands in place of an Enum field's ``_deserialize`` by raw value: ``true`` is no 1."""

    deserialize: Callable[..., Any]
    field: fields.Enum[Any]

    def __call__(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        """Find the member of a value."""
        member = self.deserialize(value, attr, data, **kwargs)
        if member is value or same_value(value, member.value):
            return member
        raise self.field.make_error("unknown", choices=self.field.choices_text)


@dataclass(frozen=True, slots=True)
class JudgedUnrounded:
    """Stands in place of a Decimal field's ``_deserialize`` with ``places``: its bounds hold before the rounding too.

    Attributes:
        deserialize: The field's own, or what stands in its place.
        bounds: The validators of its range.
    """

    deserialize: Callable[..., Any]
    bounds: tuple[Validator, ...]

    def __call__(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        """Deserialize a value, and judge it as it was given."""
        rounded = self.deserialize(value, attr, data, **kwargs)
        given = Decimal(str(value))
        for judge in self.bounds:
            judge(given)
        return rounded


@dataclass(frozen=True, slots=True)
class JudgedKeys:
    """Stands in place of a Dict field's ``_deserialize``: two names that stand for one key are a fault."""

    deserialize: Callable[..., Any]

    def __call__(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        """Deserialize a mapping."""
        loaded = self.deserialize(value, attr, data, **kwargs)
        if len(loaded) < len(value):
            raise ValidationError(with_code("Two of its names stand for one key.", "repeated"))
        return loaded


@dataclass(frozen=True, slots=True)
class SettledNested:
    """Stands in place of a Nested field's ``_deserialize``: makes the nested schema strict when it is first needed."""

    deserialize: Callable[..., Any]
    field: fields.Nested
    rules: Rules
    hardening: _Hardening

    def __call__(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        """Deserialize a nested value by the strict schema."""
        self.settle()
        return self.deserialize(value, attr, data, **kwargs)

    def settle(self) -> Schema:
        """Return the strict nested schema; equal Nested fields share one, so a recursive schema needs no more."""
        return self.hardening.settle(self.field, self.rules)


class _Hardening:
    """The work of making one private copy strict; it remembers the nested schemas that it has made."""

    __slots__ = ("_made",)

    def __init__(self) -> None:
        self._made: dict[Any, Schema] = {}

    def harden_schema(self, twin: Schema, rules: Rules, unknown: UnknownOption) -> Schema:
        """Make a copied schema strict, which is loaded with this option for unknown names."""
        twin.error_messages = code_error_messages(twin.error_messages)
        for field in twin.fields.values():
            self.harden(field, rules)
        if unknown == INCLUDE:
            twin.load_fields.update({f"no {name}": _guard(name, twin) for name in barred_names(twin)})
        return twin

    def harden(self, field: Field[Any], rules: Rules) -> None:
        """Make a copied field, and the fields inside it, judge by the rules."""
        exact = rules.form != "free"
        field.error_messages = code_error_messages(field.error_messages, owner=field)
        field.validators = [wrap_validator(each, exact=exact) for each in field.validators]
        if isinstance(field, fields.List):
            self.harden(field.inner, rules)
        elif isinstance(field, fields.Tuple):
            field.validate_length = wrap_validator(field.validate_length, exact=exact)  # type: ignore[assignment]
            for each in field.tuple_fields:
                self.harden(each, rules)
        elif isinstance(field, fields.Mapping):
            self._harden_mapping(field, rules)
        elif isinstance(field, fields.Nested):
            self._harden_nested(field, rules if isinstance(field, fields.Pluck) else rules.inside())
        elif isinstance(field, fields.Enum):
            self._harden_enum(field, rules)
        elif exact:
            _harden_value(field, rules)

    def settle(self, field: fields.Nested, rules: Rules) -> Schema:
        """Give a copied Nested field its strict schema; a second call changes nothing."""
        if "_settled" not in field.__dict__:
            settle_schema(
                field,
                self._made,
                lambda schema: self.harden_schema(schema, rules, field.unknown or schema.unknown),
                rules,
                field.unknown,
            )
        return field.schema

    def _harden_mapping(self, field: fields.Mapping[Any], rules: Rules) -> None:
        if field.key_field:
            self.harden(field.key_field, rules.for_keys())
            # A plain text is a key of its own; other keys may be written in several ways.
            is_text = type(field.key_field)._deserialize is fields.String._deserialize
            if rules.form != "free" and not is_text:
                field._deserialize = JudgedKeys(field._deserialize)  # type: ignore[method-assign]
        if field.value_field:
            self.harden(field.value_field, rules.inside())

    def _harden_nested(self, field: fields.Nested, rules: Rules) -> None:
        if finds_schema_itself(field):
            field._deserialize = SettledNested(field._deserialize, field, rules, self)  # type: ignore[method-assign,assignment]

    def _harden_enum(self, field: fields.Enum[Any], rules: Rules) -> None:
        self.harden(field.field, rules)
        takes_anything = type(field.field)._deserialize is Field._deserialize
        if rules.form != "free" and field.by_value and takes_anything and "type" not in field.metadata:
            field._deserialize = JudgedMember(field._deserialize, field)  # type: ignore[method-assign]


class _ReadOnly(Field[Any]):
    """Bars a name of a read-only field from a schema that takes unknown names: refuses every value."""

    def deserialize(self, value: Any, attr: str | None = None, data: Any = None, **kwargs: Any) -> Any:
        """Refuse a value; where there is none, there is nothing to say."""
        if value is missing:
            return missing
        raise ValidationError(READ_ONLY)


def _guard(name: str, schema: Schema) -> Field[Any]:
    guard = _ReadOnly(data_key=name)
    guard.name, guard.parent, guard.root = name, schema, schema
    return guard


def _harden_value(field: Field[Any], rules: Rules) -> None:
    """Put the judge of the field's kind before its own deserialization."""
    refuse = refusal(field)
    kind = accepted_kind(field)
    judge = make_judge(kind, rules.form, refuse, number_digits=rules.number_digits)
    if judge is not None:
        guards = isinstance(field, (fields.Number, fields.TimeDelta, fields.DateTime, fields.Date, fields.Time))
        judged = JudgedValue(field._deserialize, kind, rules.form, judge, refuse, guards, rules.number_digits)
        field._deserialize = judged  # type: ignore[method-assign]
    if isinstance(field, fields.Decimal) and field.places is not None and not field.as_string:
        bounds = tuple(find_ranges(field.validators))
        if bounds:
            field._deserialize = JudgedUnrounded(field._deserialize, bounds)  # type: ignore[method-assign]
