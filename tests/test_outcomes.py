"""Outcomes: media types, negotiation, and streams as pure functions."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from marshmallow import Schema, fields, pre_dump

from ramekin import App, Reply, Resource, Settings, returns
from ramekin.errors import ContractError
from ramekin.operations import Outcome
from ramekin.outcomes import Responder, content_type
from ramekin.responses import is_json
from ramekin.safeguards import Safeguards
from ramekin.streams import Stream
from ramekin.testing import Client

NO_PAGES = Settings(openapi_path=None, docs_path=None)


@pytest.mark.parametrize(
    ("media_type", "expected"),
    [
        ("application/json", True),
        ("Application/JSON; charset=utf-8", True),
        ("application/problem+json", True),
        ("text/json", False),
        ("application/jsonl", False),
        ("application/json-seq", False),
        ("text/plain", False),
    ],
)
def test_json_is_known_by_its_type(media_type: str, expected: bool) -> None:
    """application/json and the suffix +json are JSON (RFC 6839 §3.1), nothing else is."""
    assert is_json(media_type) is expected


@pytest.mark.parametrize(
    ("media_type", "field"),
    [
        ("text/csv", "text/csv; charset=utf-8"),
        ("text/csv; header=present", "text/csv; header=present"),
        ("application/json", "application/json"),
        ("image/png", "image/png"),
    ],
)
def test_text_says_its_charset(media_type: str, field: str) -> None:
    """Text is sent in UTF-8 and says so, unless the declaration has parameters; JSON has no charset."""
    assert content_type(media_type) == field


# -- Negotiation -------------------------------------------------------------------------------------------------------


@pytest.fixture
def client() -> Client:
    """Two media types and a status without content."""
    app = App("Types", settings=NO_PAGES)

    @app.resource("/types")
    class Types(Resource):
        @returns(fields.String())
        @returns(fields.String(), media_type="text/csv")
        def get(self) -> str:
            return "a"

        @returns(status=204)
        def delete(self) -> None: ...

    return Client(app)


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        (None, 200),
        ("", 200),
        ("text/csv", 200),
        ("TEXT/CSV", 200),
        ("text/*;q=0.1", 200),
        ("application/json; charset=utf-8", 200),
        ("application/json;indent=4; q=0.5", 200),
        ("application/json;indent=4; q=0, text/html", 406),
        ("text/html; charset=utf-8", 406),
        ("application/json;q=0, text/csv", 200),
        ("application/json; q=0.001", 200),
        ("*/*;q=0", 406),
        ("text/csv;q=0, application/json;q=0", 406),
        ("text/html", 406),
        ("application/problem+json", 406),
        ("text/html, junk", 406),
        ("application", 200),
        ("*", 200),
    ],
)
def test_one_fitting_type_is_enough(client: Client, accept: str | None, status: int) -> None:
    """A request is refused only when no declared type fits it; the handler says which it sends."""
    headers = {} if accept is None else {"Accept": accept}
    assert client.get("/types", headers=headers).status == status


def test_no_content_fits_every_accept(client: Client) -> None:
    """Where nothing is sent nothing can be unacceptable."""
    assert client.delete("/types", headers={"Accept": "text/html"}).status == 204


@settings(max_examples=200)
@given(st.text(st.characters(max_codepoint=255, exclude_characters="\r\n\x00"), max_size=40))
def test_no_accept_crashes(accept: str) -> None:
    """Whatever stands in Accept, the answer is 200 or 406."""
    assert _CLIENT.get("/", headers={"Accept": accept.strip()}).status in (200, 406)


def _make_client() -> Client:
    app = App("Any", settings=NO_PAGES)

    @app.resource("/")
    class Root(Resource):
        @returns(fields.String())
        def get(self) -> str:
            return "a"

    return Client(app)


_CLIENT = _make_client()


# -- Streams -----------------------------------------------------------------------------------------------------------


def test_a_stream_makes_its_first_chunk_when_it_begins() -> None:
    """So that a source that fails at the start can still be answered; the rest comes when it is asked for."""
    made: list[int] = []

    def source() -> Iterator[str]:
        for number in range(3):
            made.append(number)
            yield str(number)

    stream = Stream(source())
    assert made == []
    stream.begin()
    assert made == [0]
    assert (list(stream), made) == ([b"0", b"1", b"2"], [0, 1, 2])


@settings(max_examples=100)
@given(st.lists(st.text(max_size=5) | st.binary(max_size=5), max_size=6))
def test_a_stream_sends_what_its_source_gives(chunks: list[Any]) -> None:
    """Text goes out in UTF-8, bytes as they are, in order and complete."""
    expected = [chunk.encode() if isinstance(chunk, str) else chunk for chunk in chunks]
    assert list(Stream(iter(chunks))) == expected


@pytest.mark.parametrize("chunk", [1, None, ["a"], bytearray(b"a")])
def test_other_chunks_are_refused_and_the_source_closed(chunk: Any) -> None:
    """A chunk that is neither text nor bytes is a bug; the source is closed at once."""
    closed: list[bool] = []

    def source() -> Iterator[Any]:
        try:
            yield chunk
        finally:
            closed.append(True)

    with pytest.raises(ContractError, match="The handler streamed"):
        Stream(source()).begin()
    assert closed == [True]


def test_closing_twice_does_nothing_more() -> None:
    """Generators and files may be closed again."""
    stream = Stream(chunk for chunk in ("a", "b"))
    stream.begin()
    stream.close()
    stream.close()
    assert list(stream) == [b"a"]


def test_a_media_type_has_no_case() -> None:
    """A Reply may spell a declared type in capitals; the declared spelling goes out."""
    app = App("Types", settings=Settings(openapi_path=None, docs_path=None))

    @app.resource("/")
    class Types(Resource):
        @returns(fields.Integer())
        @returns(fields.String(), media_type="text/csv")
        def get(self) -> Reply[str]:
            return Reply("a", media_type="TEXT/csv")

    assert Client(app).get("/").headers["Content-Type"] == "text/csv; charset=utf-8"


class One(Schema):
    """One object."""

    a = fields.Integer()


class Prepared(One):
    """One that makes an object of a pair."""

    @pre_dump
    def prepare(self, pair: Any, **_: Any) -> Any:
        return {"a": pair[0]}


Row = namedtuple("Row", "a")


@pytest.mark.parametrize(
    ("shape", "value", "said"),
    [
        (One(), None, "returned NoneType where One is declared."),
        (One(), ({"a": 1}, 201), "returned tuple where One is declared; return Reply(value, status=…"),
        (One(), [{"a": 1}], "returned list where One is declared."),
        (One(), "a", "returned str where One is declared."),
        (One(many=True), {"a": 1}, "returned dict where a list of One is declared."),
        (One(many=True), "abc", "returned str where a list of One is declared."),
        (One(many=True), ([{"a": 1}], 201), "returned tuple where a list of One is declared; return Reply(value"),
        (fields.String(), ("a", 201), "returned tuple where String is declared; return Reply(value"),
        (fields.Integer(), None, "returned NoneType where Integer is declared."),
    ],
)
def test_a_value_of_the_wrong_kind_is_named(shape: Any, value: Any, said: str) -> None:
    """The error says what came and what is declared, and how to answer with another status."""
    encode = Responder(Safeguards()).encoder(Outcome(status=200, shape=shape, media_type="application/json"))
    with pytest.raises(ContractError) as refused:
        encode(value)
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("shape", "value", "content"),
    [
        (One(), Row(1), b'{"a":1}'),
        (Prepared(), (1, 2), b'{"a":1}'),
        (One(many=True), ({"a": 1}, {"a": 2}), b'[{"a":1},{"a":2}]'),
        (One(many=True), iter([{"a": 1}]), b'[{"a":1}]'),
        (fields.List(fields.Integer()), (1, 2), b"[1,2]"),
        (fields.Integer(allow_none=True), None, b"null"),
    ],
)
def test_a_value_that_can_be_dumped_is(shape: Any, value: Any, content: bytes) -> None:
    """Named tuples are objects, tuples are lists, and a schema may prepare what it likes."""
    outcome = Outcome(status=200, shape=shape, media_type="application/json")
    assert Responder(Safeguards()).encoder(outcome)(value) == content
