"""The reader of query strings: names and their repetition, lists, objects, encoding, limits."""

from __future__ import annotations

from contextlib import suppress
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import EXCLUDE, INCLUDE, Schema, fields

from ramekin.inputs import InputError, compile_query_reader
from ramekin.limits import Limits
from ramekin.schemas import Fault


class Inner(Schema):
    title = fields.String()
    tags = fields.List(fields.String())
    id = fields.Integer(dump_only=True)


class Outer(Schema):
    inner = fields.Nested(Inner)
    title = fields.String()


class Query(Schema):
    limit = fields.Integer()
    q = fields.String(data_key="text")
    tags = fields.List(fields.String())
    ids = fields.List(fields.Integer(), metadata={"explode": False})
    pair = fields.Tuple((fields.String(), fields.String()))
    filter = fields.Nested(Inner)
    deep = fields.Nested(Outer)
    meta = fields.Dict()
    lists = fields.Dict(values=fields.List(fields.String()))
    objects = fields.Dict(values=fields.Nested(Inner))
    id = fields.Integer(dump_only=True)


class Page(Schema):
    page = fields.Integer()


def read(query: str, *shapes: Schema, limits: Limits | None = None) -> tuple[list[dict[str, Any]], list[Fault]]:
    """Return what the reader of these schemas makes of the text."""
    return compile_query_reader(shapes or (Query(),), limits or Limits())(query)


def faults_of(query: str, *shapes: Schema) -> list[tuple[str, str]]:
    """Return code and pointer of each fault."""
    return [(fault.code, fault.pointer) for fault in read(query, *shapes)[1]]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", {}),
        ("limit=100", {"limit": "100"}),
        ("limit=", {"limit": ""}),
        ("limit", {"limit": ""}),
        ("&limit=1&&text=a&", {"limit": "1", "text": "a"}),
        ("text=a=b", {"text": "a=b"}),
        ("text=a;b", {"text": "a;b"}),
        ("text=a%20b+c%2B", {"text": "a b c+"}),
        ("text=a+b", {"text": "a b"}),
        ("t%65xt=%C3%A9%00", {"text": "é\0"}),
        ("text=\xc3\xa9", {"text": "é"}),
        ("tags=a", {"tags": ["a"]}),
        ("tags=a&limit=1&tags=&tags=b,c", {"tags": ["a", "", "b,c"], "limit": "1"}),
        ("pair=a&pair=b", {"pair": ["a", "b"]}),
        ("ids=1,2", {"ids": ["1", "2"]}),
        ("ids=1%2C2", {"ids": ["1", "2"]}),
        ("ids=", {"ids": []}),
        ("filter[title]=x&filter[tags]=a&filter[tags]=b", {"filter": {"title": "x", "tags": ["a", "b"]}}),
        ("filter%5Btitle%5D=x", {"filter": {"title": "x"}}),
        ("deep[inner][title]=x&deep[title]=y", {"deep": {"inner": {"title": "x"}, "title": "y"}}),
        ("meta[a]=1&meta[[]=2&meta[]=3", {"meta": {"a": "1", "[": "2", "": "3"}}),
        ("lists[a]=1&lists[a]=2", {"lists": {"a": ["1", "2"]}}),
        ("objects[a][title]=1&objects[b][title]=2", {"objects": {"a": {"title": "1"}, "b": {"title": "2"}}}),
        ("filter=x", {"filter": "x"}),
    ],
)
def test_values_arrive_under_their_names(query: str, expected: dict[str, Any]) -> None:
    """Each pair arrives decoded, as a text, a list or an object as its field declares."""
    assert read(query) == ([expected], [])


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("nope=1", [("unknown", "/nope")]),
        ("q=1", [("unknown", "/q")]),
        ("no%2Fpe~=1", [("unknown", "/no~1pe~0")]),
        ("id=1", [("read-only", "/id")]),
        ("limit=1&limit=2&limit=3", [("repeated", "/limit")]),
        ("limit=%31&limit=2", [("repeated", "/limit")]),
        ("ids=1&ids=2", [("repeated", "/ids")]),
        ("filter[title]=1&filter[title]=2", [("repeated", "/filter/title")]),
        ("filter=x&filter[title]=1", [("repeated", "/filter")]),
        ("filter[title]=1&filter=x", [("repeated", "/filter")]),
        ("filter[nope]=1", [("unknown", "/filter/nope")]),
        ("filter[id]=1", [("read-only", "/filter/id")]),
        ("filter[title][x]=1", [("unknown", "/filter/title][x")]),
        ("meta[a][b]=1", [("unknown", "/meta/a][b")]),
        ("limit[a]=1", [("unknown", "/limit[a]")]),
        ("filter]=1", [("unknown", "/filter]")]),
        ("b=1&a=2&b=3", [("unknown", "/b"), ("unknown", "/a")]),
    ],
)
def test_wrong_names_are_faults_in_their_order(query: str, expected: list[tuple[str, str]]) -> None:
    """A name unknown, read-only or repeated is one fault at its pointer, in the order of the query."""
    assert faults_of(query) == expected


def test_a_fault_says_all_there_is_to_know() -> None:
    """A fault names location, pointer, code and a sentence."""
    assert read("nope=1")[1] == [Fault("query", "/nope", "unknown", "Unknown field.")]


def test_the_first_of_repeated_values_is_kept() -> None:
    """After a repetition the first value stands, so that no further fault says that it is missing."""
    assert read("limit=1&limit=2")[0] == [{"limit": "1"}]


def test_each_schema_gets_its_own_names() -> None:
    """Several schemas of one location each get the names that they declare."""
    assert read("page=2&limit=1", Query(), Page()) == ([{"limit": "1"}, {"page": "2"}], [])
    assert read("", Query(), Page()) == ([{}, {}], [])


def test_excluding_schema_makes_unknown_names_ignored() -> None:
    """One schema with EXCLUDE makes unknown and read-only names of the whole location ignored."""
    assert read("nope=1&id=2&page=3", Query(unknown=EXCLUDE), Page()) == ([{}, {"page": "3"}], [])


def test_including_schema_gets_unknown_names() -> None:
    """A schema with INCLUDE gets unknown names, as a list when repeated, and never a read-only one."""
    raw, faults = read("x=1&y=2&y=3&y=4&z[a]=5&id=6", Query(unknown=INCLUDE), Page())
    assert raw == [{"x": "1", "y": ["2", "3", "4"], "z[a]": "5"}, {}]
    assert [fault.code for fault in faults] == ["read-only"]


@pytest.mark.parametrize(("unknown", "expected"), [(EXCLUDE, {"title": "1"}), (INCLUDE, {"title": "1", "x": "2"})])
def test_objects_follow_their_own_policy(unknown: Any, expected: dict[str, Any]) -> None:
    """The `unknown` of a nested schema decides on the names in brackets."""
    shape = Schema.from_dict({"filter": fields.Nested(Inner, unknown=unknown)})()
    assert read("filter[title]=1&filter[x]=2", shape) == ([{"filter": expected}], [])


def test_read_only_names_do_not_come_in_as_unknown_ones() -> None:
    """INCLUDE on a nested schema does not let a read-only name in."""
    shape = Schema.from_dict({"filter": fields.Nested(Inner, unknown=INCLUDE)})()
    assert faults_of("filter[id]=1", shape) == [("read-only", "/filter/id")]


def test_plucked_values_are_plain_values() -> None:
    """A Pluck field is spelled as the plucked value, several of it by repetition."""
    shape = Schema.from_dict({"a": fields.Pluck(Inner, "title"), "b": fields.Pluck(Inner, "title", many=True)})()
    assert read("a=1&b=2&b=3", shape) == ([{"a": "1", "b": ["2", "3"]}], [])


@pytest.mark.parametrize(
    "query", ["limit=%", "limit=%4", "limit=%zz", "%ff=1", "text=%C0%AF", "text=%ED%A0%80", "x=\xff"]
)
def test_broken_encoding_is_refused(query: str) -> None:
    """Bad percent-coding, overlong UTF-8 and surrogates are a 400, whatever the name."""
    with pytest.raises(InputError) as caught:
        read(query)
    assert (caught.value.status, caught.value.code) == (400, "invalid-query")


def test_pairs_are_limited() -> None:
    """As many pairs as the limit are read; one more is a 400."""
    limits = Limits(query_fields=3)
    assert read("tags=1&tags=2&tags=3", limits=limits)[0] == [{"tags": ["1", "2", "3"]}]
    with pytest.raises(InputError) as caught:
        read("tags=1&tags=2&tags=3&tags=4", limits=limits)
    assert (caught.value.status, caught.value.code) == (400, "too-many-query-fields")


def test_long_names_are_cut() -> None:
    """A pointer repeats at most 200 characters of the input and stays a JSON Pointer."""
    (fault,) = read("x" * 198 + "~" * 50)[1]
    assert len(fault.pointer) <= 200
    assert not fault.pointer.endswith("~")


@given(
    limit=st.text(),
    tags=st.lists(st.text(), min_size=1),
    title=st.text(),
    meta=st.dictionaries(st.text().filter(lambda key: "][" not in key), st.text(), min_size=1),
)
def test_what_urlencode_writes_is_read_back(limit: str, tags: list[str], title: str, meta: dict[str, str]) -> None:
    """Any text survives the way through a query string."""
    pairs = [("limit", limit), *(("tags", tag) for tag in tags), ("filter[title]", title)]
    query = urlencode([*pairs, *((f"meta[{key}]", value) for key, value in meta.items())])
    expected = {"limit": limit, "tags": tags, "filter": {"title": title}, "meta": meta}
    assert read(query) == ([expected], [])


@given(
    st.one_of(
        st.text(), st.text(alphabet="abmetfilr[]=&%+12;~/.\xe9"), st.binary().map(lambda raw: raw.decode("latin-1"))
    )
)
def test_no_query_raises_anything_else(query: str) -> None:
    """Whatever stands in a query, it is read or is an `InputError`."""
    with suppress(InputError):
        raw, faults = read(query)
        assert len(raw) == 1
        assert all(len(fault.pointer) <= 200 for fault in faults)
