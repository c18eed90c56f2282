"""The judges: for a kind of value and a form of input, what is accepted and how it reaches marshmallow.

A judge takes a value and returns what marshmallow shall deserialize, or raises the field's own message for a
value of the wrong form. It refuses only what can stand on the wire; what a hook has made of a value is left to
marshmallow. Every judge follows one `Kind`, so the document says the same.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Literal

from marshmallow import ValidationError
from marshmallow.fields import Field

from ramekin.schemas import formats, kinds

#: The form of input: JSON values, text (query, headers, cookies, form fields), or not judged at all.
Form = Literal["json", "text", "free"]

#: Most digits of one number in text, unless said otherwise.
NUMBER_DIGITS = 64

Judge = Callable[[Any], Any]
Refuse = Callable[[Any], ValidationError]

#: Beyond these powers of ten a Decimal is refused: written out in full, it would fill the memory.
_DECIMAL_MAGNITUDE = 400

_TEXT_FORMS = {
    kind.name: formats.compile_pattern(pattern)
    for kind, pattern in (
        (kinds.DATE, formats.DATE),
        (kinds.DATE_TIME, formats.DATE_TIME),
        (kinds.LOCAL_DATE_TIME, formats.LOCAL_DATE_TIME),
        (kinds.TIME, formats.TIME),
        (kinds.UUID, formats.UUID),
    )
}
_UPPER_CASED = {kinds.DATE_TIME.name, kinds.LOCAL_DATE_TIME.name, kinds.TIME.name}
_NUMBER_FORMS = {
    kinds.INTEGER_STRING.name: formats.compile_pattern(formats.INTEGER),
    kinds.DECIMAL_STRING.name: formats.compile_pattern(formats.PLAIN_DECIMAL),
    kinds.NUMBER_STRING.name: formats.compile_pattern(formats.NUMBER),
}
_NUMBERS = {kinds.NUMBER.name, kinds.DURATION.name, kinds.TIMESTAMP.name}
_ADDRESSES = {kinds.IP.name, kinds.IPV4.name, kinds.IPV6.name, kinds.IP_INTERFACE.name}
_STRINGS = {kinds.STRING.name, kinds.URI.name, kinds.URI_REFERENCE.name, kinds.EMAIL.name, kinds.FORMATTED.name}
_TEXT = (str, bytes, bytearray)


def make_judge(kind: kinds.Kind, form: Form, refuse: Refuse, *, number_digits: int = NUMBER_DIGITS) -> Judge | None:
    """Return the judge of a kind, or None where marshmallow judges exactly as the document says."""
    name = kind.name
    if name == kinds.INTEGER.name:
        return _whole_number(refuse) if form == "json" else _written_integer(refuse, number_digits)
    if name in _NUMBERS:
        return _any_number(refuse) if form == "json" else _written_number(refuse, number_digits)
    if name == kinds.BOOLEAN.name:
        return _boolean(refuse) if form == "json" else _written_boolean(refuse)
    if name in _NUMBER_FORMS:
        return _number_string(refuse, name, number_digits)
    if name in _TEXT_FORMS:
        return _text_form(refuse, name)
    if name in _ADDRESSES:
        return _address(refuse)
    return _string(refuse) if name in _STRINGS else None


def refusal(field: Field[Any]) -> Refuse:
    """Return what makes the field's own message for a value of the wrong form."""
    keys = [
        key for key in field.error_messages if key.startswith("invalid_") and key[8:] in ("uuid", "ip", "ip_interface")
    ]
    known = [key for key in (*keys, "invalid", "format", "validator_failed") if key in field.error_messages]
    obj_type = getattr(field, "OBJ_TYPE", "value")

    def refuse(value: Any) -> ValidationError:
        return field.make_error(known[0], input=value, obj_type=obj_type)

    return refuse


def _whole_number(refuse: Refuse) -> Judge:
    def judge(value: Any) -> Any:
        cls = type(value)
        if cls is int:
            return value
        if cls is float:
            if value.is_integer():
                return int(value)
            raise refuse(value)
        if isinstance(value, (bool, *_TEXT)):
            raise refuse(value)
        return value

    return judge


def _any_number(refuse: Refuse) -> Judge:
    def judge(value: Any) -> Any:
        if isinstance(value, (bool, *_TEXT)):
            raise refuse(value)
        return value

    return judge


def _boolean(refuse: Refuse) -> Judge:
    def judge(value: Any) -> Any:
        if value is True or value is False:
            return value
        raise refuse(value)

    return judge


def _string(refuse: Refuse) -> Judge:
    def judge(value: Any) -> Any:
        if isinstance(value, str):
            return value
        raise refuse(value)

    return judge


def _written_integer(refuse: Refuse, number_digits: int) -> Judge:
    match = _NUMBER_FORMS[kinds.INTEGER_STRING.name].match

    def judge(value: Any) -> Any:
        if isinstance(value, str):
            if len(value) <= number_digits + 1 and match(value) and len(value.removeprefix("-")) <= number_digits:
                return int(value)
            raise refuse(value)
        if isinstance(value, (bool, bytes, bytearray)):
            raise refuse(value)
        return value

    return judge


def _written_number(refuse: Refuse, number_digits: int) -> Judge:
    match = _NUMBER_FORMS[kinds.NUMBER_STRING.name].match

    def judge(value: Any) -> Any:
        if isinstance(value, str):
            if match(value) and is_moderate(value, number_digits):
                return value
            raise refuse(value)
        if isinstance(value, (bool, bytes, bytearray)):
            raise refuse(value)
        return value

    return judge


def _number_string(refuse: Refuse, name: str, number_digits: int) -> Judge:
    match = _NUMBER_FORMS[name].match

    def judge(value: Any) -> Any:
        if isinstance(value, (str, bool, int, float, bytes, bytearray)):
            if isinstance(value, str) and match(value) and is_moderate(value, number_digits):
                return int(value) if name == kinds.INTEGER_STRING.name else value
            raise refuse(value)
        return value

    return judge


def _written_boolean(refuse: Refuse) -> Judge:
    def judge(value: Any) -> Any:
        if value == "true" or value is True:
            return True
        if value == "false" or value is False:
            return False
        raise refuse(value)

    return judge


def _text_form(refuse: Refuse, name: str) -> Judge:
    match = _TEXT_FORMS[name].match
    upper_cased = name in _UPPER_CASED

    def judge(value: Any) -> Any:
        if isinstance(value, str):
            if match(value):
                return value.upper() if upper_cased else value
            raise refuse(value)
        if isinstance(value, (bool, int, float, bytes, bytearray)):
            raise refuse(value)
        return value

    return judge


def _address(refuse: Refuse) -> Judge:
    def judge(value: Any) -> Any:
        if isinstance(value, (bool, int, float, bytes, bytearray)) or (isinstance(value, str) and "%" in value):
            raise refuse(value)
        return value

    return judge


def is_moderate(text: str, number_digits: int) -> bool:
    """Tell whether a written number is within the digits, and within what a double can hold."""
    if len(text) > number_digits and formats.count_digits(text) > number_digits:
        return False
    if "e" not in text and "E" not in text:
        return True
    number = Decimal(text)
    return math.isfinite(float(number)) and abs(number.adjusted()) <= _DECIMAL_MAGNITUDE
