from __future__ import annotations

import gc
import io
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

import pytest
from marshmallow import fields

from ramekin import App, Reply, Request, Resource, Settings, accepts, returns
from ramekin.auth import APIKeys, Bearer, Principal, policy, requires
from ramekin.contract import Contract
from ramekin.errors import FrozenError
from ramekin.fields import Upload, UploadedFile
from ramekin.problems import NotFound
from ramekin.testing import CallError, Client, Exercise, ResultError

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


def describe_request(request: Request) -> dict[str, Any]:
    """Return what a test may want to know of a request."""
    return {
        "method": request.method,
        "path": request.path,
        "prefix": request.script_name,
        "query": request.query_string,
        "type": request.content_type,
        "body": request.body.decode(),
        "accept": request.header("Accept"),
        "shelf": request.header("X-Shelf"),
        "cookie": request.header("Cookie"),
        "client": request.client_host,
    }


class Echo(Resource):
    @returns(fields.Dict())
    def get(self) -> dict[str, Any]:
        return describe_request(self.request)

    @accepts(json=fields.Raw(allow_none=True))
    @returns(fields.Dict())
    def post(self, json: Any) -> dict[str, Any]:
        return describe_request(self.request)


class Forms(Resource):
    @accepts(form={"title": fields.String(), "tags": fields.List(fields.Integer())})
    @returns(fields.Dict())
    def put(self, form: dict[str, Any]) -> dict[str, Any]:
        return form

    @accepts(form={"meta": fields.Dict()}, files={"covers": fields.List(Upload())})
    @returns(fields.List(fields.Raw()))
    def post(self, form: dict[str, Any], files: dict[str, Any]) -> list[Any]:
        covers = files.get("covers", [])
        return [form, *([cover.filename, cover.media_type, cover.read().decode()] for cover in covers)]


class Session(Resource):
    @returns(status=204)
    def post(self) -> Reply[None]:
        reply: Reply[None] = Reply()
        reply.set_cookie("visitor", "Ada; Countess")
        reply.set_cookie("theme", "dark")
        return reply


class Counter(Resource):
    log: list[str] = []

    @returns(fields.String(), media_type="text/plain")
    def get(self) -> Iterable[str]:
        self.log.clear()
        try:
            for number in range(3):
                self.log.append(f"make {number}")
                yield str(number)
        finally:
            self.log.append("close")


class Broken(Resource):
    @returns(fields.Dict())
    def get(self) -> dict[str, Any]:
        raise ZeroDivisionError("a bug")

    @returns(fields.Dict())
    def delete(self) -> dict[str, Any]:
        raise NotFound("No such thing.")


@pytest.fixture
def app() -> App:
    app = App("Echoes")
    app.add_resource("/echo", Echo)
    app.add_resource("/forms", Forms)
    app.add_resource("/session", Session)
    app.add_resource("/counter", Counter)
    app.add_resource("/broken", Broken)
    app.add_resource("/moved/", Echo, name="Moved")
    return app


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"title": "Emma & co"}, "title=Emma%20%26%20co"),
        ({"tag": ["a", "b"], "none": None}, "tag=a&tag=b"),
        ({"new": True, "stock": 3}, "new=true&stock=3"),
        ({"filter": {"title": "é"}}, "filter%5Btitle%5D=%C3%A9"),
        ([("a", 1), ("a", 2)], "a=1&a=2"),
        ("raw=%zz", "raw=%zz"),
    ],
)
def test_query(client: Client, query: Any, expected: str) -> None:
    """A query repeats lists, writes objects with brackets, leaves out None and takes text as it is."""
    assert client.get("/echo", query=query).json["query"] == expected


def test_query_in_path(client: Client) -> None:
    """A path may hold a query, beside the one given as an option."""
    assert client.get("/echo?a=1#part", query={"b": 2}).json["query"] == "a=1&b=2"


def test_json(client: Client) -> None:
    """A JSON body is written as Ramekin writes JSON, null too."""
    assert client.post("/echo", json={"price": 1}).json["body"] == '{"price":1}'
    assert client.post("/echo", json=None).json["body"] == "null"


def test_content(client: Client) -> None:
    """A body can be sent as it is, under any content type."""
    seen = client.post("/echo", content="[1, 2 ]", content_type="application/x+json").json

    assert (seen["body"], seen["type"]) == ("[1, 2 ]", "application/x+json")


def test_form(client: Client) -> None:
    """A form without files or objects is urlencoded."""
    result = client.put("/forms", form={"title": "Émile & co", "tags": [1, 2]})

    assert result.json == {"title": "Émile & co", "tags": [1, 2]}


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        (b"abc", ["covers", "application/octet-stream", "abc"]),
        (("a.txt", b"abc"), ["a.txt", "application/octet-stream", "abc"]),
        (("a.png", io.BytesIO(b"abc"), "image/png"), ["a.png", "image/png", "abc"]),
        (io.BytesIO(b"abc"), ["covers", "application/octet-stream", "abc"]),
        (UploadedFile("a.png", "image/png", 3, io.BytesIO(b"abc")), ["a.png", "image/png", "abc"]),
    ],
)
def test_files(client: Client, file: Any, expected: list[str]) -> None:
    """A file is given as bytes, or with a name, or with a name and a media type; an object of a form is a JSON part."""
    result = client.post("/forms", form={"meta": {"shelf": 3}}, files={"covers": [file]})

    assert result.json == [{"meta": {"shelf": 3}}, expected]


def test_empty_form(client: Client) -> None:
    """None is left out of a form; an empty one is no body where it is urlencoded, as a browser sends it."""
    assert client.put("/forms", form={"title": None, "tags": [None, 1]}).json == {"tags": [1]}
    assert client.put("/forms", form={}).problem["detail"] == "The content is missing."
    assert client.post("/forms", form={}, files={"covers": []}).json == [{}]


def test_headers(client: Client) -> None:
    """Header fields are sent in UTF-8, a list joined by commas."""
    seen = client.get("/echo", headers={"X-Shelf": ["a", 2], "accept": "application/json"}).json

    assert (seen["shelf"], seen["accept"]) == ("a, 2", "application/json")


def test_with_headers(client: Client) -> None:
    """A client with headers of its own sends them always, and a request may change or drop them."""
    shelf = client.with_headers({"X-Shelf": "3"})

    assert shelf.get("/echo").json["shelf"] == "3"
    assert shelf.get("/echo", headers={"x-shelf": "4"}).json["shelf"] == "4"
    assert shelf.get("/echo", headers={"x-shelf": None}).json["shelf"] is None
    assert client.get("/echo").json["shelf"] is None


def test_environ(client: Client) -> None:
    """Keys of the environ can be set."""
    assert client.get("/echo").json["client"] == "127.0.0.1"
    assert client.get("/echo", environ={"REMOTE_ADDR": "192.0.2.1"}).json["client"] == "192.0.2.1"


def test_cookies_are_kept(client: Client) -> None:
    """Cookies that the app sets are sent back from then on, and clients that share them know them."""
    result = client.post("/session")

    assert result.cookies == {"visitor": "Ada; Countess", "theme": "dark"}
    assert client.get_cookie("visitor") == "Ada; Countess"
    assert client.with_headers({}).get("/echo").json["cookie"] == 'visitor="Ada\\073 Countess"; theme=dark'
    assert "HttpOnly" in result.headers.getlist("Set-Cookie")[0]


def test_cookies_of_one_request(client: Client) -> None:
    """Cookies of one request go before those that the client keeps, and are forgotten."""
    client.set_cookie("theme", "dark")
    client.set_cookie("shelf", "3")

    assert client.get("/echo", cookies={"theme": "light", "n": 1}).json["cookie"] == "shelf=3; theme=light; n=1"
    assert client.get("/echo", headers={"Cookie": "raw; ;"}).json["cookie"] == "raw; ;"
    assert client.get("/echo").json["cookie"] == "theme=dark; shelf=3"


def test_cookie_is_forgotten(client: Client) -> None:
    """A cookie can be taken from the client."""
    client.set_cookie("theme", "dark")

    client.delete_cookie("theme")

    assert client.get("/echo").json["cookie"] is None
    assert client.get_cookie("theme") is None


def test_redirects(client: Client) -> None:
    """A redirect is answered as it is, and followed on request, with the body where its status keeps it."""
    first = client.post("/moved", json=[1])
    last = client.post("/moved", json=[1], follow_redirects=True)

    assert (first.status, first.headers["Location"]) == (308, "/moved/")
    assert (last.path, last.json["method"], last.json["body"]) == ("/moved/", "POST", "[1]")


def test_mount_prefix(app: App) -> None:
    """Paths are beneath the mount prefix, and may begin with it as what the app answers does."""
    client = Client(app, script_name="/shop")

    for path in ("/echo", "/shop/echo"):
        result = client.get(path)
        assert (result.path, result.json["prefix"], result.json["path"]) == ("/shop/echo", "/shop", "/echo")


@pytest.mark.parametrize("method", ["get", "head", "post", "put", "patch", "delete", "options"])
def test_methods(client: Client, method: str) -> None:
    """Every method that a resource may have has its own method of the client."""
    result = getattr(client, method)("/nowhere")

    assert (result.method, result.status) == (method.upper(), 404)


def test_content_is_streamed(client: Client) -> None:
    """With stream, a piece of content is made when it is asked for, and leaving closes the response."""
    with client.get("/counter", stream=True) as result:
        pieces = result.iter()
        first = next(pieces)
        assert (first, Counter.log) == (b"0", ["make 0"])

    assert Counter.log == ["make 0", "close"]


def test_content_is_read_and_closed(client: Client) -> None:
    """Without stream, the content is read and the response closed before the result is there."""
    result = client.get("/counter")

    assert Counter.log == ["make 0", "make 1", "make 2", "close"]
    assert (result.text, result.content) == ("012", b"012")


def test_content_is_read_once(client: Client) -> None:
    """What was read piece by piece is not there a second time."""
    result = client.get("/counter", stream=True)
    assert b"".join(result.iter()) == b"012"

    with pytest.raises(ResultError, match=r"GET /counter answered 200 text/plain: the content was read or closed"):
        _ = result.content


def test_stream_is_closed_after_an_exception() -> None:
    """A response whose content ends in an exception is closed."""
    log: list[str] = []
    app = App("Breaking")
    app.teardown(lambda request, error: log.append("closed"))

    @app.resource("/")
    class Breaking(Resource):
        @returns(fields.String(), media_type="text/plain")
        def get(self) -> Iterator[str]:
            raise ZeroDivisionError
            yield ""

    with pytest.raises(ZeroDivisionError):
        Client(app).get("/", stream=True)
    assert log == ["closed"]


def test_exceptions_are_raised(client: Client) -> None:
    """What the app does not handle is raised in the test; a problem is an answer."""
    with pytest.raises(ZeroDivisionError, match="a bug"):
        client.get("/broken")
    assert client.delete("/broken").problem["detail"] == "No such thing."


def test_exceptions_are_answered(app: App) -> None:
    """A client may have unhandled exceptions answered, as a server would."""
    result = Client(app, raise_exceptions=False).get("/broken")

    assert (result.status, result.problem["code"]) == (500, "internal-server-error")
    assert "a bug" not in result.text


def test_settings(app: App) -> None:
    """A client's own settings make another site and leave the app's as it was."""
    changed = Client(app, settings=Settings(problem_base_uri="https://example.com/problems/"))

    assert changed.get("/nowhere").problem["type"] == "https://example.com/problems/not-found"
    assert Client(app).get("/nowhere").problem["type"] == "about:blank"
    assert changed.site is Client(app, settings=changed.site.settings).site


def test_sites_are_not_kept_for_ever(app: App) -> None:
    """Of the settings that an app is tested in, the latest sites are kept, and no others."""
    sites = WeakSet(Client(app, settings=Settings(extra={"test": number})).site for number in range(40))
    gc.collect()
    assert len(sites) <= 16
    assert Client(app, settings=Settings(extra={"test": 39})).site in sites


def test_exchanges_are_described_when_somebody_asks(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was exercised is worked out once it is asked for, and once only."""
    described: list[str] = []
    real = Contract.describe_exercise

    def describe(self: Contract, operation_id: str, **parts: Any) -> Exercise:
        described.append(operation_id)
        return real(self, operation_id, **parts)

    monkeypatch.setattr(Contract, "describe_exercise", describe)
    client = Client(app)
    client.get("/echo")
    assert described == []
    assert client.exercises == client.exercises
    assert described == ["getEcho"]


def test_repr(client: Client) -> None:
    """A client names its app."""
    assert repr(client) == "<Client of <App 'Echoes' 0.1.0: 6 resources>>"


def test_app_refuses_changes(app: App, client: Client) -> None:
    """An app that has a client is compiled."""
    with pytest.raises(FrozenError):
        app.add_resource("/late", Echo, name="Late")


def test_middleware_takes_part(app: App) -> None:
    """Middleware around ``app.wsgi`` sees the requests of the client, and leads to the client's site."""
    app.wsgi = renamed(app.wsgi)
    client = Client(app, settings=Settings(problem_base_uri="https://example.com/problems/"))

    assert client.get("/old").json["path"] == "/echo"
    assert client.get("/nowhere").problem["type"] == "https://example.com/problems/not-found"
    with pytest.raises(ZeroDivisionError):
        client.get("/broken")


def renamed(wsgi: WSGIApplication) -> WSGIApplication:
    """Return middleware that serves ``/old`` as ``/echo``."""

    def serve(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"] == "/old":
            environ["PATH_INFO"] = "/echo"
        return wsgi(environ, start_response)

    return serve


def test_validation_watches_the_app(app: App) -> None:
    """A fault against PEP 3333 fails the test, unless the client is told to look away."""

    def lax(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [])
        return [b"no content type"]

    app.wsgi = lax

    with pytest.raises(AssertionError, match="No Content-Type header"):
        Client(app).get("/")
    assert Client(app, validate=False).get("/").text == "no content type"


@pytest.mark.malformed
def test_unknown_method(malformed_client: Client) -> None:
    """A client without validation sends what PEP 3333 does not foresee."""
    assert malformed_client.request("BREW", "/echo").status == 405
    assert malformed_client.get("/", environ={"PATH_INFO": "/\xff"}).status == 404


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"json": 1, "content": b""}, "POST /echo has json and content; a request has one body."),
        ({"json": {1, 2}}, "json: the value at '' cannot be sent"),
        ({"querry": {}}, "POST /echo: querry is no part of a request; the parts are query, json,"),
        ({"query": {"a": object()}}, "a has to be text, a number, a boolean, a date, a time or a UUID, not object."),
        ({"files": {"cover": "text"}}, "files.cover has to be bytes, an open file, or"),
    ],
)
def test_impossible_requests(client: Client, options: dict[str, Any], message: str) -> None:
    """A request that contradicts itself or holds what none can is refused, with what was expected."""
    with pytest.raises(CallError) as caught:
        client.post("/echo", **options)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/a b/ü", "/a b/ü"),
        ("/a%20b/%C3%BC", "/a b/ü"),
        ("//example.com/a", "//example.com/a"),
        ("/100%/%0A\t", "/100%/\n\t"),
        ("/%FF", "/\ufffd"),
    ],
)
def test_path(path: str, expected: str) -> None:
    """A path arrives octet for octet, percent-encoded or not."""
    app = App("Paths")
    app.before(lambda request: Reply(request.path))

    assert Client(app).get(path).json == expected


def test_paths_begin_with_a_slash(client: Client) -> None:
    """A path that is none, or a prefix that is none, is refused."""
    with pytest.raises(CallError, match="a path begins with '/'"):
        client.get("http://example.com/echo")
    with pytest.raises(CallError, match="unlike 'shop/'"):
        Client(client.app, script_name="shop/")


# -- Acting as a principal ---------------------------------------------------------------------------------------------
@pytest.fixture
def guarded() -> Client:
    """An app whose operation wants a token or a key, and a scope."""
    app = App("Guarded", settings=Settings(openapi_path=None))
    tokens, keys = Bearer(lambda token: None), APIKeys({})

    @app.resource("/")
    @requires((tokens | keys) & policy(lambda principal: principal.user != "blocked"), scopes=["read"])
    class Thing(Resource):
        @returns(fields.String())
        def get(self) -> str:
            return f"{self.principal.id} {self.principal.user}"

    return Client(app)


def test_a_client_acts_as_a_principal(guarded: Client) -> None:
    """Its requests are taken to be from the principal, and those of the client it came from are not."""
    ada = guarded.as_principal(Principal("ada", {"read"}, user="Ada Lovelace"))
    assert [ada.get("/").json, guarded.get("/").status] == ["ada Ada Lovelace", 401]
    assert ada.as_principal(None).get("/").status == 401


def test_scopes_and_policies_hold_for_whom_a_client_acts_as(guarded: Client) -> None:
    """Only the credentials are passed over."""
    principals = Principal("eve"), Principal("eve", {"read"}, user="blocked")
    assert [guarded.as_principal(one).get("/").status for one in principals] == [403, 403]


def test_acting_ends_with_the_request(guarded: Client) -> None:
    """Nothing is left for the next client, even after an error."""
    guarded.as_principal(Principal("ada", {"read"})).get("/", headers={"Accept": "text/html"})
    assert guarded.get("/").status == 401
