"""Where settings come from: TOML files, the environment, mappings.

Specification: TOML 1.0.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from marshmallow import Schema
from marshmallow import fields as marshmallow_fields

from ramekin.errors import SettingsError
from ramekin.settings.schema import list_fields

# Names with the prefix of Ramekin that belong to its command line and to its own test run.
_NOT_SETTINGS = frozenset({"RAMEKIN_APP", "RAMEKIN_ACCEPTANCE"})
_WORDS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}


class Source(Protocol):
    """Where settings come from; a mapping is taken as one too."""

    def read(self, schema: Schema) -> dict[str, Any]:
        """Return what it says, nested as the schema is.

        Raises:
            SettingsError: It cannot be read.
        """

    def convert(self, field: marshmallow_fields.Field[Any], value: Any) -> Any:
        """Return a value as the field takes it; as it is where it does not fit, for the field to refuse."""

    def place(self, key: tuple[str, ...]) -> str:
        """Return how an error names a key of this source."""


@dataclass(frozen=True, slots=True)
class Environment:
    """Settings from environment variables.

    ``RAMEKIN_DEBUG`` sets ``debug``, ``RAMEKIN_LIMITS__BODY_BYTES`` sets ``limits.body_bytes``. Every variable with the
    prefix has to be a setting, so a misspelt one is refused.

    Attributes:
        prefix: What the variables begin with.
        variables: Where they stand; the environment of the process when None.
    """

    prefix: str = "RAMEKIN_"
    variables: Mapping[str, str] | None = None

    def __post_init__(self) -> None:
        if not self.prefix:
            raise SettingsError("Environment needs a prefix; without one every variable would have to be a setting.")

    def read(self, schema: Schema) -> dict[str, Any]:
        """Return the variables that have the prefix, by the keys that they set."""
        found: dict[str, Any] = {}
        for name, text in sorted((os.environ if self.variables is None else self.variables).items()):
            if name.startswith(self.prefix) and name not in _NOT_SETTINGS:
                put_value(found, _match_names(schema, name.removeprefix(self.prefix).split("__")), text)
        return found

    def convert(self, field: marshmallow_fields.Field[Any], value: Any) -> Any:
        """Return a text as the field takes it."""
        return _read_text(field, value) if isinstance(value, str) else value

    def place(self, key: tuple[str, ...]) -> str:
        """Return the variable's name."""
        return f"{self.variable(key)} from the environment"

    def variable(self, key: tuple[str, ...]) -> str:
        """Return the name of the variable that sets a key."""
        return self.prefix + "__".join(_variable_part(name) for name in key)


@dataclass(frozen=True, slots=True)
class TomlFile:
    """Settings from a TOML file.

    TOML has no null: an empty string stands for it in a setting that can be null.

    Attributes:
        path: The file.
        table: The table in it that has them, such as ``"tool.ramekin"``; the whole file when empty.
        optional: Whether the file may be missing.
    """

    path: str | os.PathLike[str]
    table: str = ""
    optional: bool = False

    def read(self, schema: Schema) -> dict[str, Any]:
        """Read the file and return its table."""
        import tomllib

        try:
            with open(self.path, "rb") as file:
                content: Any = tomllib.load(file)
        except FileNotFoundError:
            if self.optional:
                return {}
            raise SettingsError(f"{os.fspath(self.path)}: there is no such file.") from None
        except OSError as error:
            raise SettingsError(f"{os.fspath(self.path)} cannot be read: {error.strerror}.") from None
        except ValueError as error:
            # A decoding error's text may hold a piece of the file; where it is says enough.
            reason = str(error) if isinstance(error, tomllib.TOMLDecodeError) else "not in UTF-8"
            raise SettingsError(f"{os.fspath(self.path)} is not TOML: {reason}.") from None
        for name in self.table.split(".") if self.table else ():
            content = content.get(name, {}) if isinstance(content, dict) else content
        if not isinstance(content, dict):
            raise SettingsError(f"{os.fspath(self.path)}: {self.table} is not a table.")
        return content

    def convert(self, field: marshmallow_fields.Field[Any], value: Any) -> Any:
        """Return None for an empty string where the field can be null."""
        return None if value == "" and field.allow_none else value

    def place(self, key: tuple[str, ...]) -> str:
        """Return the file's name and the key."""
        return f"{os.fspath(self.path)}: {'.'.join((*self.table.split('.'), *key) if self.table else key)}"


@dataclass(frozen=True, slots=True)
class Given:
    """A mapping that was passed in."""

    values: Mapping[str, Any]
    position: int

    def read(self, schema: Schema) -> dict[str, Any]:
        """Return the mapping."""
        return dict(self.values)

    def convert(self, field: marshmallow_fields.Field[Any], value: Any) -> Any:
        """Return the value as it is; a program can say null."""
        return value

    def place(self, key: tuple[str, ...]) -> str:
        """Return the key and which source it is."""
        return f"{'.'.join(map(str, key))} from the mapping given as source {self.position}"


def put_value(values: dict[str, Any], key: tuple[str, ...], value: Any) -> None:
    """Set a key of nested dicts; a section takes the place of a plain value."""
    for name in key[:-1]:
        inner = values.get(name)
        values[name] = values = inner if isinstance(inner, dict) else {}
    values[key[-1]] = value


def _variable_part(name: str) -> str:
    return name.upper().replace("-", "_")


def _match_names(schema: Schema, parts: list[str]) -> tuple[str, ...]:
    """Return the key that the parts of a variable's name set; in lower case where there is none."""
    known = {_variable_part(name): (name, field) for name, field in list_fields(schema).items()}
    name, field = known.get(parts[0], (None, None))
    if name is not None and len(parts) == 1:
        return (name,)
    if name is not None and isinstance(field, marshmallow_fields.Nested) and not field.many:
        return (name, *_match_names(field.schema, parts[1:]))
    return ("__".join(parts).lower(),)


def _read_text(field: marshmallow_fields.Field[Any], text: str) -> Any:
    """Return a text as the field takes it; as it is where it does not fit, for the field to refuse."""
    if not text and field.allow_none:
        return None
    if isinstance(field, marshmallow_fields.Boolean):
        return _WORDS.get(text.strip().lower(), text)
    if isinstance(field, marshmallow_fields.Integer):
        digits = text.strip().removeprefix("-")
        return int(text) if digits.isascii() and digits.isdecimal() and len(digits) <= 40 else text
    if isinstance(field, marshmallow_fields.List) and not text.lstrip().startswith("["):
        return [_read_text(field.inner, part.strip()) for part in text.split(",")] if text.strip() else []
    if isinstance(field, (marshmallow_fields.List, marshmallow_fields.Mapping, marshmallow_fields.Nested)):
        import json

        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            return text
    return text
