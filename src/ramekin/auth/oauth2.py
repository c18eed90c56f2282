"""OAuth 2 and OpenID Connect, seen from the API that is protected: where tokens come from, and how they are checked.

Specification: RFC 6749 and RFC 6750; OpenID Connect Discovery 1.0; OpenAPI 3.1 §4.8.28 (OAuth flows object).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from ramekin.auth.bearer import Bearer, CheckToken
from ramekin.errors import DeclarationError

if TYPE_CHECKING:
    from ramekin.auth.schemes import Found
    from ramekin.requests import Request
    from ramekin.settings import Settings

#: The URLs that each flow has to state.
_FLOWS = {
    "authorizationCode": ("authorizationUrl", "tokenUrl"),
    "clientCredentials": ("tokenUrl",),
    "implicit": ("authorizationUrl",),
    "password": ("tokenUrl",),
}


class _Delegated(Bearer):
    """Bearer tokens that another scheme, or a function, checks."""

    def __init__(self, tokens: Bearer | CheckToken, *, name: str | None, realm: str, description: str) -> None:
        super().__init__(_never, name=name, realm=realm, description=description)
        if not callable(tokens):
            raise DeclarationError(
                f"{type(self).__name__} takes a bearer scheme such as JWT(…), or a function that checks a token, "
                f"not {tokens!r}."
            )
        self._tokens = tokens if isinstance(tokens, Bearer) else Bearer(tokens)
        self.blocking = self._tokens.blocking
        self.problems = self._tokens.problems
        self.ambient, self.trusted_origins = self._tokens.ambient, self._tokens.trusted_origins

    def compile(self, settings: Settings) -> Callable[[Request], Found]:
        """Return what checks the token of a request."""
        return self._tokens.compile(settings)

    def is_carried(self, request: Request) -> bool:
        """Tell whether a request carries a token."""
        return self._tokens.is_carried(request)


class OAuth2(_Delegated):
    """Access tokens of an OAuth 2 authorization server; the document says where clients get them.

    Args:
        tokens: What checks a token: `JWT`, or a function as `Bearer` takes it, which may ask the server (RFC 7662).
        flows: OAuth flow objects of OpenAPI by name, each with its URLs and ``scopes``, a mapping from each scope to
            what it allows. A scope that an operation requires has to stand in one of them.
        name: Its name in the document.
        realm: The realm of its challenge.
        description: What the document says of it.

    Raises:
        DeclarationError: A flow is unknown, or lacks a URL.

    Example:
        >>> oauth2 = OAuth2(JWT(…), flows={"clientCredentials": {
        ...     "tokenUrl": "https://login.example/token", "scopes": {"books:write": "Add and change books."}}})
    """

    default_name = "oauth2"

    def __init__(
        self,
        tokens: Bearer | CheckToken,
        *,
        flows: Mapping[str, Mapping[str, Any]],
        name: str | None = None,
        realm: str = "api",
        description: str = "",
    ) -> None:
        super().__init__(tokens, name=name, realm=realm, description=description)
        if not flows:
            raise DeclarationError(f"OAuth2(flows=…) takes at least one of {', '.join(_FLOWS)}.")
        for flow, stated in flows.items():
            if flow not in _FLOWS:
                raise DeclarationError(f"OAuth2(flows=…) has {flow!r}; the flows are {', '.join(_FLOWS)}.")
            missing = [part for part in (*_FLOWS[flow], "scopes") if part not in stated]
            if missing:
                raise DeclarationError(f"OAuth2(flows=…): {flow} has to state {' and '.join(missing)}.")
        self._flows = flows
        self._scopes = {scope for stated in flows.values() for scope in stated["scopes"]}

    def check_scopes(self, scopes: frozenset[str]) -> None:
        """Refuse scopes that no flow grants.

        Raises:
            DeclarationError: One is none of those.
        """
        if unknown := scopes - self._scopes:
            raise DeclarationError(
                f"The scheme {self.name!r} is required with {', '.join(sorted(unknown))}; its flows have the scopes "
                f"{', '.join(sorted(self._scopes)) or 'none'}."
            )

    def document(self) -> Mapping[str, Any]:
        """Return the security scheme object."""
        return {"type": "oauth2", "flows": {name: dict(stated) for name, stated in self._flows.items()}}


class OpenIDConnect(_Delegated):
    """Access tokens of an OpenID provider; the document names its discovery document.

    Args:
        tokens: What checks a token: `JWT`, or a function as `Bearer` takes it.
        url: Where the provider's configuration stands, ``https://…/.well-known/openid-configuration``.
        name: Its name in the document.
        realm: The realm of its challenge.
        description: What the document says of it.

    Raises:
        DeclarationError: The URL is none with ``https``.

    Example:
        >>> openid = OpenIDConnect(JWT(…), url="https://login.example/.well-known/openid-configuration")
    """

    default_name = "openid"

    def __init__(
        self,
        tokens: Bearer | CheckToken,
        *,
        url: str,
        name: str | None = None,
        realm: str = "api",
        description: str = "",
    ) -> None:
        super().__init__(tokens, name=name, realm=realm, description=description)
        if not isinstance(url, str) or not url.startswith("https://"):
            raise DeclarationError(f"OpenIDConnect(url=…) takes a URL with https, not {url!r}.")
        self._url = url

    def document(self) -> Mapping[str, Any]:
        """Return the security scheme object."""
        return {"type": "openIdConnect", "openIdConnectUrl": self._url}


def _never(token: str) -> None:
    """Stand where another scheme has its function; what checks a token is another scheme."""
