"""HTTP Basic: a user name and a password with every request.

Specification: RFC 7617.
"""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from ramekin.auth.arguments import pass_request, then
from ramekin.auth.credentials import BadCredentials, read_authorization
from ramekin.auth.principals import Principal
from ramekin.auth.schemes import Scheme
from ramekin.coroutines import is_async
from ramekin.origins import check_origins

if TYPE_CHECKING:
    from ramekin.auth.credentials import ErrorCode
    from ramekin.auth.schemes import Found
    from ramekin.requests import Request

Verify: TypeAlias = "Callable[[str, str], Found] | Callable[[str, str, Request], Found]"

_MALFORMED = "The credentials are malformed."


class Basic(Scheme):
    """User names and passwords (RFC 7617), in UTF-8.

    Args:
        verify: Takes a user name and a password, and the ``request`` if it likes, and returns the `Principal`, or None
            where they do not belong together; may be ``async def``. It has to take as long for an unknown user as for a
            wrong password.
        trusted_origins: Other origins, such as ``https://app.example``, whose pages may send unsafe requests with it.
            Browsers add passwords to whoever's requests, so all others are refused.
        name: Its name in the document.
        realm: The realm of its challenge, which browsers show.
        description: What the document says of it.

    Raises:
        DeclarationError: A trusted origin is none.

    Example:
        >>> basic = Basic(check_password, realm="Bookshop")
    """

    default_name = "basic"
    challenge_name = "Basic"
    varies = None
    ambient = True  # A browser that was given a password sends it with each request from then on.

    def __init__(
        self,
        verify: Verify,
        *,
        trusted_origins: Iterable[str] = (),
        name: str | None = None,
        realm: str = "api",
        description: str = "",
    ) -> None:
        super().__init__(name=name, realm=realm, description=description)
        self.trusted_origins = check_origins(trusted_origins, "Basic(trusted_origins=…)")
        self._verify = pass_request(verify)
        self.blocking = not is_async(verify)

    def authenticate(self, request: Request) -> Found:
        """Return whose name and password a request has."""
        credentials = read_authorization(request, "basic")
        if credentials is None:
            return None
        found = self._verify(request, *_decode(credentials))
        return found if type(found) is Principal else then(found, _refuse_nobody)

    def is_carried(self, request: Request) -> bool:
        """Tell whether a request carries a name and a password."""
        return (request.header("authorization") or "").lower().startswith("basic")

    def challenge(self, error: ErrorCode | None = None, scopes: frozenset[str] = frozenset()) -> str:
        """Return the challenge of RFC 7617 §2.1."""
        return f'Basic realm="{self.realm}", charset="UTF-8"'

    def document(self) -> Mapping[str, Any]:
        """Return the security scheme object."""
        return {"type": "http", "scheme": "basic"}


def _decode(credentials: str) -> tuple[str, str]:
    try:
        text = b64decode(credentials, validate=True).decode()
    except (binascii.Error, ValueError):
        raise BadCredentials(_MALFORMED, error="invalid_request") from None
    user, colon, password = text.partition(":")
    # RFC 7617 §2: neither of them holds control characters.
    if not colon or any(char < " " or char == "\x7f" for char in text):
        raise BadCredentials(_MALFORMED, error="invalid_request")
    return user, password


def _refuse_nobody(found: Principal[Any] | None) -> Principal[Any]:
    if found is None:
        raise BadCredentials("The user name and the password do not belong together.")
    return found
