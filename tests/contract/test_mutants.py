"""The bookshop broken in many ways, one at a time: the check of the contract notices each."""

from __future__ import annotations

import enum
import json
import runpy
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from marshmallow import Schema, fields, validate

from ramekin import App, Reply, Resource, returns
from ramekin.auth import Principal, public
from ramekin.contract import Contract
from ramekin.testing import Client

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

BOOKSHOP = Path(__file__).parent.parent.parent / "examples" / "bookshop.py"


class State(enum.Enum):
    LENT = "lent"
    BACK = "back"


class ReaderSchema(Schema):
    name = fields.String()
    email = fields.Email()


class LoanSchema(Schema):
    id = fields.UUID()
    state = fields.Enum(State, by_value=True)
    due = fields.Date()
    lent_at = fields.DateTime()
    returned_at = fields.DateTime(allow_none=True)
    fee = fields.Decimal(as_string=True)
    reader = fields.Nested(ReaderSchema)
    page = fields.Url()
    copies = fields.List(fields.Integer(validate=validate.Range(min=1)))
    marks = fields.Dict(keys=fields.String(), values=fields.Float())
    note = fields.String(metadata={"optional": True}, validate=validate.Regexp("[a-z ]+$"))


@public
class Loan(Resource):
    @returns(LoanSchema, headers={"X-Shelf": fields.Integer(), "X-Hint": fields.String(metadata={"optional": True})})
    def get(self) -> Reply[dict[str, Any]]:
        """Show a loan: what the shop itself has no value of."""
        loan = {
            "id": UUID(int=7),
            "state": State.LENT,
            "due": date(2026, 1, 2),
            "lent_at": datetime(2025, 1, 2, 3, 4, 5, tzinfo=UTC),
            "returned_at": None,
            "fee": Decimal("1.50"),
            "reader": {"name": "Ada", "email": "ada@example.com"},
            "page": "https://bookshop.example/loans/7",
            "copies": [1, 2],
            "marks": {"cover": 0.5},
            "note": "fine",
        }
        return Reply(loan, headers={"X-Shelf": 3})

    @returns(fields.String(), media_type="text/csv")
    def post(self) -> Iterator[str]:
        """Write a list."""
        yield "id\n"


@dataclass
class Answer:
    """A response on its way to the client, for a mutant to spoil."""

    status: int
    headers: dict[str, str]
    content: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.content)

    @json.setter
    def json(self, value: Any) -> None:
        self.content = json.dumps(value).encode()


Mutate = Callable[[Answer], None]


class Spoiler:
    """Middleware that spoils responses."""

    def __init__(self, wsgi: WSGIApplication) -> None:
        self.wsgi = wsgi
        self.mutate: Mutate = keep
        self.answer = Answer(0, {}, b"")

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        heads: list[tuple[int, dict[str, str]]] = []
        chunks = self.wsgi(environ, lambda status, headers, *error: heads.append((int(status[:3]), dict(headers))))  # type: ignore[arg-type]  # nobody here writes
        self.answer = Answer(*heads[0], b"".join(chunks))
        getattr(chunks, "close", lambda: None)()
        self.mutate(self.answer)
        self.answer.headers.pop("Content-Length", None)
        start_response(f"{self.answer.status} X", list(self.answer.headers.items()))
        return [self.answer.content]


@pytest.fixture(scope="module")
def app() -> App:
    app: App = runpy.run_path(str(BOOKSHOP))["app"]
    app.add_resource("/loan", Loan)
    app.compile()
    app.wsgi = Spoiler(app.wsgi)
    return app


@pytest.fixture
def spoiler(app: App) -> Iterator[Spoiler]:
    spoiler = app.wsgi
    assert isinstance(spoiler, Spoiler)
    yield spoiler
    spoiler.mutate = keep


@pytest.fixture(scope="module")
def client(app: App, tmp_path_factory: pytest.TempPathFactory) -> Client:
    """A client without ``wsgiref.validate``, which would notice some mutants itself."""
    database = str(tmp_path_factory.mktemp("shop") / "bookshop.sqlite")
    settings = app.settings.changed(extra={"database": database})
    client = Client(app, settings=settings, validate=False).as_principal(STAFF)
    client.request(*REQUESTS["change"][:2], **REQUESTS["change"][2])  # So many copies that every test may sell one.
    return client


# -- Requests ---------------------------------------------------------------------------------------------------------

STAFF = Principal("eve", {"books:write"})
BOOK = {"title": "Persuasion", "author": "Jane Austen"}
REQUESTS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "list": ("GET", "/books", {}),
    "add": ("POST", "/books", {"json": BOOK}),
    "show": ("GET", "/books/2", {}),
    "change": ("PATCH", "/books/2", {"json": {"stock": 1_000}}),
    "delete": ("DELETE", "/books/1", {}),
    "sell": ("POST", "/books/2/sales", {"json": {}}),
    "missing": ("GET", "/books/999", {}),
    "sold out": ("POST", "/books/4/sales", {"json": {"copies": 9}}),
    "invalid": ("POST", "/books", {"json": {"title": ""}}),
    "head": ("HEAD", "/books/2", {}),
    "loan": ("GET", "/loan", {}),
    "text": ("POST", "/loan", {}),
    "document": ("GET", "/openapi.json", {}),
    "page": ("GET", "/docs", {}),
}


def send(client: Client, name: str) -> None:
    if name == "delete":  # A book to delete each time.
        location = client.post("/books", json=BOOK).headers["Location"]
        client.delete(location)
    else:
        method, path, options = REQUESTS[name]
        client.request(method, path, **options)


# -- Mutations --------------------------------------------------------------------------------------------------------


def keep(answer: Answer) -> None:
    """Change nothing."""


def change(pointer: str, value: Any) -> Mutate:
    """Put a value in the place of another, or beside the others."""
    *path, last = [int(part) if part.isdigit() else part for part in pointer.split("/")[1:]]

    def mutate(answer: Answer) -> None:
        body = target = answer.json
        for part in path:
            target = target[part]
        target[last] = value
        answer.json = body

    return mutate


def drop(pointer: str) -> Mutate:
    *path, last = [int(part) if part.isdigit() else part for part in pointer.split("/")[1:]]

    def mutate(answer: Answer) -> None:
        body = target = answer.json
        for part in path:
            target = target[part]
        del target[last]
        answer.json = body

    return mutate


def status(value: int) -> Mutate:
    return lambda answer: setattr(answer, "status", value)


def header(name: str, value: str | None) -> Mutate:
    def mutate(answer: Answer) -> None:
        answer.headers.pop(name)
        if value is not None:
            answer.headers[name] = value

    return mutate


def content(value: bytes) -> Mutate:
    return lambda answer: setattr(answer, "content", value)


def whole(value: Any) -> Mutate:
    return content(json.dumps(value).encode())


MUTANTS: list[tuple[str, str, Mutate, str, str]] = [
    # Members of a success.
    ("lost member", "show", drop("/title"), "body", "/title"),
    ("lost member of an item", "list", drop("/1/stock"), "body", "/1/stock"),
    ("surplus member", "show", change("/isbn", "x"), "body", "/isbn"),
    ("surplus member of an item", "list", change("/0/isbn", "x"), "body", "/0/isbn"),
    ("null", "show", change("/author", None), "body", "/author"),
    ("text for an integer", "show", change("/id", "2"), "body", "/id"),
    ("fraction for an integer", "show", change("/stock", 1.5), "body", "/stock"),
    ("boolean for an integer", "show", change("/stock", True), "body", "/stock"),
    ("number for a text", "change", change("/title", 7), "body", "/title"),
    ("object for a text", "change", change("/title", {"en": "Emma"}), "body", "/title"),
    ("below the range", "sell", change("/copies", 0), "body", "/copies"),
    ("above the range", "show", change("/stock", 1_000_001), "body", "/stock"),
    ("empty text", "show", change("/title", ""), "body", "/title"),
    ("long text", "show", change("/title", "x" * 201), "body", "/title"),
    ("object for an array", "list", whole({}), "body", ""),
    ("array for an object", "show", lambda answer: setattr(answer, "json", [answer.json]), "body", ""),
    ("null for an object", "show", whole(None), "body", ""),
    ("null for an item", "list", change("/0", None), "body", "/0"),
    ("renamed member", "sell", lambda answer: setattr(answer, "json", {"copies": 1, "rest": 2}), "body", "/left"),
    # Values of other kinds.
    ("wrong enum", "loan", change("/state", "lost"), "body", "/state"),
    ("wrong date", "loan", change("/due", "02.01.2026"), "body", "/due"),
    ("date that is none", "loan", change("/due", "2026-02-30"), "body", "/due"),
    ("time without offset", "loan", change("/lent_at", "2025-01-02T03:04:05"), "body", "/lent_at"),
    ("date for a time", "loan", change("/returned_at", "2025-01-02"), "body", "/returned_at"),
    ("number for a decimal text", "loan", change("/fee", 1.5), "body", "/fee"),
    ("decimal that is none", "loan", change("/fee", "1,50"), "body", "/fee"),
    ("wrong UUID", "loan", change("/id", "7"), "body", "/id"),
    ("wrong address", "loan", change("/reader/email", "ada"), "body", "/reader/email"),
    ("surplus member within", "loan", change("/reader/password", "x"), "body", "/reader/password"),
    ("lost member within", "loan", drop("/reader/name"), "body", "/reader/name"),
    ("null within", "loan", change("/reader", None), "body", "/reader"),
    ("wrong URL", "loan", change("/page", "/loans/7"), "body", "/page"),
    ("wrong item", "loan", change("/copies/1", "2"), "body", "/copies/1"),
    ("item below the range", "loan", change("/copies/0", 0), "body", "/copies/0"),
    ("wrong value of a dict", "loan", change("/marks/cover", "good"), "body", "/marks/cover"),
    ("wrong pattern", "loan", change("/note", "FINE"), "body", "/note"),
    # Statuses.
    ("undeclared success", "show", status(202), "status", ""),
    ("200 for 201", "add", status(200), "status", ""),
    ("undeclared redirect", "show", status(302), "status", ""),
    ("undeclared failure", "missing", status(410), "status", ""),
    ("undeclared failure of the server", "show", status(503), "status", ""),
    # Media types.
    ("wrong media type", "show", header("Content-Type", "text/html"), "media-type", "/Content-Type"),
    ("no media type", "show", header("Content-Type", None), "media-type", "/Content-Type"),
    (
        "wrong charset",
        "show",
        header("Content-Type", "application/json; charset=latin-1"),
        "media-type",
        "/Content-Type",
    ),
    ("wrong parameter", "show", header("Content-Type", "application/json; version=2"), "media-type", "/Content-Type"),
    ("JSON for a problem", "missing", header("Content-Type", "application/json"), "media-type", "/Content-Type"),
    ("problem for JSON", "show", header("Content-Type", "application/problem+json"), "media-type", "/Content-Type"),
    ("JSON for CSV", "text", header("Content-Type", "application/json"), "media-type", "/Content-Type"),
    ("JSON for a page", "page", header("Content-Type", "application/json"), "media-type", "/Content-Type"),
    ("wrong media type of HEAD", "head", header("Content-Type", "text/html"), "media-type", "/Content-Type"),
    # Header fields.
    ("lost header", "add", header("Location", None), "header", "/Location"),
    ("wrong header", "add", header("Location", "/books/a b"), "header", "/Location"),
    ("text in a number's header", "loan", header("X-Shelf", "three"), "header", "/X-Shelf"),
    ("lost number's header", "loan", header("X-Shelf", None), "header", "/X-Shelf"),
    # Problems.
    ("undeclared problem", "missing", change("/code", "gone"), "problem", "/code"),
    ("problem of another operation", "missing", change("/code", "out-of-stock"), "problem", "/code"),
    ("problem without a code", "missing", drop("/code"), "problem", "/code"),
    ("code that is no text", "missing", change("/code", 404), "problem", "/code"),
    ("status that differs", "missing", change("/status", 400), "body", "/status"),
    ("problem without a title", "missing", drop("/title"), "body", "/title"),
    ("problem without its member", "sold out", drop("/left"), "body", "/left"),
    ("wrong member of a problem", "sold out", change("/left", "none"), "body", "/left"),
    ("surplus member of a problem", "missing", change("/trace", "…"), "body", "/trace"),
    ("problem without its errors", "invalid", drop("/errors"), "body", "/errors"),
    ("object for errors", "invalid", change("/errors", {}), "body", "/errors"),
    ("wrong location of an error", "invalid", change("/errors/0/location", "body"), "body", "/errors/0/location"),
    ("error without a pointer", "invalid", drop("/errors/0/pointer"), "body", "/errors/0/pointer"),
    ("problem that is text", "missing", content(b"Not found"), "body", ""),
    # Content, or none.
    ("content on 204", "delete", content(b"{}"), "body", ""),
    ("content on HEAD", "head", content(b"{}"), "body", ""),
    ("no content", "show", content(b""), "body", ""),
    ("broken JSON", "show", content(b'{"id": 1'), "body", ""),
    ("two values", "show", content(b"{} {}"), "body", ""),
    ("NaN", "sell", content(b'{"copies": NaN, "left": 1}'), "body", ""),
    ("a member twice", "sell", content(b'{"copies": 1, "copies": 2, "left": 1}'), "body", ""),
    ("wrong UTF-8", "sell", content(b'{"copies": 1, "left": "\xff"}'), "body", ""),
    ("document that is no object", "document", whole([]), "body", ""),
]


@pytest.mark.parametrize("name", REQUESTS)
def test_intact_shop_passes(client: Client, name: str) -> None:
    """Nothing is found in what the shop itself answers."""
    before = len(client.exercises)
    send(client, name)
    assert len(client.exercises) > before


@pytest.mark.parametrize(
    ("request_name", "mutate", "kind", "pointer"), [pytest.param(*mutant, id=name) for name, *mutant in MUTANTS]
)
def test_mutant_is_caught(
    client: Client, spoiler: Spoiler, request_name: str, mutate: Mutate, kind: str, pointer: str
) -> None:
    """A shop that is broken in one place is caught, and the breach says where."""
    spoiler.mutate = lambda answer: mutate(answer) if request_name != "delete" or answer.status == 204 else None
    with client.expect_breach() as breaches:
        send(client, request_name)
    assert (kind, pointer) in [(breach.kind, breach.pointer) for breach in breaches]
    assert all(breach.operation in str(breach) for breach in breaches)


@pytest.mark.parametrize(
    ("request_name", "mutate"), [pytest.param(mutant[1], mutant[2], id=mutant[0]) for mutant in MUTANTS]
)
def test_validators_agree(client: Client, spoiler: Spoiler, request_name: str, mutate: Mutate) -> None:
    """The compiled validator of JSON Schema finds what the other one finds, in the same words."""
    spoiler.mutate = lambda answer: mutate(answer) if request_name != "delete" or answer.status == 204 else None
    with client.expect_breach() as breaches:
        send(client, request_name)
    answer, method = spoiler.answer, "HEAD" if request_name == "head" else "GET"
    for compiled in (True, False):
        contract = Contract(client.site, compiled=compiled)
        found = contract.check_response(
            breaches[0].operation,
            method=method,
            status=answer.status,
            headers=answer.headers.items(),
            content=answer.content,
        )
        assert found == breaches


def test_there_are_enough_mutants() -> None:
    """The shop is broken in at least forty ways, each once."""
    assert len({name for name, *_ in MUTANTS}) == len(MUTANTS) >= 40
