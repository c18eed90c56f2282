"""Python's regular expressions in the dialect of ECMA-262."""

from __future__ import annotations

import itertools
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from marshmallow import Schema, ValidationError, fields, validate

from ramekin.openapi.patterns import translate_pattern, url_pattern
from ramekin.schemas import compile_loader

TRANSLATED = [
    (r"[a-z]+$", r"^(?:[a-z]+$)"),
    (r"^[a-z]+$", r"^[a-z]+$"),
    (r"\A\d{3}\Z", r"^[0-9]{3}$"),
    (r"^a|b", r"^(?:^a|b)"),
    (r"(?P<y>\d+)-(?P=y)", r"^(?:(?<y>[0-9]+)-\k<y>)"),
    (r"^a\-b\@c\_\.", r"^a-b@c_\."),
    (r"^[]a\-\]]x", r"^[\]a\-\]]x"),
    (r"^[^\W\d_]+[a[]", r"^[^\W\d_]+[a\[]"),
    (r"^{a}]", r"^\{a\}\]"),
    (r"^x{2,}y{,3}", r"^x{2,}y{0,3}"),
    (r"^(?<=a)b(?!c)(?:d)*?", r"^(?<=a)b(?!c)(?:d)*?"),
    ("^\\x41\\u00e9", "^\\x41\\u00e9"),
    (r"^a.b[.]", r"^a[^\n]b[.]"),
    (r"^(?!a$)b$", r"^(?!a(?=\n?$))b$"),
    (r"^(?<!a$)(b$)", r"^(?<!a(?=\n?$))(b$)"),
    (r"^(a+)\1", r"^(a+)\1"),
    (r"^\0", r"^\0"),
]
UNTRANSLATED = ["(?i)a", "a++", "a{2}+", "(?>a)", "(?#c)a", "(a)?(?(1)b|c)", r"\N{DIGIT ONE}", r"\a", "(?s:.)"]
UNTRANSLATED += [r"(a)?\1", r"(?:(a)|b)\1", r"(?P<x>a){0,1}(?P=x)", r"(?!(a))b\1", r"(a)*\1", r"(a){,2}\1"]
UNTRANSLATED += [r"\01", r"\101", r"[\1]", r"[\101]"]


@pytest.mark.parametrize(("python", "ecma"), TRANSLATED)
def test_pattern_is_translated(python: str, ecma: str) -> None:
    """What both dialects can say is said in the other's words, anchored as match is."""
    assert translate_pattern(re.compile(python)) == ecma


@pytest.mark.parametrize("python", UNTRANSLATED)
def test_pattern_without_counterpart_is_left_out(python: str) -> None:
    """What ECMA-262 cannot say is not said."""
    assert translate_pattern(re.compile(python)) is None


def test_flags_are_left_out() -> None:
    """A pattern under flags that a document cannot state is left out."""
    assert translate_pattern(re.compile("a", re.MULTILINE)) is None


@settings(max_examples=200)
@given(
    st.lists(st.sampled_from(["a", "b", "|", "x*", "[ab]", "[^b]", r"\-", r"\Z", r"\A", "(?:ab)+", "{", "."])),
    st.text("abx-{", max_size=4),
)
def test_translation_finds_what_match_matches(parts: list[str], text: str) -> None:
    """The pattern found anywhere in a text is the original matched at its beginning."""
    original = re.compile("".join(parts))
    pattern = translate_pattern(original)
    assert pattern is not None
    assert bool(re.search(pattern, text)) is bool(original.match(text))


BEGINNINGS = ["http://", "HTTPS://", "ftp://", "file://", "git+ssh://", "urn:", "x"]
HOSTS = [
    "a.example",
    "a.b-c.example.",
    "localhost",
    "LocalHost",
    "a",
    "-a.example",
    "a.b",
    "1.2.3.4",
    "[::1]",
    "[1]",
    "",
]
ENDS = ["", "/", "?", "#", "/a?b#c", "?a", ":80", ":80/", ":", ":x"]
URL_VALIDATORS = [
    validate.URL(),
    validate.URL(schemes=["https"]),
    validate.URL(schemes=["git+SSH", "http"], require_tld=False),
    validate.URL(schemes=["file", "http"]),
]


@pytest.mark.parametrize("user", ["", "u:p@", "%41@", "@"])
@pytest.mark.parametrize("validator", URL_VALIDATORS, ids=lambda each: "-".join(sorted(each.schemes)))
def test_pattern_of_urls_is_what_is_accepted(validator: validate.URL, user: str) -> None:
    """The pattern of a URL finds every one that is loaded, and no other of its forms."""
    pattern = url_pattern(validator)
    assert pattern is not None
    load = compile_loader(Schema.from_dict({"link": fields.String(validate=validator)})(), "json")
    wrong = []
    for beginning, host, end in itertools.product(BEGINNINGS, HOSTS, ENDS):
        url = f"{beginning}{user}{host}{end}"
        try:
            load({"link": url})
        except ValidationError:
            loaded = False
        else:
            loaded = True
        if loaded is not bool(re.search(pattern, url)):
            wrong.append(url)
    assert wrong == []
