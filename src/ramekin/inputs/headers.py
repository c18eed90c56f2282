"""The reader of request header fields.

Specification: RFC 9110 §5 (field names are case-insensitive; §5.6.1 for lists); PEP 3333 for the latin-1 text in which
a server hands values over, read here as the UTF-8 that clients send.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from marshmallow import Schema

from ramekin.inputs.names import header_name, is_many, load_names, pointer_to
from ramekin.limits import Limits
from ramekin.schemas import Fault

#: From a getter of header values by lower-case name to one raw mapping for each schema, and the faults.
HeaderReader: TypeAlias = Callable[[Callable[[str], str | None]], tuple[list[dict[str, Any]], list[Fault]]]


def compile_header_reader(shapes: Sequence[Schema], limits: Limits) -> HeaderReader:
    """Return the reader of the headers that these schemas declare together.

    The reader takes a getter by lower-case name that gives a value or None (several lines of one name already joined
    by ``", "``), and returns a raw mapping for each schema, under the names that the schema uses, and the faults.
    Headers that nobody declares are ignored. A value that is not UTF-8 is a fault with the code ``invalid``.
    """
    # Each: the schema's position, the name in the schema, the name of the header, whether it holds a list.
    plan = [
        (index, key, header_name(key).lower(), is_many(declared))
        for index, shape in enumerate(shapes)
        for key, declared in load_names(shape).items()
    ]
    count = len(shapes)

    def read(get: Callable[[str], str | None]) -> tuple[list[dict[str, Any]], list[Fault]]:
        raw: list[dict[str, Any]] = [{} for _ in range(count)]
        faults: list[Fault] = []
        for index, key, name, many in plan:
            value = get(name)
            if value is None:
                continue
            if not value.isascii():
                value = read_utf8(value, "headers", key, faults)
            raw[index][key] = split_list(value) if many else value
        return raw, faults

    return read


def split_list(value: str) -> list[str]:
    """Return the elements of a header value; empty ones are none (RFC 9110 §5.6.1.2)."""
    return [element for part in value.split(",") if (element := part.strip(" \t"))]


def read_utf8(value: str, location: str, key: str, faults: list[Fault]) -> str:
    """Return a latin-1 text as the UTF-8 that its octets are, or add a fault and return it as it is."""
    try:
        return value.encode("latin-1").decode()
    except UnicodeError:
        faults.append(Fault(location, pointer_to((key,)), "invalid", "Not valid UTF-8."))
        return value
