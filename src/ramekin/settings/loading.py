"""Loading: one settings object of several sources."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from marshmallow import Schema, ValidationError
from marshmallow import fields as marshmallow_fields

from ramekin.errors import SettingsError
from ramekin.limits import Limits
from ramekin.settings.cors import CORS
from ramekin.settings.faults import describe_faults
from ramekin.settings.record import Settings
from ramekin.settings.schema import add_extra, derive_schema, list_fields
from ramekin.settings.sources import Given, Source, put_value
from ramekin.types import SchemaLike


def load_settings(*sources: Source | Mapping[str, Any], extra: SchemaLike | None = None) -> Settings:
    """Make one settings object of several sources; what a later one says goes over an earlier one.

    Args:
        sources: Mappings, `TomlFile` and `Environment`, the last with the last word.
        extra: The schema of the app's own settings, which stand in the section ``extra`` of every source
            (``[extra]``, ``RAMEKIN_EXTRA__DATABASE``) and in `Settings.extra`.

    Raises:
        SettingsError: A source cannot be read, a key is unknown or missing, or a value does not fit. All faults are
            named together, each with its key and source; values are not repeated.

    Example:
        >>> settings = load_settings({"limits": {"json_depth": 16}}, Environment(variables={"RAMEKIN_DEBUG": "yes"}))
        >>> settings.debug, settings.limits.json_depth
        (True, 16)
    """
    schema = derive_schema(Settings)
    if extra is not None:
        schema = add_extra(schema, extra)
    named = [Given(item, place) if isinstance(item, Mapping) else item for place, item in enumerate(sources, 1)]
    values, origins = _merge_sources(named, schema)
    if extra is not None:
        values.setdefault("extra", {})
    try:
        loaded = schema.load(values)
    except ValidationError as error:
        messages = error.messages_dict
    else:
        return _build_settings(loaded)
    raise describe_faults(messages, values, origins, named, schema)


def _merge_sources(sources: list[Any], schema: Schema) -> tuple[dict[str, Any], dict[tuple[str, ...], Source]]:
    """Return the values of all sources in one, and for each key the source that has the last word on it."""
    read, unreadable = [], []
    for source in sources:
        try:
            read.append((source, source.read(schema)))
        except SettingsError as error:
            unreadable.append(str(error))
    if unreadable:
        raise SettingsError("\n".join(unreadable))
    values: dict[str, Any] = {}
    origins: dict[tuple[str, ...], Source] = {}
    for source, content in read:
        for key, known, value in _walk(content, schema):
            put_value(values, key, value if known is None else source.convert(known, value))
            origins[key] = source
    return values, origins


def _walk(
    content: Mapping[Any, Any], schema: Schema, above: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], marshmallow_fields.Field[Any] | None, Any]]:
    """Yield each key of a source with its field and value; a section is entered, any other mapping is a value."""
    by_name = list_fields(schema)
    for name, value in ((str(name), value) for name, value in content.items()):
        field = by_name.get(name)
        if isinstance(field, marshmallow_fields.Nested) and not field.many and isinstance(value, Mapping):
            yield from _walk(value, field.schema, (*above, name))
        else:
            yield (*above, name), field, value


def _build_settings(loaded: dict[str, Any]) -> Settings:
    if "limits" in loaded:
        loaded["limits"] = Limits(**loaded["limits"])
    if "cors" in loaded:
        loaded["cors"] = CORS(**loaded["cors"])
    if "extra" in loaded:
        if not isinstance(loaded["extra"], Mapping):
            raise SettingsError("The schema given as extra= must load to a mapping.")
        loaded["extra"] = MappingProxyType(dict(loaded["extra"]))
    return Settings(**loaded)
