"""The documented type is what is accepted: every rule of every location, as tables."""

from __future__ import annotations

import datetime as dt
import enum
import ipaddress
import uuid
from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from marshmallow import Schema, ValidationError, fields, pre_load, validate

from ramekin.schemas import compile_loader
from ramekin.schemas.validators import wrap_validator

UTC = dt.UTC
HUGE = 10**400
STAMP = "2020-01-02T03:04:05"
UUID_TEXT = "12345678-1234-5678-1234-567812345678"


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Level(enum.Enum):
    LOW = 1
    HIGH = 2


JSON_ACCEPTED: list[tuple[fields.Field[Any], Any, Any]] = [
    (fields.Integer(), 13, 13),
    (fields.Integer(), 13.0, 13),
    (fields.Integer(), -0.0, 0),
    (fields.Integer(), 10**30, 10**30),
    (fields.Integer(strict=True), 13.0, 13),
    (fields.Integer(as_string=True), "13", 13),
    (fields.Float(), 13, 13.0),
    (fields.Float(), 1.5, 1.5),
    (fields.Decimal(), 13, Decimal(13)),
    (fields.Decimal(), 1.5, Decimal("1.5")),
    (fields.Decimal(as_string=True), "-13.50", Decimal("-13.50")),
    (fields.Float(as_string=True), "1e3", 1000.0),
    (fields.Boolean(), True, True),
    (fields.Boolean(), False, False),
    (fields.Boolean(truthy={"ja"}, falsy={"nein"}), "ja", True),
    (fields.String(), "x", "x"),
    (fields.TimeDelta(), 1.5, dt.timedelta(seconds=1.5)),
    (fields.DateTime(), f"{STAMP}Z", dt.datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC)),
    (fields.DateTime(), f"{STAMP}z".lower(), dt.datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC)),
    (fields.DateTime(), f"{STAMP}.5+00:00", dt.datetime(2020, 1, 2, 3, 4, 5, 500000, tzinfo=UTC)),
    (fields.AwareDateTime(), f"{STAMP}-00:00", dt.datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC)),
    (fields.AwareDateTime(default_timezone=UTC), f"{STAMP}Z", dt.datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC)),
    (fields.NaiveDateTime(), STAMP, dt.datetime(2020, 1, 2, 3, 4, 5)),
    (fields.NaiveDateTime(timezone=UTC), f"{STAMP}Z", dt.datetime(2020, 1, 2, 3, 4, 5)),
    (fields.DateTime(format="rfc"), "Thu, 02 Jan 2020 03:04:05 +0000", dt.datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC)),
    (fields.DateTime(format="timestamp"), 0, dt.datetime(1970, 1, 1)),
    (fields.DateTime(format="timestamp_ms"), 1500.0, dt.datetime(1970, 1, 1, 0, 0, 1, 500000)),
    (fields.DateTime(format="%d.%m.%Y"), "02.01.2020", dt.datetime(2020, 1, 2)),
    (fields.Date(), "2020-01-02", dt.date(2020, 1, 2)),
    (fields.Date(format="%d.%m.%Y"), "02.01.2020", dt.date(2020, 1, 2)),
    (fields.Time(), "03:04:05", dt.time(3, 4, 5)),
    (fields.Time(), "03:04:05.5z", dt.time(3, 4, 5, 500000, tzinfo=UTC)),
    (fields.UUID(), UUID_TEXT, uuid.UUID(UUID_TEXT)),
    (fields.Url(), "https://example.com/a", "https://example.com/a"),
    (fields.Url(), "HTTP://u:p@[::1]:80/%41?b=/?#c", "HTTP://u:p@[::1]:80/%41?b=/?#c"),
    (fields.Url(relative=True), "//example.com/a:b@c", "//example.com/a:b@c"),
    (fields.Url(relative=True), "?a#b", "?a#b"),
    (fields.String(validate=validate.Regexp("^[a-z]+$")), "abc", "abc"),
    (fields.String(validate=validate.Regexp("(?m)^a$")), "a\nb", "a\nb"),
    (fields.String(validate=validate.OneOf("ab")), "a", "a"),
    (fields.Enum(Level, by_value=fields.Raw), 1, Level.LOW),
    (fields.Enum(Level, by_value=fields.Boolean(truthy={"ja"}, falsy={"nein"})), "ja", Level.LOW),
    (fields.Decimal(places=1, validate=validate.Range(max=1)), 0.96, Decimal("1.0")),
    (fields.Decimal(places=1, validate=validate.Range(max=1), allow_none=True), None, None),
    (fields.Decimal(places=1, allow_nan=True), 1.04, Decimal("1.0")),
    (fields.Dict(keys=fields.Integer()), {"1": 1, "2": 2}, {1: 1, 2: 2}),
    (fields.Email(), "ada@example.com", "ada@example.com"),
    (fields.IP(), "::1", ipaddress.ip_address("::1")),
    (fields.IPv4Interface(), "10.0.0.1/8", ipaddress.ip_interface("10.0.0.1/8")),
    (fields.Enum(Colour), "RED", Colour.RED),
    (fields.Enum(Colour, by_value=True), "red", Colour.RED),
    (fields.Enum(Level, by_value=True), 1, Level.LOW),
    (fields.Enum(Level, by_value=fields.Integer), 2.0, Level.HIGH),
    (fields.List(fields.Integer()), [1, 2.0], [1, 2]),
    (fields.Tuple((fields.Integer(), fields.String())), [1, "x"], (1, "x")),
    (fields.Dict(keys=fields.Integer(), values=fields.Float()), {"1": 2}, {1: 2.0}),
    (fields.Raw(), {"any": True}, {"any": True}),
    (fields.Raw(validate=validate.OneOf([1, True])), True, True),
    (fields.Integer(metadata={"type": "string"}), "13", 13),
    (fields.Integer(allow_none=True), None, None),
]

JSON_REFUSED: list[tuple[fields.Field[Any], list[Any]]] = [
    (fields.Integer(), ["13", 13.7, True, False, "1_000", [], {}, float("inf"), float("nan"), b"1"]),
    (fields.Integer(strict=True), [13.5, "13", True]),
    (fields.Integer(as_string=True), [13, "1_0", " 1", "1.0", "9" * 65, True]),
    (fields.Float(), ["1.5", True, HUGE, "nan", float("nan"), [], {}]),
    (fields.Decimal(), ["1.5", True, float("inf"), [], {}]),
    (fields.Decimal(places=2), [1e300]),
    (fields.Decimal(as_string=True), [1.5, "1e5", "1.", ".5", "NaN", "1_0", "٣", "9" * 65]),
    (fields.Float(as_string=True), [1.5, "nan", "1e999", "0x1", " 1"]),
    (fields.Boolean(), ["true", "on", 1, 0, 1.0, [], {}]),
    (fields.String(), [1, True, b"x", [], {}]),
    (fields.TimeDelta(), ["1", True, HUGE, 1e300, [], {}]),
    (
        fields.DateTime(),
        [
            STAMP,
            "2020-01-02",
            "20200102T030405Z",
            "2020-01-02 03:04:05Z",
            "2020-W01-1T03:04:05Z",
            f"{STAMP}+0000",
            f"{STAMP}+00:00:01",
            f"{STAMP},5Z",
            "2020-01-02T24:00:00Z",
            "2020-01-02T03:04Z",
            "2020-02-30T03:04:05Z",
            "0000-01-02T03:04:05Z",
            f"{STAMP}Z\n",
            "２０２０-01-02T03:04:05Z",
            1577934245,
            True,
            [],
        ],
    ),
    (fields.AwareDateTime(default_timezone=UTC), [STAMP]),
    (fields.NaiveDateTime(), [f"{STAMP}Z", "2020-01-02", 5]),
    (fields.NaiveDateTime(timezone=UTC), [STAMP]),
    (fields.DateTime(format="rfc"), ["", " ", "x", 5, "Mon, 99999999999999 Jan 2020 00:00:00 +0000", "0" * 40]),
    (fields.DateTime(format="timestamp"), ["0", True, -1, HUGE, 1e300, float("nan")]),
    (fields.DateTime(format="timestamp_ms"), ["0", True, HUGE]),
    (fields.DateTime(format="%d.%m.%Y"), [5, "2020-01-02", True]),
    (fields.Date(), ["20200102", "2020-W01-1", "2020-1-2", "2020-02-30", f"{STAMP}Z", 20200102, True]),
    (fields.Time(), ["03:04", "030405", "24:00:00", "T03:04:05", "03:04:05,5", "03:04:05+0000", 5, True]),
    (fields.UUID(), [UUID_TEXT.replace("-", ""), f"{{{UUID_TEXT}}}", f"urn:uuid:{UUID_TEXT}", 5, True, b"x" * 16]),
    (fields.Url(), [5, "no url", "urn:x", 'http://example.com/"<>', "http://example.com/ä", "http://bücher.example/"]),
    (fields.Url(), [f"http://example.com/{bad}" for bad in ("%zz", "{}", "`", "|", "^", "[", "#a#b", "\\", "\u0661")]),
    (fields.Url(), ["http://[1::2::3]/", "http://example.com:\u0661/"]),
    (fields.Url(relative=True), ["/%zz", "/{}", "/ä", "//a:b", "//[", "?%", "#|"]),
    (fields.String(validate=validate.URL()), ["http://example.com/|", "http://example.com/\n"]),
    (fields.String(validate=validate.Regexp("^[a-z]+$")), ["abc\n", "1"]),
    (fields.String(validate=validate.Regexp(r"^\d$")), ["\u0661", "1\n"]),
    (fields.String(validate=validate.And(validate.Regexp("a$"), validate.Length(max=9))), ["a\n"]),
    (fields.Email(validate=validate.Regexp(".*$")), ["a@example.com\n"]),
    (fields.String(validate=validate.OneOf("ab")), ["ab", "", "c"]),
    (fields.List(fields.String(), validate=validate.ContainsOnly("ab")), [["ab"], [""]]),
    (fields.Email(), [5, "nobody"]),
    (fields.IP(), [2130706433, "2130706433", "fe80::1%eth0", True, b"::1"]),
    (fields.IPv4(), [1, "::1", "10.0.0.01"]),
    (fields.IPv6(), [1, "fe80::1%1", "10.0.0.1"]),
    (fields.IPInterface(), [1, "fe80::1%1/64"]),
    (fields.Enum(Colour), ["red", 1, True, []]),
    (fields.Enum(Level, by_value=True), [True, "1", 3, [], {}]),
    (fields.Enum(Level, by_value=fields.Integer), [True, "1", 1.5]),
    (fields.Enum(Level, by_value=fields.Raw), [True, "1", 3]),
    (fields.Decimal(places=1, validate=validate.Range(max=1)), [1.04, 2, "1", True, float("nan")]),
    (fields.Decimal(places=0, validate=validate.And(validate.Range(min=1), validate.Range(max=9))), [0.9]),
    (fields.Dict(keys=fields.Integer()), [{"1": 1, "01": 2}]),
    (fields.Dict(keys=fields.UUID()), [{UUID_TEXT[:-1] + "a": 1, UUID_TEXT[:-1] + "A": 2}]),
    (fields.List(fields.Integer()), ["1", {}, ["1"], [True]]),
    (fields.Tuple((fields.Integer(),)), ["1", {}, [], [1, 2], ["1"]]),
    (fields.Dict(keys=fields.Integer(), values=fields.Float()), [[], {"x": 1.0}, {"1": "1"}, {"1_0": 1}]),
    (fields.Raw(validate=validate.OneOf([1, 2])), [True]),
    (fields.Raw(validate=validate.OneOf([[1], {"a": 0}])), [[True], {"a": False}]),
    (fields.Raw(validate=validate.And(validate.Equal(1))), [True]),
    (fields.Raw(validate=validate.ContainsOnly([0, 1])), [[True]]),
    (fields.Integer(), [None]),
]

TEXT_ACCEPTED: list[tuple[fields.Field[Any], Any, Any]] = [
    (fields.Integer(), "-007", -7),
    (fields.Integer(strict=True), "7", 7),
    (fields.Integer(), "9" * 64, int("9" * 64)),
    (fields.Float(), "-1.5e3", -1500.0),
    (fields.Decimal(), "1.50", Decimal("1.50")),
    (fields.Decimal(), "1e-7", Decimal("1e-7")),
    (fields.Boolean(), "true", True),
    (fields.Boolean(), "false", False),
    (fields.TimeDelta(), "1.5", dt.timedelta(seconds=1.5)),
    (fields.DateTime(format="timestamp"), "1.5", dt.datetime(1970, 1, 1, 0, 0, 1, 500000)),
    (fields.Date(), "2020-01-02", dt.date(2020, 1, 2)),
    (fields.UUID(), UUID_TEXT, uuid.UUID(UUID_TEXT)),
    (fields.String(), "", ""),
    (fields.List(fields.Integer()), ["1", "2"], [1, 2]),
    (fields.Enum(Level, by_value=fields.Integer), "2", Level.HIGH),
]

TEXT_REFUSED: list[tuple[fields.Field[Any], list[Any]]] = [
    (fields.Url(), ["http://example.com/ä", "http://example.com/%"]),
    (fields.Decimal(places=1, validate=validate.Range(max=1)), ["1.04"]),
    (fields.String(validate=validate.Regexp("^a$")), ["a\n"]),
    (fields.Integer(), ["", "+1", " 1", "1_0", "1.0", "٣", "9" * 65, "1\n", True]),
    (fields.Float(), ["", "nan", "inf", "1_0", " 1", ".5", "5.", "+1", "1e999", "9" * 65, True]),
    (fields.Float(allow_nan=True), ["nan", "-Infinity", "1e999"]),
    (fields.Decimal(), ["NaN", "1e999999999", "1e-999999999", "0e999999999", "1_0"]),
    (fields.Boolean(), ["True", "1", "on", "", 1]),
    (fields.TimeDelta(), ["nan", "1e300", "1_0"]),
    (fields.DateTime(format="timestamp"), ["nan", "-1", "1e300", "x"]),
    (fields.List(fields.Integer()), ["1", ["x"]]),
]


def _flat(rows: list[tuple[Any, list[Any]]]) -> list[tuple[Any, Any]]:
    return [(field, value) for field, values in rows for value in values]


@pytest.mark.parametrize(("field", "value", "loaded"), JSON_ACCEPTED)
def test_json_accepts_the_documented_type(field: fields.Field[Any], value: Any, loaded: Any) -> None:
    """A JSON value of the documented type is loaded as marshmallow loads it."""
    load = compile_loader(Schema.from_dict({"field": field})(), "json")

    result = load({"field": value})["field"]

    assert result == loaded
    assert type(result) is type(loaded)


@pytest.mark.parametrize(("field", "value"), _flat(JSON_REFUSED))
def test_json_refuses_any_other_type(field: fields.Field[Any], value: Any) -> None:
    """A JSON value of another type is a fault at its field, never an exception."""
    load = compile_loader(Schema.from_dict({"field": field})(), "json")

    with pytest.raises(ValidationError) as caught:
        load({"field": value})

    assert list(caught.value.messages) == ["field"]


@pytest.mark.parametrize(("field", "value", "loaded"), TEXT_ACCEPTED)
@pytest.mark.parametrize("location", ["query", "headers", "cookies", "form"])
def test_text_accepts_the_documented_form(location: Any, field: fields.Field[Any], value: Any, loaded: Any) -> None:
    """A text value in the documented form is loaded in every text location."""
    load = compile_loader(Schema.from_dict({"field": field})(), location)

    result = load({"field": value})["field"]

    assert result == loaded
    assert type(result) is type(loaded)


@pytest.mark.parametrize(("field", "value"), _flat(TEXT_REFUSED))
def test_text_refuses_any_other_form(field: fields.Field[Any], value: Any) -> None:
    """A text value in another form is a fault at its field."""
    load = compile_loader(Schema.from_dict({"field": field})(), "query")

    with pytest.raises(ValidationError) as caught:
        load({"field": value})

    assert list(caught.value.messages) == ["field"]


@pytest.mark.parametrize(
    ("field", "message"),
    [
        (fields.Integer(), "Not a valid integer."),
        (fields.Float(), "Not a valid number."),
        (fields.Boolean(), "Not a valid boolean."),
        (fields.DateTime(), "Not a valid datetime."),
        (fields.Date(), "Not a valid date."),
        (fields.UUID(), "Not a valid UUID."),
        (fields.IPv4(), "Not a valid IPv4 address."),
        (fields.IPInterface(), "Not a valid IP interface."),
        (fields.Integer(error_messages={"invalid": "A whole number, please."}), "A whole number, please."),
    ],
)
def test_the_fault_is_the_invalid_message_of_the_field(field: fields.Field[Any], message: str) -> None:
    """What strictness refuses is told by the field's own message."""
    load = compile_loader(Schema.from_dict({"field": field})(), "json")

    with pytest.raises(ValidationError) as caught:
        load({"field": "0x1"})

    assert caught.value.messages == {"field": [message]}


def test_all_faults_are_told_at_once() -> None:
    """Strictness does not hide the faults of other fields, nor of validators."""
    schema = Schema.from_dict(
        {
            "age": fields.Integer(),
            "size": fields.Integer(validate=validate.Range(max=3)),
            "name": fields.String(required=True),
        }
    )()

    with pytest.raises(ValidationError) as caught:
        compile_loader(schema, "json")({"age": "13", "size": 5, "more": 1})

    assert caught.value.messages == {
        "age": ["Not a valid integer."],
        "size": ["Must be less than or equal to 3."],
        "name": ["Missing data for required field."],
        "more": ["Unknown field."],
    }


def test_values_are_judged_after_the_hooks() -> None:
    """What a pre_load hook or a field's pre_load makes of a value is what is judged."""

    class Lenient(Schema):
        age = fields.Integer()
        born = fields.Date()
        size = fields.Integer(pre_load=int)

        @pre_load
        def convert(self, data: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
            return data | {"age": int(data["age"]), "born": dt.date(2020, 1, 2)}

    loaded = compile_loader(Lenient(), "json")({"age": "13", "born": "x", "size": "7"})

    assert loaded == {"age": 13, "born": dt.date(2020, 1, 2), "size": 7}


def test_coerce_restores_the_leniency_of_marshmallow() -> None:
    """With coerce, every value that marshmallow can convert is taken."""
    schema = Schema.from_dict({"age": fields.Integer(), "done": fields.Boolean(), "day": fields.Date()})()

    loaded = compile_loader(schema, "json", coerce=True)({"age": "1_3", "done": "on", "day": "20200102"})

    assert loaded == {"age": 13, "done": True, "day": dt.date(2020, 1, 2)}


def test_coerce_restores_the_leniency_of_validators() -> None:
    """With coerce, validators judge as marshmallow's own do."""
    code, link = fields.String(validate=validate.Regexp("^[a-z]+$")), fields.Url()
    load = compile_loader(Schema.from_dict({"code": code, "link": link})(), "json", coerce=True)

    loaded = load({"code": "abc\n", "link": "http://example.com/|"})

    assert loaded == {"code": "abc\n", "link": "http://example.com/|"}


def test_a_narrowed_validator_speaks_in_the_words_of_its_own() -> None:
    """What only the narrower meaning refuses is refused with the validator's own message."""
    code = fields.String(validate=validate.Regexp("^a$", error="{input!r} is not {regex}."))
    link = fields.Url(error_messages={"invalid": "No link."})
    load = compile_loader(Schema.from_dict({"code": code, "link": link})(), "json")

    with pytest.raises(ValidationError) as caught:
        load({"code": "a\n", "link": "http://example.com/|"})

    assert caught.value.messages == {"code": ["'a\\n' is not ^a$."], "link": ["No link."]}


@pytest.mark.parametrize("validator", [validate.Regexp("a$"), validate.URL()])
def test_a_narrowed_validator_looks_like_its_own(validator: validate.Validator) -> None:
    """The repr of a wrapped validator is that of the user's own."""
    assert repr(wrap_validator(validator, exact=True)) == repr(validator)


def test_a_subclass_is_judged_as_its_nearest_known_class() -> None:
    """A subclassed field accepts what the class that it extends accepts."""

    class Positive(fields.Integer):
        def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
            return abs(super()._deserialize(value, attr, data, **kwargs))

    load = compile_loader(Schema.from_dict({"n": Positive()})(), "json")

    assert load({"n": -3}) == {"n": 3}
    with pytest.raises(ValidationError):
        load({"n": "-3"})


class StrictNode(Schema):
    value = fields.Integer(required=True)
    next = fields.Nested("StrictNode")
    others = fields.List(fields.Nested("StrictNode"))


@pytest.mark.parametrize("way", ["next", "others"])
def test_recursive_schemas_are_strict_at_every_depth(way: str) -> None:
    """A recursive schema judges its deepest value as its first."""
    data: Any = {"value": "1"}
    for _ in range(20):
        data = {"value": 1, way: data if way == "next" else [data]}

    with pytest.raises(ValidationError) as caught:
        compile_loader(StrictNode(), "json")(data)

    assert "Not a valid integer." in str(caught.value.messages)


def test_a_form_judges_its_json_parts_as_json() -> None:
    """Within a form, fields are text, and what stands in Nested and Dict is JSON."""
    schema = Schema.from_dict(
        {
            "age": fields.Integer(),
            "node": fields.Nested(StrictNode),
            "sizes": fields.Dict(values=fields.Integer()),
            "picked": fields.Pluck(StrictNode, "value"),
        }
    )()
    load = compile_loader(schema, "form")

    good = {"age": "1", "node": {"value": 1}, "sizes": {"a": 1}, "picked": "4"}
    assert load(good) == {"age": 1, "node": {"value": 1}, "sizes": {"a": 1}, "picked": {"value": 4}}
    with pytest.raises(ValidationError) as caught:
        load({"age": 1.5, "node": {"value": "1"}, "sizes": {"a": "1"}, "picked": "x"})
    assert list(caught.value.messages) == ["node", "sizes", "picked"]


def test_a_query_judges_nested_values_as_text() -> None:
    """A nested query parameter has text leaves."""
    load = compile_loader(Schema.from_dict({"filter": fields.Nested(StrictNode)})(), "query")

    assert load({"filter": {"value": "5"}}) == {"filter": {"value": 5}}


def test_files_are_not_judged() -> None:
    """In files nothing is judged."""
    load = compile_loader(Schema.from_dict({"n": fields.Integer()})(), "files")

    assert load({"n": "1_0"}) == {"n": 10}


def test_number_digits_can_be_set() -> None:
    """The most digits of a number in text is a parameter."""
    load = compile_loader(fields.Integer(), "query", number_digits=3)

    assert load("-123") == -123
    with pytest.raises(ValidationError):
        load("1234")


_SCALARS = [fields.Integer, fields.Float, fields.Decimal, fields.Boolean, fields.String, fields.DateTime, fields.Date]
_SCALARS += [fields.Time, fields.TimeDelta, fields.UUID, fields.Url, fields.Email, fields.IP, fields.IPInterface]
_FORMATTED = [fields.DateTime(format=each) for each in ("rfc", "timestamp", "timestamp_ms", "%Y")]
_ALL = [cls() for cls in _SCALARS] + [fields.NaiveDateTime(), fields.Decimal(as_string=True), *_FORMATTED]
_TEXTS = st.text(max_size=30) | st.from_regex(r"[0-9TZtz:.+-]{0,40}", fullmatch=True)
_VALUES = st.none() | st.booleans() | st.integers() | st.floats() | _TEXTS | st.sampled_from([HUGE, -HUGE, [], {}])


@settings(max_examples=300)
@given(field=st.sampled_from(_ALL), value=_VALUES, location=st.sampled_from(["json", "query"]))
def test_no_value_raises_anything_but_a_validation_error(field: fields.Field[Any], value: Any, location: Any) -> None:
    """Whatever value arrives is loaded or refused; it never raises another exception."""
    load = compile_loader(field, location)

    with suppress(ValidationError):
        load(value)
