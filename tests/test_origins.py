"""One rule of origins for whatever browsers send unasked: keys in cookies, passwords, sessions, certificates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from marshmallow import fields

from ramekin import App, Resource, Settings, returns
from ramekin.auth import (
    APIKeys,
    Basic,
    Bearer,
    Principal,
    Requirement,
    Scheme,
    SessionCookie,
    anonymous,
    hash_key,
    requires,
)
from ramekin.errors import DeclarationError
from ramekin.sessions import sessions
from ramekin.testing import Client, exercise_implied

APP, OTHER = "https://app.example", "https://evil.example"
KEYS = {hash_key("k"): Principal("ada")}
KEY, PASSWORD, TOKEN = {"Cookie": "key=k"}, {"Authorization": "Basic YWRhOng="}, {"Authorization": "Bearer t"}
key = APIKeys(KEYS, cookie="key", trusted_origins=[APP])
basic = Basic(lambda name, password: Principal(name), trusted_origins=[APP])
tokens = Bearer({"t": Principal("ada")}.get)


class Certificate(Scheme):
    """A certificate that a browser shows unasked, which stands in no field."""

    ambient = True

    def authenticate(self, request: Any) -> Principal[Any] | None:
        return Principal("ada") if request.header("x-shown-by-tls") else None

    def document(self) -> Mapping[str, Any]:
        return {"type": "mutualTLS"}


def serve(requirement: Requirement, **settings: Any) -> Client:
    """Return a client of a resource that takes these credentials."""
    app = App("Origins", settings=Settings(openapi_path=None, **settings))

    @app.resource("/")
    @requires(requirement)
    class Thing(Resource):
        @returns(fields.String())
        def get(self) -> str:
            return str(self.principal and self.principal.id)

        post = put = patch = delete = get

    return Client(app)


@pytest.mark.parametrize(
    "sender", [{"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": OTHER}]
)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize(("scheme", "carried"), [(key, KEY), (basic, PASSWORD)])
def test_unsafe_requests_of_another_origin(scheme: Any, carried: Any, method: str, sender: dict[str, str]) -> None:
    """Credentials that browsers send by themselves do nothing for a page of another origin."""
    result = serve(scheme).request(method, "/", headers={**carried, **sender})
    assert (result.status, result.problem["code"]) == (403, "cross-origin")


@pytest.mark.parametrize(("scheme", "carried"), [(key, KEY), (basic, PASSWORD)])
@pytest.mark.parametrize(
    "sender", [{}, {"Sec-Fetch-Site": "same-origin"}, {"Origin": APP, "Sec-Fetch-Site": "cross-site"}]
)
def test_the_same_and_trusted_origins(scheme: Any, carried: Any, sender: dict[str, str]) -> None:
    """Pages of the app itself, of a trusted origin, and programs are let in."""
    assert serve(scheme).post("/", headers={**carried, **sender}).status == 200


@pytest.mark.parametrize(("scheme", "carried"), [(key, KEY), (basic, PASSWORD)])
def test_safe_requests_are_let_in(scheme: Any, carried: Any) -> None:
    """A link from elsewhere works."""
    assert serve(scheme).get("/", headers={**carried, "Sec-Fetch-Site": "cross-site"}).status == 200


def test_bad_credentials_are_not_looked_at() -> None:
    """Another origin does not learn whether its visitor's credentials are good, where others are not needed either."""
    bad = {"Authorization": "Basic !", "Origin": OTHER}
    assert [serve(one).post("/", headers=bad).status for one in (basic, basic | anonymous)] == [403, 403]
    twice = {"Cookie": "key=a; key=b", "Origin": OTHER}
    assert serve(key).post("/", headers=twice).status == 403


def test_credentials_that_no_browser_sends_unasked() -> None:
    """Tokens and keys in a header are sent by scripts that have them, from any origin."""
    client = serve(tokens | basic | key)
    assert client.post("/", headers={**TOKEN, "Origin": OTHER}).status == 200
    assert client.post("/", headers={**TOKEN, **KEY, "Origin": OTHER}).status == 403
    header = serve(APIKeys(KEYS))
    assert header.post("/", headers={"X-API-Key": "k", "Origin": OTHER}).status == 200
    assert 403 not in {one.status for one in header.site.operations[0].outcomes}


def test_a_scheme_of_ones_own_that_does_not_say_what_carries_it() -> None:
    """Where it is ambient, every unsafe request of another origin is refused."""
    client, shown = serve(Certificate()), {"X-Shown-By-TLS": "ada"}
    assert [client.post("/", headers=one).status for one in (shown, {**shown, "Origin": OTHER})] == [200, 403]


@pytest.mark.parametrize(
    ("url", "settings", "origin", "status"),
    [
        ("http", {}, "http://shop.example", 200),
        ("http", {}, "https://shop.example", 200),
        ("https", {}, "https://shop.example", 200),
        ("https", {}, "http://shop.example", 403),
        ("http", {"base_url": "https://shop.example"}, "http://shop.example", 403),
        ("http", {"base_url": "https://shop.example/api"}, "https://shop.example", 200),
        ("http", {"base_url": "https://www.example"}, "http://shop.example", 200),
        ("http", {"base_url": "https://www.example"}, "null", 403),
    ],
)
def test_a_page_without_encryption(url: str, settings: Any, origin: str, status: int) -> None:
    """``http`` is another origin than ``https``, where the app knows that it is served by that."""
    headers = {**KEY, "Host": "shop.example", "Origin": origin}
    assert serve(key, **settings).post("/", headers=headers, environ={"wsgi.url_scheme": url}).status == status


def test_a_page_without_encryption_and_the_session() -> None:
    """The session obeys the same rule."""
    app = App("Origins", settings=Settings(openapi_path=None, secret_key="the key of these tests"))
    browser = sessions(secure=False)
    app.declare(browser)

    @app.resource("/")
    @requires(SessionCookie({"ada": Principal("ada")}.get, browser) | anonymous)
    class Thing(Resource):
        @returns(status=204)
        def post(self) -> None: ...

    headers = {"Cookie": "session=x", "Host": "shop.example", "Origin": "http://shop.example"}
    statuses = [
        Client(app).post("/", headers=headers, environ={"wsgi.url_scheme": one}).status for one in ("http", "https")
    ]
    assert statuses == [204, 403]


@pytest.mark.parametrize("scheme", [key, basic, key | basic, tokens | basic, Certificate()])
def test_the_outcome_is_in_the_document_and_is_met(scheme: Any) -> None:
    """403 stands at unsafe methods, and `exercise_implied` meets it."""
    client = serve(scheme)
    statuses = {method: set(item["responses"]) for method, item in client.site.document()["paths"]["/"].items()}
    assert ("403" in statuses["post"], "403" in statuses["get"]) == (True, False)
    exercise_implied(client.as_principal(Principal("ada")))
    assert 403 in {exercise.status for exercise in client.exercises}


def test_trusted_origins_that_cannot_be() -> None:
    """What is no origin, and origins of a key that no page sends unasked, are refused when they are declared."""
    for make in (
        lambda: Basic(lambda name, word: None, trusted_origins=["evil.example"]),
        lambda: APIKeys(KEYS, cookie="key", trusted_origins=["*"]),
    ):
        with pytest.raises(DeclarationError, match="takes origins as browsers send them"):
            make()
    with pytest.raises(DeclarationError, match="goes with cookie"):
        APIKeys(KEYS, trusted_origins=[APP])
