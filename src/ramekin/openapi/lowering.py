"""JSON Schema 2020-12 as the schema object of OpenAPI 3.0, which is a dialect of its own.

Specification: OpenAPI 3.0.3 §4.7.24 (schema object); the clarification of ``nullable`` in 3.0.3.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

JSONSchema: TypeAlias = dict[str, Any]

#: What only null fits: ``nullable`` adds null to a type, and ``enum`` leaves nothing else of it.
ONLY_NULL = {"type": "object", "nullable": True, "enum": [None]}

_SCHEMA = ("items", "not", "additionalProperties")
_SCHEMAS = ("allOf", "anyOf", "oneOf")
_WITHOUT_COUNTERPART = ("propertyNames", "patternProperties")


def lower_schema(schema: JSONSchema) -> JSONSchema:
    """Return a schema in the dialect of OpenAPI 3.0; what that cannot say is left out."""
    lowered = {name: _lower_member(name, value) for name, value in schema.items() if name not in _WITHOUT_COUNTERPART}
    _lower_tuple(lowered)
    _lower_constant(lowered)
    _lower_bounds(lowered)
    _lower_type(lowered)
    _lower_content(lowered)
    if lowered.get("type") == "array":
        lowered.setdefault("items", {})
    examples = lowered.pop("examples", None)
    if examples:
        lowered["example"] = examples[0]
    if "$ref" in lowered and len(lowered) > 1:
        lowered["allOf"] = [{"$ref": lowered.pop("$ref")}, *lowered.get("allOf", [])]
    return lowered


def lower_schemas_in(value: Any) -> Any:
    """Return a part of a document with each schema in it lowered; extensions and examples stay as they are."""
    if isinstance(value, list):
        return [lower_schemas_in(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {name: _lower_part(name, each) for name, each in value.items()}


def lower_security(requirements: list[dict[str, list[str]]], schemes: Mapping[str, Mapping[str, Any]]) -> None:
    """Empty the lists of scopes that OpenAPI 3.0.3 (§4.7.30) has for OAuth 2 and OpenID Connect alone, in place."""
    for requirement in requirements:
        for name in requirement:
            if schemes[name]["type"] not in ("oauth2", "openIdConnect"):
                requirement[name] = []


def _lower_part(name: str, value: Any) -> Any:
    if name.startswith("x-") or name in ("example", "examples"):
        return value
    return lower_schema(value) if name == "schema" else lower_schemas_in(value)


def _lower_member(name: str, value: Any) -> Any:
    if name in _SCHEMA and isinstance(value, dict):
        return lower_schema(value)
    if name in _SCHEMAS or name == "prefixItems":
        return [lower_schema(each) for each in value]
    if name == "properties":
        return {key: lower_schema(each) for key, each in value.items()}
    return value


def _lower_tuple(schema: JSONSchema) -> None:
    items = schema.pop("prefixItems", None)
    if items is not None:
        kinds = [each for index, each in enumerate(items) if each not in items[:index]]
        schema["items"] = {} if not kinds else kinds[0] if len(kinds) == 1 else {"anyOf": kinds}


def _lower_constant(schema: JSONSchema) -> None:
    if "const" in schema:
        schema["enum"] = [schema.pop("const")]


def _lower_bounds(schema: JSONSchema) -> None:
    for exclusive, inclusive in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        bound = schema.get(exclusive)
        if isinstance(bound, int | float) and not isinstance(bound, bool):
            schema[inclusive] = bound
            schema[exclusive] = True


def _lower_type(schema: JSONSchema) -> None:
    given = schema.get("type")
    if given == "null":
        schema.update(ONLY_NULL)
    if not isinstance(given, list):
        return
    types = [each for each in given if each != "null"]
    del schema["type"]
    if len(types) == 1:
        schema["type"] = types[0]
        schema.update({"nullable": True} if "null" in given else {})
    else:
        # 3.0.3: nullable counts beside a type only.
        nullable = {"nullable": True} if "null" in given else {}
        schema.setdefault("anyOf", [{"type": each, **nullable} for each in types])


def _lower_content(schema: JSONSchema) -> None:
    media_type = schema.pop("contentMediaType", None)
    encoding = schema.pop("contentEncoding", None)
    content = schema.pop("contentSchema", None)
    if content is not None and media_type is not None:  # A text that holds JSON is text, not binary.
        schema |= {"x-contentMediaType": media_type, "x-contentSchema": lower_schema(content)}
        return
    if encoding == "base64":
        schema["format"] = "byte"
    elif media_type is not None and schema.get("type") == "string":
        schema["format"] = "binary"
