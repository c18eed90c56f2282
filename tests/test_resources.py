"""Resources: an instance for each request, its fixed attributes, its hooks, and its URLs."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from marshmallow import fields
from werkzeug.routing import BaseConverter

from ramekin import App, Reply, Request, Resource, accepts, returns
from ramekin.errors import RoutingError
from ramekin.problems import Conflict, NotFound
from ramekin.testing import Client

TEXT = {"text": fields.String(required=True)}
IDENTIFIER = UUID("6f6b1c9e-1111-4222-8333-0123456789ab")


class Tens(BaseConverter):
    """Tens of something."""

    regex = "[0-9]+0"

    def to_python(self, value: str) -> int:
        return int(value) // 10

    def to_url(self, value: int) -> str:
        return f"{value * 10}"


class Book(Resource):
    """A book."""

    @returns(TEXT)
    def get(self, **values: Any) -> Any:
        """Show it."""
        return {"text": repr(values)}


class Links(Resource):
    """Builds the URL that the request asks for."""

    target: Any = None
    values: dict[str, Any] = {}

    @returns(TEXT)
    def get(self) -> Any:
        """Build it."""
        assert self.url_for(self.target, **self.values) == self.request.url_for(self.target, **self.values)
        return {"text": self.url_for(self.target, **self.values)}


def build_url(rule: str, target: Any = Book, script_name: str = "", /, **values: Any) -> str:
    """Return what `url_for` gives a handler of an app with a book under a rule."""

    class Asking(Links): ...

    Asking.target, Asking.values = target, values
    app = App("Test", converters={"tens": Tens})
    app.add_resource(rule, Book)
    app.add_resource("/links", Asking)
    text = Client(app, script_name=script_name).get("/links").json["text"]
    assert isinstance(text, str)
    return text


# -- Instances --------------------------------------------------------------------------------------------------------


def test_each_request_has_its_own_instance() -> None:
    """A new instance answers each request, so that nothing kept on one is seen by the next."""

    class Counter(Resource):
        count = 0

        @returns({"count": fields.Integer(required=True)})
        def get(self) -> Any:
            """Count up."""
            self.count += 1
            return {"count": self.count}

    app = App("Test")
    app.add_resource("/counter", Counter)
    client = Client(app)

    assert [client.get("/counter").json["count"] for _ in range(3)] == [1, 1, 1]


def test_instance_knows_its_request() -> None:
    """The request is an attribute of the instance; everything else is a parameter."""

    class Echo(Resource):
        @returns({"method": fields.String(), "path": fields.String(), "agent": fields.String()})
        def get(self) -> Any:
            """Echo."""
            request = self.request
            return {"method": request.method, "path": request.path, "agent": request.header("user-agent")}

    app = App("Test")
    app.add_resource("/échö", Echo)

    result = Client(app).get("/échö", headers={"User-Agent": "test/1"})

    assert result.json == {"method": "GET", "path": "/échö", "agent": "test/1"}


@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete", "options", "head"])
def test_methods_are_http_methods(method: str) -> None:
    """Each HTTP method is answered by the method of its name."""

    def handle(self: Resource) -> Reply[None]:
        return Reply(headers={"X-Handled": self.request.method})

    resource = type("Things", (Resource,), {method: returns(status=204)(handle)})
    app = App("Test")
    app.add_resource("/things", resource)

    result = Client(app).request(method.upper(), "/things")

    assert (result.status, result.headers["X-Handled"]) == (204, method.upper())


def test_other_attributes_are_no_methods() -> None:
    """Only the closed list of names answers requests; other methods of a class are its own."""

    class Things(Resource):
        @returns(status=204)
        def get(self) -> None: ...

        def trace(self) -> None: ...

        def connect(self) -> None: ...

    app = App("Test")
    app.add_resource("/things", Things)

    result = Client(app, validate=False).request("TRACE", "/things")

    assert (result.status, result.headers["Allow"]) == (405, "GET, HEAD, OPTIONS")


# -- URLs -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "values", "url"),
    [
        ("/books", {}, "/books"),
        ("/books/<int:number>", {"number": 7}, "/books/7"),
        ("/books/<name>/", {"name": "Ä & ö"}, "/books/%C3%84%20&%20%C3%B6/"),
        ("/files/<path:path>", {"path": "a/b c.txt"}, "/files/a/b%20c.txt"),
        ("/books/<uuid:number>", {"number": IDENTIFIER}, f"/books/{IDENTIFIER}"),
        ("/books/<any(red, blue):colour>", {"colour": "red"}, "/books/red"),
        ("/books/<tens:number>", {"number": 12}, "/books/120"),
        ("/books", {"page": 2, "q": "a&b"}, "/books?page=2&q=a%26b"),
        ("/books/<int:number>", {"number": 1, "tag": ["x", "y"]}, "/books/1?tag=x&tag=y"),
    ],
)
def test_url_is_built_from_rule_and_values(rule: str, values: dict[str, Any], url: str) -> None:
    """A URL is the rule with its values, percent-encoded; other values become the query."""
    assert build_url(rule, **values) == url


def test_url_is_found_by_name() -> None:
    """The name of a registration does what its class does."""
    assert build_url("/books/<int:number>", "Book", number=7) == "/books/7"


@pytest.mark.parametrize(("prefix", "url"), [("/shop", "/shop/books/7"), ("/a b/ü", "/a%20b/%C3%BC/books/7")])
def test_url_has_the_mount_prefix(prefix: str, url: str) -> None:
    """A URL begins with the prefix that the app is mounted under, and never names a host."""
    assert build_url("/books/<int:number>", Book, prefix, number=7) == url


@pytest.mark.parametrize(
    ("target", "values", "message"),
    [
        (Book, {}, r"url_for\(Book\) needs the values number; given: none"),
        (Book, {"id": 7}, r"url_for\(Book\) needs the values number; given: id"),
        (Book, {"number": None}, r"url_for\(Book\) needs the values number"),
        (Book, {"number": "seven"}, r"url_for\(Book\): a value does not fit its converter"),
        (Book, {"number": -1}, r"url_for\(Book\): the value of number does not fit its converter"),
        (Book, {"number": 2**63}, r"url_for\(Book\): the value of number does not fit its converter"),
        (Resource, {}, "Resource is not registered; there are: Book, Asking"),
        ("Books", {}, "No registration is named 'Books'; there are: Book, Asking"),
    ],
)
def test_url_that_cannot_be_built_is_an_error(target: Any, values: dict[str, Any], message: str) -> None:
    """A target that is not registered, and values that are missing or do not fit, are errors that say so."""
    with pytest.raises(RoutingError, match=message):
        build_url("/books/<int:number>", target, **values)


def test_url_of_a_class_registered_twice_needs_the_name() -> None:
    """A class that is registered twice is named by its registration."""
    app = App("Test")
    app.add_resource("/new/<int:number>", Book, name="New")
    app.add_resource("/old/<int:number>", Book, name="Old")
    site = app.compile()

    with pytest.raises(RoutingError, match="Book is registered as New and Old; give the name instead of the class"):
        site.build_path("", Book, {"number": 1})
    assert site.build_path("", "Old", {"number": 1}) == "/old/1"


# -- Hooks ------------------------------------------------------------------------------------------------------------


class Logged(Resource):
    """Logs what its hooks see."""

    log: list[Any] = []

    def before(self, request: Request) -> Reply[Any] | None:
        """Log, and answer those who ask for it."""
        self.log.append("before")
        return Reply({"text": "early"}) if request.query_string == "text=early" else None

    def after(self, request: Request, reply: Reply[Any]) -> Reply[Any] | None:
        """Log what kind of reply it is."""
        self.log.append(f"after {'value' if reply.problem is None else reply.problem.code}")
        return None

    def teardown(self, request: Request, error: Exception | None) -> None:
        """Log the error."""
        self.log.append(f"teardown {type(error).__name__}")

    @accepts(query=TEXT)
    @returns(TEXT)
    def get(self, query: Any) -> Any:
        """Do as asked."""
        self.log.append("get")
        if query["text"] == "conflict":
            raise Conflict
        return {"text": query["text" if query["text"] != "bug" else "missing"]}


@pytest.mark.parametrize(
    ("text", "status", "log"),
    [
        ("fine", 200, ["before", "get", "after value", "teardown NoneType"]),
        ("early", 200, ["before", "after value", "teardown NoneType"]),
        ("conflict", 409, ["before", "get", "after conflict", "teardown NoneType"]),
        ("bug", 500, ["before", "get", "after internal-server-error", "teardown KeyError"]),
    ],
)
def test_hooks_of_a_resource_run_around_its_method(text: str, status: int, log: list[str]) -> None:
    """A resource's hooks run before its method, after it with any reply, and at the end, whatever happened."""
    Logged.log.clear()
    app = App("Test")
    app.add_resource("/logged", Logged)

    result = Client(app, raise_exceptions=False, contract=False).get("/logged", query={"text": text})

    assert (result.status, Logged.log) == (status, log)


def test_hooks_of_a_resource_do_not_see_refused_input() -> None:
    """Input that does not fit is refused before a resource's hooks run."""
    Logged.log.clear()
    app = App("Test")
    app.add_resource("/logged", Logged)

    assert Client(app).get("/logged", query={"txt": "x"}).status == 422
    assert Logged.log == []


def test_hooks_are_inherited() -> None:
    """A resource has the hooks of its base class."""

    class Base(Resource):
        def before(self, request: Request) -> Reply[Any] | None:
            raise NotFound

    class Things(Base):
        @returns(status=204)
        def get(self) -> None: ...

    app = App("Test")
    app.add_resource("/things", Things)

    assert Client(app, contract=False).get("/things").status == 404
