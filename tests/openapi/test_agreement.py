"""The documented type is what is accepted: the schema and the loader judge every value alike."""

from __future__ import annotations

import enum
from typing import Any, Literal

import pytest
from apispec import APISpec
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker
from marshmallow import EXCLUDE, INCLUDE, Schema, ValidationError, fields, validate
from openapi_schema_validator import OAS30Validator

from ramekin.openapi.components import Components
from ramekin.openapi.converter import Mode
from ramekin.openapi.lowering import lower_schema
from ramekin.schemas import compile_loader

FORMATS = FormatChecker()


class Color(enum.Enum):
    RED = 1
    BLUE = "b"


class InSchema(Schema):
    a = fields.Integer(required=True)
    b = fields.String(load_only=True)
    c = fields.String(dump_only=True)


class TreeSchema(Schema):
    name = fields.String(required=True)
    kids = fields.List(fields.Nested(lambda: TreeSchema(only=None)))
    above = fields.Nested(lambda: TreeSchema(only=("name",)), allow_none=True)


FIELDS: list[fields.Field[Any]] = [
    fields.Integer(),
    fields.Integer(allow_none=True),
    fields.Integer(as_string=True),
    fields.Integer(validate=validate.Range(1, 5, min_inclusive=False)),
    fields.Integer(validate=validate.And(validate.Range(min=2), validate.Range(max=4))),
    fields.Integer(validate=validate.Equal(3), allow_none=True),
    fields.Integer(validate=validate.NoneOf([1, 2])),
    fields.Integer(validate=validate.OneOf([1, 2])),
    fields.Float(),
    fields.Decimal(),
    fields.Decimal(as_string=True),
    fields.Boolean(),
    fields.Boolean(allow_none=True),
    fields.String(),
    fields.String(validate=[validate.Length(1, 3), validate.Length(max=2)]),
    fields.String(validate=validate.Regexp("[a-c]+|x")),
    fields.String(validate=validate.Regexp(r"^[a-z]+$")),
    fields.String(validate=validate.Regexp(r"^\d+$")),
    fields.String(validate=validate.Regexp(r"^a.")),
    fields.String(validate=validate.OneOf("ab")),
    fields.String(validate=validate.OneOf(["a", "b"]), allow_none=True),
    fields.Date(),
    fields.DateTime(),
    fields.NaiveDateTime(),
    fields.AwareDateTime(),
    fields.Time(),
    fields.DateTime(format="timestamp"),
    fields.UUID(),
    fields.IP(),
    fields.IP(allow_none=True),
    fields.IPv4(),
    fields.IPv6(),
    fields.TimeDelta(),
    fields.Raw(),
    fields.Raw(allow_none=True),
    fields.Constant(5),
    fields.Enum(Color),
    fields.Enum(Color, by_value=True),
    fields.Enum(Color, by_value=True, allow_none=True),
    fields.List(fields.Integer()),
    fields.List(fields.String(), validate=validate.Length(1, 2)),
    fields.List(fields.Integer(), validate=validate.ContainsOnly([1, 2])),
    fields.Tuple([fields.Integer(), fields.String()]),
    fields.Dict(),
    fields.Dict(keys=fields.Integer(), values=fields.Integer()),
    fields.Dict(validate=validate.Length(1)),
    fields.Nested(InSchema),
    fields.Nested(InSchema, allow_none=True),
    fields.Nested(InSchema, many=True),
    fields.Nested(InSchema, unknown=INCLUDE),
    fields.Nested(InSchema, unknown=EXCLUDE),
    fields.Pluck(InSchema, "a"),
    fields.Pluck(InSchema, "a", many=True),
    fields.Nested(TreeSchema),
]

SAMPLES: list[Any] = [
    *(None, True, False, 0, 1, 2, 3, 5, -1, 1.0, 1.5, 3.0, 10**30),
    *("", "a", "b", "x", "ax", "abc", "ab", "a\u2028", "\u0661", "1", "-1", "1.5", "01", "RED"),
    *("2020-01-02", "2020-13-02", "2020-01-02T03:04:05Z", "2020-01-02T03:04:05", "2020-01-02T03:04:05.123+01:00"),
    *("03:04:05", "03:04", "12345678-1234-5678-1234-567812345678", "{12345678-1234-5678-1234-567812345678}"),
    *("127.0.0.1", "127.0.0.256", "::1", "fe80::1%1"),
    *([], [1], [1, 2], [1, "a"], ["a"], ["a", "b", "c"], [3], [None], [[1]], [{"a": 1}]),
    *({}, {"a": 1}, {"a": "1"}, {"a": 1, "c": "x"}, {"a": 1, "z": 2}, {"1": 2}, {"x": 2}, {"1": "a"}),
    *({"name": "n"}, {"name": "n", "kids": [{"name": "k"}], "above": None}, {"name": "n", "kids": [None]}),
    *({"name": "n", "above": {"name": "p"}}, {"name": "n", "above": {"name": "p", "kids": []}}),
]
#: A JSON Schema has no word for how long a timedelta may be.
UNSAID = [(fields.TimeDelta, 10**30)]

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-10, 10)
    | st.sampled_from([1.5, 2.0])
    | st.sampled_from(["a", "x", "1", "RED"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "b", "c", "name", "kids", "1"]), inner, max_size=3)
    ),
    max_leaves=5,
)


def make_validator(field: fields.Field[Any], version: Literal["3.1", "3.0"] = "3.1") -> Any:
    """Return a validator of the schema that is documented for a field of a JSON body."""
    spec = APISpec("Test", "1", "3.1.0")
    lower = lower_schema if version == "3.0" else lambda schema: schema
    components = Components(spec, lower)
    reserved = components.converter(Mode("write")).convert_field(field)
    components.settle(reserved)
    schema = {**lower(components.resolve(reserved)), "components": {"schemas": spec.components.schemas}}
    cls: Any = Draft202012Validator if version == "3.1" else OAS30Validator
    return cls(schema, format_checker=FORMATS)


def bind(field: fields.Field[Any]) -> fields.Field[Any]:
    """Return the field as a schema binds it."""
    return Schema.from_dict({"value": field}, name="HolderSchema")().fields["value"]


def is_loaded(field: fields.Field[Any], value: Any) -> bool:
    """Tell whether the loader of a JSON body takes a value of the field."""
    load = compile_loader(Schema.from_dict({"value": field}, name="HolderSchema")(), "json")
    try:
        load({"value": value})
    except ValidationError:
        return False
    return True


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: type(field).__name__)
def test_schema_and_loader_agree_on_samples(field: fields.Field[Any]) -> None:
    """Of values of every kind, the documented schema takes those that are accepted and no others."""
    validator = make_validator(bind(field))
    samples = [value for value in SAMPLES if (type(field), value) not in UNSAID]
    wrong = [value for value in samples if validator.is_valid(value) is not is_loaded(field, value)]
    assert wrong == []


@settings(max_examples=200)
@given(st.sampled_from(FIELDS), VALUES)
def test_schema_and_loader_agree(field: fields.Field[Any], value: Any) -> None:
    """Whatever the value, the documented schema and the loader judge it alike."""
    assert make_validator(bind(field)).is_valid(value) is is_loaded(field, value)


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: type(field).__name__)
def test_older_schema_takes_what_is_accepted(field: fields.Field[Any]) -> None:
    """The schema of 3.0 says less, but refuses nothing that is accepted but integers written with a fraction."""
    validator = make_validator(bind(field), "3.0")
    samples = [value for value in SAMPLES if not isinstance(value, float) and is_loaded(field, value)]
    assert [value for value in samples if not validator.is_valid(value)] == []
