"""The document as a whole."""

from __future__ import annotations

import json
from typing import Any, Literal

import openapi_spec_validator
import pytest
from marshmallow import Schema, fields, validate
from tests.openapi.conftest import document_of

from ramekin import App, Resource, accepts, describe, raises, returns
from ramekin.errors import DeclarationError
from ramekin.fields import Upload
from ramekin.openapi.document import build_document
from ramekin.openapi.info import Info
from ramekin.operations import Declaration, Effects, Endpoint, Operation
from ramekin.problems import Conflict, ProblemDetails

versions = pytest.mark.parametrize("version", ["3.1", "3.0"])


class NodeSchema(Schema):
    id = fields.UUID(dump_only=True)
    name = fields.String(required=True, validate=[validate.Length(1, 9), validate.Regexp(r"\w+")])
    kind = fields.String(validate=validate.OneOf(["a", "b"]), allow_none=True, metadata={"example": "a"})
    parent = fields.Nested(
        lambda: NodeSchema(exclude=("children",)), allow_none=True, metadata={"description": "Above."}
    )
    children = fields.List(fields.Nested(lambda: NodeSchema(only=None)), metadata={"x-order": 1})
    weight = fields.Decimal(validate=validate.Range(0, min_inclusive=False), load_default="1.5")
    pair = fields.Tuple([fields.Integer(), fields.IP(allow_none=True)])
    extra = fields.Dict(keys=fields.String(), values=fields.Raw())


class Nodes(Resource):
    """All **nodes**."""

    @accepts(
        query={"near": fields.Dict(), "ids": fields.List(fields.Integer(), metadata={"explode": False})},
        headers={"x_trace": fields.String()},
        cookies={"theme": fields.String(validate=validate.OneOf(["dark"]))},
    )
    @returns(NodeSchema(many=True), headers={"X-Total": fields.Integer()})
    def get(self, query: Any, headers: Any, cookies: Any) -> Any:
        """List nodes.

        In *Markdown*.
        """

    @accepts(form={"node": fields.Nested(NodeSchema)}, files={"cover": Upload(media_types=["image/png"])})
    @returns(NodeSchema, status=201)
    @raises(Conflict)
    def post(self, form: Any, files: Any) -> Any: ...

    @accepts(json=NodeSchema(partial=True))
    @returns(NodeSchema(only=("id", "name")))
    @returns(fields.String(), media_type="text/plain")
    @describe(deprecated=True, tags=["Other"], extensions={"x-mine": {"a": (1, 2)}}, operation_id="change")
    def patch(self, json: Any) -> Any: ...


@versions
def test_document_is_valid(version: Literal["3.1", "3.0"]) -> None:
    """A document with something of everything is valid by the specification's own schema, and plain JSON."""
    document = document_of(Nodes, version=version)
    openapi_spec_validator.validate(document)
    assert json.loads(json.dumps(document)) == document


def test_members_come_in_a_readable_order() -> None:
    """The document begins with what it is."""
    document = document_of(Nodes)
    assert list(document) == ["openapi", "info", "servers", "security", "tags", "paths", "components"]
    assert (document["openapi"], document["security"]) == ("3.1.0", [])
    assert document_of(Nodes, version="3.0")["openapi"] == "3.0.3"


def test_building_twice_gives_the_same() -> None:
    """Nothing in a document depends on when it is built."""
    assert json.dumps(document_of(Nodes)) == json.dumps(document_of(Nodes))


def test_operation_is_described_by_its_docstring() -> None:
    """The docstring's first line is the summary, the rest the description; where there is none, the summary is both."""
    item = document_of(Nodes)["paths"]["/nodes"]
    assert (item["get"]["summary"], item["get"]["description"]) == ("List nodes", "In *Markdown*.")
    assert item["post"]["summary"] == item["post"]["description"]
    assert (item["patch"]["operationId"], item["patch"]["deprecated"]) == ("change", True)
    assert item["patch"]["x-mine"] == {"a": [1, 2]}


def test_tags_come_from_resources_and_are_described() -> None:
    """A resource is a tag with its docstring; every tag has a description."""
    assert document_of(Nodes)["tags"] == [
        {"name": "Nodes", "description": "All **nodes**."},
        {"name": "Other", "description": "Operations of Other."},
    ]


def test_operation_may_have_no_tag() -> None:
    """An operation that says so belongs to no group."""

    class Things(Resource):
        @returns(status=204)
        @describe(tags=[])
        def get(self) -> None: ...

    document = document_of(Things)
    assert "tags" not in document["paths"]["/things"]["get"]
    assert "tags" not in document


def test_stated_tags_come_first() -> None:
    """Tags that the app states keep their order and their words."""
    found = document_of(Nodes, tags=[{"name": "Other", "description": "O."}, {"name": "Unused"}])["tags"]
    assert [tag["name"] for tag in found] == ["Other", "Unused", "Nodes"]
    assert found[0]["description"] == "O."


def test_info() -> None:
    """What is said of the API stands in the document."""
    document = document_of(
        Nodes,
        summary="S.",
        description="D.",
        terms_of_service="https://a.example/terms",
        contact={"name": "A"},
        license={"name": "MIT", "identifier": "MIT"},
        external_docs={"url": "https://a.example"},
        extensions={"x-root": True},
    )
    assert document["info"] == {
        "title": "Test",
        "version": "1",
        "summary": "S.",
        "description": "D.",
        "termsOfService": "https://a.example/terms",
        "contact": {"name": "A"},
        "license": {"name": "MIT", "identifier": "MIT"},
    }
    assert (document["externalDocs"], document["x-root"]) == ({"url": "https://a.example"}, True)


def test_info_in_the_older_version() -> None:
    """3.0 knows no summary and no licence identifier; the licence has the URL of its text."""
    info = document_of(Nodes, version="3.0", summary="S.", license={"name": "MIT", "identifier": "MIT"})["info"]
    assert "summary" not in info
    assert info["license"] == {"name": "MIT", "url": "https://spdx.org/licenses/MIT.html"}


@pytest.mark.parametrize(
    "options",
    [
        {"license": {"url": "https://a.example"}},
        {"license": {"name": "MIT", "identifier": "MIT", "url": "https://a.example"}},
        {"extensions": {"mine": 1}},
        {"tags": ({"description": "D."},)},
        {"servers": ({"description": "D."},)},
    ],
)
def test_wrong_info_is_refused(options: dict[str, Any]) -> None:
    """Members that OpenAPI does not know raise where they are stated."""
    with pytest.raises(DeclarationError, match="App"):
        Info(title="T", version="1", **options)


def test_server_is_the_mount_prefix_unless_stated() -> None:
    """Without servers of its own, the document says where the app is mounted."""
    app = App("Test")
    app.add_resource("/nodes", Nodes)
    site = app.compile()
    assert site.document()["servers"] == [{"url": "/"}]
    assert site.document(prefix="/api")["servers"] == [{"url": "/api"}]
    assert document_of(Nodes, servers=[{"url": "https://a.example"}])["servers"] == [{"url": "https://a.example"}]


def test_hidden_operation_is_left_out() -> None:
    """A hidden operation is served, and its path does not stand in the document."""

    @describe(hidden=True)
    class Secret(Resource):
        @returns(status=204)
        def get(self) -> None: ...

    assert list(document_of(Secret, Nodes)["paths"]) == ["/nodes"]


def test_operation_is_changed_by_its_declarations() -> None:
    """The function of describe(modify=…) has the last word on its operation, and sees it finished."""

    def modify(item: dict[str, Any], operation: Any) -> None:
        item["x-seen"] = [operation.id, item["responses"]["400"]["$ref"]]

    class Things(Resource):
        @returns(status=204)
        @describe(modify=modify)
        def get(self) -> None: ...

    item = document_of(Things)["paths"]["/things"]["get"]
    assert item["x-seen"] == ["getThings", "#/components/responses/BadRequest"]


def test_document_is_changed_by_the_app() -> None:
    """The functions of the app have the last word on the whole document."""
    app = App("Test")
    app.add_resource("/nodes", Nodes)
    app.modify_document(lambda document: document.update({"x-last": list(document)}))
    assert "paths" in app.compile().document()["x-last"]


class Key(Declaration):
    """Wants a key."""

    def __init__(self, header: str = "X-Key") -> None:
        self.header = header

    def effects(self, endpoint: Endpoint) -> Effects:
        scheme = {"type": "apiKey", "in": "header", "name": self.header}
        return Effects(security=({"key": ()},), security_schemes={"key": scheme})


class Locked(Resource):
    @Key()
    @returns(status=204)
    def get(self) -> None: ...


def test_operation_states_its_security() -> None:
    """A security declaration stands on its operation, and its scheme among the components."""
    document = document_of(Locked, Nodes)
    assert document["paths"]["/locked"]["get"]["security"] == [{"key": []}]
    assert "security" not in document["paths"]["/nodes"]["get"]
    assert document["components"]["securitySchemes"]["key"]["name"] == "X-Key"


def test_two_security_schemes_of_one_name_are_refused() -> None:
    """One name of a scheme means one scheme."""

    class Other(Resource):
        @Key("X-Other")
        @returns(status=204)
        def get(self) -> None: ...

    with pytest.raises(DeclarationError, match="security scheme named 'key'"):
        document_of(Locked, Other)


def operation_of(resource: type[Resource]) -> Operation:
    """Return the one operation of a resource."""
    app = App("Test")
    app.add_resource(f"/{resource.__name__.lower()}", resource)
    (operation,) = (one for one in app.compile().operations if not one.hidden)
    return operation


def build(*operations: Operation, version: Any = "3.1") -> dict[str, Any]:
    return build_document(operations, Info(title="T", version="1"), ProblemDetails(), version=version)


def test_two_operations_of_one_id_are_refused() -> None:
    """Operation ids are unique, and the error names both operations."""
    operation = operation_of(Locked)
    with pytest.raises(DeclarationError, match="operation id 'getLocked'"):
        build(operation, operation.changed(path="/elsewhere"))


def test_two_operations_of_one_place_are_refused() -> None:
    """One method of one path template is one operation."""
    operation = operation_of(Locked)
    with pytest.raises(DeclarationError, match="GET /locked"):
        build(operation, operation.changed(id="other"))


def test_unknown_version_is_refused() -> None:
    """Only the versions that are written can be asked for."""
    with pytest.raises(DeclarationError, match=r"'2\.0'.*3\.1, 3\.0"):
        build(version="2.0")
