"""Four times the input takes at most 2.3 × 2.3 times the time, for each reader and what it splits or matches."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from io import BytesIO
from time import process_time
from typing import Any

import pytest
from marshmallow import Schema, fields

from ramekin.fields import Upload
from ramekin.inputs import InputError, compile_cookie_reader, compile_form_reader, compile_query_reader
from ramekin.limits import Limits

BYTES = 40_000
LIMITS = Limits(
    **dict.fromkeys(("body_bytes", "multipart_bytes", "form_field_bytes", "part_header_bytes"), 10**8),
    **dict.fromkeys(("form_parts", "query_fields", "cookie_fields"), 10**8),
)
TEXTS = Schema.from_dict(
    {"t": fields.List(fields.String()), "o": fields.Nested(Schema.from_dict({"a": fields.String()}))}
)()
PLAIN = Schema.from_dict({"t": fields.List(fields.String())})()
FILES = Schema.from_dict({"f": fields.List(Upload())})()

read_query = compile_query_reader([TEXTS], LIMITS)
read_cookies = compile_cookie_reader([Schema.from_dict({"t": fields.String()})()], LIMITS)
plain_form = compile_form_reader([PLAIN], [], LIMITS)
rich_form = compile_form_reader([TEXTS], [FILES], LIMITS)


def read_urlencoded(text: str) -> None:
    """Read an urlencoded form."""
    plain_form.read("application/x-www-form-urlencoded", BytesIO(text.encode())).close()


def read_body(text: str) -> None:
    """Read a multipart form, broken or not."""
    with suppress(InputError):
        rich_form.read("multipart/form-data; boundary=b", BytesIO(text.encode())).close()


def read_content(text: str) -> None:
    """Read a multipart form of one file with this content."""
    read_body(f'--b\r\nContent-Disposition: form-data; name="f"; filename="x"\r\n\r\n{text}\r\n--b--')


def read_head(text: str) -> None:
    """Read a multipart form whose one part has this at the end of its head."""
    read_body(f'--b\r\nContent-Disposition: form-data; name="t"{text}\r\n\r\n\r\n--b--')


def read_content_type(text: str) -> None:
    """Read a multipart form with these parameters of its Content-Type."""
    rich_form.read(f"multipart/form-data; boundary=b{text}", BytesIO(b"--b--")).close()


def seconds(read: Callable[[str], Any], text: str) -> float:
    """Return the least time of some runs."""
    runs = []
    for _ in range(3):
        begin = process_time()
        read(text)
        runs.append(process_time() - begin)
    return min(runs)


@pytest.mark.parametrize("unit", ["t=1&", "%41", "x=1&", "[", "][", "&", "o[a]=1&", "+", "~"])
@pytest.mark.parametrize("read", [read_query, read_urlencoded])
def test_pairs_take_linear_time(read: Callable[[str], Any], unit: str) -> None:
    """Query strings and urlencoded forms take time in proportion to their length."""
    assert_linear(read, "o", unit, "]")


@pytest.mark.parametrize(("before", "unit"), [("", ";"), ("", "t=a;"), ('t="', "\\054"), ('t="', "\\"), ("t=", " ")])
def test_cookies_take_linear_time(before: str, unit: str) -> None:
    """The Cookie header takes time in proportion to its length."""
    assert_linear(read_cookies, before, unit, '"')


@pytest.mark.parametrize(
    "unit", ["\r\n--bx", "--b", "\r\n--b" + " " * 90 + "x", "\n", "\r", "\r\n", "x", "\r\n--b\r\n", " "]
)
@pytest.mark.parametrize("before", ["", "\r", "\r\n--b", "\r\n--b "])
def test_contents_take_linear_time(before: str, unit: str) -> None:
    """The content of a part takes time in proportion to its length, whatever resembles a boundary."""
    assert_linear(read_content, before, unit, "", most=BYTES)


@pytest.mark.parametrize(
    "unit", ["; a=b", '; a="', '\\"', ";", " ", "; a*1=b", "\r\nX: a", "\r\n a", "\r\nX:" + "a" * 90, "%22"]
)
@pytest.mark.parametrize("before", ["", "; ", '; x="'])
def test_heads_take_linear_time(before: str, unit: str) -> None:
    """The head of a part takes time in proportion to its length."""
    assert_linear(read_head, before, unit, "")


def test_many_parts_take_linear_time() -> None:
    """Many small parts take time in proportion to their number."""
    assert_linear(read_body, "", '--b\r\nContent-Disposition: form-data; name="t"\r\n\r\n\r\n', "--b--")
    assert_linear(read_body, "", "-", "", most=BYTES)


@pytest.mark.parametrize("unit", ['; a="', '; a="\\', "; a=b", ";", "; a*1=b"])
def test_content_types_take_linear_time(unit: str) -> None:
    """The parameters of Content-Type take time in proportion to their length."""
    assert_linear(read_content_type, "", unit, "")


def assert_linear(read: Callable[[str], Any], before: str, unit: str, after: str, *, most: int = 3_000) -> None:
    """Fail where four times the input takes more than 2.3 × 2.3 times the time, in each of several trials."""
    count = min(BYTES // len(unit), most)
    short, long = (before + unit * times + after for times in (count, 4 * count))
    # What takes less than this is not in question, and too short to be measured. Other work on the machine spoils
    # single trials; what grows faster fails in all of them.
    assert any(seconds(read, long) < max(2.3**2 * seconds(read, short), 0.002) for _ in range(20))
