"""Faults found straight are those that loading tells; where it is not sure, nothing is found."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from marshmallow import Schema, ValidationError, fields, post_dump, validate
from tests.schemas.generated import Colour, Size

from ramekin.json import JSONError
from ramekin.limits import Limits
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
    price = fields.Decimal(validate=validate.Range(min=0))
    size = fields.Enum(Size, by_value=True)
    at = fields.Time()


LIMITS = Limits(json_nodes=400, number_digits=20, json_depth=4)


def compile_strict(schema: Schema, limits: Limits = LIMITS, *, unique_keys: bool = True) -> Find | None:
    strict: Any = make_strict(schema, rules_for("json"))
    return compile_finder(strict, compile_tell_one("json"), limits, unique_keys=unique_keys)


def find_strict(schema: Schema) -> Callable[[Any], Any] | None:
    """Return what finds the faults of the body that says some data."""
    find = compile_strict(schema)
    return None if find is None else lambda data: find(json.dumps(data).encode())


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
        {"price": -1, "size": 4, "at": "24:00:00"},
        {"price": "1", "at": "03:04:05.5Z"},
        {"price": 0.5, "size": 3, "at": "5"},
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


@pytest.mark.parametrize(
    "body",
    [
        b'{"kind": "c", "kind": "c", "part": {}}',
        b'{"kind": "c", "part": {"name": 1, "n\\u0061me": 1}}',
        b'{"kind": "c", "rows": [{}, {"number": 9, "number": 9}]}',
        b'{"part": {"number": 1' + b"0" * 20 + b"}}",
        b'{"kind": 1' + b"0" * 20 + b"}",
        b'{"kind": 1.' + b"0" * 20 + b"}",
        b'{"kind": [[]]}',
        b'{"kind": {}}',
        b'{"kind": "c"}' + b" " * 800,
        b'{"kind": "c"',
        b'{"kind": NaN}',
        b'\xef\xbb\xbf{"kind": "c"}',
        b"",
        b"5",
    ],
)
def test_a_body_that_may_not_be_read_is_left(body: bytes) -> None:
    """A member given twice, a number that is too long, containers that nobody expects and broken texts are left."""
    find = compile_strict(Whole())

    assert find is not None
    assert find(body) is None


@pytest.mark.parametrize("text", ["a:", 'a"', "\\", 'é\\"', "a\nb"])
def test_strings_are_counted_whatever_they_hold(text: str) -> None:
    """Quotes and backslashes within strings are no reason to leave a body."""
    find = find_strict(Whole())

    assert find is not None
    assert [fault.pointer for fault in find({"kind": text, "email": text})] == ["/email", "/kind"]


def test_members_that_stand_twice_may_be_taken() -> None:
    """Where reading takes the last of several members of one name, so does this."""
    find = compile_strict(Whole(), unique_keys=False)

    assert find is not None
    assert [fault.code for fault in find(b'{"email": "a", "email": "a@example.com", "kind": "c"}') or ()] == ["one-of"]


@pytest.mark.parametrize(("depth", "is_found"), [(3, False), (4, True)])
def test_a_schema_deeper_than_may_be_has_no_finder(depth: int, is_found: bool) -> None:
    """A body of which every level is looked at is nested no deeper than its schema."""
    schema = Schema.from_dict({"x": fields.List(fields.Nested({"y": fields.List(fields.Integer())}))})()

    assert (compile_strict(schema, Limits(json_depth=depth)) is not None) == is_found


def test_what_takes_anything_is_read_first() -> None:
    """With a Raw field, of which not everything is seen, reading says what may be in a body."""
    find = compile_strict(Schema.from_dict({"x": fields.Raw(required=True), "y": fields.Integer()})())

    assert find is not None
    assert [fault.pointer for fault in find(b'{"x": {"a": 1}, "y": "1"}') or ()] == ["/y"]
    assert [fault.pointer for fault in find(b'{"y": "1"}') or ()] == ["/x", "/y"]
    assert [fault.code for fault in find(b'{"x": null}') or ()] == ["null"]
    for body, code in ((b'{"x": {"a": 1, "a": 2}, "y": "1"}', "duplicate-key"), (b'{"x": [[[[[]]]]]}', "too-deep")):
        with pytest.raises(JSONError) as caught:
            find(body)
        assert caught.value.code == code


def refuse(value: Any) -> None:
    raise ValidationError("No.")


@pytest.mark.parametrize(
    "field",
    [
        fields.String(validate=refuse),
        fields.String(load_default=str),
        fields.String(data_key="{"),
        fields.Raw(validate=refuse),
        fields.TimeDelta(),
        fields.List(fields.TimeDelta()),
        fields.Nested({"x": fields.TimeDelta()}),
        fields.Nested({"x": fields.TimeDelta()}, many=True),
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


def test_no_pointer_is_longer_than_is_told() -> None:
    """A place that may be cut is left to loading, whatever its indexes are."""
    deep: fields.Field[Any] = fields.Integer()
    for _ in range(14):
        deep = fields.List(deep)
    limits = Limits(json_depth=40)

    assert compile_strict(Schema.from_dict({"n" * 30: deep})(), limits) is not None
    assert compile_strict(Schema.from_dict({"n" * 138: deep})(), limits) is None


def test_a_hook_of_dumping_is_no_matter_of_loading() -> None:
    """A schema that does something when it dumps is looked through as any other."""

    class Shown(Part):
        @post_dump
        def show(self, data: Any, **kwargs: Any) -> Any:
            return data

    find = find_strict(Schema.from_dict({"part": fields.Nested(Shown)})())

    assert find is not None
    assert [fault.pointer for fault in find({"part": {}}) or ()] == ["/part/name"]
