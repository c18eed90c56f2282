"""Checks of what the document tells its readers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ramekin.checks.registry import check
from ramekin.checks.subjects import api_operations

if TYPE_CHECKING:
    from ramekin.operations import Operation
    from ramekin.sites import Site


@check(
    "RK701",
    "An operation has no summary",
    severity="warning",
    why="Lists of operations show its method and path in place of what it does.",
    fix="Give the method a docstring, whose first line is the summary.",
)
def find_silent_operations(site: Site) -> Iterator[tuple[Operation, str]]:
    """Look for shown operations without a docstring or a stated summary."""
    for operation in api_operations(site):
        said = operation.effects.documentation.summary
        if not operation.hidden and not said and not (operation.handler.__doc__ or "").strip():
            yield operation, f"{operation.method} {operation.path} has no docstring."


@check(
    "RK702",
    "An operation is deprecated without a word",
    severity="warning",
    why="Callers learn that they are to leave it, but not for what.",
    fix="Say in its description what to call in its place.",
)
def find_silent_deprecations(site: Site) -> Iterator[tuple[Operation, str]]:
    """Look for deprecated operations whose description says no more than the summary."""
    for operation in api_operations(site):
        if operation.deprecated and not operation.hidden and operation.description == operation.summary:
            yield operation, "Its description does not say what to call in its place."


@check(
    "RK703",
    "Two operations have one summary",
    severity="warning",
    why="Lists of operations, clients and people cannot tell them apart.",
    fix="Say in each what it does.",
)
def find_twin_summaries(site: Site) -> Iterator[tuple[Operation, str]]:
    """Compare the summaries of the operations that are shown."""
    first: dict[str, Operation] = {}
    for operation in api_operations(site):
        if not operation.hidden:
            other = first.setdefault(operation.summary, operation)
            if other is not operation and other.handler is not operation.handler:
                yield operation, f"{operation.summary!r} is the summary of {other.id}, too."
