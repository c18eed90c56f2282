"""Which pages may open a WebSocket: browsers send cookies with it, and no rule of theirs keeps other sites from it.

Specification: RFC 6455 §10.2 (origin considerations).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ramekin.origins import is_cross_origin

if TYPE_CHECKING:
    from ramekin.requests import Request

ANY = "*"


def is_allowed(request: Request, trusted: frozenset[str]) -> bool:
    """Tell whether the page that opens a connection may do so; what sends no origin is no page.

    Args:
        request: The request that opens it.
        trusted: Origins that may, beside that of the server itself; ``*`` for any.
    """
    if ANY in trusted:
        return True
    return not is_cross_origin(request, trusted)
