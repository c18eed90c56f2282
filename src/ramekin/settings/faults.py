"""Faults of settings: each is said with its key and source, and with what was meant; no secret is repeated."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from marshmallow import Schema

from ramekin.errors import SettingsError
from ramekin.settings.schema import find_fields, flatten_messages, list_fields
from ramekin.settings.sources import Environment, Source


def describe_faults(
    messages: Mapping[Any, Any],
    values: dict[str, Any],
    origins: Mapping[tuple[str, ...], Source],
    sources: list[Any],
    schema: Schema,
) -> SettingsError:
    """Make the error that names every fault with its key and source."""
    lines = []
    for key, text in flatten_messages(messages):
        known, siblings = find_fields(schema, key)
        given = next((key[:length] for length in range(len(key), 0, -1) if key[:length] in origins), None)
        if given is None:
            missing = known and known[-1].required
            reason = f"{text} {_ways_to_set(key, sources)}" if missing else text
            lines.append(f"{'.'.join(key) or 'settings'}: {reason}")
        elif known is None and given == key:
            lines.append(f"{origins[key].place(key)}: Unknown setting.{_suggest(key, siblings, schema, origins[key])}")
        else:
            secret = any(item.load_only for item in known or ())
            lines.append(
                f"{origins[given].place(key)}: {_without_secret(text, _value_at(values, given), secret=secret)}"
            )
    return SettingsError("\n".join(lines))


def _suggest(key: tuple[str, ...], siblings: tuple[str, ...], schema: Schema, source: Source) -> str:
    """Return the sentence after "Unknown setting": the key that may have been meant, or those that exist."""
    from difflib import get_close_matches

    if key[0] == "extra" and "extra" not in siblings and len(key) == 1:
        return " The app's own settings need a schema: load_settings(…, extra=…)."
    name = key[-1].lower().replace("__", ".")
    close = get_close_matches(name, siblings, n=1)
    if not close and len(key) == 1:
        # It may stand in a section.
        nested = {section: field for section, field in list_fields(schema).items() if hasattr(field, "schema")}
        inner = [f"{section}.{item}" for section, field in nested.items() for item in list_fields(field.schema)]
        ending = [item for item in inner if item.partition(".")[2] == name]
        close = ending or get_close_matches(name, inner, n=1, cutoff=0.8)
    if not close:
        return f" Known {'here' if len(key) > 1 else 'settings'}: {', '.join(siblings)}."
    meant = (*key[:-1], *close[0].split("."))
    return f" Did you mean {source.variable(meant) if isinstance(source, Environment) else '.'.join(meant)}?"


def _ways_to_set(key: tuple[str, ...], sources: list[Any]) -> str:
    ways = [".".join(key)]
    ways += [f"{source.variable(key)} in the environment" for source in sources if isinstance(source, Environment)]
    return f"No source sets it; set {' or '.join(ways)}."


def _value_at(values: Any, key: tuple[str, ...]) -> Any:
    for name in key:
        values = values[name]
    return values


def _without_secret(text: str, value: Any, *, secret: bool) -> str:
    """Return a message of a field, without the value that it quotes where that is a secret."""
    return "Not a valid value." if secret and any(piece in text for piece in map(str, _leaves(value))) else text


def _leaves(value: Any) -> Iterator[Any]:
    """Yield every name, item and member of a value, at any depth."""
    if isinstance(value, Mapping | list):
        for part in (*value, *value.values()) if isinstance(value, Mapping) else value:
            yield from _leaves(part)
    else:
        yield value
