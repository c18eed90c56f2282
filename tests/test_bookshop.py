"""The bookshop of the examples: its shelf, its orders, and who may do what in it."""

from __future__ import annotations

import os
import runpy
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest

from ramekin import App
from ramekin.auth import Principal
from ramekin.passwords import PasswordHasher
from ramekin.testing import Client

BOOKSHOP = Path(__file__).parent.parent / "examples" / "bookshop.py"
PASSWORD = "correct horse battery staple"
HASH = PasswordHasher(time_cost=1, memory_kib=8, parallelism=1).hash(PASSWORD)
#: Whom the shop of these tests knows, by id.
ADA, BOB, EVE = (
    Principal(1, {"orders:own"}),
    Principal(2, {"orders:own"}),
    Principal(3, {"books:write", "orders:own", "orders:read"}),
)
ACCOUNTS = [("ada", "customer"), ("bob", "customer"), ("eve", "staff")]


def load_app() -> App:
    """Run the example and return its app."""
    app: App = runpy.run_path(str(BOOKSHOP))["app"]
    return app


class Shop:
    """A bookshop that has just opened, with three people whom it knows; each answer is held against its document."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.app = load_app()
        self.settings = self.app.settings.changed(extra={"database": str(path)})
        self.anybody = self.visit()
        self.anybody.get("/books")
        with sqlite3.connect(path) as database:
            known = [(name, HASH, role) for name, role in ACCOUNTS]
            database.executemany("INSERT INTO accounts (name, password_hash, role) VALUES (?, ?, ?)", known)
        database.close()
        self.ada, self.bob, self.eve = map(self.anybody.as_principal, (ADA, BOB, EVE))

    def visit(self) -> Client:
        """Return a browser of somebody else."""
        return Client(self.app, settings=self.settings)

    def log_in(self, name: str) -> Client:
        """Return a browser in which somebody has logged in."""
        client = self.visit()
        assert client.post("/session", json={"name": name, "password": PASSWORD}).status == 200
        return client

    def give_token(self, name: str, *scopes: str) -> Client:
        """Return a program to which somebody has given a token."""
        token = self.log_in(name).post("/tokens", json={"scopes": scopes}).json["token"]
        return self.visit().with_headers({"Authorization": f"Bearer {token}"})

    def add(self, **book: Any) -> Any:
        """Add a book and return it."""
        result = self.eve.post("/books", json={"title": "Emma", "author": "Jane Austen", **book})
        assert result.status == 201
        return result.json


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path / "bookshop.sqlite")


def run_bookshop(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the example as a program."""
    environment = {**os.environ, "BOOKSHOP_DB": str(folder / "bookshop.sqlite")}
    command = [sys.executable, str(BOOKSHOP), *arguments]
    return subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, check=False)


# -- The file ---------------------------------------------------------------------------------------------------------


def test_import_touches_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Loading the bookshop, as tools do for its document, makes no database."""
    monkeypatch.chdir(tmp_path)

    load_app()

    assert not list(tmp_path.iterdir())


def test_database_is_named_by_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment variable `BOOKSHOP_DB` names the file of the bookshop."""
    monkeypatch.setenv("BOOKSHOP_DB", str(tmp_path / "other.sqlite"))

    Client(load_app()).get("/books")

    assert (tmp_path / "other.sqlite").exists()


def test_key_is_that_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment variable `BOOKSHOP_SECRET_KEY` is what signs; without it each process makes a key up."""
    monkeypatch.setenv("BOOKSHOP_SECRET_KEY", "the key of all workers")
    assert load_app().settings.secret_key == "the key of all workers"

    monkeypatch.delenv("BOOKSHOP_SECRET_KEY")
    made_up = load_app().settings.secret_key
    assert len(made_up or "") == 43
    assert made_up != load_app().settings.secret_key


def test_staff_is_added_by_the_command_line(tmp_path: Path) -> None:
    """The command prints a password, with which somebody of the staff logs in; a name is taken once."""
    done = run_bookshop(tmp_path, "add-staff", "eve")
    password = done.stdout.split()[-1]
    again, wrong = run_bookshop(tmp_path, "add-staff", "eve"), run_bookshop(tmp_path, "add-staff", "Eve")

    app = load_app()
    client = Client(app, settings=app.settings.changed(extra={"database": str(tmp_path / "bookshop.sqlite")}))

    assert client.post("/session", json={"name": "eve", "password": password}).json == {"name": "eve", "role": "staff"}
    assert (again.returncode, wrong.returncode) == (2, 2)
    assert "there is an account named 'eve' already" in again.stderr
    assert "the name 'Eve' is none" in wrong.stderr


def test_database_of_the_first_version_is_taken_over(tmp_path: Path) -> None:
    """A shop from the time before there were customers keeps its books."""
    path = tmp_path / "bookshop.sqlite"
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE books (id INTEGER PRIMARY KEY, title TEXT, author TEXT, stock INT)")
        database.execute("INSERT INTO books (title, author, stock) VALUES ('Kalevala', 'Elias Lönnrot', 1)")
        database.execute("PRAGMA user_version = 1")
    database.close()

    shop = Shop(path)

    assert [book["title"] for book in shop.anybody.get("/books").json] == ["Kalevala"]
    assert shop.ada.post("/orders", json={"book_id": 1}).status == 201


# -- The shelf --------------------------------------------------------------------------------------------------------


def test_list_is_filled_at_first(shop: Shop) -> None:
    """A new bookshop has books on its shelf."""
    titles = [book["title"] for book in shop.anybody.get("/books").json]

    assert titles == ["Emma", "Middlemarch", "Les Misérables", "The Trial"]


@pytest.mark.parametrize(
    ("part", "found"), [("EMM", 1), ("misé", 1), ("MISÉ", 1), ("%25", 0), ("_", 0), ("%00", 0), ("", 4)]
)
def test_list_finds_a_part_of_a_title(shop: Shop, part: str, found: int) -> None:
    """The list can be narrowed to a part of a title in either case; no character of it is a wildcard."""
    assert len(shop.anybody.get(f"/books?title={part}").json) == found


def test_list_is_limited(shop: Shop) -> None:
    """The list is at most as long as asked for, and never longer than 100 books."""
    for number in range(120):
        shop.add(title=f"Volume {number}")

    lengths = [len(shop.anybody.get(f"/books{query}").json) for query in ("", "?limit=3", "?limit=100")]

    assert lengths == [20, 3, 100]
    assert shop.anybody.get("/books?limit=101").status == 422


def test_added_book_is_shown(shop: Shop) -> None:
    """An added book stands under the address that its answer names."""
    text = "NUL \x00, quote ', emoji 📚"

    added = shop.eve.post("/books", json={"title": text, "author": "Anonymous"})
    shown = shop.anybody.get(added.headers["Location"])

    assert shown.json == added.json == {"id": 5, "title": text, "author": "Anonymous", "stock": 0}


def test_change_leaves_the_rest(shop: Shop) -> None:
    """A change touches only what is sent."""
    for change in ({"stock": 7}, {}):
        changed = shop.eve.patch("/books/1", json=change).json
        assert changed == {"id": 1, "title": "Emma", "author": "Jane Austen", "stock": 7}


def test_deleted_book_is_gone_for_good(shop: Shop) -> None:
    """After a deletion nothing answers under the address, and no later book gets it."""
    address = f"/books/{shop.add()['id']}"
    assert shop.eve.delete(address).status == 204

    assert f"/books/{shop.add()['id']}" != address
    assert shop.eve.get(address).status == shop.eve.delete(address).status == 404
    assert shop.eve.patch(address, json={}).status == 404


def test_sale_takes_copies(shop: Shop) -> None:
    """A sale takes copies off the shelf, and one that asks for more than there are takes none."""
    address = f"/books/{shop.add(stock=3)['id']}/sales"

    sold, refused = (shop.eve.post(address, json={"copies": 2}) for _ in range(2))

    assert (sold.status, sold.json) == (201, {"copies": 2, "left": 1})
    assert (refused.status, refused.problem["code"], refused.problem["left"]) == (409, "out-of-stock", 1)


@pytest.mark.parametrize("number", ["0", "9223372036854775807", "9223372036854775808", "-1", "x"])
def test_no_number_breaks_it(shop: Shop, number: str) -> None:
    """Whatever stands in the place of an id, what is not there is a 404."""
    assert shop.eve.get(f"/books/{number}").status == shop.eve.get(f"/orders/{number}").status == 404


def test_first_requests_at_once_fill_it_once(tmp_path: Path) -> None:
    """Several first requests at once find one and the same filled shop."""
    app = load_app()
    settings = app.settings.changed(extra={"database": str(tmp_path / "bookshop.sqlite")})

    lengths = at_once(lambda _: len(Client(app, settings=settings).get("/books").json))

    assert lengths == [4] * 8


def test_last_copy_is_sold_once(shop: Shop) -> None:
    """Of many buyers at once, over the counter or by post, as many get a copy as there were."""

    def buy(number: int) -> int:
        if number % 2:
            return shop.visit().as_principal(EVE).post("/books/1/sales", json={}).status
        return shop.visit().as_principal(ADA).post("/orders", json={"book_id": 1}).status

    assert sorted(at_once(buy)) == [201] * 3 + [409] * 5
    assert shop.anybody.get("/books/1").json["stock"] == 0


def at_once(act: Callable[[int], Any]) -> list[Any]:
    """Have eight threads do something at the same time."""
    barrier = Barrier(8)

    def wait_and_act(number: int) -> Any:
        barrier.wait()
        return act(number)

    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(wait_and_act, range(8)))


# -- Orders -----------------------------------------------------------------------------------------------------------


def test_order_takes_copies(shop: Shop) -> None:
    """An order takes copies off the shelf and stands under its address; more than there are cannot be had."""
    placed = shop.ada.post("/orders", json={"book_id": 1, "copies": 2})
    refused = shop.ada.post("/orders", json={"book_id": 1, "copies": 2})

    assert shop.ada.get(placed.headers["Location"]).json == placed.json
    assert {**placed.json, "placed_at": ""} == {
        "id": 1,
        "customer": "ada",
        "book_id": 1,
        "title": "Emma",
        "copies": 2,
        "placed_at": "",
    }
    assert (refused.status, refused.problem["left"]) == (409, 1)
    assert shop.ada.post("/orders", json={"book_id": 99}).status == 404


def test_cancelled_order_is_put_back(shop: Shop) -> None:
    """What was ordered stands on the shelf again, once, though the order is cancelled by two at once."""
    shop.ada.post("/orders", json={"book_id": 1, "copies": 2})

    statuses = at_once(lambda _: shop.visit().as_principal(ADA).delete("/orders/1").status)

    assert sorted(statuses) == [204] + [404] * 7
    assert shop.anybody.get("/books/1").json["stock"] == 3
    assert shop.ada.get("/orders").json == []


def test_order_outlives_its_book(shop: Shop) -> None:
    """An order of a book that is sold no more is shown, and can be cancelled."""
    shop.ada.post("/orders", json={"book_id": 1})
    shop.eve.delete("/books/1")

    assert shop.ada.get("/orders/1").json["title"] == "Emma"
    assert shop.ada.delete("/orders/1").status == 204


def test_shelf_holds_no_more_than_it_can(shop: Shop) -> None:
    """A cancelled order leaves the stock what it may be at most."""
    shop.ada.post("/orders", json={"book_id": 1, "copies": 2})
    shop.eve.patch("/books/1", json={"stock": 1_000_000})

    shop.ada.delete("/orders/1")

    assert shop.anybody.get("/books/1").json["stock"] == 1_000_000


# -- Who may do what --------------------------------------------------------------------------------------------------


def test_journey_of_a_customer(shop: Shop) -> None:
    """Somebody registers, logs in, orders and logs out, all with the cookie alone."""
    browser, account = shop.visit(), {"name": "mary-anne", "password": PASSWORD}

    assert browser.post("/accounts", json=account).json == {"name": "mary-anne", "role": "customer"}
    assert browser.get("/session").status == 401
    assert browser.post("/session", json=account).status == 200
    assert browser.get("/session").json == {"name": "mary-anne", "role": "customer"}
    assert browser.post("/orders", json={"book_id": 1}).json["customer"] == "mary-anne"
    assert browser.delete("/session").status == 204
    assert browser.get("/orders").status == 401


def test_journey_of_a_program(shop: Shop) -> None:
    """A token does what it is good for, nothing else of what its owner may do, and is revoked by its owner."""
    owner = shop.log_in("eve")
    made = owner.post("/tokens", json={"scopes": ["books:write"]}).json
    program = shop.visit().with_headers({"Authorization": f"Bearer {made['token']}"})

    assert program.patch("/books/1", json={"stock": 5}).json["stock"] == 5
    assert (program.get("/orders").status, program.post("/orders", json={"book_id": 1}).status) == (403, 403)
    assert owner.delete("/tokens").status == 204
    assert program.patch("/books/1", json={"stock": 5}).status == 401


CHANGES: list[tuple[str, str, Any]] = [
    ("POST", "/books", {"title": "Emma", "author": "Jane Austen"}),
    ("PATCH", "/books/1", {"stock": 5}),
    ("DELETE", "/books/1", None),
    ("POST", "/books/1/sales", {}),
]


@pytest.mark.parametrize(("method", "path", "json"), CHANGES)
def test_shelf_is_for_the_staff(shop: Shop, method: str, path: str, json: Any) -> None:
    """Nobody changes the shelf without credentials, and no customer does."""
    options: Any = {} if json is None else {"json": json}
    before = shop.anybody.get("/books").json

    assert shop.anybody.request(method, path, **options).status == 401
    assert shop.log_in("ada").request(method, path, **options).status == 403
    assert shop.anybody.get("/books").json == before


def test_orders_of_others_look_absent(shop: Shop) -> None:
    """A customer finds no order of another one, and no difference between it and none at all."""
    shop.bob.post("/orders", json={"book_id": 1})
    ada = shop.log_in("ada")

    foreign, missing = ada.get("/orders/1").problem, ada.get("/orders/2").problem

    assert ada.get("/orders").json == []
    assert ada.delete("/orders/1").status == foreign["status"] == 404
    assert {**foreign, "instance": "", "request_id": ""} == {**missing, "instance": "", "request_id": ""}
    assert len(shop.bob.get("/orders").json) == 1


def test_staff_sees_all_orders(shop: Shop) -> None:
    """The staff lists and shows all orders, and cancels none but its own; a token with the scope sees as much."""
    shop.ada.post("/orders", json={"book_id": 1})
    shop.bob.post("/orders", json={"book_id": 1})
    auditor = shop.give_token("eve", "orders:read")

    assert [order["customer"] for order in shop.eve.get("/orders").json] == ["bob", "ada"]
    assert [order["id"] for order in auditor.get("/orders?limit=1").json] == [2]
    assert auditor.get("/orders/1").json["customer"] == "ada"
    assert (shop.eve.delete("/orders/1").status, auditor.delete("/orders/1").status) == (404, 403)


def test_nobody_gives_more_than_they_have(shop: Shop) -> None:
    """A customer makes no token for the staff's work, and a token makes no other one."""
    assert shop.log_in("ada").post("/tokens", json={"scopes": ["books:write"]}).status == 403
    assert shop.give_token("ada", "orders:own").post("/tokens", json={"scopes": ["orders:own"]}).status == 401


@pytest.mark.parametrize(
    ("path", "json", "pointer"),
    [
        ("/accounts", {"name": "mallory", "password": PASSWORD, "role": "staff"}, "/role"),
        ("/orders", {"book_id": 1, "customer": "bob"}, "/customer"),
        ("/orders", {"book_id": 1, "account_id": 2}, "/account_id"),
        ("/books", {"title": "Emma", "author": "Jane Austen", "id": 9}, "/id"),
        ("/tokens", {"scopes": ["orders:own"], "token": "x"}, "/token"),
    ],
)
def test_what_the_shop_decides_cannot_be_set(shop: Shop, path: str, json: Any, pointer: str) -> None:
    """A member that is not the client's to set is refused, and nothing of the rest is taken."""
    result = shop.eve.post(path, json=json)

    assert result.status == 422
    assert [fault["pointer"] for fault in result.problem["errors"]] == [pointer]
    assert shop.eve.get("/orders").json == []


def test_names_are_taken_once(shop: Shop) -> None:
    """A name that somebody has is nobody else's."""
    result = shop.anybody.post("/accounts", json={"name": "ada", "password": PASSWORD})

    assert (result.status, result.problem["code"]) == (409, "name-taken")


@pytest.mark.parametrize(("name", "password"), [("ada", "another password"), ("nobody", PASSWORD)])
def test_wrong_passwords(shop: Shop, name: str, password: str) -> None:
    """An unknown name and a wrong password are answered alike, and log nobody in."""
    result = shop.anybody.post("/session", json={"name": name, "password": password})

    assert (result.status, result.problem["code"]) == (403, "wrong-password")
    assert shop.anybody.get("/session").status == 401


def test_old_hashes_are_renewed(shop: Shop) -> None:
    """A hash that was made with less effort is replaced when its owner logs in."""
    shop.log_in("ada")

    with sqlite3.connect(shop.path) as database:
        kept = dict(database.execute("SELECT name, password_hash FROM accounts"))
    database.close()

    assert kept["bob"] == HASH
    assert kept["ada"] != HASH
    assert shop.log_in("ada").get("/session").status == 200


def test_pages_of_others_cannot_order(shop: Shop) -> None:
    """A page of another origin has a visitor's browser neither order, cancel, log in nor make a token."""
    ada, forged = shop.log_in("ada"), {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    login = {"name": "bob", "password": PASSWORD}

    statuses = [
        ada.post("/orders", json={"book_id": 1}, headers=forged).status,
        ada.delete("/orders/1", headers=forged).status,
        ada.post("/tokens", json={"scopes": ["orders:own"]}, headers=forged).status,
        shop.visit().post("/session", json=login, headers=forged).status,
    ]

    assert statuses == [403] * 4
    assert ada.get("/orders").json == []


def test_account_that_is_gone(shop: Shop) -> None:
    """Sessions and tokens of somebody who has no account any more are nobody's."""
    browser, program = shop.log_in("ada"), shop.give_token("ada", "orders:own")
    with sqlite3.connect(shop.path) as database:
        database.execute("DELETE FROM accounts WHERE name = 'ada'")
    database.close()

    assert (browser.get("/orders").status, program.get("/orders").status) == (401, 401)
