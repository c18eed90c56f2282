"""A body that the codec loads gives what decoding and loading it give, to the letter; what it cannot, it leaves."""

from __future__ import annotations

import datetime as dt
import decimal
import json
import random
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given
from marshmallow import EXCLUDE, Schema, ValidationError, fields, post_dump, post_load, validate
from tests.schemas.generated import LOG, Colour, Mood, Size, make_data, make_schema
from tests.schemas.test_sameness import SEEDS, outcome, run_cases

from ramekin.errors import FrozenError
from ramekin.json import JSONError, decode
from ramekin.limits import Limits
from ramekin.schemas import compile_body_reader, compile_encoder, compile_reader
from ramekin.schemas.compiled_load import compile_body_run
from ramekin.schemas.strictness import make_strict, rules_for

LIMITS = Limits(json_nodes=400, number_digits=20, json_depth=5)


def make_default() -> str:
    LOG.append("default")
    return "made"


def make_plain_field(rng: random.Random, depth: int) -> fields.Field[Any]:
    """Make a field that a mold may have."""
    options: dict[str, Any] = rng.choice(
        [{}, {"required": True}, {"load_default": None}, {"load_default": make_default}]
    )
    options |= rng.choice([{}, {"allow_none": True}, {"data_key": rng.choice(["Key", "a b", "é", "x"])}])
    lengths = [None, validate.Length(1, 3), validate.Length(equal=2), [validate.Length(1), validate.Regexp("[ab:]")]]
    texts = [*lengths, validate.OneOf(["a", "b", "é"]), validate.Email(), validate.Equal("a")]
    ranges = [None, validate.Range(0, 3), validate.Range(0.5, 2.5, min_inclusive=False), validate.Range(max=2**63)]
    prices = [*ranges, validate.Range(decimal.Decimal("0.25"), max_inclusive=False), validate.Range(0.1)]
    texts_by: list[Any] = [True, fields.String]
    numbers_by: list[Any] = [True, fields.Integer]
    makers: list[Callable[[], fields.Field[Any]]] = [
        lambda: fields.String(validate=rng.choice(texts), **options),
        lambda: fields.Integer(validate=rng.choice(ranges), **options),
        lambda: fields.Float(validate=rng.choice(ranges), **options),
        lambda: fields.Boolean(**options),
        lambda: fields.DateTime(**options),
        lambda: fields.Date(**options),
        lambda: fields.Time(**options),
        lambda: fields.Decimal(validate=rng.choice(prices), places=rng.choice([None, None, 1]), **options),
        lambda: fields.Decimal(validate=rng.choice(prices), places=rng.choice([None, 1]), as_string=True, **options),
        lambda: fields.UUID(**options),
        lambda: fields.Enum(Colour, **options),
        lambda: fields.Enum(Mood, by_value=rng.choice(texts_by), **options),
        lambda: fields.Enum(Size, by_value=rng.choice(numbers_by), **options),
        lambda: fields.Dict(
            keys=rng.choice([None, fields.String(), fields.String(validate=validate.Length(1))]),
            values=make_plain_field(rng, depth - 1),
            **options,
        ),
        lambda: fields.List(make_plain_field(rng, depth - 1), validate=rng.choice(lengths[:3]), **options),
        lambda: fields.Nested(make_plain_class(rng, depth - 1), many=rng.random() < 0.3, **options),
    ]
    return rng.choice(makers if depth > 0 else makers[:-3])()


def make_plain_class(rng: random.Random, depth: int = 2) -> type[Schema]:
    while True:
        names = rng.sample("abcdex", rng.randint(1, 5))
        made = Schema.from_dict({name: make_plain_field(rng, depth) for name in names})
        try:
            made()
        except ValueError:  # Two fields of one key.
            continue
        return made


def spell(rng: random.Random, value: Any, odd: float) -> str:
    """Write a value as JSON in one of many ways; now and then a member is given twice."""
    space = rng.choice(["", "", "", " ", "\n"])
    if isinstance(value, Mapping):
        members = [(spell(rng, str(name), odd), spell(rng, each, odd)) for name, each in value.items()]
        if members and rng.random() < odd:
            members.insert(0, (rng.choice(members)[0], rng.choice(["null", "1", '"a"', '{"a": "b"}', members[0][1]])))
        return "{" + ",".join(f"{space}{name}{space}:{each}" for name, each in members) + "}"
    if isinstance(value, list | tuple):
        return "[" + f",{space}".join(spell(rng, each, odd) for each in value) + "]"
    if isinstance(value, str):
        text = json.dumps(value, ensure_ascii=rng.random() < 0.5)
        return text.replace("a", "\\u0061") if rng.random() < odd else text
    if type(value) in (int, float) and rng.random() < odd:
        return rng.choice(
            [f"{float(value)}", "1e2", "-0", "1." + "0" * 30, "12345678901234567890123", "9" * 19, "1e400"]
        )
    return json.dumps(value, default=str, allow_nan=False, skipkeys=True)


def read_in_steps(schema: Schema) -> Callable[[bytes], Any]:
    """Return what reads a body without a mold."""
    read = compile_reader(schema, "json", number_digits=LIMITS.number_digits)
    return lambda body: read(decode(body, LIMITS))


def try_to_read(read: Callable[[bytes], Any], body: bytes) -> Any:
    try:
        return read(body)
    except JSONError as error:
        return error.code, error.detail


@run_cases
@given(seed=SEEDS)
def test_a_body_is_read_as_in_steps(seed: int) -> None:
    """A body gives the same result and faults, and calls the same code of a user, however it is read."""
    rng = random.Random(seed)
    schema = (
        make_schema(rng)
        if rng.random() < 0.3
        else make_plain_class(rng)(many=rng.random() < 0.2, partial=rng.choice([None, None, None, True, False, ("a",)]))
    )
    reader, in_steps = compile_body_reader(schema, LIMITS), read_in_steps(schema)

    for odd in (0, 0, 0.05, 0.3):
        data = [make_data(rng, schema) for _ in range(rng.randint(0, 3))] if schema.many else make_data(rng, schema)
        try:
            body = spell(rng, data, odd).encode()
        except (ValueError, OverflowError):  # NaN, and integers that are no double.
            continue
        expected = outcome(lambda: try_to_read(in_steps, body))  # noqa: B023
        assert outcome(lambda: try_to_read(reader.read, body)) == expected  # noqa: B023


class Part(Schema):
    name = fields.String(required=True, validate=validate.Length(1))
    grade = fields.Integer(load_default=1)


class Whole(Schema):
    """A schema with a member of every kind that a mold has."""

    name = fields.String(required=True, validate=[validate.Length(1, 9), validate.Regexp("[a-z]+")])
    kind = fields.String(validate=validate.OneOf(["a", "b"]), allow_none=True)
    weight = fields.Float(validate=validate.Range(0, 200))
    count = fields.Integer(load_default=7)
    born = fields.DateTime()
    day = fields.Date()
    at = fields.Time()
    price = fields.Decimal(places=1, validate=validate.Range(min=0))
    prices = fields.List(fields.Decimal(as_string=True))
    mood = fields.Enum(Mood, by_value=True)
    sizes = fields.List(fields.Enum(Size, by_value=fields.Integer))
    colour = fields.Enum(Colour, data_key="the colour")
    tags = fields.List(fields.String(), validate=validate.Length(max=2))
    part = fields.Nested(Part, attribute="piece")
    parts = fields.List(fields.Nested(Part))
    names = fields.Dict(keys=fields.String(), values=fields.List(fields.String()))
    days = fields.Dict(values=fields.Date(allow_none=True))
    counts = fields.Dict(values=fields.Nested(Part), allow_none=True)
    made = fields.String(load_default=make_default)


GOOD = {
    "name": "rex",
    "kind": None,
    "weight": 3,
    "born": "2020-01-02T03:04:05.123Z",
    "day": "2020-01-02",
    "at": "03:04:05.5Z",
    "price": 1.25,
    "prices": ["1.10", "-0"],
    "mood": "good",
    "sizes": [3],
    "the colour": "RED",
    "tags": ["x:", 'y"'],
    "part": {"name": "é"},
    "parts": [{"name": "\\"}, {"name": "b", "grade": 2}],
    "names": {"a": ["x"], '"': [], "": ["é"]},
    "days": {"b": "2020-01-02", "a": None},
    "counts": {"c": {"name": "n"}},
}


def compile_take(schema: Schema) -> Callable[[bytes], Any] | None:
    """Return what loads a body in C, or returns None for one that it leaves."""
    leave: Any = lambda body: None  # noqa: E731
    strict: Any = make_strict(schema, rules_for("json"))
    return compile_body_run(strict, LIMITS, look=lambda: 0, tell=list, other=leave)


def compile_strict(schema: Schema) -> Callable[[bytes], Any]:
    take = compile_take(schema)
    assert take is not None
    return take


@pytest.mark.parametrize("indent", [None, 1])
def test_a_good_body_is_loaded_by_the_codec(indent: int | None) -> None:
    """A body that fits is loaded by the codec, its spaces and escapes notwithstanding."""
    body = json.dumps(GOOD, indent=indent).encode()

    assert compile_strict(Whole())(body) == read_in_steps(Whole())(body)


@pytest.mark.parametrize(
    "body",
    [
        b'{"name": "rex", "name": "rex"}',
        b'{"name": "rex", "count": 1, "count": 1}',
        b'{"name": "rex", "part": {"name": "a", "n\\u0061me": "a"}}',
        b'{"name": "rex", "other": 1}',
        b'{"name": "rex", "part": {"name": "a", "other": 1}}',
        b'{"name": "REX"}',
        b'{"name": "rex", "weight": 1.000000000000000000000}',
        b'{"name": "rex", "born": "2020-01-02"}',
        b'{"name": "rex", "born": "2020-13-02T03:04:05Z"}',
        b'{"name": "rex", "at": "03:04:05z"}',
        b'{"name": "rex", "price": -0.01}',
        b'{"name": "rex", "price": 1e300}',
        b'{"name": "rex", "prices": [1]}',
        b'{"name": "rex", "mood": "GOOD"}',
        b'{"name": "rex", "sizes": [true]}',
        b'{"name": "rex", "days": {"a": null, "a": null}}',
        b'{"name": "rex", "days": {"a": "2020-01-02", "b": 5}}',
        b'{"name": "rex", "names": {"a": ["x"], "\\u0061": ["x"]}}',
        b'{"name": "rex", "counts": {"a": {"name": "b", "more": 1}}}',
        b'{"name": "rex"} ' + b" " * 800,
        b"\xef\xbb\xbf" + b'{"name": "rex"}',
        b"{}",
    ],
)
def test_what_does_not_fit_is_left(body: bytes) -> None:
    """A member given twice or unknown, a value out of bounds and a text near a limit are left."""
    assert compile_strict(Whole())(body) is None


@pytest.mark.parametrize("choices", [["a", "b"], ["a", "a\n"]])
def test_choices_are_judged_whatever_they_are(choices: list[str]) -> None:
    """Choices that the codec can be told are refused by it, and others by the function that it leaves them to."""
    take = compile_strict(Schema.from_dict({"x": fields.String(validate=validate.OneOf(choices))})())

    assert take(b'{"x": "a"}') == ({"x": "a"}, None)
    assert take(b'{"x": "c"}') is None


def test_a_coercing_reader_takes_what_marshmallow_takes() -> None:
    """With marshmallow's leniency, what fits strictly is loaded by the codec and all else in steps."""
    read = compile_body_reader(
        Schema.from_dict({"at": fields.DateTime(), "n": fields.Integer()})(), LIMITS, coerce=True
    ).read

    assert read(b'{"at": "2020-01-02", "n": 1}')[0] == {"at": dt.datetime(2020, 1, 2), "n": 1}
    assert read(b'{"n": "13"}') == ({"n": 13}, None)


def test_a_reader_is_compiled_once() -> None:
    """A function that was looked up before the first body does not compile what it reads with anew."""
    reader = compile_body_reader(Part(), LIMITS)
    early = reader.read
    early(b'{"name": "a"}')
    made = reader.read
    early(b'{"name": "a"}')

    assert reader.read is made


def test_an_unknown_member_is_left_out_in_steps() -> None:
    """Where unknown members are left out, a body that has some is loaded all the same."""
    assert compile_body_reader(Part(unknown=EXCLUDE), LIMITS).read(b'{"name": "a", "b": {"c": 1}}')[0] == {
        "name": "a",
        "grade": 1,
    }


class Maker(Schema):
    name = fields.String()

    @post_load
    def make(self, data: Any, **kwargs: Any) -> Any:
        LOG.append("made")
        if data["name"] == "bad":
            raise ValidationError("Too bad.", "name")
        return data["name"]


def test_what_a_schema_makes_of_a_good_body_is_its_own() -> None:
    """A post_load hook is given what the codec loaded, and its faults are told."""
    reader = compile_body_reader(Maker(), LIMITS)
    LOG.clear()

    assert reader.read(b'{"name": "a"}') == ("a", None)
    assert [fault.pointer for fault in reader.read(b'{"name": "bad"}')[1] or ()] == ["/name"]
    assert LOG == ["made", "made"]


def test_bodies_that_never_fit_are_tried_seldom() -> None:
    """Of many bodies that do not fit few are tried; once bodies fit again, soon each of them is."""
    tried = []

    def look() -> int:
        tried.append(True)
        return 0

    strict: Any = make_strict(Part(), rules_for("json"))
    read = compile_body_run(strict, LIMITS, look=look, tell=list, other=lambda body: ("left", b'""' in body or None))
    assert read is not None
    assert [read(b'{"name": ""}') for _ in range(200)] == [("left", True)] * 200
    assert len(tried) < 10

    taken = [read(b'{"name": "a"}')[0] for _ in range(40)]
    assert taken[10:] == [{"name": "a", "grade": 1}] * 30


class Endless(Schema):
    next = fields.Nested("Endless")


@pytest.mark.parametrize(
    "schema",
    [
        Endless(),
        Schema.from_dict({"x": fields.Raw()})(),
        Schema.from_dict({"x": fields.Dict()})(),
        Schema.from_dict({"x": fields.String(validate=len)})(),
        Schema.from_dict({"x": fields.String(data_key='"')})(),
        Schema.from_dict({"x": fields.String(attribute="a.b")})(),
        Schema.from_dict({"x": fields.List(fields.List(fields.List(fields.List(fields.List(fields.Integer())))))})(),
        Schema.from_dict({})(),
    ],
    ids=["recursive", "raw", "dict", "own validator", "quoted", "dotted", "deep", "empty"],
)
def test_what_cannot_be_proved_has_no_mold(schema: Schema) -> None:
    """A schema of which the codec cannot load every member has no mold."""
    assert compile_take(schema) is None


class Shown(Part):
    @post_dump
    def show(self, data: Any, **kwargs: Any) -> Any:
        return data


def test_a_hook_of_dumping_is_no_matter_of_loading() -> None:
    """A schema that does something when it dumps is loaded as any other."""
    take = compile_strict(Schema.from_dict({"part": fields.Nested(Shown)})())

    assert compile_strict(Shown())(b'{"name": "a"}') == ({"name": "a", "grade": 1}, None)
    assert take(b'{"part": {"name": "a"}}') == ({"part": {"name": "a", "grade": 1}}, None)


@pytest.mark.parametrize("first", [b"", b'{"name": "a"}'])
def test_a_changed_schema_is_noticed(first: bytes) -> None:
    """A reader of bodies refuses a schema that was changed after it was made, be it before the first body."""
    schema = Part()
    reader = compile_body_reader(schema, LIMITS)
    if first:
        reader.read(first)
    schema.load_fields["name"].validators = []

    with pytest.raises(FrozenError):
        reader.read(b'{"name": "a"}')


def nest(kind: str, depth: int) -> tuple[Schema, dict[str, Any]]:
    """Return a schema that is nested so deep by lists or by objects, and a value that it loads."""
    field: fields.Field[Any] = fields.Integer()
    value: Any = 1
    for number in range(depth):
        if kind == "lists":
            field, value = fields.List(field), [value]
        else:
            field, value = fields.Nested(Schema.from_dict({"x": field}, name=f"Deep{number}")), {"x": value}
    return Schema.from_dict({"x": field})(), {"x": value}


@pytest.mark.parametrize("kind", ["lists", "objects"])
@pytest.mark.parametrize("depth", [14, 15, 16, 17, 18, 20, 30, 60])
def test_what_is_nested_deeper_than_python_compiles_is_read_and_written(kind: str, depth: int) -> None:
    """A schema may be nested deeper than the blocks of one function can be."""
    schema, value = nest(kind, depth)
    body = json.dumps(value, separators=(",", ":")).encode()
    reader = compile_body_reader(schema, Limits())

    assert reader.read(body) == (value, None)
    assert [fault.code for fault in reader.read(body.replace(b"1", b"true"))[1] or ()] == ["invalid"]
    assert compile_encoder(schema)(value) == body
    assert compile_encoder(nest(kind, depth)[0].__class__(many=True))([value]) == b"[" + body + b"]"
