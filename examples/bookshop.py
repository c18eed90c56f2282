"""A bookshop: books that everybody can look at, customers who order them, and staff who see to the shelf.

``ramekin run examples/bookshop.py`` serves it for development, ``gunicorn --chdir examples bookshop:app`` otherwise.
Everybody may list books and register as a customer; ``python examples/bookshop.py add-staff NAME`` makes an account of
the staff and prints its password.

Browsers log in and have a session. Programs have tokens, which somebody who is logged in has made for them, each good
for a part of what that person may do.

The environment variable ``BOOKSHOP_DB`` names the file of the SQLite database, ``bookshop.sqlite`` without it, which
the first request creates and fills; ``BOOKSHOP_SECRET_KEY`` is the key that signs sessions and tokens.
"""

from __future__ import annotations

import argparse
import os
import secrets
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from marshmallow import Schema, fields, validate

from ramekin import App, Reply, Request, Resource, Settings, accepts, describe, raises, returns
from ramekin.auth import BearerTokens, Principal, Requirement, SessionCookie, loads, policy, public, requires
from ramekin.passwords import hash_password, verify_password
from ramekin.problems import Forbidden, NotFound, Problem
from ramekin.sessions import sessions
from ramekin.settings import load_settings

# -- What goes in and out ---------------------------------------------------------------------------------------------

#: What each role may do.
SCOPES = {
    "customer": ["orders:own"],
    "staff": ["books:write", "orders:own", "orders:read"],
}
MOST_COPIES = 1_000_000


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
        validate=validate.Range(min=0, max=MOST_COPIES),
        metadata={"description": "Copies that are left.", "examples": [3]},
    )


class PageQuery(Schema):
    """How much to list."""

    limit = fields.Integer(
        load_default=20,
        validate=validate.Range(min=1, max=100),
        metadata={"description": "Most entries that are listed.", "examples": [10]},
    )


class BookQuery(PageQuery):
    """What to list."""

    title = fields.String(
        load_default="", metadata={"description": "Part of a title, in either case.", "examples": ["em"]}
    )


class SaleSchema(Schema):
    """Copies of one book that were sold at once."""

    copies = fields.Integer(
        load_default=1,
        validate=validate.Range(min=1, max=MOST_COPIES),
        metadata={"description": "How many.", "examples": [1]},
    )
    left = fields.Integer(dump_only=True, metadata={"description": "Copies that are left."})


class OrderSchema(Schema):
    """Copies of one book that somebody has ordered."""

    id = fields.Integer(dump_only=True, metadata={"description": "Given by the shop."})
    customer = fields.String(dump_only=True, metadata={"description": "Whose order it is: whoever places it."})
    book_id = fields.Integer(
        required=True,
        validate=validate.Range(min=1, max=2**63 - 1),
        metadata={"description": "The book.", "examples": [1]},
    )
    title = fields.String(dump_only=True, metadata={"description": "The book's title when it was ordered."})
    copies = fields.Integer(
        load_default=1,
        validate=validate.Range(min=1, max=100),
        metadata={"description": "How many.", "examples": [1]},
    )
    placed_at = fields.AwareDateTime(dump_only=True, metadata={"description": "When it was ordered."})


class AccountSchema(Schema):
    """Who somebody is in this shop."""

    name = fields.String(
        required=True,
        validate=validate.Regexp(r"^[a-z][a-z0-9-]{1,29}\Z"),
        metadata={"description": "Small letters, digits and hyphens.", "examples": ["ada"]},
    )
    password = fields.String(
        required=True,
        load_only=True,
        validate=validate.Length(8, 1_000),
        metadata={"description": "Long, and used nowhere else.", "examples": ["correct horse battery staple"]},
    )
    role = fields.String(
        dump_only=True,
        validate=validate.OneOf(list(SCOPES)),
        metadata={"description": "Customers order, staff see to the shelf."},
    )


class TokenSchema(Schema):
    """A token of a program."""

    scopes = fields.List(
        fields.String(validate=validate.OneOf(SCOPES["staff"])),
        required=True,
        validate=validate.Length(1, 10),
        metadata={"description": "What it is good for, a part of what its owner may do.", "examples": [["orders:own"]]},
    )
    token = fields.String(dump_only=True, metadata={"description": "For the field `Authorization: Bearer …`."})


class OutOfStock(Problem):
    """Not enough copies are left."""

    status = 409
    members = {"left": fields.Integer(required=True, metadata={"description": "Copies that are left."})}


class NameTaken(Problem):
    """Somebody else has this name."""

    status = 409


class WrongPassword(Problem):
    """The name and the password do not belong together."""

    status = 403


# -- Who may do what --------------------------------------------------------------------------------------------------


def find_principal(account_id: Any, request: Request) -> Principal[sqlite3.Row] | None:
    """Return whose session or token this is, with what its role allows today; None once the account is gone."""
    with open_shop(request.settings) as shop:
        account = shop.execute("SELECT * FROM accounts WHERE id = ?", [account_id]).fetchone()
    if account is None:
        return None
    return Principal(account["id"], SCOPES[account["role"]], user=account, version=account["token_version"])


browser = sessions(max_age=timedelta(hours=12))
session = SessionCookie(
    find_principal, browser, description="Begins with `POST /session`; a browser keeps it by itself."
)
tokens = BearerTokens(find_principal, max_age=timedelta(days=30), description="Made by `POST /tokens`.")


def allowed(scope: str) -> Requirement:
    """Require a token or a session that is good for a scope."""
    return tokens(scope) | session(scope)


@policy(otherwise=NotFound)
def is_own(principal: Principal[sqlite3.Row], order: Mapping[str, Any]) -> bool:
    """Tell whether somebody placed an order; that of somebody else looks as if there were none."""
    return bool(order["account_id"] == principal.id)


def load_order(order_id: int, request: Request) -> Mapping[str, Any] | None:
    """Return an order, or None."""
    with open_shop(request.settings) as shop:
        return find_order(shop, order_id)


# -- The API ----------------------------------------------------------------------------------------------------------

app = App(
    "Bookshop",
    version="2.0.0",
    summary="A small bookshop.",
    description=(
        "Books on a shelf that everybody can look at, customers **order**, and staff add, change, sell and delete.\n\n"
        "Register with `POST /accounts`, log in with `POST /session`, and order. `POST /tokens` makes a token for a "
        "program."
    ),
    contact={"name": "The bookshop", "url": "https://bookshop.example/contact"},
    license={"name": "MIT", "identifier": "MIT"},
    tags=[
        {"name": "Books", "description": "What stands on the shelf."},
        {"name": "Sales", "description": "What leaves it over the counter."},
        {"name": "Orders", "description": "What leaves it by post."},
        {"name": "Accounts", "description": "Who is who."},
    ],
    settings=load_settings(
        {
            # Without a key of its own each process makes one up. That is enough for one process; its sessions and
            # tokens end with it. With several workers, each would refuse what the others have signed: give them all one
            # key, BOOKSHOP_SECRET_KEY=$(python -c "import secrets; print(secrets.token_urlsafe(32))").
            "secret_key": os.environ.get("BOOKSHOP_SECRET_KEY") or secrets.token_urlsafe(32),
            "extra": {"database": os.environ["BOOKSHOP_DB"]} if "BOOKSHOP_DB" in os.environ else {},
        },
        extra=ShopSettings,
    ),
)
app.declare(browser)


@app.resource("/books")
@describe(tags=["Books"])
class Books(Resource):
    """The shelf."""

    @public
    @accepts(query=BookQuery)
    @returns(BookSchema(many=True))
    def get(self, query: Mapping[str, Any]) -> list[sqlite3.Row]:
        """List books.

        Those whose title contains a text, the oldest first.
        """
        with open_shop(self.request.settings) as shop:
            return shop.execute(
                "SELECT * FROM books WHERE instr(casefold(title), casefold(:title)) ORDER BY id LIMIT :limit", query
            ).fetchall()

    @requires(allowed("books:write"))
    @accepts(json=BookSchema)
    @returns(BookSchema, status=201, headers={"Location": fields.Url(relative=True)}, description="The book is there.")
    def post(self, json: Mapping[str, Any]) -> Reply[sqlite3.Row]:
        """Add a book."""
        with open_shop(self.request.settings, write=True) as shop:
            book_id = add_book(shop, json)
            book = find_book(shop, book_id)
        return Reply(book, headers={"Location": self.url_for(BookItem, book_id=book_id)})


@app.resource("/books/<int:book_id>")
@describe(tags=["Books"])
@raises(NotFound)
class BookItem(Resource):
    """One book."""

    @public
    @returns(BookSchema)
    def get(self, book_id: int) -> sqlite3.Row:
        """Show a book."""
        with open_shop(self.request.settings) as shop:
            return find_book(shop, book_id)

    @requires(allowed("books:write"))
    @accepts(json=BookSchema(partial=True))
    @returns(BookSchema)
    def patch(self, book_id: int, json: Mapping[str, Any]) -> sqlite3.Row:
        """Change a book.

        What is not sent stays as it is.
        """
        with open_shop(self.request.settings, write=True) as shop:
            book = {**find_book(shop, book_id), **json}
            shop.execute("UPDATE books SET title=:title, author=:author, stock=:stock WHERE id=:id", book)
            return find_book(shop, book_id)

    @requires(allowed("books:write"))
    @returns(status=204)
    def delete(self, book_id: int) -> None:
        """Delete a book."""
        with open_shop(self.request.settings, write=True) as shop:
            find_book(shop, book_id)
            shop.execute("DELETE FROM books WHERE id = ?", [book_id])


@app.resource("/books/<int:book_id>/sales")
class Sales(Resource):
    """The till."""

    @requires(allowed("books:write"))
    @accepts(json=SaleSchema)
    @returns(SaleSchema, status=201)
    @raises(NotFound, OutOfStock)
    def post(self, book_id: int, json: Mapping[str, int]) -> dict[str, int]:
        """Sell copies of a book."""
        copies = json["copies"]
        with open_shop(self.request.settings, write=True) as shop:
            book = take_copies(shop, book_id, copies)
        return {"copies": copies, "left": book["stock"]}


@app.resource("/orders")
class Orders(Resource):
    """What was ordered."""

    @requires(allowed("orders:own") | allowed("orders:read"))
    @accepts(query=PageQuery)
    @returns(OrderSchema(many=True))
    def get(self, query: Mapping[str, int], principal: Principal[sqlite3.Row]) -> list[Mapping[str, Any]]:
        """List orders.

        The newest first: everybody's for staff and tokens with `orders:read`, and one's own for others.
        """
        owner = None if principal.may("orders:read") else principal.id
        with open_shop(self.request.settings) as shop:
            return list_orders(shop, owner, query["limit"])

    @requires(allowed("orders:own"))
    @accepts(json=OrderSchema)
    @returns(OrderSchema, status=201, headers={"Location": fields.Url(relative=True)}, description="It is ordered.")
    @raises(NotFound, OutOfStock)
    def post(self, json: Mapping[str, int], principal: Principal[sqlite3.Row]) -> Reply[Mapping[str, Any] | None]:
        """Order copies of a book."""
        with open_shop(self.request.settings, write=True) as shop:
            order_id = add_order(shop, principal.id, **json)
            order = find_order(shop, order_id)
        return Reply(order, headers={"Location": self.url_for(OrderItem, order_id=order_id)})


@app.resource("/orders/<int:order_id>")
@describe(tags=["Orders"])
@loads(order=load_order)
class OrderItem(Resource):
    """One order."""

    @requires(allowed("orders:own") & is_own | allowed("orders:read"))
    @returns(OrderSchema)
    def get(self, order_id: int, order: Mapping[str, Any]) -> Mapping[str, Any]:
        """Show an order."""
        return order

    @requires(allowed("orders:own") & is_own)
    @returns(status=204)
    def delete(self, order_id: int) -> None:
        """Cancel an order.

        The copies stand on the shelf again.
        """
        with open_shop(self.request.settings, write=True) as shop:
            cancel_order(shop, order_id)


@app.resource("/accounts")
class Accounts(Resource):
    """Who can log in."""

    @public
    @accepts(json=AccountSchema)
    @returns(AccountSchema, status=201, description="You can log in now.")
    @raises(NameTaken)
    def post(self, json: Mapping[str, str]) -> dict[str, str]:
        """Register as a customer."""
        kept = hash_password(json["password"])  # This takes its time, so not while the database is locked.
        with open_shop(self.request.settings, write=True) as shop:
            add_account(shop, json["name"], kept, "customer")
        return {"name": json["name"], "role": "customer"}


@app.resource("/session")
@describe(tags=["Accounts"])
class Login(Resource):
    """The session of a browser."""

    @requires(session)
    @returns(AccountSchema)
    def get(self, principal: Principal[sqlite3.Row]) -> sqlite3.Row:
        """Show who is logged in."""
        return principal.user

    @public
    @accepts(json=AccountSchema)
    @returns(AccountSchema, description="You are logged in.")
    @raises(WrongPassword)
    def post(self, json: Mapping[str, str]) -> sqlite3.Row:
        """Log in.

        The answer sets the cookie of a session.
        """
        with open_shop(self.request.settings) as shop:
            account: sqlite3.Row | None = find_account(shop, json["name"])
        # It takes as long for a name that nobody has; what stands in front of the app has to limit the attempts.
        check = verify_password(json["password"], None if account is None else account["password_hash"])
        if account is None or not check:
            raise WrongPassword
        if check.new_hash is not None:
            with open_shop(self.request.settings, write=True) as shop:
                shop.execute("UPDATE accounts SET password_hash = ? WHERE id = ?", [check.new_hash, account["id"]])
        self.session.renew(subject=str(account["id"]))
        return account

    @public
    @returns(status=204)
    def delete(self) -> None:
        """Log out."""
        self.session.clear()


@app.resource("/tokens")
@describe(tags=["Accounts"])
@requires(session)
class Tokens(Resource):
    """The tokens of programs; they are made and revoked by people, so that no token makes another one."""

    @accepts(json=TokenSchema)
    @returns(TokenSchema, status=201)
    @raises(Forbidden)
    def post(self, json: Mapping[str, list[str]], principal: Principal[sqlite3.Row]) -> dict[str, Any]:
        """Make a token.

        It is good for 30 days, and shown this once.
        """
        scopes = json["scopes"]
        if not principal.may(*scopes):
            raise Forbidden("You may not do that yourself.")
        return {"scopes": scopes, "token": tokens.issue(principal, self.request.settings, scopes=scopes)}

    @returns(status=204)
    def delete(self, principal: Principal[sqlite3.Row]) -> None:
        """Revoke all of one's tokens."""
        with open_shop(self.request.settings, write=True) as shop:
            shop.execute("UPDATE accounts SET token_version = token_version + 1 WHERE id = ?", [principal.id])


# -- The database -----------------------------------------------------------------------------------------------------

# AUTOINCREMENT gives no id twice, so nobody finds another book under the address of a deleted one.
_BOOKS = """
    CREATE TABLE books (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        title TEXT NOT NULL,
        author TEXT NOT NULL,
        stock INTEGER NOT NULL
    )
"""
_ACCOUNTS = """
    CREATE TABLE accounts (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        name TEXT NOT NULL UNIQUE,
        password_hash TEXT NOT NULL,
        role TEXT NOT NULL,
        token_version INTEGER NOT NULL DEFAULT 1
    )
"""
# An order outlives its book.
_ORDERS = """
    CREATE TABLE orders (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        account_id INTEGER NOT NULL REFERENCES accounts (id),
        book_id INTEGER NOT NULL,
        title TEXT NOT NULL,
        copies INTEGER NOT NULL,
        placed_at TEXT NOT NULL
    )
"""
_FIRST_BOOKS = [
    {"title": "Emma", "author": "Jane Austen", "stock": 3},
    {"title": "Middlemarch", "author": "George Eliot", "stock": 1},
    {"title": "Les Misérables", "author": "Victor Hugo", "stock": 2},
    {"title": "The Trial", "author": "Franz Kafka", "stock": 0},
]
#: What the tables are like; `user_version` is a number that SQLite leaves to the application.
_VERSION = 2


@contextmanager
def open_shop(settings: Settings, *, write: bool = False) -> Iterator[sqlite3.Connection]:
    """Open the database for one transaction: committed at the end, rolled back after an exception.

    Whoever may write locks the database at once, so that what it read still holds when it writes. The others wait, in
    this process or another.
    """
    with closing(sqlite3.connect(settings.extra["database"], timeout=30, isolation_level=None)) as shop:
        shop.row_factory = sqlite3.Row
        shop.create_function("casefold", 1, str.casefold, deterministic=True)
        if read_version(shop) < _VERSION:
            fill(shop)
        shop.execute("BEGIN IMMEDIATE" if write else "BEGIN")
        with shop:
            yield shop


def read_version(shop: sqlite3.Connection) -> int:
    """Return which tables there are; 0 in a new file."""
    return int(shop.execute("PRAGMA user_version").fetchone()[0])


def fill(shop: sqlite3.Connection) -> None:
    """Create the tables that are missing and put the first books on the shelf, unless somebody was faster."""
    shop.execute("BEGIN IMMEDIATE")
    with shop:
        version = read_version(shop)
        if version < 1:
            shop.execute(_BOOKS)
            for book in _FIRST_BOOKS:
                add_book(shop, book)
        if version < _VERSION:
            shop.execute(_ACCOUNTS)
            shop.execute(_ORDERS)
        shop.execute(f"PRAGMA user_version = {_VERSION}")


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


def take_copies(shop: sqlite3.Connection, book_id: int, copies: int) -> sqlite3.Row:
    """Take copies of a book off the shelf, and return the book as it is then.

    Raises:
        NotFound: 404, there is no such book.
        OutOfStock: 409, there are not so many copies.
    """
    book = find_book(shop, book_id)
    if copies > book["stock"]:
        raise OutOfStock(left=book["stock"])
    shop.execute("UPDATE books SET stock = stock - ? WHERE id = ?", [copies, book_id])
    return find_book(shop, book_id)


def add_order(shop: sqlite3.Connection, account_id: int | str, book_id: int, copies: int) -> int:
    """Order copies of a book for somebody, and return the order's id.

    Raises:
        NotFound: 404, there is no such book.
        OutOfStock: 409, there are not so many copies.
    """
    book = take_copies(shop, book_id, copies)
    added = shop.execute(
        "INSERT INTO orders (account_id, book_id, title, copies, placed_at) VALUES (?, ?, ?, ?, ?)",
        [account_id, book_id, book["title"], copies, datetime.now(UTC).isoformat()],
    )
    return added.lastrowid or 0


def cancel_order(shop: sqlite3.Connection, order_id: int) -> None:
    """Delete an order and put its copies back, where the book is still sold.

    Raises:
        NotFound: 404, there is no such order: somebody else was faster.
    """
    order = find_order(shop, order_id)
    if order is None:
        raise NotFound
    shop.execute("DELETE FROM orders WHERE id = ?", [order_id])
    shop.execute(
        "UPDATE books SET stock = min(stock + ?, ?) WHERE id = ?", [order["copies"], MOST_COPIES, order["book_id"]]
    )


_FIND_ORDERS = "SELECT orders.*, accounts.name AS customer FROM orders JOIN accounts ON accounts.id = account_id "


def find_order(shop: sqlite3.Connection, order_id: int) -> Mapping[str, Any] | None:
    """Return an order, or None."""
    order = shop.execute(_FIND_ORDERS + "WHERE orders.id = ?", [order_id]).fetchone()
    return None if order is None else read_order(order)


def list_orders(shop: sqlite3.Connection, account_id: int | str | None, limit: int) -> list[Mapping[str, Any]]:
    """Return somebody's orders, or everybody's, the newest first."""
    found = shop.execute(
        _FIND_ORDERS + "WHERE :id IS NULL OR account_id = :id ORDER BY orders.id DESC LIMIT :limit",
        {"id": account_id, "limit": limit},
    )
    return [read_order(order) for order in found]


def read_order(order: sqlite3.Row) -> Mapping[str, Any]:
    """Return an order with its time as one; SQLite has text."""
    return {**order, "placed_at": datetime.fromisoformat(order["placed_at"])}


def add_account(shop: sqlite3.Connection, name: str, password_hash: str, role: str) -> None:
    """Add an account.

    Raises:
        NameTaken: 409, there is one of this name.
    """
    if find_account(shop, name) is not None:
        raise NameTaken
    shop.execute("INSERT INTO accounts (name, password_hash, role) VALUES (?, ?, ?)", [name, password_hash, role])


def find_account(shop: sqlite3.Connection, name: str) -> sqlite3.Row | None:
    """Return the account of a name, or None."""
    account: sqlite3.Row | None = shop.execute("SELECT * FROM accounts WHERE name = ?", [name]).fetchone()
    return account


# -- The command line -------------------------------------------------------------------------------------------------


def main() -> None:
    """Add an account of the staff, with a password that nobody had to think of."""
    parser = argparse.ArgumentParser(description="The bookshop's accounts.")
    parser.add_argument("command", choices=["add-staff"])
    parser.add_argument("name", help="small letters, digits and hyphens")
    name = parser.parse_args().name
    password = secrets.token_urlsafe(16)
    faults = AccountSchema().validate({"name": name, "password": password})
    if faults:
        parser.error(f"the name {name!r} is none: {' '.join(faults['name'])}")
    try:
        with open_shop(app.settings, write=True) as shop:
            add_account(shop, name, hash_password(password), "staff")
    except NameTaken:
        parser.error(f"there is an account named {name!r} already")
    print(f"{name} belongs to the staff. The password, shown this once: {password}")


if __name__ == "__main__":
    main()
