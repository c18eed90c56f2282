"""JSON in and out: what is read, what is refused and how it is written."""

from __future__ import annotations

import json
from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, localcontext
from enum import Enum, IntEnum, StrEnum
from itertools import count
from math import isinf
from struct import pack, unpack
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ramekin.errors import ContractError
from ramekin.json import EncodeError, JSONError, decode, encode, encode_plain
from ramekin.limits import Limits

LIMITS = Limits()

# Letters that the guards could take for structure, beside any others.
texts = st.text(st.sampled_from('":\\[]{},. \n\t/0123456789eE+-aé\u2028😀\x00')) | st.text(max_size=8)
numbers = st.integers(-(10**40), 10**40) | st.floats(allow_nan=False, allow_infinity=False)
scalars = st.none() | st.booleans() | numbers | texts
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=20,
)
styles = st.fixed_dictionaries(
    {
        "ensure_ascii": st.booleans(),
        "indent": st.sampled_from([None, 1, "\t", "\r\n "]),
        "separators": st.sampled_from([(",", ":"), (", ", ": "), (" , ", " : "), ("\n,\r", "\t:\n")]),
    }
)


def code_of(body: bytes, limits: Limits = LIMITS) -> str:
    """Return the code with which a body is refused."""
    with pytest.raises(JSONError) as caught:
        decode(body, limits)
    return caught.value.code


def fault_of(value: Any) -> tuple[str, str]:
    """Return where and why a value is refused."""
    with pytest.raises(EncodeError) as caught:
        encode(value)
    return caught.value.pointer, caught.value.reason


def refuse(name: str) -> None:
    raise ValueError(name)


def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) < len(pairs):
        raise ValueError("duplicate")
    return dict(pairs)


def finite(text: str) -> float:
    if isinf(float(text)):
        raise ValueError("overflow")
    return float(text)


def judge(body: bytes) -> Any:
    """Read a body as the standard library does, made strict; raise ValueError where it is refused."""
    text = body.decode("utf-8-sig")
    value = json.loads(text, parse_constant=refuse, parse_float=finite, object_pairs_hook=unique)
    json.dumps(value, ensure_ascii=False).encode()
    return value


def halfway(low: float, high: float) -> Decimal:
    """Return the exact middle of two doubles."""
    with localcontext(prec=2000):
        return (Decimal(low) + Decimal(high)) / 2


def depth_of(value: Any) -> int:
    if isinstance(value, (dict, list)):
        children = value.values() if isinstance(value, dict) else value
        return 1 + max(map(depth_of, children), default=0)
    return 0


def nodes_of(value: Any) -> int:
    if isinstance(value, (dict, list)):
        return 1 + sum(map(nodes_of, value.values() if isinstance(value, dict) else value))
    return 1


class TestDecode:
    @given(values, styles)
    @settings(max_examples=400)
    def test_agrees_with_standard_library(self, value: Any, style: dict[str, Any]) -> None:
        """Whatever the standard library writes is read as the standard library reads it, types and all."""
        text = json.dumps(value, **style)

        assert repr(decode(text.encode(), LIMITS)) == repr(json.loads(text))

    @given(st.binary(max_size=12) | st.lists(st.sampled_from('[]{}:,"1-.eE0\\ua Ntrue\n'), max_size=12).map("".join))
    @settings(max_examples=800)
    def test_refuses_what_is_no_json(self, data: bytes | str) -> None:
        """Any bytes are read or refused just as a strict standard library would."""
        body = data if isinstance(data, bytes) else data.encode()
        try:
            expected = repr(judge(body))
        except ValueError:
            code_of(body)
        else:
            assert repr(decode(body, LIMITS)) == expected

    @given(values, styles, st.data())
    @settings(max_examples=400)
    def test_refuses_damaged_text(self, value: Any, style: dict[str, Any], data: st.DataObject) -> None:
        """A text in which a few bytes were changed is read or refused as a strict standard library would."""
        body = bytearray(json.dumps(value, **style).encode())
        place = data.draw(st.integers(0, len(body)))
        body[place : place + data.draw(st.integers(0, 2))] = data.draw(
            st.sampled_from([b"", b'"', b"\\", b"1", b"\xed"])
        )
        try:
            expected = repr(judge(bytes(body)))
        except ValueError:
            code_of(bytes(body))
        else:
            assert repr(decode(bytes(body), LIMITS)) == expected

    @pytest.mark.parametrize(
        ("body", "code"),
        [
            (b"", "empty"),
            (b" \t\r\n", "empty"),
            (b"\xef\xbb\xbf", "empty"),
            (b"NaN", "not-finite"),
            (b"[Infinity]", "not-finite"),
            (b"[-Infinity]", "not-finite"),
            (b"1e400", "number-overflow"),
            (b"-1e99999999999999", "number-overflow"),
            (b'"\\ud800"', "lone-surrogate"),
            (b'"\\udc00\\ud800"', "lone-surrogate"),
            (b'{"\\ud800abcdef": 1}', "lone-surrogate"),
            (b'["\\u0041", NaN]', "not-finite"),
            (b'["\\ud800", 1,]', "syntax"),
            (b'"\xed\xa0\x80"', "encoding"),
            (b'"\xff"', "encoding"),
            (b'"\xc0\x80"', "encoding"),
            ('{"a": 1}'.encode("utf-16"), "encoding"),
            ('{"a": 1}'.encode("utf-16-be"), "encoding"),
            ('{"a": 1}'.encode("utf-32-le"), "encoding"),
            (b"\xef\xbb\xbf\xef\xbb\xbf1", "syntax"),
            (b'"\\x"', "syntax"),
            (b'"\\u12"', "syntax"),
            (b'"\x1f"', "syntax"),
            (b'"open', "syntax"),
            (b"-", "syntax"),
            (b"01", "syntax"),
            (b"1.", "syntax"),
            (b".5", "syntax"),
            (b"+1", "syntax"),
            (b"nan", "syntax"),
            (b"[1,]", "syntax"),
            (b'{"a":1,}', "syntax"),
            (b"{1:2}", "syntax"),
            (b"{'a':1}", "syntax"),
            (b"1 2", "syntax"),
            (b'{"a":1}x', "syntax"),
            (b"\x0b1", "syntax"),
            (b"\xc2\xa01", "syntax"),
            (b"/**/1", "syntax"),
        ],
    )
    def test_names_the_fault(self, body: bytes, code: str) -> None:
        """Each kind of fault has its code."""
        assert code_of(body) == code

    @pytest.mark.parametrize(
        ("body", "value"),
        [
            (b"\xef\xbb\xbf[1]", [1]),
            (b" \t\r\n1 \t\r\n", 1),
            (b'"\\u0000"', "\0"),
            (b'"\\ud83d\\ude00"', "😀"),
            (b'"\x7f\\/\\b"', "\x7f/\b"),
            (b"-0", 0),
            (b"1E5", 100000.0),
            (b"1e-400", 0.0),
            (b"18446744073709551616", 2**64),
            (b"-9223372036854775809", -(2**63) - 1),
        ],
    )
    def test_reads_the_unusual(self, body: bytes, value: Any) -> None:
        """What is unusual but allowed is taken, integers exactly and with their type."""
        assert repr(decode(body, LIMITS)) == repr(value)

    def test_fault_repeats_no_value(self) -> None:
        """A fault names its place, but nothing of the text."""
        with pytest.raises(JSONError) as caught:
            decode(b'{"password": secret}', LIMITS)

        assert caught.value.detail == "The text is not JSON: invalid character (byte 13)."

    @given(st.integers(-(10**64) + 1, 10**64 - 1))
    def test_integers_are_exact(self, number: int) -> None:
        """An integer of any allowed length arrives exact."""
        assert decode(b"[%d]" % number, LIMITS) == [number]

    @given(
        st.integers(0, 10**40),
        st.text("0123456789", max_size=40),
        st.none() | st.integers(-400, 320),
        st.sampled_from(["", "-"]),
    )
    @settings(max_examples=500)
    def test_numbers_are_the_nearest_double(self, whole: int, fraction: str, exponent: int | None, sign: str) -> None:
        """A number with fraction or exponent is the nearest double, to the bit, or refused where it overflows."""
        text = f"{sign}{whole}.{fraction}0" + ("" if exponent is None else f"e{exponent}")

        if isinf(float(text)):
            assert code_of(text.encode(), Limits(number_digits=100)) == "number-overflow"
        else:
            assert pack("d", decode(text.encode(), Limits(number_digits=100))) == pack("d", float(text))

    @given(st.integers(0, 0x7FEFFFFFFFFFFFFE), st.sampled_from([-1, 0, 1]))
    @settings(max_examples=300)
    def test_halfway_numbers_round_as_python(self, bits: int, nudge: int) -> None:
        """A number halfway between two doubles, or a hair beside it, is rounded as Python rounds it."""
        low, high = (unpack("d", pack("Q", near))[0] for near in (bits, bits + 1))
        _, digits, exponent = halfway(low, high).as_tuple()
        text = f"{int(''.join(map(str, digits))) * 10 + nudge}e{int(exponent) - 1}"

        assert decode(text.encode(), Limits(number_digits=2000)) == float(text)


class TestDuplicateKeys:
    @given(texts, values, values, st.booleans(), st.booleans(), styles)
    @settings(max_examples=400)
    def test_are_refused_anywhere(
        self, key: str, one: Any, two: Any, first: bool, second: bool, style: dict[str, Any]
    ) -> None:
        """An object that names one member twice, however escaped and nested, is refused, or its last one counts."""
        names = [json.dumps(key, ensure_ascii=ascii) for ascii in (first, second)]
        members = [json.dumps(one, **style), json.dumps(two, **style)]
        pairs = f'{names[0]} : {members[0]}, "between":"::", {names[1]}:{members[1]}'
        text = f'[{{"other": 1, "nested": {{{pairs}}}}}, {{}}]'
        body = text.encode()

        assert code_of(body) == "duplicate-key"
        assert repr(decode(body, LIMITS, unique_keys=False)) == repr(json.loads(text))

    @pytest.mark.parametrize(
        "body",
        [
            b'{"a":1,"a":1}',
            b'{"a":1,"\\u0061":2}',
            b'{"a":1,"a" :"\\u003a\\u003A"}',
            b'{"a":"\\u003a\\u003A\\u003a","b":1,"b":1,"b":1}',
            b'{"a/":1,"a\\/":2}',
            b'{"":1,"":2}',
            b'[{"a":1},{"a":{"b":":","b":":"}}]',
            b'\xef\xbb\xbf{"a":1,"a":2}',
        ],
    )
    def test_are_refused_when_hidden(self, body: bytes) -> None:
        """Escapes, colons in strings, nesting and a byte order mark hide no duplicate."""
        assert code_of(body) == "duplicate-key"

    @pytest.mark.parametrize(
        "body",
        [b'{"a":":","b:":"::"}', b'{"a":"\\u003a"}', b'[{"a":1},{"a":2}]', b'{"a":{"a":{"a":":"}}}', b'{"a":1,"A":2}'],
    )
    def test_are_not_imagined(self, body: bytes) -> None:
        """One name in several objects, and colons in strings, are no duplicate."""
        assert decode(body, LIMITS) == json.loads(body)

    def test_name_is_cut(self) -> None:
        """The fault names the key, at most 200 characters of it."""
        key = "k" * 1000
        with pytest.raises(JSONError) as caught:
            decode(f'{{"{key}":1,"{key}":2}}'.encode(), LIMITS)

        assert caught.value.detail == f"The key {'k' * 200!r} stands twice in one object."


class TestLimits:
    @given(values, styles, st.integers(1, 6))
    @settings(max_examples=400)
    def test_depth_is_exact(self, value: Any, style: dict[str, Any], limit: int) -> None:
        """A text is refused just when it is nested deeper than the limit, whatever its strings hold."""
        body = json.dumps(value, **style).encode()
        if depth_of(value) > limit:
            assert code_of(body, Limits(json_depth=limit)) == "too-deep"
        else:
            assert decode(body, Limits(json_depth=limit)) == value

    @given(values, styles, st.integers(1, 12))
    @settings(max_examples=400)
    def test_nodes_are_exact(self, value: Any, style: dict[str, Any], limit: int) -> None:
        """A text is refused just when it holds more values than the limit, keys not counted."""
        body = json.dumps(value, **style).encode()
        if nodes_of(value) > limit:
            assert code_of(body, Limits(json_nodes=limit)) == "too-many-nodes"
        else:
            assert decode(body, Limits(json_nodes=limit)) == value

    @given(values, numbers, styles, st.integers(1, 45))
    @settings(max_examples=400)
    def test_digits_are_exact(self, value: Any, number: float, style: dict[str, Any], limit: int) -> None:
        """A text is refused just when one number has more digits than the limit, those of the exponent included."""
        longest = 0

        def measure(text: str) -> str:
            nonlocal longest
            longest = max(longest, sum(map(str.isdigit, text)))
            return text

        text = json.dumps([value, number], **style)
        json.loads(text, parse_int=measure, parse_float=measure)
        if longest > limit:
            assert code_of(text.encode(), Limits(number_digits=limit)) == "number-too-long"
        else:
            assert decode(text.encode(), Limits(number_digits=limit)) == [value, number]

    @pytest.mark.parametrize("body", [b"[" * 1_000_000, b'{"a":' * 200_000, b"[]" * 100 + b"[" * 65, b'["]",' * 65])
    def test_depth_is_guarded_in_malformed_text(self, body: bytes) -> None:
        """A text that is deep and no JSON besides is refused before the codec recurses."""
        assert code_of(body) == "too-deep"

    def test_brackets_in_strings_are_data(self) -> None:
        """Brackets, quotes and backslashes in strings do not count as depth."""
        value = ["[{" * 500, '"[\\"{\\\\' * 100, "]" * 500]

        assert decode(json.dumps(value).encode(), Limits(json_depth=1)) == value

    def test_deeper_than_the_codec(self) -> None:
        """A depth allowed by the limit but not by the interpreter is refused, too."""
        assert code_of(b"[" * 90_000 + b"]" * 90_000, Limits(json_depth=100_000)) == "too-deep"

    def test_longer_than_the_codec(self) -> None:
        """An integer allowed by the limit but not by the interpreter is refused, too."""
        assert code_of(b"9" * 9000, Limits(number_digits=10_000)) == "number-too-long"

    def test_digits_in_strings_are_data(self) -> None:
        """A long run of digits in a string is data."""
        value = {"9" * 300: "1" * 70 + '"' + "2" * 70}

        assert decode(json.dumps(value).encode(), LIMITS) == value


class Colour(StrEnum):
    RED = "red"


class Size(IntEnum):
    BIG = 3


class Mood(Enum):
    GOOD = "good"


class Strange(Enum):
    PAIR = (1, 2)


class Text(str):
    __slots__ = ()


class Whole(int):
    pass


class Real(float):
    pass


@dataclass
class Book:
    title: str


class TestEncode:
    @given(values)
    @settings(max_examples=300)
    def test_reads_back(self, value: Any) -> None:
        """What was written reads back as the same value, types and all."""
        assert repr(decode(encode(value), LIMITS)) == repr(value)
        assert encode_plain(value) == encode(value)

    @pytest.mark.parametrize(
        ("value", "text"),
        [
            ((1, ("a",)), b'[1,["a"]]'),
            ([(), {"a": 0.5, "b": True}, {}, None], b'[[],{"a":0.5,"b":true},{},null]'),
            (10**100, b"1" + b"0" * 100),
            (OrderedDict(b=1, a=2), b'{"b":1,"a":2}'),
            (Decimal("1.10"), b"1.10"),
            (Decimal("1E+3"), b"1E+3"),
            (Decimal("12345678901234567890.123456789"), b"12345678901234567890.123456789"),
            (datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC), b'"2024-05-06T07:08:09Z"'),
            (date(2024, 5, 6), b'"2024-05-06"'),
            (time(7, 8, 9), b'"07:08:09"'),
            (UUID(int=1), b'"00000000-0000-0000-0000-000000000001"'),
            (["é\u2028", "\0"], '["é\u2028","\\u0000"]'.encode()),
            ([Colour.RED, Size.BIG, Mood.GOOD], b'["red",3,"good"]'),
            ({Colour.RED: 1}, b'{"red":1}'),
            ([Text("a"), Whole(1), Real(0.5)], b'["a",1,0.5]'),
        ],
    )
    def test_takes(self, value: Any, text: bytes) -> None:
        """Beside the types of JSON, a few with one obvious text are taken."""
        assert encode(value) == text

    @pytest.mark.parametrize(
        ("value", "pointer", "reason"),
        [
            (float("nan"), "", "nan is no JSON number"),
            ({"a/b": [None, {"c~": float("inf")}]}, "/a~1b/1/c~0", "inf is no JSON number"),
            ([Real("-inf")], "/0", "-inf is no JSON number"),
            ([Decimal("NaN")], "/0", "NaN is no JSON number"),
            ([Decimal("sNaN")], "/0", "sNaN is no JSON number"),
            ([Decimal("-Infinity")], "/0", "-Infinity is no JSON number"),
            ({"a": {1, 2}}, "/a", "it is of type set"),
            ([frozenset()], "/0", "it is of type frozenset"),
            ([b"x"], "/0", "it is of type bytes"),
            ([bytearray()], "/0", "it is of type bytearray"),
            ([{1: 2}], "/0", "a key is of type int, not str"),
            ({"a": {None: 2}}, "/a", "a key is of type NoneType, not str"),
            ({UUID(int=1): 2}, "", "a key is of type UUID, not str"),
            ({Mood.GOOD: 2}, "", "a key is of type Mood, not str"),
            ([timedelta(1)], "/0", "it is of type timedelta"),
            ([Book("Dune")], "/0", "it is of type Book"),
            ([Strange.PAIR], "/0", "it is of type tuple"),
            ([object()], "/0", "it is of type object"),
            ({"a": "x\ud800"}, "/a", "a string holds a lone surrogate"),
            ([{"\ud800": 1}], "/0", "a string holds a lone surrogate"),
        ],
    )
    def test_refuses(self, value: Any, pointer: str, reason: str) -> None:
        """What no JSON can carry is refused, never changed in silence, and its place is named."""
        assert fault_of(value) == (pointer, reason)

    def test_refuses_a_value_that_holds_itself(self) -> None:
        """A value that holds itself is refused."""
        value: list[Any] = []
        value.append({"again": value})

        assert fault_of(value) == ("", "it is nested too deep, or holds itself")

    def test_refuses_a_value_nested_too_deep(self) -> None:
        """A value deeper than the interpreter recurses is refused, wherever that shows first."""

        def encode_ever_deeper() -> None:
            value: Any = date(2024, 5, 6)
            for depth in count():
                value = [value]
                if depth > 700:
                    encode(value)

        with pytest.raises(EncodeError, match="too deep"):
            encode_ever_deeper()

    def test_refuses_an_integer_too_long_to_write(self) -> None:
        """An integer beyond the interpreter's own limit of digits is refused."""
        with pytest.raises(EncodeError):
            encode([10**10_000])

    def test_fault_is_the_developers(self) -> None:
        """The fault is a mistake of the developer's, and says where it is."""
        with pytest.raises(ContractError, match=r"at '/0' cannot be written as JSON: it is of type set"):
            encode([{1}])


class TestEncodePlain:
    def test_trusts_its_caller(self) -> None:
        """What the caller has not proved may be changed in silence."""
        assert encode_plain([float("nan"), {1: 2}]) == b'[null,{"1":2}]'
