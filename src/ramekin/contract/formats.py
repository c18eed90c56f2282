"""The formats that a document names, as plain functions, so that every validator judges them alike.

Specification: JSON Schema 2020-12 Validation §7.3; RFC 3339 §5.6, RFC 9562 §4, RFC 3986, RFC 5321 §4.1.2.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from functools import cache
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Any

from ramekin.schemas import formats

Format = Callable[[Any], bool]

_CHARACTERS = r"(?:[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*"
_DATE = formats.compile_pattern(formats.DATE)
_DATE_TIME = formats.compile_pattern(formats.DATE_TIME)
_TIME = re.compile(formats.TIME.removesuffix("?$") + r"\Z")  # RFC 3339's full-time says its offset.
_UUID = formats.compile_pattern(formats.UUID)
_URI = re.compile(rf"[A-Za-z][A-Za-z0-9+.-]*:{_CHARACTERS}\Z")
_URI_REFERENCE = re.compile(rf"{_CHARACTERS}\Z")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\Z")


def _is_date(value: str) -> bool:
    if not _DATE.match(value):
        return False
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True


def _is_date_time(value: str) -> bool:
    return bool(_DATE_TIME.match(value)) and _is_date(value[:10])


def _is_ipv4(value: str) -> bool:
    try:
        IPv4Address(value)
    except AddressValueError:
        return False
    return True


def _is_ipv6(value: str) -> bool:
    try:
        IPv6Address(value)
    except AddressValueError:
        return False
    return "%" not in value


def _of_text(judge: Callable[[str], Any]) -> Format:
    return lambda value: not isinstance(value, str) or bool(judge(value))


@cache
def find_formats() -> Mapping[str, Format]:
    """Return the formats by name: those that Ramekin's own documents name, and what jsonschema knows beside them."""
    from jsonschema import Draft202012Validator

    others = {
        name: (lambda value, name=name: bool(Draft202012Validator.FORMAT_CHECKER.conforms(value, name)))
        for name in Draft202012Validator.FORMAT_CHECKER.checkers
    }
    return others | {
        "date": _of_text(_is_date),
        "date-time": _of_text(_is_date_time),
        "email": _of_text(_EMAIL.match),
        "ipv4": _of_text(_is_ipv4),
        "ipv6": _of_text(_is_ipv6),
        "time": _of_text(_TIME.match),
        "uri": _of_text(_URI.match),
        "uri-reference": _of_text(_URI_REFERENCE.match),
        "uuid": _of_text(_UUID.match),
    }
