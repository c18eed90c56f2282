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

#: The name of an authentication scheme after a comma, where a parameter would have "=": a second line, joined on. An
#: empty line leaves nothing there.
_SECOND = re.compile(r",[ \t]*(?:$|([!#$%&'*+.^_`|~0-9A-Za-z-]+)[ \t]+[^=, \t])")
#: The name alone, whose line has no credentials.
_BARE = re.compile(r",[ \t]*[!#$%&'*+.^_`|~0-9A-Za-z-]+[ \t]*(?:$|,)")
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
#: Authentication schemes whose credentials are one token68, which has no comma: with one, another line follows.
_WITHOUT_COMMA = frozenset({"basic", "bearer"})


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
    return (
        name in _WITHOUT_COMMA
        or "," in name
        or _SECOND.search(value) is not None
        or _BARE.search(_QUOTED.sub("", value)) is not None
    )
