"""Schemas, options, data and objects made at random from one seed, for the tests of sameness.

Everything a schema of the user's may have is in here, hooks and subclassed fields included. What user code does is
written to a log, so that two runs can be compared by their calls too.
"""

from __future__ import annotations

import collections
import contextlib
import datetime as dt
import decimal
import enum
import random
import types
import uuid
from collections.abc import Callable
from typing import Any

from marshmallow import (
    EXCLUDE,
    INCLUDE,
    RAISE,
    Schema,
    ValidationError,
    fields,
    missing,
    post_dump,
    post_load,
    pre_dump,
    pre_load,
    validate,
    validates,
    validates_schema,
)

Field = fields.Field[Any]

#: The calls of user code since it was last cleared.
LOG: list[Any] = []


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"
    ONE = 1


class Text(str):
    """Text that shows itself differently."""

    __slots__ = ()

    def __str__(self) -> str:
        return "shown"


class Whole(int):
    """An integer that counts differently."""

    def __int__(self) -> int:
        return 77


class Mood(str, enum.Enum):  # noqa: UP042 - StrEnum is another kind.
    """Text whose ``str`` is not its value."""

    GOOD = "good"


class Size(enum.IntEnum):
    BIG = 3


class Loud(fields.String):
    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        LOG.append(("loud", attr, sorted(kwargs)))
        return str(super()._deserialize(value, attr, data, **kwargs)).upper()

    def _serialize(self, value: Any, attr: Any, obj: Any, **kwargs: Any) -> Any:
        LOG.append(("loud-out", attr))
        return super()._serialize(value, attr, obj, **kwargs)


class Even(fields.Integer):
    default_error_messages = {"odd": "Odd."}

    def _validated(self, value: Any) -> Any:
        number = super()._validated(value)
        if number % 2:
            raise self.make_error("odd")
        return number


class Plain(fields.Float):
    """A subclass that overrides nothing."""


class Defaulting(fields.Integer):
    def deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        return -1 if isinstance(value, type(missing)) else super().deserialize(value, *args, **kwargs)

    def serialize(self, attr: Any, obj: Any, *args: Any, **kwargs: Any) -> Any:
        return super().serialize(attr, obj, *args, **kwargs)


class Demanding(fields.String):
    def _validate_missing(self, value: Any) -> None:
        if value is missing:
            raise ValidationError("Where is it?")
        super()._validate_missing(value)


class Reading(fields.Integer):
    def get_value(self, obj: Any, attr: Any, accessor: Any = None, default: Any = missing) -> Any:
        found: Any = super().get_value(obj, attr, accessor, default)
        return 7 if found is missing else 8


class Recursive(Schema):
    """A schema that nests itself in three ways."""

    value = fields.Integer(required=True)
    next = fields.Nested(lambda: Recursive(exclude=("others",)), allow_none=True)
    others = fields.List(fields.Nested("Recursive"))
    single = fields.Nested("self_named_recursive", only=("value",), load_default=None)


class self_named_recursive(Recursive):  # noqa: N801 - found by this name.
    class Meta:
        unknown = EXCLUDE


def _log_and_refuse(value: Any) -> None:
    LOG.append(("validate", repr(value)))
    if len(repr(value)) % 3 == 0:
        raise ValidationError("Not this.")


def _log_and_keep(value: Any) -> Any:
    LOG.append(("pre", repr(value)))
    return value


def _refuse_in_detail(value: Any) -> None:
    LOG.append(("detail", repr(value)))
    if len(repr(value)) % 2 == 0:
        raise ValidationError({"part": ["Wrong."]})


def _refuse_nothing(value: Any) -> None:
    raise ValidationError([])


def _check_and_say(value: Any) -> None:
    LOG.append(("say", repr(value)))
    raise ValidationError(["One.", "Two."])


def _error(rng: random.Random) -> str | None:
    return rng.choice([None, None, None, "Custom.", "Custom {input}."])


def _length(rng: random.Random) -> Any:
    if rng.random() < 0.2:
        return validate.Length(equal=2, error=_error(rng))
    return validate.Length(min=rng.choice([None, 0, 1]), max=rng.choice([None, 2, 4]), error=_error(rng))


def _range(rng: random.Random) -> Any:
    return validate.Range(
        min=rng.choice([None, 0, -1.5, 2, decimal.Decimal("0.25")]),
        max=rng.choice([None, 3, 10.5, decimal.Decimal(4)]),
        min_inclusive=rng.random() < 0.7,
        max_inclusive=rng.random() < 0.7,
        error=_error(rng),
    )


def _one_of(rng: random.Random) -> Any:
    choices: list[Any] = [["a", "bb"], [1, 2], (2, 3), [1, "a"], (True,), "abc", {"a", "ccc"}, []]
    return validate.OneOf(rng.choice(choices), error=_error(rng))


def _equal(rng: random.Random) -> Any:
    return validate.Equal(rng.choice([1, "a", 1.0, 2]), error=_error(rng))


def _own(rng: random.Random) -> Any:
    return rng.choice([_log_and_refuse, _refuse_in_detail, _refuse_nothing, _check_and_say])


def _of_text(rng: random.Random) -> Any:
    makers: list[Callable[[], Any]] = [
        lambda: validate.Regexp("^[a-z]+$", error=_error(rng)),
        lambda: validate.Email(error=_error(rng)),
        lambda: validate.URL(error=_error(rng)),
        lambda: validate.Predicate("isalpha", error=_error(rng)),
        lambda: validate.NoneOf(["a", 1], error=_error(rng)),
    ]
    return rng.choice(makers)()


def _union(rng: random.Random) -> Any:
    return validate.And(_length(rng), rng.choice([_own, _range, _one_of])(rng))


def _contains_only(rng: random.Random) -> Any:
    return validate.ContainsOnly(["a", 1], error=_error(rng))


_ANY_VALIDATOR = [_length, _range, _one_of, _equal, _own, _own, _of_text, _union, _contains_only]
_FITTING: list[tuple[type, list[Callable[[random.Random], Any]]]] = [
    (fields.String, [_length, _length, _one_of, _equal, _of_text, _own, _union]),
    (fields.Number, [_range, _range, _range, _one_of, _equal, _own]),
    (fields.List, [_length, _length, _own, _contains_only]),
]


def _add_validators(rng: random.Random, field: Field) -> Field:
    """Give a field validators, mostly such as fit its values."""
    if rng.random() < 0.4:
        fitting = next((makers for cls, makers in _FITTING if isinstance(field, cls)), [_own])
        makers = fitting if rng.random() < 0.9 else _ANY_VALIDATOR
        made = [rng.choice(makers)(rng) for _ in range(rng.randint(1, 3))]
        field.validate = made
        field.validators = [*field.validators, *made]
    return field


def _callable_default() -> Any:
    LOG.append("default")
    return "made"


def _options(rng: random.Random, names: list[str]) -> dict[str, Any]:
    options: dict[str, Any] = {}
    if rng.random() < 0.3:
        options["required"] = True
    elif rng.random() < 0.3:
        options["load_default"] = rng.choice([None, 5, "x", _callable_default, missing])
    if rng.random() < 0.2:
        options["dump_default"] = rng.choice([None, 5, _callable_default])
    if rng.random() < 0.3:
        options["allow_none"] = rng.random() < 0.8
    if rng.random() < 0.2:
        options["data_key"] = rng.choice([*names, "Key", "a b", "", "_schema"])
    if rng.random() < 0.15:
        options["attribute"] = rng.choice([*names, "deep.a", "deep.b", "not name", "class"])
    if rng.random() < 0.1:
        options[rng.choice(["load_only", "dump_only"])] = True
    if rng.random() < 0.15:
        options["error_messages"] = rng.choice(
            [{"required": "Give it."}, {"null": "No {input}."}, {"invalid": "Bad {input}!"}, {"required": {"a": "b"}}]
        )
    if rng.random() < 0.05:
        options["pre_load"] = rng.choice([str, _log_and_keep])
    if rng.random() < 0.05:
        options["post_load"] = lambda value: (_log_and_keep(value), "post")
    return options


def _serialize_function(obj: Any) -> Any:
    LOG.append("function")
    return "function"


def make_field(rng: random.Random, names: list[str], depth: int) -> Field:
    """Make a field of any kind."""
    options = _options(rng, names)
    by_values: list[Any] = [True, fields.String, fields.Raw]
    flat: list[Callable[[], Field]] = [
        lambda: fields.String(**options),
        lambda: fields.String(**options),
        lambda: fields.Integer(**options, strict=rng.random() < 0.3, as_string=rng.random() < 0.2),
        lambda: fields.Float(**options, allow_nan=rng.random() < 0.3, as_string=rng.random() < 0.1),
        lambda: fields.Decimal(**options, places=rng.choice([None, 1]), as_string=rng.random() < 0.5),
        lambda: fields.Boolean(**options),
        lambda: fields.Boolean(**options, truthy={"ja"}, falsy={"nein"}),
        lambda: fields.DateTime(**options, format=rng.choice([None, "iso", "rfc", "timestamp", "%Y-%m-%d"])),
        lambda: fields.NaiveDateTime(**options, timezone=rng.choice([None, dt.UTC])),
        lambda: fields.AwareDateTime(**options, default_timezone=rng.choice([None, dt.UTC])),
        lambda: fields.Date(**options, format=rng.choice([None, "%d.%m.%Y"])),
        lambda: fields.Time(**options),
        lambda: fields.TimeDelta(**options),
        lambda: fields.UUID(**options),
        lambda: fields.Url(**options),
        lambda: fields.Email(**options),
        lambda: fields.IP(**options),
        lambda: fields.Raw(**options),
        lambda: fields.Enum(Colour, **options),
        lambda: fields.Enum(Colour, by_value=rng.choice(by_values), **options),
        lambda: Loud(**options),
        lambda: Even(**options),
        lambda: Plain(**options),
        lambda: Defaulting(**options),
        lambda: Demanding(**options),
        lambda: Reading(**options),
        lambda: fields.Constant(rng.choice(["constant", None]), **_options(rng, names)),
        lambda: fields.Method("dump_method", "load_method"),
        lambda: fields.Function(_serialize_function, rng.choice([None, str])),
        lambda: fields.Enum(Mood, by_value=rng.choice(by_values), **options),
        lambda: fields.Enum(Size, by_value=rng.choice([*by_values, fields.Integer]), **options),
    ]
    if depth <= 0 or rng.random() < 0.7:
        common = [0, 2, 3, 5, 7, 10, 13, 17, 18]
        return _add_validators(rng, _make(rng, [flat[each] for each in common] if rng.random() < 0.6 else flat))

    def inner() -> Field:
        return make_field(rng, names, depth - 1)

    options = _options(rng, names)
    unknown: Any = rng.choice([None, None, RAISE, INCLUDE, EXCLUDE])
    many = rng.choice([None, False, True])

    def nested() -> Any:
        made = make_schema_class(rng, depth - 1)
        chance = rng.random()
        return made if chance < 0.4 else _instance(rng, made) if chance < 0.7 else lambda: _again(made)

    deep: list[Callable[[], Field]] = [
        lambda: fields.List(inner(), **options),
        lambda: fields.List(inner(), **options),
        lambda: fields.List(fields.Nested(make_schema_class(rng, depth - 1)), **options),
        lambda: fields.Tuple((inner(), inner()), **options),
        lambda: fields.Dict(**options),
        lambda: fields.Dict(keys=inner(), values=inner(), **options),
        lambda: fields.Dict(values=inner(), **options),
        lambda: fields.Nested(nested(), unknown=unknown, many=many, **options),
        lambda: fields.Nested(nested(), unknown=unknown, many=many, **options),
        lambda: fields.Nested(Recursive, unknown=unknown, **options),
        lambda: fields.Pluck(Recursive, "value", many=rng.random() < 0.5, **options),
    ]
    return _add_validators(rng, _make(rng, deep))


def _make(rng: random.Random, makers: list[Callable[[], Field]]) -> Field:
    """Make a field; options that a kind refuses are left to another."""
    while True:
        try:
            return rng.choice(makers)()
        except (ValueError, TypeError):
            continue


def _again(cls: type[Schema]) -> Schema:
    return cls()


def _instance(rng: random.Random, cls: type[Schema]) -> Schema:
    names = tuple(cls._declared_fields)
    options: dict[str, Any] = {"many": rng.choice([None, None, None, True])}
    if rng.random() < 0.2:
        options["only"] = rng.sample(names, rng.randint(1, len(names)))
    if rng.random() < 0.2:
        options["exclude"] = rng.sample(names, rng.randint(0, 1))
    if rng.random() < 0.2:
        options["unknown"] = rng.choice([RAISE, INCLUDE, EXCLUDE])
    if rng.random() < 0.2:
        options["partial"] = rng.choice([True, False, names[:1], [f"{names[0]}.b", "a.a"]])
    try:
        return cls(**options)
    except ValueError:  # Nothing is left of the fields, or too much.
        return cls()


def _hooks(rng: random.Random) -> dict[str, Any]:  # noqa: C901 - one line for each hook.
    collection = rng.random() < 0.3
    original = rng.random() < 0.3
    refusing = rng.random() < 0.3

    def log(name: str) -> Callable[..., Any]:
        def hook(self: Any, data: Any, *args: Any, **kwargs: Any) -> Any:
            LOG.append((name, repr(data), repr(args), repr(sorted(kwargs.items()))))
            if refusing and len(repr(data)) % 3 == 0:
                raise ValidationError(_message_for(data), "a" if len(repr(data)) % 2 else "_schema")
            return data

        return hook

    def check(name: str) -> Callable[..., Any]:
        def hook(self: Any, value: Any, data_key: str) -> None:
            LOG.append((name, repr(value), data_key))
            if len(repr(value)) % 2:
                raise ValidationError("Checked.")

        return hook

    made: dict[str, Any] = {}
    if rng.random() < 0.15:
        made["before"] = pre_load(pass_collection=collection)(log("pre_load"))
    if rng.random() < 0.3:
        made["after"] = post_load(pass_collection=collection, pass_original=original)(log("post_load"))
    if rng.random() < 0.15:
        made["whole"] = validates_schema(
            pass_collection=collection, pass_original=original, skip_on_field_errors=rng.random() < 0.5
        )(log("validates_schema"))
    if rng.random() < 0.15:
        made["one"] = validates("a")(check("validates"))
    if rng.random() < 0.15:
        made["out"] = pre_dump(pass_collection=collection)(log("pre_dump"))
    if rng.random() < 0.15:
        made["sent"] = post_dump(pass_collection=collection, pass_original=original)(log("post_dump"))
    if rng.random() < 0.1:
        made["handle_error"] = _handle_error
    if rng.random() < 0.1:
        made["get_attribute"] = _get_attribute
    if rng.random() < 0.1:
        made["dict_class"] = collections.OrderedDict
    if rng.random() < 0.1:
        made["error_messages"] = {"unknown": "What is this?", "type": "Not that."}
    if rng.random() < 0.05:
        made["load"] = _load
    return made


def _message_for(data: Any) -> Any:
    """Give messages of several forms, the same for the same data."""
    return [["Hook."], "Hook.", {"a": ["Hooked."]}, {"_schema": {"b": ["Deep."]}}][len(repr(data)) % 4]


def _handle_error(self: Any, error: ValidationError, data: Any, *, many: bool, **kwargs: Any) -> None:
    LOG.append(("handle_error", repr(error.messages), repr(data), many, repr(sorted(kwargs.items()))))


def _get_attribute(self: Any, obj: Any, attr: str, default: Any) -> Any:
    LOG.append(("get_attribute", attr))
    return Schema.get_attribute(self, obj, attr, default)


def _load(self: Any, *args: Any, **kwargs: Any) -> Any:
    LOG.append("load")
    return Schema.load(self, *args, **kwargs)


def _dump_method(self: Any, obj: Any) -> Any:
    return "method"


def _load_method(self: Any, value: Any) -> Any:
    LOG.append(("method", repr(value)))
    if value == "bad":
        raise ValidationError("Bad.")
    return value


def make_schema_class(rng: random.Random, depth: int = 2) -> type[Schema]:
    """Make a schema class of up to five fields, with hooks and Meta options."""
    while True:
        made = _make_schema_class(rng, depth)
        with contextlib.suppress(ValueError, AttributeError):
            # Not two fields of one key or attribute; no Method field within another.
            made()
            return made


def _make_schema_class(rng: random.Random, depth: int) -> type[Schema]:
    names = list("abcde"[: rng.randint(1, 5)])
    meta: dict[str, Any] = {"register": False}
    if rng.random() < 0.2:
        meta["unknown"] = rng.choice([RAISE, INCLUDE, EXCLUDE])
    if rng.random() < 0.1:
        meta["index_errors"] = False
    if rng.random() < 0.1:
        meta["datetimeformat"] = "rfc"
    members: dict[str, Any] = {name: make_field(rng, names, depth) for name in names}
    members |= {"Meta": type("Meta", (), meta), "dump_method": _dump_method, "load_method": _load_method}
    return type("Generated", (Schema,), members | _hooks(rng))


def make_schema(rng: random.Random) -> Schema:
    """Make a schema instance."""
    return _instance(rng, make_schema_class(rng))


SCALARS: list[Any] = [
    None,
    True,
    False,
    0,
    1,
    2,
    -1,
    13,
    10**20,
    10**400,
    1.0,
    2.5,
    -0.0,
    float("nan"),
    float("inf"),
    "",
    "a",
    "bb",
    "ccc",
    "1",
    "2.5",
    "true",
    "ja",
    "RED",
    "red",
    "bad",
    "2020-01-02",
    "2020-01-02T03:04:05",
    "2020-01-02T03:04:05+00:00",
    "2020-01-02T03:04:05Z",
    "2020-01-02T03:04:05.5+05:30",
    "03:04:05",
    "Thu, 02 Jan 2020 03:04:05 -0000",
    "12345678-1234-5678-1234-567812345678",
    "ada@example.com",
    "https://example.com/",
    "127.0.0.1",
    "02.01.2020",
    b"a",
    b"\xff",
    [],
    {},
    ["a"],
    {"a": 1},
    [1, "a", None],
    decimal.Decimal("1.5"),
    dt.datetime(2020, 1, 2, tzinfo=dt.UTC),
    dt.date(2020, 1, 2),
    Colour.RED,
    ("a",),
    {1: 2},
]


def make_value(rng: random.Random, field: Field, depth: int = 3) -> Any:
    """Make a value for a field: mostly one that it may take."""
    if depth <= 0 or rng.random() < 0.12:
        return rng.choice(SCALARS)
    if isinstance(field, fields.List):
        return [make_value(rng, field.inner, depth - 1) for _ in range(rng.randint(0, 3))]
    if isinstance(field, fields.Tuple):
        return [make_value(rng, each, depth - 1) for each in field.tuple_fields]
    if isinstance(field, fields.Mapping):
        inner = field.value_field or fields.Raw()
        return {rng.choice(["a", "1", "RED", 1]): make_value(rng, inner, depth - 1) for _ in range(rng.randint(0, 2))}
    if isinstance(field, fields.Nested) and not isinstance(field, fields.Pluck):
        schema = field.schema
        if schema.many or field.many:
            return [make_data(rng, schema, depth - 1) for _ in range(rng.randint(0, 2))]
        return make_data(rng, schema, depth - 1)
    return rng.choice(_TYPICAL.get(_typical_class(field), SCALARS))


_TYPICAL: dict[type | None, list[Any]] = {
    fields.String: ["", "a", "bb", "ccc", "abcdef", "a@b.cd"],
    fields.Integer: [0, 1, 2, 3, -1, 4, 2.0, "2"],
    fields.Float: [0.5, 1, 2.5, -1.5, 3.0, 11.0],
    fields.Boolean: [True, False],
    fields.Decimal: [0, 1, 2.5, 0.1, 0.25, -1, 10**20, 1e300, 4, "1.5", "1.25", "-0", "1e5", "9" * 19],
    fields.DateTime: [
        "2020-01-02T03:04:05+00:00",
        "2020-01-02T03:04:05Z",
        "2020-01-02T03:04:05",
        "2020-01-02T03:04:05.5Z",
        "2020-01-02T03:04:05.123456789+01:00",
        "2020-01-02t03:04:05.25z",
        "2020-01-02T24:00:00Z",
        "2020-02-30T03:04:05.5",
        "2020-01-02",
    ],
    fields.Date: ["2020-01-02", "2020-13-01"],
    fields.Time: ["03:04:05", "03:04:05.5", "03:04:05.5Z", "03:04:05z", "24:00:00", "03:04", "T3:04:05"],
    fields.Enum: ["RED", "BLUE", "red", "no", 1, "good", "GOOD", 3, 3.0],
    fields.UUID: ["12345678-1234-5678-1234-567812345678", "x"],
}


def _typical_class(field: Field) -> type | None:
    return next((cls for cls in _TYPICAL if cls is not None and isinstance(field, cls)), None)


def make_data(rng: random.Random, schema: Schema, depth: int = 3) -> Any:
    """Make data for one object of a schema: members left out, unknown ones, other mappings."""
    if rng.random() < 0.04:
        return rng.choice(SCALARS)
    data: dict[Any, Any] = {}
    for name, field in schema.fields.items():
        if rng.random() < 0.8:
            data[name if field.data_key is None else field.data_key] = make_value(rng, field, depth)
    if rng.random() < 0.2:
        data[rng.choice(["more", "x", "_schema", 5, "a"])] = 1
    chance = rng.random()
    if chance < 0.05:
        return collections.OrderedDict(data)
    return types.MappingProxyType(data) if chance < 0.07 else data


class Thing:
    """An object that is read by attribute."""

    def __init__(self, members: dict[Any, Any]) -> None:
        self.__dict__.update({str(key): value for key, value in members.items()})

    @property
    def e(self) -> Any:
        LOG.append("e")
        return self.__dict__.get("e", 5)


class Magic(Thing):
    """An object that makes its attributes."""

    def __getattr__(self, name: str) -> Any:
        LOG.append(("getattr", name))
        if name == "a":
            return 1
        raise AttributeError(name)


class Keyed(Thing):
    """An object that is read by key, and then by attribute."""

    def __getitem__(self, key: str) -> Any:
        LOG.append(("getitem", key))
        if key == "b":
            return "b"
        raise KeyError(key)


OBJECTS: list[Any] = [
    *SCALARS,
    uuid.UUID(int=5),
    dt.time(1, 2),
    dt.timedelta(1),
    Colour.BLUE,
    "x",
    "y",
    5,
    6,
    7.5,
    True,
    dt.datetime(2020, 1, 2, 3, 4, 5, 6, tzinfo=dt.timezone(dt.timedelta(hours=5))),
    dt.datetime(2020, 1, 2),
    Text("text"),
    Whole(4),
    Mood.GOOD,
    Size.BIG,
    {1, 2},
    "\ud800",
    "XYZ",
    'Z"Z',
]


def make_object(rng: random.Random, schema: Schema, depth: int = 3) -> Any:
    """Make an object for a schema to dump, of any kind that can be read."""
    members: dict[Any, Any] = {}
    for name, field in schema.fields.items():
        if rng.random() < 0.85:
            members[field.attribute or name] = make_member(rng, field, depth)
    kind = rng.random()
    if kind < 0.4:
        return members
    if kind < 0.45:
        return collections.OrderedDict(members)
    if kind < 0.5:
        return rng.choice([None, 5, "a", []])
    return rng.choice([Thing, Thing, Thing, Magic, Keyed])(members)


def make_member(rng: random.Random, field: Field, depth: int) -> Any:
    """Make a value for a field to dump."""
    if depth <= 0 or rng.random() < 0.05:
        return rng.choice(OBJECTS)
    if isinstance(field, fields.List):
        return [make_member(rng, field.inner, depth - 1) for _ in range(rng.randint(0, 3))]
    if isinstance(field, fields.Tuple):
        return tuple(make_member(rng, each, depth - 1) for each in field.tuple_fields)
    if isinstance(field, fields.Nested):
        schema = field.schema
        if schema.many or field.many:
            return [make_object(rng, schema, depth - 1) for _ in range(rng.randint(0, 2))]
        return rng.choice([None, make_object(rng, schema, depth - 1), make_object(rng, schema, depth - 1)])
    return rng.choice(_OUTGOING.get(_typical_class(field), OBJECTS))


_OUTGOING: dict[type | None, list[Any]] = {
    fields.String: ["", "a", "bb", None, 5, b"x"],
    fields.Integer: [0, 1, 2, None, 2.0, "2", True],
    fields.Float: [0.5, 1, 2.5, None, "1"],
    fields.Boolean: [True, False, None, 1],
    fields.DateTime: [
        dt.datetime(2020, 1, 2, 3, 4, 5, tzinfo=dt.UTC),
        dt.datetime(2020, 1, 2, 3, 4, 5, 600),
        dt.datetime(20, 1, 2, tzinfo=dt.timezone(dt.timedelta(seconds=5))),
        None,
    ],
    fields.Decimal: [decimal.Decimal("1.25"), decimal.Decimal("-0"), decimal.Decimal("NaN"), 1, 1.5, "2", None],
    fields.Date: [dt.date(2020, 1, 2), dt.datetime(2020, 1, 2), None],
    fields.Time: [dt.time(1, 2), dt.time(1, 2, 3, 40), dt.time(1, 2, tzinfo=dt.UTC), None],
    fields.Enum: [Colour.RED, Colour.ONE, Mood.GOOD, Size.BIG, None],
    fields.UUID: [uuid.UUID(int=5), None, "x"],
}
