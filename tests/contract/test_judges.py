from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ramekin.contract import judges
from ramekin.contract.closing import Schemas
from ramekin.contract.formats import find_formats
from ramekin.contract.judges import Fault, check_installed, compile_judge, show
from ramekin.contract.texts import compile_parse, read_object
from ramekin.errors import RamekinError

COMPONENTS: dict[str, Any] = {
    "Author": {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]},
    "Book": {
        "type": "object",
        "description": "Says nothing to a validator.",
        "properties": {"author": {"$ref": "#/components/schemas/Author"}},
    },
    "Tree": {
        "type": "object",
        "properties": {
            "leaf": {"type": "integer"},
            "kids": {"type": "array", "items": {"$ref": "#/components/schemas/Tree"}},
        },
    },
    "Whole": {
        "allOf": [{"$ref": "#/components/schemas/Author"}, {"$ref": "#/components/schemas/Tree"}],
        "properties": {"own": {"type": "string"}},
    },
    "More": {"$ref": "#/components/schemas/Author", "properties": {"age": {"type": "integer"}}},
    "Some": {"$ref": "#/components/schemas/Author", "minProperties": 1, "description": "One."},
    "Short": {"allOf": [True, {"maxLength": 3}, {"pattern": "^a"}], "properties": {}},
    "Hidden": {"properties": {"x": False}},
    "Never": {"anyOf": [False, {"type": "null"}]},
    "Free": {"type": "object", "patternProperties": {"^x-": {"type": "integer"}}, "additionalProperties": False},
    "Choice": {
        "anyOf": [
            {"type": "null"},
            {
                "type": "object",
                "properties": {"kind": {"const": "a"}, "a": {"type": "integer"}},
                "required": ["kind", "a"],
            },
            {
                "type": "object",
                "properties": {"kind": {"const": "b"}, "b": {"type": "integer"}},
                "required": ["kind", "b"],
            },
        ]
    },
    "Texts": {
        "type": "object",
        "properties": {
            "pattern": {"type": "string", "pattern": r"^(?<digit>\d)[$\d]\k<digit>$"},
            "odd": {"type": "string", "pattern": r"^\p{Lu}$"},
            "size": {"type": "string", "minLength": 2, "maxLength": 3},
            "choice": {"type": ["string", "null"], "enum": ["a", "b", None]},
            "any": {"anyOf": [{"format": "ipv4"}, {"format": "ipv6"}], "type": "string"},
        },
        "propertyNames": {"maxLength": 10},
    },
    "Numbers": {
        "type": "array",
        "items": {
            "type": "integer",
            "exclusiveMinimum": 0,
            "exclusiveMaximum": 10,
            "multipleOf": 2,
            "not": {"enum": [4]},
        },
        "uniqueItems": True,
        "minItems": 1,
        "maxItems": 3,
    },
}
SCHEMAS = Schemas({"components": {"schemas": COMPONENTS}})
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 12)
    | st.sampled_from([0.5, 2.0, "a", "b", "x", "11\n", "1$1", "ab", "::1"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [*("name", "author", "leaf", "kids", "own", "x-a", "kind", "a", "b", "z"), *("pattern", "size", "any")]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=6,
)


def judge(name: str, value: Any, *, compiled: bool = False) -> list[tuple[str, str]]:
    schema = SCHEMAS.stand_alone({"$ref": f"#/components/schemas/{name}"}, closed=True)
    return [(fault.pointer, fault.declared) for fault in compile_judge(schema, compiled=compiled)(value)]


@pytest.mark.parametrize(
    ("name", "value", "faults"),
    [
        ("Book", {"author": {"name": "x"}}, []),
        ("Book", {"author": {"name": "x", "age": 1}}, [("/author/age", "no such member")]),
        ("Book", {"author": {}, "a/b~c": 1}, [("/author/name", "a required member"), ("/a~1b~0c", "no such member")]),
        ("Tree", {"kids": [{"kids": [{"leaf": "x"}]}]}, [("/kids/0/kids/0/leaf", "integer")]),
        ("Tree", {"kids": [{"leave": 1}]}, [("/kids/0/leave", "no such member")]),
        ("Whole", {"name": "x", "leaf": 1, "own": "y"}, []),
        ("Whole", {"name": "x", "else": "y"}, [("/else", "no such member")]),
        ("More", {"name": "x", "age": 1}, []),
        ("More", {"age": "1", "x": 1}, [("/age", "integer"), ("/name", "a required member"), ("/x", "no such member")]),
        ("Some", {"name": "x", "age": 1}, [("/age", "no such member")]),
        ("Short", "xxxx", [("", "at most 3 characters"), ("", 'the pattern "^a"')]),
        ("Short", {"a": 1}, [("/a", "no such member")]),
        ("Never", 1, [("", "false or null")]),
        ("Hidden", {"x": 1}, [("", "nothing")]),
        ("Free", {"x-a": 1}, []),
        ("Free", {"x-a": "1", "y": 1}, [("/x-a", "integer"), ("/y", "no such member")]),
        ("Choice", None, []),
        ("Choice", {"kind": "b", "b": "1"}, [("/b", "integer")]),
        ("Choice", 7, [("", "null or object")]),
        ("Texts", {"pattern": "1$1"}, []),
        ("Texts", {"pattern": "1$1\n"}, [("/pattern", r'the pattern "^(?<digit>\\d)[$\\d]\\k<digit>$"')]),
        ("Texts", {"odd": "anything"}, []),
        (
            "Texts",
            {"size": "x", "choice": "c"},
            [("/choice", 'one of ["a","b",null]'), ("/size", "at least 2 characters")],
        ),
        ("Texts", {"size": "😀😀😀😀"}, [("/size", "at most 3 characters")]),
        ("Texts", {"any": "x"}, [("/any", "ipv4 or ipv6")]),
        ("Numbers", [], [("", "at least 1 items")]),
        ("Numbers", [2, 2], [("", "items that differ")]),
        ("Numbers", [4], [("/0", 'not {"enum":[4]}')]),
        ("Numbers", [3, 0, 12], [("/0", "a multiple of 2"), ("/1", "more than 0"), ("/2", "less than 10")]),
    ],
)
@pytest.mark.parametrize("compiled", [False, True])
def test_faults(name: str, value: Any, faults: list[tuple[str, str]], compiled: bool) -> None:
    """Both validators find every fault, in the same words and in one order."""
    if name == "Texts" and compiled and "odd" in value:
        value = {"odd": "A"}  # What Python's patterns cannot say, the compiled validator judges.
    assert judge(name, value, compiled=compiled) == faults


@settings(max_examples=300)
@given(st.sampled_from([name for name in COMPONENTS if name != "Texts"]), VALUES)
def test_validators_agree(name: str, value: Any) -> None:
    """Whatever the value, the compiled validator finds what the other one finds."""
    assert judge(name, value, compiled=True) == judge(name, value)


FORMATS: list[tuple[str, list[Any], list[Any]]] = [
    ("date", ["2024-02-29", 1], ["2023-02-29", "2024-2-9", "20240229", ""]),
    (
        "date-time",
        ["2024-02-29T01:02:03Z", "2024-02-29t01:02:03.5+01:00"],
        ["2024-02-29T01:02:03", "2023-02-29T01:02:03Z"],
    ),
    ("time", ["01:02:03Z", "01:02:03.1-23:59"], ["01:02:03", "24:00:00Z", "01:02:03Z\n"]),
    ("uuid", ["00000000-0000-0000-0000-00000000000A"], ["{00000000-0000-0000-0000-000000000000}", "0" * 32]),
    ("email", ["a@b", "ä@b.example"], ["a", "a@", "a@b@c", "a b@c"]),
    ("uri", ["https://a.example/b?c#d", "urn:a:%C3%A4"], ["/a", "https://a.example/ä", "https://a b", "urn:%C"]),
    ("uri-reference", ["", "/a", "../b", "https://a.example"], ["/a b", "/ä", "\\"]),
    ("ipv4", ["127.0.0.1"], ["127.0.0.256", "127.1"]),
    ("ipv6", ["::1"], ["::1%eth0", "127.0.0.1"]),
]


@pytest.mark.parametrize(("name", "good", "bad"), FORMATS, ids=lambda given: given if isinstance(given, str) else "")
@pytest.mark.parametrize("compiled", [False, True])
def test_formats(name: str, good: list[Any], bad: list[Any], compiled: bool) -> None:
    """Both validators judge the formats of a document by the same functions."""
    find = compile_judge({"format": name}, compiled=compiled)
    assert [value for value in good if find(value)] == []
    assert [value for value in bad if not find(value)] == []


def test_other_formats_are_those_of_jsonschema() -> None:
    """A format that Ramekin's documents do not name by themselves is judged as jsonschema does."""
    assert "regex" in find_formats()
    assert compile_judge({"format": "regex"})("[") == [Fault("", 'the format "regex"', '"["')]


def test_pattern_that_cannot_be_compiled() -> None:
    """A schema that the compiled validator does not take is judged by the other one."""
    assert compile_judge({"pattern": "("}, compiled=True)("x") == []


def test_refusal_without_a_reason_is_told() -> None:
    """What the compiled validator alone refuses is a fault, in its own words."""
    (fault,) = compile_judge({"pattern": r"^\p{Lu}$"}, compiled=True)("a")
    assert "a" in fault.declared


@pytest.mark.parametrize(
    ("schema", "good", "bad"),
    [
        ({"format": "int32"}, [2**31 - 1, -(2**31)], [2**31, -(2**31) - 1]),
        ({"format": "int64", "minimum": 0}, [2**63 - 1, 0], [2**63, -1]),
    ],
)
def test_formats_of_integers_are_bounds(schema: Any, good: list[int], bad: list[int]) -> None:
    """An integer of 32 or 64 bits has the bounds of one."""
    find = compile_judge(SCHEMAS.stand_alone({"type": "integer", **schema}, closed=True))
    assert [value for value in good if find(value)] == []
    assert [value for value in bad if not find(value)] == []


def test_long_values_are_cut() -> None:
    """A fault shows 200 characters at most, and what no JSON has as Python writes it."""
    assert len(show("x" * 1000)) == 200
    assert show(float("nan")) == "nan"


def test_missing_validator_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without jsonschema the check says what to install."""
    monkeypatch.setattr(judges, "_has", lambda module: False)
    with pytest.raises(RamekinError, match=r"ramekin\[testing\]"):
        check_installed()


def test_schema_may_be_a_boolean() -> None:
    """A schema may be a boolean."""
    assert SCHEMAS.stand_alone(True, closed=True) is True


@pytest.mark.parametrize(
    ("schema", "text", "value"),
    [
        ({"type": "integer"}, "-7", -7),
        ({"type": "integer"}, "7.0", "7.0"),
        ({"type": "number"}, "1e3", 1000.0),
        ({"type": "number"}, "01", "01"),
        ({"type": "boolean"}, "true", True),
        ({"type": "boolean"}, "1", "1"),
        ({"type": ["integer", "null"]}, "7", 7),
        ({"type": "array", "items": {"type": "integer"}}, "1, 2,x", [1, 2, "x"]),
        ({"type": "array", "items": {"type": "string"}}, "", []),
        ({"type": ["integer", "string"]}, "7", "7"),
        ({}, "7", "7"),
        (True, "7", "7"),
    ],
)
def test_texts_are_read_by_their_type(schema: Any, text: str, value: Any) -> None:
    """A header field or parameter is read as its schema says; what does not fit stays text, for the judge."""
    assert json.dumps(compile_parse(schema)(text)) == json.dumps(value)


def test_object_of_unknown_types_cannot_be_read() -> None:
    """Where a schema does not say of which type a member is, its text stands for nothing that could be judged."""
    schema = {"type": "object", "properties": {"a": {"anyOf": [{"type": "integer"}, {"type": "string"}]}}}
    with pytest.raises(LookupError):
        read_object(schema, "q", {"q[a]": ["1"]}, split=False)
