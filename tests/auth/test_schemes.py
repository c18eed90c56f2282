"""A scheme of one's own: HMAC-signed requests, in a dozen lines."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import Any

import jwt
import pytest
from marshmallow import fields

from ramekin import App, Request, Resource, Settings, returns
from ramekin.auth import (
    JWT,
    APIKeys,
    BadCredentials,
    Basic,
    Bearer,
    BearerTokens,
    OAuth2,
    Principal,
    Scheme,
    read_authorization,
    requires,
)
from ramekin.auth.arguments import pass_request
from ramekin.auth.principals import UNSTATED
from ramekin.errors import ContractError
from ramekin.testing import Client

SECRETS = {"ada": b"secret of ada"}


def sign(name: str, path: str) -> str:
    """Return the signature of a request."""
    return hmac.new(SECRETS.get(name, b""), path.encode(), "sha256").hexdigest()


class SignedRequests(Scheme):
    """Requests signed by a secret that both sides know."""

    default_name = "signed"
    challenge_name = "Signature"

    def authenticate(self, request: Request) -> Principal[Any] | None:
        credentials = read_authorization(request, "signature")
        if credentials is None:
            return None
        name, _, signature = credentials.partition(":")
        if not hmac.compare_digest(signature, sign(name, request.path)):
            raise BadCredentials("The signature does not match.")
        return Principal(name)

    def document(self) -> Mapping[str, Any]:
        return {"type": "http", "scheme": "signature"}


class AsyncScheme(Scheme):
    """A scheme whose method is awaited, and which makes no challenge."""

    async def authenticate(self, request: Request) -> Principal[Any] | None:
        return Principal("ada") if request.header("x-user") == "ada" else None

    def document(self) -> Mapping[str, Any]:
        return {"type": "apiKey", "in": "header", "name": "X-User"}


def serve(scheme: Scheme) -> Client:
    """Return a client of a guarded resource."""
    app = App("Own", settings=Settings(openapi_path=None))

    @app.resource("/a")
    @requires(scheme)
    class Thing(Resource):
        @returns(fields.String())
        def get(self) -> str:
            return str(self.principal.id)

    return Client(app)


def test_a_scheme_of_ones_own() -> None:
    """It authenticates, refuses with a challenge, and stands in the document."""
    client = serve(SignedRequests(realm="own"))
    answers = [
        client.get("/a", headers=headers)
        for headers in (
            {},
            {"Authorization": "Signature ada:00"},
            {"Authorization": f"Signature ada:{sign('ada', '/a')}"},
        )
    ]
    assert [one.status for one in answers] == [401, 401, 200]
    assert answers[1].problem["detail"] == "The signature does not match."
    assert answers[1].headers["WWW-Authenticate"] == 'Signature realm="own"'
    schemes = client.site.document()["components"]["securitySchemes"]
    assert schemes == {"signed": {"type": "http", "scheme": "signature"}}


def test_answers_of_a_scheme_of_ones_own_are_private() -> None:
    """Caches do not know what it reads, so its answers are nobody else's unless it says otherwise."""
    headers = serve(AsyncScheme()).get("/a", headers={"X-User": "ada"}).headers
    assert headers["Cache-Control"] == "private"


def test_what_a_scheme_reads_can_be_stated() -> None:
    """The answers then vary by that, and those of a scheme that reads ``Authorization`` need no mark."""

    class Stated(AsyncScheme):
        varies = ("X-User",)

    class Authorized(AsyncScheme):
        varies = None

    stated, authorized = (serve(one).get("/a", headers={"X-User": "ada"}).headers for one in (Stated(), Authorized()))
    assert (stated["Vary"], stated["Cache-Control"]) == ("X-User", "private")
    assert "Vary" not in authorized
    assert "Cache-Control" not in authorized


def find_guest(said: Any, request: Request) -> Principal[Any]:
    """Tell who it is by what the credentials say and by the request, as a function of a scheme may."""
    return Principal(request.path)


def check_guest(name: str, password: str, request: Request) -> Principal[Any]:
    return find_guest(name, request)


issued = BearerTokens(find_guest)
SHARED = "s" * 32
KEYED = Settings(openapi_path=None, secret_key="the key of these tests")


@pytest.mark.parametrize(
    ("scheme", "headers"),
    [
        (Bearer(find_guest), {"Authorization": "Bearer abc"}),
        (OAuth2(find_guest, flows={"password": {"tokenUrl": "/", "scopes": {}}}), {"Authorization": "Bearer abc"}),
        (Basic(check_guest), {"Authorization": "Basic YTpi"}),
        (APIKeys(find_guest), {"X-API-Key": "abc"}),
        (issued, {"Authorization": f"Bearer {issued.issue(Principal('ada'), KEYED)}"}),
        (
            JWT(SHARED, algorithms=["HS256"], issuer=None, audience=None, load=find_guest),
            {"Authorization": f"Bearer {jwt.encode({'exp': 4_000_000_000}, SHARED)}"},
        ),
    ],
    ids=lambda given: type(given).__name__,
)
def test_functions_of_schemes_may_take_the_request(scheme: Scheme, headers: Any) -> None:
    """A function that has a parameter of that name is given the request, by which it finds its settings."""
    app = App("Guests", settings=KEYED)

    @app.resource("/a")
    @requires(scheme)
    class Thing(Resource):
        @returns(fields.String())
        def get(self) -> str:
            return str(self.principal.id)

    assert Client(app).get("/a", headers=headers).json == "/a"


def test_functions_that_do_not_tell_their_parameters() -> None:
    """Some built-in functions have no signature; they are given what the credentials say, and nothing else."""
    assert pass_request(getattr)("request", "text", "upper")() == "TEXT"


def test_an_async_scheme_of_ones_own() -> None:
    """Its method may be awaited; it is named after its class, and needs no challenge."""
    client = serve(AsyncScheme())
    refused = client.get("/a")
    assert (refused.status, "WWW-Authenticate" in refused.headers) == (401, False)
    assert client.get("/a", headers={"X-User": "ada"}).json == "ada"
    assert client.site.operations[0].effects.access == "asyncscheme"


def test_what_may_wait_is_known() -> None:
    """A scheme that is awaited does not keep an operation from the event loop."""
    assert (SignedRequests().blocking, AsyncScheme().blocking) == (True, False)


def test_a_scheme_shows_its_name() -> None:
    """It is told from others by its class and name."""
    assert repr(SignedRequests(name="hmac")) == "<SignedRequests 'hmac'>"


def test_scopes_of_a_principal() -> None:
    """Scopes are several; one text is refused, for its letters would be taken for them."""
    assert Principal("ada", ["read"]).may("read")
    assert not Principal("ada").may("read")
    assert repr(UNSTATED) == "UNSTATED"
    with pytest.raises(ContractError, match="several scopes, not the text 'read'"):
        Principal("ada", "read")
