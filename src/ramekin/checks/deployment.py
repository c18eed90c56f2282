"""Checks of the settings that decide how an app behaves in production."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from ramekin.checks.registry import check
from ramekin.checks.subjects import api_operations, is_guarded, is_own_page
from ramekin.limits import Limits

if TYPE_CHECKING:
    from ramekin.operations import Operation
    from ramekin.sites import Site

#: A limit that is this many times the default is no limit that somebody has thought of.
_FACTOR = 10


@check(
    "RK101",
    "Debug mode is on",
    severity="error",
    deploy=True,
    why="Unhandled exceptions go to the server in place of a problem, and hosts of this machine are trusted.",
    fix="Leave debug out of the settings of production; `ramekin run` switches it on by itself.",
)
def find_debug(site: Site) -> Iterable[tuple[str, str]]:
    """Look at ``debug``."""
    if site.settings.debug:
        yield "settings.debug", "debug is on."


@check(
    "RK102",
    "Unhandled exceptions are let through",
    severity="error",
    deploy=True,
    why="The server answers them in its own words, without a problem, a request id or the app's header fields.",
    fix="Leave propagate_exceptions out of the settings of production; it is for tests.",
)
def find_propagation(site: Site) -> Iterable[tuple[str, str]]:
    """Look at ``propagate_exceptions``."""
    if site.settings.propagate_exceptions:
        yield "settings.propagate_exceptions", "propagate_exceptions is on."


@check(
    "RK103",
    "A breach of the contract is answered by a 500",
    severity="warning",
    deploy=True,
    why="An answer that would have served its client is kept back, and every answer costs a check.",
    fix='Set contract to "log" or "off" in production; "raise" is for staging.',
)
def find_raising_contract(site: Site) -> Iterable[tuple[str, str]]:
    """Look at ``contract``."""
    if site.settings.contract == "raise":
        yield "settings.contract", 'contract is "raise".'


@check(
    "RK104",
    "No access log is written",
    severity="warning",
    deploy=True,
    why="Nobody can tell afterwards who asked what, and with what result.",
    fix="Leave access_log on, or silence this where a proxy writes the log.",
)
def find_no_access_log(site: Site) -> Iterable[tuple[str, str]]:
    """Look at ``access_log``."""
    if not site.settings.access_log:
        yield "settings.access_log", "access_log is off."


@check(
    "RK105",
    "Security header fields are switched off",
    severity="warning",
    deploy=True,
    why="A browser may take stored JSON for a page, and a cache may keep a failure.",
    fix="Leave security_headers on, or silence this where a proxy adds them.",
)
def find_no_security_headers(site: Site) -> Iterable[tuple[str, str]]:
    """Look at ``security_headers``."""
    if not site.settings.security_headers:
        yield "settings.security_headers", "security_headers is off."


@check(
    "RK106",
    "Repeated keys of JSON objects are taken",
    severity="warning",
    why="Of two members of one name, a proxy or a signature check may look at the first, and the app takes the last.",
    fix="Leave unique_keys on.",
)
def find_repeated_keys(site: Site) -> Iterable[tuple[str, str]]:
    """Look at ``unique_keys``."""
    if not site.settings.unique_keys:
        yield "settings.unique_keys", "unique_keys is off."


@check(
    "RK107",
    "A limit is far above its default",
    severity="warning",
    why="One request may take as much memory and time as the limit says, and anybody can send many of them.",
    fix="Raise it for the one operation that needs it, by @limits(…), and read large bodies as a stream.",
)
def find_high_limits(site: Site) -> Iterator[tuple[Operation | str, str]]:
    """Look at the limits of the app, and of operations that have their own."""
    for name in _high(site.settings.limits):
        yield f"settings.limits.{name}", f"{name} is {getattr(site.settings.limits, name)}."
    for operation in api_operations(site):
        for name in _high(operation.limits):
            if getattr(operation.limits, name) != getattr(site.settings.limits, name):
                yield operation, f"{name} is {getattr(operation.limits, name)}."


def _high(limits: Limits) -> Iterator[str]:
    return (name for name in Limits.__slots__ if getattr(limits, name) > _FACTOR * getattr(Limits(), name))


@check(
    "RK108",
    "The document is open while the API is guarded",
    severity="warning",
    deploy=True,
    why="Whoever may not call an operation can still read all about it.",
    fix="Guard both by App(docs_declarations=[…]), or switch them off: openapi_path and docs_path null.",
)
def find_open_document(site: Site) -> Iterator[tuple[Operation, str]]:
    """Look at the document's own operation."""
    if any(is_guarded(operation) for operation in api_operations(site)):
        for operation in site.operations:
            if is_own_page(operation) and operation.path == site.settings.openapi_path and not is_guarded(operation):
                yield operation, f"{operation.path} needs no credentials."


@check(
    "RK109",
    "The docs page has nothing to show the document with",
    severity="warning",
    why="It is a page with one link.",
    fix="Install ramekin[docs], or set docs_path to null.",
)
def find_bare_docs_page(site: Site) -> Iterable[tuple[str, str]]:
    """Look for the optional package."""
    from ramekin.openapi.assets import find_assets

    if site.settings.docs_path is not None and find_assets() is None:
        yield "settings.docs_path", f"{site.settings.docs_path} is served, and ramekin[docs] is not installed."
