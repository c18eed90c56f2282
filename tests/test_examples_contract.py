"""Small suites for the examples that exercise all of their contracts, run as their users would run them."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

EXAMPLES = Path(__file__).parent.parent / "examples"

HELLO = """
from ramekin.testing import exercise_implied


def test_greets(client):
    assert client.get("/hello", query={"name": "Ada"}).json == {"message": "Hello, Ada!"}


def test_implied_outcomes(client):
    exercise_implied(client)
"""

BOOKSHOP = """
import pytest
from bookshop import BookItem, Books, Sales

from ramekin.testing import exercise_implied


@pytest.fixture
def ramekin_settings(tmp_path):
    return {"extra": {"database": str(tmp_path / "bookshop.sqlite")}}


def test_shelf(client):
    added = client.call(Books.post, json={"title": "Persuasion", "author": "Jane Austen"})
    shown = client.get(added.headers["Location"])
    assert client.call(Books.get, query={"title": "persua", "limit": 1}).json == [shown.json]


def test_changes(client):
    assert client.call(BookItem.patch, book_id=1, json={"stock": 7}).json["stock"] == 7
    assert client.call(BookItem.delete, book_id=1).status == 204


def test_sales(client):
    assert client.call(Sales.post, book_id=1, json={"copies": 2}).json == {"copies": 2, "left": 1}
    assert client.call(Sales.post, book_id=1, json={"copies": 2}).problem["left"] == 1


def test_missing_book(client):
    for operation in ("getBookItem", "deleteBookItem"):
        assert client.call(operation, book_id=99).status == 404
    for operation in ("patchBookItem", "postSales"):
        assert client.call(operation, book_id=99, json={}).status == 404


def test_implied_outcomes(client):
    exercise_implied(client)
"""

WEATHER = """
from weather import Mean, Station

from ramekin.testing import exercise_implied


def test_asks_stations(client):
    assert client.call(Station.get, name="Oslo").json == {"degrees": 3.0}
    assert client.call(Mean.get, query={"station": ["Oslo", "Bergen"]}).json == {"degrees": 5.2}


def test_stations_that_do_not_answer(client):
    for name, status in (("Atlantis", 404), ("Jan Mayen", 504)):
        assert client.call(Station.get, name=name).status == status
        assert client.call(Mean.get, query={"station": ["Oslo", name]}).status == status


def test_implied_outcomes(client):
    exercise_implied(client)
"""

GENERATED = """
from bookshop import app

from ramekin.testing import generate_cases

test_contract = generate_cases(app, max_examples=3, seed=1)
"""


def run(pytester: pytest.Pytester, example: str, **suites: str) -> pytest.RunResult:
    """Run suites for an example, all of whose contract has to be exercised."""
    pytester.makepyprojecttoml(f'[tool.pytest.ini_options]\nramekin_app = "{example}:app"\npythonpath = ["."]\n')
    pytester.path.joinpath(f"{example}.py").write_text(
        (EXAMPLES / f"{example}.py").read_text(encoding="utf-8"), "utf-8"
    )
    pytester.makepyfile(**suites)
    return pytester.runpytest("-W", "error", "-p", "no:randomly", "--contract-report", "--contract-fail-under=100")


@pytest.mark.parametrize(("example", "suite"), [("hello", HELLO), ("bookshop", BOOKSHOP), ("weather", WEATHER)])
def test_whole_contract_is_exercised(pytester: pytest.Pytester, example: str, suite: str) -> None:
    """A suite of a few lines exercises all that an example declares, and every answer keeps to it."""
    result = run(pytester, example, test_it=suite)

    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(["* declared outcomes and parameters exercised, 100 %"])


def test_generated_cases_find_nothing(pytester: pytest.Pytester) -> None:
    """Cases generated from the bookshop's document find nothing; the long form is among the acceptance tests."""
    pytester.makeconftest(BOOKSHOP[: BOOKSHOP.index("def test_shelf")])

    result = run(pytester, "bookshop", test_it=BOOKSHOP, test_generated=GENERATED)

    assert result.ret == pytest.ExitCode.OK
    result.assert_outcomes(passed=11)
