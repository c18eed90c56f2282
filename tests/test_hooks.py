"""Hooks: functions before, after and at the end of requests, for apps and resource classes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from marshmallow import fields

from ramekin import App, Reply, Request, Resource, Settings, accepts, raises, returns
from ramekin.errors import ContractError, FrozenError
from ramekin.problems import ServiceUnavailable
from ramekin.testing import Client

NO_PAGES = Settings(openapi_path=None, docs_path=None)


@pytest.fixture
def log() -> list[Any]:
    """What ran, in order."""
    return []


def add_hooks(app: App, log: list[Any], number: int) -> None:
    """Add one hook of each kind."""
    app.before(lambda request: log.append(f"before {number}"))
    app.after(lambda request, reply: log.append(f"after {number} {reply.status}"))
    app.teardown(lambda request, error: log.append(f"teardown {number}"))


@pytest.fixture
def app(log: list[Any]) -> App:
    """An app with two hooks of each kind."""
    app = App("Hooked", settings=NO_PAGES)
    add_hooks(app, log, 1)
    add_hooks(app, log, 2)

    @app.resource("/")
    class Root(Resource):
        @accepts(query={"n": fields.Integer()})
        @raises(ServiceUnavailable)
        @returns(fields.String())
        def get(self, query: Any) -> str:
            log.append("handler")
            return "root"

        @returns(fields.String(), media_type="text/plain")
        def put(self) -> Iterator[str]:
            yield "a"
            log.append("stream")

    return app


def test_hooks_stand_around_the_handler(client: Client, log: list[Any]) -> None:
    """The first registered stand outside; teardowns run after the last byte."""
    client.get("/")
    inside = ["before 1", "before 2", "handler", "after 2 200", "after 1 200"]
    assert log == [*inside, "teardown 2", "teardown 1"]


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/x", 404), ("POST", "/", 405), ("OPTIONS", "/", 204), ("GET", "/?n=x", 422)]
)
def test_app_hooks_stand_around_everything(client: Client, log: list[Any], method: str, path: str, status: int) -> None:
    """404, 405, OPTIONS and invalid input pass by the hooks too."""
    assert client.request(method, path).status == status
    assert log == [
        "before 1",
        "before 2",
        f"after 2 {status}",
        f"after 1 {status}",
        "teardown 2",
        "teardown 1",
    ]


def test_teardowns_run_after_the_stream(client: Client, log: list[Any]) -> None:
    """A teardown waits for the last byte."""
    client.put("/")
    assert log.index("stream") < log.index("teardown 2")


def test_a_before_may_answer(app: App, log: list[Any]) -> None:
    """A Reply of a before ends the way in; after and teardown run all the same."""
    app.before(lambda request: Reply("closed", headers={"X-Closed": "1"}))
    result = Client(app).get("/")
    assert (result.json, result.headers["X-Closed"]) == ("closed", "1")
    assert log == ["before 1", "before 2", "after 2 200", "after 1 200", "teardown 2", "teardown 1"]


def test_a_before_may_answer_where_nothing_matches(app: App) -> None:
    """Around no operation its value is plain JSON, and no value is no content."""
    app.before(lambda request: Reply({"at": request.path}) if request.path == "/a" else Reply())
    client = Client(app)
    assert (client.get("/a").json, client.get("/b").status) == ({"at": "/a"}, 204)


def test_a_before_may_raise_a_problem(app: App) -> None:
    """A problem of a hook is answered as it is."""

    @app.before
    def refuse(request: Request) -> None:
        raise ServiceUnavailable("Back soon.", headers={"Retry-After": "60"})

    result = Client(app).get("/")
    assert (result.status, result.problem["detail"], result.headers["Retry-After"]) == (503, "Back soon.", "60")


def test_an_after_may_replace_and_change(app: App) -> None:
    """An after sees problems too; what it returns takes the reply's place, and what it changes is sent."""

    @app.after
    def replace(request: Request, reply: Reply[Any]) -> Reply[Any] | None:
        if reply.problem is not None and reply.status == 404:
            return Reply[Any](status=410).finish_empty()
        reply.headers.set("X-Seen", "yes")
        return None

    client = Client(app)
    assert (client.get("/x").status, client.get("/").headers["X-Seen"]) == (410, "yes")


def test_a_teardown_gets_the_unhandled_exception(app: App) -> None:
    """It is given the bug that was answered by a 500, and None after problems."""
    seen: list[Any] = []
    app.teardown(lambda request, error: seen.append(error))

    @app.resource("/bug")
    class Bug(Resource):
        @returns(status=204)
        def get(self) -> None:
            raise RuntimeError("bug")

    client = Client(app, raise_exceptions=False)
    for path in ("/", "/x", "/bug"):
        client.get(path)
    assert [repr(error) for error in seen] == ["None", "None", "RuntimeError('bug')"]


def test_hooks_are_added_before_the_first_request(app: App) -> None:
    """A compiled app refuses hooks, handlers and changes of the document."""
    Client(app).get("/")
    for add in (app.before, app.after, app.teardown, app.modify_document, app.exception_handler(KeyError)):
        with pytest.raises(FrozenError, match="before the first request"):
            add(lambda *given: None)


# -- Hooks of a resource class -----------------------------------------------------------------------------------------


@pytest.fixture
def resourceful(log: list[Any]) -> Client:
    """A resource class with hooks of its own."""
    app = App("Resourceful", settings=NO_PAGES)

    class Base(Resource):
        def before(self, request: Request) -> Reply[Any] | None:
            log.append("before")
            self.found = request.query_string
            return Reply({"n": -1}) if self.found == "short" else None

        def after(self, request: Request, reply: Reply[Any]) -> Reply[Any] | None:
            log.append(f"after {reply.value} {reply.problem and reply.problem.status}")
            if self.found == "replace":
                return Reply({"n": 9})
            return None

        def teardown(self, request: Request, error: Exception | None) -> None:
            log.append(f"teardown {error!r} {self.found}")

    @app.resource("/<int:n>")
    class Item(Base):
        @raises(ServiceUnavailable)
        @returns({"n": fields.Integer()})
        def get(self, n: int) -> Any:
            if n == 0:
                raise ServiceUnavailable
            return {"n": 10 // (n - 1)}

        @accepts(json={"n": fields.Integer()})
        @returns(status=204)
        def post(self, n: int, json: Any) -> None: ...

    return Client(app, raise_exceptions=False)


@pytest.mark.parametrize(
    ("path", "status", "expected"),
    [
        ("/3", 200, ["before", "after {'n': 5} None", "teardown None "]),
        ("/0", 503, ["before", "after None 503", "teardown None "]),
        ("/1", 500, ["before", "after None 500", "teardown ZeroDivisionError('integer division or modulo by zero') "]),
        ("/3?short", 200, ["before", "after {'n': -1} None", "teardown None short"]),
        ("/3?replace", 200, ["before", "after {'n': 5} None", "teardown None replace"]),
    ],
)
def test_resource_hooks_see_values(
    resourceful: Client, log: list[Any], path: str, status: int, expected: list[str]
) -> None:
    """Hooks of a class run on the instance that handles the request, with the value that is not dumped yet."""
    assert resourceful.get(path).status == status
    assert log == expected


def test_a_resource_hook_may_replace_the_value(resourceful: Client) -> None:
    """What an after returns is dumped as declared."""
    assert (resourceful.get("/3?replace").json, resourceful.get("/3?short").json) == ({"n": 9}, {"n": -1})


def test_resource_hooks_wait_for_the_input(resourceful: Client, log: list[Any]) -> None:
    """Invalid input is answered before the instance is made."""
    assert resourceful.post("/3", json={"n": "x"}).status == 422
    assert log == []


def test_a_form_is_read_once_with_hooks_around() -> None:
    """A form body read by the plan is there for the form reader too."""
    app = App("Form", settings=NO_PAGES)
    app.before(lambda request: None)

    @app.resource("/")
    class Form(Resource):
        @accepts(form={"a": fields.String(required=True)})
        @returns(fields.String())
        def post(self, form: dict[str, str]) -> str:
            return form["a"]

    assert Client(app).post("/", form={"a": "b"}).json == "b"


@pytest.mark.parametrize("kind", ["before", "after"])
@pytest.mark.parametrize("answer", [{"a": 1}, ServiceUnavailable(), False, ""])
@pytest.mark.parametrize("of_app", [True, False])
def test_a_hook_that_returns_no_reply_is_named(app: App, kind: str, answer: Any, of_app: bool) -> None:
    """Anything but a Reply or None is a bug of the hook's, and the error says of which."""

    def hook(*given: Any) -> Any:
        return answer

    if of_app:
        getattr(app, kind)(hook)
    else:
        app.add_resource("/other", type("Other", (Hooked,), {kind: hook}))
    with pytest.raises(ContractError, match=rf"hook .*hook returns a Reply or None, not {type(answer).__name__}"):
        Client(app).get("/" if of_app else "/other")


class Hooked(Resource):
    """A resource for hooks of its own."""

    @returns(status=204)
    def get(self) -> None:
        return None


def test_an_undeclared_failure_of_a_hook_says_what_to_raise(app: App) -> None:
    """A matched operation takes the replies it declares; a failure is a problem."""
    app.before(lambda request: Reply({"message": "Back soon."}, status=503))
    with pytest.raises(ContractError, match=r"status 503, which it does not declare.* raise ServiceUnavailable\("):
        Client(app).get("/")
