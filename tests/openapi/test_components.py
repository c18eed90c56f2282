"""The names of components, and which schemas are one."""

from __future__ import annotations

from typing import Any

import pytest
from marshmallow import EXCLUDE, INCLUDE, Schema, fields
from tests.openapi.conftest import components_of, document_of

from ramekin import Resource, describe, raises, returns
from ramekin.errors import DeclarationError
from ramekin.openapi.names import check_components
from ramekin.problems import Problem


class AuthorSchema(Schema):
    name = fields.String(required=True)
    email = fields.String(load_only=True)


class BookSchema(Schema):
    """A book on the shelf."""

    id = fields.Integer(dump_only=True)
    title = fields.String(required=True)
    stock = fields.Integer(load_default=0)
    author = fields.Nested(AuthorSchema, required=True)


class TagSchema(Schema):
    class Meta:
        unknown = EXCLUDE

    name = fields.String(required=True)


class NodeSchema(Schema):
    name = fields.String(required=True)
    parent = fields.Nested(lambda: NodeSchema(exclude=("children",)), allow_none=True)
    children = fields.List(fields.Nested(lambda: NodeSchema(only=None)))


def test_reading_and_writing_are_two_components_where_they_differ() -> None:
    """What clients get requires all its fields and is open; what they send is closed, and lacks what is only dumped."""
    found = components_of(reads=[BookSchema], writes=[BookSchema])
    assert list(found) == ["Author", "AuthorInput", "Book", "BookInput"]
    assert found["Book"]["required"] == ["id", "title", "stock", "author"]
    assert "additionalProperties" not in found["Book"]
    assert list(found["BookInput"]["properties"]) == ["title", "stock", "author"]
    assert found["BookInput"]["required"] == ["title", "author"]
    assert found["BookInput"]["additionalProperties"] is False
    assert found["BookInput"]["properties"]["author"] == {"$ref": "#/components/schemas/AuthorInput"}
    assert list(found["Author"]["properties"]) == ["name"]


def test_reading_and_writing_are_one_component_where_they_agree() -> None:
    """A schema that says the same both ways has one component, under its plain name."""
    assert list(components_of(reads=[TagSchema], writes=[TagSchema])) == ["Tag"]
    assert list(components_of(writes=[TagSchema])) == ["Tag"]


def test_name_does_not_depend_on_other_operations() -> None:
    """A schema that is only written has the name that it has beside its reading twin."""
    assert "BookInput" in components_of(writes=[BookSchema])


VARIANTS: list[tuple[Any, str]] = [
    (BookSchema(partial=True), "BookPatch"),
    (BookSchema(partial=("title",)), "BookWithOptionalTitleInput"),
    (BookSchema(only=("title",)), "BookTitleInput"),
    (BookSchema(exclude=("stock",)), "BookWithoutStockInput"),
    (BookSchema(only=("title", "stock"), partial=True), "BookWithoutAuthorPatch"),
    (BookSchema(exclude=("author.email",)), "BookWithoutAuthorEmailInput"),
    (BookSchema(only=("title", "author.name")), "BookTitleAuthorNameInput"),
    (BookSchema(unknown=INCLUDE), "BookOpenInput"),
    (BookSchema(unknown=EXCLUDE), "BookTolerantInput"),
    (TagSchema(unknown="raise"), "TagClosedInput"),
    (BookSchema(many=True), "BookInput"),
]


@pytest.mark.parametrize(("schema", "name"), VARIANTS)
def test_variant_is_named_after_what_differs(schema: Schema, name: str) -> None:
    """An instance with options of its own has a name that says them."""
    assert name in components_of(writes=[schema])


def test_long_list_of_fields_is_counted() -> None:
    """A name lists four fields at most."""
    wide = Schema.from_dict({f"f{number}": fields.Integer() for number in range(20)}, name="WideSchema")
    assert list(components_of(writes=[wide(only=[f"f{number}" for number in range(8)])])) == ["WideF0F1F2And5MoreInput"]


def test_names_that_are_one_all_the_same_are_numbered() -> None:
    """Where names leave out what differs, they are numbered in the order of the operations."""
    wide = Schema.from_dict({f"f{number}": fields.Integer() for number in range(20)}, name="WideSchema")
    first, second = ([f"f{number}" for number in (0, 1, 2, *range(start, start + 3))] for start in (3, 6))
    found = components_of(writes=[wide(only=first), wide(only=second)])
    assert list(found) == ["WideF0F1F2And3MoreInput", "WideF0F1F2And3MoreInput2"]
    assert list(found["WideF0F1F2And3MoreInput2"]["properties"]) == second


def test_class_that_lists_its_fields_is_no_variant() -> None:
    """What Meta says of a class's fields belongs to the class and stands in no name."""

    class ShortSchema(BookSchema):
        class Meta:
            fields = ("id", "title")
            dump_only = ("title",)

    assert {"Short", "ShortInput"} == components_of(reads=[ShortSchema], writes=[ShortSchema]).keys()


def test_partial_reaches_nested_schemas_and_stops_defaults() -> None:
    """A partial load requires nothing at any depth, and fills in no default."""
    found = components_of(writes=[BookSchema(partial=True)])
    assert list(found) == ["AuthorPatch", "BookPatch"]
    assert "required" not in found["AuthorPatch"]
    assert "default" not in found["BookPatch"]["properties"]["stock"]


def test_recursive_schemas_end() -> None:
    """A schema that holds itself refers to itself; the part of it that is left out is a variant."""
    found = components_of(reads=[NodeSchema])
    assert list(found) == ["Node", "NodeWithoutChildren"]
    assert found["Node"]["properties"]["children"] == {"type": "array", "items": {"$ref": "#/components/schemas/Node"}}


def test_same_options_twice_are_one_component() -> None:
    """Two instances that say the same are one component."""
    assert list(components_of(writes=[BookSchema(only=("title",)), BookSchema(only=("title",))])) == ["BookTitleInput"]


def test_component_has_title_and_description() -> None:
    """Meta and the docstring of a schema describe its component."""

    class NoteSchema(Schema):
        class Meta:
            title = "Note"
            description = "Said by Meta."

    assert components_of(reads=[BookSchema])["Book"]["description"] == "A book on the shelf."
    assert components_of(reads=[NoteSchema])["Note"]["description"] == "Said by Meta."


def test_unknown_members_of_a_nested_field() -> None:
    """A Nested field's own word on unknown members counts."""
    outer = Schema.from_dict({"tag": fields.Nested(AuthorSchema, unknown=INCLUDE)}, name="OuterSchema")
    assert components_of(writes=[outer])["AuthorOpenInput"]["additionalProperties"] is True


def test_optional_member_is_not_required_in_answers() -> None:
    """A field marked optional may be missing from what clients get."""
    schema = Schema.from_dict({"a": fields.Integer(metadata={"optional": True}), "b": fields.Integer()}, name="A")
    assert components_of(reads=[schema])["A"]["required"] == ["b"]


def other_book() -> type[Schema]:
    class BookSchema(Schema):
        isbn = fields.String()

    return BookSchema


def test_two_classes_of_one_name_are_refused() -> None:
    """Two schema classes of one name raise, and the error names both and the way out."""
    with pytest.raises(
        DeclarationError, match=r"test_components\.BookSchema and .*other_book.*BookSchema .*class Meta"
    ):
        components_of(reads=[BookSchema, other_book()])


def test_name_can_be_stated_for_one_class() -> None:
    """Meta.component names a class, and is not inherited."""

    class BookSchema(AuthorSchema):
        class Meta:
            component = "Volume"

    class PamphletSchema(BookSchema):
        pass

    assert {"Volume", "Pamphlet"} <= components_of(reads=[BookSchema, PamphletSchema]).keys()


def test_derived_name_that_another_class_has_is_refused() -> None:
    """A class named like another's component for input raises."""
    taken = Schema.from_dict({"x": fields.Integer()}, name="BookInput")
    with pytest.raises(DeclarationError, match="'BookInput'"):
        components_of(reads=[taken], writes=[BookSchema])


def test_hidden_operations_take_no_names() -> None:
    """A schema of a hidden operation stands in nobody's way."""

    @describe(hidden=True)
    class Hidden(Resource):
        @returns(other_book())
        def get(self) -> Any: ...

    class Shown(Resource):
        @returns(BookSchema)
        def get(self) -> Any: ...

    assert list(document_of(Hidden, Shown)["paths"]) == ["/shown"]


def test_two_problems_of_one_name_are_refused() -> None:
    """Two classes of problems with one name raise."""
    first, second = (type("Lost", (Problem,), {"status": status}) for status in (404, 410))

    @raises(first, second)
    class Things(Resource):
        @returns(status=204)
        def get(self) -> None: ...

    with pytest.raises(DeclarationError, match="rename one"):
        document_of(Things)


def test_names_are_checked_without_apispec() -> None:
    """The check of names alone finds two classes, nested ones included."""
    outer = Schema.from_dict(
        {"a": fields.Dict(values=fields.Nested(other_book())), "b": fields.Nested(BookSchema)}, name="O"
    )

    class Things(Resource):
        @returns(outer)
        def get(self) -> Any: ...

    from ramekin import App

    app = App("Test")
    app.add_resource("/things", Things)
    with pytest.raises(DeclarationError, match="BookSchema"):
        check_components(app.compile().operations)
