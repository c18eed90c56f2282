"""Checks of hosts, proxies and origins."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ramekin.checks.registry import check
from ramekin.checks.subjects import api_operations, is_guarded
from ramekin.hosts import LOOPBACK_HOSTS, TrustedHosts

if TYPE_CHECKING:
    from ramekin.sites import Site

_LOOPBACK = TrustedHosts(LOOPBACK_HOSTS)


def is_loopback(url: str) -> bool:
    """Tell whether a URL or an origin names this machine."""
    try:
        return _LOOPBACK.trust(urlsplit(url).netloc)
    except ValueError:  # It names nothing.
        return False


@check(
    "RK201",
    "Any host is answered for",
    severity="warning",
    deploy=True,
    why="A page can reach the app by a name of its own (DNS rebinding), and caches can be filled for wrong hosts.",
    fix="Name the hosts in trusted_hosts, or silence this where a proxy lets no other through.",
)
def find_untrusted_hosts(site: Site) -> Iterable[tuple[str, str]]:
    """Look at ``trusted_hosts``."""
    if not site.settings.trusted_hosts:
        yield "settings.trusted_hosts", "trusted_hosts is empty."


@check(
    "RK202",
    "A whole top-level domain is trusted",
    severity="error",
    why="Anybody can have a name below it.",
    fix="Name the domain that is yours: *.example.com.",
)
def find_wide_hosts(site: Site) -> Iterator[tuple[str, str]]:
    """Look for wildcards with one label."""
    for host in site.settings.trusted_hosts:
        if host.startswith("*.") and host.count(".") == 1 and host != "*.localhost":
            yield "settings.trusted_hosts", f"{host} is trusted."


@check(
    "RK203",
    "An origin without encryption is trusted",
    severity="error",
    deploy=True,
    why="Whoever sits between such a page and its reader can put a script into it, which then calls the API.",
    fix="Serve that page over HTTPS, and name its https origin in cors.origins.",
)
def find_plain_origins(site: Site) -> Iterator[tuple[str, str]]:
    """Look for ``http`` origins elsewhere than on this machine."""
    for origin in site.settings.cors.origins:
        if origin.startswith("http://") and not is_loopback(origin):
            yield "settings.cors.origins", f"{origin} is trusted."


@check(
    "RK204",
    "An origin on the reader's own machine is trusted",
    severity="warning",
    deploy=True,
    why="Any program that somebody runs on their machine may serve a page at that port.",
    fix="Keep such origins to the settings of development.",
)
def find_local_origins(site: Site) -> Iterator[tuple[str, str]]:
    """Look for origins of this machine."""
    for origin in site.settings.cors.origins:
        if is_loopback(origin):
            yield "settings.cors.origins", f"{origin} is trusted."


@check(
    "RK205",
    "Every origin is trusted by an API that is guarded",
    severity="warning",
    why="Any page that gets hold of a token can use it from the browsers of its readers.",
    fix="Name the origins of your own pages in cors.origins.",
)
def find_any_origin(site: Site) -> Iterable[tuple[str, str]]:
    """Look for ``*`` beside guarded operations."""
    if "*" in site.settings.cors.origins and any(is_guarded(operation) for operation in api_operations(site)):
        yield "settings.cors.origins", "cors.origins is '*'."


@check(
    "RK206",
    "The app does not know of the proxy before it",
    severity="warning",
    deploy=True,
    why="Where a proxy ends HTTPS, the app takes every request for plain HTTP from the proxy's own address.",
    fix="Say in trusted_proxies how many there are, or silence this where the server itself speaks HTTPS.",
)
def find_uncounted_proxies(site: Site) -> Iterable[tuple[str, str]]:
    """Look for a base URL over HTTPS without proxies."""
    base = site.settings.base_url
    if base is not None and base.startswith("https:") and not site.settings.trusted_proxies:
        yield "settings.trusted_proxies", f"base_url is {base}, and no proxy is trusted."


@check(
    "RK207",
    "Absolute URLs lead over plain HTTP",
    severity="warning",
    deploy=True,
    why="Who follows a link in a mail sends what it carries, and the answer, for everybody on the way to read.",
    fix="State an https URL in base_url.",
)
def find_plain_base(site: Site) -> Iterable[tuple[str, str]]:
    """Look for a base URL over HTTP elsewhere than on this machine."""
    base = site.settings.base_url
    if base is not None and base.startswith("http:") and not is_loopback(base):
        yield "settings.base_url", f"base_url is {base}."
