"""JSON Schema as OpenAPI 3.0 has it."""

from __future__ import annotations

from typing import Any

import pytest

from ramekin.openapi.lowering import ONLY_NULL, lower_schema, lower_schemas_in


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "null"}, ONLY_NULL),
        ({"type": ["string", "null"]}, {"type": "string", "nullable": True}),
        ({"const": 1}, {"enum": [1]}),
        ({"type": "string", "contentEncoding": "base64"}, {"type": "string", "format": "byte"}),
        ({"type": "string", "contentMediaType": "image/png"}, {"type": "string", "format": "binary"}),
        ({"contentMediaType": "image/png"}, {}),
        ({"type": "array"}, {"type": "array", "items": {}}),
        ({"type": "array", "prefixItems": []}, {"type": "array", "items": {}}),
        ({"type": "array", "prefixItems": [{"const": 1}] * 2}, {"type": "array", "items": {"enum": [1]}}),
        ({"patternProperties": {"^a": {}}}, {}),
        ({"examples": []}, {}),
        ({"additionalProperties": False}, {"additionalProperties": False}),
        ({"properties": {"const": {"const": 1}}}, {"properties": {"const": {"enum": [1]}}}),
        ({"not": {"const": 1}, "anyOf": [{"const": 1}]}, {"not": {"enum": [1]}, "anyOf": [{"enum": [1]}]}),
        ({"$ref": "#/x", "allOf": [{}]}, {"allOf": [{"$ref": "#/x"}, {}]}),
    ],
)
def test_schema_is_lowered(schema: dict[str, Any], expected: dict[str, Any]) -> None:
    """A keyword of 2020-12 becomes what 3.0 has for it, or goes."""
    assert lower_schema(schema) == expected


def test_schemas_are_found_where_they_stand() -> None:
    """Schemas in a part of a document are lowered; examples and extensions stay as they are."""
    part = {"content": [{"schema": {"const": 1}}], "x-a": {"schema": {"const": 1}}, "example": {"schema": {"const": 1}}}
    assert lower_schemas_in(part) == {**part, "content": [{"schema": {"enum": [1]}}]}
