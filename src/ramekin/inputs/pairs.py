"""`name=value&…` text, as it stands in query strings and urlencoded forms.

Specification: WHATWG URL, application/x-www-form-urlencoded; RFC 3986 §2.1 (percent-encoding), read strictly: a
percent sign that begins no octet, and octets that are not UTF-8, are errors and never guesses.
"""

from __future__ import annotations

import re
from urllib.parse import unquote_to_bytes

_BROKEN_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")


def split_pairs(text: str) -> list[tuple[str, str]]:
    """Return the decoded pairs, in order; a pair without ``=`` has an empty value, an empty pair is none.

    Args:
        text: ASCII or, for octets that should have been encoded and were not, latin-1.

    Raises:
        ValueError: A percent sign begins no octet, or the octets are not UTF-8.
    """
    if text.isascii():
        if "%" not in text:
            if "+" in text:
                text = text.replace("+", " ")
            return [(name, value) for name, _, value in [pair.partition("=") for pair in text.split("&") if pair]]
        decode = _decode_ascii
    else:
        decode = _decode_latin
    if _BROKEN_PERCENT.search(text):
        raise ValueError("A percent sign begins no octet.")
    text = text.replace("+", " ")
    return [
        (decode(name), decode(value)) for name, _, value in [pair.partition("=") for pair in text.split("&") if pair]
    ]


def _decode_ascii(text: str) -> str:
    """Return percent-encoded ASCII as what it stands for."""
    return unquote_to_bytes(text).decode() if "%" in text else text


def _decode_latin(text: str) -> str:
    """Return percent-encoded text, whose octets stand in it as latin-1, as what it stands for."""
    return unquote_to_bytes(text.encode("latin-1")).decode()
