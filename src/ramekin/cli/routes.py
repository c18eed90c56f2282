"""`ramekin routes`: the operations of an app as a table."""

from __future__ import annotations

import json
import shutil
import sys
from argparse import Namespace
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ramekin.cli.targets import compile_app, load_app

if TYPE_CHECKING:
    from ramekin.operations import Operation

HEADINGS = ("METHOD", "RULE", "OPERATION", "SUMMARY")
ACCESS_HEADINGS = ("METHOD", "RULE", "OPERATION", "ACCESS", "SUMMARY")
#: Who may call an operation that says nothing of it: everybody.
UNSTATED = "public"
GAP = "  "
# A summary that is cut shorter than this says nothing.
SHORTEST_SUMMARY = 12


def show_routes(options: Namespace) -> int:
    """Print the table of operations, or the same as JSON."""
    site = compile_app(load_app(options.target))
    operations = (*site.operations, *site.sockets)
    shown = [operation for operation in operations if options.all or not operation.hidden]
    if options.json:
        print(json.dumps([_describe(operation) for operation in shown], indent=2, ensure_ascii=False))
        return 0
    # An app that says nothing of access is spared the column.
    access = any(operation.effects.access for operation in operations)
    rows = [_row(operation, access) for operation in shown]
    for line in format_table(rows, _terminal_width(), ACCESS_HEADINGS if access else HEADINGS):
        print(line)
    return 0


def _row(operation: Operation, access: bool) -> tuple[str, ...]:
    marks = [word for word in ("hidden", "deprecated") if getattr(operation, word)]
    summary = f"[{', '.join(marks)}] {operation.summary}" if marks else operation.summary
    said = [operation.effects.access or UNSTATED] if access else []
    return operation.method, operation.rule, operation.id, *said, summary


def _describe(operation: Operation) -> dict[str, object]:
    security = operation.effects.security
    return {
        "method": operation.method,
        "rule": operation.rule,
        "operation": operation.id,
        "access": operation.effects.access or None,
        "security": None
        if security is None
        else [{name: list(scopes) for name, scopes in one.items()} for one in security],
        "summary": operation.summary,
        "hidden": operation.hidden,
        "deprecated": operation.deprecated,
    }


def _terminal_width() -> int | None:
    """Return the columns of the terminal; None where the output goes elsewhere and is to be whole."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def format_table(
    rows: Sequence[tuple[str, ...]], width: int | None = None, headings: tuple[str, ...] = HEADINGS
) -> list[str]:
    """Return the lines of a table, aligned.

    Args:
        rows: What stands under the headings for each operation; the summary comes last.
        width: The columns that there are. A summary is cut to them and left out where too little of it would stay; the
            other columns are never cut.
        headings: The headings.
    """
    table = [headings, *rows]
    widths = [max(len(row[column]) for row in table) for column in range(len(headings) - 1)]
    left = None if width is None else width - sum(widths) - len(widths) * len(GAP)
    lines = []
    for row in table:
        cells = [cell.ljust(size) for cell, size in zip(row, widths, strict=False)]
        if left is None or left >= SHORTEST_SUMMARY:
            cells.append(_cut(row[-1], left))
        lines.append(GAP.join(cells).rstrip())
    return lines


def _cut(text: str, width: int | None) -> str:
    return text if width is None or len(text) <= width else text[: width - 1] + "…"
