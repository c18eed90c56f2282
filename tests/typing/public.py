"""What a type checker knows of a resource and of calls to it. Read by mypy and pyright, which must find nothing.

Lines that have to be refused carry an ignore, and an ignore that is not needed is an error to both.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, NamedTuple, assert_type

from marshmallow import Schema, fields

from ramekin import App, Reply, Request, Resource, accepts, limits, raises, returns
from ramekin.auth import (
    JWT,
    APIKeys,
    Bearer,
    BearerTokens,
    Policy,
    Principal,
    Requirement,
    Requires,
    Scheme,
    SessionCookie,
    anonymous,
    generate_key,
    hash_key,
    loads,
    policy,
    public,
    requires,
)
from ramekin.declarations import Accepts, Raises, Returns
from ramekin.passwords import verify_password
from ramekin.problems import NotFound
from ramekin.sessions import MemoryStore, Session, SQLiteStore, sessions
from ramekin.settings import Settings
from ramekin.signing import Signed, Signer
from ramekin.testing import Breach, Client, Exercise, Result

app = App("Bookshop")


class BookSchema(Schema):
    id = fields.Integer(dump_only=True)
    title = fields.String(required=True)


@app.resource("/books")
class Books(Resource):
    @accepts(query={"title": fields.String()})
    @returns(BookSchema(many=True))
    def get(self, query: dict[str, str]) -> list[dict[str, Any]]:
        return [query]

    @accepts(json=BookSchema)
    @returns(BookSchema, status=201)
    def post(self, json: dict[str, Any]) -> Reply[dict[str, Any]]:
        location = self.url_for(BookItem, book_id=1)
        assert_type(location, str)
        return Reply(json, headers={"Location": location})


@app.resource("/books/<int:book_id>", name="book")
@raises(NotFound)
@limits(json_depth=4)
class BookItem(Resource):
    @returns(BookSchema)
    def get(self, book_id: int) -> dict[str, Any]:
        return {"id": book_id, "title": "Emma"}

    @returns(status=204)
    def delete(self, book_id: int) -> None: ...


# A declaration gives back what it stands on, with its type.
assert_type(BookItem, type[BookItem])
assert_type(returns(BookSchema), Returns)
assert_type(accepts(json=BookSchema), Accepts)
assert_type(raises(NotFound), Raises)


def reads_handlers(books: Books, item: BookItem) -> None:
    assert_type(books.get(query={}), list[dict[str, Any]])
    assert_type(books.post(json={}), Reply[dict[str, Any]])
    assert_type(item.get(book_id=3), dict[str, Any])
    item.get(book_id="3")  # type: ignore[arg-type]
    item.get()  # type: ignore[call-arg]


def calls_by_operation(client: Client) -> None:
    assert_type(client.call(BookItem.get, book_id=3), Result)
    assert_type(client.call(Books.get, query={"title": "Emma"}), Result)
    assert_type(client.call(Books.post, json={"title": "Emma"}), Result)
    assert_type(client.call("getBook", book_id=3), Result)
    client.call(BookItem.get)  # type: ignore[call-overload]
    client.call(BookItem.get, book_id="3")  # type: ignore[call-overload]
    client.call(BookItem.get, number=3)  # type: ignore[call-overload]
    client.call(Books.post, json=["Emma"])  # type: ignore[call-overload]
    client.call(BookItem.get, book_id=3, query={})  # type: ignore[call-overload]
    # What is wrong on purpose is no error.
    assert_type(client.call(Books.post, valid=False, json=["Emma"]), Result)
    client.call(Books.post, valid=True, json=["Emma"])  # type: ignore[call-overload]


def calls_by_url(client: Client) -> None:
    assert_type(client.get("/books", query={"title": "Emma"}, headers={"X-Shelf": 1}), Result)
    assert_type(client.with_headers({"Authorization": "Bearer alice"}), Client)
    assert_type(client.post("/books", json={}, valid=True), Result)
    client.get("/books", queries={})  # type: ignore[call-arg]
    client.post("/books", follow_redirects="no")  # type: ignore[arg-type]


def reads_results(result: Result) -> None:
    assert_type(result.status, int)
    assert_type(result.content, bytes)
    assert_type(result.text, str)
    assert_type(result.value, Any)
    assert_type(result.problem, dict[str, Any])
    assert_type(result.cookies, dict[str, str])
    assert_type(result.headers.getlist("Set-Cookie"), list[str])


def expects_breaches(client: Client) -> None:
    with client.expect_breach("body") as breaches:
        assert_type(breaches, list[Breach])
    client.expect_breach("bodies")  # type: ignore[arg-type]
    assert_type(client.exercises, list[Exercise])


def makes_clients() -> None:
    assert_type(Client(app, contract=False), Client)
    assert_type(Client(app, settings=Settings(debug=True), raise_exceptions=False), Client)
    Client("app")  # type: ignore[arg-type]


class Visits(Resource):
    @returns({"visits": fields.Integer()})
    def get(self) -> dict[str, int]:
        assert_type(self.session, Session)
        assert_type(self.session.get_as("visits", int), int | None)
        assert_type(self.session.subject, str | None)
        self.session.get_as("visits", "int")  # type: ignore[arg-type]
        return {"visits": len(self.session)}


app.declare(sessions(store=MemoryStore(), max_age=timedelta(days=1)))
app.declare(sessions(store=SQLiteStore("sessions.db")))
app.declare(sessions(max_age=14))  # type: ignore[arg-type]
app.declare(sessions(store=object()))  # type: ignore[arg-type]

signer = app.signer("reset", max_age=timedelta(hours=1))
assert_type(signer.dump({"user": 7}), str)
assert_type(signer.unsign("text"), str)
app.signer("reset")  # type: ignore[call-arg]

assert_type(signer.load("token"), Any)
assert_type(signer.read("token"), Signed)
assert_type(signer.sign_link("/books"), str)
assert_type(Signer("k" * 32, "reset", max_age=timedelta(hours=1)), Signer)
Signer("k" * 32, "reset")  # type: ignore[call-arg]


class Customer(NamedTuple):
    name: str


def find_customer(number: Any) -> Principal[Customer] | None:
    return Principal(7, {"orders:own"}, user=Customer("Ada")) if number == 7 else None


def find_by_request(number: Any, request: Request) -> Principal[Customer] | None:
    return find_customer(request.settings.extra.get("number", number))


async def find_in_time(number: Any) -> Principal[Customer] | None:
    return find_customer(number)


browser = sessions()
tokens = BearerTokens(find_customer, max_age=timedelta(days=1))
schemes: list[Scheme] = [
    tokens,
    BearerTokens(find_by_request, name="requests"),
    BearerTokens(find_in_time, name="async"),
    Bearer(find_by_request),
    APIKeys(find_customer, header="X-API-Key"),
    APIKeys({"hash": Principal("robot")}, name="robots"),
    SessionCookie(find_by_request, browser),
    JWT("s" * 32, algorithms=["HS256"], issuer=None, audience=None, load=find_by_request),
]
BearerTokens(lambda number: "Ada")  # type: ignore[arg-type]
SessionCookie(find_customer)  # type: ignore[call-arg]
APIKeys()  # type: ignore[call-arg]


@policy(otherwise=NotFound)
def owns(principal: Principal[Customer], order: dict[str, Any]) -> bool:
    assert_type(principal.user, Customer)
    return bool(order["customer"] == principal.user.name)


assert_type(owns, Policy)
assert_type(tokens("books:write"), Requirement)
assert_type(tokens | schemes[4], Requirement)
assert_type(tokens & owns | tokens("orders:all") | anonymous, Requirement)
requires(find_customer)  # type: ignore[arg-type]
requires(scopes="books:write")  # A text is a collection of texts; it is refused when it is declared.


def load_order(order_id: int) -> dict[str, Any] | None:
    return {"id": order_id}


@app.resource("/orders/<int:order_id>")
@loads(order=load_order)
@requires(tokens & owns)
class OrderItem(Resource):
    @returns(fields.Dict())
    def get(self, order_id: int, order: dict[str, Any], principal: Principal[Customer]) -> dict[str, Any]:
        assert_type(principal.may("orders:own"), bool)
        assert_type(principal.user.name, str)
        return order

    @public
    @returns({"token": fields.String()}, status=201)
    def post(self, order_id: int) -> dict[str, str]:
        principal = find_customer(7)
        assert principal is not None
        token = tokens.issue(principal, self.request.settings, scopes=["orders:own"])
        assert_type(token, str)
        return {"token": token}


assert_type(OrderItem, type[OrderItem])
assert_type(public, Requires)


def calls_guarded(client: Client, item: OrderItem) -> None:
    assert_type(item.post(order_id=1), dict[str, str])
    assert_type(client.as_principal(Principal(7)), Client)
    # What is provided to a handler is no part of the request.
    assert_type(client.call(OrderItem.post, order_id=1), Result)


key = generate_key("shop")
assert_type(key.hash, str)
assert_type(hash_key(key.key), str)

check = verify_password("correct horse", None)
assert_type(check.is_valid, bool)
assert_type(check.new_hash, str | None)
