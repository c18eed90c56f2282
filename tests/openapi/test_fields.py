"""Each field of marshmallow's in the document."""

from __future__ import annotations

import datetime
import enum
from typing import Any

import pytest
from marshmallow import Schema, fields, validate
from tests.openapi.conftest import components_of, written

from ramekin.openapi.patterns import url_pattern


class Color(enum.Enum):
    RED = 1
    BLUE = "b"


class Size(enum.Enum):
    SMALL = 1
    LARGE = 2


class Strange(enum.Enum):
    OBJECT = object()


class PointSchema(Schema):
    x = fields.Integer(required=True)


INTEGER = {"type": "integer"}
ANYTHING = {"not": {"type": "null"}}
POINT = {"$ref": "#/components/schemas/PointInput"}

FIELDS: list[tuple[fields.Field[Any], dict[str, Any]]] = [
    (fields.Integer(), INTEGER),
    (fields.Integer(as_string=True), {"type": "string", "pattern": "^-?[0-9]+$"}),
    (fields.Float(), {"type": "number"}),
    (fields.Decimal(), {"type": "number"}),
    (fields.Decimal(as_string=True), {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?$"}),
    (fields.Boolean(), {"type": "boolean"}),
    (fields.Boolean(truthy={"yes"}, falsy={"no"}), ANYTHING),
    (fields.String(), {"type": "string"}),
    (fields.UUID(), {"type": "string", "format": "uuid"}),
    (fields.Email(), {"type": "string", "format": "email"}),
    (fields.Url(), {"type": "string", "format": "uri", "pattern": url_pattern(validate.URL())}),
    (fields.Url(relative=True), {"type": "string", "format": "uri-reference"}),
    (
        fields.Url(schemes=["git+SSH"]),
        {"type": "string", "format": "uri", "pattern": url_pattern(validate.URL(schemes=["git+ssh"]))},
    ),
    (fields.Date(), {"type": "string", "format": "date"}),
    (fields.Date(format="%d.%m.%Y"), {"type": "string"}),
    (fields.DateTime(), {"type": "string", "format": "date-time"}),
    (fields.AwareDateTime(), {"type": "string", "format": "date-time"}),
    (fields.DateTime(format="rfc"), {"type": "string"}),
    (fields.DateTime(format="timestamp"), {"type": "number", "minimum": 0, "exclusiveMaximum": 253402300800}),
    (fields.TimeDelta(), {"type": "number"}),
    (fields.IP(), {"type": "string", "anyOf": [{"format": "ipv4"}, {"format": "ipv6"}]}),
    (fields.IPv4(), {"type": "string", "format": "ipv4"}),
    (fields.IPv6(), {"type": "string", "format": "ipv6"}),
    (fields.IPInterface(), {"type": "string"}),
    (fields.Enum(Color), {"type": "string", "enum": ["RED", "BLUE"]}),
    (fields.Enum(Color, by_value=True), {"enum": [1, "b"]}),
    (fields.Enum(Size, by_value=True), {"type": "integer", "enum": [1, 2]}),
    (fields.Enum(Size, by_value=fields.Integer()), {"type": "integer", "enum": [1, 2]}),
    (fields.Enum(Strange, by_value=True), {}),
    (fields.List(fields.Integer()), {"type": "array", "items": INTEGER}),
    (
        fields.Tuple([fields.Integer(), fields.String()]),
        {"type": "array", "prefixItems": [INTEGER, {"type": "string"}], "items": {}, "minItems": 2, "maxItems": 2},
    ),
    (fields.Dict(), {"type": "object"}),
    (fields.Dict(values=fields.Integer()), {"type": "object", "additionalProperties": INTEGER}),
    (fields.Dict(keys=fields.Integer()), {"type": "object", "propertyNames": {"pattern": "^-?[0-9]+$"}}),
    (
        fields.Dict(keys=fields.Float()),
        {"type": "object", "propertyNames": {"pattern": r"^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$"}},
    ),
    (fields.Dict(keys=fields.Boolean()), {"type": "object", "propertyNames": {"enum": ["true", "false"]}}),
    (fields.Dict(keys=fields.UUID()), {"type": "object", "propertyNames": {"format": "uuid"}}),
    (fields.Nested(PointSchema), POINT),
    (fields.Nested(PointSchema, many=True), {"type": "array", "items": POINT}),
    (fields.Pluck(PointSchema, "x"), INTEGER),
    (fields.Pluck(PointSchema, "x", many=True), {"type": "array", "items": INTEGER}),
    (fields.Raw(), ANYTHING),
    (fields.Raw(allow_none=True), {}),
    (fields.Method(deserialize="load"), ANYTHING),
]


@pytest.mark.parametrize(("field", "expected"), FIELDS)
def test_field_has_the_type_that_is_accepted(field: fields.Field[Any], expected: dict[str, Any]) -> None:
    """The document says of a field what the loader takes."""
    assert written(field) == expected


def test_subclass_is_documented_as_what_it_derives_from() -> None:
    """A field of one's own is documented as the nearest class that is known."""

    class Isbn(fields.String):
        pass

    assert written(Isbn()) == {"type": "string"}


def test_metadata_type_replaces_the_type() -> None:
    """A field that states its own type is documented so, with nothing left of the type of its class."""
    field = fields.UUID(metadata={"type": "string", "pattern": "^[a-z]+$"})
    assert written(field) == {"type": "string", "pattern": "^[a-z]+$"}


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        (fields.Constant(5), {"const": 5}),
        (fields.Function(lambda book: 1), {}),
        (fields.Boolean(truthy={"yes"}, falsy={"no"}), {"type": "boolean"}),
        (fields.Raw(), {}),
    ],
)
def test_dumped_field_has_the_type_that_is_dumped(field: fields.Field[Any], expected: dict[str, Any]) -> None:
    """What clients get is documented as it is dumped."""
    assert written(field, read=True) == expected


def test_enum_is_narrowed_by_its_validators() -> None:
    """Of the members of an enum, those stand in the document that a validator lets through."""
    field = fields.Enum(Color, validate=validate.OneOf([Color.RED]))
    assert written(field) == {"type": "string", "enum": ["RED"]}


def test_constant_takes_anything_and_stands_in_for_it() -> None:
    """A Constant ignores what is sent, so anything but null may be."""
    assert written(fields.Constant(5)) == {**ANYTHING, "default": 5}


def test_coerced_field_takes_more_than_its_type() -> None:
    """With coerce=True, texts stay texts and anything may stand for a number."""
    members: dict[str, fields.Field[Any]] = {
        "a": fields.String(),
        "b": fields.Integer(validate=validate.Range(min=1)),
        "c": fields.Enum(Size, by_value=fields.Integer()),
        "d": fields.List(fields.UUID()),
    }
    component = components_of(writes=[Schema.from_dict(members, name="A")], coerce=True)["ACoercedInput"]
    items = {"type": "array", "items": ANYTHING}
    assert component["properties"] == {"a": {"type": "string"}, "b": ANYTHING, "c": ANYTHING, "d": items}


NULLABLE: list[tuple[fields.Field[Any], dict[str, Any], dict[str, Any]]] = [
    (fields.Integer(allow_none=True), {"type": ["integer", "null"]}, {"type": "integer", "nullable": True}),
    (
        fields.Enum(Color, allow_none=True),
        {"type": ["string", "null"], "enum": ["RED", "BLUE", None]},
        {"type": "string", "nullable": True, "enum": ["RED", "BLUE", None]},
    ),
    (
        fields.Integer(allow_none=True, validate=validate.Equal(1)),
        {"type": ["integer", "null"], "enum": [1, None]},
        {"type": "integer", "nullable": True, "enum": [1, None]},
    ),
    (
        fields.Nested(PointSchema, allow_none=True),
        {"anyOf": [POINT, {"type": "null"}]},
        {"anyOf": [POINT, {"type": "object", "nullable": True, "enum": [None]}]},
    ),
    (
        fields.List(fields.Integer(), allow_none=True),
        {"type": ["array", "null"], "items": INTEGER},
        {"type": "array", "nullable": True, "items": INTEGER},
    ),
    (
        fields.IP(allow_none=True),
        {"type": ["string", "null"], "anyOf": [{"format": "ipv4"}, {"format": "ipv6"}]},
        {"type": "string", "nullable": True, "anyOf": [{"format": "ipv4"}, {"format": "ipv6"}]},
    ),
]


@pytest.mark.parametrize(("field", "newer", "older"), NULLABLE)
def test_null_is_documented_where_it_is_taken(
    field: fields.Field[Any], newer: dict[str, Any], older: dict[str, Any]
) -> None:
    """A field that takes null says so, in the words of each version."""
    assert (written(field), written(field, "3.0")) == (newer, older)


def test_default_is_written_as_it_would_be_sent() -> None:
    """A default stands in the document in the form of the wire, for input alone."""
    field = fields.Date(load_default=datetime.date(2020, 1, 2))
    assert written(field)["default"] == "2020-01-02"
    assert "default" not in written(field, read=True)


def test_default_that_cannot_be_written_is_left_out() -> None:
    """A default without a form in JSON is left out."""
    assert "default" not in written(fields.Raw(load_default=object()))


def test_default_that_is_made_anew_is_left_out() -> None:
    """A callable default is nothing that a document can state."""
    assert "default" not in written(fields.List(fields.Integer(), load_default=list))


def test_null_as_a_default_is_stated() -> None:
    """A default of null stands in the document, for marshmallow lets null be sent too."""
    assert written(fields.Integer(load_default=None)) == {"type": ["integer", "null"], "default": None}


def test_metadata_goes_into_the_document() -> None:
    """Metadata named as in JSON Schema or OpenAPI, and members named x-…, go in; others do not."""
    metadata = {"description": "D.", "deprecated": True, "x-unit": "kg", "optional": True, "explode": False, "mine": 1}
    assert written(fields.Integer(metadata=metadata)) == {
        "type": "integer",
        "description": "D.",
        "deprecated": True,
        "x-unit": "kg",
    }


def test_example_is_written_in_the_words_of_each_version() -> None:
    """One example becomes a list in 3.1; the first of a list is the example of 3.0."""
    one, several = fields.Integer(metadata={"example": 3}), fields.Integer(metadata={"examples": (3, 4)})
    assert written(one) == {"type": "integer", "examples": [3]}
    assert written(several)["examples"] == [3, 4]
    assert written(one, "3.0") == written(several, "3.0") == {"type": "integer", "example": 3}


def test_values_that_are_barred_are_barred_beside_null() -> None:
    """A field that takes anything but null and some values says both."""
    field = fields.Raw(validate=validate.NoneOf([1]))
    assert written(field) == {"not": {"anyOf": [{"type": "null"}, {"enum": [1]}]}}


def test_several_types_in_the_older_version() -> None:
    """Types that metadata lists are alternatives in 3.0, null among them where it is one."""
    field = fields.Raw(metadata={"type": ["string", "integer", "null"]})
    assert written(field, "3.0") == {
        "anyOf": [{"type": "string", "nullable": True}, {"type": "integer", "nullable": True}]
    }


def test_nested_field_keeps_its_description_beside_its_reference() -> None:
    """A reference with a description stands alone in 3.1 and inside allOf in 3.0, which ignores what is beside it."""
    field = fields.Nested(PointSchema, metadata={"description": "D."})
    assert written(field) == {**POINT, "description": "D."}
    assert written(field, "3.0") == {"allOf": [POINT], "description": "D."}


def test_tuple_and_constants_in_the_older_version() -> None:
    """What 3.0 cannot say of tuples, keys and constants is said as far as it can."""
    assert written(fields.Tuple([fields.Integer(), fields.Boolean()]), "3.0") == {
        "type": "array",
        "items": {"anyOf": [INTEGER, {"type": "boolean"}]},
        "minItems": 2,
        "maxItems": 2,
    }
    assert written(fields.Integer(validate=validate.Equal(1)), "3.0") == {"type": "integer", "enum": [1]}
    assert written(fields.Dict(keys=fields.UUID()), "3.0") == {"type": "object"}
    assert written(fields.Raw(), "3.0") == {"not": {"type": "object", "nullable": True, "enum": [None]}}
