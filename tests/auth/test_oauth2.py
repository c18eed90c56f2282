"""OAuth 2 and OpenID Connect, as the API sees them."""

from __future__ import annotations

from typing import Any

import pytest
from marshmallow import fields

from ramekin import App, Resource, Settings, returns
from ramekin.auth import JWT, Bearer, OAuth2, OpenIDConnect, Principal, Scheme, requires
from ramekin.errors import DeclarationError
from ramekin.testing import Client

FLOWS = {
    "authorizationCode": {
        "authorizationUrl": "https://login.example/authorize",
        "tokenUrl": "https://login.example/token",
        "scopes": {"read": "Read.", "write": "Write."},
    },
    "clientCredentials": {"tokenUrl": "https://login.example/token", "scopes": {"sync": "Synchronize."}},
}
URL = "https://login.example/.well-known/openid-configuration"
PEOPLE = {"ada": Principal("ada", {"read"})}


async def introspect(token: str) -> Principal[Any] | None:
    """Ask the authorization server, as RFC 7662 has it."""
    return PEOPLE.get(token)


def serve(scheme: Scheme, *scopes: str) -> Client:
    """Return a client of a guarded resource."""
    app = App("OAuth", settings=Settings(openapi_path=None))

    @app.resource("/")
    @requires(scheme, scopes=scopes)
    class Thing(Resource):
        @returns(fields.String())
        def get(self) -> str:
            return str(self.principal.id)

    return Client(app)


def ask(client: Client, token: str) -> int:
    """Return the status of a request with a token."""
    return client.get("/", headers={"Authorization": f"Bearer {token}"}).status


@pytest.mark.parametrize("tokens", [PEOPLE.get, introspect, Bearer(PEOPLE.get)])
@pytest.mark.parametrize(
    "make", [lambda tokens: OAuth2(tokens, flows=FLOWS), lambda tokens: OpenIDConnect(tokens, url=URL)]
)
def test_tokens_are_checked_by_a_function_or_a_scheme(make: Any, tokens: Any) -> None:
    """What checks a token may be a function, plain or async, or a bearer scheme."""
    read, write = serve(make(tokens), "read"), serve(make(tokens), "write")
    assert [ask(read, "ada"), ask(read, "eve"), ask(write, "ada"), read.get("/").status] == [200, 401, 403, 401]


def test_the_flows_stand_in_the_document() -> None:
    """The document says where clients get their tokens, and with which scopes, in either version."""
    site = serve(OAuth2(PEOPLE.get, flows=FLOWS, description="Ask the login server."), "read").site
    for version in ("3.1", "3.0"):
        document = site.document(version)
        assert document["components"]["securitySchemes"]["oauth2"] == {
            "type": "oauth2",
            "flows": FLOWS,
            "description": "Ask the login server.",
        }
        assert document["paths"]["/"]["get"]["security"] == [{"oauth2": ["read"]}]


def test_the_provider_stands_in_the_document() -> None:
    """The document names the provider's configuration."""
    document = serve(OpenIDConnect(PEOPLE.get, url=URL)).site.document()
    expected = {"type": "openIdConnect", "openIdConnectUrl": URL}
    assert document["components"]["securitySchemes"]["openid"] == expected


def test_a_json_web_token() -> None:
    """JWT checks what the flows issue."""
    checked = JWT("s" * 32, algorithms=["HS256"], issuer="login", audience="api")
    assert ask(serve(OAuth2(checked, flows=FLOWS)), "a.b.c") == 401


def test_a_scope_that_no_flow_has() -> None:
    """A scope that no client can get is refused when it is declared."""
    with pytest.raises(DeclarationError, match="required with delete; its flows have the scopes read, sync, write"):
        serve(OAuth2(PEOPLE.get, flows=FLOWS), "delete")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: OAuth2(PEOPLE.get, flows={}), "at least one of authorizationCode"),
        (lambda: OAuth2(PEOPLE.get, flows={"code": {}}), "the flows are"),
        (lambda: OAuth2(PEOPLE.get, flows={"password": {"scopes": {}}}), "has to state tokenUrl"),
        (lambda: OAuth2(3, flows=FLOWS), "takes a bearer scheme"),  # type: ignore[arg-type]
        (lambda: OpenIDConnect(PEOPLE.get, url="http://login.example/"), "a URL with https"),
    ],
)
def test_what_a_document_cannot_say(make: Any, message: str) -> None:
    """Flows and URLs are checked when they are declared."""
    with pytest.raises(DeclarationError, match=message):
        make()
