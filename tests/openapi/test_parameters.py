"""Parameters of every location in the document."""

from __future__ import annotations

import enum
from typing import Any

from marshmallow import Schema, fields, validate
from tests.openapi.conftest import document_of

from ramekin import App, Resource, accepts, returns


class RangeSchema(Schema):
    low = fields.Integer(allow_none=True)
    tags = fields.List(fields.String())


def parameters_of(**schemas: Any) -> list[dict[str, Any]]:
    """Return the parameters of an operation with these inputs."""

    class Things(Resource):
        @accepts(**schemas)
        @returns(status=204)
        def get(self, **inputs: Any) -> None: ...

    parameters: list[dict[str, Any]] = document_of(Things)["paths"]["/things"]["get"]["parameters"]
    return parameters


def test_plain_parameter() -> None:
    """A field is a parameter; description and deprecation stand on it, the rest in its schema."""
    metadata = {"description": "Part of it.", "deprecated": True}
    field = fields.String(required=True, validate=validate.Length(1), metadata=metadata)
    assert parameters_of(query={"title": field}) == [
        {
            "name": "title",
            "in": "query",
            "description": "Part of it.",
            "deprecated": True,
            "required": True,
            "schema": {"type": "string", "minLength": 1},
        }
    ]


def test_text_is_never_null() -> None:
    """No parameter takes null, and a default of null is left out."""
    assert parameters_of(query={"n": fields.Integer(load_default=None)})[0]["schema"] == {"type": "integer"}


def test_values_of_any_kind_are_text() -> None:
    """What a field's own code judges comes as text."""
    assert parameters_of(query={"n": fields.Raw()})[0]["schema"] == {"type": "string"}


def test_enum_by_value_has_the_values_that_are_text() -> None:
    """Raw values of an enum come as text, so only those that are text can be given."""

    class Mixed(enum.Enum):
        ONE = 1
        TWO = "two"

    (parameter,) = parameters_of(query={"n": fields.Enum(Mixed, by_value=True)})
    assert parameter["schema"] == {"type": "string", "enum": ["two"]}


def test_list_is_repeated_or_joined_by_commas() -> None:
    """A list repeats its name unless explode is False; then its texts have no comma."""
    repeated, joined, numbers = parameters_of(
        query={
            "a": fields.List(fields.String()),
            "b": fields.List(fields.String(), metadata={"explode": False}),
            "c": fields.List(fields.Integer(), metadata={"explode": False}),
        }
    )
    assert (repeated["style"], repeated["explode"]) == ("form", True)
    assert repeated["schema"] == {"type": "array", "items": {"type": "string"}}
    assert (joined["style"], joined["explode"]) == ("form", False)
    assert joined["schema"]["items"] == {"type": "string", "pattern": "^[^,]*$"}
    assert numbers["schema"]["items"] == {"type": "integer"}


def test_pattern_of_items_holds_beside_the_one_against_commas() -> None:
    """Items with a pattern of their own keep it."""
    field = fields.List(fields.String(validate=validate.Regexp("^a")), metadata={"explode": False})
    (parameter,) = parameters_of(query={"a": field})
    assert parameter["schema"]["items"] == {"type": "string", "pattern": "^a", "allOf": [{"pattern": "^[^,]*$"}]}


def test_object_is_a_deep_object() -> None:
    """A Nested or Dict field of a query is written name by name, and its schema stands in place."""
    nested, plain = parameters_of(query={"range": fields.Nested(RangeSchema), "other": fields.Dict()})
    assert (nested["style"], nested["explode"]) == ("deepObject", True)
    assert nested["schema"] == {
        "type": "object",
        "properties": {"low": {"type": "integer"}, "tags": {"type": "array", "items": {"type": "string"}}},
        "additionalProperties": False,
    }
    assert plain["schema"] == {"type": "object", "additionalProperties": {"type": "string"}}


def test_header_and_cookie() -> None:
    """Headers are named as they are sent; a list in one is comma-separated."""
    header, items, cookie = parameters_of(
        headers={"x_api_key": fields.UUID(required=True), "x_tags": fields.List(fields.String())},
        cookies={"theme": fields.String()},
    )
    assert (header["name"], header["in"], header["required"]) == ("X-Api-Key", "header", True)
    assert (items["style"], items["explode"]) == ("simple", False)
    assert items["schema"]["items"]["pattern"] == r"^[^\s,]([^,]*[^\s,])?$"
    assert (cookie["name"], cookie["in"], cookie["required"]) == ("theme", "cookie", False)


def test_partial_schema_requires_no_parameter() -> None:
    """A schema that loads partially requires none of its parameters."""

    class Query(Schema):
        a = fields.Integer(required=True, data_key="A")

    (parameter,) = parameters_of(query=Query(partial=True))
    assert (parameter["name"], parameter["required"]) == ("A", False)


def test_path_parameter_comes_first_and_is_required() -> None:
    """A variable of the rule is a parameter of the path, in the schema of its converter."""

    class Thing(Resource):
        @accepts(query={"n": fields.Integer()})
        @returns(status=204)
        def get(self, thing_id: int, query: Any) -> None: ...

    app = App("Test")
    app.add_resource("/things/<int:thing_id>", Thing)
    first, _ = app.compile().document()["paths"]["/things/{thing_id}"]["get"]["parameters"]
    assert (first["name"], first["in"], first["required"]) == ("thing_id", "path", True)
    assert first["schema"]["type"] == "integer"
