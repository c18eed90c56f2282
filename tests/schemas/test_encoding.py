"""A compiled encoder writes what is written of marshmallow's dump, to the letter, or raises the same."""

from __future__ import annotations

import collections
import dataclasses
import datetime as dt
import decimal
import random
import uuid
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from marshmallow import Schema, fields, post_dump
from tests.schemas.generated import LOG, OBJECTS, Colour, Recursive, Size, make_object, make_schema
from tests.schemas.test_sameness import SEEDS, outcome, run_cases

from ramekin.errors import FrozenError
from ramekin.json import encode
from ramekin.schemas import compile_encoder
from ramekin.schemas.mirrors import compile_writers
from ramekin.schemas.watching import Watch


@run_cases
@given(seed=SEEDS)
def test_an_encoder_writes_what_is_dumped(seed: int) -> None:
    """An encoder writes, raises and calls just what encoding marshmallow's dump does; attributes are read as often."""
    rng = random.Random(seed)
    schema = make_schema(rng)
    encode_value = compile_encoder(schema)

    for _ in range(4):
        obj = [make_object(rng, schema) for _ in range(rng.randint(0, 5))] if schema.many else make_object(rng, schema)

        expected = outcome(lambda: encode(schema.dump(obj)))  # noqa: B023
        assert outcome(lambda: encode_value(obj)) == expected  # noqa: B023


class Thing:
    """An object of data alone."""

    note = "class"

    def __init__(self, members: dict[str, Any]) -> None:
        self.__dict__.update(members)


class Slotted:
    __slots__ = (
        "at",
        "born",
        "colour",
        "colours",
        "counts",
        "day",
        "extra",
        "hue",
        "id",
        "name",
        "named",
        "nested",
        "note",
        "notes",
        "ok",
        "others",
        "price",
        "prices",
        "rows",
        "several",
        "sizes",
        "stays",
        "tags",
        "unique",
        "weight",
        "weights",
    )

    def __init__(self, members: dict[str, Any]) -> None:
        for name, value in members.items():
            setattr(self, name, value)


class Computed(Thing):
    """An object of which one attribute is computed."""

    @property
    def name(self) -> Any:
        LOG.append("name")
        return self.__dict__.get("name")


class Owner(Schema):
    name = fields.String()
    born = fields.DateTime()


class Plain(Schema):
    """A schema that the codec could dump, of every kind of field that it can."""

    id = fields.Integer()
    name = fields.String()
    weight = fields.Float()
    weights = fields.List(fields.Float())
    born = fields.DateTime()
    day = fields.Date()
    ok = fields.Boolean()
    unique = fields.UUID()
    tags = fields.List(fields.String())
    rows = fields.List(fields.List(fields.Integer()))
    nested = fields.Nested(Owner)
    others = fields.List(fields.Nested(Owner))
    several = fields.Nested(Owner, many=True)
    colour = fields.Enum(Colour)
    colours = fields.List(fields.Enum(Colour))
    hue = fields.Enum(Colour, by_value=True)
    sizes = fields.List(fields.Enum(Size, by_value=fields.Integer))
    price = fields.Decimal()
    prices = fields.List(fields.Decimal(places=2, as_string=True))
    at = fields.Time()
    notes = fields.Dict()
    counts = fields.Dict(keys=fields.String(), values=fields.Dict(values=fields.Integer()))
    stays = fields.Dict(values=fields.List(fields.DateTime()))
    named = fields.Dict(keys=fields.String())
    extra = fields.Raw()
    note = fields.String(data_key="the-note")


MAKERS: list[Callable[[dict[str, Any]], Any]] = [
    dict,
    Thing,
    Slotted,
    Computed,
    collections.OrderedDict,
    lambda members: dataclasses.make_dataclass("Data", members)(**members),
    lambda members: msgspec.defstruct("Data", list(members))(**members),
]
ZONES = [dt.UTC, dt.UTC, None, dt.timezone(dt.timedelta(0), "zero"), dt.timezone(dt.timedelta(hours=1, seconds=5))]


def make_owner(rng: random.Random, make: Callable[[dict[str, Any]], Any], zones: list[Any]) -> Any:
    return make({"name": rng.choice(["Ada", "é", "Z", "Z,", 'Z"']), "born": make_time(rng, zones)})


def make_time(rng: random.Random, zones: list[Any]) -> dt.datetime:
    year, microsecond = rng.choice([20, 2020, 9998]), rng.choice([0, 0, 600, 123456])
    return dt.datetime(year, 1, 2, 3, 4, 5, microsecond, tzinfo=rng.choice(zones))


def make_notes(rng: random.Random) -> dict[str, Any]:
    values: list[Any] = [
        None,
        "Z",
        1,
        1.5,
        [1, {"a": "é"}],
        {"b": []},
        True,
        decimal.Decimal("1.10"),
        make_time(rng, [dt.UTC]),
    ]
    return {rng.choice(["a", "Z", '"']): rng.choice(values) for _ in range(rng.randint(0, 2))}


def make_plain(rng: random.Random, make: Callable[[dict[str, Any]], Any], zones: list[Any], odd: float) -> Any:
    members: dict[str, Any] = {
        "id": rng.choice([0, -1, 2**63, 10**30]),
        "name": rng.choice(["", "Rex", "null", '"', "\\Z", "\u2028", "Zoe"]),
        "weight": rng.choice([0.0, -0.0, 2.5, 1e300, 5e-324, 3.0, 3, 2**53 + 1, 2**63 + 1025, -(2**63) - 1025, 10**30]),
        "weights": [rng.choice([1.5, 2, 10**30]) for _ in range(rng.randint(0, 2))],
        "born": make_time(rng, zones),
        "day": rng.choice([dt.date(20, 1, 2), dt.date(2020, 12, 31)]),
        "ok": rng.random() < 0.5,
        "unique": uuid.UUID(int=rng.getrandbits(128)),
        "tags": [rng.choice(["a", "Z", "ü"]) for _ in range(rng.randint(0, 3))],
        "rows": [[rng.randint(-3, 3)] * rng.randint(0, 2) for _ in range(rng.randint(0, 2))],
        "nested": make_owner(rng, make, zones),
        "others": [make_owner(rng, make, zones) for _ in range(rng.randint(0, 2))],
        "several": [make_owner(rng, make, zones) for _ in range(rng.randint(0, 2))],
        "colour": rng.choice([*Colour, None]),
        "colours": [rng.choice([*Colour]) for _ in range(rng.randint(0, 2))],
        "hue": rng.choice([*Colour, None]),
        "sizes": [rng.choice([*Size]) for _ in range(rng.randint(0, 2))],
        "price": decimal.Decimal(rng.choice(["0", "-0.00", "1.10", "1E+5", "12345678901234567890.123", "1E-9"])),
        "prices": [decimal.Decimal(rng.choice(["2.345", "1E+3", "-7"])) for _ in range(rng.randint(0, 2))],
        "at": dt.time(rng.randint(0, 23), 5, 6, rng.choice([0, 600, 123456])),
        "notes": make_notes(rng),
        "counts": {"a": {"Z": 1}, "b": {}, 'c"': {"d": rng.randint(-3, 3)}},
        "stays": {rng.choice(["Z", "a"]): [make_time(rng, zones)], "": []},
        "named": make_notes(rng),
        "extra": rng.choice([make_notes(rng), [make_notes(rng)], "Z", 1, 1.5, True]),
        "note": None,
    }
    for name in members:
        if rng.random() < odd:
            members[name] = rng.choice([None, *OBJECTS, [rng.choice(OBJECTS)], [[rng.choice(OBJECTS)]]])
    if rng.random() < odd:
        del members[rng.choice(list(members))]
    return make(members)


def make_variant(rng: random.Random) -> Schema:
    names = list(Plain._declared_fields)
    return Plain(many=rng.random() < 0.7, only=rng.sample(names, rng.randint(1, len(names))))


@run_cases
@given(seed=SEEDS)
def test_plain_objects_are_written_as_dumped(seed: int) -> None:
    """Objects that the codec reads, one or many, are written as if marshmallow had, whatever stands among them."""
    rng = random.Random(seed)
    schema = make_variant(rng)
    encode_value = compile_encoder(schema)

    for odd in (0, 0.01, 0.05):
        make, zones = rng.choice(MAKERS), rng.choice([ZONES, ZONES[:1], ZONES[:3]])
        makers = [make] if rng.random() < 0.8 else MAKERS
        several = [make_plain(rng, rng.choice(makers), zones, odd) for _ in range(rng.randint(0, 6))]
        objects = several if schema.many else make_plain(rng, make, zones, odd)

        expected = outcome(lambda: encode(schema.dump(objects)))  # noqa: B023
        assert outcome(lambda: encode_value(objects)) == expected  # noqa: B023


def mirrored(schema: Schema, objects: list[Any]) -> bytes | None:
    writers = compile_writers(schema, lambda: 100, lambda value: b"dumped")
    text = writers[type(objects[0]) is dict](objects)
    return None if text == b"dumped" else text


@pytest.mark.parametrize("make", [Thing, Slotted, *MAKERS[-2:]])
def test_the_codec_reads_plain_objects(make: Callable[[dict[str, Any]], Any]) -> None:
    """Objects of data alone are read and written by the codec, times in UTC and text that ends in Z included."""
    rng = random.Random(5)
    objects = [make_plain(rng, make, [dt.UTC], 0) for _ in range(5)]
    schema = Plain(many=True, exclude=("nested", "others", "several", "counts", "extra", "named", "notes", "stays"))

    for each in objects:
        each.name, each.tags = "Zoe", ["AZ, B", None]

    assert mirrored(schema, objects) == encode(schema.dump(objects))


def test_the_codec_reads_dicts() -> None:
    """Dicts whose keys are the schema's are read by the codec too."""
    rng = random.Random(5)
    objects = [make_plain(rng, dict, [None], 0) for _ in range(5)]
    schema = Plain(many=True, exclude=("note",))

    assert mirrored(schema, objects) == encode(schema.dump(objects))


@pytest.mark.parametrize(
    "change",
    [
        {"id": True},
        {"weight": float("nan")},
        {"name": "Z"},
        {"tags": ("a",)},
        {"born": dt.date(2020, 1, 2)},
        {"colour": "RED"},
        {"several": [None]},
        {"several": ()},
        {"price": decimal.Decimal("NaN")},
        {"prices": [decimal.Decimal("1e30")]},
        {"at": dt.time(1, 2, tzinfo=dt.UTC)},
        {"notes": [("a", 1)]},
        {"notes": {1: 2}},
        {"counts": {"a": collections.OrderedDict()}},
        {"stays": {1: []}},
        {"extra": {1}},
        {"hue": "red"},
        {"sizes": [3]},
    ],
)
def test_what_is_not_proved_is_left_alone(change: dict[str, Any]) -> None:
    """One value that the codec might write differently leaves the list to the dumper."""
    rng = random.Random(5)
    objects = [make_plain(rng, Thing, [dt.UTC], 0) for _ in range(5)]
    objects[3].__dict__.update(change)

    assert mirrored(Plain(many=True), objects) is None


def test_properties_are_never_read_by_the_codec() -> None:
    """A class with a property among the attributes is left to the dumper, which reads it once."""
    objects = [Computed({"name": "Ada"}) for _ in range(5)]
    LOG.clear()

    assert mirrored(Plain(many=True, only=("name",)), objects) is None
    assert LOG == []


def test_what_is_never_proved_is_not_tried_for_ever() -> None:
    """Where value after value cannot be proved, they are all written, and one that could be is too."""
    write = compile_encoder(Plain(only=("name",)))
    for _ in range(520):
        assert write({"name": 5}) == b'{"name":"5"}'

    assert write({"name": "Ada"}) == b'{"name":"Ada"}'


def test_a_proof_that_keeps_failing_is_given_up() -> None:
    """The function that proves values is put aside for good, also where it looks at the schema now and then."""
    schema = Plain(only=("name",))
    writers = compile_writers(schema, Watch(schema).look, lambda value: b"dumped")
    writers[True]({"name": 5})
    tried = writers[True]

    for _ in range(1000):
        assert writers[True]({"name": 5}) == b"dumped"

    assert writers[True] is not tried
    assert writers[True]({"name": "Ada"}) == b"dumped"


class Cents(fields.Decimal):
    """A field with its own way to make numbers."""

    def _format_num(self, value: Any) -> decimal.Decimal:
        return decimal.Decimal(value) / 100


@pytest.mark.parametrize("name", ["time", "decimal", "keys", "number", "dotted", "quoted", "own"])
def test_the_codec_is_not_asked_for_what_it_cannot_dump(name: str) -> None:
    """A schema with a field that the codec would write differently has no mirror."""
    own = fields.String()
    own._serialize = lambda value, attr, obj, **kwargs: "own"  # type: ignore[method-assign]
    odd: dict[str, dict[str, fields.Field[Any]]] = {
        "time": {"x": fields.Time(format="%H")},
        "decimal": {"x": Cents()},
        "keys": {"x": fields.Dict(keys=fields.Integer(), values=fields.String())},
        "number": {"x": fields.Integer(as_string=True)},
        "dotted": {"x": fields.String(attribute="a.b")},
        "quoted": {"x": fields.String(data_key='"')},
        "own": {"x": fields.List(own)},
    }
    schema = Schema.from_dict(odd[name])(many=True)

    assert mirrored(schema, [Thing({"x": 1})] * 3) is None


def test_a_value_that_holds_itself_fails_alike() -> None:
    """A recursive value ends in the error that marshmallow ends in."""
    value: dict[str, Any] = {"value": 1}
    value["next"] = {"value": 2, "next": value}

    with pytest.raises(RecursionError):
        compile_encoder(Recursive())(value)


def test_hooks_are_doubted() -> None:
    """What a hook makes of the dumped value is looked through."""

    class Wrapped(Schema):
        name = fields.String()

        @post_dump(pass_collection=True)
        def wrap(self, data: Any, **kwargs: Any) -> Any:
            return {"items": {1, 2}}

    with pytest.raises(Exception, match="it is of type set"):
        compile_encoder(Wrapped(many=True))([{"name": "Ada"}] * 5)


@pytest.mark.parametrize("many", [False, True])
def test_a_changed_schema_is_noticed(many: bool) -> None:
    """An encoder refuses a schema that was changed after it was compiled."""
    schema = Plain(many=many)
    encode_value = compile_encoder(schema)
    schema.dump_fields["id"].data_key = "key"

    with pytest.raises(FrozenError):
        encode_value([])


@pytest.mark.parametrize(
    "field",
    [
        fields.Date(),
        fields.List(fields.String()),
        fields.List(fields.Float()),
        fields.List(fields.Raw()),
        fields.List(fields.List(fields.Date())),
        fields.List(fields.Nested(Owner)),
        fields.Dict(),
    ],
)
@given(seed=SEEDS)
@settings(max_examples=100)
def test_a_lone_field_is_written(field: fields.Field[Any], seed: int) -> None:
    """A field that stands for a whole body writes what it serializes."""
    rng = random.Random(seed)
    encode_value = compile_encoder(field)
    value = rng.choice([[rng.choice(OBJECTS) for _ in range(3)], [Thing({"name": "Ada"}), None], *OBJECTS])

    expected = outcome(lambda: encode(field._serialize(value, "", value)))
    assert outcome(lambda: encode_value(value)) == expected
