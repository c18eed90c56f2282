"""The reader of headers, and the names of headers."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import Schema, fields

from ramekin.inputs import compile_header_reader, header_name
from ramekin.limits import Limits
from ramekin.schemas import Fault


class Headers(Schema):
    x_api_key = fields.String(required=True)
    tags = fields.List(fields.String(), data_key="X-Tags")
    id = fields.Integer(dump_only=True)


def read(given: dict[str, str], *shapes: Schema) -> tuple[list[dict[str, Any]], list[Fault]]:
    """Return what the reader makes of headers given by lower-case name."""
    return compile_header_reader(shapes or (Headers(),), Limits())(given.get)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("x_api_key", "X-Api-Key"), ("etag", "Etag"), ("ETag", "ETag"), ("X-API-Key", "X-API-Key"), ("x-id", "X-Id")],
)
def test_header_name_follows_the_field(name: str, expected: str) -> None:
    """Underscores are hyphens and each word has a capital; capitals that are there stay."""
    assert header_name(name) == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, {}),
        ({"x-api-key": "a, b"}, {"x_api_key": "a, b"}),
        ({"x-tags": "a,\t b ,, c,"}, {"X-Tags": ["a", "b", "c"]}),
        ({"x-tags": ""}, {"X-Tags": []}),
        ({"x-api-key": "\xc3\xa9"}, {"x_api_key": "é"}),
        ({"id": "1", "x-other": "2"}, {}),
    ],
)
def test_headers_arrive_under_the_names_of_their_fields(given: dict[str, str], expected: dict[str, Any]) -> None:
    """A header arrives under its field's name, a list split at commas; what nobody declares is ignored."""
    assert read(given) == ([expected], [])


def test_each_schema_gets_its_own_headers() -> None:
    """Several schemas each get the headers that they declare."""
    trace = Schema.from_dict({"x_trace": fields.String()})()
    assert read({"x-trace": "t", "x-api-key": "k"}, Headers(), trace)[0] == [{"x_api_key": "k"}, {"x_trace": "t"}]


def test_octets_that_are_not_utf8_are_a_fault() -> None:
    """A value that is not UTF-8 is one fault, and no other says that the header is missing."""
    raw, faults = read({"x-api-key": "\xff"})
    assert "x_api_key" in raw[0]
    assert faults == [Fault("headers", "/x_api_key", "invalid", "Not valid UTF-8.")]


@given(st.text())
def test_no_header_value_raises(value: str) -> None:
    """Whatever stands in a header, it is read."""
    raw, _ = read({"x-api-key": value, "x-tags": value})
    assert raw[0].keys() == {"x_api_key", "X-Tags"}
