"""API keys: long-lived secrets of programs, stored as hashes.

A key is 32 random bytes, so one round of SHA-256 hides it; a password would need more. Its hash is what is looked up,
so how long that takes says nothing of the key.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Mapping
from hashlib import sha256
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias
from urllib.parse import parse_qsl

from ramekin.auth.arguments import pass_request, then
from ramekin.auth.credentials import BadCredentials
from ramekin.auth.principals import Principal
from ramekin.auth.schemes import Scheme
from ramekin.coroutines import is_async
from ramekin.errors import DeclarationError
from ramekin.origins import check_origins
from ramekin.problems import BadRequest
from ramekin.responses import InvalidHeader, check_header_name

if TYPE_CHECKING:
    from ramekin.auth.schemes import Found
    from ramekin.requests import Request

FindKey: TypeAlias = "Callable[[str], Found] | Callable[[str, Request], Found]"

_KEY_CHARACTERS = 512


class NewKey(NamedTuple):
    """A key for its owner, and the hash to store: the key itself is nowhere else."""

    key: str
    hash: str


def generate_key(prefix: str = "key") -> NewKey:
    """Return a new random key and its hash.

    Args:
        prefix: What it begins with, so that a key that leaked is recognized by people and scanners.
    """
    key = f"{prefix}_{secrets.token_urlsafe(32)}"
    return NewKey(key, hash_key(key))


def hash_key(key: str) -> str:
    """Return what is stored of a key: its SHA-256 in hexadecimal digits."""
    return sha256(key.encode()).hexdigest()


class APIKeys(Scheme):
    """Keys of programs, in one place of the request.

    Answers vary with the field that the key is in, and are marked so that no shared cache keeps them.

    Args:
        find: Takes the hash of a key, as `hash_key` makes it, and the ``request`` if it likes, and returns its
            `Principal`, or None where there is no such key; may be ``async def``. Or a mapping of both.
        header: The header field that holds the key; ``X-API-Key`` where no place is given.
        query: The query parameter that holds it. Queries are written down by proxies and browsers; prefer a header.
        cookie: The cookie that holds it. Browsers send it unasked, so unsafe requests that carry it from another origin
            are refused.
        trusted_origins: Other origins, such as ``https://app.example``, whose pages may send unsafe requests with the
            cookie.
        name: Its name in the document.
        realm: The realm of its challenge.
        description: What the document says of it.

    Raises:
        DeclarationError: Several places are given, a name that cannot be there, or trusted origins without a cookie.

    Example:
        >>> keys = APIKeys(find_key, header="X-API-Key")
    """

    default_name = "keys"
    challenge_name = "ApiKey"

    def __init__(
        self,
        find: FindKey | Mapping[str, Principal[Any]],
        *,
        header: str | None = None,
        query: str | None = None,
        cookie: str | None = None,
        trusted_origins: Iterable[str] = (),
        name: str | None = None,
        realm: str = "api",
        description: str = "",
    ) -> None:
        super().__init__(name=name, realm=realm, description=description)
        given = {"header": header, "query": query, "cookie": cookie}
        places = {place: key for place, key in given.items() if key is not None} or {"header": "X-API-Key"}
        if len(places) > 1:
            raise DeclarationError(f"APIKeys takes one place, not {' and '.join(places)}.")
        self._place, self._key_name = next(iter(places.items()))
        self.blocking = not isinstance(find, Mapping) and not is_async(find)
        self._find = pass_request(find.get if isinstance(find, Mapping) else find)
        _check_name(self._place, self._key_name)
        self.varies = {"header": (self._key_name,), "query": (), "cookie": ("Cookie",)}[self._place]
        self.trusted_origins = check_origins(trusted_origins, "APIKeys(trusted_origins=…)")
        self.ambient = self._place == "cookie"
        if self.trusted_origins and not self.ambient:
            raise DeclarationError("APIKeys(trusted_origins=…) goes with cookie=…; pages send no other key unasked.")
        self._read = {"header": _read_header, "query": _read_query, "cookie": _read_cookie}[self._place]

    def authenticate(self, request: Request) -> Found:
        """Return whose key a request has."""
        key = self._read(request, self._key_name)
        if key is None:
            return None
        if not key or len(key) > _KEY_CHARACTERS or not key.isascii():
            raise BadCredentials("The key is malformed.", error="invalid_request")
        found = self._find(request, hash_key(key))
        return found if type(found) is Principal else then(found, _refuse_nobody)

    def is_carried(self, request: Request) -> bool:
        """Tell whether a request carries a key, or several."""
        return self._place != "cookie" or bool(_list_cookies(request, self._key_name))

    def document(self) -> Mapping[str, Any]:
        """Return the security scheme object."""
        return {"type": "apiKey", "in": self._place, "name": self._key_name}


def _check_name(place: str, name: str) -> None:
    try:
        check_header_name(name)
    except InvalidHeader:
        raise DeclarationError(f"APIKeys({place}=…) is the name of a {place} field, not {name!r}.") from None
    if place == "header" and name.lower() in ("authorization", "cookie"):
        raise DeclarationError(f"APIKeys(header={name!r}): that field belongs to other schemes; choose another name.")


def _read_header(request: Request, name: str) -> str | None:
    return request.header(name.lower())


def _read_query(request: Request, name: str) -> str | None:
    try:
        pairs = parse_qsl(
            request.query_string, keep_blank_values=True, errors="strict", max_num_fields=request.limits.query_fields
        )
    except ValueError:
        return None  # What is no query at all is refused by whoever reads it.
    return _read_one([value for key, value in pairs if key == name], name)


def _read_cookie(request: Request, name: str) -> str | None:
    return _read_one(_list_cookies(request, name), name)


def _list_cookies(request: Request, name: str) -> list[str]:
    pairs = (pair.strip(" \t").partition("=") for pair in (request.header("cookie") or "").split(";"))
    return [value for key, _, value in pairs if key == name]


def _read_one(found: list[str], name: str) -> str | None:
    if len(found) > 1:
        raise BadRequest(f"The request has {name} more than once.")
    return found[0] if found else None


def _refuse_nobody(found: Principal[Any] | None) -> Principal[Any]:
    if found is None:
        raise BadCredentials("There is no such key, or it is not valid any more.")
    return found
