"""What compiling a schema must not do: run user code twice, grow with the input, or disagree between threads."""

from __future__ import annotations

import gc
import threading
from typing import Any

import pytest
from marshmallow import Schema, ValidationError, fields, post_load, validate

from ramekin.schemas import collect_faults, compile_dump, compile_dumper, compile_load, compile_loader


class Tree(Schema):
    value = fields.Integer(required=True)
    left = fields.Nested(lambda: Tree())  # noqa: PLW0108 - the class is not there yet.
    right = fields.Nested("Tree")
    rest = fields.List(fields.Nested(lambda: Tree(unknown="raise")))


def test_a_validator_runs_once() -> None:
    """A validator of the user's sees each value once, also where another field has a fault."""
    seen: list[str] = []
    schema = Schema.from_dict({"name": fields.String(validate=seen.append), "age": fields.Integer(required=True)})()

    with pytest.raises(ValidationError):
        compile_load(schema)({"name": "Ada"})

    assert seen == ["Ada"]


def test_a_property_is_read_once() -> None:
    """Dumping reads each attribute of an object once."""

    class Counted:
        reads = 0

        @property
        def name(self) -> str:
            self.reads += 1
            return "Ada"

    counted = Counted()

    assert compile_dump(Schema.from_dict({"name": fields.String()})())(counted) == {"name": "Ada"}
    assert counted.reads == 1


def _tree(depth: int, *, wrong: bool = False) -> dict[str, Any]:
    if depth == 0:
        return {"value": "x" if wrong else 0}
    below = _tree(depth - 1, wrong=wrong)
    return {"value": depth, "left": below, "right": below, "rest": [below]}


def _count_schemas() -> int:
    gc.collect()
    return sum(isinstance(each, Tree) for each in gc.get_objects())


def test_input_cannot_decide_how_many_schemas_there_are() -> None:
    """Deeper and broader input makes no more nested schemas than shallow input, in loads, faults and dumps."""
    schema = Tree()
    load, dump = compile_loader(schema, "json"), compile_dumper(schema)
    for depth in (2, 3):
        dump(load(_tree(depth)))
        with pytest.raises(ValidationError) as caught:
            load(_tree(depth, wrong=True))
        collect_faults(schema, caught.value, "json")
    before = _count_schemas()

    dump(load(_tree(6)))
    with pytest.raises(ValidationError) as caught:
        load(_tree(6, wrong=True))
    faults = collect_faults(schema, caught.value, "json")

    assert _count_schemas() <= before
    assert faults[0].pointer == "/left/left/left/left/left/left/value"


def test_a_shared_exception_is_raised_as_it_is() -> None:
    """An exception instance that a validator raises each time is only caught: it is not changed, nor raised again."""
    shared = ValidationError("No.")

    def refuse(value: Any) -> None:
        raise shared

    load = compile_load(Schema.from_dict({"name": fields.String(validate=refuse)})())
    for _ in range(3):
        with pytest.raises(ValidationError) as caught:
            load({"name": "x"})
        caught.value.messages["name"].append("more")  # type: ignore[call-overload]

    assert caught.value is not shared
    assert shared.messages == ["No."]


def test_messages_are_not_shared_between_calls() -> None:
    """Who changes the messages of one error does not change those of the next."""
    schema = Schema.from_dict({"name": fields.String(required=True, validate=validate.Length(3))})()
    load = compile_load(schema)
    inputs: list[Any] = [{}, {"name": ""}, {"name": 5}, {"name": None}, {"more": 1}, []]
    for data in inputs:
        messages = []
        for _ in range(2):
            with pytest.raises(ValidationError) as caught:
                load(data)
            messages.append(repr(caught.value.messages))
            for each in caught.value.messages.values():  # type: ignore[union-attr]
                each.append("mine")

        assert messages[0] == messages[1]


def test_first_calls_at_once_agree() -> None:
    """A load and a dump that threads call for the first time at once give all of them the same."""
    load, dump = compile_load(Tree()), compile_dump(Tree())
    start = threading.Barrier(8)
    seen: list[Any] = []

    def run() -> None:
        start.wait()
        seen.append(dump(load(_tree(4))))

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert seen == [_tree(4)] * 8


def test_a_schema_that_overrides_a_step_loads_and_dumps_itself() -> None:
    """A schema with a load or dump of its own is called, nested or not."""

    class Own(Schema):
        name = fields.String()

        def load(self, data: Any, **options: Any) -> Any:
            return "loaded"

        def dump(self, obj: Any, **options: Any) -> Any:
            return "dumped"

    nesting = Schema.from_dict({"own": fields.Nested(Own)})()

    assert compile_load(Own())({}) == "loaded"
    assert compile_dump(Own())({}) == "dumped"
    assert compile_load(nesting)({"own": {}}) == {"own": "loaded"}
    assert compile_dump(nesting)({"own": {}}) == {"own": "dumped"}


def test_many_combinations_of_options_are_not_all_compiled() -> None:
    """However many combinations a caller uses, the results stay those of marshmallow."""
    schema = Schema.from_dict({f"f{number}": fields.Integer(required=True) for number in range(50)})()
    load = compile_load(schema)

    for number in range(50):
        partial = tuple(f"f{each}" for each in range(50) if each != number)
        assert load({f"f{number}": 1}, partial=partial) == {f"f{number}": 1}
        with pytest.raises(ValidationError):
            load({}, partial=partial)


def test_unknown_options_are_refused() -> None:
    """The compiled function takes the options of `Schema.load` and no others."""
    load = compile_load(Tree())

    with pytest.raises(TypeError, match="strict"):
        load({}, strict=True)


def test_a_post_load_makes_objects_in_nested_schemas() -> None:
    """What a post_load hook makes is the value of the nested field."""

    class Owner(Schema):
        name = fields.String(required=True)

        @post_load
        def make(self, data: Any, **kwargs: Any) -> str:
            return f"<{data['name']}>"

    schema = Schema.from_dict({"owner": fields.Nested(Owner), "owners": fields.Nested(Owner, many=True)})()

    loaded = compile_load(schema)({"owner": {"name": "Ada"}, "owners": [{"name": "Bob"}]})

    assert loaded == {"owner": "<Ada>", "owners": ["<Bob>"]}


@pytest.mark.parametrize(
    ("field", "value", "dumped"),
    [
        (fields.List(fields.Nested(Tree)), [{"value": 1}], [{"value": 1}]),
        (fields.Integer(), "5", 5),
        (fields.Nested(Tree), None, None),
    ],
)
def test_a_lone_field_is_dumped(field: fields.Field[Any], value: Any, dumped: Any) -> None:
    """A field that stands for a whole body dumps its value."""
    assert compile_dumper(field)(value) == dumped
