"""From the JSON of a response to the values that it stands for, by the schema that dumped it.

A schema's own ``load`` would refuse what it only dumps and run hooks that make objects of input. Here each field that
it dumps turns its own member back: texts into dates, UUIDs and members of an Enum, objects into dicts by field names.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, fields
from marshmallow.fields import Field

from ramekin.types import Shape


def load_value(shape: Shape, value: Any) -> Any:
    """Return what a dumped value stands for.

    Args:
        shape: The schema or field that dumped it.
        value: The decoded JSON.

    Raises:
        marshmallow.ValidationError: It is none of the shape's values.
    """
    if isinstance(shape, Schema):
        return [_load_members(shape, item) for item in value] if shape.many else _load_members(shape, value)
    return _load_field(shape, value)


def _load_members(schema: Schema, value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    loaded: dict[str, Any] = {}
    for name, field in schema.dump_fields.items():
        key = name if field.data_key is None else field.data_key
        if key in value:
            loaded[field.attribute or name] = _load_field(field, value[key])
    return loaded


def _load_field(field: Field[Any], value: Any) -> Any:
    if value is None:
        return None
    if isinstance(field, fields.Pluck):
        inner = field.schema.fields[field.field_name]
        return [_load_field(inner, item) for item in value] if field.many else _load_field(inner, value)
    if isinstance(field, fields.Nested):
        schema = field.schema
        is_many = field.many or schema.many
        return [_load_members(schema, item) for item in value] if is_many else _load_members(schema, value)
    if isinstance(field, fields.List):
        return [_load_field(field.inner, item) for item in value]
    if isinstance(field, fields.Tuple):
        return tuple(_load_field(inner, item) for inner, item in zip(field.tuple_fields, value, strict=True))
    if isinstance(field, fields.Mapping):
        return _load_mapping(field, value)
    return field._deserialize(value, None, None)


def _load_mapping(field: fields.Mapping[Any], value: Mapping[str, Any]) -> dict[Any, Any]:
    names, values = field.key_field, field.value_field
    return {
        name if names is None else _load_field(names, name): item if values is None else _load_field(values, item)
        for name, item in value.items()
    }
