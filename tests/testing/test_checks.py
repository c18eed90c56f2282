from __future__ import annotations

import enum
import json
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from marshmallow import Schema, fields, validate

from ramekin import App, Reply, Resource, accepts, raises, returns
from ramekin.problems import Gone, NotFound
from ramekin.testing import CallError, Client, ContractBreach, Exercise, ResultError, observers
from ramekin.testing.values import dump_value

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

    from ramekin.sites import Site


class Genre(enum.Enum):
    NOVEL = "novel"


class AuthorSchema(Schema):
    name = fields.String(attribute="full_name", data_key="fullName")


class BookSchema(Schema):
    id = fields.UUID(dump_only=True)
    title = fields.String(required=True, validate=validate.Length(max=20))
    genre = fields.Enum(Genre, by_value=True, load_default=Genre.NOVEL)
    printed = fields.Date(load_default=None, allow_none=True)
    authors = fields.List(fields.Nested(AuthorSchema), load_default=list)


BOOK = {
    "id": UUID(int=1),
    "title": "Emma",
    "genre": Genre.NOVEL,
    "printed": date(1815, 12, 23),
    "authors": [{"full_name": "Jane Austen"}],
}
THEMES = ["dark", "dark blue", "a,b", 'say "no"', "größe", "a;b", ""]
QUERY: dict[str, fields.Field[Any]] = {
    "title": fields.String(),
    "limit": fields.Integer(validate=validate.Range(max=10)),
    "tags": fields.List(fields.Integer()),
}


class Books(Resource):
    @accepts(
        query=QUERY,
        headers={"x_shelf": fields.Integer(required=True)},
        cookies={"theme": fields.String(validate=validate.OneOf(THEMES))},
    )
    @returns(BookSchema(many=True))
    def get(self, query: dict[str, Any], headers: dict[str, Any], cookies: dict[str, Any]) -> list[Any]:
        """List."""
        return [BOOK]

    @accepts(json=BookSchema)
    @returns(BookSchema, status=201)
    def post(self, json: dict[str, Any]) -> dict[str, Any]:
        """Add."""
        return {**json, "id": UUID(int=2)}


class BookItem(Resource):
    @returns(BookSchema)
    @raises(NotFound)
    def get(self, book_id: int) -> Any:
        """Show, or misbehave as the id says."""
        if book_id == 2:
            raise Gone
        if book_id == 3:
            raise NotFound
        return BOOK if book_id == 1 else {**BOOK, "title": "x" * 30}

    @returns(fields.String(), media_type="text/csv")
    def put(self, book_id: int) -> Iterator[str]:
        """Stream without end."""
        while True:
            yield "line\n"

    @returns(status=204)
    def delete(self, book_id: int) -> None:
        """Delete."""


@pytest.fixture
def app() -> App:
    app = App("Bookshop")
    app.add_resource("/books", Books)
    app.add_resource("/books/<int:book_id>", BookItem)
    return app


@pytest.fixture
def client(app: App) -> Client:
    return Client(app, headers={"X-Shelf": 1})


def test_kept_contract_is_an_exercise(client: Client) -> None:
    """What kept the contract is noted: operation, status, problem, media type and the parameters that were sent."""
    client.get("/books", query={"limit": 3, "tags": [1]}, cookies={"theme": "dark"})
    client.get("/books/3")
    client.delete("/books/1")
    parameters = {("query", "limit"), ("query", "tags"), ("header", "X-Shelf"), ("cookie", "theme")}
    item = frozenset({("path", "book_id")})
    assert client.exercises == [
        Exercise(
            operation="getBooks", status=200, code=None, media_type="application/json", parameters=frozenset(parameters)
        ),
        Exercise(
            operation="getBookItem",
            status=404,
            code="not-found",
            media_type="application/problem+json",
            parameters=item,
        ),
        Exercise(operation="deleteBookItem", status=204, code=None, media_type=None, parameters=item),
    ]


def test_breach_is_raised(client: Client) -> None:
    """A response that breaks the contract fails the test, and says what was declared where and what came."""
    with pytest.raises(ContractBreach) as caught:
        client.get("/books/4")
    (breach,) = caught.value.breaches
    assert str(breach) == ("getBookItem 200: body at '/title': declared at most 20 characters; got \"" + "x" * 30 + '"')
    assert client.exercises == []


def test_undeclared_problem_is_a_breach(client: Client) -> None:
    """A problem that the operation does not declare is answered as it is, and breaks the contract."""
    with client.expect_breach("status") as breaches:
        result = client.get("/books/2")
    assert result.problem["code"] == "gone"
    assert breaches[0].got.startswith("410 application/problem+json")


def test_expected_breach_has_to_come(client: Client) -> None:
    """A block that expects a breach fails without one, and lets breaches of other kinds through."""
    with (
        pytest.raises(AssertionError, match="No breach of kind 'header' came in the with block"),
        client.expect_breach("header"),
    ):
        client.get("/books/1")
    with pytest.raises(AssertionError, match="No breach came in the with block"), client.expect_breach():
        client.get("/books/1")
    with pytest.raises(ContractBreach, match="status"), client.expect_breach("header"):
        client.get("/books/2")


def test_expected_breach_is_of_a_known_kind(client: Client) -> None:
    """A kind that there is none of is refused, and the kinds are named."""
    with pytest.raises(CallError, match="no kind 'boddy'; the kinds are status, media-type, header, body, problem"):
        client.expect_breach("boddy").__enter__()  # type: ignore[arg-type]


def test_check_can_be_left_out(app: App) -> None:
    """A client without the check notes nothing, raises nothing and can expect nothing."""
    client = Client(app, contract=False)
    assert client.get("/books/2").status == 410
    assert client.exercises == []
    with pytest.raises(CallError, match="contract=False"), client.expect_breach():
        pass


@pytest.mark.parametrize(("method", "path"), [("GET", "/nowhere"), ("PUT", "/books"), ("OPTIONS", "/books")])
def test_answers_of_no_operation_pass(client: Client, method: str, path: str) -> None:
    """404, 405 and OPTIONS that no operation answers are none of the document's affair."""
    client.request(method, path)
    assert client.exercises == []


def test_document_and_page_are_checked(client: Client) -> None:
    """What the document hides has a contract like any operation, the document itself included."""
    etag = client.get("/openapi.json").headers["ETag"]
    client.get("/openapi.json", headers={"If-None-Match": etag})
    client.head("/docs")
    assert [(each.operation, each.status) for each in client.exercises] == [
        ("getOpenapi", 200),
        ("getOpenapi", 304),
        ("getDocs", 200),
    ]


def test_streams_are_not_read(client: Client) -> None:
    """Of a stream that the test reads itself the head is checked."""
    with client.request("PUT", "/books/1", stream=True) as result:
        assert next(result.iter()) == b"line\n"
    assert client.exercises[0].media_type == "text/csv"


def test_redirects_are_followed_and_checked(app: App) -> None:
    """The response at the end of redirects is checked, too."""

    class Shelf(Resource):
        @returns(fields.Integer())
        def get(self) -> Any:
            """Answer wrongly."""
            return Reply("x")

    app.add_resource("/shelf/", Shelf)
    client = Client(app, raise_exceptions=False)
    client.get("/shelf", follow_redirects=True)
    assert [(each.operation, each.status) for each in client.exercises] == [("getShelf", 500)]


def test_middleware_is_checked_too(app: App) -> None:
    """What middleware makes of a response is what clients get, and what is held against the document."""
    inner = app.compile().wsgi

    def spoil(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        content = b"".join(inner(environ, lambda *head: start_response("200 OK", [("Content-Type", "text/html")])))
        return [content]

    app.wsgi = spoil
    client = Client(app)
    with client.expect_breach("media-type") as breaches:
        client.get("/books/1")
    assert breaches[0].declared == "application/json"


def test_observers_are_told(client: Client) -> None:
    """Whoever asks is told of every exercise, with the site."""
    seen: list[tuple[Site, Exercise]] = []

    def observe(site: Site, exercise: Exercise) -> None:
        seen.append((site, exercise))

    observers.append(observe)
    try:
        client.get("/books/1")
    finally:
        observers.remove(observe)
    assert seen == [(client.site, client.exercises[0])]


# -- Requests ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "pointer"),
    [
        ({"query": {"limit": 11}}, "/query/limit"),
        ({"query": {"limit": "many"}}, "/query/limit"),
        ({"query": {"tags": ["1", "x"]}}, "/query/tags/1"),
        ({"query": {"author": "x"}}, "/query/author"),
        ({"headers": {"X-Shelf": "top"}}, "/headers/X-Shelf"),
        ({"headers": {"X-Shelf": None}}, "/headers/X-Shelf"),
    ],
)
def test_invalid_parameters_are_refused(client: Client, options: dict[str, Any], pointer: str) -> None:
    """A request that the test says is valid is held against the document before it is sent."""
    with pytest.raises(ContractBreach) as caught:
        client.get("/books", valid=True, **options)
    assert [(breach.kind, breach.pointer) for breach in caught.value.breaches] == [("request", pointer)]
    assert client.exercises == []


@pytest.mark.parametrize(
    ("options", "pointer"),
    [
        ({"json": {"title": 1}}, "/json/title"),
        ({"json": {"title": "x", "isbn": "x"}}, "/json/isbn"),
        ({"json": {"title": "x", "id": 1}}, "/json/id"),
        ({"json": {}}, "/json/title"),
        ({"json": []}, "/json"),
        ({"content": "{", "content_type": "application/json"}, "/json"),
        ({"content": "x", "content_type": "text/plain"}, "/headers/Content-Type"),
        ({}, ""),
    ],
)
def test_invalid_content_is_refused(client: Client, options: dict[str, Any], pointer: str) -> None:
    """Content that the operation does not declare is refused before it is sent."""
    with pytest.raises(ContractBreach) as caught:
        client.post("/books", valid=True, **options)
    assert [breach.pointer for breach in caught.value.breaches] == [pointer]


@pytest.mark.parametrize(
    ("options", "pointer"),
    [({"query": {"odd": 1}}, "/query/odd"), ({"json": {}}, ""), ({"content": "x", "content_type": "text/plain"}, "")],
)
def test_what_is_not_declared_at_all_is_refused(client: Client, options: dict[str, Any], pointer: str) -> None:
    """A valid request has no query and no body where the operation declares none."""
    with pytest.raises(ContractBreach) as caught:
        client.delete("/books/1", valid=True, **options)
    assert [breach.pointer for breach in caught.value.breaches] == [pointer]


@pytest.mark.parametrize(("method", "path"), [("GET", "/nowhere"), ("PUT", "/books")])
def test_valid_request_is_for_an_operation(client: Client, method: str, path: str) -> None:
    """A request that no operation answers is not valid."""
    with pytest.raises(CallError, match="no operation of Bookshop answers it"):
        client.request(method, path, valid=True)


def test_valid_requests_pass(client: Client) -> None:
    """What the document declares is sent."""
    assert client.get("/books", query={"limit": 10, "tags": [1, 2]}, valid=True).status == 200
    assert client.post("/books", json={"title": "Emma"}, valid=True).status == 201
    assert client.delete("/books/1", valid=True).status == 204


@pytest.mark.parametrize("theme", THEMES)
def test_cookies_are_judged_by_their_values(client: Client, theme: str) -> None:
    """A cookie that has to be quoted is judged by what it stands for."""
    assert client.get("/books", cookies={"theme": theme}, valid=True).status == 200


def test_calls_are_valid(client: Client) -> None:
    """A call is refused at once where its values are not accepted; `valid=False` sends them all the same."""
    with pytest.raises(ContractBreach, match="/json/title"):
        client.call(Books.post, json={"title": 1})
    assert client.call(Books.post, valid=False, json={"title": 1}).status == 422
    assert client.call("postBooks", json={"title": "Emma"}).status == 201


# -- Values -----------------------------------------------------------------------------------------------------------


def test_value_is_loaded(client: Client) -> None:
    """The value of a result is what its JSON stands for, by the declared schema; the bytes stay beside it."""
    result = client.call(BookItem.get, book_id=1)
    assert result.value == BOOK
    assert result.json["printed"] == "1815-12-23"
    assert client.get("/books").value == [BOOK]
    assert client.call(Books.post, json={"title": "Emma"}).value["printed"] is None


class Kind(enum.Enum):
    mouse = "Mouse"


class Digit(enum.Enum):
    ONE = 1


class PetSchema(Schema):
    kind = fields.Enum(Kind)
    kinds = fields.List(fields.Enum(Kind, by_value=True))
    age = fields.TimeDelta(precision="days")
    by_name = fields.Dict(keys=fields.String(), values=fields.Nested(Schema.from_dict({"kind": fields.Enum(Kind)})))
    born = fields.Date(format="%d.%m.%Y")


class Pets(Resource):
    @accepts(json=PetSchema, query={"kind": fields.Enum(Kind), "since": fields.TimeDelta()})
    @returns(PetSchema)
    def put(self, json: dict[str, Any], query: dict[str, Any]) -> dict[str, Any]:
        """Answer what came."""
        return json


def test_call_takes_the_values_that_a_result_gives() -> None:
    """Members of an Enum, durations and dates are sent as their fields dump them, and come back as the same."""
    app = App("Pets")
    app.add_resource("/pets", Pets)
    pet = {
        "kind": Kind.mouse,
        "kinds": [Kind.mouse],
        "age": timedelta(days=3),
        "by_name": {"Tim": {"kind": Kind.mouse}},
        "born": date(2020, 2, 29),
    }
    query = {"kind": Kind.mouse, "since": timedelta(seconds=5)}
    result = Client(app).call(Pets.put, json=pet, query=query)
    assert result.json["kind"] == "mouse"
    assert result.value == pet
    assert Client(app).call(Pets.put, json=result.json, query={}).value == pet
    assert dump_value(fields.Enum(Digit, by_value=fields.Integer()), Kind.mouse) is Kind.mouse
    assert dump_value(PetSchema(many=True), [{"kind": Kind.mouse}, 1]) == [{"kind": "mouse"}, 1]
    assert dump_value(fields.Nested(PetSchema, many=True), [{"kind": Kind.mouse}]) == [{"kind": "mouse"}]
    assert Client(app).call(Pets.put, valid=False, json={"kinds": 1, "by_name": 2}, query={}).status == 422


def test_value_needs_a_schema(client: Client) -> None:
    """A problem, no content and a path of no operation have no value."""
    for result in (client.get("/books/3"), client.delete("/books/1"), client.get("/nowhere")):
        with pytest.raises(ResultError, match="declared schema"):
            _ = result.value


def test_values_of_every_structure() -> None:
    """Tuples, dicts, plucked members and bare fields are turned back, too."""

    class Item(Resource):
        @returns(
            {
                "pair": fields.Tuple([fields.Date(), fields.Integer()]),
                "days": fields.Dict(keys=fields.UUID(), values=fields.Date()),
                "free": fields.Dict(),
                "name": fields.Pluck(AuthorSchema, "name"),
                "names": fields.Pluck(AuthorSchema, "name", many=True),
                "author": fields.Nested(AuthorSchema),
            }
        )
        def get(self) -> Any:
            """Show."""
            day = date(2026, 1, 2)
            ada = {"full_name": "Ada"}
            return {
                "pair": (day, 1),
                "days": {UUID(int=1): day},
                "free": {"a": 1},
                "name": ada,
                "names": [ada],
                "author": ada,
            }

        @returns(fields.DateTime())
        def post(self) -> Any:
            """Show a time."""
            return datetime(2026, 1, 2, tzinfo=UTC)

    app = App("Values")
    app.add_resource("/", Item)
    client = Client(app)
    day = date(2026, 1, 2)
    assert client.get("/").value == {
        "pair": (day, 1),
        "days": {UUID(int=1): day},
        "free": {"a": 1},
        "name": "Ada",
        "names": ["Ada"],
        "author": {"full_name": "Ada"},
    }
    assert client.post("/").value == datetime(2026, 1, 2, tzinfo=UTC)


def test_value_that_is_none(app: App) -> None:
    """Content that the schema did not dump has no value."""
    inner = app.compile().wsgi

    def spoil(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        book = json.loads(b"".join(inner(environ, start_response)))
        return [json.dumps({**book, "printed": "yesterday"}).encode()]

    app.wsgi = spoil
    with pytest.raises(ResultError, match="not what is declared"):
        _ = Client(app, contract=False, validate=False).get("/books/1").value
