"""Hashes of passwords: made, checked, renewed; mostly with parameters that cost little."""

from __future__ import annotations

import sys
import time

import argon2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from werkzeug.security import generate_password_hash

from ramekin.errors import RamekinError
from ramekin.passwords import PASSWORD_CHARACTERS, PasswordHasher, hash_password, verify_password

HASHER = PasswordHasher(time_cost=1, memory_kib=8, parallelism=1)


def test_the_defaults() -> None:
    """Argon2id with the parameters of RFC 9106 for little memory, a salt of 16 bytes each time."""
    first, second = hash_password("correct horse"), hash_password("correct horse")
    assert first.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert first != second
    assert argon2.extract_parameters(first).salt_len == 16
    assert (verify_password("correct horse", first), bool(verify_password("wrong", first))) == ((True, None), False)


@settings(max_examples=50)
@given(st.text(max_size=40), st.text(max_size=40))
def test_the_right_password_alone_is_right(password: str, other: str) -> None:
    """Any text is a password, an empty one too; every other one is wrong, but for how it is composed."""
    import unicodedata

    known = HASHER.hash(password)
    is_same = unicodedata.normalize("NFKC", password) == unicodedata.normalize("NFKC", other)
    assert (HASHER.verify(password, known), bool(HASHER.verify(other, known))) == ((True, None), is_same)


def test_keyboards_compose_characters_in_their_own_ways() -> None:
    """An é is an é, whether it comes as one character or as two."""
    assert HASHER.verify("cafe\u0301", HASHER.hash("caf\u00e9"))


def test_other_parameters_ask_for_a_new_hash() -> None:
    """A right password is hashed anew where the parameters have changed; a wrong one is not."""
    stronger = PasswordHasher(time_cost=2, memory_kib=8, parallelism=1)
    known = HASHER.hash("correct horse")
    is_valid, new_hash = stronger.verify("correct horse", known)
    assert is_valid
    assert new_hash is not None
    assert stronger.verify("correct horse", new_hash) == (True, None)
    assert stronger.verify("wrong", known) == (False, None)


@pytest.mark.parametrize("method", ["scrypt", "pbkdf2:sha256:1"])
def test_hashes_of_werkzeug_move_over(method: str) -> None:
    """What an app brings along from Flask is checked, and asks for a new hash."""
    known = generate_password_hash("correct horse", method)
    is_valid, new_hash = HASHER.verify("correct horse", known)
    assert (is_valid, HASHER.verify("correct horse", new_hash)) == (True, (True, None))
    assert HASHER.verify("wrong", known) == (False, None)


class Counting:
    """The hasher of argon2-cffi, noting what is checked."""

    def __init__(self, inner: argon2.PasswordHasher) -> None:
        self.inner = inner
        self.checked: list[argon2.Parameters] = []

    def verify(self, known: str, password: bytes) -> bool:
        self.checked.append(argon2.extract_parameters(known))
        return self.inner.verify(known, password)


@pytest.mark.parametrize(
    ("password", "known"),
    [("anything", None), ("", None), ("x" * (PASSWORD_CHARACTERS + 1), HASHER.hash("x")), ("\udcff", HASHER.hash("x"))],
    ids=["unknown user", "unknown user, empty", "too long", "no Unicode"],
)
def test_what_cannot_be_right_costs_as_much(password: str, known: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """An unknown user is checked against a hash of no password, so that the time says nothing of who there is."""
    counting = Counting(HASHER._argon2)
    monkeypatch.setattr(HASHER, "_argon2", counting)
    assert HASHER.verify(password, known) == (False, None)
    assert counting.checked == [argon2.extract_parameters(counting.inner.hash("x"))]


@pytest.mark.parametrize("password", ["right", "wrong"])
@pytest.mark.parametrize("kind", ["argon2", "scrypt", "pbkdf2:sha256:1"])
def test_an_older_hash_costs_no_less(kind: str, password: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hash that was cheap to make does not answer sooner than an unknown user: today's work is done besides."""
    today = PasswordHasher(time_cost=2, memory_kib=8, parallelism=1)
    known = HASHER.hash("right") if kind == "argon2" else generate_password_hash("right", kind)
    work = Working(today._argon2)
    monkeypatch.setattr(today, "_argon2", work)
    assert bool(today.verify(password, known)) is (password == "right")
    assert 2 in work.costs


class Working:
    """The hasher of argon2-cffi, noting the time costs of what it makes and checks."""

    def __init__(self, inner: argon2.PasswordHasher) -> None:
        self.inner = inner
        self.costs: list[int] = []
        self.check_needs_rehash = inner.check_needs_rehash

    def verify(self, known: str, password: bytes) -> bool:
        self.costs.append(argon2.extract_parameters(known).time_cost)
        return self.inner.verify(known, password)

    def hash(self, password: bytes) -> str:
        self.costs.append(self.inner.time_cost)
        return self.inner.hash(password)


def test_the_dummy_takes_the_same_time() -> None:
    """With the default parameters an unknown user takes about as long as a wrong password."""
    known = hash_password("correct horse")

    def measure(known: str | None) -> float:
        times = []
        for _ in range(3):
            began = time.perf_counter()
            verify_password("wrong", known)
            times.append(time.perf_counter() - began)
        return min(times)

    assert 0.3 < measure(None) / measure(known) < 3


@pytest.mark.parametrize("password", ["x" * (PASSWORD_CHARACTERS + 1), "\udcff"], ids=["too long", "no Unicode"])
def test_what_is_no_password_is_not_hashed(password: str) -> None:
    """The length is looked at before any work."""
    with pytest.raises(ValueError, match=r"at most 1000 characters|surrogates"):
        HASHER.hash(password)
    assert HASHER.hash("x" * PASSWORD_CHARACTERS)


@pytest.mark.parametrize("known", ["", "plain text", "$argon2id$v=19$", "$2b$12$" + "x" * 53])
def test_what_is_kept_has_to_be_a_hash(known: str) -> None:
    """A password in plain text, or a hash of others, is a mistake that is named, and not repeated."""
    with pytest.raises(ValueError, match="no hash of argon2 or") as caught:
        HASHER.verify("plain text", known)
    assert "plain" not in str(caught.value)


@pytest.mark.parametrize("parameters", [{"time_cost": 0}, {"parallelism": 0}, {"memory_kib": 31}])
def test_parameters_that_argon2_does_not_have(parameters: dict[str, int]) -> None:
    """They are refused where they are stated."""
    with pytest.raises(RamekinError, match="RFC 9106"):
        PasswordHasher(**parameters)


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names the extra."""
    monkeypatch.setitem(sys.modules, "argon2", None)
    with pytest.raises(RamekinError, match=r"ramekin\[passwords\]"):
        PasswordHasher()
