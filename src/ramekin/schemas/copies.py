"""Private copies of schemas and fields: the user's own objects are never changed.

A copy has the same class, options, hooks and state; its fields are copies too, bound to it as the originals are
bound to theirs, without calling the binding hooks again. Nested schemas are copied when they are first needed,
so that recursive schemas work.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Hashable
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


class Identity:
    """An object as a key by what it is, not by what it equals; it keeps the object alive.

    Attributes:
        given: The object.
    """

    __slots__ = ("given",)

    def __init__(self, given: Any) -> None:
        self.given = given

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Identity) and other.given is self.given

    def __hash__(self) -> int:
        return id(self.given)


def nesting_key(field: fields.Nested) -> Hashable:
    """Return what tells the schema of a Nested field from others: equal keys stand for equal schemas."""
    nested = field.nested
    return (
        nested if isinstance(nested, (str, type)) else Identity(nested),
        None if field.only is None else tuple(field.only),
        tuple(field.exclude),
        field.many,
        tuple(field._nested_normalized_option("load_only")),
        tuple(field._nested_normalized_option("dump_only")),
        Identity(field._schema),
    )


def barred_names(schema: Schema) -> list[str]:
    """Return the names by which input could set what a schema only dumps: that on the wire, and those in Python.

    To marshmallow they are unknown names, which a schema with ``unknown=INCLUDE`` takes.
    """
    known = {field.data_key or name for name, field in schema.load_fields.items()}
    barred = {
        each
        for name, field in schema.fields.items()
        if field.dump_only
        for each in (name, field.data_key or name, field.attribute or name)
    }
    return sorted(barred - known)


def settle_schema(
    field: fields.Nested, made: dict[Any, Schema], change: Callable[[Schema], Schema], *distinction: Hashable
) -> None:
    """Give a copied Nested field its own schema, changed as told.

    Args:
        field: A field of a copy.
        made: The schemas made so far, shared by equal fields: input must not decide how many there are.
        change: Called once for a new schema.
        distinction: What else tells one schema from another.
    """
    with _lock:
        if "_settled" in field.__dict__:
            return
        key = (nesting_key(field), *distinction)
        if key not in made:
            made[key] = copy_schema(field._schema or _resolve(field))
            change(made[key])
        field._schema = made[key]
        field.__dict__["_settled"] = True


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
