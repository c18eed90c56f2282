"""What a declaration takes where it wants a schema, and the one shape that it becomes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema
from marshmallow.fields import Field

from ramekin.errors import DeclarationError
from ramekin.types import SchemaLike, Shape

_EXPECTED = "a Schema class, a Schema instance, a mapping of names to fields, or one field"


def resolve(given: SchemaLike | Any, *, where: str, name: str = "") -> Shape:
    """Return the schema instance or the field that a schema-like stands for.

    Args:
        given: A Schema class, an instance, a mapping of names to fields, or one field.
        where: The place of the declaration, for the error.
        name: The class name of the schema that a mapping becomes.

    Raises:
        DeclarationError: It is none of these.
    """
    if isinstance(given, (Schema, Field)):
        return given
    if isinstance(given, type) and issubclass(given, Schema):
        return _instantiate(given, where)
    if isinstance(given, Mapping):
        _check_fields(given, where)
        return _instantiate(Schema.from_dict(dict(given), name=name or "AnonymousSchema"), where)
    if isinstance(given, type) and issubclass(given, Field):
        raise DeclarationError(f"{where}: a field is given as an instance: {given.__name__}(), not {given.__name__}.")
    raise DeclarationError(f"{where}: given {given!r}, expected {_EXPECTED}.")


def _instantiate(cls: type[Schema], where: str) -> Schema:
    try:
        return cls()
    except (TypeError, ValueError) as error:
        raise DeclarationError(f"{where}: {cls.__name__} cannot be made without arguments: {error}") from error


def _check_fields(given: Mapping[Any, Any], where: str) -> None:
    for name, field in given.items():
        if not isinstance(name, str):
            raise DeclarationError(f"{where}: the name of a field is a string, not {name!r}.")
        if isinstance(field, type) and issubclass(field, Field):
            raise DeclarationError(f"{where}: the field {name!r} is given as an instance: {field.__name__}().")
        if not isinstance(field, Field):
            raise DeclarationError(f"{where}: the field {name!r} is {field!r}, expected a marshmallow field.")
