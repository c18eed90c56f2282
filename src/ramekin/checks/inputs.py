"""Checks of what operations take that is not the client's to say, or that nobody declared.

Specification: OWASP API Security Top 10 (2023), API3 (broken object property level authorization).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from marshmallow import INCLUDE, validate

from ramekin.checks.registry import check
from ramekin.checks.subjects import api_operations, list_rules, name_fields, name_of, read_schemas

if TYPE_CHECKING:
    from ramekin.operations import Operation
    from ramekin.sites import Site

#: Names of what a server gives, and of what an administrator does.
_GIVEN = frozenset({"id", "uuid", "created_at", "updated_at", "created_by", "updated_by"})
_PRIVILEGES = frozenset(
    {
        "admin",
        "is_admin",
        "is_staff",
        "is_superuser",
        "superuser",
        "role",
        "roles",
        "permissions",
        "scopes",
        "is_verified",
    }
)


@check(
    "RK501",
    "Members that nobody declared are taken",
    severity="warning",
    why="Whatever a client adds reaches the handler, and from there perhaps the database (mass assignment).",
    fix="Leave unknown at RAISE, and declare what is taken.",
)
def find_open_schemas(site: Site) -> Iterator[tuple[Operation, str]]:
    """Look for schemas with ``unknown = INCLUDE``."""
    for operation in api_operations(site):
        for path, schema in read_schemas(operation):
            if schema.unknown == INCLUDE:
                yield operation, f"{type(schema).__name__} takes unknown members{f' at {path}' if path else ''}."


@check(
    "RK502",
    "A client may say what the server gives",
    severity="warning",
    why="A client can take the id of another object, or make up when something was made.",
    fix="Mark the field dump_only=True.",
)
def find_writable_ids(site: Site) -> Iterator[tuple[Operation, str]]:
    """Look for ids and times at the top of JSON bodies."""
    return name_fields(
        site, lambda path, field: "." not in path and path.lower() in _GIVEN, "It takes what the server gives"
    )


@check(
    "RK503",
    "A client may say what it is allowed to do",
    severity="warning",
    why="A user who adds one member to a request becomes an administrator.",
    fix="Mark the field dump_only=True, and change it by an operation of its own that only administrators may call.",
)
def find_writable_privileges(site: Site) -> Iterator[tuple[Operation, str]]:
    """Look for roles and the like in bodies."""
    return name_fields(site, lambda path, field: name_of(path) in _PRIVILEGES, "It takes privileges")


@check(
    "RK504",
    "A pattern leaves the end open",
    severity="warning",
    why="marshmallow looks for it at the beginning alone, so that anything may follow what it matches.",
    fix=r"End it with \Z.",
)
def find_open_patterns(site: Site) -> Iterator[tuple[Operation, str]]:
    """Look for patterns that do not say where they end."""
    return name_fields(
        site, lambda path, field: any(_is_open(rule) for rule in list_rules(field)), "Anything may follow"
    )


def _is_open(rule: Any) -> bool:
    return isinstance(rule, validate.Regexp) and not re.search(r"(\$|\\Z|\.\*)\)?$", str(rule.regex.pattern))
