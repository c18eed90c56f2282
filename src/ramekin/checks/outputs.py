"""Checks of what operations answer with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from marshmallow import fields

from ramekin.checks.raised import find_raised
from ramekin.checks.registry import check
from ramekin.checks.subjects import api_operations, name_of, walk_written_fields
from ramekin.responses import is_json

if TYPE_CHECKING:
    from ramekin.operations import Operation
    from ramekin.sites import Site

#: What no client has to be told.
_SECRETS = frozenset(
    {
        "password",
        "passwd",
        "password_hash",
        "hashed_password",
        "passwordhash",
        "secret_key",
        "private_key",
        "secret_hash",
        "token_hash",
        "cvv",
        "pin",
        "ssn",
    }
)


@check(
    "RK601",
    "A secret is sent out",
    severity="error",
    why="It stands in every answer, in caches and in the logs of clients; a hash can be tried at leisure.",
    fix="Mark the field load_only=True, or leave it out of the schema.",
)
def find_secrets(site: Site) -> Iterator[tuple[Operation, str]]:
    """Look for passwords and the like in what is dumped."""
    for operation in api_operations(site):
        paths = dict.fromkeys(path for path, _ in walk_written_fields(operation) if name_of(path) in _SECRETS)
        if paths:
            yield operation, f"It sends {', '.join(paths)}."


@check(
    "RK602",
    "A problem is raised that is not declared",
    severity="error",
    why="The document does not tell of it, and a test that meets it fails.",
    fix="Declare it: @raises(…) on the method or its class.",
)
def find_undeclared_problems(site: Site) -> Iterator[tuple[Operation, str]]:
    """Read what handlers raise, in themselves and in what they call of their own package."""
    for operation in api_operations(site):
        declared = {
            (outcome.problem.status, outcome.problem.code)
            for outcome in operation.outcomes
            if outcome.problem is not None
        }
        for problem in find_raised(operation.handler, operation.resource):
            if (problem.status, problem.code) not in declared and not site.failures.handles(problem):
                yield operation, f"It raises {problem.__name__}."


@check(
    "RK603",
    "The document does not say what an answer holds",
    severity="warning",
    why="Whoever reads it learns nothing of the content, and no check can tell whether it is right.",
    fix="Declare a schema in place of Raw or an open Dict.",
)
def find_vague_answers(site: Site) -> Iterator[tuple[Operation, str]]:
    """Look for successes in JSON that may be anything."""
    for operation in api_operations(site):
        for outcome in operation.successes:
            shape = outcome.shape
            is_vague = type(shape) is fields.Raw or (isinstance(shape, fields.Dict) and shape.value_field is None)
            if is_vague and is_json(outcome.media_type or ""):
                yield operation, f"Its {outcome.status} may hold anything."
