"""What may be declared for a location."""

from __future__ import annotations

from typing import Any

import pytest
from marshmallow import Schema, fields

from ramekin.errors import DeclarationError
from ramekin.fields import Upload
from ramekin.inputs import check_shapes
from ramekin.types import Location


class Book(Schema):
    title = fields.String()


class Node(Schema):
    title = fields.String()
    child = fields.Nested(lambda: Node)


def shape(**members: fields.Field[Any]) -> Schema:
    """Return a schema of these fields."""
    return Schema.from_dict(dict(members), name="Given")()


@pytest.mark.parametrize(
    ("location", "field"),
    [
        ("query", fields.Nested(Book)),
        ("query", fields.Nested(lambda: Node(exclude=("child.child",)))),
        ("query", fields.Dict()),
        ("query", fields.Dict(values=fields.Nested(Book))),
        ("query", fields.Tuple((fields.String(), fields.Integer()))),
        ("query", fields.Pluck(Node, "title", many=True)),
        ("headers", fields.List(fields.Integer())),
        ("cookies", fields.Pluck(Node, "title")),
        ("form", fields.Nested(Node)),
        ("form", fields.List(fields.Nested(Book))),
        ("files", Upload()),
        ("files", fields.List(Upload())),
        ("json", fields.Nested("DefinedLater")),
        ("json", fields.Dict(values=fields.List(fields.Tuple((fields.Raw(),))))),
    ],
)
def test_what_a_location_carries_is_taken(location: Location, field: fields.Field[Any]) -> None:
    """A field that the location can spell is no error."""
    check_shapes(location, [shape(name=field)], "here")


@pytest.mark.parametrize(
    ("location", "field", "message"),
    [
        ("query", Upload(), "expected it in files"),
        ("query", fields.List(Upload()), "expected it in files"),
        ("headers", fields.List(Upload()), "does not fit into a header"),
        ("query", fields.List(fields.Nested(Book)), "expected a list of plain values"),
        ("query", fields.List(fields.List(fields.String())), "expected a list of plain values"),
        ("query", fields.Nested(Book, many=True), "is a list of objects"),
        ("query", fields.Nested(Book(many=True)), "is a list of objects"),
        ("query", fields.Nested(Node), "Node holds itself without end"),
        ("query", fields.Dict(values=fields.Nested(Node)), "Node holds itself without end"),
        ("headers", fields.Nested(Book), "does not fit into a header"),
        ("headers", fields.Dict(), "does not fit into a header"),
        ("headers", fields.List(fields.Dict()), "expected a list of plain values"),
        ("headers", Upload(), "does not fit into a header"),
        ("cookies", fields.Nested(Book), "does not fit into a cookie"),
        ("cookies", fields.List(fields.String()), "does not fit into a cookie"),
        ("form", Upload(), "expected it in files"),
        ("form", fields.List(Upload()), "expected it in files"),
        ("form", fields.List(fields.List(fields.String())), "holds lists in a list"),
        ("files", fields.String(), "expected Upload"),
        ("files", fields.List(fields.String()), "expected Upload"),
        ("json", Upload(), "does not fit into JSON"),
        ("json", fields.Dict(values=fields.List(Upload())), "does not fit into JSON"),
    ],
)
def test_what_a_location_cannot_carry_is_refused(location: Location, field: fields.Field[Any], message: str) -> None:
    """A field that the location cannot spell is an error that names the place and the field."""
    with pytest.raises(DeclarationError, match=f"^here: accepts.{location}=….*'name'.*{message}"):
        check_shapes(location, [shape(name=field)], "here")


@pytest.mark.parametrize("name", ["accept", "Content-Type", "content_type", "authorization"])
def test_headers_of_the_framework_are_not_declared_by_hand(name: str) -> None:
    """Accept, Content-Type and Authorization are declared by other means."""
    with pytest.raises(DeclarationError, match="is not declared by hand"):
        check_shapes("headers", [shape(x=fields.String(data_key=name))], "here")


@pytest.mark.parametrize("location", ["headers", "cookies"])
def test_names_are_tokens(location: Location) -> None:
    """The name of a header or cookie is a token."""
    with pytest.raises(DeclarationError, match=r"'[Aa] b' is no name"):
        check_shapes(location, [shape(x=fields.String(data_key="a b"))], "here")


@pytest.mark.parametrize(
    ("location", "one", "two"),
    [("query", "a", "a"), ("headers", "x_key", "X-KEY"), ("cookies", "a", "a"), ("form", "a", "a")],
)
def test_a_name_stands_in_one_schema(location: Location, one: str, two: str) -> None:
    """A name in two schemas of one location is refused, headers compared without case."""
    shapes = [shape(**{one: fields.String()}), shape(b=fields.String(data_key=two))]
    with pytest.raises(DeclarationError, match="expected each name once"):
        check_shapes(location, shapes, "here")


def test_names_differing_in_case_are_two_outside_headers() -> None:
    """Query names are compared as they are written."""
    check_shapes("query", [shape(a=fields.String()), shape(A=fields.String())], "here")


def test_text_locations_want_a_schema_with_names() -> None:
    """A single field or a list of objects is declared for json only."""
    with pytest.raises(DeclarationError, match="expected a schema with names"):
        check_shapes("query", [fields.String()], "here")
    with pytest.raises(DeclarationError, match="many=True"):
        check_shapes("form", [Book(many=True)], "here")
    check_shapes("json", [fields.List(fields.String())], "here")
