"""Compiled dumping: for a schema, a function with the results of `Schema.dump`, many times faster.

Each attribute is read once, as marshmallow reads it: by key from what has keys, else as an attribute. What the compiler
does not know, the field itself serializes; a schema that overrides the steps of dumping dumps itself.
"""

from __future__ import annotations

import datetime as dt
import enum
import keyword
import threading
import uuid
from collections.abc import Callable
from inspect import getattr_static
from typing import Any, TypeAlias, cast

from marshmallow import Schema, fields, missing
from marshmallow.decorators import POST_DUMP, PRE_DUMP
from marshmallow.fields import Field
from marshmallow.utils import get_value

from ramekin.schemas import times
from ramekin.schemas.copies import finds_schema_itself, nesting_key
from ramekin.schemas.elements import compile_function
from ramekin.schemas.watching import Watch

Dump: TypeAlias = Callable[..., Any]
#: Dumps one value of a field: called as ``(value, attr, obj)``.
Serializer: TypeAlias = Callable[[Any, Any, Any], Any]

_STEPS = ("dump", "_serialize", "_invoke_dump_processors", "_invoke_processors")
_lock = threading.RLock()

_ENUM_NAME = getattr_static(enum.Enum, "name")

#: How an attribute is read: of a dict, of an object without keys, and of anything else.
_FROM_DICT = "obj[{key!r}]"
_FROM_OBJECT = "obj.{key}"
_GENERALLY = "get_attribute(obj, {key!r}, missing)"

#: Most types of objects of which a dumper remembers how they are read.
_MOST_TYPES = 256


def compile_dump(schema: Schema) -> Dump:
    """Return a function with the signature and the results of ``schema.dump``.

    The schema itself is not changed, and must not be from now on, nor its fields.

    Returns:
        The function, safe to call from threads. It raises what ``schema.dump`` raises, and
        `ramekin.errors.FrozenError` when it notices that the schema was changed.

    Example:
        >>> from marshmallow import fields
        >>> compile_dump(Schema.from_dict({"age": fields.Integer()})())({"age": 3})
        {'age': 3}
    """
    if not _dumps_by_steps(schema):
        return schema.dump
    unit = _Unit()
    one, several = unit.one(schema), unit.dump(schema)
    usual = not schema.many and not _has_hooks(schema)
    watch = Watch(schema)
    calls_to_look = 0

    def dump(obj: Any, *, many: bool | None = None) -> Any:
        nonlocal calls_to_look
        calls_to_look -= 1
        if calls_to_look < 0:
            calls_to_look = watch.look()
        return one(obj) if usual and not many else several(obj, many=many)

    return dump


def compile_field_dump(field: Field[Any]) -> Dump:
    """Return a function that serializes a value as a field does that belongs to no schema."""
    serialize = _Unit().serializer(field)

    def dump(value: Any) -> Any:
        return serialize(value, "", value)

    return dump


class _Unit:
    """What is compiled together: a schema and its nested schemas."""

    __slots__ = ("_dumps",)

    def __init__(self) -> None:
        self._dumps: dict[Any, Callable[[Any], Any]] = {}

    def dump(self, schema: Schema) -> Dump:
        """Return the dump function of a schema that dumps by marshmallow's steps, its hooks included."""
        one = self.one(schema)
        before, after = schema._hooks.get(PRE_DUMP), schema._hooks.get(POST_DUMP)
        if before or after:
            return _with_hooks(schema, one, bool(before), bool(after))
        usual = schema.many

        def dump(obj: Any, *, many: bool | None = None) -> Any:
            if (usual if many is None else many) and obj is not None:
                return [one(each) for each in obj]
            return one(obj)

        return dump

    def one(self, schema: Schema) -> Callable[[Any], Any]:
        """Return what dumps one object of a schema without its hooks."""
        return _DumpSource(schema, self.serializer).build()

    def serializer(self, field: Field[Any]) -> Serializer:
        """Return what serializes a value that is not dumped inline."""
        cls: Any = type(field)
        if "_serialize" in field.__dict__:
            return field._serialize
        if cls._serialize is fields.List._serialize and isinstance(field, fields.List):
            return _list_serializer(self.serializer(field.inner))
        if cls._serialize is fields.Mapping._serialize and isinstance(field, fields.Mapping):
            return self._mapping(field)
        if (
            cls._serialize is fields.Nested._serialize
            and isinstance(field, fields.Nested)
            and finds_schema_itself(field)
        ):
            return self._nested(field)
        return field._serialize

    def _mapping(self, field: fields.Mapping[Any]) -> Serializer:
        if field.key_field is not None or field.value_field is None:
            return field._serialize
        inner, other = self.serializer(field.value_field), cast("Serializer", field._serialize)

        def serialize(value: Any, attr: Any, obj: Any) -> Any:
            if type(value) is not dict:
                return other(value, attr, obj)
            result = field.mapping_type()
            for key, each in value.items():
                result[key] = inner(each, None, None)
            return result

        return serialize

    def _nested(self, field: fields.Nested) -> Serializer:
        return _NestedSerializer(lambda: self._make_nested(field))

    def _make_nested(self, field: fields.Nested) -> Callable[[Any], Any]:
        with _lock:
            key = nesting_key(field)
            if key not in self._dumps:
                schema = field.schema
                many = bool(schema.many or field.many)
                if _dumps_by_steps(schema) and not many and not _has_hooks(schema):
                    self._dumps[key] = self.one(schema)
                elif _dumps_by_steps(schema) and many == schema.many:
                    self._dumps[key] = self.dump(schema)
                else:
                    self._dumps[key] = lambda value: schema.dump(value, many=many)
            return self._dumps[key]


class _NestedSerializer:
    """Dumps the values of a Nested field; its schema is compiled with the first value, so that recursive schemas end.

    Attributes:
        dump: What dumps a value that is not None, once it is made.
    """

    __slots__ = ("_make", "dump")

    def __init__(self, make: Callable[[], Callable[[Any], Any]]) -> None:
        self._make = make
        self.dump: Callable[[Any], Any] | None = None

    def __call__(self, value: Any, attr: Any = None, obj: Any = None) -> Any:
        if self.dump is None:
            self.dump = self._make()
        return None if value is None else self.dump(value)

    def put_into(self, namespace: dict[str, Any], name: str) -> None:
        """Name a function for values that are not None; after the first value it is called without a detour."""

        def dump_first(value: Any) -> Any:
            dumped = self(value)
            namespace[name] = self.dump
            return dumped

        namespace[name] = self.dump or dump_first


def _with_hooks(schema: Schema, one: Callable[[Any], Any], before: bool, after: bool) -> Dump:
    def dump(obj: Any, *, many: bool | None = None) -> Any:
        several = schema.many if many is None else bool(many)
        processed = obj
        if before:
            processed = schema._invoke_dump_processors(PRE_DUMP, obj, many=several, original_data=obj)
        if several and processed is not None:
            result = [one(each) for each in processed]
        else:
            result = one(processed)
        if after:
            result = schema._invoke_dump_processors(POST_DUMP, result, many=several, original_data=obj)
        return result

    return dump


def _dumps_by_steps(schema: Schema) -> bool:
    """Tell whether a schema dumps by marshmallow's own steps, none of which is overridden."""
    cls: Any = type(schema)
    return all(getattr(cls, name) is getattr(Schema, name) and name not in schema.__dict__ for name in _STEPS)


def _has_hooks(schema: Schema) -> bool:
    return bool(schema._hooks.get(PRE_DUMP) or schema._hooks.get(POST_DUMP))


def _list_serializer(inner: Serializer) -> Serializer:
    def serialize(value: Any, attr: Any, obj: Any) -> Any:
        return None if value is None else [inner(each, attr, obj) for each in value]

    return serialize


class _DumpSource:
    """Collects the source of the functions that dump one object of a schema.

    There are three, for a dict, for an object without keys, and for anything else; they differ in how they read, and
    each is made when it is first needed.
    """

    def __init__(self, schema: Schema, find_serializer: Callable[[Field[Any]], Serializer]) -> None:
        self.schema = schema
        self.find_serializer = find_serializer
        self.nested: dict[str, _NestedSerializer] = {}
        self.namespace: dict[str, Any] = {
            "missing": missing,
            "get_value": get_value,
            "make": schema.dict_class,
            "get_attribute": schema.get_attribute,
            "UUID": uuid.UUID,
            **times.CONSTANTS,
        }

    def build(self) -> Callable[[Any], Any]:
        """Return the function that dumps one object."""
        cls: Any = type(self.schema)
        base: Any = Schema
        own = "get_attribute" in self.schema.__dict__ or cls.get_attribute is not base.get_attribute
        if own:
            return self._function(_GENERALLY)
        by_type: dict[type, Callable[[Any], Any]] = {}
        made: dict[str, Callable[[Any], Any]] = {}

        def find(cls: type) -> Callable[[Any], Any]:
            read = _FROM_DICT if cls is dict else _FROM_OBJECT if _has_plain_attributes(cls) else _GENERALLY
            if read not in made:
                made[read] = self._function(read)
            if len(by_type) < _MOST_TYPES:
                by_type[cls] = made[read]
            return made[read]

        def dump(obj: Any) -> Any:
            cls = type(obj)
            return (by_type.get(cls) or find(cls))(obj)

        return dump

    def _function(self, read: str) -> Callable[[Any], Any]:
        lines = ["def dump(obj):", " gaps = False"]
        items = []
        for index, (name, field) in enumerate(self.schema.dump_fields.items()):
            lines += [f" {line}" for line in self._field(index, name, field, read)]
            items.append((name if field.data_key is None else field.data_key, f"x{index}"))
        literal = ", ".join(f"{key!r}: {value}" for key, value in items)
        if self.schema.dict_class is dict and all(type(key) is str for key, _ in items):
            lines.append(f" ret = {{{literal}}}")
            lines.append(" if gaps: ret = {key: value for key, value in ret.items() if value is not missing}")
        else:
            lines.append(" ret = make()")
            for number, (key, value) in enumerate(items):
                self.namespace[f"key_{number}"] = key
                lines.append(f" if {value} is not missing: ret[key_{number}] = {value}")
        lines.append(" return ret")
        namespace = dict(self.namespace)
        for name, nested in self.nested.items():
            nested.put_into(namespace, name)
        return compile_function("\n".join(lines), "dump", namespace)  # type: ignore[no-any-return]

    def _field(self, index: int, name: str, field: Field[Any], read: str) -> list[str]:
        cls: Any = type(field)
        target = f"x{index}"
        own = any(each in field.__dict__ for each in ("serialize", "get_value"))
        if own or cls.serialize is not Field.serialize:
            self.namespace[f"serialize_{index}"] = _by_field(field, name, self.schema)
            return [f"{target} = serialize_{index}(obj)", f"if {target} is missing: gaps = True"]
        if not field._CHECK_ATTRIBUTE:
            self.namespace[f"serialize_{index}"] = field._serialize
            lines = [f"{target} = serialize_{index}(None, {name!r}, obj)"]
            return [*lines, f"if {target} is missing: gaps = True"]
        if cls.get_value is not Field.get_value:
            self.namespace[f"read_{index}"] = _reader(field, name, self.schema)
            lines = [f"v = read_{index}(obj)"]
        else:
            lines = _read(name if field.attribute is None else field.attribute, read)
        serializer = self.find_serializer(field)
        self.namespace[f"cold_{index}"] = _cold(field, name, serializer)
        test, result = _inline(field, index, self.namespace)
        if isinstance(serializer, _NestedSerializer):
            self.nested[f"nest_{index}"] = serializer
            test, result = "v is not None and v is not missing", f"nest_{index}(v)"
        lines += [f"if {test}: {target} = {result}", "else:", f" {target} = cold_{index}(v, obj)"]
        return [*lines, f" if {target} is missing: gaps = True"]


def _read(key: str, read: str) -> list[str]:
    """Return the lines that read an attribute into v."""
    if "." in key and read is not _GENERALLY:
        return [f"v = get_value(obj, {key!r}, missing)"]
    if read is _GENERALLY:
        return [f"v = {read.format(key=key)}"]
    if read is _FROM_DICT:
        # What a dict lacks as a key, marshmallow asks it for as an attribute.
        return [f"try: v = {read.format(key=key)}", f"except KeyError: v = getattr(obj, {key!r}, missing)"]
    if not (key.isascii() and key.isidentifier()) or keyword.iskeyword(key):
        return [f"v = getattr(obj, {key!r}, missing)"]
    return [f"try: v = {read.format(key=key)}", "except AttributeError: v = missing"]


def _has_plain_attributes(cls: type) -> bool:
    """Tell whether marshmallow would read every object of a class by attribute."""
    return (
        not hasattr(cls, "__getitem__")
        and not hasattr(cls, "__getattr__")
        and getattr_static(cls, "__getattribute__") is object.__getattribute__
    )


def _by_field(field: Field[Any], name: str, schema: Schema) -> Callable[[Any], Any]:
    return lambda obj: field.serialize(name, obj, accessor=schema.get_attribute)


def _reader(field: Field[Any], name: str, schema: Schema) -> Callable[[Any], Any]:
    return lambda obj: field.get_value(obj, name, accessor=schema.get_attribute)


def _cold(field: Field[Any], name: str, serializer: Serializer) -> Callable[[Any, Any], Any]:
    """Return what dumps a value that is not dumped inline, the missing one included."""
    default = field.dump_default

    def dump_cold(value: Any, obj: Any) -> Any:
        if value is missing:
            value = default() if callable(default) else default
            if value is missing:
                return missing
        return serializer(value, name, obj)

    return dump_cold


def _inline(field: Any, index: int, namespace: dict[str, Any]) -> tuple[str, str]:
    """Return the test for values that are dumped inline, and the result; both over v."""
    if "_serialize" in field.__dict__:
        return "False", "v"
    cls: Any = type(field)
    for known, maker in _INLINE:
        if cls._serialize is known._serialize:
            made = maker(field, f"dumped_{index}", namespace)
            return made if made is not None else ("False", "v")
    return "False", "v"


_Inlined: TypeAlias = "tuple[str, str] | None"


def _text(field: Any, name: str, namespace: dict[str, Any]) -> _Inlined:
    return "type(v) is str or v is None", "v"


def _anything(field: Any, name: str, namespace: dict[str, Any]) -> _Inlined:
    return "v is not missing", "v"


def _number(field: Any, name: str, namespace: dict[str, Any]) -> _Inlined:
    kind = {fields.Integer.num_type: "int", fields.Float.num_type: "float"}.get(type(field).num_type)
    own = all(getattr(type(field), each) is getattr(fields.Number, each) for each in ("_format_num", "_to_string"))
    if kind is None or field.as_string or not own or "_format_num" in field.__dict__:
        return None
    return f"type(v) is {kind} or v is None", "v"


def _date(field: Any, name: str, namespace: dict[str, Any]) -> _Inlined:
    cls = getattr(dt, field.OBJ_TYPE)
    given = field.format or field.DEFAULT_FORMAT
    if field.SERIALIZATION_FUNCS.get(given) != cls.isoformat:
        return None
    namespace[name] = cls
    written = {dt.datetime: times.DATE_TIME_SOURCE, dt.date: times.DATE_SOURCE}
    return f"type(v) is {name}", written.get(cls, "v.isoformat()")


def _uuid(field: Any, name: str, namespace: dict[str, Any]) -> _Inlined:
    return "type(v) is UUID", times.UUID_SOURCE


def _enum(field: Any, name: str, namespace: dict[str, Any]) -> _Inlined:
    if field.by_value or type(field.field) is not fields.String or type(field.enum) is not enum.EnumType:
        return None
    if "_serialize" in field.field.__dict__ or getattr_static(field.enum, "name") is not _ENUM_NAME:
        return None
    namespace[name] = field.enum
    return f"type(v) is {name}", "v.name"


def _list(field: Any, name: str, namespace: dict[str, Any]) -> _Inlined:
    inner = field.inner
    if type(inner)._serialize is fields.String._serialize and "_serialize" not in inner.__dict__:
        namespace[name] = inner._serialize
        return "type(v) is list", f"[y if type(y) is str else {name}(y, None, None) for y in v]"
    return None


_INLINE: tuple[tuple[Any, Callable[[Any, str, dict[str, Any]], _Inlined]], ...] = (
    (fields.String, _text),
    (fields.Integer, _number),
    (Field, _anything),
    (fields.DateTime, _date),
    (fields.UUID, _uuid),
    (fields.Enum, _enum),
    (fields.List, _list),
)
