"""Faults: where they point, in which order, and what they repeat of the input."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from marshmallow import Schema, ValidationError, fields, validates_schema

from ramekin.schemas import Fault, collect_faults, compile_loader


class Part(Schema):
    size = fields.Integer(required=True, data_key="the/size")
    serial = fields.Integer(dump_only=True)


class Whole(Schema):
    id = fields.Integer(dump_only=True, data_key="ID")
    name = fields.String(required=True)
    part = fields.Nested(Part)
    parts = fields.Nested(Part, many=True)
    listed = fields.List(fields.Nested(Part))
    pair = fields.Tuple((fields.Integer(), fields.Nested(Part)))
    named = fields.Dict(keys=fields.Integer(), values=fields.Nested(Part))
    picked = fields.Pluck(Part, "size")
    picks = fields.Pluck(Part, "size", many=True)


def _faults(shape: Any, data: Any) -> list[tuple[str, str]]:
    with pytest.raises(ValidationError) as caught:
        compile_loader(shape, "json")(data)
    return [(fault.pointer, fault.code) for fault in collect_faults(shape, caught.value, "json")]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"part": {}}, [("/part/the~1size", "required")]),
        ({"part": 5}, [("/part", "type")]),
        ({"part": {"the/size": "x", "~": 1}}, [("/part/the~1size", "invalid"), ("/part/~0", "unknown")]),
        ({"part": {"the/size": 1, "serial": 1}}, [("/part/serial", "read-only")]),
        ({"parts": 5}, [("/parts", "type")]),
        ({"parts": [{"the/size": 1}, 5, {}]}, [("/parts/1", "type"), ("/parts/2/the~1size", "required")]),
        ({"listed": [{}, 5]}, [("/listed/0/the~1size", "required"), ("/listed/1", "type")]),
        ({"listed": 5}, [("/listed", "invalid")]),
        ({"pair": ["x", {}]}, [("/pair/0", "invalid"), ("/pair/1/the~1size", "required")]),
        ({"pair": []}, [("/pair", "length")]),
        (
            {"named": {"x": {}, "1": {"more": 1}}},
            [
                ("/named/x", "invalid"),
                ("/named/x/the~1size", "required"),
                ("/named/1/the~1size", "required"),
                ("/named/1/more", "unknown"),
            ],
        ),
        ({"named": 5}, [("/named", "invalid")]),
        ({"picked": "x"}, [("/picked", "invalid")]),
        ({"picks": [1, "x"]}, [("/picks/1", "invalid")]),
        ({"picks": 5}, [("/picks", "type")]),
        ({"name": None}, [("/name", "null")]),
        ({"ID": 5, "b": 1, "a": 1}, [("/ID", "read-only"), ("/a", "unknown"), ("/b", "unknown")]),
    ],
)
def test_a_fault_points_at_its_value(value: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    """Each fault has the JSON Pointer of the value that it is about."""
    assert _faults(Whole(), {"name": "x"} | value) == expected


def test_faults_stand_in_the_order_of_the_fields() -> None:
    """The schema's own faults come first, then fields in their order, then unknown names by letter."""

    class Ordered(Schema):
        b = fields.Integer()
        a = fields.Integer()

        @validates_schema(skip_on_field_errors=False)
        def refuse(self, data: Any, **kwargs: Any) -> None:
            raise ValidationError("No.")

    found = _faults(Ordered(), {"z": 1, "y": 1, "a": "x", "b": "x"})

    assert [pointer for pointer, _ in found] == ["", "/b", "/a", "/y", "/z"]


def test_many_points_into_the_list() -> None:
    """A schema of many points at items by their index, in order."""
    found = _faults(Part(many=True), [{"the/size": 1}, {}, *[{"the/size": 1}] * 8, {}])

    assert found == [("/1/the~1size", "required"), ("/10/the~1size", "required")]
    assert _faults(Part(many=True), {}) == [("", "type")]


def test_many_without_indexes_points_at_members() -> None:
    """Where marshmallow tells no index, the pointer has none."""

    class Unindexed(Schema):
        size = fields.Integer()

        class Meta:
            index_errors = False

    assert _faults(Unindexed(many=True), [{"size": "x"}]) == [("/size", "invalid")]


def test_a_lone_field_points_at_the_whole() -> None:
    """A fault of an input that is one field has the empty pointer, and its items have theirs."""
    assert _faults(fields.Integer(), "x") == [("", "invalid")]
    assert _faults(fields.List(fields.Integer()), [1, "x"]) == [("/1", "invalid")]


def test_read_only_members_say_so() -> None:
    """A member that is only dumped has a code and a text of its own."""
    with pytest.raises(ValidationError) as caught:
        compile_loader(Whole(), "json")({"name": "x", "ID": 1})

    assert collect_faults(Whole(), caught.value, "json") == [
        Fault("json", "/ID", "read-only", "This member is read-only.")
    ]


def test_messages_of_no_known_shape_are_told() -> None:
    """Whatever structure a user's message has, its strings become faults."""
    messages: Any = {"name": {"deep": ["a", {"er": "b"}]}, "_schema": {"x": ["c"]}, "part": ["d", {"size": ["e"]}]}
    error = ValidationError(messages)

    found = {fault.detail: fault.pointer for fault in collect_faults(Whole(), error, "json")}

    assert found == {"a": "/name/deep", "b": "/name/deep/er", "c": "/x", "d": "/part", "e": "/part/size"}


def test_an_error_without_messages_is_one_fault() -> None:
    """An error that tells nothing is still a fault."""
    assert collect_faults(Whole(), ValidationError({}), "query") == [Fault("query", "", "invalid", "Invalid value.")]


@settings(max_examples=200)
@given(names=st.lists(st.text(min_size=1, max_size=300) | st.text("~/", min_size=1, max_size=300), max_size=5))
def test_pointers_are_short(names: list[str]) -> None:
    """Whatever names the input has, a pointer has at most 200 characters and every escape in it is whole."""
    data: Any = {"more": 1}
    for name in names:
        data = {name: data}
    field: Any = fields.Dict(values=fields.Integer())
    for _ in names:
        field = fields.Dict(values=field)

    with pytest.raises(ValidationError) as caught:
        compile_loader(field, "json")({"top": data} if names else {"top": "x"})

    for fault in collect_faults(field, caught.value, "json"):
        assert len(fault.pointer) <= 200
        assert fault.pointer.replace("~0", "").replace("~1", "").count("~") == 0
