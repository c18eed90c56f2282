"""Sets of public keys (JWKS) from a file or a URL, kept and renewed.

Specification: RFC 7517 §5; RFC 8725 §3.1 and §3.2 for which key goes with which algorithm.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import urlsplit

from ramekin import json
from ramekin.errors import DeclarationError
from ramekin.limits import Limits
from ramekin.problems import ServiceUnavailable

if TYPE_CHECKING:
    from jwt import PyJWK

    from ramekin.signing import Clock

_LOGGER = logging.getLogger("ramekin.auth")

Fetch: TypeAlias = Callable[[str], bytes]

#: The least that an RSA key has.
RSA_BITS = 2048
_TIMEOUT_SECONDS = 5
_MOST_BYTES = 1_000_000


class KeySet:
    """The public keys of an issuer, by their ids, from a JWKS file or URL.

    It is read at its first use and again once it is older than ``max_age``. A key id that is not in it has it read at
    once, for the issuer may have a new key, though not twice within ``min_interval``: whoever sends made-up ids cannot
    have more. Where reading fails, the keys of the last time are used, and a warning is logged.

    Args:
        source: A path, or a URL with ``https``, or ``http`` on this machine.
        max_age: After which time it is read again.
        min_interval: The least time between two readings.
        fetch: Gets the content of a URL; for tests.
        clock: Tells the time; for tests.

    Raises:
        DeclarationError: The URL is of another kind.

    Example:
        >>> keys = KeySet("https://login.example/.well-known/jwks.json")
    """

    def __init__(
        self,
        source: str | Path,
        *,
        max_age: timedelta = timedelta(hours=1),
        min_interval: timedelta = timedelta(minutes=1),
        fetch: Fetch | None = None,
        clock: Clock = time.monotonic,
    ) -> None:
        self.source = source
        self.is_remote = isinstance(source, str) and "://" in source
        if self.is_remote:
            _check_url(str(source))
        self._max_age = max_age.total_seconds()
        self._min_interval = min_interval.total_seconds()
        self._fetch = fetch or _fetch
        self._clock = clock
        self._keys: Mapping[str | None, PyJWK] | None = None
        self._tried_at = -float("inf")
        #: Held while it is read; whoever has keys does not wait for that.
        self._reading = Lock()

    def find(self, key_id: str | None) -> PyJWK | None:
        """Return the key of this id, or the only key there is where a token names none; None where there is none.

        Raises:
            ServiceUnavailable: 503, the keys were never read, and cannot be.
        """
        keys = self._keys
        age = self._clock() - self._tried_at
        if keys is None or age >= self._max_age or (key_id not in keys and age >= self._min_interval):
            keys = self._renew(keys, self._tried_at)
        if key_id is None:
            return next(iter(keys.values())) if len(keys) == 1 else None
        return keys.get(key_id)

    def _renew(self, keys: Mapping[str | None, PyJWK] | None, seen: float) -> Mapping[str | None, PyJWK]:
        if not self._reading.acquire(blocking=keys is None):
            return keys or {}  # Somebody else is at it.
        try:
            if self._keys is keys and (keys is None or self._tried_at == seen):  # Nobody was faster.
                self._read()
        finally:
            self._reading.release()
        if self._keys is None:
            raise ServiceUnavailable(headers={"Retry-After": str(int(self._min_interval) or 1)})
        return self._keys

    def _read(self) -> None:
        if self._keys is None and self._clock() - self._tried_at < self._min_interval:
            return
        self._tried_at = self._clock()
        try:
            content = self._fetch(str(self.source)) if self.is_remote else Path(self.source).read_bytes()
            self._keys = parse_keys(content)
        except Exception as error:  # A network, a file and a server each have errors of their own.
            _LOGGER.warning("The keys at %s cannot be read: %s", self.source, error)


def parse_keys(content: bytes) -> Mapping[str | None, PyJWK]:
    """Return the public keys of a JWKS that sign, by their ids.

    Those of an unknown kind are left out (RFC 7517 §5), and so are weak ones and those for other uses.

    Raises:
        ValueError: It is no JWKS, or has no such key.
    """
    from jwt import PyJWK, PyJWTError

    try:
        listed = json.decode(content, Limits())["keys"]
    except (json.JSONError, KeyError, TypeError):
        raise ValueError("This is no JSON Web Key Set.") from None
    keys: dict[str | None, PyJWK] = {}
    for given in listed if isinstance(listed, list) else ():
        # A symmetric key in a public set would let everybody sign.
        if not isinstance(given, dict) or given.get("kty") == "oct" or not _is_for_signatures(given):
            continue
        try:
            key = PyJWK(given)
        except PyJWTError:
            continue
        if not is_weak(key.key):
            keys[key.key_id] = key
    if not keys:
        raise ValueError("The JSON Web Key Set has no public key that signs.")
    return keys


def _is_for_signatures(given: Mapping[str, Any]) -> bool:
    """Tell whether a key checks signatures by what it says of its use (RFC 7517 §4.2 and §4.3)."""
    operations = given.get("key_ops", ["verify"])
    return given.get("use", "sig") == "sig" and isinstance(operations, list) and "verify" in operations


def is_weak(key: object) -> bool:
    """Tell whether a key is one of RSA that is too short to be relied upon (RFC 7518 §3.3)."""
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

    return isinstance(key, RSAPublicKey | RSAPrivateKey) and key.key_size < RSA_BITS


def fits(key: PyJWK, algorithm: str) -> bool:
    """Tell whether a key may be used with an algorithm: the one that it states, or one of its kind."""
    stated: Any = key._jwk_data.get("alg")
    if stated is not None:
        return bool(stated == algorithm)
    return key.algorithm_name == algorithm or (key.key_type == "RSA" and algorithm[:2] in ("RS", "PS"))


def _check_url(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme == "https" and parts.hostname:
        return
    if parts.scheme != "http" or not _is_local(parts.hostname or ""):
        raise DeclarationError(f"KeySet takes a URL with https, or with http on this machine, not {url!r}.")


def _is_local(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _fetch(url: str) -> bytes:
    from urllib.request import HTTPRedirectHandler, build_opener

    class NoRedirect(HTTPRedirectHandler):
        def redirect_request(self, *_: Any) -> None:  # It could lead away from what was checked.
            return None

    with build_opener(NoRedirect).open(url, timeout=_TIMEOUT_SECONDS) as response:
        content: bytes = response.read(_MOST_BYTES + 1)
    if len(content) > _MOST_BYTES:
        raise ValueError(f"It is longer than {_MOST_BYTES} bytes.")
    return content
