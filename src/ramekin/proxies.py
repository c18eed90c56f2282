"""What trusted proxies say of a request: who sent it, by which scheme, to which host, beneath which prefix.

The header fields are those that the proxies in use write. The standard's own ``Forwarded`` (RFC 7239) is not read:
hardly a proxy writes it, and one that leaves it alone would pass on what a client put there.

Each proxy adds the address of its own peer to ``X-Forwarded-For``, so with n trusted ones the n-th from the right is
what the outermost saw, and what stands left of it is the client's own invention. Of the other fields proxies write over
what came more often than they add to it, so the first one counts where there are fewer than n.
"""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import unquote

#: Returns a header field by its lower-case name, several lines joined by commas, or None.
Header = Callable[[str], str | None]


def read_client_host(header: Header, hops: int) -> str | None:
    """Return the address of the client; None where the trusted proxies have said none.

    Args:
        header: Returns a header field.
        hops: How many proxies are trusted, at least one.
    """
    addresses = (header("x-forwarded-for") or "").split(",")
    return _find_address(addresses[-hops].strip()) if len(addresses) >= hops else None


def read_scheme(header: Header, hops: int) -> str | None:
    """Return ``http`` or ``https``, by which the client asked; None where the proxies have said none of them."""
    scheme = _outermost(header("x-forwarded-proto"), hops).lower()
    return scheme if scheme in ("http", "https") else None


def read_host(header: Header, hops: int) -> str | None:
    """Return the host that the client asked, perhaps with a port; None where the proxies have said none."""
    return _outermost(header("x-forwarded-host"), hops) or None


def read_prefix(header: Header, hops: int) -> str:
    """Return the decoded path prefix that a proxy took away, without a trailing slash; empty where there is none."""
    name = unquote(_outermost(header("x-forwarded-prefix"), hops)).strip("/")
    return f"/{name}" if name else ""  # Two slashes at the beginning of a path would name a host.


def _outermost(value: str | None, hops: int) -> str:
    values = (value or "").split(",")
    return values[-min(hops, len(values))].strip()


def _find_address(text: str) -> str | None:
    """Return the address in an item of ``X-Forwarded-For``, to which some proxies add a port; None where none is."""
    from ipaddress import ip_address

    for candidate in (text, text.partition("]")[0].removeprefix("["), text.rpartition(":")[0]):
        try:
            return str(ip_address(candidate))
        except ValueError:
            continue
    return None
