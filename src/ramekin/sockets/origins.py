"""Which pages may open a WebSocket: browsers send cookies with it, and no rule of theirs keeps other sites from it.

Specification: RFC 6455 §10.2 (origin considerations); RFC 6454 §4 and §7 (origins).
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from ramekin.requests import Request

_PORTS = {"http": "80", "https": "443"}
ANY = "*"


def is_allowed(request: Request, origins: Collection[str] | None) -> bool:
    """Tell whether the page that opens the connection may do so; what sends no origin is no page.

    Args:
        request: The request that opens it.
        origins: The origins that may, ``*`` for any; that of the server itself when None.
    """
    origin = request.header("origin")
    if origin is None:
        return True
    if origins is not None:
        return ANY in origins or origin.lower() in origins
    return _is_same(origin, request)


def _is_same(origin: str, request: Request) -> bool:
    """Tell whether an origin is that of the server: the same host and port, and no less secure.

    A proxy may have taken the encryption off, so that what is a page of HTTPS may come by a plain connection.
    """
    scheme, _, authority = origin.lower().partition("://")
    host = (request.host or "").lower()
    if scheme not in _PORTS or not host or (scheme == "http" and request.scheme in ("https", "wss")):
        return False
    return _with_port(authority, scheme) == _with_port(host, scheme)


def _with_port(authority: str, scheme: str) -> str:
    return authority if authority.rpartition("]")[2].count(":") else f"{authority}:{_PORTS[scheme]}"


def check_origin(origin: object) -> bool:
    """Tell whether this is an origin as browsers send it: scheme, host and perhaps a port."""
    if origin in (ANY, "null"):
        return True
    if not isinstance(origin, str):
        return False
    parts = urlsplit(origin)
    return origin == f"{parts.scheme}://{parts.netloc}" and bool(parts.netloc) and origin == origin.lower()
