"""From the values of a test to what stands in a request: texts, query strings, cookies, bodies.

Specification: RFC 3986 §3.4 and WHATWG URL (query strings and urlencoded forms); OpenAPI 3.1 §4.8.12 (`explode`,
`deepObject`); RFC 6265 §4.2 (Cookie); RFC 7578 (multipart/form-data).
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, time
from decimal import Decimal
from enum import Enum
from io import BytesIO
from typing import Any, BinaryIO, TypeAlias
from urllib.parse import quote, urlencode
from uuid import UUID

from werkzeug.datastructures import FileStorage, MultiDict
from werkzeug.http import dump_cookie
from werkzeug.test import encode_multipart

from ramekin import json as codec
from ramekin.fields import UploadedFile
from ramekin.inputs.names import ANY, Slot
from ramekin.testing.errors import CallError

#: A file to upload: its bytes, an open file, or a name with either and perhaps a media type.
File: TypeAlias = bytes | BinaryIO | UploadedFile | tuple[str, bytes | BinaryIO] | tuple[str, bytes | BinaryIO, str]

JSON = "application/json"
URLENCODED = "application/x-www-form-urlencoded"


def to_text(value: Any, name: str) -> str:
    """Return a value as it stands in a query, form, header or cookie.

    Args:
        value: Text, a number, a boolean, a date, time or UUID, or an Enum of these.
        name: How an error names it.

    Raises:
        CallError: It is anything else.
    """
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float | Decimal | UUID):
        return str(value)
    if isinstance(value, date | time):
        return value.isoformat()
    raise CallError(
        f"{name} has to be text, a number, a boolean, a date, a time or a UUID, not {type(value).__name__}."
    )


def spread(name: str, value: Any, slot: Slot = ANY) -> Iterator[tuple[str, str]]:
    """Yield the pairs that spell a value in a query string.

    A list is one pair for each item, or one text with commas where the slot says so; an object has its names in
    brackets; None is left out.
    """
    if value is None:
        return
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from spread(f"{name}[{key}]", item, slot.names.get(key, slot.others or ANY))
    elif isinstance(value, list | tuple | set | frozenset):
        if slot.style == "comma":
            yield name, ",".join(to_text(item, name) for item in value)
        else:
            yield from ((name, to_text(item, name)) for item in value)
    else:
        yield name, to_text(value, name)


def encode_query(
    query: str | Mapping[str, Any] | Iterable[tuple[str, Any]], slots: Mapping[str, Slot] | None = None
) -> str:
    """Return a query string; text is taken as it is."""
    if isinstance(query, str):
        return query
    pairs = query.items() if isinstance(query, Mapping) else query
    slots = slots or {}
    return urlencode(
        [pair for name, value in pairs for pair in spread(name, value, slots.get(name, ANY))], quote_via=quote
    )


def encode_cookies(cookies: Mapping[str, Any]) -> str:
    """Return the Cookie header that carries these cookies; None is left out."""
    return "; ".join(
        dump_cookie(name, to_text(value, f"Cookie {name}"), path=None, max_size=0).partition(";")[0]
        for name, value in cookies.items()
        if value is not None
    )


def encode_header(name: str, value: Any) -> str:
    """Return a header's value as an environ carries it: its UTF-8 octets as latin-1; a list is joined by commas."""
    items = value if isinstance(value, list | tuple) else [value]
    text = ", ".join(to_text(item, f"Header {name}") for item in items)
    return text if text.isascii() else text.encode().decode("latin-1")


def encode_json(value: Any) -> bytes:
    """Return a value as JSON; dates, times, UUIDs, decimals and enums are written as `ramekin.json.encode` says.

    Raises:
        CallError: Something in it is none of JSON's types.
    """
    try:
        return codec.encode(value)
    except codec.EncodeError as error:
        raise CallError(f"json: the value at {error.pointer!r} cannot be sent: {error.reason}.") from error


def encode_form(form: Mapping[str, Any], files: Mapping[str, Any], *, multipart: bool = False) -> tuple[bytes, str]:
    """Return the body of a form and its content type.

    Args:
        form: Its fields; a list is one field for each item, an object a part of JSON, None is left out.
        files: Its files; a list is one part for each.
        multipart: Whether it has to be multipart, files or not.
    """
    parts: MultiDict[str, Any] = MultiDict()
    for name, value in form.items():
        for item in value if isinstance(value, list | tuple) else [value]:
            if isinstance(item, Mapping):
                parts.add(name, FileStorage(BytesIO(encode_json(item)), content_type=JSON))
                multipart = True
            elif item is not None:
                parts.add(name, to_text(item, f"form.{name}"))
    for name, value in files.items():
        for item in value if isinstance(value, list) else [value]:
            parts.add(name, _to_part(name, item))
            multipart = True
    if not multipart:
        return urlencode(list(parts.items(multi=True))).encode(), URLENCODED
    # Werkzeug's own are longer than RFC 2046 §5.1.1 allows, now and then.
    boundary, content = encode_multipart(parts, secrets.token_hex(16))
    return content, f"multipart/form-data; boundary={boundary}"


def _to_part(name: str, file: Any) -> FileStorage:
    media_type = "application/octet-stream"
    if isinstance(file, UploadedFile):
        file.stream.seek(0)
        return FileStorage(file.stream, file.filename, content_type=file.media_type)
    filename = name
    if isinstance(file, tuple) and len(file) in (2, 3):
        filename, file, media_type = (*file, media_type)[:3]
    if isinstance(file, bytes):
        file = BytesIO(file)
    if not hasattr(file, "read"):
        raise CallError(
            f"files.{name} has to be bytes, an open file, or (filename, content) or (filename, content, media type), "
            f"not {type(file).__name__}."
        )
    return FileStorage(file, filename, content_type=media_type)
