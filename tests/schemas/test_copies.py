"""The user's own schemas are never changed, and a private copy behaves as they do."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from marshmallow import INCLUDE, Schema, ValidationError, fields, post_load, validate

from ramekin.schemas import collect_faults, compile_loader


class Inner(Schema):
    size = fields.Integer(validate=validate.Range(max=3))


class Outer(Schema):
    size = fields.Integer(validate=validate.Range(max=3))
    inner = fields.Nested(Inner)
    made = fields.Nested(Inner(), only=("size",))
    inners = fields.List(fields.Nested(Inner))
    named = fields.Dict(keys=fields.Integer(), values=fields.Nested(Inner))
    pair = fields.Tuple((fields.Integer(), fields.Integer()))
    secret = fields.Method(deserialize="decipher")

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.shift = 1

    def decipher(self, value: int) -> int:
        return value + self.shift


BAD = {"size": "1", "inner": {"size": "1"}, "made": {"size": "1"}, "inners": [{"size": "1"}], "pair": ["1", "2"]}


def test_the_users_schema_stays_lenient() -> None:
    """After compiling and refusing, the user's own instance loads as before."""
    schema = Outer()
    before = {name: dict(vars(field)) for name, field in schema.fields.items()}
    load = compile_loader(schema, "json")

    with pytest.raises(ValidationError):
        load(BAD)

    assert {name: vars(field) for name, field in schema.fields.items()} == before
    assert schema.load(BAD)["pair"] == (1, 2)
    assert Outer().load(BAD)["inner"] == {"size": 1}


def test_state_and_class_of_the_instance_are_kept() -> None:
    """A Method field of the copy sees the state that the instance was given."""
    schema = Outer()
    schema.shift = 10

    assert compile_loader(schema, "json")({"secret": 1}) == {"secret": 11}


def test_options_of_the_instance_are_kept() -> None:
    """The copy keeps only, partial, unknown and many."""
    schema = Outer(only=("size", "inner"), unknown=INCLUDE, many=True, partial=True)

    assert compile_loader(schema, "json")([{"size": 1, "pair": 5}]) == [{"size": 1, "pair": 5}]


def test_unknown_can_be_said_from_outside() -> None:
    """The caller may say what happens to unknown names; the schema itself keeps its own."""
    schema = Outer()

    assert compile_loader(schema, "query", unknown="exclude")({"more": "1"}) == {}
    assert schema.unknown == "raise"


def test_binding_hooks_are_not_run_again() -> None:
    """A hook that changes a field when it is bound runs as often as under marshmallow."""

    class Counting(Schema):
        size = fields.Integer()

        def on_bind_field(self, field_name: str, field_obj: fields.Field[Any]) -> None:
            field_obj.metadata = {"bound": field_obj.metadata.get("bound", 0) + 1}

        @post_load
        def tell(self, data: Any, **kwargs: Any) -> Any:
            return self.fields["size"].metadata["bound"]

    schema = Counting()
    nesting = Schema.from_dict({"inner": fields.Nested(Counting())})

    assert compile_loader(schema, "json")({}) == 1
    assert compile_loader(nesting(), "json")({"inner": {}}) == nesting().load({"inner": {}})


def test_a_nested_field_with_its_own_schema_property_is_left_alone() -> None:
    """A Nested subclass that finds its schema in its own way is marshmallow's to load."""

    class Late(fields.Nested):
        @property
        def schema(self) -> Schema:
            return Inner()

    load = compile_loader(Schema.from_dict({"inner": Late(Inner)})(), "json")

    assert load({"inner": {"size": "1"}}) == {"inner": {"size": 1}}


def test_a_loader_is_safe_from_threads() -> None:
    """First uses at once give every thread the same strictness."""
    load = compile_loader(Outer(), "json")
    start = threading.Barrier(8)
    seen: list[Any] = []

    def run() -> None:
        start.wait()
        try:
            load(BAD)
        except ValidationError as error:
            seen.append([fault.pointer for fault in collect_faults(Outer(), error, "json")])

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert seen == [["/size", "/inner/size", "/made/size", "/inners/0/size", "/pair/0", "/pair/1"]] * 8
