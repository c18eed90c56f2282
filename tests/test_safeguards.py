"""Header fields that keep browsers from making more of an answer than it is."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from marshmallow import fields

from ramekin import App, Reply, Resource, Settings, returns
from ramekin.problems import Conflict
from ramekin.safeguards import Safeguards
from ramekin.testing import Client

CSP = "default-src 'none'; frame-ancestors 'none'"
NAMES = ("X-Content-Type-Options", "Content-Security-Policy", "Cache-Control")


@pytest.fixture
def app() -> App:
    """An app with answers of every kind."""
    app = App("Kinds")

    @app.resource("/<how>")
    class Kinds(Resource):
        @returns(fields.String())
        @returns(fields.String(), status=202, media_type="text/csv")
        @returns(status=204)
        def get(self, how: str) -> str | Reply[str] | Reply[None]:
            if how == "problem":
                raise Conflict
            if how == "stored":
                raise Conflict(headers={"Cache-Control": "max-age=60"})
            if how == "bug":
                raise RuntimeError(how)
            replies = {
                "reply": Reply("a"),
                "csv": Reply("a", status=202),
                "empty": Reply(status=204),
                "own": Reply("a", headers={"content-security-policy": "sandbox"}),
            }
            return replies.get(how, "a")

        @returns(fields.String(), media_type="text/event-stream")
        def post(self, how: str) -> Iterator[str]:
            yield "a"

    return app


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ("value", ["nosniff", CSP, None]),
        ("reply", ["nosniff", CSP, None]),
        ("own", ["nosniff", "sandbox", None]),
        ("csv", ["nosniff", None, None]),
        ("empty", [None, None, None]),
        ("problem", ["nosniff", CSP, "no-store"]),
        ("stored", ["nosniff", CSP, "max-age=60"]),
        ("bug", ["nosniff", CSP, "no-store"]),
    ],
)
def test_what_an_answer_needs(app: App, how: str, expected: list[str | None]) -> None:
    """Content has its type alone, JSON loads nothing, a failure is not stored; what a handler says itself stands."""
    result = Client(app, raise_exceptions=False, contract=False).get(f"/{how}")

    assert [result.headers.get(name) for name in NAMES] == expected
    assert all(len(result.headers.getlist(name)) <= 1 for name in NAMES)


def test_head_has_what_get_has(app: App) -> None:
    """HEAD is answered with the header fields of GET."""
    client = Client(app)

    assert [client.head("/value").headers.get(name) for name in NAMES] == ["nosniff", CSP, None]


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/a/b", 404), ("DELETE", "/a", 405)])
def test_what_matches_nothing_is_safe_too(app: App, method: str, path: str, status: int) -> None:
    """Failures without an operation have the same header fields."""
    result = Client(app).request(method, path)

    assert (result.status, [result.headers.get(name) for name in NAMES]) == (status, ["nosniff", CSP, "no-store"])


def test_a_stream_has_its_type_alone(app: App) -> None:
    """Content that is made while it is sent is safe, too."""
    assert Client(app).post("/value").headers["X-Content-Type-Options"] == "nosniff"


def test_the_docs_page_has_a_policy_of_its_own(app: App) -> None:
    """The page may load its own scripts, with or without the header fields of the API."""
    for settings in (Settings(), Settings(security_headers=False)):
        result = Client(app, settings=settings).get("/docs")
        assert "script-src 'self'" in result.headers["Content-Security-Policy"]
        assert result.headers.getlist("X-Content-Type-Options") == ["nosniff"]


def test_they_can_be_left_to_a_proxy(app: App) -> None:
    """Where a proxy adds what it wants, the app adds nothing."""
    client = Client(app, settings=Settings(security_headers=False), contract=False)

    for path in ("/value", "/problem"):
        assert [client.get(path).headers.get(name) for name in NAMES] == [None, None, None]


def test_they_are_no_part_of_the_contract(app: App) -> None:
    """The document says what an API promises; these follow from HTTP, and the check takes them as they are."""
    client = Client(app)
    document = client.site.document()

    assert client.get("/value").status == 200
    assert "headers" not in document["paths"]["/{how}"]["get"]["responses"]["200"]


def test_only_few_types_are_remembered() -> None:
    """What a handler can make up without end does not fill the memory."""
    safeguards = Safeguards()
    for number in range(1_000):
        assert len(safeguards.add([("Content-Type", f"text/x{number}")])) == 2

    assert len(safeguards._known) <= 64


def test_https_alone_is_said_over_https(app: App) -> None:
    """RFC 6797 §7.2: the field stands on answers over HTTPS, failures too, and never on one over HTTP."""
    client = Client(app, settings=Settings(hsts_seconds=31_536_000, trusted_proxies=1))
    secure = client.with_headers({"X-Forwarded-Proto": "https"})

    for path in ("/value", "/a/b"):
        assert secure.get(path).headers.getlist("Strict-Transport-Security") == ["max-age=31536000"]
        assert "Strict-Transport-Security" not in client.get(path).headers


def test_a_handler_says_more_of_https(app: App) -> None:
    """What a hook says itself stands."""

    @app.after
    def preload(request: object, reply: Reply[object]) -> None:
        reply.headers.set("Strict-Transport-Security", "max-age=1; preload")

    client = Client(app, settings=Settings(hsts_seconds=5))

    result = client.get("/value", environ={"wsgi.url_scheme": "https"})

    assert result.headers.getlist("Strict-Transport-Security") == ["max-age=1; preload"]
