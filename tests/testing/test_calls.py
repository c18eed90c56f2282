from __future__ import annotations

from datetime import date
from enum import Enum
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from marshmallow import Schema, fields

from ramekin import App, Resource, accepts, returns
from ramekin.fields import Upload
from ramekin.testing import CallError, Client


class Genre(Enum):
    NOVEL = "novel"


class FilterSchema(Schema):
    genre = fields.Enum(Genre, by_value=True)
    years = fields.List(fields.Integer(), metadata={"explode": False})


class BookQuery(Schema):
    title = fields.String()
    new = fields.Boolean()
    since = fields.Date()
    price = fields.Float()
    tags = fields.List(fields.String())
    ids = fields.List(fields.Integer(), metadata={"explode": False})
    filter = fields.Nested(FilterSchema)


class Books(Resource):
    @accepts(query=BookQuery)
    @returns(BookQuery)
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        return query

    @accepts(json={"title": fields.String(required=True), "printed": fields.Date()})
    @returns({"title": fields.String(), "printed": fields.Date(metadata={"optional": True})})
    def post(self, json: dict[str, Any]) -> dict[str, Any]:
        return json

    @accepts(json=fields.Integer(), required=False)
    @returns(fields.Raw())
    def put(self, json: int | None) -> list[Any]:
        return [json, self.request.content_type]

    @accepts(json=fields.Raw(), media_types=["application/*", "application/merge-patch+json"])
    @returns(fields.String())
    def patch(self, json: Any) -> str | None:
        return self.request.content_type


class BookItem(Resource):
    @accepts(headers={"x_shelf": fields.List(fields.Integer())}, cookies={"theme": fields.String()})
    @returns(fields.Dict())
    def get(self, book_id: int, headers: dict[str, Any], cookies: dict[str, Any]) -> dict[str, Any]:
        return {"id": book_id, **headers, **cookies}


class Covers(Resource):
    @accepts(form={"note": fields.String()}, files={"front": Upload()})
    @returns(fields.Raw())
    def put(self, uuid: UUID, name: str, form: dict[str, Any], files: dict[str, Any]) -> list[Any]:
        front = files.get("front")
        return [str(uuid), name, form, front and front.filename]


class Notes(Resource):
    @accepts(form={"note": fields.String(required=True)})
    @returns(fields.String())
    def post(self, form: dict[str, Any]) -> str:
        note: str = form["note"]
        return note


class Shelf(Resource):
    @returns(fields.String())
    def get(self) -> str:
        return self.request.path


class Attic(Shelf):
    pass


def build_app() -> App:
    app = App("Bookshop")
    app.add_resource("/books", Books)
    app.add_resource("/books/<int:book_id>", BookItem)
    app.add_resource("/covers/<uuid:uuid>/<name>", Covers)
    app.add_resource("/notes", Notes)
    app.add_resource("/shelf", Shelf)
    app.add_resource("/attic", Attic)
    return app


# These operations answer with what they were given, little of it as a query or all of it.
CLIENT = Client(build_app(), contract=False)


@pytest.mark.parametrize(
    "query",
    [
        {"title": "Emma & co", "price": 1.5},
        {"new": True, "since": "2020-02-29"},
        {"tags": ["a,b", ""], "ids": [1, 2]},
        {"ids": [], "filter": {"genre": "novel", "years": [1815, 1816]}},
    ],
)
def test_query(query: dict[str, Any]) -> None:
    """A query arrives as it was given: text, numbers, booleans, dates, lists of either spelling, objects."""
    assert CLIENT.call(Books.get, query=query).json == query


def test_query_of_python_values() -> None:
    """A query may hold what the handler would get: dates, enums."""
    result = CLIENT.call(Books.get, query={"since": date(2020, 2, 29), "filter": {"genre": Genre.NOVEL}})

    assert result.json == {"since": "2020-02-29", "filter": {"genre": "novel"}}


def test_json() -> None:
    """A JSON body may hold dates."""
    result = CLIENT.call(Books.post, json={"title": "Emma", "printed": date(1815, 12, 23)})

    assert result.json == {"title": "Emma", "printed": "1815-12-23"}


def test_unfit_json() -> None:
    """What does not fit the schema is sent, for the app to refuse."""
    assert CLIENT.call(Books.post, json={"title": 1}).problem["errors"][0]["pointer"] == "/title"


def test_json_that_may_be_missing() -> None:
    """None stands for no body where the operation takes none."""
    assert CLIENT.call(Books.put, json=None).json == [None, None]
    assert CLIENT.call(Books.put, json=3).json == [3, "application/json"]


def test_media_type() -> None:
    """A JSON body has the first media type of the operation that names one."""
    assert CLIENT.call(Books.patch, json={}).json == "application/merge-patch+json"


def test_headers_and_cookies() -> None:
    """Headers are given by their names in the schema, cookies by theirs; both may be left out."""
    result = CLIENT.call(BookItem.get, book_id=3, headers={"x_shelf": [1, 2]}, cookies={"theme": "dark"})

    assert result.json == {"id": 3, "x_shelf": [1, 2], "theme": "dark"}
    assert CLIENT.call("getBookItem", book_id=3).json == {"id": 3}


def test_a_boundary_is_as_short_as_it_has_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    """RFC 2046 §5.1.1 allows 70 characters, which Werkzeug's own boundaries pass where the random number is long."""
    monkeypatch.setattr("werkzeug.test.random", lambda: 0.0012345678901234567)
    monkeypatch.setattr("werkzeug.test.time", lambda: 1795656075.1234567)

    assert CLIENT.call("putCovers", uuid=UUID(int=7), name="c", form={"note": "x"}).status == 200


def test_form_and_files() -> None:
    """A form of an operation that takes files is multipart, files or not."""
    uuid = UUID(int=7)
    with_file = CLIENT.call(Covers.put, uuid=uuid, name="b é?", form={"note": "x"}, files={"front": ("a.png", b"")})
    without = CLIENT.call("putCovers", uuid=uuid, name="c", form={"note": "x"})

    assert with_file.json == [str(uuid), "b é?", {"note": "x"}, "a.png"]
    assert without.json == [str(uuid), "c", {"note": "x"}, None]


def test_operation_id() -> None:
    """An operation is called by its id, too; a method inherited by two resources is called so only."""
    assert CLIENT.call("getAttic").json == "/attic"
    with pytest.raises(CallError) as caught:
        CLIENT.call(Attic.get)
    assert str(caught.value) == (
        "Shelf.get answers several operations: 'getShelf' (GET /shelf), 'getAttic' (GET /attic). "
        "Give the id instead of the function."
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "getBookItem (GET /books/{book_id}) takes book_id, headers, cookies; missing: book_id."),
        ({"book_id": 3, "json": 1}, "takes book_id, headers, cookies; given beside that: json."),
        ({"number": 3}, "given beside that: number. missing: book_id."),
        ({"book_id": "three"}, "getBookItem: the path /books/{book_id} cannot hold what is given: "),
        ({"book_id": 3, "cookies": {"theme": []}}, "Cookie theme has to be text, a number, a boolean,"),
    ],
)
def test_unfit_arguments(arguments: dict[str, Any], message: str) -> None:
    """An argument too many, one missing or one of no fitting kind is refused, with what the operation takes."""
    with pytest.raises(CallError) as caught:
        CLIENT.call("getBookItem", **arguments)
    assert message in str(caught.value)


def test_missing_body() -> None:
    """A body that has to be there has to be given."""
    with pytest.raises(CallError, match=r"postBooks \(POST /books\) takes json; missing: json"):
        CLIENT.call("postBooks")
    with pytest.raises(CallError, match="missing: form or files"):
        CLIENT.call("putCovers", uuid=UUID(int=7), name="c")


def test_arguments_by_position() -> None:
    """Arguments are given by name."""
    with pytest.raises(CallError, match="getBookItem takes its arguments by name; given by position: 1"):
        CLIENT.call(BookItem.get, 3, headers={}, cookies={})


def unregistered(self: object) -> None: ...


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("getBooksItem", "No operation has the id 'getBooksItem'. Did you mean 'getBookItem'?"),
        ("frobnicate", "No operation has the id 'frobnicate'. There are: getBooks, postBooks,"),
        (unregistered, "unregistered answers no operation of Bookshop; expected is a method of a registered"),
        (Books, "Books answers no operation of Bookshop;"),
    ],
)
def test_unknown_operations(target: Any, message: str) -> None:
    """What is no operation is refused, with what was expected."""
    with pytest.raises(CallError) as caught:
        CLIENT.call(target)
    assert str(caught.value).startswith(message)


# The body and the query may hold every text but lone surrogates, which UTF-8 has not.
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@given(
    query=st.fixed_dictionaries(
        {},
        optional={
            "title": TEXTS,
            "new": st.booleans(),
            "price": st.floats(allow_nan=False, allow_infinity=False, min_value=-1e6, max_value=1e6),
            "tags": st.lists(TEXTS, min_size=1, max_size=3),
            "ids": st.lists(st.integers(-(2**63), 2**63 - 1), max_size=3),
        },
    )
)
@settings(max_examples=50)
def test_any_query_arrives(query: dict[str, Any]) -> None:
    """Whatever fits the schema of a query arrives as it was given."""
    assert CLIENT.call(Books.get, query=query).json == query


@given(text=TEXTS)
@settings(max_examples=50)
def test_any_text_arrives(text: str) -> None:
    """Every text arrives as it was given, in JSON and in either kind of form."""
    with_files = CLIENT.call("putCovers", uuid=UUID(int=7), name="c", form={"note": text})

    assert CLIENT.call(Books.post, json={"title": text}).json["title"] == text
    assert with_files.json[2] == {"note": text}
    assert CLIENT.call(Notes.post, form={"note": text}).json == text


@given(text=TEXTS.filter(lambda text: text and not {"/", "\0"} & set(text)))
@settings(max_examples=50)
def test_any_segment_arrives(text: str) -> None:
    """Every text that a segment of a path can hold arrives as it was given."""
    assert CLIENT.call("putCovers", uuid=UUID(int=7), name=text, form={}).json[1] == text
