"""Checks of how much operations take and answer.

Specification: OWASP API Security Top 10 (2023), API4 (unrestricted resource consumption).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, cast

from marshmallow import Schema, fields, validate
from marshmallow.fields import Field

from ramekin.checks.registry import check
from ramekin.checks.subjects import api_operations, list_rules, name_fields
from ramekin.operations import JSON_MEDIA_TYPE

if TYPE_CHECKING:
    from ramekin.operations import Operation
    from ramekin.sites import Site

#: Names under which clients say how much of a list they want.
PAGE_SIZES = frozenset({"limit", "page_size", "pagesize", "per_page", "perpage", "size", "count", "first", "top"})


@check(
    "RK511",
    "A text may be of any length",
    severity="warning",
    why="It may be as long as the whole body, and is then stored, indexed, searched and sent again.",
    fix="Give it validate.Length(max=…).",
)
def find_unbounded_texts(site: Site) -> Iterator[tuple[Operation, str]]:
    """Look for strings without a greatest length; those of a format are bounded by it."""
    return name_fields(site, lambda path, field: type(field) is fields.String and not _limits_length(field), "No end")


@check(
    "RK512",
    "A list may be of any length",
    severity="warning",
    why="Each item may cost a query, a mail or a row.",
    fix="Give it validate.Length(max=…).",
)
def find_unbounded_lists(site: Site) -> Iterator[tuple[Operation, str]]:
    """Look for lists without a greatest length."""
    return name_fields(site, lambda path, field: isinstance(field, fields.List) and not _limits_length(field), "No end")


@check(
    "RK513",
    "A page may be of any size",
    severity="warning",
    why="One request can ask for the whole table.",
    fix="Give it validate.Range(min=1, max=100).",
)
def find_unbounded_pages(site: Site) -> Iterator[tuple[Operation, str]]:
    """Look for page sizes in queries without a greatest value."""
    for operation in api_operations(site):
        for name, field in _query_fields(operation):
            if name.lower() in PAGE_SIZES and isinstance(field, fields.Integer) and not _is_bounded(field, low=False):
                yield operation, f"{name} has no greatest value."


@check(
    "RK514",
    "A list is answered whole",
    severity="warning",
    why="It grows with the data, until one answer is too much for the server or the client.",
    fix="Give it a limit: accept a page size in the query, and cap it.",
)
def find_whole_lists(site: Site) -> Iterator[tuple[Operation, str]]:
    """Look for GETs that answer with lists of objects and take no page size."""
    for operation in api_operations(site):
        topmost = operation.successes[0]
        is_list = isinstance(topmost.shape, Schema) and topmost.shape.many and topmost.media_type == JSON_MEDIA_TYPE
        if operation.method == "GET" and is_list:
            names = {name.lower() for name, _ in _query_fields(operation)}
            if not names & PAGE_SIZES:
                yield operation, "It answers with a list, and takes no page size."


@check(
    "RK515",
    "A number may be of any size",
    severity="warning",
    why="An integer has up to 64 digits here; a database takes 19, and answers the others by an exception.",
    fix="Give it validate.Range(min=…, max=…).",
)
def find_unbounded_numbers(site: Site) -> Iterator[tuple[Operation, str]]:
    """Look for integers without a least and a greatest value."""
    return name_fields(
        site,
        lambda path, field: isinstance(field, fields.Integer) and not _is_bounded(field, low=True),
        "No least and greatest value",
    )


def _is_bounded(field: Field[Any], *, low: bool) -> bool:
    """Tell whether validators say a greatest value, and a least one where that is asked."""
    rules = list(list_rules(field))
    if any(isinstance(rule, validate.OneOf | validate.Equal) for rule in rules):
        return True
    ranges = [rule for rule in rules if isinstance(rule, validate.Range)]
    return any(rule.max is not None for rule in ranges) and (not low or any(rule.min is not None for rule in ranges))


def _limits_length(field: Field[Any]) -> bool:
    """Tell whether a validator bounds the length of a text or list, or says which texts there are."""
    return any(
        (isinstance(rule, validate.Length) and (rule.max is not None or rule.equal is not None))
        or isinstance(rule, validate.OneOf | validate.Equal | validate.ContainsOnly | validate.Regexp)
        for rule in list_rules(field)
    )


def _query_fields(operation: Operation) -> Iterator[tuple[str, Field[Any]]]:
    for item in operation.inputs_at("query"):
        schema = cast("Schema", item.shape)  # Only a JSON body may be one field.
        yield from ((field.data_key or name, field) for name, field in schema.load_fields.items())
