"""The reader of the Cookie header.

Specification: RFC 6265 §4.2 (what a client sends) and §5.4; a value in double quotes is read with the backslash
escapes that Werkzeug and the standard library write into it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from marshmallow import Schema

from ramekin.inputs.errors import InputError
from ramekin.inputs.headers import read_utf8
from ramekin.inputs.names import load_names, pointer_to
from ramekin.limits import Limits
from ramekin.schemas import Fault

#: From the Cookie header, or None, to one raw mapping for each schema, and the faults.
CookieReader: TypeAlias = Callable[[str | None], tuple[list[dict[str, Any]], list[Fault]]]

_ESCAPE = re.compile(r"\\([0-3][0-7]{2}|.)", re.DOTALL)


def compile_cookie_reader(shapes: Sequence[Schema], limits: Limits) -> CookieReader:
    """Return the reader of the cookies that these schemas declare together.

    The reader takes the Cookie header as latin-1 text, or None, and returns a raw mapping for each schema and the
    faults: a declared cookie given twice (``repeated``), or not in UTF-8 (``invalid``). Cookies that nobody declares
    are ignored, since a browser sends all that its user has. A value is opaque: percent signs in it are data.

    Raises:
        InputError: By the reader, with status 400: more than `Limits.cookie_fields` cookies.
    """
    owners = {key: index for index, shape in enumerate(shapes) for key in load_names(shape)}
    count = len(shapes)
    most = limits.cookie_fields

    def read(header: str | None) -> tuple[list[dict[str, Any]], list[Fault]]:
        raw: list[dict[str, Any]] = [{} for _ in range(count)]
        faults: dict[Fault, None] = {}
        if not header:
            return raw, []
        if header.count(";") >= most:
            raise InputError(400, "too-many-cookies", f"The Cookie header has more than {most} cookies.")
        for pair in header.split(";"):
            key, equals, value = pair.partition("=")
            key = key.strip(" \t")
            index = owners.get(key) if equals else None
            if index is None:
                continue
            if key in raw[index]:
                faults[Fault("cookies", pointer_to((key,)), "repeated", "Given more than once.")] = None
                continue
            found: list[Fault] = []
            raw[index][key] = _read_value(value.strip(" \t"), key, found)
            faults.update(dict.fromkeys(found))
        return raw, list(faults)

    return read


def _read_value(value: str, key: str, faults: list[Fault]) -> str:
    """Return a cookie's value without its quotes and escapes."""
    if len(value) > 1 and value[0] == value[-1] == '"':
        value = _ESCAPE.sub(_unescape, value[1:-1])
    return value if value.isascii() else read_utf8(value, "cookies", key, faults)


def _unescape(match: re.Match[str]) -> str:
    """Return the character, or the octet as latin-1, that an escape stands for."""
    escaped = match[1]
    return escaped if len(escaped) == 1 else chr(int(escaped, 8))
