from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
from marshmallow import Schema, fields

from ramekin import App, Resource, accepts, describe, raises, returns
from ramekin.problems import BadRequest, Conflict, InternalServerError, NotFound, Problem
from ramekin.requests import Request
from ramekin.testing import Client, Exercise, observers
from ramekin.testing.coverage import Coverage, Point
from ramekin.testing.coverage_page import write_page
from ramekin.testing.reports import meets, write_full, write_junit, write_terse

ITEM = {"id": fields.Integer(required=True)}


class Items(Resource):
    @accepts(
        query={"first": fields.Integer(data_key="from")},
        headers={"x_request_tag": fields.String()},
        cookies={"theme": fields.String()},
    )
    @returns(ITEM)
    @returns(fields.String(), status=202, media_type="text/plain")
    @raises(Conflict)
    def get(self, query: Any, headers: Any, cookies: Any) -> Any: ...

    @accepts(json=ITEM)
    @returns(status=204)
    def put(self, json: Any) -> None: ...


class Lost(NotFound):
    code = "lost"


class Item(Resource):
    @returns(status=204)
    def delete(self, item_id: int) -> None: ...

    @returns(ITEM)
    @raises(NotFound, Lost, InternalServerError, BadRequest)
    def get(self, item_id: int) -> dict[str, int]:
        return {"id": item_id}


class Failing(Resource):
    @returns(ITEM)
    @raises(NotFound, Lost)
    def get(self) -> Any:
        raise Lost


class Hidden(Resource):
    @describe(hidden=True)
    @returns(status=204)
    def get(self) -> None: ...


@pytest.fixture
def app() -> App:
    app = App("Items", version="3")
    app.add_resource("/items", Items)
    app.add_resource("/items/<int:item_id>", Item)
    app.add_resource("/hidden", Hidden)
    return app


@pytest.fixture
def coverage(app: App) -> Coverage:
    """The coverage of the app before anything was called."""
    coverage = Coverage()
    coverage.declare(app.compile())
    return coverage


def points(coverage: Coverage, operation: str) -> dict[str, Point]:
    (api,) = coverage.apis.values()
    return {point.name: point for point in api.operations[operation].all_points()}


def met(coverage: Coverage) -> set[str]:
    return {point.name for point in coverage.all_points() if point.count}


def exercise(operation: str = "getItems", status: int = 200, **parts: Any) -> Exercise:
    return Exercise(
        operation=operation, status=status, **{"code": None, "media_type": None, "parameters": frozenset(), **parts}
    )


# -- What counts ------------------------------------------------------------------------------------------------------


def test_points_are_what_the_declarations_say(coverage: Coverage) -> None:
    """An operation's points are its successes, its problems and its parameters as the document names them."""
    assert list(points(coverage, "getItems")) == [
        "200 application/json",
        "202 text/plain",
        "400 bad-request",
        "406 not-acceptable",
        "409 conflict",
        "422 validation-failed",
        "500 internal-server-error",
        "query from",
        "header X-Request-Tag",
        "cookie theme",
    ]


def test_hidden_operations_have_no_contract(coverage: Coverage) -> None:
    """What the document leaves out, such as the docs page, does not count."""
    (api,) = coverage.apis.values()

    assert set(api.operations) == {"getItems", "putItems", "deleteItem", "getItem"}


@pytest.mark.parametrize(
    ("operation", "exempt"),
    [
        ("getItems", {"500 internal-server-error"}),
        ("putItems", {"406 not-acceptable", "500 internal-server-error"}),
        (
            "deleteItem",
            {"400 bad-request", "404 not-found", "406 not-acceptable", "500 internal-server-error"},
        ),
        ("getItem", set()),
    ],
)
def test_implied_outcomes_that_no_request_reaches_are_exempt(
    coverage: Coverage, operation: str, exempt: set[str]
) -> None:
    """An implied outcome counts where a request can reach it; what is declared by hand counts always."""
    assert {name for name, point in points(coverage, operation).items() if point.exempt} == exempt


def test_nothing_is_missing_that_is_exempt(coverage: Coverage) -> None:
    """Exempt points stand in no sum, met or not."""
    before = coverage.covered, coverage.counted
    (api,) = coverage.apis.values()

    api.operations["putItems"].points["problem", "500 internal-server-error"].add(1, [])

    assert (coverage.covered, coverage.counted) == before


# -- What was met -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (exercise(media_type="application/json"), {"200 application/json"}),
        (exercise(status=202, media_type="text/plain"), {"202 text/plain"}),
        (exercise("deleteItem", 204), {"204"}),
        (exercise(status=409, code="conflict", media_type="application/problem+json"), {"409 conflict"}),
        (
            exercise(
                media_type="application/json",
                parameters=frozenset({("query", "from"), ("cookie", "theme"), ("path", "item_id")}),
            ),
            {"200 application/json", "query from", "cookie theme"},
        ),
        # An answer to HEAD may come without a media type, and a problem format of one's own without a code.
        (exercise(), {"200 application/json"}),
        (exercise(status=409), {"409 conflict"}),
        # Of several codes nobody knows which it was.
        (exercise("getItem", 404), set()),
        (exercise("getItem", 404, code="lost"), {"404 lost"}),
        # What is not declared fails the check, and counts for nothing here.
        (exercise(status=418, code="teapot"), set()),
        (exercise("getHidden", 204), set()),
    ],
)
def test_exchange_meets_its_points(app: App, coverage: Coverage, told: Exercise, expected: set[str]) -> None:
    """An exchange meets the success or the problem that it ended in, and the parameters that it had."""
    coverage.record(app.compile(), told)

    assert met(coverage) == expected


@pytest.mark.parametrize("options", [{"stream": True}, {"method": "HEAD"}])
def test_answer_that_was_not_read_meets_no_problem(listening: Coverage, options: dict[str, Any]) -> None:
    """An answer whose code nobody read meets none of the problems that share its status."""
    app = App("Items")
    app.add_resource("/items", Failing)

    Client(app).request(options.pop("method", "GET"), "/items", **options)

    assert met(listening) == set()


def test_first_tests_are_named(app: App, coverage: Coverage, monkeypatch: pytest.MonkeyPatch) -> None:
    """A point names the first three tests that met it, each once."""
    for number in (1, 1, 2, 3, 4):
        monkeypatch.setenv("PYTEST_CURRENT_TEST", f"test_a.py::test_{number} (call)")
        coverage.record(app.compile(), exercise("deleteItem", 204))

    point = points(coverage, "deleteItem")["204"]

    assert point.count == 5
    assert point.tests == ["test_a.py::test_1", "test_a.py::test_2", "test_a.py::test_3"]


@pytest.fixture
def listening() -> Iterator[Coverage]:
    """A coverage that observes every client."""
    coverage = Coverage()
    observers.append(coverage.record)
    yield coverage
    observers.remove(coverage.record)


def test_client_tells_of_its_exchanges(app: App, listening: Coverage) -> None:
    """A client that checks the contract tells the observers of each exchange."""
    Client(app).get("/items/3")
    Client(app, contract=False).get("/items/3")

    assert {name: point.count for name, point in points(listening, "getItem").items() if point.count} == {
        "200 application/json": 1
    }


class OwnFormat:
    """A problem format without codes."""

    media_type = "application/json"

    def schema(self, problem: type[Problem]) -> Schema:
        return Schema.from_dict({"error": fields.String(required=True)}, name=f"{problem.__name__}Error")()

    def body(self, problem: Problem, request: Request) -> dict[str, str]:
        return {"error": problem.title}


def test_problem_format_without_codes(listening: Coverage) -> None:
    """Where problems carry no code, the status says which was met."""
    app = App("Own", problem_format=OwnFormat())
    app.add_resource("/items/<int:item_id>", Item)

    assert Client(app).get("/items/3", headers={"Accept": "text/none"}).status == 406

    assert met(listening) == {"406 not-acceptable"}


def test_problems_without_codes_are_one_point(listening: Coverage) -> None:
    """Where problems carry no code, those of one status are one point."""
    app = App("Own", problem_format=OwnFormat())
    app.add_resource("/items", Failing)

    Client(app).get("/items")

    assert [name for name in points(listening, "getFailing") if name.startswith("404")] == ["404"]
    assert met(listening) == {"404"}


# -- Sums -------------------------------------------------------------------------------------------------------------


def test_percent_is_rounded_down() -> None:
    """Only all points make a hundred percent."""
    coverage = Coverage()
    report = _report(
        {"kind": "problem", "name": f"{number}", "exempt": "", "count": number % 3000, "tests": []}
        for number in range(3000)
    )

    coverage.merge(report)

    assert (coverage.covered, coverage.counted, coverage.percent) == (2999, 3000, 99.9)


def test_nothing_to_count_meets_no_minimum(coverage: Coverage) -> None:
    """A run that met no contract meets no minimum, and one that met nothing of it meets none but 0."""
    assert not meets(Coverage(), 0)
    assert meets(coverage, 0)
    assert not meets(coverage, 0.1)


# -- From process to process ------------------------------------------------------------------------------------------


def _report(points: Any) -> dict[str, Any]:
    operation = {"id": "getItems", "method": "GET", "path": "/items", "summary": "", "points": list(points)}
    return {"format": 1, "apis": [{"title": "Items", "version": "3", "operations": [operation]}]}


def test_dump_and_merge_add_up(app: App, coverage: Coverage) -> None:
    """What is dumped and merged into nothing is the same again; merged into itself the counts add up."""
    coverage.record(app.compile(), exercise("deleteItem", 204))
    report = deepcopy(coverage.dump())
    other = Coverage()

    other.merge(report)
    coverage.merge(report)

    assert other.dump() == report
    assert points(coverage, "deleteItem")["204"].count == 2


def test_merge_leaves_out_what_is_not_declared_any_more(coverage: Coverage) -> None:
    """An older report adds nothing to an API that is known here but what that still declares."""
    gone = {"kind": "problem", "name": "410 gone", "exempt": "", "count": 1, "tests": []}
    kept = {"kind": "problem", "name": "409 conflict", "exempt": "", "count": 1, "tests": ["t"]}
    report = _report([gone, kept])
    report["apis"][0]["operations"].append({**report["apis"][0]["operations"][0], "id": "getGone"})
    counted = coverage.counted

    coverage.merge(report)

    assert coverage.counted == counted
    assert met(coverage) == {"409 conflict"}


def test_merge_of_a_worker_adds_what_it_declares(coverage: Coverage) -> None:
    """Another process of the same run may know operations of an API that this one does not."""
    point = {"kind": "problem", "name": "410 gone", "exempt": "", "count": 1, "tests": []}

    coverage.merge(_report([point]), declared=True)

    assert met(coverage) == {"410 gone"}


# -- The reports ------------------------------------------------------------------------------------------------------


def test_reports_escape_what_they_show() -> None:
    """Titles, paths and summaries are text in every report, whatever stands in them."""
    coverage = Coverage()
    report = _report([{"kind": "success", "name": "200 <b>", "exempt": "", "count": 0, "tests": []}])
    report["apis"][0]["title"] = "<script>&\"'"
    report["apis"][0]["operations"][0]["summary"] = "</summary>"
    coverage.merge(report)

    page, xml = write_page(coverage), write_junit(coverage)

    assert "<b>" not in page + xml
    assert "&lt;script&gt;&amp;" in page
    assert "&lt;script&gt;&amp;" in xml
    assert page.count("</summary>") == 1


def test_page_asks_nobody_for_anything(coverage: Coverage) -> None:
    """The page names no other origin, and its policy allows none."""
    page = write_page(coverage)

    assert "http:" not in page
    assert "https:" not in page
    assert "default-src 'none'" in page


def test_page_of_several_apis_names_each(coverage: Coverage) -> None:
    """Several APIs stand on one page under their names."""
    other = _report([])
    other["apis"][0]["title"] = "Other"

    coverage.merge(other)

    assert "<h2>Items 3</h2>" in write_page(coverage)
    assert "<h2>Other 3</h2>" in write_page(coverage)


def test_reports_of_nothing() -> None:
    """A run that met no contract has empty reports."""
    assert list(write_terse(Coverage())) == list(write_full(Coverage())) == []
    assert "no API" in write_page(Coverage())


def test_terse_report_of_all_is_one_line(coverage: Coverage) -> None:
    """Where nothing is missing, the terse report is the sum alone."""
    for point in coverage.all_points():
        point.add(1, [])

    assert list(write_terse(coverage)) == ["Items 3: 21 of 21 declared outcomes and parameters exercised, 100 %"]


def test_junit_report_of_enough_has_no_failure(coverage: Coverage) -> None:
    """The case of the minimum passes where it is met."""
    assert 'failures="1"' in write_junit(coverage, 50)
    assert 'failures="1"' not in write_junit(coverage, 0)
