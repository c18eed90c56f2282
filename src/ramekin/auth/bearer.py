"""Bearer tokens of any kind: what stands in ``Authorization: Bearer``, and is checked by a function.

Specification: RFC 6750.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from ramekin.auth.arguments import pass_request, then
from ramekin.auth.credentials import BadCredentials, read_authorization
from ramekin.auth.principals import Principal
from ramekin.auth.schemes import Scheme
from ramekin.coroutines import is_async

if TYPE_CHECKING:
    from ramekin.auth.credentials import ErrorCode
    from ramekin.auth.schemes import Found
    from ramekin.requests import Request
    from ramekin.settings import Settings

CheckToken: TypeAlias = "Callable[[str], Found] | Callable[[str, Request], Found]"
#: What checks a token in the name of a scheme.
CompiledCheck: TypeAlias = "Callable[[Request, str], Found]"

#: RFC 6750 §2.1: b64token.
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")
#: What every token that is not accepted is answered by: it says nothing of who exists.
REFUSED = "The token is not valid, or not valid any more."


class Bearer(Scheme):
    """Tokens in the ``Authorization`` field, checked by a function of your own.

    `BearerTokens` and `JWT` are bearer tokens that Ramekin checks.

    Args:
        check: Takes a token, and the ``request`` if it likes, and returns its `Principal`, or None where it is not
            valid; may be ``async def``.
        name: Its name in the document.
        realm: The realm of its challenge.
        description: What the document says of it.
        bearer_format: What the document says of the tokens' form, such as ``JWT``.

    Example:
        >>> tokens = Bearer(lambda token: stored.get(hash_key(token)))
    """

    default_name = "bearer"
    challenge_name = "Bearer"
    varies = None

    def __init__(
        self,
        check: CheckToken,
        *,
        name: str | None = None,
        realm: str = "api",
        description: str = "",
        bearer_format: str = "",
    ) -> None:
        super().__init__(name=name, realm=realm, description=description)
        self._check = check
        self.blocking = not is_async(check)
        self._bearer_format = bearer_format

    def authenticate(self, request: Request) -> Found:
        """Return who the token of a request stands for."""
        return self.compile(request.settings)(request)

    def compile(self, settings: Settings) -> Callable[[Request], Found]:
        """Return what checks the token of a request."""
        check = self.compile_check(settings)

        def authenticate(request: Request) -> Found:
            token = read_token(request)
            if token is None:
                return None
            found = check(request, token)
            return found if type(found) is Principal else then(found, _refuse_nobody)

        return authenticate

    def compile_check(self, settings: Settings) -> CompiledCheck:
        """Return what checks a token."""
        return pass_request(self._check)

    def challenge(self, error: ErrorCode | None = None, scopes: frozenset[str] = frozenset()) -> str:
        """Return the challenge of RFC 6750 §3."""
        said = f'Bearer realm="{self.realm}"'
        if error is not None:
            said += f', error="{error}"'
        return said + (f', scope="{" ".join(sorted(scopes))}"' if scopes else "")

    def document(self) -> Mapping[str, Any]:
        """Return the security scheme object."""
        form = {"bearerFormat": self._bearer_format} if self._bearer_format else {}
        return {"type": "http", "scheme": "bearer", **form}


def read_token(request: Request) -> str | None:
    """Return the bearer token of a request; None where there is none.

    Raises:
        BadCredentials: It is not in the form of one (RFC 6750 §2.1).
        BadRequest: 400, there are several ``Authorization`` fields.
    """
    token = read_authorization(request, "bearer")
    if token is not None and not _TOKEN.fullmatch(token):
        raise BadCredentials("The token is malformed.", error="invalid_request")
    return token


def _refuse_nobody(found: Principal[Any] | None) -> Principal[Any]:
    if found is None:
        raise BadCredentials(REFUSED)
    return found


def finish(
    found: Principal[Any] | Awaitable[Principal[Any] | None] | None,
    proceed: Callable[[Principal[Any]], Principal[Any]],
) -> Found:
    """Return what becomes of the principal that a loader found, perhaps once it is awaited."""

    def go_on(principal: Principal[Any] | None) -> Principal[Any] | None:
        return None if principal is None else proceed(principal)

    return go_on(found) if found is None or isinstance(found, Principal) else then(found, go_on)
