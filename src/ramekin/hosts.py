"""Trusted hosts: whether a request asks a host that the app answers for.

Specification: RFC 9110 §7.2 (Host), RFC 3986 §3.2.2 and §3.2.3 (host, port).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from ramekin.requests import REMEMBERED, REMEMBERED_CHARACTERS

#: A host and a port as ``Host`` has them; what an address in brackets says is looked at on its own.
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*)\.?(?::[0-9]{0,5})?")
#: What a development server is asked as.
LOOPBACK_HOSTS = ("localhost", "*.localhost", "127.0.0.1", "[::1]")


class TrustedHosts:
    """Judges the hosts that requests ask.

    Args:
        patterns: The hosts, in lower case and without ports; ``*.example.com`` for all below ``example.com``.
    """

    __slots__ = ("_good", "_names", "_suffixes")

    def __init__(self, patterns: Iterable[str]) -> None:
        patterns = tuple(patterns)
        self._names = frozenset(_normalize(name) for name in patterns if not name.startswith("*"))
        self._suffixes = tuple(name[1:] for name in patterns if name.startswith("*"))
        #: Spellings that are known to be good.
        self._good: set[str | None] = set()

    def trust(self, host: str | None) -> bool:
        """Tell whether a request for a host is taken.

        Args:
            host: The host, perhaps with a port, which does not count; None where the request names none.
        """
        if host in self._good:
            return True
        match = _HOST.fullmatch(host or "")
        name = _normalize(match[1].lower()) if match else ""
        if not name or (name not in self._names and not name.endswith(self._suffixes)):
            return False
        if len(self._good) < REMEMBERED and len(host or "") <= REMEMBERED_CHARACTERS:
            self._good.add(host)
        return True


def _normalize(host: str) -> str:
    """Return an address in brackets in its one shortest form (RFC 5952), any other host as it is; empty for none."""
    if not host.startswith("["):
        return host
    from ipaddress import IPv6Address

    try:
        return f"[{IPv6Address(host[1:-1]).compressed}]"
    except ValueError:
        return ""
