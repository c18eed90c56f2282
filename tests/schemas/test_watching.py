"""A schema that changes after it was compiled is refused, by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from marshmallow import Schema, fields, validate

from ramekin.errors import FrozenError
from ramekin.schemas import compile_dump, compile_load, compile_loader
from ramekin.schemas.watching import FIRST_LOOKS, LOOK_EVERY


def make_schema() -> Schema:
    """Make a schema whose fields no other instance shares."""
    members: dict[str, fields.Field[Any]] = {
        "name": fields.String(),
        "tags": fields.List(fields.String()),
        "pair": fields.Tuple((fields.Integer(),)),
        "sizes": fields.Dict(keys=fields.String(), values=fields.Integer()),
    }
    return Schema.from_dict(members, name="Watched")()


CHANGES: list[tuple[str, Callable[[Schema], object]]] = [
    ("Watched", lambda schema: setattr(schema, "unknown", "include")),
    ("Watched", lambda schema: schema.fields.pop("name")),
    ("Watched.name", lambda schema: setattr(schema.fields["name"], "required", True)),
    ("Watched.name", lambda schema: schema.fields["name"].validators.append(validate.Length(3))),
    ("Watched.name", lambda schema: schema.fields["name"].error_messages.update(null="No.")),
    ("Watched.tags", lambda schema: setattr(schema.fields["tags"].inner, "allow_none", True)),  # type: ignore[attr-defined]
    ("Watched.pair", lambda schema: setattr(schema.fields["pair"].tuple_fields[0], "strict", True)),  # type: ignore[attr-defined]
    ("Watched.sizes", lambda schema: setattr(schema.fields["sizes"].value_field, "strict", True)),  # type: ignore[attr-defined]
]


@pytest.mark.parametrize("compiled", [compile_load, compile_dump, lambda schema: compile_loader(schema, "json")])
@pytest.mark.parametrize(("place", "change"), CHANGES)
def test_a_change_after_the_first_use_is_refused(compiled: Any, place: str, change: Any) -> None:
    """The call after a change raises an error that names the place."""
    schema = make_schema()
    call = compiled(schema)
    call({})
    change(schema)

    with pytest.raises(FrozenError, match=f"^{place} was changed"):
        call({})


def test_a_late_change_is_noticed_too() -> None:
    """After its first calls a function looks once in many."""
    schema = make_schema()
    load = compile_load(schema)
    for _ in range(FIRST_LOOKS):
        load({})
    schema.fields["name"].attribute = "title"

    with pytest.raises(FrozenError):
        [load({}) for _ in range(LOOK_EVERY + 1)]


def test_what_marshmallow_does_to_a_schema_is_no_change() -> None:
    """Nesting an instance, and using it as ever, is not taken for a change."""
    schema = make_schema()
    load = compile_load(schema)
    nesting = Schema.from_dict({"inner": fields.Nested(schema), "inners": fields.List(fields.Nested(schema))})()

    nesting.load({"inner": {"tags": ["a"]}, "inners": [{}]})
    schema.load({"tags": ["a"]})

    assert load({"tags": ["a"]}) == {"tags": ["a"]}
