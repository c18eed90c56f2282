from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest
from marshmallow import Schema, ValidationError, fields, validate

from ramekin import App, Resource, accepts, returns
from ramekin.contract import check_examples

EXAMPLES = sorted((Path(__file__).parent.parent.parent / "examples").glob("*.py"))


def refuse_odd(value: int) -> None:
    if value % 2:
        raise ValidationError("Must be even.")


class ReaderSchema(Schema):
    name = fields.String(validate=validate.Length(min=2), metadata={"examples": ["Ada", "A"]})


class BookSchema(Schema):
    title = fields.String(metadata={"example": 7})
    default = fields.Integer(metadata={"examples": [1]})
    copies = fields.Integer(validate=refuse_odd, metadata={"examples": [2, 3]})
    readers = fields.List(fields.Nested(ReaderSchema))


class Books(Resource):
    @accepts(
        query={
            "limit": fields.Integer(validate=validate.Range(max=10), metadata={"examples": [11]}),
            "since": fields.Date(metadata={"examples": ["2026-01-02"]}),
        }
    )
    @returns(
        fields.Dict(metadata={"examples": [{"a": 1}, []]}), headers={"X-Day": fields.Date(metadata={"example": "x"})}
    )
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """Show something."""
        return {}

    @accepts(json=BookSchema)
    @returns(status=204)
    def post(self, json: dict[str, Any]) -> None:
        """Take something."""


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_examples_of_examples(example: Path) -> None:
    """Every example in the documents of our own examples is right."""
    app: App = runpy.run_path(str(example))["app"]
    assert check_examples(app.compile()) == []


def test_wrong_examples_are_found() -> None:
    """An example that its schema, or a validator that the document cannot state, refuses is found in its place."""
    app = App("Bookshop")
    app.add_resource("/books", Books)
    places = [wrong.place for wrong in check_examples(app.compile())]
    assert places == [
        "/paths/~1books/get/parameters/0/schema/examples/0",
        "/paths/~1books/get/responses/200/headers/X-Day/schema/examples/0",
        "/paths/~1books/get/responses/200/content/application~1json/schema/examples/1",
        "/components/schemas/BookInput/properties/title/examples/0",
        "/components/schemas/ReaderInput/properties/name/examples/1",
        "getBooks.query.limit",
        "postBooks.json.title",
        "postBooks.json.copies",
        "postBooks.json.readers.name",
    ]


def test_examples_beside_a_schema_are_found() -> None:
    """Examples of a media type are held against its schema; what refers elsewhere or is an extension is left alone."""
    app = App("Bookshop")
    app.add_resource("/books", Books)

    @app.modify_document
    def add(document: dict[str, Any]) -> None:
        content = {
            "schema": {"type": "integer"},
            "examples": {"good": {"value": 1}, "bad": {"value": "1"}, "far": {"externalValue": "https://x.example"}},
            "x-own": {"schema": {"type": "integer"}, "example": "free"},
        }
        document["paths"] = {"/a": {"get": {"responses": {"200": {"content": {"application/json": content}}}}}}
        document["components"]["schemas"] = {}

    wrong = check_examples(app.compile())
    assert [str(each) for each in wrong if each.place.startswith("/")] == [
        "/paths/~1a/get/responses/200/content/application~1json/examples/bad/value: at '' declared integer; got \"1\""
    ]
