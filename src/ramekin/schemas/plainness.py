"""What of schemas, fields and classes is left as it came, so that compiled code may do the work in its place."""

from __future__ import annotations

from inspect import getattr_static
from types import MemberDescriptorType
from typing import Any

from marshmallow import Schema
from marshmallow.decorators import POST_DUMP, PRE_DUMP
from marshmallow.fields import Field

_STEPS = ("dump", "_serialize", "_invoke_dump_processors", "_invoke_processors")


def dumps_by_steps(schema: Schema) -> bool:
    """Tell whether a schema dumps by marshmallow's own steps, none of which is overridden."""
    cls: Any = type(schema)
    return all(getattr(cls, name) is getattr(Schema, name) and name not in schema.__dict__ for name in _STEPS)


def has_dump_hooks(schema: Schema) -> bool:
    """Tell whether a schema has functions to call before or after it dumps."""
    return bool(schema._hooks.get(PRE_DUMP) or schema._hooks.get(POST_DUMP))


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
