"""What trusted proxies say of a request: who sent it, by which scheme, to which host, beneath which prefix.

The header fields are those that the proxies in use write. The standard's own ``Forwarded`` (RFC 7239) is not read:
hardly a proxy writes it, and one that leaves it alone would pass on what a client put there.
"""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import unquote

from ramekin.records import Record


class Forwarded(Record, frozen=True):
    """What the trusted proxies said; None for what they did not.

    Attributes:
        client_host: The address of the client.
        scheme: ``http`` or ``https``, by which the client asked.
        host: The host that the client asked, perhaps with a port.
        prefix: The decoded path prefix that a proxy took away, without a trailing slash; empty where there is none.
    """

    client_host: str | None = None
    scheme: str | None = None
    host: str | None = None
    prefix: str = ""


#: What is said where no proxy is trusted.
NOT_FORWARDED = Forwarded()


def read_forwarded(header: Callable[[str], str | None], hops: int) -> Forwarded:
    """Return what the trusted proxies said.

    Each proxy adds the address of its own peer to ``X-Forwarded-For``, so with n trusted ones the n-th from the right
    is what the outermost saw, and what stands left of it is the client's own invention. Of the other fields proxies
    write over what came more often than they add to it, so the first one counts where there are fewer than n.

    Args:
        header: Returns a header field by its lower-case name, several lines joined by commas, or None.
        hops: How many proxies are trusted, at least one.
    """
    addresses = _split(header("x-forwarded-for"))
    scheme = (_outermost(_split(header("x-forwarded-proto")), hops) or "").lower()
    return Forwarded(
        client_host=_find_address(addresses[-hops]) if len(addresses) >= hops else None,
        scheme=scheme if scheme in ("http", "https") else None,
        host=_outermost(_split(header("x-forwarded-host")), hops),
        prefix=_find_prefix(_outermost(_split(header("x-forwarded-prefix")), hops)),
    )


def _split(value: str | None) -> list[str]:
    return [part.strip() for part in value.split(",")] if value else []


def _outermost(values: list[str], hops: int) -> str | None:
    return (values[-min(hops, len(values))] if values else "") or None


def _find_address(text: str) -> str | None:
    """Return the address in an item of ``X-Forwarded-For``, to which some proxies add a port; None where none is."""
    from ipaddress import ip_address

    for candidate in (text, text.partition("]")[0].removeprefix("["), text.rpartition(":")[0]):
        try:
            return str(ip_address(candidate))
        except ValueError:
            continue
    return None


def _find_prefix(text: str | None) -> str:
    """Return a prefix with one slash before it: two would name a host."""
    name = unquote(text or "").strip("/")
    return f"/{name}" if name else ""
