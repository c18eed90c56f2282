"""Credentials as a request carries them, and what is wrong with them.

Specification: RFC 9110 §11.4 and §11.6.2 (``Authorization``); RFC 6750 §2.1 and §3.1 (Bearer and its error codes).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal, TypeAlias

from ramekin.problems import BadRequest

if TYPE_CHECKING:
    from ramekin.requests import Request

ErrorCode: TypeAlias = Literal["invalid_request", "invalid_token", "insufficient_scope"]

#: The name of an authentication scheme after a comma, where a parameter would have "=": a second line, joined on.
_SECOND = re.compile(r",[ \t]*(?:$|([!#$%&'*+.^_`|~0-9A-Za-z-]+)[ \t]+[^=, \t])")
#: Authentication schemes whose credentials are one token68: with a comma they are malformed, unless a second line
#: follows, as the name of another scheme shows.
_WITHOUT_COMMA = frozenset({"basic", "bearer"})
#: Those that are registered (RFC 9110 §16.4.1), and a few that are not.
_KNOWN = frozenset({"apikey", "basic", "bearer", "concealed", "digest", "dpop", "gnap", "hoba", "mutual", "negotiate"})
_KNOWN |= {"ntlm", "oauth", "privatetoken", "scram-sha-1", "scram-sha-256", "token", "vapid"}


class BadCredentials(Exception):
    """Credentials were sent and are not accepted; answered by 401 with the challenges of the operation.

    Attributes:
        detail: What is wrong, for the client; never who exists.
        error: The error code of RFC 6750 §3.1.
    """

    def __init__(
        self, detail: str = "The credentials are not accepted.", *, error: ErrorCode = "invalid_token"
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.error = error


def read_authorization(request: Request, scheme: str) -> str | None:
    """Return the credentials that the ``Authorization`` field holds for an authentication scheme.

    Args:
        request: The request.
        scheme: The scheme's name, in lower case.

    Returns:
        What follows the scheme's name, perhaps empty; None where there is no such field, or one for another scheme.

    Raises:
        BadRequest: 400, there are several such fields. Servers join them by commas.
    """
    value = request.header("authorization")
    if not value:
        return None
    name, _, credentials = value.partition(" ")
    name = name.lower()
    if "," in value and _has_second(name, value):
        raise BadRequest("The request has more than one Authorization field.")
    return credentials.strip(" \t") if name == scheme else None


def _has_second(name: str, value: str) -> bool:
    """Tell whether a field with commas looks like several that a server has joined."""
    if name in _WITHOUT_COMMA:
        return any((found[1] or "").lower() in _KNOWN for found in _SECOND.finditer(value))
    return "," in name or _SECOND.search(value) is not None
