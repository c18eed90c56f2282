"""A bookshop: list, add, show, change, sell and delete books that stand in an SQLite database.

``ramekin run examples/bookshop.py`` serves it for development, ``gunicorn --chdir examples bookshop:app`` otherwise.
The database is the file that the environment variable ``BOOKSHOP_DB`` names, ``bookshop.sqlite`` without it. The first
request creates and fills it.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any

from marshmallow import Schema, fields, validate

from ramekin import App, Reply, Request, Resource, accepts, describe, raises, returns
from ramekin.problems import NotFound, Problem
from ramekin.settings import load_settings


class ShopSettings(Schema):
    """The shop's own settings."""

    database = fields.String(load_default="bookshop.sqlite", validate=validate.Length(min=1))


class BookSchema(Schema):
    """A title that the shop sells."""

    id = fields.Integer(dump_only=True, metadata={"description": "Given by the shop, never given again."})
    title = fields.String(
        required=True,
        validate=validate.Length(1, 200),
        metadata={"description": "As it stands on the cover.", "examples": ["Emma"]},
    )
    author = fields.String(
        required=True,
        validate=validate.Length(1, 200),
        metadata={"description": "Who wrote it.", "examples": ["Jane Austen"]},
    )
    stock = fields.Integer(
        load_default=0,
        validate=validate.Range(min=0, max=1_000_000),
        metadata={"description": "Copies that are left.", "examples": [3]},
    )


class BookQuery(Schema):
    """What to list."""

    title = fields.String(
        load_default="", metadata={"description": "Part of a title, in either case.", "examples": ["em"]}
    )
    limit = fields.Integer(
        load_default=20,
        validate=validate.Range(min=1, max=100),
        metadata={"description": "Most books that are listed.", "examples": [10]},
    )


class SaleSchema(Schema):
    """Copies of one book that were sold at once."""

    copies = fields.Integer(
        load_default=1,
        validate=validate.Range(min=1, max=1_000_000),
        metadata={"description": "How many.", "examples": [1]},
    )
    left = fields.Integer(dump_only=True, metadata={"description": "Copies that are left."})


class OutOfStock(Problem):
    """Not enough copies are left."""

    status = 409
    members = {"left": fields.Integer(required=True, metadata={"description": "Copies that are left."})}


app = App(
    "Bookshop",
    version="1.0.0",
    summary="A small bookshop.",
    description="Books on a shelf that are listed, added, changed, **sold** and deleted.",
    contact={"name": "The bookshop", "url": "https://bookshop.example/contact"},
    license={"name": "MIT", "identifier": "MIT"},
    tags=[
        {"name": "Books", "description": "What stands on the shelf."},
        {"name": "Sales", "description": "What leaves it."},
    ],
    settings=load_settings(
        {"extra": {"database": os.environ["BOOKSHOP_DB"]}} if "BOOKSHOP_DB" in os.environ else {}, extra=ShopSettings
    ),
)


@app.resource("/books")
@describe(tags=["Books"])
class Books(Resource):
    """The shelf."""

    @accepts(query=BookQuery)
    @returns(BookSchema(many=True))
    def get(self, query: Mapping[str, Any]) -> list[sqlite3.Row]:
        """List books.

        Those whose title contains a text, the oldest first.
        """
        with open_shop(self.request) as shop:
            return shop.execute(
                "SELECT * FROM books WHERE instr(casefold(title), casefold(:title)) ORDER BY id LIMIT :limit", query
            ).fetchall()

    @accepts(json=BookSchema)
    @returns(BookSchema, status=201, headers={"Location": fields.Url(relative=True)}, description="The book is there.")
    def post(self, json: Mapping[str, Any]) -> Reply[sqlite3.Row]:
        """Add a book."""
        with open_shop(self.request) as shop:
            book_id = add_book(shop, json)
            book = find_book(shop, book_id)
        return Reply(book, headers={"Location": self.url_for(BookItem, book_id=book_id)})


@app.resource("/books/<int:book_id>")
@describe(tags=["Books"])
@raises(NotFound)
class BookItem(Resource):
    """One book."""

    @returns(BookSchema)
    def get(self, book_id: int) -> sqlite3.Row:
        """Show a book."""
        with open_shop(self.request) as shop:
            return find_book(shop, book_id)

    @accepts(json=BookSchema(partial=True))
    @returns(BookSchema)
    def patch(self, book_id: int, json: Mapping[str, Any]) -> sqlite3.Row:
        """Change a book.

        What is not sent stays as it is.
        """
        with open_shop(self.request) as shop:
            book = {**find_book(shop, book_id), **json}
            shop.execute("UPDATE books SET title=:title, author=:author, stock=:stock WHERE id=:id", book)
            return find_book(shop, book_id)

    @returns(status=204)
    def delete(self, book_id: int) -> None:
        """Delete a book."""
        with open_shop(self.request) as shop:
            find_book(shop, book_id)
            shop.execute("DELETE FROM books WHERE id = ?", [book_id])


@app.resource("/books/<int:book_id>/sales")
class Sales(Resource):
    """The till."""

    @accepts(json=SaleSchema)
    @returns(SaleSchema, status=201)
    @raises(NotFound, OutOfStock)
    def post(self, book_id: int, json: Mapping[str, int]) -> dict[str, int]:
        """Sell copies of a book."""
        copies = json["copies"]
        with open_shop(self.request) as shop:
            book = find_book(shop, book_id)
            if copies > book["stock"]:
                raise OutOfStock(left=book["stock"])
            left = book["stock"] - copies
            shop.execute("UPDATE books SET stock = ? WHERE id = ?", [left, book_id])
        return {"copies": copies, "left": left}


# AUTOINCREMENT gives no id twice, so nobody finds another book under the address of a deleted one.
_TABLE = """
    CREATE TABLE books (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        title TEXT NOT NULL,
        author TEXT NOT NULL,
        stock INTEGER NOT NULL
    )
"""
_FIRST_BOOKS = [
    {"title": "Emma", "author": "Jane Austen", "stock": 3},
    {"title": "Middlemarch", "author": "George Eliot", "stock": 1},
    {"title": "Les Misérables", "author": "Victor Hugo", "stock": 2},
    {"title": "The Trial", "author": "Franz Kafka", "stock": 0},
]


@contextmanager
def open_shop(request: Request) -> Iterator[sqlite3.Connection]:
    """Open the database for one transaction: committed at the end, rolled back after an exception.

    Whoever may write locks the database at once, so that what it read still holds when it writes. The others wait, in
    this process or another.
    """
    with closing(sqlite3.connect(request.settings.extra["database"], timeout=30, isolation_level=None)) as shop:
        shop.row_factory = sqlite3.Row
        shop.create_function("casefold", 1, str.casefold, deterministic=True)
        if not is_filled(shop):
            fill(shop)
        shop.execute("BEGIN" if request.method in ("GET", "HEAD") else "BEGIN IMMEDIATE")
        with shop:
            yield shop


def is_filled(shop: sqlite3.Connection) -> bool:
    """Tell whether the database has its table; `user_version` is a number that SQLite leaves to the application."""
    return bool(shop.execute("PRAGMA user_version").fetchone()[0])


def fill(shop: sqlite3.Connection) -> None:
    """Create the table and put the first books on the shelf, unless somebody was faster."""
    shop.execute("BEGIN IMMEDIATE")
    with shop:
        if not is_filled(shop):
            shop.execute(_TABLE)
            for book in _FIRST_BOOKS:
                add_book(shop, book)
            shop.execute("PRAGMA user_version = 1")


def add_book(shop: sqlite3.Connection, book: Mapping[str, Any]) -> int:
    """Put a book on the shelf and return its id."""
    added = shop.execute("INSERT INTO books (title, author, stock) VALUES (:title, :author, :stock)", book)
    return added.lastrowid or 0


def find_book(shop: sqlite3.Connection, book_id: int) -> sqlite3.Row:
    """Return a book.

    Raises:
        NotFound: 404, there is none.
    """
    book: sqlite3.Row | None = shop.execute("SELECT * FROM books WHERE id = ?", [book_id]).fetchone()
    if book is None:
        raise NotFound("There is no such book.")
    return book
