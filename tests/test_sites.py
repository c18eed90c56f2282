"""Sites: a compiled app, its routes, and what they answer without code."""

from __future__ import annotations

from typing import Any

import pytest
from marshmallow import fields

from ramekin import App, Reply, Resource, Settings, accepts, inputs, returns
from ramekin.errors import RoutingError
from ramekin.testing import Client

TEXT = {"text": fields.String(required=True)}


class Texts(Resource):
    """All texts."""

    @returns(TEXT)
    def get(self) -> Any:
        """Show one."""
        return {"text": "long enough to count"}

    @accepts(json=TEXT)
    @returns(TEXT)
    def post(self, json: Any) -> Any:
        """Take one."""
        return json

    @accepts(form=TEXT)
    @returns(TEXT)
    def patch(self, form: Any) -> Any:
        """Change one."""
        return form


class Shelf(Resource):
    """A path with a last slash."""

    @returns(TEXT)
    def get(self, name: str) -> Any:
        """Show it."""
        return {"text": name}


class OwnOptions(Resource):
    """Answers OPTIONS and HEAD by itself."""

    @returns(status=200, headers={"X-Own": fields.String()})
    def options(self) -> None:
        """Say what goes."""

    @returns(status=204)
    def head(self) -> None:
        """Look."""

    @returns(TEXT)
    def get(self) -> Any:
        """Get."""
        return {"text": "x"}


@pytest.fixture
def app() -> App:
    """An app with each kind of route."""
    app = App("Test")
    app.add_resource("/texts", Texts)
    app.add_resource("/shelves/<name>/", Shelf)
    app.add_resource("/own", OwnOptions)
    return app


def test_operations_are_the_door_for_readers(app: App) -> None:
    """A site lists every operation, frozen, in the order of registration."""
    operations = app.compile().operations

    assert isinstance(operations, tuple)
    assert [one.id for one in operations][:3] == ["getTexts", "postTexts", "patchTexts"]


def test_names_are_listed_by_class(app: App) -> None:
    """A site knows the names of each class, and gives no way to change them."""
    names = app.compile().names

    assert names[Texts] == ["Texts"]
    with pytest.raises(TypeError):
        names[Shelf] = []  # type: ignore[index]


def test_unknown_name_is_an_error(app: App) -> None:
    """A name that no registration has is an error that lists those there are."""
    with pytest.raises(RoutingError, match="No registration is named 'Text'; there are: Texts, Shelf, OwnOptions"):
        app.compile().find_name("Text")


def test_head_is_answered_like_get(client: Client) -> None:
    """HEAD gives the status and header fields of GET, and no content."""
    get, head = client.get("/texts"), client.head("/texts")

    assert (head.status, head.content) == (200, b"")
    assert dict(head.headers) == dict(get.headers)
    assert head.headers["Content-Length"] == str(len(get.content))


def test_own_head_goes_before(client: Client) -> None:
    """A resource that defines HEAD answers it by itself."""
    assert client.head("/own").status == 204


def test_options_are_answered(client: Client) -> None:
    """OPTIONS gives 204 with all methods, and the content types that POST and PATCH take."""
    result = client.options("/texts")

    assert (result.status, result.content) == (204, b"")
    assert result.headers["Allow"] == "GET, POST, PATCH, HEAD, OPTIONS"
    assert "application/json" in result.headers["Accept-Post"]
    assert "application/x-www-form-urlencoded" in result.headers["Accept-Patch"]


def test_own_options_go_before(client: Client) -> None:
    """A resource that defines OPTIONS answers it by itself, and lists it once."""
    assert client.options("/own").status == 200
    assert client.delete("/own").headers["Allow"].split(", ").count("OPTIONS") == 1


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_other_methods_are_not_allowed(client: Client, method: str) -> None:
    """A method that a resource does not have is a 405 with the full list of those that it has."""
    result = client.request(method, "/texts")

    assert result.problem["code"] == "method-not-allowed"
    assert (result.status, result.headers["Allow"]) == (405, "GET, POST, PATCH, HEAD, OPTIONS")


@pytest.mark.parametrize("path", ["/", "/text", "/texts/", "/TEXTS", "/shelves//"])
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
def test_unknown_path_is_not_found(client: Client, method: str, path: str) -> None:
    """A path that no rule fits is a 404 for every method."""
    assert client.request(method, path).problem["code"] == "not-found"


@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
@pytest.mark.parametrize(
    ("path", "location"),
    [
        ("/shelves/a", "/shelves/a/"),
        ("/shelves/a%20b?x=1&y=%C3%A4", "/shelves/a%20b/?x=1&y=%C3%A4"),
        ("/shelves/%C3%A4", "/shelves/%C3%A4/"),
    ],
)
def test_missing_slash_is_a_redirect(client: Client, method: str, path: str, location: str) -> None:
    """A path without its last slash is sent on with 308, which keeps method and query, to a path of this host."""
    result = client.request(method, path)

    assert (result.status, result.headers["Location"]) == (308, location)


def test_redirect_has_the_mount_prefix(app: App) -> None:
    """A redirect leads to a path below the prefix that the app is mounted under."""
    result = Client(app, script_name="/ä").get("/shelves/a")

    assert result.headers["Location"] == "/%C3%A4/shelves/a/"


@pytest.mark.malformed
def test_mount_prefix_names_no_host(malformed_client: Client) -> None:
    """A mount prefix that begins with two slashes, which a browser would take for a host, loses one of them."""
    environ = {"SCRIPT_NAME": "//evil.example"}

    redirect = malformed_client.get("/shelves/a", environ=environ)
    document = malformed_client.get("/openapi.json", environ=environ)

    assert redirect.headers["Location"] == "/evil.example/shelves/a/"
    assert document.json["servers"] == [{"url": "/evil.example"}]


def test_redirect_is_followed_to_its_answer(client: Client) -> None:
    """The place that a redirect names answers."""
    assert client.get("/shelves/ä ö", follow_redirects=True).json == {"text": "ä ö"}


def test_document_is_cached_and_has_its_tag(app: App) -> None:
    """The document's bytes are built once and come with an entity tag."""
    site = app.compile()

    first, second = site.document_bytes(), site.document_bytes()

    assert first[0] is second[0]
    assert first[1] == second[1]
    assert first[1].startswith('"')
    assert site.document_bytes("/shop")[1] != first[1]


def test_few_documents_are_kept(app: App) -> None:
    """A site keeps few documents, so that a client that makes up mount prefixes cannot fill the memory."""
    site = app.compile()

    for number in range(40):
        site.document_bytes(f"/{number}")

    assert site.document_bytes("/0")[0] is site.document_bytes("/0")[0]
    assert site.document_bytes("/39")[0] is not site.document_bytes("/39")[0]


def test_document_says_where_the_app_is_mounted(app: App) -> None:
    """The document's server is the prefix that the app is mounted under."""
    document = Client(app, script_name="/shop").get("/openapi.json").json

    assert document["servers"] == [{"url": "/shop"}]


def test_document_can_be_moved_or_left_out(app: App) -> None:
    """The document and its page stand where the settings say, or nowhere."""
    moved = Client(app, settings=Settings(openapi_path="/api.json", docs_path="/api"))
    without = Client(app, settings=Settings(openapi_path=None))

    assert moved.get("/api.json").status == moved.get("/api").status == 200
    assert moved.get("/openapi.json").status == 404
    assert without.get("/openapi.json").status == without.get("/docs").status == 404


@pytest.mark.parametrize(("headers", "allow"), [({}, "GET, OPTIONS, HEAD"), ({"allow": "GET"}, "GET")])
def test_options_of_ones_own_say_which_methods_there_are(headers: dict[str, str], allow: str) -> None:
    """Allow is added to the answer of a resource's own options(), unless it is there."""
    app = App("Options")

    @app.resource("/")
    class Own(Resource):
        @returns(status=204)
        def get(self) -> None:
            return None

        @returns({"a": fields.Integer()}, headers={"Allow": fields.String(metadata={"optional": True})})
        def options(self) -> Any:
            return Reply({"a": 1}, headers=headers) if headers else {"a": 1}

    result = Client(app).request("OPTIONS", "/")
    assert (result.headers.getlist("Allow"), result.json) == ([allow], {"a": 1})


def test_options_of_a_form_build_no_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    """A form's reader is made once, when the app is compiled."""
    app = App("Form")

    @app.resource("/")
    class Form(Resource):
        @accepts(form={"a": fields.String()})
        @returns(status=204)
        def post(self, form: Any) -> None:
            return None

    client = Client(app)
    client.post("/", form={"a": "b"})
    monkeypatch.setattr(inputs, "compile_form_reader", None, raising=False)
    accepted = client.request("OPTIONS", "/").headers["Accept-Post"]
    assert accepted == "application/x-www-form-urlencoded, multipart/form-data"
