"""What the values of settings may be: types with the checks that a type alone leaves open.

Specification: RFC 3986 §3 (URIs) and §3.2.2 (hosts); RFC 9110 §5.6.2 (tokens); RFC 6454 §6.2 (origins as text);
RFC 2104 §3 (the length of keys).
"""

from __future__ import annotations

import re
import string
from typing import Annotated, TypeAlias

from marshmallow import ValidationError

_TOKEN = frozenset(string.ascii_letters + string.digits + "!#$%&'*+-.^_`|~")
_SCHEME = frozenset(string.ascii_letters + string.digits + "+-.")
_PATH = frozenset(string.ascii_letters + string.digits + "-._~!$&'()*+,;=:@/%")
_URI = _PATH | frozenset("?#[]")
_NAME = r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*"
_ADDRESS = r"\[[0-9a-f:.]+\]"
# These are compiled where they are used: most apps set none of it, and each would be felt in every import.
_HOST = rf"(?:\*\.)?{_NAME}|{_ADDRESS}"
_ORIGIN = rf"[a-z][a-z0-9+.-]*://(?:{_NAME}|{_ADDRESS})(?::[0-9]{{1,5}})?"
_BASE_URL = rf"https?://(?:{_NAME}|{_ADDRESS})(?::[0-9]{{1,5}})?(?:/[^?#]*)?"
#: The ports that a browser leaves out of an origin.
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}
_SILENCED = r"RK[0-9]{3}(?: [^\s:]+)?: *\S.*"
#: Fewest characters of a secret key; a good one has 32 random bytes.
KEY_CHARACTERS = 16
#: More proxies than this stand before no app; a larger number is a mistake.
_MOST_PROXIES = 20


def _check_header_name(value: str) -> None:
    if not value or not _TOKEN.issuperset(value):
        raise ValidationError("Must be the name of a header field, such as X-Request-ID.")


def _check_path(value: str) -> None:
    if not value.startswith("/") or value.startswith("//") or not _PATH.issuperset(value):
        raise ValidationError("Must be a path that begins with one '/', such as /docs.")


def _check_absolute_uri(value: str) -> None:
    scheme, colon, rest = value.partition(":")
    complete = bool(colon) and bool(rest.strip("/")) and scheme[:1].isalpha()
    if not complete or not _SCHEME.issuperset(scheme) or not _URI.issuperset(rest):
        raise ValidationError("Must be an absolute URI, such as https://example.com/problems/.")


def _fits(pattern: str, value: str) -> bool:
    """Tell whether a value has a form, and what stands in its brackets is an address."""
    if not re.fullmatch(pattern, value):
        return False
    address = value.partition("[")[2].partition("]")[0]
    if address:
        from ipaddress import IPv6Address

        try:
            IPv6Address(address)
        except ValueError:
            return False
    return True


def _check_base_url(value: str) -> None:
    if not _fits(_BASE_URL, value) or not _URI.issuperset(value):
        raise ValidationError(
            "Must be a URL, its host in lower case, without query or fragment, such as https://api.example.com."
        )


def _check_host(value: str) -> None:
    if value == "*":
        raise ValidationError("'*' would trust every host; leave trusted_hosts empty to say so.")
    if not _fits(_HOST, value):
        raise ValidationError(
            "Must be a host in lower case, without scheme or port, such as api.example.com, *.example.com or [::1]."
        )


def _check_origin(value: str) -> None:
    if value == "null":
        raise ValidationError("'null' is the origin of every sandboxed page and file; it is never trusted.")
    if value != "*" and not _fits(_ORIGIN, value):
        raise ValidationError(
            "Must be an origin as browsers send it: scheme, host and port in lower case, such as https://example.com."
        )
    scheme, _, rest = value.partition("://")
    if rest.endswith(_DEFAULT_PORTS.get(scheme, " ")):
        raise ValidationError(f"Browsers leave out the port that is the default of {scheme}; so has the origin to.")


def check_secret_key(value: str) -> None:
    """Refuse a key that is too short to be random; the message does not repeat it.

    Raises:
        ValidationError: It is.
    """
    if len(value) < KEY_CHARACTERS:
        raise ValidationError(
            f"Must have at least {KEY_CHARACTERS} random characters; "
            'python -c "import secrets; print(secrets.token_urlsafe(32))" makes a good one.'
        )


def _check_proxies(value: int) -> None:
    if not 0 <= value <= _MOST_PROXIES:
        raise ValidationError(f"Must be a number of proxies from 0 to {_MOST_PROXIES}.")


def _check_silenced(value: str) -> None:
    if not re.fullmatch(_SILENCED, value):
        raise ValidationError(
            "Must be the id of a check, perhaps a space and the operation, a colon and the reason, "
            "such as 'RK204 getBooks: There are never more than ten.'"
        )


# What a type leaves open stands beside it: the derived schema takes these as its validators.
HeaderName: TypeAlias = Annotated[str, _check_header_name]
AbsolutePath: TypeAlias = Annotated[str, _check_path]
AbsoluteURI: TypeAlias = Annotated[str, _check_absolute_uri]
BaseURL: TypeAlias = Annotated[str, _check_base_url]
HostPattern: TypeAlias = Annotated[str, _check_host]
Origin: TypeAlias = Annotated[str, _check_origin]
ProxyCount: TypeAlias = Annotated[int, _check_proxies]
SecretKey: TypeAlias = Annotated[str, check_secret_key]
SilencedCheck: TypeAlias = Annotated[str, _check_silenced]
