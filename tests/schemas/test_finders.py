"""Faults found straight are those that loading tells; where it is not sure, nothing is found."""

from __future__ import annotations

from typing import Any

import pytest
from marshmallow import Schema, ValidationError, fields, validate
from tests.schemas.generated import Colour

from ramekin.schemas import compile_reader
from ramekin.schemas.faults import compile_tell_one
from ramekin.schemas.finders import Find, compile_finder
from ramekin.schemas.strictness import make_strict, rules_for


class Part(Schema):
    name = fields.String(required=True, validate=[validate.Length(2), validate.Regexp("[a-z]+")])
    number = fields.Integer(validate=validate.Range(max=3))


class Whole(Schema):
    """A schema with a member of every kind that is looked at."""

    email = fields.Email(required=True)
    kind = fields.String(validate=validate.OneOf(["a", "b"]), allow_none=True)
    born = fields.DateTime(data_key="a/b")
    colour = fields.Enum(Colour)
    tags = fields.List(fields.String(validate=validate.Length(1)), validate=validate.Length(max=2))
    part = fields.Nested(Part)
    parts = fields.List(fields.Nested(Part))
    rows = fields.Nested(Part, many=True)


def find_strict(schema: Schema) -> Find | None:
    return compile_finder(make_strict(schema, rules_for("json")), compile_tell_one("json"))  # type: ignore[arg-type]


GOOD = {"email": "a@example.com", "part": {"name": "ab"}}


@pytest.mark.parametrize(
    "change",
    [
        {"email": 5},
        {"email": "a"},
        {"kind": "c", "a/b": "2020-13-01T00:00:00Z", "colour": "no"},
        {"a/b": "x", "part": None},
        {"tags": ["", 5, None, "a"]},
        {"tags": ["a", "b", "c"]},
        {"tags": ["", "b", "c"]},
        {"part": {}},
        {"part": {"name": "1", "number": 9}},
        {"parts": [{"name": "ab"}, {"name": ""}], "rows": [{"name": None}, {}]},
    ],
)
def test_all_faults_are_found(change: dict[str, Any]) -> None:
    """Members that are missing, of another type, or refused by a validator are found in the order of the fields."""
    data = GOOD | change
    find = find_strict(Whole())

    assert find is not None
    assert find(data) == compile_reader(Whole(), "json")(data)[1]


@pytest.mark.parametrize("change", [{"other": 1, "email": 1}, {"part": 5, "email": 1}, {"tags": {}}, {"parts": [5]}])
def test_where_it_is_not_sure_loading_decides(change: dict[str, Any]) -> None:
    """Unknown members, and containers of another type, are left to loading."""
    find = find_strict(Whole())

    assert find is not None
    assert find(GOOD | change) is None


def test_good_data_has_no_faults() -> None:
    """Data that loads has no faults, in a list of objects too."""
    one, several = find_strict(Whole()), find_strict(Whole(many=True))

    assert one is not None
    assert several is not None
    assert (one(GOOD), several([GOOD]), one([]), several({})) == ([], [], None, None)


def refuse(value: Any) -> None:
    raise ValidationError("No.")


@pytest.mark.parametrize(
    "field",
    [
        fields.String(validate=refuse),
        fields.String(load_default=str),
        fields.String(data_key="{"),
        fields.Raw(validate=refuse),
        fields.Decimal(),
        fields.List(fields.Decimal()),
        fields.Nested({"x": fields.Decimal()}),
        fields.Nested({"x": fields.Decimal()}, many=True),
    ],
)
def test_what_calls_a_users_code_has_no_finder(field: fields.Field[Any]) -> None:
    """A schema of which any member is loaded by other code is left to loading."""
    assert find_strict(Schema.from_dict({"x": field})()) is None


def test_messages_of_a_users_own_are_told() -> None:
    """Messages that say the same of every value are told as they are; one that repeats the value is left to loading."""
    say: dict[str, Any] = {"invalid": "Text, please.", "required": "Missing!"}
    repeat: dict[str, Any] = {"invalid": "No {input}.", "null": "No {input}."}
    fixed, repeating = (
        find_strict(Schema.from_dict({"x": fields.String(required=True, error_messages=messages)})())
        for messages in (say, repeat)
    )

    assert fixed is not None
    assert repeating is not None
    assert [fault.detail for fault in (*(fixed({"x": 1}) or ()), *(fixed({}) or ()))] == ["Text, please.", "Missing!"]
    assert (repeating({"x": 1}), repeating({"x": None})) == (None, None)
