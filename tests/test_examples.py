"""The examples: every one imports and answers, and its document equals its copy in `openapi/`."""

from __future__ import annotations

import json
import os
import runpy
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any
from wsgiref.validate import validator

import pytest
from werkzeug.test import Client

from ramekin import App, Settings
from ramekin.checks import run_checks

ROOT = Path(__file__).parent.parent
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))


def load_app(name: str) -> App:
    """Run an example and return its app."""
    app: App = runpy.run_path(str(ROOT / "examples" / f"{name}.py"))["app"]
    return app


@pytest.fixture
def shop(tmp_path: Path) -> Client:
    """A client of a bookshop that has just opened, and holds its answers against its own document."""
    app = load_app("bookshop")
    settings = app.settings.changed(
        extra={"database": str(tmp_path / "bookshop.sqlite")}, contract="raise", propagate_exceptions=True
    )
    return Client(validator(app.compile(settings).wsgi))


def add(shop: Client, **book: Any) -> Any:
    """Add a book and return it."""
    with shop.post("/books", json={"title": "Emma", "author": "Jane Austen", **book}) as response:
        assert response.status_code == 201
        return response.json


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_document_equals_its_copy(example: Path) -> None:
    """The document in `openapi/` is what the example's code says; `ramekin openapi` writes it."""
    copy = json.loads((ROOT / "openapi" / f"{example.stem}.json").read_text(encoding="utf-8"))

    assert load_app(example.stem).compile().document("3.1") == copy


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_documents_are_served(example: Path) -> None:
    """Every example serves its document and the page that shows it."""
    client = Client(validator(load_app(example.stem)))

    for path in ("/openapi.json", "/docs"):
        with client.get(path) as response:
            assert response.status_code == 200


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_checks_find_no_error(example: Path) -> None:
    """Nothing is wrong with an example, whatever was meant."""
    findings = run_checks(load_app(example.stem).compile(), deploy=True).findings

    assert [finding.message for finding in findings if finding.check.severity == "error"] == []


def test_hello_is_short() -> None:
    """The smallest example is shorter than 20 lines."""
    assert len((ROOT / "examples" / "hello.py").read_text(encoding="utf-8").splitlines()) < 20


def test_hello_greets() -> None:
    """The smallest example greets the world, or whom it is told."""
    client = Client(load_app("hello"))

    assert client.get("/hello").json == {"message": "Hello, world!"}
    assert client.get("/hello?name=Ada").json == {"message": "Hello, Ada!"}


def test_import_touches_no_file(tmp_path: Path) -> None:
    """Loading the bookshop, as tools do for its document, makes no database."""
    environment = {**os.environ, "BOOKSHOP_DB": str(tmp_path / "bookshop.sqlite")}

    subprocess.run([sys.executable, str(ROOT / "examples" / "bookshop.py")], env=environment, cwd=tmp_path, check=True)

    assert not list(tmp_path.iterdir())


def test_database_is_named_by_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment variable `BOOKSHOP_DB` names the file of the bookshop."""
    monkeypatch.setenv("BOOKSHOP_DB", str(tmp_path / "other.sqlite"))

    Client(load_app("bookshop")).get("/books").close()

    assert (tmp_path / "other.sqlite").exists()


def test_list_is_filled_at_first(shop: Client) -> None:
    """A new bookshop has books on its shelf."""
    with shop.get("/books") as response:
        titles = [book["title"] for book in response.json or []]

    assert titles == ["Emma", "Middlemarch", "Les Misérables", "The Trial"]


@pytest.mark.parametrize(
    ("part", "found"), [("EMM", 1), ("misé", 1), ("MISÉ", 1), ("%25", 0), ("_", 0), ("%00", 0), ("", 4)]
)
def test_list_finds_a_part_of_a_title(shop: Client, part: str, found: int) -> None:
    """The list can be narrowed to a part of a title in either case; no character of it is a wildcard."""
    with shop.get(f"/books?title={part}") as response:
        assert len(response.json or []) == found


def test_list_is_limited(shop: Client) -> None:
    """The list is at most as long as asked for, and never longer than 100 books."""
    for number in range(120):
        add(shop, title=f"Volume {number}")

    lengths = []
    for query in ("", "?limit=3", "?limit=100"):
        with shop.get(f"/books{query}") as response:
            lengths.append(len(response.json or []))
    with shop.get("/books?limit=101") as refused:
        assert refused.status_code == 422

    assert lengths == [20, 3, 100]


def test_added_book_is_shown(shop: Client) -> None:
    """An added book stands under the address that its answer names."""
    text = "NUL \x00, quote ', emoji 📚"

    with shop.post("/books", json={"title": text, "author": "Anonymous"}) as added:
        address, book = added.headers["Location"], added.json
    with shop.get(address) as shown:
        assert shown.json == book == {"id": 5, "title": text, "author": "Anonymous", "stock": 0}


def test_change_leaves_the_rest(shop: Client) -> None:
    """A change touches only what is sent."""
    with shop.patch("/books/1", json={"stock": 7}) as response:
        assert response.json == {"id": 1, "title": "Emma", "author": "Jane Austen", "stock": 7}
    with shop.patch("/books/1", json={}) as response:
        assert response.json == {"id": 1, "title": "Emma", "author": "Jane Austen", "stock": 7}


def test_id_cannot_be_set(shop: Client) -> None:
    """The id is the shop's: a client that sends one is told so."""
    with shop.patch("/books/1", json={"id": 9}) as response:
        assert response.status_code == 422
        assert [(fault["pointer"], fault["code"]) for fault in (response.json or {})["errors"]] == [
            ("/id", "read-only")
        ]


def test_deleted_book_is_gone_for_good(shop: Client) -> None:
    """After a deletion nothing answers under the address, and no later book gets it."""
    book = add(shop)
    with shop.delete(f"/books/{book['id']}") as deleted:
        assert (deleted.status_code, deleted.data) == (204, b"")

    again = add(shop)

    assert again["id"] == book["id"] + 1
    for method in ("GET", "PATCH", "DELETE"):
        with shop.open(f"/books/{book['id']}", method=method, json={} if method == "PATCH" else None) as response:
            assert response.status_code == 404


def test_sale_takes_copies(shop: Client) -> None:
    """A sale takes copies off the shelf, and one that asks for more than there are takes none."""
    book = add(shop, stock=3)
    address = f"/books/{book['id']}/sales"

    with shop.post(address, json={"copies": 2}) as sold:
        assert (sold.status_code, sold.json) == (201, {"copies": 2, "left": 1})
    with shop.post(address, json={"copies": 2}) as refused:
        problem = refused.json or {}
        assert (refused.status_code, problem["code"], problem["left"]) == (409, "out-of-stock", 1)


@pytest.mark.parametrize("number", ["0", "9223372036854775807", "9223372036854775808", "-1", "x"])
def test_no_number_of_a_book_breaks_it(shop: Client, number: str) -> None:
    """Whatever stands in the place of an id, a book that is not there is a 404."""
    with shop.get(f"/books/{number}") as response:
        assert response.status_code == 404


def test_first_requests_at_once_fill_it_once(tmp_path: Path) -> None:
    """Several first requests at once find one and the same filled shop."""
    app = load_app("bookshop")
    site = app.compile(Settings(extra={"database": str(tmp_path / "bookshop.sqlite")}))
    barrier = Barrier(8)

    def list_books(_: int) -> int:
        client = Client(site.wsgi)
        barrier.wait()
        return len(client.get("/books").json or [])

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(list_books, range(8))) == [4] * 8


def test_last_copy_is_sold_once(tmp_path: Path) -> None:
    """Of many buyers at once, as many get a copy as there were."""
    path = tmp_path / "bookshop.sqlite"
    site = load_app("bookshop").compile(Settings(extra={"database": str(path)}))
    barrier = Barrier(8)

    def buy(_: int) -> int:
        client = Client(site.wsgi)
        barrier.wait()
        return client.post("/books/1/sales", json={"copies": 1}).status_code

    with ThreadPoolExecutor(8) as pool:
        statuses = sorted(pool.map(buy, range(8)))

    assert statuses == [201] * 3 + [409] * 5
    with sqlite3.connect(path) as database:
        assert database.execute("SELECT stock FROM books WHERE id = 1").fetchone() == (0,)
    database.close()
