"""Validators as keywords of JSON Schema."""

from __future__ import annotations

import datetime
import re
from decimal import Decimal
from typing import Any

import pytest
from marshmallow import Schema, fields, validate
from tests.openapi.conftest import written

from ramekin.openapi.patterns import url_pattern


class Sometimes(validate.Range):
    """A range of one's own that judges otherwise."""

    def __call__(self, value: Any) -> Any:
        return value


class ItemSchema(Schema):
    name = fields.String()


KEYWORDS: list[tuple[fields.Field[Any], dict[str, Any]]] = [
    (fields.String(validate=validate.Length(1, 3)), {"minLength": 1, "maxLength": 3}),
    (fields.String(validate=validate.Length(equal=2)), {"minLength": 2, "maxLength": 2}),
    (
        fields.String(validate=[validate.Length(1, 9), validate.Length(3), validate.Length(max=5)]),
        {"minLength": 3, "maxLength": 5},
    ),
    (fields.List(fields.Raw(), validate=validate.Length(max=3)), {"maxItems": 3}),
    (fields.Nested(ItemSchema(many=True), validate=validate.Length(1)), {"minItems": 1}),
    (fields.Nested(ItemSchema, validate=validate.Length(1)), {}),
    (fields.Dict(validate=validate.Length(1)), {"minProperties": 1}),
    (fields.UUID(validate=validate.Length(1)), {}),
    (fields.Integer(validate=validate.Range(1, 5)), {"minimum": 1, "maximum": 5}),
    (
        fields.Integer(validate=validate.Range(1, 5, min_inclusive=False, max_inclusive=False)),
        {"exclusiveMinimum": 1, "exclusiveMaximum": 5},
    ),
    (
        fields.Integer(validate=[validate.Range(1), validate.Range(1, min_inclusive=False), validate.Range(max=9)]),
        {"exclusiveMinimum": 1, "maximum": 9},
    ),
    (fields.Decimal(validate=validate.Range(Decimal("0.5"), Decimal(10))), {"minimum": 0.5, "maximum": 10}),
    (fields.TimeDelta(validate=validate.Range(datetime.timedelta(seconds=5))), {"minimum": 5.0}),
    (fields.Date(validate=validate.Range(datetime.date(2020, 1, 1))), {}),
    (fields.Float(validate=validate.Range(max=float("inf"))), {}),
    (fields.Integer(validate=Sometimes(1)), {}),
    (
        fields.Integer(validate=validate.And(validate.Range(1), validate.And(validate.Range(max=2)))),
        {"minimum": 1, "maximum": 2},
    ),
    (fields.String(validate=validate.OneOf(["a", "b"], labels=["A", "B"])), {"enum": ["a", "b"]}),
    (fields.Integer(validate=[validate.OneOf([1, 2, 3]), validate.OneOf([2, 3, 4])]), {"enum": [2, 3]}),
    (fields.Date(validate=validate.OneOf([datetime.date(2020, 1, 2)])), {"enum": ["2020-01-02"]}),
    (fields.UUID(validate=validate.OneOf(["x"])), {}),
    (fields.Integer(validate=validate.OneOf(["x"])), {}),
    (fields.String(validate=validate.Equal("a")), {"const": "a"}),
    (fields.Integer(validate=validate.NoneOf([1])), {"not": {"enum": [1]}}),
    (
        fields.List(fields.Integer(), validate=validate.ContainsOnly([1, 2])),
        {"items": {"type": "integer", "enum": [1, 2]}},
    ),
    (fields.String(validate=validate.Regexp("[a-z]")), {"pattern": "^(?:[a-z])"}),
    (
        fields.String(validate=[validate.Regexp("^a"), validate.Regexp("^.b")]),
        {"pattern": "^a", "allOf": [{"pattern": r"^[^\n]b"}]},
    ),
    (fields.String(validate=validate.Regexp("a", re.IGNORECASE)), {}),
    (fields.String(validate=validate.Email()), {"format": "email"}),
    (
        fields.String(validate=validate.URL(schemes=["a"])),
        {"format": "uri", "pattern": url_pattern(validate.URL(schemes=["a"]))},
    ),
    (fields.String(validate=validate.Predicate("isalpha")), {}),
]


@pytest.mark.parametrize(("field", "expected"), KEYWORDS)
def test_validator_becomes_a_keyword(field: fields.Field[Any], expected: dict[str, Any]) -> None:
    """A validator that JSON Schema has a word for stands in the document; any other adds nothing."""
    plain = written(type(field)(*_arguments(field)))
    kept = {name: value for name, value in written(field).items() if plain.get(name) != value}
    assert kept == expected


def _arguments(field: fields.Field[Any]) -> list[Any]:
    return (
        [field.inner] if isinstance(field, fields.List) else [field.nested] if isinstance(field, fields.Nested) else []
    )


def test_exclusive_bounds_are_booleans_in_the_older_version() -> None:
    """In 3.0 an exclusive bound is a bound with a mark."""
    field = fields.Integer(validate=validate.Range(1, 5, min_inclusive=False, max_inclusive=False))
    assert written(field, "3.0") == {
        "type": "integer",
        "minimum": 1,
        "exclusiveMinimum": True,
        "maximum": 5,
        "exclusiveMaximum": True,
    }
