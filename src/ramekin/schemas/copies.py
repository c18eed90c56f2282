"""Private copies of schemas and fields: the user's own objects are never changed.

A copy has the same class, options, hooks and state; its fields are copies too, bound to it as the originals are
bound to theirs, without calling the binding hooks again. Nested schemas are copied when they are first needed,
so that recursive schemas work.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable
from typing import Any

from marshmallow import Schema, fields
from marshmallow.fields import Field

_lock = threading.RLock()


def copy_schema(schema: Schema) -> Schema:
    """Copy a schema with its fields."""
    twin = copy.copy(schema)
    adopted: dict[int, Field[Any]] = {}
    for attribute in ("declared_fields", "fields", "load_fields", "dump_fields"):
        mapping = copy.copy(getattr(schema, attribute))
        for name, field in mapping.items():
            if id(field) not in adopted:
                adopted[id(field)] = _adopt(field, twin, twin)
            mapping[name] = adopted[id(field)]
        setattr(twin, attribute, mapping)
    return twin


def copy_field(field: Field[Any]) -> Field[Any]:
    """Copy a field that belongs to no schema, with its inner fields."""
    return _adopt(field, field.parent, field.root)


def _adopt(field: Field[Any], parent: Any, root: Schema | None) -> Field[Any]:
    """Copy a field, and the fields inside it, for a new parent."""
    twin = copy.copy(field)
    twin.parent = parent
    twin.root = root
    twin.error_messages = dict(field.error_messages)
    twin.validators = list(field.validators)
    if isinstance(twin, fields.List):
        twin.inner = _adopt(twin.inner, twin, root)
    elif isinstance(twin, fields.Tuple):
        twin.tuple_fields = [_adopt(each, twin, root) for each in twin.tuple_fields]
    elif isinstance(twin, fields.Mapping):
        twin.key_field = twin.key_field and _adopt(twin.key_field, twin, root)
        twin.value_field = twin.value_field and _adopt(twin.value_field, twin, root)
    elif isinstance(twin, fields.Enum):
        twin.field = copy_field(twin.field)
    elif isinstance(twin, fields.Method):
        _rebind_methods(twin, field.parent, parent)
    return twin


def _rebind_methods(twin: fields.Method, old: Any, new: Any) -> None:
    """Point a Method field at the copied schema where it pointed at the original."""
    for attribute in ("_serialize_method", "_deserialize_method"):
        method = getattr(twin, attribute)
        if method is not None and getattr(method, "__self__", None) is old:
            setattr(twin, attribute, method.__func__.__get__(new))


def finds_schema_itself(field: fields.Nested) -> bool:
    """Tell whether a Nested field finds its schema as marshmallow does, so that a copy can take its place."""
    return type(field).schema is fields.Nested.schema


def settle_schema(field: fields.Nested, change: Callable[[Schema], Schema]) -> Schema:
    """Give a copied Nested field its own schema, changed as told; a second call changes nothing."""
    with _lock:
        if "_settled" not in field.__dict__:
            field._schema = change(copy_schema(field._schema or _resolve(field)))
            field.__dict__["_settled"] = True
    return field.schema


def _resolve(field: fields.Nested) -> Schema:
    """Find the schema of a copied field; a schema instance of the user's is not bound a second time."""
    stated = nested = field.nested
    if callable(nested) and not isinstance(nested, type):
        nested = nested()
    field.nested = copy_schema(nested) if isinstance(nested, Schema) else nested
    try:
        return field.schema
    finally:
        field.nested = stated
        field._schema = None
