"""The settings of an app: one validated, frozen object, and how it is loaded.

`Settings` states each name, type and default once; the marshmallow schema that judges what a mapping, a TOML file or
the environment says is derived from it.

Specification: TOML 1.0; RFC 3986 §3 for `problem_base_uri`; RFC 9110 §5.6.2 for the token in `request_id_header`.
"""

from __future__ import annotations

import os
import string
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, dataclass, field, fields, is_dataclass, replace
from functools import cache
from types import MappingProxyType
from typing import Annotated, Any, Literal, Protocol, TypeAlias, get_args, get_origin, get_type_hints

from marshmallow import Schema, ValidationError
from marshmallow import fields as marshmallow_fields
from marshmallow import validate as validators

from ramekin.errors import SettingsError
from ramekin.limits import Limits
from ramekin.types import SchemaLike

_TOKEN = frozenset(string.ascii_letters + string.digits + "!#$%&'*+-.^_`|~")
_SCHEME = frozenset(string.ascii_letters + string.digits + "+-.")
_PATH = frozenset(string.ascii_letters + string.digits + "-._~!$&'()*+,;=:@/%")
_URI = _PATH | frozenset("?#[]")

# Names with the prefix of Ramekin that belong to its command line and to its own test run.
_NOT_SETTINGS = frozenset({"RAMEKIN_APP", "RAMEKIN_ACCEPTANCE"})
_WORDS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}


def _check_header_name(value: str) -> None:
    if not value or not _TOKEN.issuperset(value):
        raise ValidationError("Must be the name of a header field, such as X-Request-ID.")


def _check_path(value: str) -> None:
    if not value.startswith("/") or value.startswith("//") or not _PATH.issuperset(value):
        raise ValidationError("Must be a path that begins with one '/', such as /docs.")


def _check_absolute_uri(value: str) -> None:
    scheme, colon, rest = value.partition(":")
    complete = bool(colon) and bool(rest.strip("/")) and scheme[:1].isalpha()
    if not complete or not _SCHEME.issuperset(scheme) or not _URI.issuperset(rest):
        raise ValidationError("Must be an absolute URI, such as https://example.com/problems/.")


# What a type leaves open stands beside it: the derived schema takes these as its validators.
HeaderName: TypeAlias = Annotated[str, _check_header_name]
AbsolutePath: TypeAlias = Annotated[str, _check_path]
AbsoluteURI: TypeAlias = Annotated[str, _check_absolute_uri]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How an app behaves where its code does not say.

    Attributes:
        debug: Show traces of unhandled exceptions, in the development server only.
        propagate_exceptions: Let unhandled exceptions through to the server or test client instead of answering 500;
            implied by ``debug``.
        limits: What a request may cost; an operation may declare its own.
        problem_base_uri: What the ``type`` of problems begins with; ``about:blank`` when None.
        request_id_header: The header that a trusted proxy sets to a request's id, echoed in the response; ids are
            random when None.
        access_log: Send one record per request to the logger ``ramekin.access``.
        unique_keys: Refuse JSON objects with a repeated key.
        openapi_version: Version of the document that is served.
        openapi_path: Where the document is served; nowhere when None.
        docs_path: Where the docs page is served; nowhere when None.
        extra: The app's own settings, which ``repr`` leaves out because secrets may be among them.

    Raises:
        SettingsError: A value is none of its setting's.
    """

    debug: bool = False
    propagate_exceptions: bool = False
    limits: Limits = field(default_factory=Limits)
    problem_base_uri: AbsoluteURI | None = None
    request_id_header: HeaderName | None = None
    access_log: bool = True
    unique_keys: bool = True
    openapi_version: Literal["3.1", "3.0"] = "3.1"
    openapi_path: AbsolutePath | None = "/openapi.json"
    docs_path: AbsolutePath | None = "/docs"
    extra: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}), repr=False)

    def __post_init__(self) -> None:
        if not isinstance(self.limits, Limits):
            raise SettingsError(f"Settings.limits must be a Limits, not {self.limits!r}.")
        if not isinstance(self.extra, Mapping):
            raise SettingsError("Settings.extra must be a mapping.")
        # What was left at its default is right, so an app without settings of its own pays nothing.
        given = {item.name: getattr(self, item.name) for item in fields(self) if item.default is not MISSING}
        changed = {name: value for name, value in given.items() if value is not _defaults()[name]}
        if changed and (messages := _derive_schema(Settings).validate(changed, partial=True)):
            raise SettingsError("\n".join(f"Settings.{'.'.join(key)}: {text}" for key, text in _flatten(messages)))
        if self.openapi_path is not None and self.openapi_path == self.docs_path:
            raise SettingsError(f"openapi_path and docs_path are both {self.docs_path!r}; each needs its own.")

    def changed(self, **changes: Any) -> Settings:
        """Return these settings with some values replaced."""
        return replace(self, **changes)


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
                _put(found, _match_names(schema, name.removeprefix(self.prefix).split("__")), text)
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
class _Given:
    """A mapping that was passed in."""

    values: Mapping[str, Any]
    position: int

    def read(self, schema: Schema) -> dict[str, Any]:
        return dict(self.values)

    def convert(self, field: marshmallow_fields.Field[Any], value: Any) -> Any:
        return value

    def place(self, key: tuple[str, ...]) -> str:
        return f"{'.'.join(map(str, key))} from the mapping given as source {self.position}"


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
    schema = _derive_schema(Settings)
    if extra is not None:
        schema = _with_extra(schema, extra)
    named = [_Given(item, place) if isinstance(item, Mapping) else item for place, item in enumerate(sources, 1)]
    values, origins = _merge_sources(named, schema)
    if extra is not None:
        values.setdefault("extra", {})
    try:
        loaded = schema.load(values)
    except ValidationError as error:
        messages = error.messages_dict
    else:
        return _build_settings(loaded)
    raise _describe_faults(messages, values, origins, named, schema)


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
            _put(values, key, value if known is None else source.convert(known, value))
            origins[key] = source
    return values, origins


def _walk(
    content: Mapping[Any, Any], schema: Schema, above: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], marshmallow_fields.Field[Any] | None, Any]]:
    """Yield each key of a source with its field and value; a section is entered, any other mapping is a value."""
    by_name = _names(schema)
    for name, value in ((str(name), value) for name, value in content.items()):
        field = by_name.get(name)
        if isinstance(field, marshmallow_fields.Nested) and not field.many and isinstance(value, Mapping):
            yield from _walk(value, field.schema, (*above, name))
        else:
            yield (*above, name), field, value


def _put(values: dict[str, Any], key: tuple[str, ...], value: Any) -> None:
    for name in key[:-1]:
        inner = values.get(name)
        values[name] = values = inner if isinstance(inner, dict) else {}
    values[key[-1]] = value


def _names(schema: Schema) -> dict[str, marshmallow_fields.Field[Any]]:
    """Return the fields of a schema by the names that sources use."""
    return {field.data_key or name: field for name, field in schema.load_fields.items()}


def _variable_part(name: str) -> str:
    return name.upper().replace("-", "_")


def _match_names(schema: Schema, parts: list[str]) -> tuple[str, ...]:
    """Return the key that the parts of a variable's name set; in lower case where there is none."""
    known = {_variable_part(name): (name, field) for name, field in _names(schema).items()}
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


@cache
def _defaults() -> dict[str, Any]:
    return {item.name: item.default for item in fields(Settings)}


@cache
def _derive_schema(record: type[Any]) -> Schema:
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
        return marshmallow_fields.Nested(_derive_schema(hint))
    if hint is int:
        return _ExactInteger(validate=validators.Range(min=1))
    if hint is bool:
        return _ExactBoolean()
    return marshmallow_fields.String(validate=checks, allow_none=allow_none)


def _with_extra(schema: Schema, extra: SchemaLike) -> Schema:
    """Return the schema with the app's own in its section."""
    if isinstance(extra, Mapping):
        extra = Schema.from_dict(dict(extra), name="ExtraSchema")
    instance = extra() if isinstance(extra, type) and issubclass(extra, Schema) else extra
    if not isinstance(instance, Schema) or instance.many:
        raise SettingsError(f"extra= must be the schema of one object or a dict of fields, not {extra!r}.")
    return Schema.from_dict({**schema.fields, "extra": marshmallow_fields.Nested(instance)}, name="SettingsSchema")()


def _build_settings(loaded: dict[str, Any]) -> Settings:
    if "limits" in loaded:
        loaded["limits"] = Limits(**loaded["limits"])
    if "extra" in loaded:
        if not isinstance(loaded["extra"], Mapping):
            raise SettingsError("The schema given as extra= must load to a mapping.")
        loaded["extra"] = MappingProxyType(dict(loaded["extra"]))
    return Settings(**loaded)


def _flatten(messages: Any, above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield each message with its key."""
    if isinstance(messages, Mapping):
        for name, inner in messages.items():
            yield from _flatten(inner, above if name == "_schema" else (*above, str(name)))
    elif isinstance(messages, list):
        for inner in messages:
            yield from _flatten(inner, above)
    else:
        yield above, str(messages)


def _describe_faults(
    messages: Mapping[Any, Any],
    values: dict[str, Any],
    origins: Mapping[tuple[str, ...], Source],
    sources: list[Any],
    schema: Schema,
) -> SettingsError:
    """Make the error that names every fault with its key and source."""
    lines = []
    for key, text in _flatten(messages):
        known, siblings = _find_fields(schema, key)
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


def _find_fields(
    schema: Schema, key: tuple[str, ...]
) -> tuple[list[marshmallow_fields.Field[Any]] | None, tuple[str, ...]]:
    """Return the fields on the way of a key, or None with the names that stand where it leaves the schema."""
    found: list[marshmallow_fields.Field[Any]] = []
    within: Schema | None = schema
    for name in key:
        if within is None:
            # Deeper keys lie inside a value: an item of a list, a member of a mapping.
            break
        known = _names(within)
        if name not in known:
            return None, tuple(known)
        found.append(known[name])
        within = found[-1].schema if isinstance(found[-1], marshmallow_fields.Nested) and not found[-1].many else None
    return found, ()


def _suggest(key: tuple[str, ...], siblings: tuple[str, ...], schema: Schema, source: Source) -> str:
    """Return the sentence after "Unknown setting": the key that may have been meant, or those that exist."""
    from difflib import get_close_matches

    if key[0] == "extra" and "extra" not in siblings and len(key) == 1:
        return " The app's own settings need a schema: load_settings(…, extra=…)."
    name = key[-1].lower().replace("__", ".")
    close = get_close_matches(name, siblings, n=1)
    if not close and len(key) == 1:
        # It may stand in a section.
        nested = {section: field for section, field in _names(schema).items() if hasattr(field, "schema")}
        inner = [f"{section}.{item}" for section, field in nested.items() for item in _names(field.schema)]
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
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield name
            yield from _leaves(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(inner)
    elif isinstance(value, str) or (isinstance(value, (int, float)) and not isinstance(value, bool)):
        yield value
