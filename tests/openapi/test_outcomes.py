"""Responses in the document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, fields
from tests.openapi.conftest import document_of

from ramekin import Resource, raises, returns
from ramekin.problems import NotFound, Problem, ProblemDetails
from ramekin.requests import Request


class OutOfStock(Problem):
    """No copy is left."""

    status = 409
    members = {"left": fields.Integer(required=True), "hint": fields.String()}


class Busy(Problem):
    """Somebody else is at it."""

    status = 409


def responses_of(*declarations: Any) -> dict[str, Any]:
    """Return the responses of an operation with these declarations."""

    class Things(Resource):
        def get(self) -> Any: ...

    for declaration in declarations:
        declaration(Things.get)
    responses: dict[str, Any] = document_of(Things)["paths"]["/things"]["get"]["responses"]
    return responses


def test_every_outcome_has_its_status() -> None:
    """Declared successes, declared problems and implied ones stand in the order of their statuses."""
    assert list(responses_of(returns(status=204), raises(NotFound))) == ["204", "400", "404", "406", "500"]


def test_response_without_content() -> None:
    """A response without content has a description alone: the phrase of its status, or what was declared."""
    assert responses_of(returns(status=204))["204"] == {"description": "No Content"}
    assert responses_of(returns(status=204, description="Gone."))["204"] == {"description": "Gone."}
    assert responses_of(returns(status=299))["299"] == {"description": "Status 299"}


def test_media_types_of_one_status_are_united() -> None:
    """Two declarations of one status are one response with both media types."""
    found = responses_of(
        returns(fields.Integer(), description="The number."), returns(fields.String(), media_type="text/csv")
    )["200"]
    assert found["description"] == "The number."
    assert {name: each["schema"]["type"] for name, each in found["content"].items()} == {
        "text/csv": "string",
        "application/json": "integer",
    }


def test_headers_are_text_with_a_schema() -> None:
    """A header is required unless it is marked optional, and its description stands on it."""
    found = responses_of(
        returns(
            status=204,
            headers={
                "Location": fields.Url(relative=True, metadata={"description": "Where."}),
                "x_left": fields.Integer(allow_none=True, metadata={"optional": True}),
            },
        )
    )["204"]
    assert found["headers"] == {
        "Location": {
            "description": "Where.",
            "required": True,
            "schema": {"type": "string", "format": "uri-reference"},
        },
        "X-Left": {"required": False, "schema": {"type": "integer"}},
    }


def test_header_of_one_of_two_outcomes_is_not_required() -> None:
    """A header that only one of a status's outcomes has may be missing."""
    found = responses_of(
        returns(fields.Integer(), headers={"X-A": fields.String()}), returns(fields.String(), media_type="text/csv")
    )
    assert found["200"]["headers"]["X-A"]["required"] is False


def test_problem_alone_in_its_status_is_shared() -> None:
    """A problem is a component that operations refer to, its status and code fixed."""

    @raises(OutOfStock)
    class Things(Resource):
        @returns(status=204)
        def get(self) -> None: ...

    document = document_of(Things)
    assert document["paths"]["/things"]["get"]["responses"]["409"] == {"$ref": "#/components/responses/OutOfStock"}
    shared = document["components"]["responses"]["OutOfStock"]
    assert shared["description"] == "No copy is left."
    assert list(shared["content"]) == ["application/problem+json"]
    schema = document["components"]["schemas"]["OutOfStockProblem"]
    assert schema["required"] == ["type", "title", "status", "code", "left"]
    assert schema["properties"]["status"] == {"type": "integer", "const": 409}
    assert schema["properties"]["code"] == {"type": "string", "const": "out-of-stock"}


def test_problems_of_one_status_stand_side_by_side() -> None:
    """Several problems of one status are one response, each named by its code."""
    found = responses_of(returns(status=204), raises(OutOfStock, Busy))["409"]
    assert found["description"] == "- `out-of-stock`: No copy is left.\n- `busy`: Somebody else is at it."
    assert found["content"]["application/problem+json"]["schema"] == {
        "anyOf": [{"$ref": "#/components/schemas/OutOfStockProblem"}, {"$ref": "#/components/schemas/BusyProblem"}]
    }


class ErrorSchema(Schema):
    class Meta:
        description = "What went wrong."

    message = fields.String()


class OneFormat(ProblemDetails):
    """Answers every problem alike."""

    media_type = "application/json"

    def schema(self, problem: type[Problem]) -> Schema:
        return ErrorSchema()

    def body(self, problem: Problem, request: Request) -> Mapping[str, Any]:
        return {"message": problem.title}


def test_format_of_ones_own_is_one_component() -> None:
    """A format with one schema for all problems has one component, also where two share a status."""

    @raises(OutOfStock, Busy)
    class Things(Resource):
        @returns(ErrorSchema)
        def get(self) -> None: ...

    document = document_of(Things, problem_format=OneFormat())
    assert list(document["components"]["schemas"]) == ["Error"]
    conflict = document["paths"]["/things"]["get"]["responses"]["409"]
    assert conflict["content"] == {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
