from __future__ import annotations

from typing import Any

import pytest

from ramekin.contract.closing import Schemas
from ramekin.contract.judges import compile_judge
from ramekin.errors import RamekinError


def thing(*names: str, **more: Any) -> dict[str, Any]:
    """Return the schema of an object."""
    return {"type": "object", "properties": {name: {} for name in names}, **more}


COMPONENTS = {
    "C": thing("c", properties={"c": {"type": "integer"}}),
    "B": {"type": "object", "properties": {"b": {"$ref": "#/components/schemas/C"}}},
    "Any": {"type": "object"},
    "Text": {"type": "string"},
    "Node": {"type": "object", "properties": {"next": {"$ref": "#/components/schemas/Node"}, "b": thing("x")}},
    "a/b~c d": thing("e"),
    "Q": {"properties": {"c": thing("y")}, "$defs": {"Own": thing("o")}},
}
B, NODE = {"$ref": "#/components/schemas/B"}, {"$ref": "#/components/schemas/Node"}
KINDS = [
    thing("x", properties={"kind": {"const": "x"}, "x": {}}),
    thing("y", properties={"kind": {"const": "y"}, "y": {}}),
]


def judge(schema: Any, value: Any) -> list[str]:
    """Return where a value is not what the closed schema says, which both validators find alike."""
    alone = Schemas({"components": {"schemas": COMPONENTS}}).stand_alone(schema, closed=True)
    plain, fast = ([fault.pointer for fault in compile_judge(alone, compiled=each)(value)] for each in (False, True))
    assert plain == fast
    return plain


@pytest.mark.parametrize(
    ("schema", "value", "pointers"),
    [
        ({**B, "minProperties": 1}, {"b": {"c": 1, "LEAK": 1}}, ["/b/LEAK"]),
        ({**B, "minProperties": 1}, {"b": {"c": 1}, "LEAK": 1}, ["/LEAK"]),
        ({"allOf": [B, thing("d")]}, {"b": {"c": 1, "LEAK": 1}, "d": 1}, ["/b/LEAK"]),
        ({"allOf": [B, thing("d")]}, {"b": {"c": 1}, "d": 1, "LEAK": 1}, ["/LEAK"]),
        ({"allOf": [{**B, "minProperties": 1}, thing("d")]}, {"b": {"LEAK": 1}}, ["/b/LEAK"]),
        ({"allOf": [NODE, thing("d")]}, {"d": 1, "next": {"next": {"b": {"LEAK": 1}}}}, ["/next/next/b/LEAK"]),
        ({"allOf": [NODE, thing("d")]}, {"d": 1, "next": {"d": 1}}, ["/next/d"]),
        ({"items": {"allOf": [B, thing("d")]}}, [{"d": 1, "LEAK": 1}], ["/0/LEAK"]),
    ],
)
def test_compositions_are_closed_at_every_depth(schema: Any, value: Any, pointers: list[str]) -> None:
    """Of a composition the whole is closed, and so is every object within."""
    assert judge(schema, value) == pointers


@pytest.mark.parametrize(
    ("schema", "value", "pointers"),
    [
        ({**thing("a"), "oneOf": KINDS}, {"a": 1, "kind": "x", "x": 1}, []),
        ({**thing("a"), "oneOf": KINDS}, {"a": 1, "kind": "x", "y": 1}, ["/y"]),
        ({**thing("a"), "anyOf": KINDS}, {"a": 1, "kind": "y", "y": 1, "LEAK": 1}, ["/LEAK"]),
        ({"anyOf": [thing("x"), thing("y")]}, {"x": 1, "y": 1}, []),
        ({"anyOf": [B, {"type": "null"}]}, {"b": {"LEAK": 1}}, ["/b/LEAK"]),
        ({**thing("a"), "anyOf": [{"required": ["a"]}, {"required": ["b"]}]}, {"a": 1, "LEAK": 1}, ["/LEAK"]),
        ({**thing("a"), "if": thing("a", required=["a"]), "then": thing("x")}, {"a": 1, "x": 1}, []),
        ({**thing("a"), "if": thing("a", required=["a"]), "then": thing("x")}, {"a": 1, "z": 1}, ["/z"]),
        (
            {**thing("a"), "anyOf": [KINDS[0], {"$ref": "#/components/schemas/Text"}]},
            {"a": 1, "kind": "x", "y": 1},
            ["/y"],
        ),
        ({**thing("a"), "dependentSchemas": {"a": thing("x")}}, {"a": 1, "x": 1}, []),
        (thing("a", patternProperties={"^x-": {}}), {"a": 1, "x-b": 1, "LEAK": 1}, ["/LEAK"]),
        ({"patternProperties": {"^x-": {}}}, {"x-b": 1, "LEAK": 1}, ["/LEAK"]),
    ],
)
def test_places_of_one_object_are_closed_together(schema: Any, value: Any, pointers: list[str]) -> None:
    """A member that any place describes is right, and one that none does is surplus."""
    assert judge(schema, value) == pointers


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({**thing("a", "b"), "not": thing("a", required=["b"])}, {"a": 1}),
        ({"contains": thing("a", required=["a"])}, [{"a": 1, "b": 1}]),
        ({"oneOf": [thing("a", required=["a"]), {"type": "object"}]}, {"LEAK": 1}),
        ({"allOf": [{"properties": {"b": thing("x")}}, {"properties": {"b": thing("y")}}]}, {"b": {"x": 1, "y": 1}}),
        ({"if": thing("a", required=["a"]), "then": thing("x")}, {"a": 1, "x": 1, "other": 1}),
        ({"anyOf": [thing("a"), {"$ref": "#/components/schemas/Any"}]}, {"other": 1}),
        ({"anyOf": [thing("a"), thing("b"), True]}, {"other": 1}),
        ({**thing("k"), "anyOf": [thing("a"), {"$ref": "#/components/schemas/Any"}]}, {"other": 1}),
        ({"allOf": [{"items": thing("x")}, {"items": thing("y")}]}, [{"x": 1, "y": 1}]),
        (
            {"allOf": [{"patternProperties": {"^b": thing("x")}}, {"properties": {"b": thing("y")}}]},
            {"b": {"x": 1, "y": 1}},
        ),
        (thing("a", unevaluatedProperties=True), {"other": 1}),
        (thing("a", additionalProperties={"type": "integer"}), {"other": 1}),
    ],
)
def test_what_cannot_be_closed_is_open(schema: Any, value: Any) -> None:
    """What asks a question, what takes any object and what two places describe at depth raises no false alarm."""
    assert judge(schema, value) == []


def test_own_word_of_the_document_counts() -> None:
    """What the document says itself of surplus members and items is kept."""
    assert judge({"allOf": [thing("a")], "unevaluatedProperties": {"type": "integer"}}, {"a": 1, "b": "x"}) == ["/b"]
    assert judge({"prefixItems": [{}], "unevaluatedItems": False}, [1, 2]) == [""]


@pytest.mark.parametrize(
    ("reference", "value", "pointer"),
    [
        ("#/components/schemas/Q/properties/c", {"y": 1, "LEAK": 1}, "/LEAK"),
        ("#/components/schemas/Q/$defs/Own", {"o": 1, "LEAK": 1}, "/LEAK"),
        ("#/components/schemas/a~1b~0c%20d", {"e": 1, "LEAK": 1}, "/LEAK"),
    ],
)
def test_every_reference_within_the_document_is_followed(reference: str, value: Any, pointer: str) -> None:
    """A reference may point to any place of the document, its names escaped."""
    assert judge({"$ref": reference}, value) == [pointer]


@pytest.mark.parametrize("reference", ["#/components/schemas/None", "other.json", "#anchor", "#/$defs/Own"])
def test_reference_to_nothing_is_explained(reference: str) -> None:
    """A reference that the check cannot follow is named."""
    with pytest.raises(RamekinError, match="The document refers to"):
        Schemas({}).stand_alone({"properties": {"a": {"$ref": reference}}}, closed=True)
