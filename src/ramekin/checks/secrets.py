"""Checks of what an app signs with, and of what it signs: keys, sessions, tokens.

Specification: RFC 2104 §3 (keys), RFC 6265bis §4.1.2 (attributes of cookies).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

from ramekin.auth import BearerTokens, Requires, Scheme, SessionCookie
from ramekin.auth.admission import list_schemes
from ramekin.checks.network import is_loopback
from ramekin.checks.registry import check
from ramekin.sessions import MemoryStore, Sessions

if TYPE_CHECKING:
    from ramekin.sites import Site
    from ramekin.sockets.declaration import Messages

#: Fewest characters of 16 random bytes, as the densest usual text spells them out in hexadecimal digits.
_KEY_CHARACTERS = 32
#: Fewest different characters of them: that random digits have fewer happens once in 20,000 keys.
_KEY_VARIETY = 9
#: What stands in keys that somebody was to replace; too long to come about by chance.
_PLACEHOLDERS = ("secret", "password", "change", "insecure", "default", "example", "replace", "development")
_LONG_SESSION = timedelta(days=90)
_LONG_TOKEN = timedelta(days=30)


def is_weak(key: str) -> bool:
    """Tell whether a key is no random one, or too short a one; it is never repeated."""
    is_periodic = key in (key + key)[1:-1]
    has_word = any(word in key.lower() for word in _PLACEHOLDERS)
    return len(key) < _KEY_CHARACTERS or len(set(key)) < _KEY_VARIETY or is_periodic or has_word


@check(
    "RK111",
    "A secret key can be guessed",
    severity="error",
    deploy=True,
    why="Whoever finds it signs sessions and tokens for anybody.",
    fix="Make one with: python -c 'import secrets; print(secrets.token_urlsafe(32))'.",
)
def find_weak_keys(site: Site) -> Iterator[tuple[str, str]]:
    """Look for keys that are short, that repeat themselves, or that have words for what is to be replaced."""
    settings = site.settings
    if settings.secret_key is not None and is_weak(settings.secret_key):
        yield "settings.secret_key", "It is short, repeats itself, or was to be replaced."
    for number, key in enumerate(settings.secret_key_fallbacks):
        if is_weak(key):
            yield f"settings.secret_key_fallbacks.{number}", "It is short, repeats itself, or was to be replaced."


@check(
    "RK112",
    "A secret key was not replaced",
    severity="error",
    why="The old key still signs, so whoever has it still can.",
    fix="Put a new key in secret_key, and the one before it in secret_key_fallbacks.",
)
def find_kept_keys(site: Site) -> Iterable[tuple[str, str]]:
    """Look for the newest key among the older ones."""
    if site.settings.secret_key in site.settings.secret_key_fallbacks:
        yield "settings.secret_key_fallbacks", "secret_key is among them."


@check(
    "RK321",
    "Session cookies are sent over plain HTTP",
    severity="error",
    deploy=True,
    why="Anybody on the way reads them, and is then the user.",
    fix="Leave secure out of sessions(…): outside of this machine they are then sent over HTTPS only.",
)
def find_plain_cookies(site: Site) -> Iterator[tuple[str, str]]:
    """Look for sessions with ``secure=False``."""
    for sessions in _find_sessions(site):
        if sessions.cookie.secure is False:
            yield "sessions(secure=…)", "secure is off."


@check(
    "RK322",
    "Session cookies are sent to several hosts",
    severity="warning",
    why="Each host below the domain gets them, and can set others in their place.",
    fix="Leave domain out of sessions(…): the one host that set them then gets them.",
)
def find_wide_cookies(site: Site) -> Iterator[tuple[str, str]]:
    """Look for sessions with a domain."""
    for sessions in _find_sessions(site):
        if sessions.cookie.domain is not None:
            yield "sessions(domain=…)", f"domain is {sessions.cookie.domain}."


@check(
    "RK323",
    "Session cookies are sent with the requests of other sites",
    severity="warning",
    why="What keeps a forged request out is then the check of its origin alone.",
    fix='Leave same_site at "Lax", unless a page of another site is meant to use the API.',
)
def find_crossing_cookies(site: Site) -> Iterator[tuple[str, str]]:
    """Look for sessions with ``same_site="None"``."""
    for sessions in _find_sessions(site):
        if sessions.cookie.same_site == "None":
            yield "sessions(same_site=…)", 'same_site is "None".'


@check(
    "RK324",
    "A session lasts for months",
    severity="warning",
    why="A stolen cookie is good for as long, and in a cookie without a store nothing ends it earlier.",
    fix="Shorten max_age, or say idle, so that a session which is not used ends.",
)
def find_long_sessions(site: Site) -> Iterator[tuple[str, str]]:
    """Look for sessions that last long without being used."""
    for sessions in _find_sessions(site):
        unused = sessions.lifetime.idle or sessions.lifetime.max_age
        if unused > _LONG_SESSION:
            yield "sessions(max_age=…)", f"It lasts {unused.days} days without being used."


@check(
    "RK325",
    "Sessions are kept in the memory of one process",
    severity="error",
    deploy=True,
    why="Another worker does not know them, so users are logged out at random; all are gone after a restart.",
    fix="Take a SQLiteStore, another store that all workers share, or the cookie itself.",
)
def find_memory_stores(site: Site) -> Iterator[tuple[str, str]]:
    """Look for the store that is for tests and development."""
    for sessions in _find_sessions(site):
        if isinstance(sessions.store, MemoryStore):
            yield "sessions(store=…)", "It is a MemoryStore."


@check(
    "RK326",
    "A page without encryption may act for its readers",
    severity="error",
    deploy=True,
    why="Whoever sits between such a page and its reader can put a script into it, which then uses the session.",
    fix="Serve that page over HTTPS, and name its https origin in trusted_origins.",
)
def find_plain_trusted_origins(site: Site) -> Iterator[tuple[str, str]]:
    """Look for trusted origins over HTTP elsewhere than on this machine."""
    sockets = [("messages(trusted_origins=…)", one.trusted_origins) for one in _find_messages(site)]
    for where, trusted in [*_list_trusting(site), *sockets]:
        for origin in sorted(trusted):
            if origin.startswith("http://") and not is_loopback(origin):
                yield where, f"{origin} is trusted."


@check(
    "RK327",
    "A page may send its session and is refused when it changes something",
    severity="warning",
    why="cors.credentials lets it call, and unsafe requests with a session, a key in a cookie or a password are taken "
    "from the app's own and trusted origins alone.",
    fix="Name the origin in trusted_origins of the sessions or the scheme, too, or switch cors.credentials off.",
)
def find_refused_origins(site: Site) -> Iterator[tuple[str, str]]:
    """Compare the two lists of origins."""
    cors = site.settings.cors
    for where, trusted in _list_trusting(site):
        for origin in cors.origins if cors.credentials else ():
            if origin not in trusted:
                yield "settings.cors.origins", f"{origin} is in cors.origins, and not in {where}."


@check(
    "RK331",
    "A bearer token lasts for weeks",
    severity="warning",
    why="Whoever finds it in a log or a browser can use it for as long.",
    fix="Shorten max_age, and have clients ask for a new one.",
)
def find_long_tokens(site: Site) -> Iterator[tuple[str, str]]:
    """Look at the tokens that the app issues itself."""
    for scheme in _find_schemes(site):
        if isinstance(scheme, BearerTokens) and scheme.max_age > _LONG_TOKEN:
            yield f"the security scheme {scheme.name}", f"Its tokens last {scheme.max_age.days} days."


def _find_sessions(site: Site) -> list[Sessions]:
    """Return the sessions of a site, of which there is one declaration at most."""
    said = (one for operation in (*site.operations, *site.sockets) for one in operation.declarations)
    return list({id(one): one for one in said if isinstance(one, Sessions)}.values())


def _find_messages(site: Site) -> list[Messages]:
    from ramekin.sockets.declaration import Messages  # Whoever has no sockets does not load them.

    return [one for operation in site.sockets for one in operation.declarations if isinstance(one, Messages)]


def _list_trusting(site: Site) -> list[tuple[str, frozenset[str]]]:
    """Return whom the sessions, and the schemes whose credentials browsers send unasked, trust; each with its place."""
    schemes = [one for one in _find_schemes(site) if one.ambient and not isinstance(one, SessionCookie)]
    return [
        *(("sessions(trusted_origins=…)", one.trusted_origins) for one in _find_sessions(site)),
        *((f"{type(one).__name__}(trusted_origins=…)", one.trusted_origins) for one in schemes),
    ]


def _find_schemes(site: Site) -> list[Scheme]:
    said = (one for operation in (*site.operations, *site.sockets) for one in operation.declarations)
    requirements = [one.requirement for one in said if isinstance(one, Requires) and one.requirement is not None]
    found = (scheme for one in requirements for scheme in list_schemes(one.list_alternatives()))
    return list({id(scheme): scheme for scheme in found}.values())
