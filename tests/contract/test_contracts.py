from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from marshmallow import Schema, fields, validate

from ramekin import App, Request, Resource, Settings, accepts, describe, returns
from ramekin.contract import Breach, Contract
from ramekin.fields import Upload
from ramekin.problems import Problem


class FilterSchema(Schema):
    genre = fields.String(validate=validate.OneOf(["novel", "poem"]))
    years = fields.List(fields.Integer())
    inner = fields.Nested(Schema.from_dict({"size": fields.Integer()}, name="InnerSchema"))
    maybe = fields.Integer(allow_none=True)
    few = fields.Nested(Schema.from_dict({"size": fields.Integer()}, name="FewSchema"), metadata={"minProperties": 1})
    any = fields.Raw()


class Things(Resource):
    @accepts(
        query={
            "filter": fields.Nested(FilterSchema, required=True),
            "page": fields.Integer(),
            "ids": fields.List(fields.Integer(), metadata={"explode": False}),
        }
    )
    @returns(fields.String(), headers={"X-Tags": fields.List(fields.Integer())})
    @returns(fields.String(), status=201, media_type="text/csv")
    def get(self, query: dict[str, Any]) -> str:
        """Show."""
        return ""

    @accepts(form={"name": fields.String()}, files={"file": Upload()})
    @returns(status=205)
    def post(self, form: dict[str, Any], files: dict[str, Any]) -> None:
        """Take a form."""

    @accepts(json=fields.Integer(), required=False)
    @returns(status=200)
    def put(self, json: int | None) -> None:
        """Take a number or nothing."""

    @describe(hidden=True)
    @returns(fields.Integer())
    def delete(self) -> int:
        """Do what no document shows."""
        return 1


def make_contract(app: App | None = None) -> Contract:
    app = App("Things") if app is None else app
    app.add_resource("/things", Things)
    return Contract(app.compile())


def respond(
    contract: Contract,
    operation: str = "getThings",
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    content: bytes | None = b'"x"',
    method: str = "GET",
) -> list[tuple[str, str]]:
    given = {"Content-Type": "application/json", "X-Tags": "1, 2"} if headers is None else headers
    found = contract.check_response(operation, method=method, status=status, headers=given.items(), content=content)
    return [(breach.kind, breach.pointer) for breach in found]


def test_operation_that_is_none_has_no_contract() -> None:
    """Of what no operation answers the document says nothing."""
    contract = make_contract()
    assert contract.check_response(None, method="GET", status=404, headers=[], content=b"") == []


def test_lists_in_header_fields_are_read() -> None:
    """A list in a header field is separated by commas, in one field or in several of its name."""
    contract = make_contract()
    assert respond(contract) == []
    assert respond(contract, headers={"Content-Type": "application/json", "X-Tags": "1,x"}) == [("header", "/X-Tags/1")]
    assert respond(contract, headers={"Content-Type": "application/json", "X-Tags": ""}) == []
    several = [("Content-Type", "application/json"), ("X-Tags", "1"), ("X-Tags", "2"), ("Set-Cookie", "a=1")]
    assert contract.check_response("getThings", method="GET", status=200, headers=several, content=b'"x"') == []


@pytest.mark.parametrize(
    ("content_type", "fits"),
    [
        ("text/csv", True),
        ("Text/CSV; charset=UTF-8", True),
        ("text/csv;charset=utf-8; header=absent", False),
        ("text/csv; charset=latin-1", False),
        ("text/html", False),
    ],
)
def test_media_types_are_compared_as_such(content_type: str, fits: bool) -> None:
    """Media types are compared without regard to case; beside what is declared they may say UTF-8."""
    found = respond(make_contract(), status=201, headers={"Content-Type": content_type}, content=b"x")
    assert found == ([] if fits else [("media-type", "/Content-Type")])


def test_byte_order_mark_is_a_breach() -> None:
    """JSON that an app writes begins with no byte order mark."""
    assert respond(make_contract(), content=b'\xef\xbb\xbf"x"') == [("body", "")]


def test_unread_content_is_not_judged() -> None:
    """Where the content is not to be looked at, status, header fields and media type are."""
    contract = make_contract()
    assert respond(contract, content=None) == []
    assert respond(contract, content=None, headers={}) == [("header", "/X-Tags"), ("media-type", "/Content-Type")]


def test_head_has_no_content() -> None:
    """An answer to HEAD is what is declared of GET, without the content."""
    contract = make_contract()
    assert respond(contract, method="HEAD", content=b"") == []
    assert respond(contract, method="HEAD") == [("body", "")]


@pytest.mark.parametrize(("operation", "status"), [("postThings", 205), ("putThings", 200)])
def test_no_content_is_none(operation: str, status: int) -> None:
    """Where no content is declared there is none, whatever the empty content is called."""
    headers = {"Content-Type": "text/plain; charset=utf-8"}
    assert respond(make_contract(), operation, status=status, headers=headers, content=b"") == []
    assert respond(make_contract(), operation, status=status, headers=headers, content=b"x") == [("body", "")]


def test_hidden_operation_has_a_contract() -> None:
    """An operation that the document leaves out is held against what it would say."""
    contract = make_contract()
    assert respond(contract, "deleteThings", content=b"1") == []
    assert respond(contract, "deleteThings", content=b'"1"') == [("body", "")]


def test_last_word_is_the_document() -> None:
    """What the app makes of its document is what responses are held against: wildcards, ranges, references."""
    app = App("Things")

    @app.modify_document
    def change(document: dict[str, Any]) -> None:
        document["components"]["headers"] = {"Tags": {"schema": {}}}
        content = {"text/*": {}, "*/*": {"schema": {"type": "string"}}}
        document["paths"]["/things"]["get"]["responses"] = {
            "2XX": {
                "description": "Fine",
                "headers": {"X-Tags": {"$ref": "#/components/headers/Tags"}},
                "content": content,
            },
            "default": {"description": "Else"},
        }

    contract = make_contract(app)
    assert respond(contract, status=299, headers={"Content-Type": "text/plain"}, content=b"x") == []
    assert respond(contract, status=299, headers={"Content-Type": "image/png", "X-Tags": "x"}, content=b"x") == []
    assert respond(contract, status=500, headers={}, content=b"") == []
    exercise = contract.describe_exercise(
        "getThings", status=500, headers=[], content=b"", query_string="", request_headers=[]
    )
    assert (exercise.media_type, exercise.code) == (None, None)


def test_older_document_is_checked_as_the_newer() -> None:
    """An app that serves OpenAPI 3.0 is held against 3.1, which says the same."""
    app = App("Things", settings=Settings(openapi_version="3.0"))
    assert respond(make_contract(app), content=b"1") == [("body", "")]


class MessageSchema(Schema):
    message = fields.String()


class PlainFormat:
    media_type = "application/json"

    def schema(self, problem: type[Problem]) -> Schema:
        return MessageSchema()

    def body(self, problem: Problem, request: Request) -> Mapping[str, Any]:
        return {"message": problem.title}


def test_own_format_of_problems() -> None:
    """Where an API writes problems in a way of its own, without codes, their schema is what counts."""
    contract = make_contract(App("Things", problem_format=PlainFormat()))
    headers = {"Content-Type": "application/json"}
    assert respond(contract, status=400, headers=headers, content=b'{"message": "x"}') == []
    assert respond(contract, status=400, headers=headers, content=b'{"code": "x"}') == [
        ("body", "/code"),
        ("body", "/message"),
    ]


class CodedFormat:
    media_type = "application/json"

    def schema(self, problem: type[Problem]) -> Schema:
        code = fields.String(required=True, validate=validate.Equal(problem.code))
        detail = Schema.from_dict({"code": code}, name=f"{problem.__name__}Detail")
        return Schema.from_dict({"error": fields.Nested(detail)}, name=f"{problem.__name__}Error")()

    def body(self, problem: Problem, request: Request) -> Mapping[str, Any]:
        return {"error": {"code": problem.code}}


def test_own_format_of_problems_may_state_codes() -> None:
    """Where the schemas of an own format state their codes, wherever they stand, an undeclared problem is a breach."""
    contract = make_contract(App("Things", problem_format=CodedFormat()))
    headers = {"Content-Type": "application/json"}
    assert respond(contract, status=400, headers=headers, content=b'{"error": {"code": "bad-request"}}') == []
    assert respond(contract, status=400, headers=headers, content=b'{"error": {"code": "odd"}}') != []


def request(contract: Contract, operation: str, query: str = "", content: bytes = b"", **headers: str) -> list[Breach]:
    fields = [(name.replace("_", "-"), value) for name, value in headers.items()]
    return contract.check_request(operation, query_string=query, headers=fields, content=content)


@pytest.mark.parametrize(
    ("query", "pointers"),
    [
        ("filter[genre]=novel&ids=1,2", []),
        ("filter[genre]=novel&ids=1,x", ["/query/ids/1"]),
        ("ids=1", ["/query/filter"]),
        ("filter[genre]=x", ["/query/filter/genre"]),
        ("filter[odd]=x", ["/query/filter/odd"]),
        ("filter[genre]=novel&filter[genre]=novel", ["/query/filter/genre"] * 2),
        ("filter[years]=1&filter[years]=2", []),
        ("filter[years]=1,2", []),
        ("filter[years]=1,x", ["/query/filter/years/0"]),
        ("filter[inner][size]=1", []),
        ("filter[inner][size]=x", ["/query/filter/inner/size"]),
        ("filter[maybe]=x", ["/query/filter/maybe"]),
        ("filter[maybe]=7", []),
        ("filter[few][size]=x", ["/query/filter/few/size"]),
        ("filter[any]=x", []),
        ("filter[genre]=novel&page=1&page=2", ["/query/page"]),
        ("filter[genre]=novel&a~b=1", ["/query/a~0b"]),
    ],
)
def test_queries_are_read_by_their_styles(query: str, pointers: list[str]) -> None:
    """Lists with commas are judged; of an object in brackets it is known that it is there."""
    assert [breach.pointer for breach in request(make_contract(), "getThings", query)] == pointers


def test_forms_are_known_by_their_media_type() -> None:
    """Of a form the media type is checked, whatever its boundary, and nothing else."""
    contract = make_contract()
    assert request(contract, "postThings", content=b"--x--", content_type="multipart/form-data; boundary=x") == []
    (breach,) = request(contract, "postThings", content=b"{}", content_type="application/json")
    assert (breach.pointer, breach.declared) == ("/headers/Content-Type", "multipart/form-data")


def test_body_may_be_left_out_where_it_is_not_required() -> None:
    """A body that is optional may be missing, and is judged where it is there."""
    contract = make_contract()
    assert request(contract, "putThings") == []
    (breach,) = request(contract, "deleteThings", content=b"x")
    assert (breach.pointer, breach.declared) == ("", "no request body")
    (breach,) = request(contract, "putThings", content=b'"x"', content_type="application/json")
    assert str(breach) == "putThings request: request at '/json': declared integer; got \"x\""
