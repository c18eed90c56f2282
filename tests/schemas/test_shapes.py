"""What a schema-like becomes."""

from __future__ import annotations

from typing import Any

import pytest
from marshmallow import Schema, fields

from ramekin.errors import DeclarationError
from ramekin.schemas import resolve


class Plain(Schema):
    name = fields.String()


class Demanding(Schema):
    def __init__(self, tenant: str) -> None:
        super().__init__()
        self.tenant = tenant


def test_a_class_becomes_an_instance() -> None:
    """A Schema class stands for its instance without arguments."""
    assert type(resolve(Plain, where="here")) is Plain


@pytest.mark.parametrize("given", [Plain(), fields.List(fields.String())])
def test_instances_stand_for_themselves(given: Any) -> None:
    """A schema instance and a field are taken as they are."""
    assert resolve(given, where="here") is given


@pytest.mark.parametrize(("name", "expected"), [("", "AnonymousSchema"), ("Search", "Search")])
def test_a_mapping_becomes_a_schema(name: str, expected: str) -> None:
    """A mapping of fields becomes a schema with the given class name."""
    shape = resolve({"q": fields.String()}, where="here", name=name)

    assert isinstance(shape, Schema)
    assert type(shape).__name__ == expected
    assert shape.load({"q": "x"}) == {"q": "x"}


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (fields.String, "String()"),
        ({"q": fields.String}, "String()"),
        ({"q": str}, "expected a marshmallow field"),
        ({1: fields.String()}, "the name of a field is a string"),
        (dict, "expected a Schema class"),
        ("Plain", "expected a Schema class"),
        (None, "expected a Schema class"),
        (Demanding, "cannot be made without arguments"),
    ],
)
def test_anything_else_is_refused_with_its_place(given: Any, told: str) -> None:
    """What is no schema-like raises an error that says what was given, what was expected and where."""
    with pytest.raises(DeclarationError, match=r"^accepts of Books\.get: ") as caught:
        resolve(given, where="accepts of Books.get")

    assert told in str(caught.value)
