"""What a field accepts: the one table that the loader and the OpenAPI document both read.

A field is judged by the nearest class of its inheritance that the table knows. A field whose ``metadata`` states
its own ``type``, and the fields that take anything (Raw, Method, Function, Constant), are left to their own code.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from marshmallow import fields

from ramekin.schemas import formats
from ramekin.types import Location


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of value, as the document describes it and the loader checks it.

    Attributes:
        name: The name of the kind, unique.
        type: The JSON type, ``None`` for any.
        format: The ``format`` keyword, if one says exactly what is accepted.
        pattern: The ``pattern`` keyword, where no format says it.
    """

    name: str
    type: str | None
    format: str | None = None
    pattern: str | None = None


ANY = Kind("any", None)
INTEGER = Kind("integer", "integer")
NUMBER = Kind("number", "number")
BOOLEAN = Kind("boolean", "boolean")
STRING = Kind("string", "string")
INTEGER_STRING = Kind("integer-string", "string", pattern=formats.INTEGER)
NUMBER_STRING = Kind("number-string", "string", pattern=formats.NUMBER)
DECIMAL_STRING = Kind("decimal-string", "string", pattern=formats.PLAIN_DECIMAL)
DURATION = Kind("duration", "number")
TIMESTAMP = Kind("timestamp", "number")
DATE_TIME = Kind("date-time", "string", "date-time")
LOCAL_DATE_TIME = Kind("local-date-time", "string", pattern=formats.LOCAL_DATE_TIME)
DATE = Kind("date", "string", "date")
TIME = Kind("time", "string", pattern=formats.TIME)
FORMATTED = Kind("formatted", "string")
UUID = Kind("uuid", "string", "uuid")
URI = Kind("uri", "string", "uri")
URI_REFERENCE = Kind("uri-reference", "string", "uri-reference")
EMAIL = Kind("email", "string", "email")
IP = Kind("ip", "string")
IPV4 = Kind("ipv4", "string", "ipv4")
IPV6 = Kind("ipv6", "string", "ipv6")
IP_INTERFACE = Kind("ip-interface", "string")
ENUM = Kind("enum", None)
ARRAY = Kind("array", "array")
OBJECT = Kind("object", "object")


def accepted_kind(field: fields.Field[Any], location: Location = "json", *, coerce: bool = False) -> Kind:
    """Return what kind of value a field accepts at a location.

    Args:
        field: Any marshmallow field, bound or not.
        location: Where the value comes from; files are not judged.
        coerce: Whether marshmallow's own leniency applies, where a field takes whatever can be converted.

    Returns:
        The kind; `ANY` for what is left to the field's own code.
    """
    if coerce or location == "files" or "type" in field.metadata:
        return ANY
    for cls in type(field).__mro__:
        if cls in _KINDS:
            return _KINDS[cls](field)
    return ANY


def _boolean(field: Any) -> Kind:
    custom = field.truthy is not fields.Boolean.truthy or field.falsy is not fields.Boolean.falsy
    return ANY if custom else BOOLEAN


def _date_time(field: Any) -> Kind:
    return _temporal(field, DATE_TIME)


def _naive_date_time(field: Any) -> Kind:
    return _temporal(field, LOCAL_DATE_TIME if field.timezone is None else DATE_TIME)


def _temporal(field: Any, standard: Kind) -> Kind:
    given = field.format or field.DEFAULT_FORMAT
    if given in ("iso", "iso8601"):
        return standard
    return TIMESTAMP if given in ("timestamp", "timestamp_ms") else FORMATTED


def _uri(field: Any) -> Kind:
    return URI_REFERENCE if field.relative else URI


def _nested(field: Any) -> Kind:
    return ARRAY if field.schema.many or field.many else OBJECT


def _pluck(field: Any) -> Kind:
    return ARRAY if field.schema.many or field.many else accepted_kind(field.schema.fields[field.field_name])


def _enum(field: Any) -> Kind:
    return STRING if not field.by_value else ENUM if field.by_value is True else accepted_kind(field.field)


def _always(kind: Kind) -> Callable[[Any], Kind]:
    return lambda field: kind


def _number(plain: Kind, text: Kind) -> Callable[[Any], Kind]:
    return lambda field: text if field.as_string else plain


_KINDS: dict[type, Callable[[Any], Kind]] = {
    fields.Integer: _number(INTEGER, INTEGER_STRING),
    fields.Float: _number(NUMBER, NUMBER_STRING),
    fields.Decimal: _number(NUMBER, DECIMAL_STRING),
    fields.Number: _number(NUMBER, NUMBER_STRING),
    fields.Boolean: _boolean,
    fields.String: _always(STRING),
    fields.Url: _uri,
    fields.Email: _always(EMAIL),
    fields.UUID: _always(UUID),
    fields.NaiveDateTime: _naive_date_time,
    fields.DateTime: _date_time,
    fields.Date: lambda field: _temporal(field, DATE),
    fields.Time: lambda field: _temporal(field, TIME),
    fields.TimeDelta: _always(DURATION),
    fields.IPv4: _always(IPV4),
    fields.IPv6: _always(IPV6),
    fields.IP: _always(IP),
    fields.IPInterface: _always(IP_INTERFACE),
    fields.Enum: _enum,
    fields.List: _always(ARRAY),
    fields.Tuple: _always(ARRAY),
    fields.Mapping: _always(OBJECT),
    fields.Pluck: _pluck,
    fields.Nested: _nested,
}
