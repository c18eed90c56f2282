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
from bookshop import (
    Accounts, BookItem, Books, Login, OrderItem, Orders, Sales, Tokens, add_account, find_account, open_shop
)

from ramekin.auth import Principal
from ramekin.passwords import PasswordHasher
from ramekin.testing import exercise_implied

EVE = {"name": "eve", "password": "correct horse battery staple"}


@pytest.fixture
def ramekin_settings(tmp_path):
    return {"extra": {"database": str(tmp_path / "bookshop.sqlite")}}


@pytest.fixture
def account(client):
    kept = PasswordHasher(time_cost=1, memory_kib=8, parallelism=1).hash(EVE["password"])
    with open_shop(client.site.settings, write=True) as shop:
        add_account(shop, "eve", kept, "staff")
        return find_account(shop, "eve")


@pytest.fixture
def eve(client, account):
    return client.as_principal(Principal(account["id"], {"books:write", "orders:own", "orders:read"}, user=account))


def test_shelf(client, eve):
    added = eve.call(Books.post, json={"title": "Persuasion", "author": "Jane Austen"})
    shown = client.get(added.headers["Location"])
    assert client.call(Books.get, query={"title": "persua", "limit": 1}).json == [shown.json]


def test_changes(eve):
    assert eve.call(BookItem.patch, book_id=1, json={"stock": 7}).json["stock"] == 7
    assert eve.call(BookItem.delete, book_id=1).status == 204


def test_sales(eve):
    assert eve.call(Sales.post, book_id=1, json={"copies": 2}).json == {"copies": 2, "left": 1}
    assert eve.call(Sales.post, book_id=1, json={"copies": 2}).problem["left"] == 1


def test_orders(eve):
    placed = eve.call(Orders.post, json={"book_id": 1, "copies": 2}).json
    assert eve.call(Orders.get, query={"limit": 1}).json == [placed]
    assert eve.call(OrderItem.get, order_id=placed["id"]).json == placed
    assert eve.call(Orders.post, json={"book_id": 1, "copies": 2}).problem["left"] == 1
    assert eve.call(OrderItem.delete, order_id=placed["id"]).status == 204


def test_accounts(client, account):
    ada = {**EVE, "name": "ada"}
    assert client.call(Accounts.post, json=ada).status == 201
    assert client.call(Accounts.post, json=ada).problem["code"] == "name-taken"
    assert client.call(Login.post, json={**EVE, "password": "a wrong one"}).problem["code"] == "wrong-password"
    assert client.call(Login.post, json=ada).status == 200
    assert client.call(Login.get).json == {"name": "ada", "role": "customer"}
    assert client.call(Tokens.post, json={"scopes": ["orders:own"]}).status == 201
    assert client.call(Tokens.post, json={"scopes": ["books:write"]}).status == 403
    assert client.call(Tokens.delete).status == 204
    assert client.call(Login.delete).status == 204


def test_missing(eve):
    for operation in ("getBookItem", "deleteBookItem"):
        assert eve.call(operation, book_id=99).status == 404
    for operation in ("patchBookItem", "postSales"):
        assert eve.call(operation, book_id=99, json={}).status == 404
    assert eve.call(Orders.post, json={"book_id": 99}).status == 404
    for operation in ("getOrderItem", "deleteOrderItem"):
        assert eve.call(operation, order_id=99).status == 404


def test_implied_outcomes(eve):
    exercise_implied(eve)
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
from bookshop import SCOPES, add_account, app, open_shop, tokens

from ramekin.auth import Principal
from ramekin.testing import generate_cases

settings = app.settings.changed(extra={"database": "generated.sqlite"})
with open_shop(settings, write=True) as shop:
    add_account(shop, "eve", "no password", "staff")
token = tokens.issue(Principal(1, version=1), settings)

test_nobody = generate_cases(app, max_examples=3, seed=1)
test_staff = generate_cases(
    app, settings=settings, headers={"Authorization": f"Bearer {token}"}, max_examples=3, seed=1
)
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
    """Cases generated from the bookshop's document find nothing, without a token and with one that may do everything.

    The long form is among the acceptance tests.
    """
    pytester.makeconftest(BOOKSHOP[: BOOKSHOP.index("@pytest.fixture\ndef account")])

    result = run(pytester, "bookshop", test_it=BOOKSHOP, test_generated=GENERATED)

    assert result.ret == pytest.ExitCode.OK
    result.assert_outcomes(passed=7 + 2 * 16)
