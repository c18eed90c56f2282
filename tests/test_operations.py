"""Operations: the records that all readers read, and the door that a feature's declarations come through."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, Self

import pytest
from marshmallow import fields

from ramekin import App, Reply, Resource, Settings, accepts, limits, raises, returns
from ramekin.errors import DeclarationError
from ramekin.limits import Limits
from ramekin.operations import Declaration, Effects, Endpoint, Header, Operation, combine_effects
from ramekin.problems import (
    BadRequest,
    ContentTooLarge,
    InternalServerError,
    NotAcceptable,
    NotFound,
    Problem,
    UnsupportedMediaType,
    ValidationFailed,
)
from ramekin.steps import Exchange, Phase, Step
from ramekin.testing import Client

TEXT = {"text": fields.String(required=True)}


def build(resource: type[Resource], *on_app: Declaration, rule: str = "/things", **options: Any) -> Operation:
    """Register a resource alone and return its first operation."""
    app = App("Test", **options)
    app.declare(*on_app)
    app.add_resource(rule, resource)
    return app.compile().operations[0]


# -- The record -------------------------------------------------------------------------------------------------------


class Books(Resource):
    """The shelf."""

    @accepts(json=TEXT)
    @returns(TEXT, status=201)
    @raises(NotFound)
    def post(self, book_id: int, json: Any) -> Any:
        """Add a book.

        It goes to the end of
        the *shelf*.
        """


def test_operation_says_what_was_declared() -> None:
    """An operation has the method, rule, path template, names and docstring of its handler."""
    operation = build(Books, rule="/books/<int:book_id>")

    assert (operation.id, operation.method, operation.name) == ("postBooks", "POST", "Books")
    assert (operation.rule, operation.path) == ("/books/<int:book_id>", "/books/{book_id}")
    assert [parameter.name for parameter in operation.path_parameters] == ["book_id"]
    assert (operation.resource, operation.handler) == (Books, Books.post)
    assert (operation.summary, operation.description) == ("Add a book", "It goes to the end of\nthe *shelf*.")
    assert operation.tags == ("Books",)
    assert operation.where == f"{__name__}.Books.post"
    assert operation.has_body
    assert not operation.deprecated
    assert not operation.hidden


def test_operations_come_in_the_order_of_registration() -> None:
    """The operations of a site stand in the order of registration, and those of a resource in HTTP's usual one."""

    class Things(Resource):
        @returns(status=204)
        def delete(self) -> None: ...

        @returns(status=204)
        def get(self) -> None: ...

    app = App("Test")
    app.add_resource("/b", Things, name="B")
    app.add_resource("/a", Things, name="A")

    assert [one.id for one in app.compile().operations if not one.hidden] == ["getB", "deleteB", "getA", "deleteA"]


def test_operation_is_frozen() -> None:
    """A record cannot be changed by one of its readers."""
    operation = build(Books, rule="/books/<int:book_id>")

    with pytest.raises(AttributeError, match="immutable"):
        operation.summary = "Other"  # type: ignore[misc]


def test_handler_without_docstring_gets_a_summary() -> None:
    """Without a docstring the summary says the method and the path, and the description falls back to the summary."""

    class Things(Resource):
        @returns(status=204)
        def get(self, number: int) -> None: ...

    operation = build(Things, rule="/things/<int:number>")

    assert operation.summary == operation.description == "Get /things/{number}"


# -- Outcomes ---------------------------------------------------------------------------------------------------------


def problems_of(operation: Operation) -> set[type[Problem] | None]:
    return {outcome.problem for outcome in operation.outcomes if outcome.implied}


def test_outcomes_that_are_implied() -> None:
    """400, 406 and 500 are implied anywhere, 404 by a path, 413 and 415 by a body, 422 by any input."""

    class Things(Resource):
        @returns(status=204)
        def get(self, **_: Any) -> None: ...

        @accepts(query=TEXT)
        @returns(status=204)
        def delete(self, **_: Any) -> None: ...

        @accepts(json=TEXT)
        @returns(status=204)
        def post(self, **_: Any) -> None: ...

    app = App("Test")
    app.add_resource("/plain", Things, name="Plain")
    app.add_resource("/<x>", Things, name="Item")
    get, post, delete, item, *_ = app.compile().operations
    everywhere = {BadRequest, NotAcceptable, InternalServerError}

    assert problems_of(get) == everywhere
    assert problems_of(delete) == everywhere | {ValidationFailed}
    assert problems_of(post) == everywhere | {ValidationFailed, ContentTooLarge, UnsupportedMediaType}
    assert problems_of(item) == everywhere | {NotFound}


def test_declared_problem_is_not_implied_again() -> None:
    """A problem that is declared stands once among the outcomes, as declared."""
    operation = build(Books, rule="/books/<int:book_id>")

    [outcome] = [outcome for outcome in operation.outcomes if outcome.problem is NotFound]
    assert not outcome.implied


def test_outcomes_are_successes_then_problems() -> None:
    """The outcomes are the declared successes, then the declared problems, then the implied ones."""
    operation = build(Books, rule="/books/<int:book_id>")

    assert operation.outcomes[0] is operation.successes[0]
    assert operation.outcomes[1].problem is NotFound
    assert all(outcome.implied for outcome in operation.outcomes[2:])


# -- Handlers ---------------------------------------------------------------------------------------------------------


def test_wrapped_handler_keeps_declarations_and_signature() -> None:
    """A handler under a decorator that uses `functools.wraps` is what its declarations say."""

    def logged(function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            return function(*args, **kwargs)

        return wrapper

    class Things(Resource):
        @logged
        @accepts(query=TEXT)
        @returns(TEXT)
        def get(self, query: Any) -> Any:
            return query

    app = App("Test")
    app.add_resource("/things", Things)

    assert Client(app).get("/things", query={"text": "x"}).json == {"text": "x"}


def test_keyword_only_and_default_parameters_are_taken() -> None:
    """Everything comes by name, so keyword-only parameters fit, and a default is used where nothing is given."""

    class Things(Resource):
        @accepts(query=TEXT)
        @returns(TEXT)
        def get(self, *, query: Any, suffix: str = "!") -> Any:
            return {"text": query["text"] + suffix}

    app = App("Test")
    app.add_resource("/things", Things)

    assert Client(app).get("/things", query={"text": "x"}).json == {"text": "x!"}


# -- Limits -----------------------------------------------------------------------------------------------------------


def test_limits_are_resolved_for_each_operation() -> None:
    """An operation has the limits of the app's settings with its own changes."""

    class Things(Resource):
        @limits(json_depth=2)
        @returns(status=204)
        def get(self) -> None: ...

    settings = Settings(limits=Limits(body_bytes=10))

    assert build(Things, settings=settings).limits == Limits(body_bytes=10, json_depth=2)


# -- The door ---------------------------------------------------------------------------------------------------------


class NoSeat(Problem):
    """No seat is free."""

    status = 409


@dataclass(frozen=True)
class Seated(Declaration):
    """A feature: gives handlers a seat, adds a header and a problem, and needs a key."""

    names: tuple[str, ...]
    log: list[str] = field(default_factory=list, compare=False)

    def stack(self, below: Self) -> Self:
        """Unite two at one place."""
        return type(self)(below.names + self.names, self.log)

    def merge(self, outer: Self) -> Self:
        """Add the outer ones."""
        return type(self)(outer.names + self.names, self.log)

    def effects(self, endpoint: Endpoint) -> Effects:
        """Contribute to the contract."""
        return Effects(
            problems=(NoSeat,),
            response_headers=(Header(name="X-Seat", field=fields.String()),),
            security=({"key": ()},),
            security_schemes={"key": {"type": "apiKey", "in": "header", "name": "X-Key"}},
            provides={"seat": lambda exchange: exchange.state["seat"]},
            modify=(lambda item, operation: item.update({"x-seats": list(self.names)}),),
        )

    def steps(self, operation: Operation, settings: Settings) -> Iterable[Step]:
        """Find a seat on the way in, say it on the way out, free it at the end."""

        def enter(exchange: Exchange) -> None:
            if not self.names:
                raise NoSeat
            exchange.state["seat"] = "/".join(self.names)

        def leave(exchange: Exchange, reply: Reply[Any]) -> Reply[Any]:
            reply.headers.set("X-Seat", exchange.state.get("seat", "none"))
            return reply

        yield Step(
            phase=Phase.ADMIT, name="seat", enter=enter, leave=leave, close=lambda exchange: self.log.append("freed")
        )


class Hall(Resource):
    """The hall."""

    @Seated(("method",))
    @returns(TEXT)
    def get(self, seat: str) -> Any:
        """Sit down."""
        return {"text": seat}

    @returns(TEXT)
    def post(self) -> Any:
        """Stand."""
        return {"text": "no seat"}


def make_hall(*names: str) -> App:
    app = App("Test")
    app.declare(Seated(names))
    app.add_resource("/hall", Hall)
    return app


def test_feature_runs_around_its_operations() -> None:
    """A feature's declaration gives parameters, runs its steps and merges over levels, all through the one door."""
    client = Client(make_hall("app"))

    result = client.get("/hall")

    assert (result.json, result.headers["X-Seat"]) == ({"text": "app/method"}, "app/method")


def test_handler_need_not_take_what_a_feature_provides() -> None:
    """What a feature provides goes to those handlers that take it."""
    result = Client(make_hall("app")).post("/hall")

    assert (result.json, result.headers["X-Seat"]) == ({"text": "no seat"}, "app")


def test_problem_of_a_step_passes_through_its_leave() -> None:
    """A problem that a step raises is answered, and closes what was entered only."""
    app = make_hall()
    seated = Seated(())

    class Full(Resource):
        @seated
        @returns(status=204)
        def get(self) -> None: ...

    app.add_resource("/full", Full)

    assert Client(app).get("/full").problem["code"] == "no-seat"
    assert seated.log == []


def test_feature_is_documented() -> None:
    """What a feature means for the contract stands in the document: header, problem, security, its own change."""
    document = make_hall("app").compile().document()
    item = document["paths"]["/hall"]["get"]

    assert "X-Seat" in item["responses"]["200"]["headers"]
    assert "409" in item["responses"]
    assert item["security"] == [{"key": []}]
    assert item["x-seats"] == ["app", "method"]
    assert document["components"]["securitySchemes"] == {"key": {"type": "apiKey", "in": "header", "name": "X-Key"}}


def test_asked_for_and_not_given_is_refused() -> None:
    """A parameter that only a missing feature would give is refused at registration."""

    class Things(Resource):
        @returns(TEXT)
        def get(self, seat: str) -> Any: ...

    with pytest.raises(DeclarationError, match="asks for seat, which neither the rule nor a declaration gives"):
        build(Things)


@dataclass(frozen=True)
class Quiet(Declaration):
    """A declaration that says nothing but itself."""

    word: str = ""


def test_declaration_does_nothing_by_itself() -> None:
    """A declaration that overrides nothing has no effect, and the inner one counts."""

    class Things(Resource):
        @Quiet("inner")
        @returns(status=204)
        def get(self) -> None: ...

    operation = build(Things, Quiet("outer"))

    assert Quiet("inner") in operation.declarations
    assert Quiet("outer") not in operation.declarations


def test_declaration_stands_once_unless_it_says_how_to_stack() -> None:
    """A declaration stands once at one place, unless it says what two of it mean."""

    def get(self: Resource) -> None: ...

    with pytest.raises(DeclarationError, match="@quiet stands twice at one place; it may stand once"):
        Quiet()(Quiet()(get))
    with pytest.raises(DeclarationError, match="@quiet stands twice"):
        App("Test").declare(Quiet(), Quiet())


@pytest.mark.parametrize(
    ("first", "second", "both"),
    [
        (None, None, None),
        (None, ({"a": ()},), ({"a": ()},)),
        (({"a": ()},), None, ({"a": ()},)),
        (({"a": ()},), ({"b": ()},), ({"a": (), "b": ()},)),
        (({"a": ()}, {"b": ()}), ({"c": ()},), ({"a": (), "c": ()}, {"b": (), "c": ()})),
        ((), ({"a": ()},), ({"a": ()},)),
        (None, (), ()),
    ],
)
def test_security_of_two_declarations_holds_together(first: Any, second: Any, both: Any) -> None:
    """Where two declarations state security, each alternative of one has to hold with one of the other."""
    assert combine_effects([Effects(security=first), Effects(security=second)]).security == both
