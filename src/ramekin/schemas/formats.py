"""The text forms that documents promise: RFC 3339 dates and times, JSON numbers, canonical UUIDs, URIs.

Specification: RFC 3339 §5.6, RFC 8259 §6, RFC 9562 §4, RFC 3986 (appendix A). Each form of the first three is one
pattern, in the dialect that Python and ECMA-262 share, so that the document can state what the loader checks.
"""

from __future__ import annotations

import re

_HOUR = "([01][0-9]|2[0-3])"
_CLOCK = rf"{_HOUR}:[0-5][0-9]:[0-5][0-9](\.[0-9]+)?"
_OFFSET = rf"([Zz]|[+-]{_HOUR}:[0-5][0-9])"
_DAY = "[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"

INTEGER = "^-?[0-9]+$"
PLAIN_DECIMAL = r"^-?[0-9]+(\.[0-9]+)?$"
NUMBER = r"^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$"
DATE = f"^{_DAY}$"
DATE_TIME = f"^{_DAY}[Tt]{_CLOCK}{_OFFSET}$"
LOCAL_DATE_TIME = f"^{_DAY}[Tt]{_CLOCK}$"
TIME = f"^{_CLOCK}{_OFFSET}?$"
UUID = "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"

_PERCENT = "%[0-9A-Fa-f]{2}"
_PLAIN = r"A-Za-z0-9\-._~!$&'()*+,;="
_AUTHORITY = rf"(?:(?:[{_PLAIN}:]|{_PERCENT})*@)?(?:\[(?P<ip>[0-9A-Fa-f:.]+)\]|(?:[{_PLAIN}]|{_PERCENT})*)(?::[0-9]*)?"
_URI_REFERENCE = re.compile(
    rf"(?:(?:[A-Za-z][A-Za-z0-9+.-]*:)?//{_AUTHORITY}(?=[/?#]|\Z)|(?!//|[^/?#]*:))"
    rf"(?:[{_PLAIN}:@/]|{_PERCENT})*(?:\?(?:[{_PLAIN}:@/?]|{_PERCENT})*)?(?:\#(?:[{_PLAIN}:@/?]|{_PERCENT})*)?"
)


def compile_pattern(pattern: str) -> re.Pattern[str]:
    """Compile a pattern so that ``$`` means the end only, as it does in ECMA-262."""
    return re.compile(pattern.removesuffix("$") + r"\Z" if pattern.endswith("$") else pattern)


def count_digits(text: str) -> int:
    """Return how many ASCII digits a text has."""
    return sum("0" <= each <= "9" for each in text)


def is_uri_reference(text: str) -> bool:
    """Tell whether a text is a URI with an authority, or a reference without a scheme, by RFC 3986."""
    found = _URI_REFERENCE.fullmatch(text)
    if found is None or found["ip"] is None:
        return found is not None
    from ipaddress import AddressValueError, IPv6Address

    try:
        IPv6Address(found["ip"])
    except AddressValueError:
        return False
    return True
