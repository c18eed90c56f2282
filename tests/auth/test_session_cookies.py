"""Sessions as credentials."""

from __future__ import annotations

from typing import Any

import pytest
from marshmallow import fields

from ramekin import App, Resource, Settings, accepts, returns
from ramekin.auth import Bearer, Principal, SessionCookie, anonymous, public, requires
from ramekin.errors import ContractError, DeclarationError
from ramekin.sessions import sessions
from ramekin.testing import Client, exercise_implied

SETTINGS = Settings(openapi_path=None, secret_key="the key of these tests")


class Shop:
    """A shop in which customers log in; whom it knows is a dict."""

    def __init__(self, rule: Any = None, *, declare: bool = True) -> None:
        self.customers = {"ada": Principal("ada", {"read"})}
        browser = sessions()
        self.session = SessionCookie(self.customers.get, browser)
        app = App("Shop", settings=SETTINGS)
        if declare:
            app.declare(browser)

        @app.resource("/")
        @requires(self.session if rule is None else rule(self.session))
        class Thing(Resource):
            @returns(fields.String(allow_none=True))
            def get(self) -> str | None:
                return None if self.principal is None else str(self.principal.id)

            @returns(status=204)
            def post(self) -> None: ...

        @app.resource("/login")
        @public
        class Login(Resource):
            @accepts(json={"name": fields.String(required=True)})
            @returns(status=204)
            def post(self, json: Any) -> None:
                self.session.renew(subject=json["name"])

        self.client = Client(app)

    def log_in(self, name: str) -> None:
        """Get a session for the client."""
        assert self.client.post("/login", json={"name": name}).status == 204


def test_the_function_may_take_the_request() -> None:
    """It is given beside the subject where the function asks for it."""
    browser = sessions()
    scheme = SessionCookie(lambda subject, request: Principal(subject + request.path), browser)
    app = App("Shop", settings=SETTINGS)
    app.declare(browser)

    @app.resource("/")
    class Thing(Resource):
        @public
        @returns(status=204)
        def post(self) -> None:
            self.session.renew(subject="ada")

        @requires(scheme)
        @returns(fields.String())
        def get(self) -> str:
            return str(self.principal.id)

    client = Client(app)
    client.post("/")
    assert client.get("/").json == "ada/"


def test_whoever_has_logged_in() -> None:
    """The subject of the session is the principal; the answer is marked as private."""
    shop = Shop()
    assert shop.client.get("/").status == 401
    shop.log_in("ada")
    result = shop.client.get("/")
    assert (result.json, result.headers["Vary"], result.headers["Cache-Control"]) == ("ada", "Cookie", "private")


def test_the_challenge() -> None:
    """401 names the cookie's scheme, so that there is a challenge (RFC 9110 §15.5.2)."""
    assert Shop().client.get("/").headers["WWW-Authenticate"] == 'Cookie realm="api"'


def test_a_session_of_nobody_counts_as_none() -> None:
    """A subject that is gone, and a cookie that was changed, are as if nobody had logged in."""
    shop = Shop()
    shop.log_in("eve")
    assert shop.client.get("/").status == 401
    assert shop.client.get("/", headers={"Cookie": "session=forged"}).status == 401


def test_a_session_may_be_optional() -> None:
    """A bad session does no harm where none is needed, so 401 is no outcome."""
    shop = Shop(lambda session: session | anonymous)
    assert shop.client.get("/", headers={"Cookie": "session=forged"}).json is None
    assert 401 not in {outcome.status for outcome in shop.client.site.operations[0].outcomes}
    exercise_implied(shop.client)


def test_another_origin_is_refused_before_anything_else() -> None:
    """403 comes before 401, whatever the session says."""
    shop = Shop()
    headers = {"Cookie": "session=forged", "Sec-Fetch-Site": "cross-site"}
    assert shop.client.post("/", headers=headers).problem["code"] == "cross-origin"
    shop.log_in("ada")
    assert shop.client.post("/").status == 204
    assert shop.client.post("/", headers={"Sec-Fetch-Site": "cross-site"}).status == 403


def test_a_session_beside_a_token() -> None:
    """Browsers have sessions and programs have tokens, for the same operation."""
    tokens = Bearer({"t": Principal("robot")}.get, name="tokens")
    shop = Shop(lambda session: tokens | session)
    shop.log_in("ada")
    assert shop.client.get("/").json == "ada"
    assert shop.client.get("/", headers={"Authorization": "Bearer t"}).json == "robot"


def test_the_document_names_the_cookie() -> None:
    """The scheme is a key in the cookie that browsers get."""
    schemes = Shop().client.site.document()["components"]["securitySchemes"]
    assert schemes == {"session": {"type": "apiKey", "in": "cookie", "name": "__Host-session"}}


def test_sessions_have_to_be_declared() -> None:
    """An app that forgot to declare them says so."""
    with pytest.raises(ContractError, match="has no sessions"):
        Shop(declare=False).client.get("/")
    with pytest.raises(DeclarationError, match="takes the sessions"):
        SessionCookie(Principal, "session")  # type: ignore[arg-type]
