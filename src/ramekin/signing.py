"""Signing: tokens, values and links that come back from outside unchanged, or are refused.

What is signed can be read by everybody and changed by nobody who lacks the key. Each signature belongs to one purpose
and one form, so that a token made to reset a password is no token for anything else, and ends after ``max_age``. The
newest key signs; older ones are read, so that a key can be replaced while what it signed is still out there.

    BadToken                any text that is not accepted
    ├── MalformedToken      it has not the form of one
    ├── BadSignature        none of the keys has signed it for this purpose
    └── ExpiredToken        one has, but too long ago

The only module that knows itsdangerous.

Specification: RFC 2104 (HMAC) with SHA-256 (FIPS 180-4); RFC 4648 §5 (base64url) and §3.5, by which one text alone
stands for a signature.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from hmac import compare_digest
from hmac import digest as hmac_digest
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol, TypeAlias

import itsdangerous
from itsdangerous.encoding import base64_decode, base64_encode, bytes_to_int, int_to_bytes
from itsdangerous.signer import SigningAlgorithm
from marshmallow import ValidationError

from ramekin import json
from ramekin.errors import SettingsError
from ramekin.limits import Limits
from ramekin.settings.values import check_secret_key

if TYPE_CHECKING:
    from typing import Self

    from ramekin.settings import Settings

__all__ = ["BadSignature", "BadToken", "Clock", "ExpiredToken", "LinkRequest", "MalformedToken", "Signed", "Signer"]

#: Returns the time in seconds since 1970, as `time.time` does.
Clock: TypeAlias = Callable[[], float]

#: How far the clocks of two servers may be apart, in seconds.
_CLOCK_SKEW = 60
#: What was signed here is bounded by what carries it: a header field, a cookie, a body.
_UNLIMITED = Limits().changed(json_nodes=2**31, json_depth=512, number_digits=100_000)
#: A path with or without a query, in the characters that either is sent in (RFC 3986 §3.3 and §3.4).
_PATH = re.compile(r"/(?!/)[A-Za-z0-9._~!$&'()*+,;=:@/?%\[\]-]*")
_EXPIRES, _SIGNATURE = "expires=", "signature="


class BadToken(Exception):
    """A text is not accepted; it is not known to come from this app."""


class MalformedToken(BadToken):
    """A text has not the form of what is signed."""


class BadSignature(BadToken):
    """None of the keys has signed a text for this purpose: it was changed, or signed by a key that is gone."""


class ExpiredToken(BadToken):
    """A text was signed too long ago.

    Attributes:
        value: What was signed; known to be genuine, and not to be acted upon.
        expired_at: When it ended.
    """

    def __init__(self, value: Any, expired_at: datetime) -> None:
        super().__init__(f"It has expired at {expired_at.isoformat()}.")
        self.value = value
        self.expired_at = expired_at

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.value, self.expired_at)


class Signed(NamedTuple):
    """What was signed, and when."""

    value: Any
    signed_at: datetime


class LinkRequest(Protocol):
    """The parts of a request that a signed link covers; a `ramekin.Request` has them."""

    @property
    def script_name(self) -> str:
        """The decoded prefix that the app is mounted under."""

    @property
    def path(self) -> str:
        """The decoded path below it."""

    @property
    def query_string(self) -> str:
        """The query as it was sent."""


class Signer:
    """Signs tokens, values and links for one purpose.

    Args:
        secret_key: The key that signs: 32 random bytes as text, 16 characters at least.
        purpose: What it signs for, such as ``password-reset``; what one purpose has signed no other one reads.
        max_age: How long a signature is accepted.
        fallbacks: Older keys, which are read and never sign.
        clock: Tells the time; for tests.

    Raises:
        SettingsError: A key is missing or too short, the purpose is empty, or ``max_age`` is less than a second.

    Example:
        >>> signer = Signer("correct horse battery staple", "password-reset", max_age=timedelta(hours=1))
        >>> signer.load(signer.dump({"user": 7}))
        {'user': 7}
    """

    #: Who signs; no purpose of the one is any of the other.
    _owner: ClassVar[str] = "ramekin"

    def __init__(
        self,
        secret_key: str,
        purpose: str,
        *,
        max_age: timedelta,
        fallbacks: Iterable[str] = (),
        clock: Clock = time.time,
    ) -> None:
        if not isinstance(purpose, str) or not purpose:
            raise SettingsError(f"A Signer needs a purpose, such as 'password-reset', not {purpose!r}.")
        if not isinstance(max_age, timedelta) or max_age < timedelta(seconds=1):
            raise SettingsError(f"Signer {purpose!r}: max_age is a timedelta of a second or more, not {max_age!r}.")
        if isinstance(fallbacks, str):
            raise SettingsError(f"Signer {purpose!r}: fallbacks are several keys, not one text.")
        # itsdangerous signs with the last key and reads with all.
        keys = [_check_key(key, purpose) for key in (*reversed(tuple(fallbacks)), secret_key)]
        self.purpose = purpose
        self.max_age = max_age
        self._clock = clock
        self._max_age_seconds = int(max_age.total_seconds())
        self._tokens = _Signature(keys, f"{self._owner}.token:{purpose}")
        self._values = _Signature(keys, f"{self._owner}.value:{purpose}")
        self._links = _Signature(keys, f"{self._owner}.link:{purpose}")

    @classmethod
    def of(cls, settings: Settings, purpose: str, *, max_age: timedelta, clock: Clock = time.time) -> Self:
        """Return a signer with the keys of an app's settings.

        Raises:
            SettingsError: They have no ``secret_key``.
        """
        if settings.secret_key is None:
            raise SettingsError(
                f"Settings.secret_key is not set; it signs for {purpose!r}. "
                'python -c "import secrets; print(secrets.token_urlsafe(32))" makes one.'
            )
        return cls(settings.secret_key, purpose, max_age=max_age, fallbacks=settings.secret_key_fallbacks, clock=clock)

    # -- Tokens: a JSON value, in letters that go into a URL, a header field or a cookie -------------------------------

    def dump(self, value: Any) -> str:
        """Return a token that carries a JSON value; whoever has it can read it.

        Raises:
            EncodeError: No JSON can carry the value.
        """
        return self._sign(self._tokens, base64_encode(json.encode(value)))

    def load(self, token: str) -> Any:
        """Return the value of a token.

        Raises:
            MalformedToken: The text has not the form of a token.
            BadSignature: None of the keys has signed it for this purpose.
            ExpiredToken: It was signed longer ago than ``max_age``.
        """
        return self.read(token).value

    def read(self, token: str) -> Signed:
        """Return the value of a token, and when it was signed; raises as `load` does."""
        content, seconds = self._open(self._tokens, token)
        try:
            value = json.decode(base64_decode(content), _UNLIMITED)
        except (itsdangerous.BadData, json.JSONError):
            raise MalformedToken("It carries no JSON.") from None
        return self._judge_age(value, seconds)

    # -- Values: a text that stays readable ----------------------------------------------------------------------------

    def sign(self, text: str) -> str:
        """Return a text with its time and signature behind it: ``text.time.signature``."""
        return self._sign(self._values, text.encode())

    def unsign(self, signed: str) -> str:
        """Return the text without time and signature; raises as `load` does."""
        content, seconds = self._open(self._values, signed)
        text: str = self._judge_age(content.decode(), seconds).value
        return text

    # -- Links: a path whose query says when it ends, and is signed ----------------------------------------------------

    def sign_link(self, path: str) -> str:
        """Return a path with ``expires`` and ``signature`` at the end of its query.

        Whoever has the link can use it until then, whatever ``max_age`` has become.

        Args:
            path: A path with or without a query, as ``url_for`` makes it; never a host.

        Raises:
            ValueError: It is no path, or has characters that have to be percent-coded.
        """
        if not _PATH.fullmatch(path):
            raise ValueError(f"A signed link is a path that begins with one '/' and is percent-coded, not {path!r}.")
        target, _, query = path.partition("?")
        expires = f"{_EXPIRES}{int(self._clock()) + self._max_age_seconds}"
        query = f"{query}&{expires}" if query else expires
        signature = self._links.get_signature(_link_bytes(_unquote(target), query)).decode()
        return f"{target}?{query}&{_SIGNATURE}{signature}"

    def check_link(self, link: str | LinkRequest) -> None:
        """Refuse a link that was not signed for this purpose, or has ended.

        The decoded path and the query as it was sent are what counts: parameters added, changed or in another order are
        refused.

        Args:
            link: The request, or the path with its query.

        Raises:
            MalformedToken: It has no ``expires`` and ``signature`` at the end of its query.
            BadSignature: None of the keys has signed it for this purpose.
            ExpiredToken: It has ended; ``value`` is the decoded path.
        """
        if isinstance(link, str):
            target, _, query = link.partition("?")
            path = _unquote(target)
        else:
            path, query = link.script_name + link.path, link.query_string
        signed, found, signature = query.rpartition(f"&{_SIGNATURE}")
        last = signed.rpartition("&")[2]
        digits = last.removeprefix(_EXPIRES)
        if not found or last == digits or not (digits.isascii() and digits.isdecimal() and len(digits) <= 12):
            raise MalformedToken("The link has no expires and signature at the end of its query.")
        if not self._links.verify_signature(_link_bytes(path, signed), signature.encode(errors="replace")):
            raise BadSignature("No key has signed this link for this purpose.")
        if self._clock() >= int(digits):
            raise ExpiredToken(path, datetime.fromtimestamp(int(digits), UTC))

    # -- What they share -----------------------------------------------------------------------------------------------

    def _sign(self, signature: _Signature, content: bytes) -> str:
        stamped = b".".join((content, base64_encode(int_to_bytes(int(self._clock())))))
        return b".".join((stamped, signature.get_signature(stamped))).decode()

    def _open(self, signature: _Signature, text: str) -> tuple[bytes, int]:
        """Return what was signed, and when, in seconds since 1970."""
        try:
            signed = text.encode()
        except UnicodeEncodeError:
            raise MalformedToken("It holds what is no Unicode text.") from None
        parts = signed.rsplit(b".", 2)
        if len(parts) != 3:
            raise MalformedToken("It has no time and signature.")
        content, stamp, given = parts
        if not signature.verify_signature(signed[: -len(given) - 1], given):
            raise BadSignature("No key has signed it for this purpose.")
        # What is signed was made here; `_sign` wrote it in this form.
        return content, bytes_to_int(base64_decode(stamp))

    def _judge_age(self, value: Any, seconds: int) -> Signed:
        ends = seconds + self._max_age_seconds
        now = self._clock()
        if now >= ends:
            raise ExpiredToken(value, datetime.fromtimestamp(ends, UTC))
        if seconds > now + _CLOCK_SKEW:
            raise BadSignature("It was signed at a time that is yet to come.")
        return Signed(value, datetime.fromtimestamp(seconds, UTC))

    def __repr__(self) -> str:
        return f"<Signer for {self.purpose!r}, {self.max_age}>"


class OwnSigner(Signer):
    """Signs what features of Ramekin make for themselves, such as session cookies.

    Whatever purpose an app states, what it signs is none of these.
    """

    _owner = "ramekin.own"


class _Signature(itsdangerous.Signer):
    """The signature of one purpose and form: HMAC-SHA-256 under a key derived from the secret key by the same."""

    def __init__(self, keys: list[str], salt: str) -> None:
        super().__init__(keys, salt, key_derivation="hmac", digest_method=sha256, algorithm=_HMACSHA256())
        self._derived = [super(_Signature, self).derive_key(key) for key in self.secret_keys]

    def derive_key(self, secret_key: str | bytes | None = None) -> bytes:
        """Return the derived key that signs, derived once."""
        return self._derived[-1]

    def verify_signature(self, value: bytes, sig: bytes) -> bool:  # type: ignore[override]  # text is encoded before
        """Tell whether one of the keys has made a signature.

        Texts are compared, not what they decode to: of several spellings of one signature, with other padding or other
        unused bits, one alone is right.
        """
        made = (base64_encode(self.algorithm.get_signature(key, value)) for key in reversed(self._derived))
        return any(compare_digest(sig, one) for one in made)


class _HMACSHA256(SigningAlgorithm):
    def get_signature(self, key: bytes, value: bytes) -> bytes:
        return hmac_digest(key, value, "sha256")


def _check_key(key: object, purpose: str) -> str:
    if not isinstance(key, str):
        raise SettingsError(f"Signer {purpose!r}: a key is text, not {type(key).__name__}.")
    try:
        check_secret_key(key)
    except ValidationError as error:
        raise SettingsError(f"Signer {purpose!r}: a key is refused. {error.messages[0]}") from None
    return key


def _link_bytes(path: str, query: str) -> bytes:
    # The decoded path may hold any character, so its length keeps the two apart.
    return f"{len(path)}:{path}?{query}".encode(errors="surrogatepass")


def _unquote(path: str) -> str:
    from urllib.parse import unquote

    return unquote(path, errors="replace")
