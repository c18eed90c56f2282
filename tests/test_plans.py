"""Plans: an operation without steps runs straight, one with steps as an onion, and both answer alike."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import pytest
from marshmallow import Schema, fields

from ramekin import App, Reply, Resource, Settings, accepts, raises, returns
from ramekin.errors import ContractError
from ramekin.fields import Upload
from ramekin.operations import Declaration, Effects, Endpoint, Input, Operation
from ramekin.problems import Conflict, NotFound
from ramekin.steps import Exchange, Phase, Step
from ramekin.testing import Client
from ramekin.testing.results import Result

NO_PAGES = Settings(openapi_path=None, docs_path=None)


@dataclass(frozen=True)
class Around(Declaration):
    """A step in each phase that does nothing."""

    def steps(self, operation: Operation, settings: Settings) -> Iterable[Step]:
        for phase in Phase:
            yield Step(
                phase=phase,
                name=phase.name,
                enter=lambda exchange: None,
                leave=lambda exchange, reply: reply,
                close=lambda exchange: None,
            )


def build(*declarations: Declaration) -> App:
    """Return an app of the usual cases, with declarations for all of them."""
    app = App("Cases", settings=NO_PAGES)
    app.declare(*declarations)

    @app.resource("/<how>")
    class Cases(Resource):
        @raises(Conflict)
        @returns({"a": fields.Integer()})
        @returns(fields.String(), status=202, media_type="text/plain")
        @returns(status=204)
        def get(self, how: str) -> Any:
            return CASES[how]()

        @accepts(json={"n": fields.Integer(required=True)}, query={"q": fields.Integer()})
        @returns(fields.Raw(), status=201)
        def post(self, how: str, json: Any, query: Any) -> Any:
            return [how, json, query]

        @accepts(form={"a": fields.String()}, required=False)
        @returns(fields.Raw())
        def put(self, how: str, form: Any) -> Any:
            return [form]

        @accepts(form={"a": fields.String()}, files={"f": Upload()})
        @returns(fields.Raw())
        def patch(self, how: str, form: Any, files: Any) -> Any:
            return [form, files["f"].read().decode()]

    app.exception_handler(KeyError)(lambda error, request: Reply("oh", status=202))
    app.exception_handler(IndexError)(lambda error, request: Reply("oh", status=299))
    return app


def fail(error: Exception) -> Callable[[], Any]:
    """Return a handler that raises."""

    def handler() -> Any:
        raise error

    return handler


CASES: dict[str, Callable[[], Any]] = {
    "plain": lambda: {"a": 1, "b": 2},
    "reply": lambda: Reply({"a": 1}, headers={"X-A": "1"}),
    "text": lambda: Reply("text", status=202),
    "stream": lambda: Reply(iter(["a", "b"]), status=202),
    "empty": lambda: Reply(status=204),
    "undeclared": lambda: Reply(status=201),
    "undumpable": lambda: {"a": "x"},
    "problem": fail(Conflict("Taken.", headers={"Retry-After": "1"})),
    "undeclared problem": fail(NotFound("Gone.")),
    "bug": fail(RuntimeError("bug")),
    "handled": fail(KeyError("x")),
    "badly handled": fail(IndexError("x")),
}


def answer(result: Result) -> tuple[Any, ...]:
    """Return what two answers have to have in common."""
    headers = [(name, value) for name, value in result.headers if name != "Content-Length"]
    content = result.problem | {"request_id": ""} if result.media_type.endswith("problem+json") else result.content
    return result.status, headers, content


STATUSES = {
    "plain": 200,
    "reply": 200,
    "text": 202,
    "stream": 202,
    "empty": 204,
    "problem": 409,
    "undeclared problem": 404,
    "handled": 202,
}


@pytest.mark.parametrize("how", CASES)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_steps_change_no_answer(method: str, how: str) -> None:
    """The straight run and the onion give one answer in every case."""
    straight, onion = (
        Client(build(*around), raise_exceptions=False).request(method, f"/{how}") for around in ((), (Around(),))
    )
    assert straight.status == STATUSES.get(how, 500)
    if method == "HEAD":
        assert (straight.status, list(straight.headers)) == (onion.status, list(onion.headers))
        assert straight.content == onion.content == b""
    else:
        assert answer(straight) == answer(onion)


@pytest.mark.parametrize(
    ("method", "options", "status"),
    [
        ("POST", {"json": {"n": 1}, "query": {"q": 2}}, 201),
        ("POST", {"json": {"n": "x"}, "query": {"q": "x"}}, 422),
        ("POST", {"content": b"{", "content_type": "application/json"}, 400),
        ("POST", {"content": b"", "content_type": "application/json"}, 400),
        ("POST", {"content": b"{}", "content_type": "text/plain"}, 415),
        ("POST", {"content": b" " * 2_000_000, "content_type": "application/json"}, 413),
        ("POST", {"json": {"n": 1}, "headers": {"Accept": "a/b"}}, 406),
        ("PUT", {"form": {"a": "b"}}, 200),
        ("PUT", {}, 200),
        ("PUT", {"form": {"b": "b"}}, 422),
        ("PATCH", {"form": {"a": "b"}, "files": {"f": ("a.txt", b"file", "text/plain")}}, 200),
        ("PATCH", {"form": {"c": "b"}, "files": {"f": ("a.txt", b"file", "text/plain")}}, 422),
    ],
)
def test_steps_change_no_input(method: str, options: Any, status: int) -> None:
    """Inputs are read, refused and loaded alike with and without steps."""
    straight, onion = (Client(build(*around)).request(method, "/x", **options) for around in ((), (Around(),)))
    assert straight.status == status
    assert answer(straight) == answer(onion)


@dataclass(frozen=True)
class Answers(Declaration):
    """A step that answers on its own in one phase."""

    phase: Phase
    reply: Callable[[], Reply[Any]]
    part: str

    def steps(self, operation: Operation, settings: Settings) -> Iterable[Step]:
        if self.part == "enter":
            return [Step(phase=self.phase, name="answers", enter=lambda exchange: self.reply())]
        return [Step(phase=self.phase, name="answers", leave=lambda exchange, reply: self.reply())]


@pytest.mark.parametrize("part", ["enter", "leave"])
@pytest.mark.parametrize("phase", Phase)
def test_a_step_may_answer_in_any_phase(phase: Phase, part: str) -> None:
    """What a step gives is dumped as the operation declares, streams and all."""
    client = Client(build(Answers(phase, lambda: Reply(iter(["a", "b"]), status=202), part)))
    result = client.get("/plain")
    assert (result.status, result.content, result.media_type) == (202, b"ab", "text/plain")


@pytest.mark.parametrize("part", ["enter", "leave"])
@pytest.mark.parametrize("phase", Phase)
@pytest.mark.parametrize("reply", [lambda: Reply(status=299), lambda: 1 / 0, lambda: Reply({"a": "x"})])
def test_a_step_that_answers_wrongly_is_a_500(phase: Phase, part: str, reply: Any) -> None:
    """An undeclared status, an exception or an unfit value of a step is a bug."""
    result = Client(build(Answers(phase, reply, part)), raise_exceptions=False).get("/plain")
    assert (result.status, result.problem["code"]) == (500, "internal-server-error")


def test_an_exchange_fills_on_the_way_in() -> None:
    """The path's values are there at first, the inputs and the instance from phase VALUE on."""
    seen: dict[str, Any] = {}

    @dataclass(frozen=True)
    class Looks(Declaration):
        def steps(self, operation: Operation, settings: Settings) -> Iterable[Step]:
            for phase in Phase:
                yield Step(phase=phase, name=phase.name, enter=self.look(phase))

        def look(self, phase: Phase) -> Callable[[Exchange], None]:
            def enter(exchange: Exchange) -> None:
                seen[phase.name] = sorted(exchange.arguments), type(exchange.resource).__name__

            return enter

    Client(build(Looks())).post("/x", json={"n": 1})
    assert seen == {
        **dict.fromkeys(["OUTER", "ADMIT", "WIRE", "STORE"], (["how"], "NoneType")),
        "VALUE": (["how", "json", "query"], "Cases"),
    }


class PageQuery(Schema):
    """What the feature reads."""

    page = fields.Integer()


@dataclass(frozen=True)
class Paged(Declaration):
    """A feature with an input of its own; its step may take what it read."""

    seen: list[Any]
    takes: bool = False

    def effects(self, endpoint: Endpoint) -> Effects:
        return Effects(inputs=(Input(location="query", shape=PageQuery(), for_handler=False),))

    def steps(self, operation: Operation, settings: Settings) -> Iterable[Step]:
        def enter(exchange: Exchange) -> None:
            self.seen.append(dict(exchange.arguments["query"]))
            if self.takes:
                del exchange.arguments["query"]

        yield Step(phase=Phase.VALUE, name="paged", enter=enter)


def test_the_input_of_a_feature_stays_with_the_feature() -> None:
    """In a location of both, steps find all values and the handler its own; a step may take what is not shared."""
    seen: list[Any] = []
    app = App("Paged", settings=NO_PAGES)

    @app.resource("/")
    class Books(Resource):
        @Paged(seen, takes=True)
        @returns(status=204)
        def delete(self) -> None:
            return None

        @Paged(seen)
        @accepts(query={"q": fields.Integer(attribute="search")})
        @returns(fields.Raw())
        def get(self, query: Any) -> Any:
            return query

    client = Client(app)
    assert client.get("/?q=1&page=2").json == {"search": 1}
    assert client.delete("/?page=3").status == 204
    assert seen == [{"search": 1, "page": 2}, {"page": 3}]


@pytest.mark.parametrize(
    ("part", "said"),
    [
        ({"enter": lambda exchange: {}}, r"Step 'wrong' \(enter\) returns a Reply or None, not dict"),
        ({"leave": lambda exchange, reply: None}, r"Step 'wrong' \(leave\) returns a Reply, not NoneType"),
    ],
)
@pytest.mark.parametrize("phase", [Phase.OUTER, Phase.VALUE])
def test_a_step_that_returns_no_reply_is_named(phase: Phase, part: Any, said: str) -> None:
    """What forgets its reply is a bug, and the error says of which step."""

    class Wrong(Declaration):
        def steps(self, operation: Operation, settings: Settings) -> Iterable[Step]:
            yield Step(phase=phase, name="wrong", **part)

    with pytest.raises(ContractError, match=said):
        Client(build(Wrong())).get("/plain")
