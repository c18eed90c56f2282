"""JSON in and out, strict both ways: the one home of the codec, msgspec.

What is read is one JSON text in UTF-8 (RFC 8259, RFC 3629) within the limits, and what is written reads back as the
value it was written from. Where the codec alone is more lenient, or less, the difference is settled here; the page
`docs/explanation/json.md` lists each trap and how it is closed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from itertools import accumulate
from math import isfinite
from typing import Annotated, Any, NoReturn
from uuid import UUID

import msgspec

from ramekin.errors import ContractError
from ramekin.limits import Limits

__all__ = ["PLAIN_ERRORS", "EncodeError", "JSONError", "compile_decode", "decode", "encode", "encode_plain", "to_text"]

#: Returns the text that `encode` writes for a datetime, date, time or UUID; a datetime of UTC ends in ``Z``.
to_text = msgspec.to_builtins


class JSONError(ValueError):
    """The body is not acceptable JSON (answered by 400).

    Attributes:
        code: What is wrong, stable, for programs: `syntax`, `empty`, `encoding`, `lone-surrogate`, `duplicate-key`,
            `too-deep`, `too-many-nodes`, `number-too-long`, `number-overflow` or `not-finite`.
        detail: What is wrong, for people. It repeats nothing of the input but a key, cut to 200 characters.
    """

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


class EncodeError(ContractError):
    """A handler returned a value that no JSON can carry (answered by 500).

    Attributes:
        pointer: Where the value stands, as a JSON Pointer (RFC 6901); empty for the whole.
        reason: What is wrong with it.
    """

    def __init__(self, pointer: str, reason: str) -> None:
        super().__init__(f"The value at {pointer!r} cannot be written as JSON: {reason}.")
        self.pointer = pointer
        self.reason = reason


def _hook(value: object) -> object:
    """Write a subclass of a plain type as the plain type; the codec asks about nothing else that it knows."""
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value)
    raise TypeError


_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder(enc_hook=_hook, decimal_format="number").encode

#: Writes a value of which the caller has proved that it is made of exact types of JSON alone, its floats finite and its
#: keys text. Of anything else it may change the value in silence. It raises one of `PLAIN_ERRORS`, and `encode` then
#: says what is wrong.
encode_plain = _encode
PLAIN_ERRORS = (TypeError, ValueError, OverflowError, RecursionError, msgspec.EncodeError)

#: What is raised for a text that is no JSON, or does not fit a mold.
UNFIT = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
#: Stands for a member that a mold was not given.
ABSENT = msgspec.UNSET

_BOM = b"\xef\xbb\xbf"
_WHITESPACE = b" \t\n\r"
_BACKSLASH, _BRACKET, _BRACE, _COLON = b"\\[{:"
_QUOTED_NAME_LENGTH = 200


def _all_but(kept: bytes) -> bytes:
    return bytes(byte for byte in range(256) if byte not in kept)


_NOT_BRACKET_OR_QUOTE = _all_but(b'[]{}"')
#: Makes of every character of a number a zero.
NUMBER_TO_ZERO = bytes.maketrans(b"0123456789+-.eE", b"0" * 15)
_DIGIT_TO_ZERO = bytes.maketrans(b"0123456789", b"0" * 10)
_STEP = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}


def decode(body: bytes, limits: Limits, *, unique_keys: bool = True) -> Any:
    """Read one JSON text.

    Integers of any allowed length arrive exact, other numbers as the nearest double. A byte order mark is taken.

    Args:
        body: The text, in UTF-8.
        limits: Its `json_depth`, `json_nodes` and `number_digits` are obeyed, before any deep work.
        unique_keys: Whether an object that names one member twice is refused; otherwise the last one counts.

    Returns:
        `dict`, `list`, `str`, `int`, `float`, `bool` or None.

    Raises:
        JSONError: The text is not JSON, or passes a limit (400).

    Specification:
        RFC 8259; RFC 7493 §2 (I-JSON) for surrogates and duplicate names.

    Example:
        >>> decode(b'{"stock": 18446744073709551616}', Limits())
        {'stock': 18446744073709551616}
    """
    return compile_decode(limits, unique_keys=unique_keys)(body)


@lru_cache(maxsize=64)
def compile_decode(limits: Limits, *, unique_keys: bool = True) -> Callable[[bytes], Any]:
    """Return `decode` for some limits: a function of the text alone."""
    depth, nodes, digits = limits.json_depth, limits.json_nodes, limits.number_digits
    stride, run = sample_numbers(digits)

    def decode_body(body: bytes) -> Any:
        # The brackets bound the depth from above.
        if body.count(_BRACKET) + body.count(_BRACE) > depth:
            _check_depth(body, depth)
        size = len(body)
        if size > 2 * nodes:  # n values take at least 2n - 1 bytes
            _check_nodes(body, nodes)
        # Asked by `in`, bytes take their argument for an integer first, which takes longer than the search.
        if size > digits and body[::stride].translate(NUMBER_TO_ZERO).find(run) >= 0:
            _check_digits(body, digits)
        try:
            value = _decode(body)
        except UNFIT as error:
            # The mark is looked for here, so that only a body which has one pays for it. Only one is taken.
            if body.startswith(_BOM) and not body.startswith(_BOM, 3):
                return decode_body(body[3:])
            _refuse(body, error)
        if unique_keys:
            colons = body.count(_COLON)
            # Every member has a colon, so as many members as colons leave room for no member that was dropped.
            if colons and not (type(value) is dict and len(value) == colons):
                _check_keys(body, value, colons)
        return value

    return decode_body


def sample_numbers(digits: int) -> tuple[int, bytes]:
    """Return how far apart bytes may be looked at so that no number of more digits is missed, and how it shows then."""
    # A number that is too long covers so many neighbours of a sample, whatever its offset.
    stride = digits >> 3 or 1
    return stride, b"0" * ((digits + 1) // stride)


def encode(value: Any) -> bytes:
    """Write a value as JSON, having proved that it reads back as the same.

    Taken are dicts with string keys, lists, tuples, strings, integers, finite floats, booleans and None; Decimal
    (as a number, digit for digit); datetime, date, time and UUID; an Enum of strings or integers (by its value).

    Raises:
        EncodeError: The value holds anything else, a lone surrogate, or itself.

    Example:
        >>> encode({"price": Decimal("1.10")})
        b'{"price":1.10}'
    """
    text = _write(value)
    if not _reads_back(text, value):
        _require_plain(value)
    return text


def to_raw(value: Any) -> object:
    """Return what the codec writes in another value as `encode` writes this one.

    Raises:
        EncodeError: As `encode` does; it tells nothing of the other value.
    """
    return msgspec.Raw(encode(value))


def can_name(key: object) -> bool:
    """Tell whether a member of a mirror or a mold can have a key: one that JSON writes as it is."""
    return type(key) is str and key.isprintable() and not {'"', "\\"} & {*key}


def make_mirror(keys: Sequence[str]) -> Callable[..., object]:
    """Return a struct type whose members are written under these keys; it takes their values in order."""
    names = [f"m{number}" for number in range(len(keys))]
    return msgspec.defstruct("Mirror", names, rename=dict(zip(names, keys, strict=True)), gc=False)


def make_mold(members: Sequence[tuple[str, Any, bool]]) -> type:
    """Return a struct type to be filled from JSON, with the members ``m0``, ``m1`` and so on.

    Args:
        members: The key of each, its type, and whether it may be missing; it is `ABSENT` then.
    """
    names = {f"m{number}": key for number, (key, _, _) in enumerate(members)}
    typed: list[Any] = [
        (name, annotation | msgspec.UnsetType, ABSENT) if optional else (name, annotation)
        for name, (_, annotation, optional) in zip(names, members, strict=True)
    ]
    return msgspec.defstruct("Mold", typed, rename=names, kw_only=True, forbid_unknown_fields=True, gc=False)


def constrain(annotation: Any, constraints: Mapping[str, Any]) -> Any:
    """Return a type that the codec fills only within bounds, named as `msgspec.Meta` does."""
    return Annotated[annotation, msgspec.Meta(**constraints)]


def compile_filler(mold: Any) -> Callable[[bytes], Any]:
    """Return what fills a mold from a text; of a member that is given twice, the last one counts.

    It raises one of `UNFIT` where the text does not fit.
    """
    return msgspec.json.Decoder(mold).decode


def count_quotes(body: bytes) -> int:
    """Return how many quotes open or close a string of a JSON text."""
    return _drop_escapes(body).count(b'"')


def _outside_strings(body: bytes) -> bytes:
    """Return the text with each string replaced by one quote.

    Of a malformed text, only what stands before the first fault is sure to be right; the codec reads no further.
    """
    return b'"'.join(_drop_escapes(body).split(b'"')[::2])


def _drop_escapes(body: bytes) -> bytes:
    """Return the text without escaped backslashes and quotes, so that each quote left opens or closes a string."""
    if b"\\" in body:
        return body.replace(b"\\\\", b"").replace(b'\\"', b"")
    return body


def _check_depth(body: bytes, limit: int) -> None:
    # Two quotes side by side enclose nothing or stand between two strings; either way the rest keeps its parity.
    marks = _drop_escapes(body).translate(None, _NOT_BRACKET_OR_QUOTE).replace(b'""', b"")
    brackets = b"".join(marks.split(b'"')[::2])
    if max(accumulate(map(_STEP.__getitem__, brackets)), default=0) > limit:
        raise JSONError("too-deep", f"Arrays and objects are nested more than {limit} deep.")


def _check_nodes(body: bytes, limit: int) -> None:
    text = _outside_strings(body).translate(None, _WHITESPACE)
    # The root, and in each container that is not empty one value more than there are commas.
    filled = text.count(b"[") + text.count(b"{") - text.count(b"[]") - text.count(b"{}")
    if 1 + text.count(b",") + filled > limit:
        raise JSONError("too-many-nodes", f"There are more than {limit} values.")


def _check_digits(body: bytes, limit: int) -> None:
    # Sign, point and exponent mark fall out, so that the digits of one number come to stand side by side.
    if b"0" * (limit + 1) in _outside_strings(body).translate(_DIGIT_TO_ZERO, b"+-.eE"):
        raise JSONError("number-too-long", f"A number has more than {limit} digits.")


def _check_keys(body: bytes, value: object, colons: int) -> None:
    # What was read, written again, lacks a colon for each member that was dropped, unless an escaped colon
    # (U+003A) makes up for it.
    if _encode(value).count(b":") == colons and (_BACKSLASH not in body or b"\\u003" not in body):
        return
    json.loads(body, object_pairs_hook=_require_unique, parse_int=str, parse_float=str)


def _require_unique(pairs: list[tuple[str, object]]) -> None:
    seen: set[str] = set()
    for name, _ in pairs:
        if name in seen:
            raise JSONError("duplicate-key", f"The key {name[:_QUOTED_NAME_LENGTH]!r} stands twice in one object.")
        seen.add(name)


def _refuse(body: bytes, error: Exception) -> NoReturn:
    """Say what is wrong with a text that the codec refused."""
    if isinstance(error, RecursionError):
        raise JSONError("too-deep", "Arrays and objects are nested too deep.") from error
    if isinstance(error, msgspec.ValidationError):
        if "Integer" in str(error):
            raise JSONError("number-too-long", "An integer has too many digits.") from error
        raise JSONError("number-overflow", "A number is too large for a double.") from error
    if not body.strip(_WHITESPACE):
        raise JSONError("empty", "There is no JSON text.") from error
    _refuse_encoding(body, error)
    _refuse_syntax(body, error)


def _refuse_encoding(body: bytes, error: Exception) -> None:
    # UTF-16 and UTF-32 show in a NUL among the first bytes, or in a byte order mark, which is not UTF-8.
    if b"\0" in body[:4]:
        raise JSONError("encoding", "The text is not in UTF-8.") from error
    try:
        text = body.decode()
    except UnicodeDecodeError as fault:
        raise JSONError("encoding", f"The text is not in UTF-8 at byte {fault.start}.") from error
    if b"\\u" not in body:
        return
    try:
        json.loads(text, parse_constant=_refuse_constant, parse_int=str, parse_float=str)
    except (ValueError, RecursionError):
        return
    # The standard library took it, so the lone surrogate is all that is wrong with it.
    raise JSONError("lone-surrogate", "An escaped surrogate stands alone.") from error


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _refuse_syntax(body: bytes, error: Exception) -> NoReturn:
    reason = str(error).removeprefix("JSON is malformed: ")
    place = re.search(r" \(byte (\d+)\)$", reason)
    if place is None:
        raise JSONError("syntax", "The JSON text ends too early.") from error
    offset = int(place[1])
    if body.startswith((b"NaN", b"Infinity"), offset):
        raise JSONError("not-finite", f"NaN and Infinity are no JSON (byte {offset}).") from error
    raise JSONError("syntax", f"The text is not JSON: {reason}.") from error


def _write(value: object) -> bytes:
    try:
        return _encode(value)
    except RecursionError as error:
        raise EncodeError("", "it is nested too deep, or holds itself") from error
    except (TypeError, ValueError, OverflowError, msgspec.EncodeError) as error:
        _require_plain(value)
        raise EncodeError("", str(error) or type(error).__name__) from error


def _reads_back(text: bytes, value: object) -> bool:
    try:
        return bool(_decode(text) == value)
    except (msgspec.DecodeError, RecursionError):
        return False


def _require_plain(value: object) -> None:
    """Look for what no JSON can carry.

    Raises:
        EncodeError: There is such a value; it names the first.
    """
    try:
        _require_plain_at("", value)
    except RecursionError as error:
        raise EncodeError("", "it is nested too deep, or holds itself") from error


def _require_plain_at(pointer: str, value: object) -> None:
    if isinstance(value, dict):
        for key, member in value.items():
            if not isinstance(key, str):
                raise EncodeError(pointer, f"a key is of type {type(key).__name__}, not str")
            _require_characters(pointer, key)
            _require_plain_at(f"{pointer}/{_escape(key)}", member)
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            _require_plain_at(f"{pointer}/{index}", item)
    else:
        _require_plain_scalar(pointer, value.value if isinstance(value, Enum) else value)


def _require_plain_scalar(pointer: str, value: object) -> None:
    if isinstance(value, str):
        _require_characters(pointer, value)
    elif isinstance(value, float):
        if not isfinite(value):
            raise EncodeError(pointer, f"{value} is no JSON number")
    elif isinstance(value, Decimal):
        if not value.is_finite():
            raise EncodeError(pointer, f"{value} is no JSON number")
    elif value is not None and not isinstance(value, (int, datetime, date, time, UUID)):
        raise EncodeError(pointer, f"it is of type {type(value).__name__}")


def _require_characters(pointer: str, text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise EncodeError(pointer, "a string holds a lone surrogate") from error


def _escape(name: str) -> str:
    """Return a reference token for a JSON Pointer (RFC 6901 §3), fit for a message."""
    return name[:_QUOTED_NAME_LENGTH].replace("~", "~0").replace("/", "~1")
