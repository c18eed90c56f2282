"""How the values of marshmallow's own fields are loaded inline.

A recipe says, for a field whose loading methods are marshmallow's, which values can be loaded by a plain expression
and which are refused by a fixed message. Whatever a recipe does not cover, the field itself deserializes.
"""

from __future__ import annotations

import datetime as dt
import enum
import sys
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from marshmallow import ValidationError, fields
from marshmallow.fields import Field

from ramekin.schemas import formats, kinds
from ramekin.schemas.strictness import JudgedMember, JudgedUnrounded, JudgedValue
from ramekin.schemas.validators import Validator

#: Types that JSON gives, and None of which is another's subclass by chance.
_JSON_TYPES = frozenset({str, int, float, bool, list, dict})

#: Of these, what is no number, nor text that might be one.
_NO_NUMBERS = frozenset({bool, list, dict})

#: Most digits of an integer in text that is read inline.
_INLINE_DIGITS = 18

#: Which floats are numbers: infinity less itself is none. Which integers a double holds as they are.
_IS_NUMBER = "{v} - {v} == 0.0"
_IS_EXACT = "-9007199254740992 < {v} < 9007199254740992"


@dataclass(frozen=True, slots=True)
class Step:
    """One way to load a value inline.

    Attributes:
        given: The exact type of the values, None where the test tells them by itself.
        test: When it applies to such a value: an expression over ``{v}``; empty for always.
        result: The loaded value: an expression over ``{v}``.
        value_type: The exact type of the result, for its validators.
        may_fail: Whether the result may raise ValueError; then the value is bad, or the field itself decides.
    """

    given: type | None
    test: str
    result: str
    value_type: type
    may_fail: bool = False

    @property
    def condition(self) -> str:
        """When it applies to any value."""
        exact = "" if self.given is None else f"type({{v}}) is {self.given.__name__}"
        return " and ".join(filter(None, (exact, self.test)))


@dataclass(frozen=True, slots=True)
class Recipe:
    """How one field's values are loaded.

    Attributes:
        steps: The ways, in order.
        constants: What their expressions name, besides ``{v}``.
        others: Exact types whose values are surely refused.
        refused: An expression over ``{v}``, true for values of the one type of the steps that are surely refused.
        message: What is said then, or None where only the field can say it.
    """

    steps: tuple[Step, ...]
    constants: dict[str, Any] = field(default_factory=dict)
    others: frozenset[type] = frozenset()
    refused: str = ""
    message: Any = None

    @property
    def refusal(self) -> str:
        """When a value is surely refused, with ``{others}`` for the types; empty for never."""
        given = self.steps[0].given
        if self.refused and given is not None:
            return f"type({{v}}) is {given.__name__} and {self.refused}"
        return "type({v}) in {others}" if self.others else ""


def find_recipe(field: Field[Any]) -> Recipe | None:
    """Return the recipe of a field, None for one that only marshmallow can load."""
    if not loads_plainly(field) or not _loads_by_class(field):
        return None
    judged = field.__dict__.get("_deserialize")
    judged = judged.deserialize if type(judged) is JudgedUnrounded else judged
    strict, form = ("", "free")
    if type(judged) is JudgedValue:
        strict, form = judged.kind.name, judged.form
        if judged.number_digits < _INLINE_DIGITS:
            return None
    for cls, methods, maker in _MAKERS:
        if isinstance(field, cls) and all(getattr(type(field), each) is getattr(cls, each) for each in methods):
            return maker(field, strict, form)
    return None


def loads_plainly(field: Field[Any]) -> bool:
    """Tell whether everything around a field's ``_deserialize`` is marshmallow's own."""
    cls: Any = type(field)
    return (
        all(getattr(cls, name) is getattr(Field, name) for name in _AROUND)
        and not any(name in field.__dict__ for name in _AROUND)
        and not getattr(field, "pre_load", None)
        and not getattr(field, "post_load", None)
    )


def _loads_by_class(field: Field[Any]) -> bool:
    """Tell whether a field deserializes by the method of its class, perhaps after a judge."""
    own: Any = field.__dict__.get("_deserialize")
    while type(own) in (JudgedMember, JudgedUnrounded, JudgedValue):
        own = own.deserialize
    return own is None or getattr(own, "__func__", None) is type(field)._deserialize


def fixed_message(field: Field[Any], key: str, **known: Any) -> Any:
    """Return the message of a key if it is the same for every value, else None."""
    template = field.error_messages.get(key)
    if not isinstance(template, str) or "{input" in template:
        return None
    try:
        return template.format(**known)
    except (LookupError, ValueError, AttributeError):
        return None


_AROUND = ("deserialize", "_validate", "_validate_all", "_validate_missing", "make_error")


def _string(field: Any, strict: str, form: str) -> Recipe:
    return Recipe(
        (Step(str, "", "{v}", str),),
        others=_JSON_TYPES - {str},
        message=fixed_message(field, "invalid"),
    )


def _integer(field: Any, strict: str, form: str) -> Recipe | None:
    if strict not in ("", kinds.INTEGER.name):
        return None
    message = fixed_message(field, "invalid")
    if form == "text":
        test = "{v}.isdecimal() and {v}.isascii() and len({v}) <= {digits}"
        return Recipe((Step(str, test, "int({v})", int),), {"digits": _INLINE_DIGITS}, message=message)
    whole = Step(int, "", "{v}", int)
    others = _JSON_TYPES - {int, float} if form == "json" else _NO_NUMBERS
    return Recipe((whole,), others=others, message=message)


def _float(field: Any, strict: str, form: str) -> Recipe | None:
    if strict not in ("", kinds.NUMBER.name) or form == "text":
        return None
    others = _JSON_TYPES - {int, float} if form == "json" else _NO_NUMBERS
    return Recipe(
        (
            Step(float, _IS_NUMBER, "{v}", float),
            Step(int, _IS_EXACT, "float({v})", float),
        ),
        others=others,
        message=fixed_message(field, "invalid"),
    )


def _decimal(field: Any, strict: str, form: str) -> Recipe | None:
    own = field.__dict__.get("_deserialize")
    bounds = own.bounds if type(own) is JudgedUnrounded else ()
    make = Decimal if field.places is None else _rounder(field.places, field.rounding, bounds)
    # Where the number is judged before it is rounded, what is wrong with it may be one or the other.
    message = None if bounds else fixed_message(field, "invalid")
    may_fail = field.places is not None
    if strict == kinds.DECIMAL_STRING.name:
        test = "len({v}) <= {digits} and {match}({v})"
        match = formats.compile_pattern(formats.PLAIN_DECIMAL).match
        constants = {"make": make, "digits": _INLINE_DIGITS, "match": match}
        step = Step(str, test, "{make}({v})", Decimal, may_fail)
        return Recipe((step,), constants, _JSON_TYPES - {str}, message=message)
    if strict not in ("", kinds.NUMBER.name) or form == "text":
        return None
    whole = Step(int, _IS_EXACT, "{make}(str({v}))", Decimal, may_fail)
    broken = Step(float, _IS_NUMBER, "{make}(str({v}))", Decimal, may_fail)
    others = _JSON_TYPES - {int, float} if form == "json" else _NO_NUMBERS
    return Recipe((whole, broken), {"make": make}, others, message=message)


def _rounder(places: Decimal, rounding: str | None, bounds: Sequence[Validator]) -> Callable[[str], Decimal]:
    """Return what makes a number of text, and raises ValueError where it cannot be rounded or is out of bounds."""

    def make(text: str) -> Decimal:
        number = Decimal(text)
        try:
            for judge in bounds:
                judge(number)
            return number.quantize(places, rounding=rounding)
        except (ArithmeticError, ValidationError) as error:
            raise ValueError from error

    return make


def _boolean(field: Any, strict: str, form: str) -> Recipe | None:
    if field.truthy is not fields.Boolean.truthy or field.falsy is not fields.Boolean.falsy or 1 in field.falsy:
        return None
    if 1 not in field.truthy or 0 not in field.falsy or 0 in field.truthy:
        return None
    message = fixed_message(field, "invalid")
    if form == "text":
        return Recipe((Step(None, "({v} == 'true' or {v} == 'false')", "{v} == 'true'", bool),), message=message)
    others = _JSON_TYPES - {bool} if form == "json" else frozenset({list, dict})
    return Recipe((Step(None, "({v} is True or {v} is False)", "{v}", bool),), others=others, message=message)


def _raw(field: Any, strict: str, form: str) -> Recipe:
    return Recipe((Step(None, "{v} is not None", "{v}", object),))


def _uuid(field: Any, strict: str, form: str) -> Recipe | None:
    if strict != kinds.UUID.name:
        return None
    match = formats.compile_pattern(formats.UUID).match
    return Recipe(
        (Step(str, "{match}({v})", "{make}({v})", uuid.UUID),),
        {"match": match, "make": uuid.UUID},
        _JSON_TYPES - {list, dict},
        message=fixed_message(field, "invalid_uuid"),
    )


def _temporal(field: Any, strict: str, form: str) -> Recipe | None:
    given = field.format or field.DEFAULT_FORMAT
    cls = getattr(dt, field.OBJ_TYPE)
    parse = field.DESERIALIZATION_FUNCS.get(given)
    if parse != cls.fromisoformat or given not in ("iso", "iso8601"):
        return None
    message = fixed_message(field, "invalid", obj_type=field.OBJ_TYPE)
    if not strict:
        if type(field)._deserialize is not fields.DateTime._deserialize:
            return None
        return Recipe((Step(str, "", "{parse}({v})", cls, may_fail=True),), {"parse": parse}, message=message)
    if strict not in _SHAPES or getattr(field, "timezone", None) is not None:
        return None
    test, shapes, pattern = _SHAPES[strict]
    return Recipe(
        (Step(str, test, "{parse}({v})", cls, may_fail=True),),
        {
            "parse": parse,
            "shapes": shapes,
            "match": formats.compile_pattern(pattern).match,
            "parses": formats.compile_pattern(pattern.replace("Zz", "Z")).match,
        },
        refused="not {match}({v})",
        message=message,
    )


# Where separators stand at every third place, one slice tells the shape; with the length and a successful parse,
# nothing but the RFC 3339 form is left. Fractions have no such shape. The parser takes no small z, and from Python 3.13
# on 24:00 for the next day.
_NO_24 = " and {{v}}{} != '24'" if sys.version_info >= (3, 13) else ""
_IS_DATE = "{shapes}.get({v}[4::3]) == len({v})"
_IS_DATE_TIME = f"({_IS_DATE}{_NO_24.format('[11:13]')} or {{parses}}({{v}}))"
_IS_TIME = f"({{shapes}}.get({{v}}[2::3]) == len({{v}}){_NO_24.format('[:2]')} or {{parses}}({{v}}))"
_SHAPES: dict[str, tuple[str, dict[str, int], str]] = {
    kinds.DATE_TIME.name: (_IS_DATE_TIME, {"--T::Z": 20, "--T::+:": 25, "--T::-:": 25}, formats.DATE_TIME),
    kinds.LOCAL_DATE_TIME.name: (_IS_DATE_TIME, {"--T::": 19}, formats.LOCAL_DATE_TIME),
    kinds.DATE.name: (_IS_DATE, {"--": 10}, formats.DATE),
    kinds.TIME.name: (_IS_TIME, {"::": 8}, formats.TIME),
}


def _enum(field: Any, strict: str, form: str) -> Recipe | None:
    if type(field.enum) is not enum.EnumType or not _loads_by_class(field.field):
        return None
    members = _members_by_value(field) if field.by_value else _members_by_name(field)
    types = {type(key) for key, _ in members}
    if types not in ({str}, {int}) or type(field.field) not in _TAKEN[types == {str}]:
        return None
    (kind,) = types
    return Recipe(
        (Step(kind, "{v} in {members}", "{members}[{v}]", object),),
        {"members": dict(members)},
        refused="{v} not in {members}",
        message=fixed_message(field, "unknown", choices=field.choices_text),
    )


def _members_by_name(field: Any) -> list[tuple[Any, Any]]:
    return [*field.enum.__members__.items()]


def _members_by_value(field: Any) -> list[tuple[Any, Any]]:
    """Return the members with their values; none where the enumeration finds members for other values."""
    finds_others = getattr(field.enum._missing_, "__func__", None) is not _MISSING
    return [] if finds_others else [*field.enum._value2member_map_.items()]


#: How an enumeration finds nothing for what is no value of a member.
_MISSING = vars(enum.Enum)["_missing_"].__func__
#: The fields that leave integers as they are, and texts.
_TAKEN = ((fields.Raw, fields.Integer), (fields.Raw, fields.String))

_Maker = Callable[[Any, str, str], "Recipe | None"]

#: The classes, the methods that must be their own, and the maker.
_MAKERS: tuple[tuple[type, tuple[str, ...], _Maker], ...] = (
    (fields.Enum, ("_deserialize",), _enum),
    (fields.Integer, ("_deserialize", "_validated", "_format_num", "num_type"), _integer),
    (fields.Decimal, ("_deserialize", "_validated", "_format_num", "num_type"), _decimal),
    (fields.Float, ("_deserialize", "_validated", "_format_num", "num_type"), _float),
    (fields.Boolean, ("_deserialize",), _boolean),
    (fields.String, ("_deserialize",), _string),
    (fields.UUID, ("_deserialize", "_validated"), _uuid),
    (fields.NaiveDateTime, ("_deserialize",), _temporal),
    (fields.AwareDateTime, ("_deserialize",), _temporal),
    (fields.DateTime, ("_deserialize",), _temporal),
    (fields.Date, ("_deserialize",), _temporal),
    (fields.Time, ("_deserialize",), _temporal),
    (Field, ("_deserialize",), _raw),
)
