"""Passwords: kept as hashes that cost an attacker time and memory, by argon2id.

Comes with ``ramekin[passwords]``, and is the only module that knows argon2-cffi. A hash takes about a tenth of a second
and 64 MiB, on purpose; in async code it belongs in a thread: ``await asyncio.to_thread(verify_password, …)``.

Specification: RFC 9106 (Argon2), §4 for the parameters; NIST SP 800-63B §5.1.1.2 for Unicode and length.
"""

from __future__ import annotations

import unicodedata
from functools import cache
from typing import NamedTuple

from ramekin.errors import RamekinError

__all__ = ["PASSWORD_CHARACTERS", "PasswordCheck", "PasswordHasher", "hash_password", "verify_password"]

#: Longest password, in characters; the hash is of the same length whatever it is made of.
PASSWORD_CHARACTERS = 1_000
#: How the hashes of ``werkzeug.security`` begin, which apps bring along from Flask.
_OF_WERKZEUG = ("scrypt:", "pbkdf2:")


class PasswordCheck(NamedTuple):
    """What became of a check; true where the password is right.

    Attributes:
        is_valid: Whether the password is right.
        new_hash: The hash to keep from now on, where the old one was made with other parameters; otherwise None.
    """

    is_valid: bool
    new_hash: str | None = None

    def __bool__(self) -> bool:
        return self.is_valid


class PasswordHasher:
    """Hashes passwords with stated parameters; `hash_password` and `verify_password` use the defaults.

    Args:
        time_cost: How often the memory is gone through.
        memory_kib: How much memory one hash takes, in KiB.
        parallelism: How many threads it takes.

    Raises:
        RamekinError: ``ramekin[passwords]`` is not installed, or the parameters are none of argon2's.

    Example:
        >>> hasher = PasswordHasher(memory_kib=32_768)
        >>> bool(hasher.verify("wrong", hasher.hash("correct horse")))
        False
    """

    def __init__(self, *, time_cost: int = 3, memory_kib: int = 65_536, parallelism: int = 4) -> None:
        if not (time_cost >= 1 and parallelism >= 1 and memory_kib >= 8 * parallelism):
            raise RamekinError(
                "PasswordHasher takes a time_cost and a parallelism of at least 1, and 8 KiB for each thread "
                f"(RFC 9106 §3.1), not {time_cost}, {parallelism} and {memory_kib}."
            )
        try:
            import argon2
        except ImportError:
            raise RamekinError("Passwords are hashed by argon2-cffi: pip install 'ramekin[passwords]'.") from None
        self._argon2 = argon2.PasswordHasher(time_cost=time_cost, memory_cost=memory_kib, parallelism=parallelism)
        # A hash of no password, which takes as long to check as any other.
        self._dummy = f"$argon2id$v=19$m={memory_kib},t={time_cost},p={parallelism}${'A' * 22}${'A' * 43}"

    def hash(self, password: str) -> str:
        """Return the hash of a password, with its salt and parameters: what is kept of it.

        Raises:
            ValueError: It is longer than 1,000 characters, or no Unicode text.
        """
        if len(password) > PASSWORD_CHARACTERS:
            raise ValueError(f"A password may have at most {PASSWORD_CHARACTERS} characters.")
        return self._argon2.hash(_encode(password))

    def verify(self, password: str, known_hash: str | None) -> PasswordCheck:
        """Check a password against the hash that is kept.

        Args:
            password: What somebody says it is.
            known_hash: The hash, by argon2 or by ``werkzeug.security``; None where there is no such user, which takes
                as long as a wrong password for a hash of these parameters. One of others takes its own time besides,
                until it is renewed.

        Raises:
            ValueError: What is kept is no such hash.
        """
        if known_hash is None or len(password) > PASSWORD_CHARACTERS:
            self._matches(self._dummy, b"")
            return PasswordCheck(False)
        try:
            encoded = _encode(password)
        except ValueError:
            return self.verify("", None)
        if known_hash.startswith(_OF_WERKZEUG):
            from werkzeug.security import check_password_hash

            is_valid, is_old = check_password_hash(known_hash, password), True
        else:
            is_old, is_valid = self._is_old(known_hash), self._matches(known_hash, encoded)
        if is_old and not is_valid:
            # An older hash may have cost less than an unknown user does.
            self._matches(self._dummy, b"")
        return PasswordCheck(is_valid, self.hash(password) if is_valid and is_old else None)

    def _is_old(self, known_hash: str) -> bool:
        from argon2.exceptions import InvalidHashError

        try:
            return self._argon2.check_needs_rehash(known_hash)
        except InvalidHashError:
            raise ValueError("What is kept for this user is no hash of argon2 or werkzeug.security.") from None

    def _matches(self, known_hash: str, encoded: bytes) -> bool:
        from argon2.exceptions import VerificationError

        try:
            return self._argon2.verify(known_hash, encoded)
        except VerificationError:
            return False


def hash_password(password: str) -> str:
    """Return the hash of a password, with its salt and parameters: what is kept of it.

    Raises:
        ValueError: It is longer than 1,000 characters, or no Unicode text.
        RamekinError: ``ramekin[passwords]`` is not installed.
    """
    return _default().hash(password)


def verify_password(password: str, known_hash: str | None) -> PasswordCheck:
    """Check a password against the hash that is kept.

    Args:
        password: What somebody says it is.
        known_hash: The hash, by argon2 or by ``werkzeug.security``; None where there is no such user, which takes as
            long as a wrong password for a hash of today's parameters. One of others takes its own time besides, until
            it is renewed.

    Raises:
        ValueError: What is kept is no such hash.
        RamekinError: ``ramekin[passwords]`` is not installed.
    """
    return _default().verify(password, known_hash)


@cache
def _default() -> PasswordHasher:
    return PasswordHasher()


def _encode(password: str) -> bytes:
    """Return a password's bytes, the same for all the ways in which keyboards compose its characters."""
    return unicodedata.normalize("NFKC", password).encode()
