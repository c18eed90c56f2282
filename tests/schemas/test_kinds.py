"""The table of kinds, which the loader and the document both read."""

from __future__ import annotations

import datetime as dt
import enum
from typing import Any

import pytest
from marshmallow import Schema, fields

from ramekin.schemas import accepted_kind


class Size(enum.Enum):
    SMALL = 1


class Trimmed(fields.String):
    pass


Part = Schema.from_dict({"size": fields.Integer()})


@pytest.mark.parametrize(
    ("field", "name"),
    [
        (fields.Integer(), "integer"),
        (fields.Integer(as_string=True), "integer-string"),
        (fields.Float(), "number"),
        (fields.Float(as_string=True), "number-string"),
        (fields.Decimal(), "number"),
        (fields.Decimal(as_string=True), "decimal-string"),
        (fields.Boolean(), "boolean"),
        (fields.Boolean(truthy={"ja"}), "any"),
        (fields.String(), "string"),
        (Trimmed(), "string"),
        (fields.Url(), "uri"),
        (fields.Url(relative=True), "uri-reference"),
        (fields.Email(), "email"),
        (fields.UUID(), "uuid"),
        (fields.DateTime(), "date-time"),
        (fields.AwareDateTime(), "date-time"),
        (fields.NaiveDateTime(), "local-date-time"),
        (fields.NaiveDateTime(timezone=dt.UTC), "date-time"),
        (fields.DateTime(format="timestamp"), "timestamp"),
        (fields.DateTime(format="rfc"), "formatted"),
        (fields.Date(), "date"),
        (fields.Date(format="%d"), "formatted"),
        (fields.Time(), "time"),
        (fields.TimeDelta(), "duration"),
        (fields.IP(), "ip"),
        (fields.IPv4(), "ipv4"),
        (fields.IPv6(), "ipv6"),
        (fields.IPv6Interface(), "ip-interface"),
        (fields.Enum(Size), "string"),
        (fields.Enum(Size, by_value=True), "enum"),
        (fields.Enum(Size, by_value=fields.Integer), "integer"),
        (fields.List(fields.String()), "array"),
        (fields.Tuple((fields.String(),)), "array"),
        (fields.Dict(), "object"),
        (fields.Nested(Part), "object"),
        (fields.Nested(Part, many=True), "array"),
        (fields.Pluck(Part, "size"), "integer"),
        (fields.Pluck(Part, "size", many=True), "array"),
        (fields.Raw(), "any"),
        (fields.Function(deserialize=str), "any"),
        (fields.Integer(metadata={"type": "string"}), "any"),
    ],
)
def test_a_field_has_its_kind(field: fields.Field[Any], name: str) -> None:
    """Each field is of one kind, that of its nearest known class."""
    assert accepted_kind(field).name == name


def test_nothing_is_promised_for_files_and_coerced_values() -> None:
    """Files, and values under coerce, are of any kind."""
    assert accepted_kind(fields.Integer(), "files").name == "any"
    assert accepted_kind(fields.Integer(), coerce=True).name == "any"
