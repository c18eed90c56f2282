"""What of schemas, fields and classes is left as it came, so that compiled code may do the work in its place."""

from __future__ import annotations

import enum
from inspect import getattr_static
from types import MemberDescriptorType
from typing import Any

from marshmallow import Schema, fields
from marshmallow.decorators import POST_DUMP, PRE_DUMP
from marshmallow.fields import Field

from ramekin.schemas.copies import finds_schema_itself
from ramekin.schemas.strictness import SettledNested

_ENUM_NAME, _ENUM_VALUE = getattr_static(enum.Enum, "name"), getattr_static(enum.Enum, "value")

_DUMP_STEPS = ("dump", "_serialize", "_invoke_dump_processors", "_invoke_processors")

_LOAD_STEPS = (
    "load",
    "_do_load",
    "_deserialize",
    "_call_and_store",
    "_invoke_load_processors",
    "_invoke_processors",
    "_invoke_field_validators",
    "_invoke_schema_validators",
    "_run_validator",
)


def dumps_by_steps(schema: Schema) -> bool:
    """Tell whether a schema dumps by marshmallow's own steps, none of which is overridden."""
    cls: Any = type(schema)
    return all(getattr(cls, name) is getattr(Schema, name) and name not in schema.__dict__ for name in _DUMP_STEPS)


def has_dump_hooks(schema: Schema) -> bool:
    """Tell whether a schema has functions to call before or after it dumps."""
    return bool(schema._hooks.get(PRE_DUMP) or schema._hooks.get(POST_DUMP))


def load_hooks(schema: Schema) -> dict[str, Any]:
    """Return the functions that a schema calls before or after it loads, by their tag."""
    return {tag: each for tag, each in schema._hooks.items() if each and tag not in (PRE_DUMP, POST_DUMP)}


def reads_itself(schema: Schema) -> bool:
    """Tell whether a schema has its own way to read an attribute."""
    cls: Any = type(schema)
    base: Any = Schema
    return "get_attribute" in schema.__dict__ or cls.get_attribute is not base.get_attribute


def is_read_plainly(field: Field[Any]) -> bool:
    """Tell whether a field's value is read from the object by marshmallow's own code, and only once."""
    cls: Any = type(field)
    own = any(each in field.__dict__ for each in ("serialize", "get_value", "_serialize"))
    plain = cls.serialize is Field.serialize and cls.get_value is Field.get_value
    return plain and not own and bool(field._CHECK_ATTRIBUTE)


def dumps_name(field: fields.Enum[Any]) -> bool:
    """Tell whether a field dumps the members of its enumeration as their names, by marshmallow's own code."""
    own = "_serialize" in field.field.__dict__ or type(field.field) is not fields.String
    plain = type(field.enum) is enum.EnumType and getattr_static(field.enum, "name") is _ENUM_NAME
    return plain and not own and not field.by_value


def dumps_value(field: fields.Enum[Any]) -> bool:
    """Tell whether a field dumps the members of its enumeration by their values, by marshmallow's own code."""
    plain = type(field.enum) is enum.EnumType and getattr_static(field.enum, "value") is _ENUM_VALUE
    return plain and bool(field.by_value) and "_serialize" not in field.field.__dict__


def has_plain_attributes(cls: type) -> bool:
    """Tell whether marshmallow would read every object of a class by attribute."""
    return (
        not hasattr(cls, "__getitem__")
        and not hasattr(cls, "__getattr__")
        and getattr_static(cls, "__getattribute__") is object.__getattribute__
    )


def is_data(cls: type, attribute: str) -> bool:
    """Tell whether an attribute of objects is read without running code: of itself, a slot or a constant."""
    for base in cls.__mro__:
        if attribute in base.__dict__:
            found = base.__dict__[attribute]
            return type(found) is MemberDescriptorType or not hasattr(type(found), "__get__")
    return True


def loads_by_steps(schema: Schema) -> bool:
    """Tell whether a schema loads by marshmallow's own steps, none of which is overridden."""
    cls: Any = type(schema)
    return all(getattr(cls, name) is getattr(Schema, name) and name not in schema.__dict__ for name in _LOAD_STEPS)


def nests_plainly(field: fields.Nested) -> bool:
    """Tell whether a Nested field loads by its schema alone, in marshmallow's own way."""
    cls: Any = type(field)
    own = field.__dict__.get("_deserialize")
    methods = ("_deserialize", "_load", "_test_collection")
    return (
        all(getattr(cls, name) is getattr(fields.Nested, name) for name in methods)
        and finds_schema_itself(field)
        and (own is None or type(own) is SettledNested)
        and "_load" not in field.__dict__
    )


def handles_errors(schema: Schema) -> bool:
    """Tell whether a schema has its own `Schema.handle_error`."""
    return type(schema).handle_error is not Schema.handle_error or "handle_error" in schema.__dict__


def nested_schema(field: fields.Nested) -> Schema:
    """Return the schema of a Nested field that loads plainly, made strict where the field is."""
    own = field.__dict__.get("_deserialize")
    return own.settle() if type(own) is SettledNested else field.schema
