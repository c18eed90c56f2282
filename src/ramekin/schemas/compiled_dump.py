"""Compiled dumping: for a schema, a function with the results of `Schema.dump`, many times faster.

Each attribute is read once, as marshmallow reads it: by key from what has keys, else as an attribute. What the compiler
does not know, the field itself serializes; a schema that overrides the steps of dumping dumps itself.

The functions made here take the object and ``doubts``, to which they append where they put a value into the result
whose type they have not proved to be one that the codec writes as JSON has it. Where there is no doubt, the codec alone
may write the result.
"""

from __future__ import annotations

import datetime as dt
import keyword
import threading
import uuid
from collections import deque
from collections.abc import Callable
from decimal import Decimal
from typing import Any, TypeAlias, cast

from marshmallow import Schema, fields, missing
from marshmallow.decorators import POST_DUMP, PRE_DUMP
from marshmallow.fields import Field
from marshmallow.utils import get_value

from ramekin.json import PLAIN_ERRORS, encode, encode_plain
from ramekin.schemas import times
from ramekin.schemas.copies import finds_schema_itself, nesting_key
from ramekin.schemas.mirrors import Writers, compile_writers
from ramekin.schemas.plainness import dumps_by_steps, dumps_name, has_dump_hooks, has_plain_attributes, reads_itself
from ramekin.schemas.sources import compile_function
from ramekin.schemas.watching import Watch, watched

Dump: TypeAlias = Callable[..., Any]
#: Dumps an object: called as ``(obj, doubts)``.
DumpOne: TypeAlias = Callable[[Any, Any], Any]
#: Dumps one value of a field: called as ``(value, attr, obj)``.
Serializer: TypeAlias = Callable[[Any, Any, Any], Any]

_lock = threading.RLock()

#: How an attribute is read: of a dict, of an object without keys, and of anything else.
_FROM_DICT = "obj[{key!r}]"
_FROM_OBJECT = "obj.{key}"
_GENERALLY = "get_attribute(obj, {key!r}, missing)"

#: Most types of objects of which a dumper remembers how they are read.
_MOST_TYPES = 256

#: Types whose every value is written by the codec as JSON has it.
_PLAIN_TYPES = frozenset({str, int, bool, type(None)})

#: Takes the doubts of those who do not ask for them.
_NO_DOUBTS: deque[object] = deque(maxlen=0)


def compile_dump(schema: Schema) -> Dump:
    """Return a function with the signature and the results of ``schema.dump``.

    The schema itself is not changed, and must not be from now on, nor its fields and nested schemas.

    Returns:
        The function, safe to call from threads. It raises what ``schema.dump`` raises, and
        `ramekin.errors.FrozenError` when it notices that the schema was changed.

    Example:
        >>> from marshmallow import fields
        >>> compile_dump(Schema.from_dict({"age": fields.Integer()})())({"age": 3})
        {'age': 3}
    """
    if not dumps_by_steps(schema):
        return schema.dump
    unit = _Unit()
    by_type, several = unit.one(schema), unit.dump(schema)
    known, find = by_type.known, by_type.find
    usual = not schema.many and not has_dump_hooks(schema)
    watch = Watch(schema)
    calls_to_look = 0

    def dump(obj: Any, *, many: bool | None = None) -> Any:
        nonlocal calls_to_look
        calls_to_look -= 1
        if calls_to_look < 0:
            calls_to_look = watch.look()
        if many or not usual:
            return several(obj, _NO_DOUBTS, many)
        try:
            one = known[type(obj)]
        except KeyError:
            one = find(type(obj))
        return one(obj, _NO_DOUBTS)

    return dump


def compile_encode(schema: Schema) -> Callable[[Any], bytes]:
    """Return a function with the results of `ramekin.json.encode` on what ``schema.dump`` returns.

    The schema itself is not changed, and must not be from now on, nor its fields and nested schemas.

    Example:
        >>> from marshmallow import fields
        >>> compile_encode(Schema.from_dict({"age": fields.Integer()})())({"age": 3})
        b'{"age":3}'
    """
    writers = compile_encoders(schema)
    if writers is None:
        return _compile_plain_encode(schema)
    if schema.many:
        return lambda obj: writers[type(obj) is list and bool(obj) and type(obj[0]) is dict](obj)
    return lambda obj: writers[type(obj) is dict](obj)


def compile_encoders(schema: Schema) -> Writers | None:
    """Return what does the same, by the kind of the value; None for a schema with hooks or steps of its own."""
    if not dumps_by_steps(schema) or has_dump_hooks(schema):
        return None
    dump = _Unit().dump(schema) if schema.many else _Unit().one(schema).dump
    return compile_writers(schema, Watch(schema).look, lambda obj: _dump_and_write(dump, obj))


def _compile_plain_encode(schema: Schema) -> Callable[[Any], bytes]:
    if not dumps_by_steps(schema):
        return lambda obj: encode(schema.dump(obj))
    dump = _Unit().dump(schema)
    return watched(Watch(schema).look, lambda obj: _dump_and_write(dump, obj))


def _dump_and_write(dump: Dump, obj: Any) -> bytes:
    doubts: list[object] = []
    return _write(dump(obj, doubts), doubts)


def compile_field_dump(field: Field[Any]) -> Dump:
    """Return a function that serializes a value as a field does that belongs to no schema."""
    serialize = _Unit().serializer(field)

    def dump(value: Any) -> Any:
        return serialize(value, "", value)

    return dump


def compile_field_encode(field: Field[Any]) -> Callable[[Any], bytes]:
    """Return a function with the results of `ramekin.json.encode` on a value as a lone field serializes it."""
    dump = compile_field_dump(field)
    if not _is_plain_list(field):
        return lambda value: encode(dump(value))
    dump_list = _DumpSource(Schema(), _Unit().serializer).compile_list(field)

    def encode_list(value: Any) -> bytes:
        if type(value) is not list:
            return encode(dump(value))
        doubts: list[object] = []
        return _write(dump_list(value, doubts), doubts)

    return encode_list


def _write(value: Any, doubts: list[object]) -> bytes:
    try:
        return encode(value) if doubts else encode_plain(value)
    except PLAIN_ERRORS:
        return encode(value)


class _ByType:
    """The functions that dump objects, by the type of the object; each is made when the first object comes.

    Attributes:
        known: Those found so far, an exact dict: its subclasses are read several times as slowly.
    """

    __slots__ = ("_make", "known")

    def __init__(self, make: Callable[[type], DumpOne]) -> None:
        self._make = make
        self.known: dict[type, DumpOne] = {}

    def find(self, cls: type) -> DumpOne:
        """Return the function for a type that is not known."""
        found = self._make(cls)
        if len(self.known) < _MOST_TYPES:
            self.known[cls] = found
        return found

    def dump(self, obj: Any, doubts: Any) -> Any:
        """Dump an object."""
        return (self.known.get(type(obj)) or self.find(type(obj)))(obj, doubts)

    def dump_all(self, objects: Any, doubts: Any) -> list[Any]:
        """Dump several objects."""
        known, result = self.known, []
        for obj in objects:
            try:
                one = known[type(obj)]
            except KeyError:
                one = self.find(type(obj))
            result.append(one(obj, doubts))
        return result


class _Unit:
    """What is compiled together: a schema and its nested schemas."""

    __slots__ = ("_dumps",)

    def __init__(self) -> None:
        self._dumps: dict[Any, _ByType] = {}

    def dump(self, schema: Schema) -> Dump:
        """Return the dump function of a schema that dumps by marshmallow's steps, its hooks included.

        It is called as ``(obj, doubts, many=None)``.
        """
        by_type = self.one(schema)
        before, after = schema._hooks.get(PRE_DUMP), schema._hooks.get(POST_DUMP)
        if before or after:
            return _with_hooks(schema, by_type, bool(before), bool(after))
        usual = schema.many

        def dump(obj: Any, doubts: Any, many: bool | None = None) -> Any:
            if (usual if many is None else many) and obj is not None:
                return by_type.dump_all(obj, doubts)
            return by_type.dump(obj, doubts)

        return dump

    def one(self, schema: Schema) -> _ByType:
        """Return what dumps one object of a schema without its hooks."""
        return _ByType(_DumpSource(schema, self.serializer).find)

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
            return _NestedSerializer(lambda: self._make_nested(field))
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

    def _make_nested(self, field: fields.Nested) -> _ByType:
        with _lock:
            key = nesting_key(field)
            if key not in self._dumps:
                schema = field.schema
                many = bool(schema.many or field.many)
                if dumps_by_steps(schema) and not many and not has_dump_hooks(schema):
                    self._dumps[key] = self.one(schema)
                else:
                    dump = self._dump_nested(schema, many)
                    self._dumps[key] = _ByType(lambda cls: dump)
            return self._dumps[key]

    def _dump_nested(self, schema: Schema, many: bool) -> DumpOne:
        if dumps_by_steps(schema) and many == schema.many:
            return self.dump(schema)

        def dump(obj: Any, doubts: Any) -> Any:
            doubts.append(True)
            return schema.dump(obj, many=many)

        return dump


class _NestedSerializer:
    """Dumps the values of a Nested field; its schema is compiled with the first value, so that recursive schemas end.

    Attributes:
        by_type: What dumps a value that is not None.
    """

    __slots__ = ("_made", "_make", "by_type")

    def __init__(self, make: Callable[[], _ByType]) -> None:
        self._make = make
        self._made: _ByType | None = None
        self.by_type = _ByType(self._make_for)

    def __call__(self, value: Any, attr: Any = None, obj: Any = None) -> Any:
        return None if value is None else self.by_type.dump(value, _NO_DOUBTS)

    def _make_for(self, cls: type) -> DumpOne:
        if self._made is None:
            self._made = self._make()
        return self._made.known.get(cls) or self._made.find(cls)


def _with_hooks(schema: Schema, by_type: _ByType, before: bool, after: bool) -> Dump:
    def dump(obj: Any, doubts: Any, many: bool | None = None) -> Any:
        several = schema.many if many is None else bool(many)
        processed = obj
        if before:
            processed = schema._invoke_dump_processors(PRE_DUMP, obj, many=several, original_data=obj)
        if several and processed is not None:
            result = by_type.dump_all(processed, doubts)
        else:
            result = by_type.dump(processed, doubts)
        if after:
            doubts.append(True)
            result = schema._invoke_dump_processors(POST_DUMP, result, many=several, original_data=obj)
        return result

    return dump


def _list_serializer(inner: Serializer) -> Serializer:
    def serialize(value: Any, attr: Any, obj: Any) -> Any:
        return None if value is None else [inner(each, attr, obj) for each in value]

    return serialize


def _is_doubtful(value: Any) -> bool:
    """Tell whether the codec might not write a value, which is of none of the plain types, as JSON has it."""
    if type(value) is float:
        return value - value != 0
    return type(value) is not Decimal or not value.is_finite()


def _is_plain_list(field: Any) -> bool:
    return (
        isinstance(field, fields.List)
        and type(field)._serialize is fields.List._serialize
        and "_serialize" not in field.__dict__
    )


class _DumpSource:
    """Collects the source of the functions that dump one object of a schema.

    There are three, for a dict, for an object without keys, and for anything else; they differ in how they read, and
    each is made when it is first needed.
    """

    def __init__(self, schema: Schema, find_serializer: Callable[[Field[Any]], Serializer]) -> None:
        self.schema = schema
        self.find_serializer = find_serializer
        self.made: dict[str, DumpOne] = {}
        self.namespace: dict[str, Any] = {
            "missing": missing,
            "get_value": get_value,
            "make": schema.dict_class,
            "get_attribute": schema.get_attribute,
            "UUID": uuid.UUID,
            "plain": _PLAIN_TYPES,
            "is_doubtful": _is_doubtful,
            **times.CONSTANTS,
        }
        self.reads_itself = reads_itself(schema)

    def find(self, cls: type) -> DumpOne:
        """Return the function that dumps objects of a type."""
        if self.reads_itself:
            read = _GENERALLY
        else:
            read = _FROM_DICT if cls is dict else _FROM_OBJECT if has_plain_attributes(cls) else _GENERALLY
        if read not in self.made:
            self.made[read] = self._function(read)
        return self.made[read]

    def compile_list(self, field: Field[Any]) -> DumpOne:
        """Return the function that dumps a list by a plain List field that belongs to no schema."""
        lines = ["def dump(v, doubts):", " obj = v", *(f" {line}" for line in self._list(0, "", field)), " return x0"]
        return compile_function("\n".join(lines), "dump", self.namespace)  # type: ignore[no-any-return]

    def _function(self, read: str) -> DumpOne:
        lines = ["def dump(obj, doubts):", " gaps = False"]
        items = []
        for index, (name, field) in enumerate(self.schema.dump_fields.items()):
            lines += [f" {line}" for line in self._field(index, name, field, read)]
            items.append((name if field.data_key is None else field.data_key, f"x{index}"))
        literal = ", ".join(f"{key!r}: {value}" for key, value in items)
        if self.schema.dict_class is dict and all(type(key) is str for key, _ in items):
            lines.append(f" ret = {{{literal}}}")
            lines.append(" if gaps: ret = {key: value for key, value in ret.items() if value is not missing}")
        else:
            lines += [" ret = make()", " doubts.append(True)"]
            for number, (key, value) in enumerate(items):
                self.namespace[f"key_{number}"] = key
                lines.append(f" if {value} is not missing: ret[key_{number}] = {value}")
        lines.append(" return ret")
        return compile_function("\n".join(lines), "dump", dict(self.namespace))  # type: ignore[no-any-return]

    def _field(self, index: int, name: str, field: Field[Any], read: str) -> list[str]:
        cls: Any = type(field)
        target = f"x{index}"
        judge = [f"if type({target}) not in plain:", f" if {target} is missing: gaps = True"]
        judge.append(f" elif is_doubtful({target}): doubts.append(True)")
        own = any(each in field.__dict__ for each in ("serialize", "get_value"))
        if own or cls.serialize is not Field.serialize:
            self.namespace[f"serialize_{index}"] = _by_field(field, name, self.schema)
            return [f"{target} = serialize_{index}(obj)", *judge]
        if not field._CHECK_ATTRIBUTE:
            self.namespace[f"serialize_{index}"] = field._serialize
            return [f"{target} = serialize_{index}(None, {name!r}, obj)", *judge]
        if cls.get_value is not Field.get_value:
            self.namespace[f"read_{index}"] = _reader(field, name, self.schema)
            lines = [f"v = read_{index}(obj)"]
        else:
            lines = _read(name if field.attribute is None else field.attribute, read)
        serializer = self.find_serializer(field)
        self.namespace[f"cold_{index}"] = _cold(field, name, serializer)
        if _is_plain_list(field):
            test, result = "type(v) is list", self._list(index, name, field)
        else:
            test, result = self._inline(field, serializer, str(index), target)
        lines += [f"if {test}:", *(f" {line}" for line in result)]
        return [*lines, "else:", f" {target} = cold_{index}(v, obj)", *(f" {line}" for line in judge)]

    def _list(self, index: int, name: str, field: Any) -> list[str]:
        """Return the lines that dump a list; a loop takes less time than a comprehension, which is a call."""
        serializer = self.find_serializer(field.inner)
        self.namespace[f"inner_{index}"] = serializer
        test, result = self._inline(field.inner, serializer, f"{index}_inner", "y")
        other = f"y = inner_{index}(v, {name!r}, obj)"
        lines = [f"if {test}:", *(f" {line}" for line in result), "else:", f" {other}"]
        lines += [" if type(y) not in plain and is_doubtful(y): doubts.append(True)", f"x{index}.append(y)"]
        return [f"x{index} = []", "for v in v:", *(f" {line}" for line in lines)]

    def _inline(self, field: Any, serializer: Serializer, suffix: str, target: str) -> tuple[str, list[str]]:
        """Return the test for values v that are dumped inline without doubt, and the lines that dump them."""
        cls: Any = type(field)
        if isinstance(serializer, _NestedSerializer):
            self.namespace |= {f"known_{suffix}": serializer.by_type.known, f"find_{suffix}": serializer.by_type.find}
            lines = [f"try: one = known_{suffix}[type(v)]", f"except KeyError: one = find_{suffix}(type(v))"]
            return "v is not None and v is not missing", [*lines, f"{target} = one(v, doubts)"]
        if "_serialize" in field.__dict__:
            return "False", ["pass"]
        for known, maker in _INLINE:
            if cls._serialize is known._serialize:
                made = maker(field, f"dumped_{suffix}", self.namespace)
                return ("False", ["pass"]) if made is None else (made[0], [f"{target} = {made[1]}"])
        return "False", ["pass"]


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


_Inlined: TypeAlias = "tuple[str, str] | None"


def _text(field: Any, name: str, namespace: dict[str, Any]) -> _Inlined:
    return "type(v) is str or v is None", "v"


def _anything(field: Any, name: str, namespace: dict[str, Any]) -> _Inlined:
    if isinstance(field, fields.Boolean):
        return "v is True or v is False or v is None", "v"
    return "type(v) in plain", "v"


def _number(field: Any, name: str, namespace: dict[str, Any]) -> _Inlined:
    kind = {fields.Integer.num_type: "int", fields.Float.num_type: "float"}.get(type(field).num_type)
    own = all(getattr(type(field), each) is getattr(fields.Number, each) for each in ("_format_num", "_to_string"))
    if kind is None or field.as_string or not own or "_format_num" in field.__dict__:
        return None
    finite = " and v - v == 0" if kind == "float" else ""
    return f"type(v) is {kind}{finite} or v is None", "v"


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
    if not dumps_name(field):
        return None
    namespace[name] = field.enum
    return f"type(v) is {name}", "v.name"


_INLINE: tuple[tuple[Any, Callable[[Any, str, dict[str, Any]], _Inlined]], ...] = (
    (fields.String, _text),
    (fields.Integer, _number),
    (Field, _anything),
    (fields.DateTime, _date),
    (fields.UUID, _uuid),
    (fields.Enum, _enum),
)
