"""Plain objects, written by the codec in C where the text is proved to be marshmallow's.

A mirror is a struct type of the codec's with the members that a schema dumps: it is made in half the time that a dict
takes, and written faster. A generated function reads the objects, proves that this runs no code of theirs and that
every value is of an exact type, which marshmallow and the codec write alike, and fills mirrors with the values. Nothing
is seen when the proof fails: the caller then dumps the same objects by the compiled schema.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable
from decimal import Decimal
from keyword import iskeyword
from typing import Any, TypeAlias

from marshmallow import Schema, fields
from marshmallow.fields import Field

from ramekin.json import PLAIN_ERRORS, EncodeError, can_name, encode_plain, make_mirror, to_raw
from ramekin.schemas.copies import finds_schema_itself
from ramekin.schemas.plainness import (
    dumps_by_steps,
    dumps_name,
    dumps_value,
    has_dump_hooks,
    has_plain_attributes,
    is_data,
    is_read_plainly,
    reads_itself,
)
from ramekin.schemas.sources import MOST_NESTED, compile_closure
from ramekin.schemas.watching import CALLS_COUNTED, watched

#: Writes what a schema dumps as JSON.
Write: TypeAlias = Callable[[Any], bytes]
#: Of a function for dicts, or for lists that begin with one (True), and one for anything else (False).
Writers: TypeAlias = dict[bool, Write]

#: Values that could not be proved, of those between two looks at the schema, after which no more are tried.
_MOST_MISSES = 3 * CALLS_COUNTED // 4

#: Most classes of objects that are remembered as plain.
_MOST_TYPES = 64

#: Writes what it is given.
_ANYTHING = fields.Raw()

#: Deepest line of the source below which lists and objects are gone into; a list takes two.
_MOST_INDENTED = 2 * MOST_NESTED

#: Names of built-ins in the source.
_BUILTINS = ("type", "str", "int", "float", "list", "dict")

#: What reading an object that is not as its proof expects may raise, and what the codec or rounding may; a proof that
#: fails, too.
_ERRORS = (*PLAIN_ERRORS, ArithmeticError, AttributeError, EncodeError, LookupError)


def compile_writers(schema: Schema, look: Callable[[], int], write_dumped: Write) -> Writers:
    """Return what writes an object, or a list of objects where the schema says ``many``.

    Each function is compiled with its first value, as most schemas see values of one kind only; it takes its own place
    in the dict then, so it is to be looked up for each value.

    Args:
        schema: A schema without hooks, which dumps by marshmallow's steps.
        look: Looks whether the schema was changed, and returns how many calls may pass before the next look.
        write_dumped: Writes what no mirror can.
    """
    writers: Writers = {}

    def write_first(by_key: bool) -> Write:
        def write(value: Any) -> bytes:
            writers[by_key] = _compile_writer(schema, by_key, look_and_forget, write_missed)
            return writers[by_key](value)

        misses = 0

        def look_and_forget() -> int:
            nonlocal misses
            misses = 0
            return look()

        def write_missed(value: Any) -> bytes:
            nonlocal misses
            misses += 1
            if misses > _MOST_MISSES:
                writers[by_key] = watched(look, write_dumped)
            return write_dumped(value)

        return write

    writers |= {by_key: write_first(by_key) for by_key in (False, True)}
    return writers


def _compile_writer(schema: Schema, by_key: bool, look: Callable[[], int], other: Write) -> Write:
    source = _MirrorSource(by_key, many=schema.many)
    whole = source.add_schema(schema, "o", 3, ()) if schema.many else source.add_schema(schema, "given", 2, ())
    return watched(look, other) if whole is None else source.compile(whole, look, other)


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


class _MirrorSource:
    """Collects the source of the function that proves objects and writes them.

    Args:
        by_key: Whether the objects are dicts; else their attributes are read.
        many: Whether the function takes a list of them.
    """

    def __init__(self, by_key: bool, *, many: bool) -> None:
        self.by_key = by_key
        self.many = many
        self.lines: list[str] = []
        self.names = 0
        self.classes: list[str] = []
        self.has_times = False
        self.namespace: dict[str, Any] = {
            "utc": dt.UTC,
            "datetime": dt.datetime,
            "date": dt.date,
            "time": dt.time,
            "Decimal": Decimal,
            "UUID": uuid.UUID,
            "encode": encode_plain,
            "to_raw": to_raw,
            "spell_utc": _spell_utc,
        }

    def compile(self, whole: str, look: Callable[[], int], other: Write) -> Write:
        """Return the function, given the expression of the mirror of one object.

        All stands in one function, as a call takes a tenth of the time that a small object takes.
        """
        # In a long loop, local names are found a little faster.
        local = "".join(f", {name}={name}" for name in (*_BUILTINS, *self.namespace)) if self.many else ""
        self.namespace |= {"look": look, "other": other, "ERRORS": _ERRORS}
        body = self.lines
        if self.many:
            # To read other sequences may run code of theirs.
            head = ["  if type(given) is not list: raise LookupError", "  mirrors = []"]
            head += [*(f"  {each} = None" for each in self.classes), "  for o in given:"]
            body = [*head, *self.lines, f"   mirrors.append({whole})"]
        text = f"encode({'mirrors' if self.many else whole})"
        end = [f"  return {text}", " except ERRORS: return other(given)"]
        if self.has_times:
            end = [f"  text = {text}", " except ERRORS: return other(given)", " if n: text = spell_utc(text, n)"]
            end += [" return other(given) if text is None else text"]
        lines = [
            f"def write(given{local}):",
            " nonlocal calls_to_look",
            " calls_to_look -= 1",
            " if calls_to_look < 0: calls_to_look = look()",
            *([" n = 0"] if self.has_times else []),
            " try:",
            *body,
            *end,
        ]
        write: Write = compile_closure(["calls_to_look = 0", *lines], "write", self.namespace)
        return write

    def add_schema(self, schema: Schema, name: str, depth: int, path: tuple[type, ...]) -> str | None:
        """Add the proof of an object, named as said; return the expression of its mirror, None if it can have none."""
        plain = dumps_by_steps(schema) and not has_dump_hooks(schema) and not reads_itself(schema)
        if (
            not plain
            or depth > _MOST_INDENTED
            or type(schema) in path
            or schema.dict_class is not dict
            or not schema.dump_fields
        ):
            return None
        attributes = [
            name if field.attribute is None else field.attribute for name, field in schema.dump_fields.items()
        ]
        keys = [name if field.data_key is None else field.data_key for name, field in schema.dump_fields.items()]
        if not all(map(_can_write, keys)):
            return None
        self._add_class(name, depth, attributes)
        values = []
        for attribute, field in zip(attributes, schema.dump_fields.values(), strict=True):
            if not (self.by_key or _can_read(attribute)) or "." in attribute or not is_read_plainly(field):
                return None
            value = self._new_name("v")
            self._add(depth, f"{value} = {name}[{attribute!r}]" if self.by_key else f"{value} = {name}.{attribute}")
            if not self._add_value(field, value, depth, (*path, type(schema))):
                return None
            values.append(value)
        mirror = self._new_name("mirror")
        self.namespace[mirror] = make_mirror(keys)
        return f"{mirror}({', '.join(values)})"

    def _add_class(self, name: str, depth: int, attributes: list[str]) -> None:
        """Add the proof that an object can be read without running code."""
        if self.by_key:
            self._add(depth, f"if type({name}) is not dict: raise LookupError")
            return
        judge = self._new_name("is_plain")
        self.namespace[judge] = plain = _PlainClasses(tuple(attributes))
        if not self.many:
            self.namespace[f"known_{judge}"] = plain.known
            self._add(depth, f"if type({name}) not in known_{judge} and not {judge}(type({name})): raise LookupError")
            return
        # Most objects of a list are of the class of the one before.
        last = self._new_name("c")
        self.classes.append(last)
        self._add(depth, f"if type({name}) is not {last}:")
        self._add(depth, f" {last} = type({name})")
        self._add(depth, f" if not {judge}({last}): raise LookupError")

    def _new_name(self, kind: str) -> str:
        self.names += 1
        return f"{kind}{self.names}"

    def _add(self, depth: int, line: str) -> None:
        self.lines.append(" " * depth + line)

    def _add_value(self, field: Any, v: str, depth: int, path: tuple[type, ...]) -> bool:
        """Add the proof of a value named v, after which v is what the codec writes; tell whether the codec can."""
        serialize = type(field)._serialize
        if serialize is fields.DateTime._serialize and field.OBJ_TYPE == "datetime":
            return self._add_time(field, v, depth)
        if serialize is fields.List._serialize and isinstance(field, fields.List):
            return self._add_list(field, v, depth, path)
        if serialize is fields.Nested._serialize and finds_schema_itself(field):
            return self._add_nested(field, v, depth, path)
        if serialize is fields.Enum._serialize:
            return self._add_enum(field, v, depth, path)
        if serialize is fields.Mapping._serialize and isinstance(field, fields.Mapping):
            return self._add_mapping(field, v, depth, path)
        if isinstance(field, fields.Decimal):
            return self._add_decimal(field, v, depth)
        lines = _prove_scalar(field)
        for line in lines:
            self._add(depth, line.format(v=v))
        return bool(lines)

    def _add_time(self, field: Any, v: str, depth: int) -> bool:
        self.has_times = True
        self._add(depth, f"if type({v}) is datetime:")
        self._add(depth, f" z = {v}.tzinfo")
        self._add(depth, " if z is utc: n += 1")
        # Of other zones the codec rounds the offset, and their own code may be anything.
        self._add(depth, " elif z is not None: raise LookupError")
        self._add(depth, f"elif {v} is not None: raise LookupError")
        return _writes_iso(field, dt.datetime)

    def _add_list(self, field: Any, v: str, depth: int, path: tuple[type, ...]) -> bool:
        if "_serialize" in field.inner.__dict__ or depth > _MOST_INDENTED:
            return False
        item, items = self._new_name("v"), self._new_name("v")
        before = len(self.lines)  # A list whose items are written as they are needs no copy.
        self._add(depth, f"if type({v}) is list:")
        self._add(depth, f" for {item} in {v}:")
        if not self._add_value(field.inner, item, depth + 2, path):
            return False
        if any(f"{item} = " in line for line in self.lines[before + 2 :]):
            self.lines.insert(before + 1, " " * depth + f" {items} = []")
            self._add(depth, f"  {items}.append({item})")
            self._add(depth, f" {v} = {items}")
        self._add(depth, f"elif {v} is not None: raise LookupError")
        return True

    def _add_nested(self, field: Any, v: str, depth: int, path: tuple[type, ...]) -> bool:
        schema = field.schema
        if schema.many or field.many:
            return self._add_several(schema, v, depth, path)
        self._add(depth, f"if {v} is not None:")
        mirror = self.add_schema(schema, v, depth + 1, path)
        if mirror is not None:
            self._add(depth, f" {v} = {mirror}")
        return mirror is not None

    def _add_several(self, schema: Schema, v: str, depth: int, path: tuple[type, ...]) -> bool:
        item, items = self._new_name("v"), self._new_name("v")
        self._add(depth, f"if type({v}) is list:")
        self._add(depth, f" {items} = []")
        self._add(depth, f" for {item} in {v}:")
        mirror = self.add_schema(schema, item, depth + 2, path)
        self._add(depth, f"  {items}.append({mirror})")
        self._add(depth, f" {v} = {items}")
        self._add(depth, f"elif {v} is not None: raise LookupError")
        return mirror is not None

    def _add_mapping(self, field: Any, v: str, depth: int, path: tuple[type, ...]) -> bool:
        inner = [each for each in (field.key_field, field.value_field) if each is not None]
        own = any("_serialize" in each.__dict__ for each in inner)
        is_text = field.key_field is None or type(field.key_field)._serialize is fields.String._serialize
        if own or not is_text or field.mapping_type is not dict or depth > _MOST_INDENTED:
            return False
        self._add(depth, f"if type({v}) is dict:")
        if inner:
            key, item, items = self._new_name("k"), self._new_name("v"), self._new_name("v")
            self._add(depth, f" {items} = {{}}")
            self._add(depth, f" for {key}, {item} in {v}.items():")
            self._add(depth, f"  if type({key}) is not str: raise LookupError")
            if not self._add_value(field.value_field or _ANYTHING, item, depth + 2, path):
                return False
            self._add(depth, f"  {items}[{key}] = {item}")
        else:
            items = f"to_raw({v})"
        self._add(depth, f" {v} = {items}")
        self._add(depth, f"elif {v} is not None: raise LookupError")
        return True

    def _add_enum(self, field: Any, v: str, depth: int, path: tuple[type, ...]) -> bool:
        by_name = dumps_name(field)
        members = self._new_name("enum")
        self.namespace[members] = field.enum
        self._add(depth, f"if type({v}) is {members}: {v} = {v}.{'_name_' if by_name else '_value_'}")
        self._add(depth, f"elif {v} is not None: raise LookupError")
        return by_name or (dumps_value(field) and self._add_value(field.field, v, depth, path))

    def _add_decimal(self, field: Any, v: str, depth: int) -> bool:
        cls, base = type(field), fields.Decimal
        if any(getattr(cls, each) is not getattr(base, each) for each in ("_serialize", "_format_num", "_to_string")):
            return False
        result = v
        if field.places is not None:
            places, rounding = self._new_name("places"), self._new_name("rounding")
            self.namespace |= {places: field.places, rounding: field.rounding}
            result = f"{v}.quantize({places}, {rounding})"
        if field.as_string:
            result = f"format({result}, 'f')"
        self._add(depth, f"if type({v}) is Decimal and {v}.is_finite(): {v} = {result}")
        self._add(depth, f"elif {v} is not None: raise LookupError")
        return not {"_format_num", "_to_string"} & {*field.__dict__}


class _PlainClasses:
    """Tells whether objects of a class are read without running code, and remembers it.

    Attributes:
        known: Classes of which it was told.
    """

    __slots__ = ("_attributes", "_refused", "known")

    def __init__(self, attributes: tuple[str, ...]) -> None:
        self._attributes = attributes
        self._refused: set[type] = set()
        self.known: set[type] = set()

    def __call__(self, cls: type) -> bool:
        if cls in self.known or cls in self._refused:
            return cls in self.known
        plain = has_plain_attributes(cls) and all(is_data(cls, each) for each in self._attributes)
        kept = self.known if plain else self._refused
        if len(kept) < _MOST_TYPES:
            kept.add(cls)
        return plain


def _can_read(attribute: str) -> bool:
    """Tell whether source can name an attribute as it is."""
    return attribute.isidentifier() and attribute.isascii() and not iskeyword(attribute) and attribute[:2] != "__"


def _can_write(key: Any) -> bool:
    """Tell whether a mirror can have a key, which is not taken for a time."""
    return can_name(key) and not key.endswith("Z")


#: How the values of fields that are written as they are are proved, by what the field serializes with.
_EXACT: tuple[tuple[Any, str], ...] = (
    (fields.String, "if type({v}) is not str and {v} is not None: raise LookupError"),
    (fields.UUID, "if type({v}) is not UUID and {v} is not None: raise LookupError"),
)


def _prove_scalar(field: Any) -> list[str]:
    """Return the lines that prove a value v and make it what the codec writes; none if the codec cannot write it."""
    serialize = type(field)._serialize
    for kind, line in _EXACT:
        if serialize is kind._serialize:
            return [line]
    if serialize is fields.Number._serialize:
        return _prove_number(field)
    if serialize is Field._serialize:
        if isinstance(field, fields.Boolean):
            return ["if {v} is not True and {v} is not False and {v} is not None: raise LookupError"]
        return ["if type({v}) is not str and type({v}) is not int and {v} is not None: {v} = to_raw({v})"]
    if serialize is fields.DateTime._serialize and field.OBJ_TYPE == "date" and _writes_iso(field, dt.date):
        return ["if type({v}) is not date and {v} is not None: raise LookupError"]
    if serialize is fields.DateTime._serialize and field.OBJ_TYPE == "time" and _writes_iso(field, dt.time):
        return ["if (type({v}) is not time or {v}.tzinfo is not None) and {v} is not None: raise LookupError"]
    return []


def _prove_number(field: Any) -> list[str]:
    cls: Any = type(field)
    own = any(getattr(cls, each) is not getattr(fields.Number, each) for each in ("_format_num", "_to_string"))
    if own or field.as_string or "_format_num" in field.__dict__:
        return []
    if cls.num_type is int:
        return ["if type({v}) is not int and {v} is not None: raise LookupError"]
    if cls.num_type is not float:
        return []
    return [
        "if type({v}) is float:",
        " if {v} - {v} != 0.0: raise LookupError",
        "elif type({v}) is int: {v} = float({v})",
        "elif {v} is not None: raise LookupError",
    ]


def _writes_iso(field: Any, cls: Any) -> bool:
    return bool(field.SERIALIZATION_FUNCS.get(field.format or field.DEFAULT_FORMAT) == cls.isoformat)
