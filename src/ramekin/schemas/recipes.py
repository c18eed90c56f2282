"""How the values of marshmallow's own fields are loaded inline.

A recipe says, for a field whose loading methods are marshmallow's, which values can be loaded by a plain expression
and which are refused by a fixed message. Whatever a recipe does not cover, the field itself deserializes.
"""

from __future__ import annotations

import datetime as dt
import sys
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from marshmallow import fields
from marshmallow.fields import Field

from ramekin.schemas import formats, kinds
from ramekin.schemas.strictness import JudgedValue

#: Types that JSON gives, and None of which is another's subclass by chance.
_JSON_TYPES = frozenset({str, int, float, bool, list, dict})

#: Most digits of an integer in text that is read inline.
_INLINE_DIGITS = 18


@dataclass(frozen=True, slots=True)
class Step:
    """One way to load a value inline.

    Attributes:
        condition: When it applies: an expression over ``{v}``.
        result: The loaded value: an expression over ``{v}``.
        value_type: The exact type of the result, for its validators.
        may_fail: Whether the result may raise ValueError; then the value is bad, or the field itself decides.
    """

    condition: str
    result: str
    value_type: type
    may_fail: bool = False


@dataclass(frozen=True, slots=True)
class Recipe:
    """How one field's values are loaded.

    Attributes:
        steps: The ways, in order.
        constants: What their expressions name, besides ``{v}``.
        refused: An expression over ``{v}``, true for values that are surely refused.
        message: What is said then, or None where only the field can say it.
    """

    steps: tuple[Step, ...]
    constants: dict[str, Any] = field(default_factory=dict)
    refused: str = "False"
    message: Any = None


def find_recipe(field: Field[Any]) -> Recipe | None:
    """Return the recipe of a field, None for one that only marshmallow can load."""
    if not loads_plainly(field):
        return None
    own = field.__dict__.get("_deserialize")
    if own is not None and type(own) is not JudgedValue:
        return None
    strict = own.kind.name if own is not None else ""
    form = own.form if own is not None else "free"
    if own is not None and own.number_digits < _INLINE_DIGITS:
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
        (Step("type({v}) is str", "{v}", str),),
        {"others": _JSON_TYPES - {str}},
        "type({v}) in {others}",
        fixed_message(field, "invalid"),
    )


def _integer(field: Any, strict: str, form: str) -> Recipe | None:
    if strict not in ("", kinds.INTEGER.name):
        return None
    message = fixed_message(field, "invalid")
    if form == "text":
        condition = "type({v}) is str and {v}.isdecimal() and {v}.isascii() and len({v}) <= {digits}"
        return Recipe((Step(condition, "int({v})", int),), {"digits": _INLINE_DIGITS}, message=message)
    whole = Step("type({v}) is int", "{v}", int)
    if form == "json":
        others = _JSON_TYPES - {int, float}
        return Recipe((whole,), {"others": others}, "type({v}) in {others}", message)
    return Recipe((whole,), {"others": frozenset({bool, list, dict})}, "type({v}) in {others}", message)


def _float(field: Any, strict: str, form: str) -> Recipe | None:
    if strict not in ("", kinds.NUMBER.name) or form == "text":
        return None
    others = _JSON_TYPES - {int, float} if form == "json" else frozenset({bool, list, dict})
    return Recipe(
        (
            # Infinity less itself is no number, and nor is what is none.
            Step("type({v}) is float and {v} - {v} == 0.0", "{v}", float),
            Step("type({v}) is int and -9007199254740992 < {v} < 9007199254740992", "float({v})", float),
        ),
        {"others": others},
        "type({v}) in {others}",
        fixed_message(field, "invalid"),
    )


def _boolean(field: Any, strict: str, form: str) -> Recipe | None:
    if field.truthy is not fields.Boolean.truthy or field.falsy is not fields.Boolean.falsy or 1 in field.falsy:
        return None
    if 1 not in field.truthy or 0 not in field.falsy or 0 in field.truthy:
        return None
    message = fixed_message(field, "invalid")
    if form == "text":
        return Recipe((Step("{v} == 'true' or {v} == 'false'", "{v} == 'true'", bool),), message=message)
    others = _JSON_TYPES - {bool} if form == "json" else frozenset({list, dict})
    return Recipe(
        (Step("{v} is True or {v} is False", "{v}", bool),), {"others": others}, "type({v}) in {others}", message
    )


def _raw(field: Any, strict: str, form: str) -> Recipe:
    return Recipe((Step("{v} is not None", "{v}", object),))


def _uuid(field: Any, strict: str, form: str) -> Recipe | None:
    if strict != kinds.UUID.name:
        return None
    match = formats.compile_pattern(formats.UUID).match
    return Recipe(
        (Step("type({v}) is str and {match}({v})", "{make}({v})", uuid.UUID),),
        {"match": match, "make": uuid.UUID, "others": _JSON_TYPES - {list, dict}},
        "type({v}) in {others}",
        fixed_message(field, "invalid_uuid"),
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
        return Recipe(
            (Step("type({v}) is str", "{parse}({v})", cls, may_fail=True),), {"parse": parse}, "False", message
        )
    if strict not in _SHAPES or getattr(field, "timezone", None) is not None:
        return None
    condition, shapes, pattern = _SHAPES[strict]
    return Recipe(
        (Step(condition, "{parse}({v})", cls, may_fail=True),),
        {"parse": parse, "shapes": shapes, "match": formats.compile_pattern(pattern).match},
        "type({v}) is str and not {match}({v})",
        message,
    )


# Where separators stand at every third place, one slice tells the shape; with the length and a successful parse,
# nothing but the RFC 3339 form is left. From Python 3.13 on the parser takes 24:00 for the next day.
_NO_24 = " and {v}[11:13] != '24'" if sys.version_info >= (3, 13) else ""
_SHAPED = "type({v}) is str and {shapes}.get({v}[4::3]) == len({v})" + _NO_24
_SHAPES: dict[str, tuple[str, dict[str, int], str]] = {
    kinds.DATE_TIME.name: (_SHAPED, {"--T::Z": 20, "--T::+:": 25, "--T::-:": 25}, formats.DATE_TIME),
    kinds.LOCAL_DATE_TIME.name: (_SHAPED, {"--T::": 19}, formats.LOCAL_DATE_TIME),
    kinds.DATE.name: ("type({v}) is str and {shapes}.get({v}[4::3]) == len({v})", {"--": 10}, formats.DATE),
}


def _enum(field: Any, strict: str, form: str) -> Recipe | None:
    if field.by_value or type(field.field) is not fields.String or not _is_by_name(field):
        return None
    members = dict(field.enum.__members__)
    choices = field.choices_text
    message = fixed_message(field, "unknown", choices=choices)
    return Recipe(
        (Step("type({v}) is str and {v} in {members}", "{members}[{v}]", object),),
        {"members": members},
        "type({v}) is str and {v} not in {members}",
        message,
    )


def _is_by_name(field: Any) -> bool:
    import enum

    own = field.field.__dict__.get("_deserialize")
    return type(field.enum) is enum.EnumType and (own is None or type(own) is JudgedValue)


_Maker = Callable[[Any, str, str], "Recipe | None"]

#: The classes, the methods that must be their own, and the maker.
_MAKERS: tuple[tuple[type, tuple[str, ...], _Maker], ...] = (
    (fields.Enum, ("_deserialize",), _enum),
    (fields.Integer, ("_deserialize", "_validated", "_format_num", "num_type"), _integer),
    (fields.Float, ("_deserialize", "_validated", "_format_num", "num_type"), _float),
    (fields.Boolean, ("_deserialize",), _boolean),
    (fields.String, ("_deserialize",), _string),
    (fields.UUID, ("_deserialize", "_validated"), _uuid),
    (fields.NaiveDateTime, ("_deserialize",), _temporal),
    (fields.AwareDateTime, ("_deserialize",), _temporal),
    (fields.DateTime, ("_deserialize",), _temporal),
    (fields.Date, ("_deserialize",), _temporal),
    (Field, ("_deserialize",), _raw),
)
