"""From the JSON of a response to the values that it stands for, by the schema that dumped it, and the way back.

A schema's own ``load`` would refuse what it only dumps and run hooks that make objects of input. Here each field that
it dumps turns its own member back: texts into dates, UUIDs and members of an Enum, objects into dicts by field names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from enum import Enum
from typing import Any

from marshmallow import Schema, fields
from marshmallow.fields import Field

from ramekin.inputs.names import load_names
from ramekin.types import Shape

#: Values of Python that each field spells in a way of its own.
_SPELT = (
    (fields.Enum, Enum),
    (fields.TimeDelta, timedelta),
    (fields.DateTime, datetime),
    (fields.Date, date),
    (fields.Time, time),
)


def dump_value(shape: Shape, value: Any) -> Any:
    """Return a value for a request with members of an Enum, dates, times and durations as their fields dump them.

    Args:
        shape: The schema or field that is to load it.
        value: JSON, and such values in it; what does not fit the shape is left as it is.
    """
    if isinstance(shape, Schema):
        return _dump_all(lambda item: _dump_members(shape, item), value) if shape.many else _dump_members(shape, value)
    return _dump_field(shape, value)


def _dump_all(dump: Callable[[Any], Any], value: Any) -> Any:
    return [dump(item) for item in value] if isinstance(value, list | tuple) else value


def _dump_members(schema: Schema, value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    known = load_names(schema)
    return {name: _dump_field(known[name], item) if name in known else item for name, item in value.items()}


def _dump_field(field: Field[Any], value: Any) -> Any:
    if isinstance(field, fields.Nested) and not isinstance(field, fields.Pluck):
        schema = field.schema
        is_many = field.many or schema.many
        return _dump_all(lambda item: _dump_members(schema, item), value) if is_many else _dump_members(schema, value)
    if isinstance(field, fields.List):
        return _dump_all(lambda item: _dump_field(field.inner, item), value)
    if isinstance(field, fields.Mapping) and isinstance(value, Mapping) and field.value_field is not None:
        inner = field.value_field
        return {name: _dump_field(inner, item) for name, item in value.items()}
    if any(isinstance(field, kind) and isinstance(value, values) for kind, values in _SPELT):
        try:
            return field._serialize(value, None, None)
        except (ValueError, TypeError):  # A member of another Enum, say; the app is to refuse it.
            return value
    return value


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
