"""Checks of what operations answer with."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from marshmallow import fields

from ramekin.checks.raised import find_raised
from ramekin.checks.registry import check
from ramekin.checks.subjects import api_operations, name_of, walk_written_fields
from ramekin.responses import is_json

if TYPE_CHECKING:
    from ramekin.operations import Operation
    from ramekin.problems import Problem
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
    """Read what handlers raise themselves."""
    for operation, problem, function in _find_undeclared(site):
        if function is inspect.unwrap(operation.handler):
            yield operation, f"It raises {problem.__name__}."


@check(
    "RK603",
    "What a handler calls raises a problem that is not declared",
    severity="warning",
    why="Where it comes so far, the document does not tell of it, and a test that meets it fails.",
    fix="Declare it: @raises(…) on the method or its class. Silence this where it cannot come so far.",
)
def find_undeclared_problems_within(site: Site) -> Iterator[tuple[Operation, str]]:
    """Read what the functions raise that handlers call, of their own package and class."""
    for operation, problem, function in _find_undeclared(site):
        if function is not inspect.unwrap(operation.handler):
            yield operation, f"{function.__qualname__} raises {problem.__name__}."


def _find_undeclared(site: Site) -> Iterator[tuple[Operation, type[Problem], Callable[..., Any]]]:
    for operation in api_operations(site):
        problems = [outcome.problem for outcome in operation.outcomes if outcome.problem is not None]
        declared = {(problem.status, problem.code) for problem in problems}
        for problem, function in find_raised(operation.handler, operation.resource).items():
            if (problem.status, problem.code) not in declared and not site.failures.handles(problem):
                yield operation, problem, function


@check(
    "RK604",
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
