"""The declarations: what each takes, how they stack at one place, and how levels merge."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from marshmallow import Schema, fields

from ramekin import App, Resource, accepts, describe, limits, raises, returns
from ramekin.errors import DeclarationError
from ramekin.operations import Declaration, Operation
from ramekin.problems import Conflict, Gone, NotFound, Problem
from ramekin.testing import Client

Handler = Callable[..., Any]


class Outer(Schema):
    """Declared further out."""

    name = fields.String()


class Inner(Schema):
    """Declared further in."""

    title = fields.String()


def make_resource(
    on_method: list[Declaration], on_class: list[Declaration] | None = None, base: type[Resource] = Resource
) -> type[Resource]:
    """Return a resource with GET, declared on in the order of the lists: the topmost first."""

    class Things(base):  # type: ignore[misc, valid-type]
        def get(self, **arguments: Any) -> Any:
            """Get things."""

    target: Handler = Things.get
    for declaration in reversed(on_method):
        target = declaration(target)
    for declaration in reversed(on_class or []):
        declaration(Things)
    return Things


def build(resource: type[Resource], *on_app: Declaration, rule: str = "/things") -> Operation:
    """Register a resource alone and return its operation."""
    app = App("Test")
    app.declare(*on_app)
    app.add_resource(rule, resource)
    return app.compile().operations[0]


def schemas_at(operation: Operation, location: Any) -> list[type]:
    return [type(item.shape) for item in operation.inputs_at(location)]


# -- Refused at once --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("declare", "message"),
    [
        (accepts, "accepts() takes at least one of query, json, form, files, headers, cookies."),
        (
            lambda: accepts(json=Inner, media_types="text/x"),
            "accepts(media_types=…) takes several media types, not the text 'text/x'.",
        ),
        (lambda: accepts(query=Inner, media_types=["a/b"]), "accepts(media_types=…) goes with json=…."),
        (
            lambda: accepts(query=Inner, required=False),
            "accepts(required=False) goes with a body; single parameters say so by their fields.",
        ),
        (
            lambda: returns(Inner, status=404),
            "returns(status=…) takes a success from 200 to 399, not 404; problems go in raises.",
        ),
        (
            lambda: returns(Inner, status="200"),  # type: ignore[arg-type]
            "returns(status=…) takes a success from 200 to 399, not '200'; problems go in raises.",
        ),
        (lambda: returns(Inner, status=204), "returns(status=204) never has content, so it takes no schema."),
        (lambda: returns(Inner, status=304), "returns(status=304) never has content, so it takes no schema."),
        (
            lambda: returns(Inner, headers={"X-Age": "12"}),  # type: ignore[dict-item]
            "returns(headers=…): X-Age has to be a marshmallow field, not '12'.",
        ),
        (
            lambda: raises(404),  # type: ignore[arg-type]
            "raises(…) takes subclasses of ramekin.problems.Problem, not 404.",
        ),
        (
            lambda: raises(ValueError),  # type: ignore[arg-type]
            "raises(…) takes subclasses of ramekin.problems.Problem, not <class 'ValueError'>.",
        ),
        (lambda: limits(body_byte=5), "Unknown limit body_byte; the limits are: body_bytes, "),
        (lambda: limits(body_bytes=0), "Limits.body_bytes must be a positive integer, not 0."),
        (lambda: limits(body_bytes=True), "Limits.body_bytes must be a positive integer, not True."),
        (lambda: describe(tags="books"), "describe(tags=…) takes several names, not the text 'books'."),
        (
            lambda: describe(extensions={"owner": 1}),
            "describe(extensions=…): 'owner' has to begin with 'x-' (OpenAPI 3.1 §4.9).",
        ),
    ],
)
def test_bad_arguments_are_refused_at_once(declare: Callable[[], object], message: str) -> None:
    """A declaration that can hold for nothing is refused where it is written."""
    with pytest.raises(DeclarationError) as refused:
        declare()

    assert str(refused.value).startswith(message)


def test_unknown_location_is_refused_at_once() -> None:
    """A location that a request does not have is a word that Python itself refuses."""
    with pytest.raises(TypeError, match="body"):
        accepts(body=Inner)  # type: ignore[call-arg]


@pytest.mark.parametrize("target", [None, 7, "get", staticmethod(print), property(lambda self: 1)])
def test_declarations_go_on_methods_and_classes(target: Any) -> None:
    """A declaration is put on a method or a class, and on nothing else."""
    with pytest.raises(DeclarationError, match=r"goes on a method or a resource class, below @app.resource, not on"):
        returns(Inner)(target)


def test_declaring_returns_the_same_object() -> None:
    """A declaration records what it says and returns its target itself."""

    def get(self: Resource) -> None: ...

    class Things(Resource): ...

    assert returns(status=204)(get) is get
    assert raises(NotFound)(Things) is Things


# -- Schema-likes -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("schema", [Inner, Inner(), {"title": fields.String()}])
def test_inputs_take_schemas_and_dicts_of_fields(schema: Any) -> None:
    """Every location takes a schema class, an instance or a dict of fields."""
    for location in ("query", "json", "form", "headers", "cookies"):
        operation = build(make_resource([accepts(**{location: schema}), returns(status=204)]))

        [item] = operation.inputs_at(location)
        assert isinstance(item.shape, Schema)
        assert list(item.shape.fields) == ["title"]


def test_json_takes_one_field() -> None:
    """A JSON body may be one field, such as a list of strings."""
    operation = build(make_resource([accepts(json=fields.List(fields.String())), returns(fields.Integer())]))

    assert isinstance(operation.inputs_at("json")[0].shape, fields.List)
    assert isinstance(operation.successes[0].shape, fields.Integer)


@pytest.mark.parametrize(
    ("declaration", "message"),
    [
        (accepts(query=fields.String()), "accepts(query=…) takes a schema or a dict of fields, not one field."),
        (accepts(query=Inner(many=True)), "accepts(query=…) was given Inner with many=True; expected one object."),
        (accepts(json={"title": fields.String}), "the field 'title' is given as an instance: String()."),  # type: ignore[dict-item]
        (accepts(json=fields.String), "a field is given as an instance: String(), not String."),  # type: ignore[arg-type]
        (accepts(json="Book"), "given 'Book', expected "),  # type: ignore[arg-type]
        (accepts(json={3: fields.String()}), "the name of a field is a string, not 3."),  # type: ignore[dict-item]
        (returns({"title": "text"}), "the field 'title' is 'text', expected a marshmallow field."),  # type: ignore[dict-item]
        (accepts(headers={"authorization": fields.String()}), "field 'authorization': "),
    ],
)
def test_what_is_no_schema_is_refused_at_registration(declaration: Declaration, message: str) -> None:
    """What is no schema for its location is refused at registration, which says where it stands."""
    with pytest.raises(DeclarationError) as refused:
        build(make_resource([declaration, returns(status=204)]))

    assert message in str(refused.value)
    assert f"{make_resource.__module__}.make_resource.<locals>.Things.get" in str(refused.value)


# -- Stacking at one place --------------------------------------------------------------------------------------------


def test_returns_stack_with_the_topmost_first() -> None:
    """Several `returns` stand together, each with its own; the topmost is the default."""
    operation = build(
        make_resource(
            [
                returns(Inner, status=201, headers={"location": fields.String()}, description="Made."),
                returns(fields.String(), media_type="text/csv"),
                returns(status=204),
            ]
        )
    )

    assert [(item.status, item.media_type) for item in operation.successes] == [
        (201, "application/json"),
        (200, "text/csv"),
        (204, None),
    ]
    assert operation.successes[0].description == "Made."
    assert [header.name for header in operation.successes[0].headers] == ["Location"]


def test_one_status_may_have_several_media_types() -> None:
    """One status may stand twice with different media types, and not with the same one."""
    build(make_resource([returns(Inner), returns(fields.String(), media_type="text/csv")]))

    with pytest.raises(DeclarationError, match=r"Things\.get declares 200 application/json twice\."):
        build(make_resource([returns(Inner), returns(Outer)]))


def test_raises_and_inputs_unite_at_one_place() -> None:
    """Several `raises` and `accepts` at one place say what one would; a class named twice counts once."""
    operation = build(
        make_resource(
            [
                raises(NotFound),
                raises(Conflict, NotFound),
                accepts(query=Inner),
                accepts(query=Outer),
                returns(status=204),
            ]
        )
    )

    assert set(operation.effects.problems) == {NotFound, Conflict}
    assert len(operation.effects.problems) == 2
    assert set(schemas_at(operation, "query")) == {Inner, Outer}


def test_limits_and_descriptions_unite_at_one_place() -> None:
    """Several `limits` and `describe` at one place unite, and the upper one has the last word."""
    operation = build(
        make_resource(
            [
                limits(body_bytes=1),
                limits(body_bytes=2, json_depth=3),
                describe(summary="Above"),
                describe(summary="Below", deprecated=True),
                returns(status=204),
            ]
        )
    )

    assert (operation.limits.body_bytes, operation.limits.json_depth) == (1, 3)
    assert (operation.summary, operation.deprecated) == ("Above", True)


def test_second_body_is_refused() -> None:
    """A request has one body: a second `json` at one place is refused."""
    with pytest.raises(
        DeclarationError, match="@accepts\\(json=…\\) stands twice at one place; a request has one body"
    ):
        make_resource([accepts(json=Inner), accepts(json=Outer), returns(status=204)])


@pytest.mark.parametrize("other", ["form", "files"])
def test_json_stands_alone(other: str) -> None:
    """`json` beside `form` or `files` is refused, at one level or over two."""
    from ramekin.fields import Upload

    beside = accepts(**{other: {"part": Upload() if other == "files" else fields.String()}})  # type: ignore[arg-type]

    for resource in (
        make_resource([accepts(json=Inner), beside, returns(status=204)]),
        make_resource([accepts(json=Inner), returns(status=204)], [beside]),
    ):
        with pytest.raises(DeclarationError, match="accepts json beside form or files; a request has one body"):
            build(resource)


@pytest.mark.parametrize("location", ["query", "form", "headers", "cookies"])
def test_name_declared_twice_is_refused(location: str) -> None:
    """A name that two schemas of one location declare is refused at registration."""
    resource = make_resource([accepts(**{location: Inner}), returns(status=204)], [accepts(**{location: Inner})])  # type: ignore[arg-type]

    with pytest.raises(DeclarationError, match=rf"accepts\({location}=…\) has 'title' in Inner and in Inner"):
        build(resource)


def test_header_names_are_compared_without_case() -> None:
    """Header names that differ only in case or underscores are one name."""
    resource = make_resource(
        [accepts(headers={"x_key": fields.String()}), returns(status=204)],
        [accepts(headers={"X-Key": fields.String()})],
    )

    with pytest.raises(DeclarationError, match="expected each name once"):
        build(resource)


def test_part_declared_as_field_and_file_is_refused() -> None:
    """A part of a multipart body is a field or a file, not both."""
    from ramekin.fields import Upload

    resource = make_resource([accepts(form={"cover": fields.String()}, files={"cover": Upload()}), returns(status=204)])

    with pytest.raises(DeclarationError, match="Both form and files have 'cover'"):
        build(resource)


# -- Merging of levels ------------------------------------------------------------------------------------------------


def test_inner_json_and_returns_replace_outer_ones() -> None:
    """`json` and `returns` of an inner level replace those of the outer levels: the app, base classes, the class."""
    base = make_resource([], [accepts(json=Outer), returns(Outer, status=202)])
    resource = make_resource([accepts(json=Inner), returns(Inner)], [accepts(json=Outer), returns(Outer)], base)

    operation = build(resource, accepts(json=Outer), returns(Outer, status=203))

    assert schemas_at(operation, "json") == [Inner]
    assert [(item.status, type(item.shape)) for item in operation.successes] == [(200, Inner)]


@pytest.mark.parametrize("levels", [1, 2, 3])
def test_what_is_not_said_inside_is_taken_from_outside(levels: int) -> None:
    """Where the inner levels say nothing, the next outer one counts."""
    said: list[list[Declaration]] = [[], [], [], []]
    for level in range(levels):
        said[level] = [returns(status=200 + level)]
    on_app, on_base, on_class, on_method = said
    resource = make_resource(on_method, on_class, make_resource([], on_base))

    assert build(resource, *on_app).successes[0].status == 200 + levels - 1


def test_everything_else_unites() -> None:
    """Queries, headers, problems and limits of all levels hold together."""
    base = make_resource([], [raises(NotFound), limits(body_bytes=10, json_depth=3)])
    resource = make_resource(
        [
            accepts(query=Inner, headers={"x_one": fields.String()}),
            raises(Gone),
            limits(body_bytes=20),
            returns(status=204),
        ],
        [accepts(query=Outer), limits(json_nodes=7)],
        base,
    )

    operation = build(resource, raises(Conflict), accepts(cookies=Inner))

    assert schemas_at(operation, "query") == [Outer, Inner]
    assert schemas_at(operation, "cookies") == [Inner]
    assert operation.effects.problems == (Conflict, NotFound, Gone)
    assert (operation.limits.body_bytes, operation.limits.json_depth, operation.limits.json_nodes) == (20, 3, 7)


def test_classes_merge_in_method_resolution_order() -> None:
    """Declarations of several base classes merge in Python's own order, a base class outside its subclasses."""

    @returns(status=201)
    class First(Resource): ...

    @returns(status=202)
    class Second(Resource): ...

    class Things(First, Second):
        def get(self) -> None: ...

    assert build(Things).successes[0].status == 201


def test_overriding_method_starts_anew() -> None:
    """A method that overrides another has none of the declarations of the one that it replaces."""

    class Base(Resource):
        @accepts(query=Inner)
        @raises(NotFound)
        @returns(Inner)
        def get(self, query: Any) -> Any: ...

    class Things(Base):
        @returns(status=204)
        def get(self) -> Any: ...  # type: ignore[override]

    operation = build(Things)

    assert operation.effects.inputs == ()
    assert operation.effects.problems == ()
    assert operation.successes[0].status == 204


def test_inherited_method_keeps_its_declarations() -> None:
    """A method that a subclass inherits is declared as it was."""

    class Base(Resource):
        @returns(Inner)
        def get(self) -> Any: ...

    class Things(Base): ...

    assert build(Things).successes[0].status == 200


def test_declaring_on_a_subclass_leaves_the_base_alone() -> None:
    """What is declared on a subclass holds for it alone."""
    base = make_resource([returns(status=204)])

    @raises(NotFound)
    class Narrow(base): ...  # type: ignore[misc, valid-type]

    assert build(Narrow).effects.problems == (NotFound,)
    assert build(base).effects.problems == ()


# -- Documentation ----------------------------------------------------------------------------------------------------


def test_describe_goes_over_docstrings() -> None:
    """What `describe` says stands in the place of what names and docstrings say, and the inner level goes first."""
    resource = make_resource(
        [describe(summary="Fetch", operation_id="fetch"), returns(status=204)],
        [describe(tags=["Shop"], deprecated=True, extensions={"x-a": 1})],
    )

    operation = build(resource, describe(tags=["All"], summary="Any", extensions={"x-a": 0, "x-b": 2}))

    assert (operation.id, operation.summary, operation.tags) == ("fetch", "Fetch", ("Shop",))
    assert operation.deprecated
    assert operation.effects.documentation.extensions == {"x-a": 1, "x-b": 2}


def test_inner_level_takes_back_a_flag() -> None:
    """A flag that an outer level set can be taken back further in."""
    resource = make_resource([describe(deprecated=False, hidden=False), returns(status=204)])

    operation = build(resource, describe(deprecated=True, hidden=True))

    assert not operation.deprecated
    assert not operation.hidden


def test_changes_of_the_operation_object_run_from_the_outside_in() -> None:
    """Every `describe(modify=…)` changes the finished operation object, the innermost last."""
    resource = make_resource([describe(modify=lambda item, _: item.update({"x-by": "method"})), returns(status=204)])
    app = App("Test")
    app.declare(describe(modify=lambda item, _: item.update({"x-by": "app", "x-app": True})))
    app.add_resource("/things", resource)

    item = app.compile().document()["paths"]["/things"]["get"]

    assert (item["x-by"], item["x-app"]) == ("method", True)


def test_inputs_of_the_app_leave_its_document_alone() -> None:
    """What the app accepts for all its operations is not asked of those who read its document."""
    app = App("Test")
    app.declare(accepts(headers={"x_tenant": fields.String(required=True)}), raises(NotFound))
    app.add_resource("/things", make_resource([returns(status=204)]))

    client = Client(app)

    assert client.get("/openapi.json").status == 200
    assert client.get("/things").status == 422


@pytest.mark.parametrize(
    ("headers", "said"),
    [
        ({"X A": fields.String()}, "must be a token"),
        ({"X-Å": fields.String()}, "must be a token"),
        ({"Connection": fields.String()}, "belongs to the connection"),
        ({"Content-Type": fields.String()}, "follows from the content"),
        ({"content_length": fields.Integer()}, "follows from the content"),
        ({"X-A": fields.String(), "x_a": fields.String()}, "X-A and x_a are one header field"),
    ],
)
def test_a_header_that_cannot_be_sent_is_refused(headers: Any, said: str) -> None:
    """Names of response headers are judged where they are declared."""
    with pytest.raises(DeclarationError, match=said):
        returns(fields.String(), headers=headers)


@pytest.mark.parametrize("media_type", ["csv", "text/", "text/c sv", "text/csv;", 5, None, "text/csv\nX: 1"])
def test_a_media_type_is_a_type_and_a_subtype(media_type: Any) -> None:
    """Anything else is refused where it is declared."""
    with pytest.raises(DeclarationError, match="takes a type such as 'text/csv'"):
        returns(fields.String(), media_type=media_type)


def test_a_media_type_needs_a_schema() -> None:
    """Without one there is no content, so the error says what to declare."""
    with pytest.raises(DeclarationError, match=r"say returns\(fields.String\(\), media_type='text/csv'\)"):
        returns(media_type="text/csv")
    assert returns(fields.String(), media_type="text/csv; header=present")


@pytest.mark.parametrize("code", ["twin", "not-found"])
def test_two_problems_of_an_operation_have_two_codes(code: str) -> None:
    """Programs could not tell two problems of one status and code apart, one of them implied or not."""
    first, second = (type(name, (Problem,), {"status": 404, "code": code}) for name in ("Lost", "Strayed"))
    declared = raises(first) if code == "not-found" else raises(first, second)
    with pytest.raises(DeclarationError, match=f"both have status 404 and code '{code}'"):

        @App("Codes").resource("/<int:number>")
        class Codes(Resource):
            @declared
            @returns(fields.Integer())
            def get(self, number: int) -> int:
                return number
