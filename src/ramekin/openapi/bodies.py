"""The request body of an operation: JSON, or a form with its files.

Specification: OpenAPI 3.1 §4.8.13 (request body object), §4.8.15 (encoding object).
"""

from __future__ import annotations

from typing import Any

from marshmallow import INCLUDE, RAISE, Schema

from ramekin.fields import Upload
from ramekin.inputs.forms import MULTIPART, URLENCODED
from ramekin.inputs.names import holds_objects, items_of, load_names
from ramekin.openapi.components import Components
from ramekin.openapi.converter import Mode
from ramekin.operations import JSON_MEDIA_TYPE, Input, Operation
from ramekin.schemas.copies import barred_names


def build_body(operation: Operation, components: Components) -> dict[str, Any] | None:
    """Return the request body object of an operation, or None where it reads no body."""
    found = operation.inputs_at("json")
    if found:
        return _build_json(found[-1], operation, components)
    parts = (*operation.inputs_at("form"), *operation.inputs_at("files"))
    return _build_form(parts, components) if parts else None


def _build_json(item: Input, operation: Operation, components: Components) -> dict[str, Any]:
    schema = components.converter(Mode("write", coerce=item.coerce)).convert_shape(item.shape)
    media_types = [*(item.media_types or (JSON_MEDIA_TYPE,)), *(codec.media_type for codec in operation.effects.codecs)]
    content = {media_type: {"schema": schema} for media_type in dict.fromkeys(media_types)}
    return {"required": item.required, "content": content}


def _build_form(parts: tuple[Input, ...], components: Components) -> dict[str, Any]:
    properties: dict[str, Any] = {}
    required: list[str] = []
    encoding: dict[str, Any] = {}
    schemas = [(item, item.shape) for item in parts if isinstance(item.shape, Schema)]
    for item, schema in schemas:
        mode = Mode("write", item.location, coerce=item.coerce).under(schema)
        members = components.converter(mode).convert_members(schema)
        properties |= members["properties"]
        required += members.get("required", [])
        encoding |= _encode(schema)
    body: dict[str, Any] = {"type": "object", "properties": properties}
    if required:
        body["required"] = required
    unknown = {schema.unknown for item, schema in schemas if item.location == "form"} or {RAISE}
    if INCLUDE in unknown:
        body["additionalProperties"] = True
        barred = {name for _, schema in schemas for name in barred_names(schema)} - properties.keys()
        properties |= {name: {"not": {}} for name in sorted(barred)}
    elif unknown == {RAISE}:
        body["additionalProperties"] = False
    is_multipart = any(item.location == "files" for item in parts) or any(
        holds_objects(field) for _, schema in schemas for field in load_names(schema).values()
    )
    media_type: dict[str, Any] = {"schema": body} | ({"encoding": encoding} if encoding else {})
    media_types = (MULTIPART,) if is_multipart else (URLENCODED, MULTIPART)
    return {"required": any(item.required for item in parts), "content": dict.fromkeys(media_types, media_type)}


def _encode(schema: Schema) -> dict[str, Any]:
    """Return the encoding objects of parts that are neither plain text nor files of any type."""
    found: dict[str, Any] = {}
    for name, field in load_names(schema).items():
        upload = next((one for one in (field, *items_of(field)) if isinstance(one, Upload)), None)
        if upload is not None and upload.media_types:
            found[name] = {"contentType": ", ".join(upload.media_types)}
        elif holds_objects(field):
            found[name] = {"contentType": JSON_MEDIA_TYPE}
    return found
