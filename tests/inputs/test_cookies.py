"""The reader of the Cookie header."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import Schema, fields
from werkzeug.http import dump_cookie

from ramekin.inputs import InputError, compile_cookie_reader
from ramekin.limits import Limits
from ramekin.schemas import Fault


class Cookies(Schema):
    theme = fields.String(data_key="Theme")
    size = fields.Integer()
    id = fields.Integer(dump_only=True)


def read(header: str | None, *shapes: Schema, most: int = 200) -> tuple[list[dict[str, Any]], list[Fault]]:
    """Return what the reader of these schemas makes of the text."""
    return compile_cookie_reader(shapes or (Cookies(),), Limits(cookie_fields=most))(header)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, {}),
        ("", {}),
        ("Theme=dark; size=3", {"Theme": "dark", "size": "3"}),
        ("Theme=dark;size=3;", {"Theme": "dark", "size": "3"}),
        ("theme=dark; id=1; other=x; other=y; junk", {}),
        ("size", {}),
        ("size=", {"size": ""}),
        ("Theme=a=b%20c+d", {"Theme": "a=b%20c+d"}),
        ('Theme="a b"', {"Theme": "a b"}),
        ('Theme="', {"Theme": '"'}),
        (r'Theme="a\054\"\\\303\251"', {"Theme": 'a,"\\é'}),
        ("Theme=\xc3\xa9", {"Theme": "é"}),
    ],
)
def test_cookies_arrive_under_their_names(header: str | None, expected: dict[str, Any]) -> None:
    """A declared cookie arrives without quotes; others, and text that is none, are ignored."""
    assert read(header) == ([expected], [])


def test_a_declared_cookie_given_twice_is_a_fault() -> None:
    """A cookie given several times is one fault, and the first value stands."""
    raw, faults = read("size=1; size=2; size=3")
    assert raw == [{"size": "1"}]
    assert faults == [Fault("cookies", "/size", "repeated", "Given more than once.")]


def test_octets_that_are_not_utf8_are_a_fault() -> None:
    """A value that is not UTF-8 is a fault of its cookie."""
    assert read("size=\xff")[1] == [Fault("cookies", "/size", "invalid", "Not valid UTF-8.")]


def test_each_schema_gets_its_own_cookies() -> None:
    """Several schemas each get the cookies that they declare."""
    assert read("size=1; a=2", Cookies(), Schema.from_dict({"a": fields.String()})())[0] == [{"size": "1"}, {"a": "2"}]


def test_cookies_are_limited() -> None:
    """As many cookies as the limit are read; one more is a 400."""
    assert read("a=1; size=2", most=2)[0] == [{"size": "2"}]
    with pytest.raises(InputError) as caught:
        read("a=1; b=1; size=2", most=2)
    assert (caught.value.status, caught.value.code) == (400, "too-many-cookies")


@given(st.text(alphabet=st.characters(exclude_categories=("Cs", "Cc"))))
def test_what_werkzeug_writes_is_read_back(value: str) -> None:
    """Any printable text survives the way through a cookie that Werkzeug writes."""
    written = dump_cookie("Theme", value, path=None, max_size=0)
    assert read(written)[0] == [{"Theme": value}]


@given(st.one_of(st.text(alphabet='Theme=;" \\0123\xe9'), st.text()))
def test_no_cookie_header_raises_anything_else(header: str) -> None:
    """Whatever stands in the Cookie header, it is read or is an `InputError`."""
    with suppress(InputError):
        raw, _ = read(header)
        assert raw[0].keys() <= {"Theme", "size"}
