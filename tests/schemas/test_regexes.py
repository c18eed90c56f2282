"""Regular expressions as documents mean them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given as given_any
from hypothesis import settings
from hypothesis import strategies as st

from ramekin.schemas.regexes import narrow_regex

NARROWED = [
    (r"^[a-z]+$", r"^[a-z]+\Z"),
    (r"a[$\d]\$\d$", r"a[$0-9]\$[0-9]\Z"),
    (r"(?=a$)(?:\d)", r"(?=a\Z)(?:[0-9])"),
    (r"(?!a(?:\d$))b$", r"(?!a(?:\d$))b\Z"),
    (r"(?<!\d)(b$)", r"(?<!\d)(b\Z)"),
    (r"[]\d$\]]x$", r"[]0-9$\]]x\Z"),
    (r"(?i)a$", r"(?i)a\Z"),
]
KEPT = ["a", r"[^\d]", r"\D\$", "(?m)a$", "(?m:a$)", "(?x)a$ # $", r"(?!\d$)"]


@pytest.mark.parametrize(("given", "narrowed"), NARROWED)
def test_ends_and_digits_are_narrowed(given: str, narrowed: str) -> None:
    """A dollar sign is the very end and a digit one of ASCII, but where that would match more."""
    regex = re.compile(given)
    found = narrow_regex(regex)
    assert (found.pattern, found.flags) == (narrowed, regex.flags)


@pytest.mark.parametrize("given", KEPT)
def test_other_expressions_stay(given: str) -> None:
    """What has nothing to narrow, or an end with another meaning, stays as it is."""
    regex = re.compile(given)
    assert narrow_regex(regex) is regex


_PIECES = st.sampled_from(
    ["a", "1", "$", r"\d", r"[\da]", r"[^\d]", "(?!a$)", r"(?<!\d)", "(?=1$)", "(?:a$)?", "|", "\n?"]
)


@settings(max_examples=300)
@given_any(st.lists(_PIECES, max_size=6), st.text("a1\u0661\n", max_size=4))
def test_nothing_is_matched_that_the_given_does_not_match(pieces: list[str], text: str) -> None:
    """A narrowed expression refuses more, and never takes more."""
    regex = re.compile("".join(pieces))
    assert regex.match(text) or not narrow_regex(regex).match(text)
