"""Lists of plain objects, written by the codec in C where the text is proved to be marshmallow's.

A mirror is a struct type of the codec's with the members that a schema dumps. The codec fills mirrors from objects and
writes them in less than half the time that Python takes to make dicts. Before that, a generated function proves that
every object can be read without running any code, and that every value is of an exact type, which marshmallow and the
codec write alike. Nothing is seen when the proof fails: the caller then dumps the same objects by the compiled schema.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable
from keyword import iskeyword
from typing import Any

from marshmallow import Schema, fields
from marshmallow.fields import Field

from ramekin.json import MIRROR_ERRORS, make_mirror, make_mirror_writer
from ramekin.schemas.copies import finds_schema_itself
from ramekin.schemas.elements import compile_function
from ramekin.schemas.plainness import (
    dumps_by_steps,
    has_dump_hooks,
    has_plain_attributes,
    is_data,
    is_read_plainly,
    reads_itself,
)

#: Fewest objects for which the proof costs less than it saves.
FEWEST = 4

#: Lists in a row that could not be proved, after which no more are tried.
_MOST_MISSES = 16

#: Most classes of objects that are remembered as plain.
_MOST_TYPES = 64


class Mirror:
    """Writes lists of plain objects as JSON.

    Args:
        schema: A schema without hooks, which dumps by marshmallow's steps.
    """

    __slots__ = ("_misses", "_schema", "_writers")

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._misses = 0
        self._writers: dict[bool, Callable[[list[Any]], bytes | None]] = {}

    def write(self, objects: list[Any]) -> bytes | None:
        """Return the JSON text of what the schema dumps with ``many=True``, None where that could not be proved."""
        if self._misses >= _MOST_MISSES or not objects:
            return None
        by_key = type(objects[0]) is dict
        if by_key not in self._writers:
            self._writers[by_key] = _compile_writer(self._schema, by_key)
        text = self._writers[by_key](objects)
        self._misses = self._misses + 1 if text is None else 0
        return text


def _compile_writer(schema: Schema, by_key: bool) -> Callable[[list[Any]], bytes | None]:
    source = _ProofSource(by_key)
    mirror = source.add_schema(schema, "o", 2, ())
    if mirror is None:
        return lambda objects: None
    prove, write_mirrors = source.compile(), make_mirror_writer(mirror)

    def write(objects: list[Any]) -> bytes | None:
        try:
            in_utc = prove(objects)
            if in_utc is None:
                return None
            text = write_mirrors(objects)
        except MIRROR_ERRORS:
            return None
        return _spell_utc(text, in_utc) if in_utc else text

    return write


def _spell_utc(text: bytes, times: int) -> bytes | None:
    """Write UTC as an offset, where the codec writes Z; return None where what is a time cannot be told.

    Args:
        text: What the codec wrote.
        times: How many times in UTC it holds.
    """
    # The growth tells how often Z was replaced: where only as often as there are times, there was no other.
    spelt = text.replace(b"Z", b"+00:00")
    if len(spelt) - len(text) == 5 * times:
        return spelt
    # No key ends in Z, and a quote within a string is escaped, so only strings that end so can be mistaken for times.
    spelt = b'+00:00"'.join(text.split(b'Z"'))
    return spelt if len(spelt) - len(text) == 5 * times else None


class _ProofSource:
    """Collects the source of the function that proves objects.

    The function takes a list and returns how many times in UTC it holds, None if anything is not proved.

    Args:
        by_key: Whether the objects are dicts; else their attributes are read.
    """

    def __init__(self, by_key: bool) -> None:
        self.by_key = by_key
        self.lines: list[str] = []
        self.classes = 0
        self.namespace: dict[str, Any] = {"utc": dt.UTC, "datetime": dt.datetime, "date": dt.date, "UUID": uuid.UUID}

    def compile(self) -> Callable[[list[Any]], int | None]:
        """Return the function."""
        first = "dict" if self.by_key else "None"
        lines = ["def prove(objects):", " n = 0", *(f" c{each} = {first}" for each in range(self.classes))]
        lines += [" for o in objects:", *self.lines, " return n"]
        return compile_function("\n".join(lines), "prove", self.namespace)  # type: ignore[no-any-return]

    def add_schema(self, schema: Schema, name: str, depth: int, path: tuple[type, ...]) -> Any:
        """Add the proof of an object, named as said; return the mirror of its schema, None if it can have none."""
        plain = dumps_by_steps(schema) and not has_dump_hooks(schema) and not reads_itself(schema)
        if not plain or type(schema) in path or schema.dict_class is not dict or not schema.dump_fields:
            return None
        number, self.classes = self.classes, self.classes + 1
        self._add(depth, f"if type({name}) is not c{number}:")
        self._add(depth, f" c{number} = type({name})")
        self._add(depth, f" if not is_plain_{number}(c{number}): return None")
        members: dict[str, Any] = {}
        keys: dict[str, str] = {}
        for field_name, field in schema.dump_fields.items():
            attribute = field_name if field.attribute is None else field.attribute
            key = field_name if field.data_key is None else field.data_key
            if not _can_name(attribute, key, keys, self.by_key) or not is_read_plainly(field):
                return None
            self._add(depth, f"v = {name}[{attribute!r}]" if self.by_key else f"v = {name}.{attribute}")
            annotation = self._add_value(field, depth, (*path, type(schema)))
            if annotation is None:
                return None
            members[attribute], keys[attribute] = annotation | None, key
        self.namespace[f"is_plain_{number}"] = (lambda cls: False) if self.by_key else _PlainClasses(tuple(members))
        return make_mirror(members, keys)

    def _add(self, depth: int, line: str) -> None:
        self.lines.append(" " * depth + line)

    def _add_value(self, field: Any, depth: int, path: tuple[type, ...]) -> Any:
        """Add the proof of a value v; return its type for the codec, None if the codec cannot dump it."""
        serialize = type(field)._serialize
        if serialize is fields.DateTime._serialize and field.OBJ_TYPE == "datetime":
            return self._add_time(field, depth)
        if serialize is fields.List._serialize and isinstance(field, fields.List):
            return self._add_list(field, depth, path)
        if serialize is fields.Nested._serialize and finds_schema_itself(field):
            return self._add_nested(field, depth, path)
        test, annotation = _find_scalar(field)
        if annotation is not None:
            self._add(depth, f"if {test} and v is not None: return None")
        return annotation

    def _add_time(self, field: Any, depth: int) -> Any:
        if not _writes_iso(field, dt.datetime):
            return None
        self._add(depth, "if type(v) is datetime:")
        self._add(depth, " z = v.tzinfo")
        self._add(depth, " if z is utc: n += 1")
        # Of other zones the codec rounds the offset, and their own code may be anything.
        self._add(depth, " elif z is not None: return None")
        self._add(depth, "elif v is not None: return None")
        return dt.datetime

    def _add_list(self, field: Any, depth: int, path: tuple[type, ...]) -> Any:
        if "_serialize" in field.inner.__dict__:
            return None
        self._add(depth, "if type(v) is list:")
        self._add(depth, " for v in v:")
        annotation = self._add_value(field.inner, depth + 2, path)
        self._add(depth, "elif v is not None: return None")
        return None if annotation is None else list[annotation | None]  # type: ignore[valid-type]

    def _add_nested(self, field: Any, depth: int, path: tuple[type, ...]) -> Any:
        schema = field.schema
        if schema.many or field.many:
            return None
        name = f"o{len(self.lines)}"
        self._add(depth, "if v is not None:")
        self._add(depth, f" {name} = v")
        return self.add_schema(schema, name, depth + 1, path)


class _PlainClasses:
    """Tells whether objects of a class are read without running code, and remembers it."""

    __slots__ = ("_attributes", "_known")

    def __init__(self, attributes: tuple[str, ...]) -> None:
        self._attributes = attributes
        self._known: dict[type, bool] = {}

    def __call__(self, cls: type) -> bool:
        if cls in self._known:
            return self._known[cls]
        plain = has_plain_attributes(cls) and all(is_data(cls, each) for each in self._attributes)
        if len(self._known) < _MOST_TYPES:
            self._known[cls] = plain
        return plain


def _can_name(attribute: str, key: Any, keys: dict[str, str], by_key: bool) -> bool:
    """Tell whether a struct can have a member for an attribute, written under a key."""
    # The codec looks in a dict for the key. It writes keys as they are, so they must not need an escape.
    plain = attribute.isidentifier() and attribute.isascii() and not iskeyword(attribute) and attribute[:2] != "__"
    written = type(key) is str and key.isprintable() and not {'"', "\\"} & {*key} and not key.endswith("Z")
    fresh = attribute not in keys and key not in keys.values()
    return plain and written and fresh and (attribute == key or not by_key)


def _find_scalar(field: Any) -> tuple[str, Any]:
    """Return the test for values v that are not a field's own, and the type of its own, None if the codec has none."""
    serialize = type(field)._serialize
    if serialize is fields.String._serialize:
        return "type(v) is not str", str
    if serialize is fields.Number._serialize:
        return _find_number(field)
    if serialize is Field._serialize and isinstance(field, fields.Boolean):
        return "v is not True and v is not False", bool
    if serialize is fields.UUID._serialize:
        return "type(v) is not UUID", uuid.UUID
    if serialize is fields.DateTime._serialize and field.OBJ_TYPE == "date" and _writes_iso(field, dt.date):
        return "type(v) is not date", dt.date
    return "", None


def _find_number(field: Any) -> tuple[str, Any]:
    cls: Any = type(field)
    own = any(getattr(cls, each) is not getattr(fields.Number, each) for each in ("_format_num", "_to_string"))
    if own or field.as_string or "_format_num" in field.__dict__:
        return "", None
    if cls.num_type is int:
        return "type(v) is not int", int
    # The codec makes a float of an integer as Python does.
    return (
        ("(type(v) is not float or v - v != 0) and type(v) is not int", float) if cls.num_type is float else ("", None)
    )


def _writes_iso(field: Any, cls: Any) -> bool:
    return bool(field.SERIALIZATION_FUNCS.get(field.format or field.DEFAULT_FORMAT) == cls.isoformat)
