"""What becomes of exceptions: handlers, problems, Werkzeug's, and bugs."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from marshmallow import fields
from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import Conflict as WerkzeugConflict
from werkzeug.exceptions import HTTPException, ImATeapot, TooManyRequests, Unauthorized
from werkzeug.utils import redirect
from werkzeug.wrappers import Response

from ramekin import App, Reply, Request, Resource, Settings, accepts, raises, returns
from ramekin.errors import DeclarationError
from ramekin.problems import BadRequest, Conflict, NotFound, Problem, problem_of_status
from ramekin.testing import Client

NO_PAGES = Settings(openapi_path=None, docs_path=None)


class ShelfError(Exception):
    """The app's own exception."""


class FullError(ShelfError):
    """One of its kinds."""


RAISED: dict[str, Any] = {
    "shelf": ShelfError("secret"),
    "full": FullError("secret"),
    "bug": RuntimeError("secret"),
    "chained": ValueError("secret"),
    "conflict": WerkzeugConflict("Try later."),
    "teapot": ImATeapot(),
    "token": Unauthorized(www_authenticate=None),
    "schemes": Unauthorized(www_authenticate=[WWWAuthenticate("basic"), WWWAuthenticate("bearer")]),
    "later": TooManyRequests(retry_after=30),
    "moved": lambda: HTTPException(response=redirect("/elsewhere", 303)),
    "custom": lambda: HTTPException(response=Response("text", 422)),
    "problem": Conflict("Mine."),
    "unserialisable": NotFound(headers={"X": "a\nb"}),
}


@pytest.fixture
def app() -> App:
    """An app that raises what its path says."""
    app = App("Raises", settings=NO_PAGES)

    @app.resource("/<what>")
    class Raises(Resource):
        @raises(*(problem_of_status(status) for status in (401, 404, 409, 418, 422, 429)))
        @returns({"a": fields.Integer()})
        @returns(status=303, headers={"Location": fields.String()})
        def get(self, what: str) -> Any:
            raised = RAISED[what]
            raise raised if isinstance(raised, Exception) else raised()

    return app


@pytest.fixture
def quiet(app: App) -> Client:
    """A client that gets 500s instead of exceptions; made when the app is complete."""
    return Client(app, raise_exceptions=False)


@pytest.mark.parametrize(
    ("what", "status", "detail"),
    [
        ("conflict", 409, "Try later."),
        ("teapot", 418, ImATeapot.description),
        ("token", 401, Unauthorized.description),
        ("problem", 409, "Mine."),
        ("custom", 422, None),
    ],
)
def test_http_exceptions_are_problems_of_their_status(
    quiet: Client, what: str, status: int, detail: str | None
) -> None:
    """Werkzeug's exceptions and one's own problems are answered in one format."""
    result = quiet.get(f"/{what}")
    assert (result.status, result.problem.get("detail")) == (status, detail)


def test_header_fields_of_http_exceptions_are_kept(quiet: Client) -> None:
    """Retry-After and its like go out with the problem."""
    assert quiet.get("/later").headers["Retry-After"] == "30"
    assert quiet.get("/schemes").headers.getlist("WWW-Authenticate") == ["Basic", "Bearer"]


def test_a_redirect_that_is_raised_is_answered(quiet: Client) -> None:
    """An HTTPException below 400 is no problem."""
    result = quiet.get("/moved")
    assert (result.status, result.headers["Location"], result.content) == (303, "/elsewhere", b"")


@pytest.mark.parametrize("what", ["bug", "shelf", "unserialisable"])
def test_a_bug_is_a_500_that_reveals_nothing(quiet: Client, what: str, caplog: pytest.LogCaptureFixture) -> None:
    """The answer has the request id only; the log has the same id, the operation and the trace."""
    result = quiet.get(f"/{what}")
    assert (result.status, result.problem["code"]) == (500, "internal-server-error")
    assert b"secret" not in result.content
    assert b"Error" not in result.content.replace(b"Internal Server Error", b"").replace(b"error", b"")
    (record,) = [record for record in caplog.records if record.name == "ramekin.error"]
    assert (record.levelno, record.__dict__["operation"]) == (logging.ERROR, "getRaises")
    assert record.__dict__["request_id"] == result.problem["request_id"]
    assert record.exc_info is not None


def test_handlers_are_found_along_the_class_order(app: App) -> None:
    """The class nearest in the exception's order wins, and more general ones take the rest."""
    app.exception_handler(ShelfError)(lambda error, request: BadRequest("shelf"))
    app.exception_handler(FullError)(lambda error, request: Conflict("full"))
    app.exception_handler(Exception)(lambda error, request: NotFound("any"))
    client = Client(app)
    details = [client.get(f"/{what}").problem["detail"] for what in ("shelf", "full", "bug", "problem", "conflict")]
    assert details == ["shelf", "full", "any", "any", "any"]


def test_families_can_be_handled(app: App) -> None:
    """Problem and HTTPException are classes like others; unmatched requests pass by the handler too."""

    @app.exception_handler(Problem, HTTPException)
    def convert(error: Exception, request: Request) -> Problem:
        return BadRequest(f"{type(error).__name__} at {request.path}")

    client = Client(app)
    details = [client.request(*call).problem["detail"] for call in (("GET", "/teapot"), ("GET", "/problem"))]
    assert details == ["ImATeapot at /teapot", "Conflict at /problem"]
    assert client.get("/a/b").problem["detail"] == "NotFound at /a/b"
    assert client.post("/bug").problem["detail"] == "MethodNotAllowed at /bug"


def test_a_handler_may_reply_with_a_declared_status(app: App) -> None:
    """A Reply of a handler is dumped as the operation declares."""
    app.exception_handler(ShelfError)(lambda error, request: Reply({"a": 1, "b": 2}, headers={"X-Handled": "1"}))
    result = Client(app).get("/shelf")
    assert (result.json, result.headers["X-Handled"]) == ({"a": 1}, "1")


@pytest.mark.parametrize(
    "answer", [lambda: Reply(1, status=202), lambda: None, lambda: {"a": 1}, lambda: 1 / 0, lambda: Reply({"a": "x"})]
)
def test_a_handler_that_fails_itself_is_a_500(app: App, answer: Any) -> None:
    """An undeclared status, no reply at all, or an exception of a handler's own is a bug."""
    app.exception_handler(ShelfError)(lambda error, request: answer())
    assert Client(app, raise_exceptions=False).get("/shelf").problem["code"] == "internal-server-error"


def test_a_reply_of_a_handler_answers_unmatched_requests(app: App) -> None:
    """Around no operation a handler's value is plain JSON."""
    app.exception_handler(NotFound)(lambda error, request: Reply({"lost": request.path}, status=404))
    result = Client(app).get("/a/b")
    assert (result.status, result.json) == (404, {"lost": "/a/b"})


def test_a_class_is_handled_once(app: App) -> None:
    """Two handlers of one class, and what is no class of exceptions, are refused."""
    app.exception_handler(ShelfError)(lambda error, request: BadRequest())
    with pytest.raises(DeclarationError, match="has a handler already"):
        app.exception_handler(ShelfError)
    for wrong in (KeyboardInterrupt, ShelfError("x"), 404):
        with pytest.raises(DeclarationError, match="classes of exceptions"):
            app.exception_handler(wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(("propagate", "debug"), [(True, False), (False, True)])
def test_bugs_pass_through_where_that_is_set(app: App, propagate: bool, debug: bool) -> None:
    """`propagate_exceptions` and `debug` let what nobody expected through to the server; problems are answered."""
    client = Client(app, settings=NO_PAGES.changed(debug=debug), raise_exceptions=propagate)
    with pytest.raises(RuntimeError, match="secret"):
        client.get("/bug")
    assert client.get("/problem").status == 409


def test_propagated_bugs_close_what_was_entered(app: App) -> None:
    """Teardowns run with the error before it is raised."""
    seen: list[Any] = []
    app.teardown(lambda request, error: seen.append(error))
    with pytest.raises(RuntimeError):
        Client(app).get("/bug")
    assert seen == [RAISED["bug"]]


class Broken:
    """Things that fail at each point of a request."""

    def __str__(self) -> str:
        raise RuntimeError

    def __iter__(self) -> Iterator[str]:
        raise RuntimeError


def crash(request: Any, *rest: Any) -> None:
    """Fail."""
    raise RuntimeError("secret")


@pytest.fixture
def fragile() -> App:
    """An app whose parts work; tests break one."""
    app = App("Fragile", settings=NO_PAGES)

    @app.resource("/value")
    class Value(Resource):
        @returns({"n": fields.Integer()})
        def get(self) -> Any:
            return {"n": "no integer"}

    @app.resource("/good")
    class Good(Resource):
        @accepts(query={"q": fields.String()})
        @returns(fields.Raw())
        def get(self, query: dict[str, str]) -> Any:
            return query

    return app


@pytest.mark.parametrize(("part", "status"), [("before", 500), ("after", 500), ("teardown", 200)])
def test_a_crash_of_a_hook_is_logged(fragile: App, part: str, status: int, caplog: pytest.LogCaptureFixture) -> None:
    """A hook that fails is a 500; a teardown fails after the answer is sent. The next request is served."""
    getattr(fragile, part)(crash)
    client = Client(fragile, raise_exceptions=False)
    assert [client.get("/good").status, client.get("/good").status] == [status, status]
    assert [record.name for record in caplog.records].count("ramekin.error") == 2


def test_a_crash_of_the_dump_is_a_500(fragile: App) -> None:
    """A value that its schema cannot dump is a bug, and hurts no other request."""
    client = Client(fragile, raise_exceptions=False)
    assert (client.get("/value").status, client.get("/good?q=1").json) == (500, {"q": "1"})


def test_all_teardowns_run_though_one_throws(fragile: App) -> None:
    """Each teardown runs, the last registered first, whatever another does."""
    seen: list[int] = []
    fragile.teardown(lambda request, error: seen.append(1))
    fragile.teardown(crash)
    fragile.teardown(lambda request, error: seen.append(2))
    assert Client(fragile).get("/good").status == 200
    assert seen == [2, 1]


def test_exits_pass_through_and_close(fragile: App) -> None:
    """SystemExit is nobody's failure, but what was entered is closed."""
    seen: list[Any] = []
    fragile.teardown(lambda request, error: seen.append(error))

    def leave(request: Request) -> None:
        raise SystemExit

    fragile.before(leave)
    with pytest.raises(SystemExit):
        Client(fragile).get("/good")
    assert seen == [None]


@pytest.mark.parametrize("error", [HTTPException("x"), HTTPException(response=Response("hello", 200))])
def test_an_http_exception_that_is_a_success_is_a_bug(quiet: Client, error: Exception) -> None:
    """No page goes out past the declarations."""
    RAISED["success"] = error
    result = quiet.get("/success")
    assert (result.status, result.problem["code"]) == (500, "internal-server-error")


def test_a_redirect_that_is_not_declared_is_a_bug(quiet: Client, caplog: pytest.LogCaptureFixture) -> None:
    """The log says what to declare."""
    RAISED["away"] = HTTPException(response=redirect("/elsewhere", 307))
    assert quiet.get("/away").status == 500
    assert "returns(status=307)" in str(caplog.records[-1].exc_info)
