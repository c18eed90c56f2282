"""Problems: classes that are their own declaration, and the representation that clients read."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest
from marshmallow import Schema, fields, validate

from ramekin import App, Request, Resource, Settings, accepts, raises, returns
from ramekin.errors import ContractError, DeclarationError
from ramekin.problems import (
    RESERVED_MEMBERS,
    BadRequest,
    NotFound,
    NotImplementedByServer,
    Problem,
    ProblemDetails,
    ValidationFailed,
    problem_of_status,
)
from ramekin.schemas import Fault
from ramekin.testing import Client
from ramekin.wsgi import WSGIRequest

NO_PAGES = Settings(openapi_path=None, docs_path=None)


class OutOfStock(Problem):
    """No copy is left.

    More about it.
    """

    status = 409
    members = {"left": fields.Integer(required=True), "next": fields.Date()}


@pytest.mark.parametrize(
    ("name", "code"),
    [("OutOfStock", "out-of-stock"), ("HTTPError", "http-error"), ("Gone2", "gone2"), ("NoISBN", "no-isbn")],
)
def test_the_code_comes_from_the_class_name(name: str, code: str) -> None:
    """Words of the name become lower case with hyphens."""
    assert type(name, (Problem,), {"status": 400}).code == code  # type: ignore[attr-defined]


def test_the_title_is_the_first_line_of_the_docstring() -> None:
    """A class without a docstring has its status phrase."""
    bare = type("Bare", (Problem,), {"status": 404})
    assert (OutOfStock.title, bare.title) == ("No copy is left.", "Not Found")  # type: ignore[attr-defined]


def test_what_is_stated_is_kept() -> None:
    """A stated code and title are not derived, and a subclass derives its own."""

    class Stated(Problem):
        status = 418
        code = "teapot"
        title = "Short and stout"

    class Inner(Stated):
        """Smaller."""

    assert (Stated.code, Stated.title) == ("teapot", "Short and stout")
    assert (Inner.status, Inner.code, Inner.title) == (418, "inner", "Smaller.")
    assert NotImplementedByServer.code == "not-implemented"


@pytest.mark.parametrize("status", [200, 399, 600, "404", 404.0, True, None])
def test_a_status_that_is_no_failure_is_refused(status: Any) -> None:
    """The status of a problem is an integer from 400 to 599."""
    with pytest.raises(DeclarationError, match=r"Odd\.status must be an integer from 400 to 599"):
        type("Odd", (Problem,), {"status": status})


@pytest.mark.parametrize("code", ["Out Of", "out_of", "", "-x", "x-", "é", 7])
def test_a_code_that_is_no_word_is_refused(code: Any) -> None:
    """A code is lower-case words joined by hyphens."""
    with pytest.raises(DeclarationError, match="code must be"):
        type("Odd", (Problem,), {"status": 400, "code": code})


@pytest.mark.parametrize("name", sorted(RESERVED_MEMBERS))
def test_reserved_members_are_refused(name: str) -> None:
    """Members that RFC 9457 or Ramekin gives a meaning to cannot be redefined."""
    with pytest.raises(DeclarationError, match=name):
        type("Odd", (Problem,), {"status": 400, "members": {name: fields.String()}})


@pytest.mark.parametrize("members", [{}, {"left": 1, "other": 2}, {"left": "many"}, {"left": 1, "next": "soon"}])
def test_members_are_checked_when_raised(members: dict[str, Any]) -> None:
    """A missing, undeclared or unfit member is the developer's mistake at once."""
    with pytest.raises(ContractError, match="OutOfStock was raised"):
        OutOfStock(**members)


@pytest.mark.parametrize("status", [418, 451, 499, 599, 404])
def test_any_failing_status_has_one_class(status: int) -> None:
    """A status without a declared class gets one, the same each time."""
    problem = problem_of_status(status)
    assert problem.status == status
    assert problem_of_status(status) is problem
    assert problem.code


@pytest.fixture
def app() -> App:
    """A shop that is sold out."""
    app = App("Shop", settings=NO_PAGES)

    @app.resource("/books/<name>")
    class Book(Resource):
        @raises(OutOfStock, NotFound)
        @accepts(query={"n": fields.Integer(validate=validate.Range(max=9))})
        @returns(status=204)
        def get(self, name: str, query: Any) -> None:
            if name == "none":
                raise NotFound
            raise OutOfStock("Come again.", left=0, headers={"Retry-After": "60"})

    return app


def test_a_problem_has_the_members_of_rfc_9457(client: Client) -> None:
    """Type, title, status, detail and instance stand beside code, request id and the problem's own members."""
    result = client.get("/books/a b")
    assert (result.status, result.media_type, result.headers["Retry-After"]) == (409, "application/problem+json", "60")
    problem = result.problem
    assert len(problem.pop("request_id")) == 32
    assert problem == {
        "type": "about:blank",
        "title": "No copy is left.",
        "status": 409,
        "code": "out-of-stock",
        "detail": "Come again.",
        "instance": "/books/a%20b",
        "left": 0,
    }


def test_no_detail_is_no_member(client: Client) -> None:
    """What is not known is left out, not null."""
    assert "detail" not in client.get("/books/none").problem


def test_the_type_begins_with_the_base_uri(app: App) -> None:
    """Where a base URI is set the type is that and the code."""
    client = Client(app, settings=NO_PAGES.changed(problem_base_uri="https://example.com/problems/"))
    assert client.get("/books/x").problem["type"] == "https://example.com/problems/out-of-stock"


def test_a_long_path_is_cut(client: Client) -> None:
    """The instance repeats 200 characters of the path at most, percent-coded."""
    assert len(client.get("/books/" + "x" * 5000).problem["instance"]) == 200
    assert client.get("/nowhere/" + "é" * 5000).problem["instance"] == "/nowhere/" + "%C3%A9" * 191


def test_faults_have_pointer_code_and_location(client: Client) -> None:
    """Invalid input lists its faults."""
    (fault,) = client.get("/books/x?n=10").problem["errors"]
    assert (fault["location"], fault["pointer"]) == ("query", "/n")
    assert fault.keys() == {"location", "pointer", "code", "detail"}


@pytest.mark.parametrize("problem", [OutOfStock, NotFound, ValidationFailed, BadRequest])
def test_the_schema_fits_the_body(problem: type[Problem]) -> None:
    """The documented schema of a class names every member of its body, and its status and code."""
    schema = ProblemDetails().schema(problem)
    assert {"type", "title", "status", "code"} <= schema.fields.keys()
    assert schema.validate({"status": problem.status + 1, "code": "other"}).keys() >= {"status", "code"}
    assert ("errors" in schema.fields) is (problem in (ValidationFailed, BadRequest))
    assert schema.fields.keys() >= problem.members.keys()


class Envelope:
    """Errors in a format of the app's own."""

    media_type = "application/vnd.error+json"

    def schema(self, problem: type[Problem]) -> Schema:
        """Return one schema for all problems."""
        return ErrorSchema()

    def body(self, problem: Problem, request: Request) -> Mapping[str, Any]:
        """Return the number and the text."""
        return {"error": {"number": problem.status, "text": problem.title}}


class ErrorSchema(Schema):
    error = fields.Dict(required=True)


@pytest.fixture
def enveloped() -> Client:
    """An app that answers in another error format."""
    app = App("Other", settings=NO_PAGES, problem_format=Envelope())

    @app.resource("/")
    class Root(Resource):
        @accepts(json={"n": fields.Integer()})
        @raises(OutOfStock)
        @returns(status=204)
        def post(self, json: Any) -> None:
            raise RuntimeError

    return Client(app, raise_exceptions=False)


@pytest.mark.parametrize(
    ("path", "json", "status"), [("/nowhere", {}, 404), ("/", {"n": "x"}, 422), ("/", {"n": 1}, 500)]
)
def test_one_object_makes_every_body(enveloped: Client, path: str, json: Any, status: int) -> None:
    """Unmatched requests, invalid input and bugs are written by the app's own format."""
    result = enveloped.post(path, json=json)
    assert (result.status, result.media_type) == (status, Envelope.media_type)
    assert result.json["error"]["number"] == status


def test_one_object_makes_every_schema(enveloped: Client) -> None:
    """The document describes what the format writes, under its media type."""
    document = enveloped.site.document()
    responses = document["paths"]["/"]["post"]["responses"]
    assert set(responses) >= {"204", "400", "409", "422", "500"}
    assert "Error" in document["components"]["schemas"]
    assert "application/vnd.error+json" in str(document)
    assert "application/problem+json" not in str(document)


def test_a_format_that_fails_still_answers() -> None:
    """When the app's own format raises, the client gets a plain 500 problem."""

    class Broken(Envelope):
        def body(self, problem: Problem, request: Request) -> Mapping[str, Any]:
            raise RuntimeError

    result = Client(App("Broken", settings=NO_PAGES, problem_format=Broken()), raise_exceptions=False).get("/x")
    assert (result.status, result.headers["Content-Type"]) == (500, "application/problem+json")


@pytest.mark.parametrize("headers", [{"Content-Type": "text/html"}, [("X-A", "b"), ("content-length", "3")]])
def test_a_problem_cannot_say_what_its_content_is(headers: Any) -> None:
    """The format sets the type and length of every problem."""
    with pytest.raises(ContractError, match="the format of problems sets it"):
        NotFound(headers=headers)


def test_a_detail_is_text() -> None:
    """Anything else is refused where it is raised."""
    with pytest.raises(ContractError, match="the detail 5; a detail is text"):
        NotFound(5)  # type: ignore[arg-type]


def test_a_problem_in_words_is_its_detail_or_title() -> None:
    """Logs and tracebacks show what is particular to it, if anything is."""
    assert (str(NotFound("No such book.")), str(NotFound())) == ("No such book.", NotFound.title)


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda given: pickle.loads(pickle.dumps(given))])
@pytest.mark.parametrize(
    "problem",
    [
        OutOfStock("Only one.", left=1, headers={"Retry-After": "3"}),
        ValidationFailed([Fault("json", "/a", "required", "Missing.")]),
        BadRequest("No.", faults=[Fault("json", "", "syntax", "No JSON.")]),
        problem_of_status(418)("Short."),
    ],
)
def test_problems_can_be_copied(duplicate: Any, problem: Problem) -> None:
    """A copy has the class, detail, headers, members and faults, as processes that hand on exceptions need."""
    made = duplicate(problem)
    assert (type(made), vars(made), made.args) == (type(problem), vars(problem), problem.args)


@pytest.mark.parametrize(
    ("environ", "instance"),
    [
        ({"PATH_INFO": "/a b"}, "/a%20b"),
        ({"SCRIPT_NAME": "/sh\xc3\xb6p", "PATH_INFO": "/x"}, "/sh%C3%B6p/x"),
        ({"PATH_INFO": "//evil.example/x"}, "/evil.example/x"),
        ({"SCRIPT_NAME": "/shop", "PATH_INFO": "//x"}, "/shop//x"),
        ({"REQUEST_METHOD": "OPTIONS", "PATH_INFO": "*"}, None),
        ({"REQUEST_METHOD": "CONNECT", "PATH_INFO": "example.org:443"}, None),
        ({"REQUEST_METHOD": "CONNECT", "PATH_INFO": ""}, None),
    ],
)
def test_the_instance_is_the_path_that_was_asked_for(environ: dict[str, str], instance: str | None) -> None:
    """It has the mount prefix and names no host; a target that is no path has none."""
    settings, state = Settings(request_id_header=None), {"REQUEST_METHOD": "GET", "SCRIPT_NAME": "", **environ}
    request = WSGIRequest.make(state, SimpleNamespace(settings=settings), None)
    assert ProblemDetails().body(NotFound(), request).get("instance") == instance
