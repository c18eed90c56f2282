"""The reader of query strings.

Specification: RFC 3986 §3.4; OpenAPI 3.1, "Style Values" (`form`, `deepObject`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any, TypeAlias

from marshmallow import Schema

from ramekin.inputs.errors import InputError
from ramekin.inputs.names import Names
from ramekin.inputs.pairs import split_pairs
from ramekin.limits import Limits
from ramekin.schemas import Fault

#: From the raw query string to one raw mapping for each schema, and the faults of the names.
QueryReader: TypeAlias = Callable[[str], tuple[list[dict[str, Any]], list[Fault]]]


def compile_query_reader(
    shapes: Sequence[Schema], limits: Limits, credentials: Collection[str] = frozenset()
) -> QueryReader:
    """Return the reader of the query string that these schemas declare together.

    Args:
        shapes: The schemas.
        limits: What a query may cost.
        credentials: Names that security schemes read, and nobody else.

    The reader takes the percent-encoded text as the server gives it, and returns a raw mapping for each schema with
    the names that are its own, and the faults (location ``query``) of names unknown, read-only or repeated.

    Raises:
        InputError: By the reader, with status 400: bad percent-coding, octets that are not UTF-8, or more than
            `Limits.query_fields` pairs.
    """
    names = Names("query", shapes, deep=True)
    most = limits.query_fields

    def read_any(query: str) -> tuple[list[dict[str, Any]], list[Fault]]:
        try:
            pairs = split_pairs(query)
        except ValueError as error:
            raise InputError(400, "invalid-query", "The query string is not percent-encoded UTF-8.") from error
        raw = names.new_raw()
        faults: dict[Fault, None] = {}
        for name, value in pairs:
            if name in credentials:
                continue
            names.place(name, value, raw, faults)
        return raw, list(faults)

    # Most operations declare one flat schema, and most queries need no decoding: those cost no call but `split`.
    single = frozenset(name for name, (_, slot) in names.slots.items() if slot.style == "one")
    is_plain = len(shapes) == 1

    def read(query: str) -> tuple[list[dict[str, Any]], list[Fault]]:
        if not query:
            return [{}] if is_plain else names.new_raw(), []
        if query.count("&") >= most:
            raise InputError(400, "too-many-query-fields", f"The query string has more than {most} fields.")
        if not is_plain or "%" in query or "+" in query or not query.isascii():
            return read_any(query)
        values: dict[str, Any] = {}
        for pair in query.split("&"):
            name, _, value = pair.partition("=")
            if name not in single or name in values:
                return read_any(query)
            values[name] = value
        return [values], []

    return read
