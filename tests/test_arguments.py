"""Arguments: what a handler is given, and what its content may be."""

from __future__ import annotations

import re
from typing import Any

import pytest
from marshmallow import Schema, fields, post_load

from ramekin import App, Resource, Settings, accepts, limits, returns
from ramekin.arguments import content_types, parse_content_type
from ramekin.errors import DeclarationError
from ramekin.fields import Upload
from ramekin.operations import Declaration, Operation
from ramekin.requests import REMEMBERED
from ramekin.testing import Client

NO_PAGES = Settings(openapi_path=None, docs_path=None)


def build(*declarations: Declaration, method: str = "post") -> App:
    """Return an app whose one handler sends back what it was given."""
    app = App("Given", settings=NO_PAGES)

    def handler(self: Any, **given: Any) -> Any:
        return given

    for declaration in (returns(fields.Raw()), *declarations):
        handler = declaration(handler)
    app.add_resource("/<int:n>", type("Given", (Resource,), {method: handler}))
    return app


def operation_of(*declarations: Declaration, method: str = "post") -> Operation:
    """Return the operation of such an app."""
    return build(*declarations, method=method).compile().operations[0]


def test_each_location_has_its_parameter() -> None:
    """Path values come by their own names, inputs by those of their locations."""
    app = build(
        accepts(
            query={"q": fields.Integer()},
            json={"j": fields.Integer()},
            headers={"x_h": fields.Integer()},
            cookies={"c": fields.Integer()},
        )
    )
    result = Client(app).post("/7?q=1", json={"j": 2}, headers={"X-H": "3"}, cookies={"c": "4"})
    assert result.json == {"n": 7, "query": {"q": 1}, "json": {"j": 2}, "headers": {"x_h": 3}, "cookies": {"c": 4}}


def test_the_faults_of_all_locations_come_together() -> None:
    """One 422 names every location at fault."""
    app = build(
        accepts(
            query={"q": fields.Integer()},
            json={"j": fields.Integer()},
            headers={"x-h": fields.Integer()},
            cookies={"c": fields.Integer()},
        )
    )
    result = Client(app).post("/7?q=x", json={"j": "x"}, headers={"X-H": "x"}, cookies={"c": "x"})
    assert {error["location"] for error in result.problem["errors"]} == {"query", "json", "headers", "cookies"}


def test_schemas_of_one_location_unite() -> None:
    """What several levels declare for one location arrives in one mapping, with one list of faults."""
    app = build(accepts(query={"a": fields.Integer()}), accepts(query={"b": fields.Integer(load_default=5)}))
    client = Client(app)
    assert client.post("/1?a=1").json["query"] == {"a": 1, "b": 5}
    assert len(client.post("/1?a=x&b=y&c=z").problem["errors"]) == 3


def test_a_united_schema_has_to_load_a_mapping() -> None:
    """One of several schemas that makes an object of its own cannot unite, and says so."""

    class Objects(Schema):
        a = fields.Integer()

        @post_load
        def make(self, data: Any, **kwargs: Any) -> list[Any]:
            return list(data.items())

    client = Client(build(accepts(query=Objects), accepts(query={"b": fields.Integer()})))
    with pytest.raises(TypeError, match="Objects is one of several schemas for query, so it has to load a mapping"):
        client.post("/1?a=1")
    assert Client(build(accepts(query=Objects))).post("/1?a=1").json["query"] == [["a", 1]]


def test_a_body_that_is_not_required_may_be_missing() -> None:
    """Without content the parameter is None; with content it is judged."""
    client = Client(build(accepts(json={"j": fields.Integer()}, required=False)))
    assert client.post("/1").json["json"] is None
    assert client.post("/1", content=b"", content_type="application/json").json["json"] is None
    assert client.post("/1", json={"j": 1}).json["json"] == {"j": 1}
    assert client.post("/1", json={"j": "x"}).status == 422
    assert client.post("/1", content=b"x", content_type="text/plain").status == 415


def test_a_form_that_is_not_required_may_be_missing() -> None:
    """Both parts of a multipart body are None then."""
    client = Client(build(accepts(form={"a": fields.String()}, files={"f": Upload()}, required=False)))
    assert client.post("/1").json == {"n": 1, "form": None, "files": None}


def test_a_form_that_is_required_may_not_be_missing() -> None:
    """Without content a required form is 400, whatever its fields require."""
    client = Client(build(accepts(form={"a": fields.String()})))
    assert client.post("/1", content_type="application/x-www-form-urlencoded").status == 400


@pytest.mark.parametrize(
    ("declarations", "expected"),
    [
        ([accepts(json={})], ("application/json",)),
        ([accepts(json={}, media_types=["application/vnd.a+json"])], ("application/vnd.a+json",)),
        ([accepts(form={"a": fields.String()})], ("application/x-www-form-urlencoded", "multipart/form-data")),
        ([accepts(files={"f": Upload()})], ("multipart/form-data",)),
        ([accepts(query={"q": fields.String()})], ()),
    ],
)
def test_the_content_types_follow_from_the_inputs(declarations: list[Declaration], expected: tuple[str, ...]) -> None:
    """Each kind of body has its media types."""
    assert set(content_types(operation_of(*declarations))) == set(expected)


@pytest.mark.parametrize(
    ("given", "status"),
    [("application/vnd.a+json", 200), ("Application/VND.A+JSON", 200), ("application/json", 415), ("a/b+json", 415)],
)
def test_stated_media_types_are_the_only_ones(given: str, status: int) -> None:
    """Where media types are stated no other +json type is taken."""
    client = Client(build(accepts(json={}, media_types=["application/vnd.a+json"])))
    assert client.post("/1", content=b"{}", content_type=given).status == status


@pytest.mark.parametrize(
    ("method", "header"), [("post", "Accept-Post"), ("patch", "Accept-Patch"), ("put", "Accept"), ("delete", "Accept")]
)
def test_a_415_says_what_is_taken(method: str, header: str) -> None:
    """POST and PATCH have a field of their own, the others use Accept (RFC 9110 §15.5.16)."""
    client = Client(build(accepts(json={}), method=method))
    assert client.request(method.upper(), "/1", content=b"x", content_type="a/b").headers[header] == "application/json"


def test_spellings_are_remembered_within_a_bound() -> None:
    """However many spellings come, good ones stay good and bad ones bad."""
    client = Client(build(accepts(json={})))
    for number in range(2 * REMEMBERED):
        assert client.post("/1", content=b"{}", content_type=f"application/json; n={number}").status == 200
        assert client.post("/1", content=b"{}", content_type=f"text/json; n={number}").status == 415
        assert client.post("/1", json={}, headers={"Accept": f"application/json; n={number}, */*"}).status == 200


@pytest.mark.parametrize(
    ("value", "parsed"),
    [
        ("Text/HTML; Charset=UTF-8", ("text/html", {"charset": "UTF-8"})),
        ('a/b;c="d;e"', ("a/b", {"c": "d;e"})),
        ("", ("", {})),
    ],
)
def test_content_types_are_parsed(value: str, parsed: Any) -> None:
    """The media type is lower case; parameters are unquoted."""
    assert parse_content_type(value) == parsed


def test_files_have_a_limit_of_their_own() -> None:
    """A body with files may be as long as `multipart_bytes`, others as `body_bytes`."""
    change = limits(body_bytes=10, multipart_bytes=20)
    assert operation_of(accepts(json={}), change).body_bytes == 10
    assert operation_of(accepts(files={"f": Upload()}), change).body_bytes == 20


def test_no_more_faults_than_the_limit_are_reported() -> None:
    """The limit counts over all locations."""
    client = Client(
        build(accepts(query={"q": fields.Integer()}, json={"j": fields.Integer()}), limits(reported_errors=1))
    )
    assert len(client.post("/1?q=x", json={"j": "x"}).problem["errors"]) == 1


def test_json_beside_a_form_is_refused() -> None:
    """A request has one body."""
    with pytest.raises(DeclarationError, match=re.escape("json beside form or files")):
        build(accepts(json={"a": fields.String()}), accepts(form={"b": fields.String()}))


def test_uploads_are_closed_after_the_answer() -> None:
    """What was opened for a request is closed with it, after invalid input too."""
    files: list[Any] = []
    app = App("Uploads", settings=NO_PAGES)

    @app.resource("/")
    class Uploads(Resource):
        @accepts(files={"f": Upload()}, query={"q": fields.Integer()})
        @returns(status=204)
        def post(self, files: Any, query: Any) -> None:
            opened.append(files["f"])

    opened = files
    client = Client(app)
    assert client.post("/", files={"f": ("a.txt", b"x", "text/plain")}).status == 204
    assert files[0].stream.closed
    assert client.post("/?q=x", files={"f": ("a.txt", b"x", "text/plain")}).status == 422


def test_faults_of_headers_have_the_names_of_the_document() -> None:
    """The pointer leads to the header field, not to the name that the schema has for it."""
    declared: dict[str, Any] = {
        "x_a": fields.Integer(required=True),
        "x_list": fields.List(fields.Integer()),
        "n": fields.Integer(),
    }
    headers = {"X-List": "1, b", "N": "\xff"}
    problem = Client(build(accepts(headers=declared))).post("/7", headers=headers).problem
    assert {fault["pointer"] for fault in problem["errors"]} == {"/X-A", "/X-List/1", "/N"}
