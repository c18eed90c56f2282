"""The schema of the settings, derived from their types."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import is_dataclass
from functools import cache
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

from marshmallow import Schema
from marshmallow import fields as marshmallow_fields
from marshmallow import validate as validators

from ramekin.errors import SettingsError
from ramekin.types import SchemaLike


class _ExactInteger(marshmallow_fields.Integer):
    """An integer, and neither a boolean nor a text that looks like one."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        if type(value) is not int:
            raise self.make_error("invalid", input=value)
        return value


class _ExactBoolean(marshmallow_fields.Boolean):
    """True or false, and no word or number for them."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> bool:
        if type(value) is not bool:
            raise self.make_error("invalid", input=value)
        return value


class _Several(marshmallow_fields.List[Any]):
    """A list, loaded to a tuple."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        return tuple(super()._deserialize(value, attr, data, **kwargs))


@cache
def derive_schema(record: type[Any]) -> Schema:
    """Make the schema of a record of settings from the types of its fields."""
    derived = {
        name: _derive_field(hint)
        for name, hint in get_type_hints(record, include_extras=True).items()
        # A mapping has no schema until the app states one.
        if get_origin(hint) is not Mapping
    }
    return Schema.from_dict(derived, name=f"{record.__name__}Schema")()


def _derive_field(
    hint: Any, *, allow_none: bool = False, checks: tuple[Any, ...] = ()
) -> marshmallow_fields.Field[Any]:
    if get_origin(hint) is Annotated:
        return _derive_field(hint.__origin__, allow_none=allow_none, checks=hint.__metadata__)
    if type(None) in get_args(hint):
        (inner,) = (item for item in get_args(hint) if item is not type(None))
        return _derive_field(inner, allow_none=True)
    if get_origin(hint) is Literal:
        return marshmallow_fields.String(validate=validators.OneOf(get_args(hint)), allow_none=allow_none)
    if isinstance(hint, type) and is_dataclass(hint):
        return marshmallow_fields.Nested(derive_schema(hint))
    if get_origin(hint) is tuple:
        return _Several(_derive_field(get_args(hint)[0]))
    if hint is int:
        return _ExactInteger(validate=checks or validators.Range(min=1), allow_none=allow_none)
    if hint is bool:
        return _ExactBoolean()
    return marshmallow_fields.String(validate=checks, allow_none=allow_none)


def add_extra(schema: Schema, extra: SchemaLike) -> Schema:
    """Return the schema with the app's own in its section."""
    if isinstance(extra, Mapping):
        extra = Schema.from_dict(dict(extra), name="ExtraSchema")
    instance = extra() if isinstance(extra, type) and issubclass(extra, Schema) else extra
    if not isinstance(instance, Schema) or instance.many:
        raise SettingsError(f"extra= must be the schema of one object or a dict of fields, not {extra!r}.")
    return Schema.from_dict({**schema.fields, "extra": marshmallow_fields.Nested(instance)}, name="SettingsSchema")()


def list_fields(schema: Schema) -> dict[str, marshmallow_fields.Field[Any]]:
    """Return the fields of a schema by the names that sources use."""
    return {field.data_key or name: field for name, field in schema.load_fields.items()}


def find_fields(
    schema: Schema, key: tuple[str, ...]
) -> tuple[list[marshmallow_fields.Field[Any]] | None, tuple[str, ...]]:
    """Return the fields on the way of a key, or None with the names that stand where it leaves the schema."""
    found: list[marshmallow_fields.Field[Any]] = []
    within: Schema | None = schema
    for name in key:
        if within is None:
            # Deeper keys lie inside a value: an item of a list, a member of a mapping.
            break
        known = list_fields(within)
        if name not in known:
            return None, tuple(known)
        found.append(known[name])
        within = found[-1].schema if isinstance(found[-1], marshmallow_fields.Nested) and not found[-1].many else None
    return found, ()


def flatten_messages(messages: Any, above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield each message with its key."""
    if isinstance(messages, Mapping):
        for name, inner in messages.items():
            yield from flatten_messages(inner, above if name == "_schema" else (*above, str(name)))
    elif isinstance(messages, list):
        for inner in messages:
            yield from flatten_messages(inner, above)
    else:
        yield above, str(messages)
