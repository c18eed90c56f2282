"""Regular expressions as documents mean them."""

from __future__ import annotations

import re

import pytest

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
