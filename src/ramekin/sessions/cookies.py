"""The cookie of a session: how it is named, found, set and cleared.

Specification: RFC 6265bis §4.1 (Set-Cookie), §4.1.3.2 (the prefix ``__Host-``), §5.6 (the Cookie header).
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    from ramekin.requests import Request
    from ramekin.responses import Reply

#: Cookies of one name that are looked at; a browser sends several where they were set with other paths or domains.
_CANDIDATES = 4
#: Fields by which a proxy says that a request is not from this machine.
_FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "x-real-ip", "via")
#: This machine, perhaps with a port (RFC 6761 §6.3, RFC 6890 §2.2); an address of the peer has no brackets.
_LOCAL_HOST = re.compile(r"(([a-z0-9-]+\.)*localhost|127(\.[0-9]{1,3}){3}|\[::1\]|::1)(:[0-9]+)?", re.IGNORECASE)
_EPOCH = datetime.fromtimestamp(0, UTC)


class CookieValue(NamedTuple):
    """What the cookie becomes; it is cleared where the value is empty."""

    value: str
    max_age: int


CLEARED = CookieValue("", 0)


class SessionCookie(NamedTuple):
    """The cookie's name and attributes.

    Attributes:
        base: Its name, before a prefix.
        path: Where it is sent.
        domain: The hosts it is sent to; the one that set it alone when None.
        secure: Whether it is sent over HTTPS only; unless the client is on this machine when None.
        same_site: When other sites' requests carry it.
    """

    base: str
    path: str
    domain: str | None
    secure: bool | None
    same_site: Literal["Lax", "Strict", "None"]

    @property
    def name(self) -> str:
        """Its name where it is secure.

        A cookie named ``__Host-…`` can be set by this host alone, and over HTTPS: no other one beneath the same domain
        can plant a session.
        """
        is_host_only = self.secure is not False and self.path == "/" and self.domain is None
        return f"__Host-{self.base}" if is_host_only else self.base

    def name_for(self, request: Request) -> str:
        """Return its name in the answer to a request."""
        return self.name if self.is_secure(request) else self.base

    def is_secure(self, request: Request) -> bool:
        """Tell whether it is set for HTTPS only."""
        return not is_local(request) if self.secure is None else self.secure

    def find(self, request: Request) -> list[str]:
        """Return the values that a request carries, the one for the longest path first."""
        header = request.header("cookie")
        if not header or self.base not in header:
            return []
        name = self.name_for(request)
        pairs = (pair.partition("=") for pair in header.split(";"))
        return [value.strip(" \t") for key, equals, value in pairs if equals and key.strip(" \t") == name][:_CANDIDATES]

    def put(self, reply: Reply[Any], request: Request, cookie: CookieValue) -> None:
        """Set the cookie, or clear it."""
        reply.set_cookie(
            self.name_for(request),
            cookie.value,
            max_age=cookie.max_age,
            expires=None if cookie.value else _EPOCH,
            path=self.path,
            domain=self.domain,
            secure=self.is_secure(request),
            same_site=self.same_site,
        )


def is_local(request: Request) -> bool:
    """Tell whether a client on this machine asks over plain HTTP, as in development.

    Host and peer both have to be of this machine, and no proxy may have said that it stands in between.
    """
    return (
        request.scheme == "http"
        and _LOCAL_HOST.fullmatch(request.host or "") is not None
        and _LOCAL_HOST.fullmatch(request.client_host or "127.0.0.1") is not None
        and not any(request.header(name) for name in _FORWARDED)
    )
