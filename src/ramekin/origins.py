"""Where a request comes from: whether a page of another origin has sent it.

Browsers say so in ``Sec-Fetch-Site``, which no page can change, and older ones in ``Origin``. A client that sends
neither is no browser, or one so old that its other requests are as exposed; nobody else's page can make it send
credentials. The same reasoning is behind Go's ``http.CrossOriginProtection``.

This is the one rule for all that browsers send unasked: cookies of sessions and keys, passwords, WebSockets.

Specification: Fetch Metadata Request Headers §2.2 (Sec-Fetch-Site), RFC 6454 §7 (Origin).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ramekin.errors import DeclarationError

if TYPE_CHECKING:
    from ramekin.requests import Request

#: Methods that change nothing (RFC 9110 §9.2.1); those of another origin do no harm.
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

_ORIGIN = re.compile(r"(https?)://([a-z0-9.-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?")
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}


def check_origins(given: Iterable[str], where: str = "trusted_origins") -> frozenset[str]:
    """Return origins as browsers send them; ``where`` is how errors name them.

    Raises:
        DeclarationError: One is no origin of a web page.
    """
    if isinstance(given, str):
        raise DeclarationError(f"{where} takes several origins, not the text {given!r}.")
    origins = tuple(given)
    for origin in origins:
        found = _ORIGIN.fullmatch(origin) if isinstance(origin, str) else None
        if found is None or found[3] == _DEFAULT_PORTS[found[1]]:
            raise DeclarationError(
                f"{where} takes origins as browsers send them, such as 'https://app.example', not {origin!r}."
            )
    return frozenset(origins)


def is_cross_origin(request: Request, trusted: frozenset[str]) -> bool:
    """Tell whether a page of another origin, that is not trusted, has sent a request."""
    said = request.header("origin")
    origin = None if said is None else said.lower()
    if origin in trusted:
        return False
    if origin is not None and _is_downgraded(origin, request):
        return True  # Whoever is between could have written a page that came without encryption.
    site = request.header("sec-fetch-site")
    if site is not None:
        # Another origin of the same site may be somebody else's; "none" is the user, as by a bookmark.
        return site not in ("same-origin", "none")
    return origin is not None and not _is_own(origin, request.host)


def _is_downgraded(origin: str, request: Request) -> bool:
    """Tell whether a page without encryption calls an app that is known to have it.

    It is known by the request, or by ``base_url``, where a proxy that nobody has stated ends the encryption.
    """
    if not origin.startswith("http:"):
        return False
    if request.scheme == "https":
        return True
    found, base = _ORIGIN.fullmatch(origin), request.settings.base_url or ""
    return found is not None and base.startswith("https:") and found[2] == (urlsplit(base).hostname or "").lower()


def _is_own(origin: str, host: str | None) -> bool:
    """Tell whether an origin is the host that was asked; its scheme was compared before, as far as it is known."""
    found = _ORIGIN.fullmatch(origin)
    if found is None or host is None:
        return False
    return host.lower().removesuffix(_DEFAULT_PORTS[found[1]]) == f"{found[2]}{found[3] or ''}".removesuffix(
        _DEFAULT_PORTS[found[1]]
    )
