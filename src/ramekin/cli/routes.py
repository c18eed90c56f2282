"""`ramekin routes`: the operations of an app as a table."""

from __future__ import annotations

import shutil
import sys
from argparse import Namespace
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ramekin.cli.targets import compile_app, load_app

if TYPE_CHECKING:
    from ramekin.operations import Operation

HEADINGS = ("METHOD", "RULE", "OPERATION", "SUMMARY")
GAP = "  "
# A summary that is cut shorter than this says nothing.
SHORTEST_SUMMARY = 12


def show_routes(options: Namespace) -> int:
    """Print the table of operations."""
    site = compile_app(load_app(options.target))
    shown = [operation for operation in (*site.operations, *site.sockets) if options.all or not operation.hidden]
    for line in format_table([_row(operation) for operation in shown], _terminal_width()):
        print(line)
    return 0


def _row(operation: Operation) -> tuple[str, ...]:
    marks = [word for word in ("hidden", "deprecated") if getattr(operation, word)]
    summary = f"[{', '.join(marks)}] {operation.summary}" if marks else operation.summary
    return operation.method, operation.rule, operation.id, summary


def _terminal_width() -> int | None:
    """Return the columns of the terminal; None where the output goes elsewhere and is to be whole."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def format_table(rows: Sequence[tuple[str, ...]], width: int | None = None) -> list[str]:
    """Return the lines of a table, aligned.

    Args:
        rows: Method, rule, operation id and summary of each operation.
        width: The columns that there are. A summary is cut to them and left out where too little of it would stay; the
            other columns are never cut.
    """
    table = [HEADINGS, *rows]
    widths = [max(len(row[column]) for row in table) for column in range(3)]
    left = None if width is None else width - sum(widths) - 3 * len(GAP)
    lines = []
    for row in table:
        cells = [cell.ljust(size) for cell, size in zip(row, widths, strict=False)]
        if left is None or left >= SHORTEST_SUMMARY:
            cells.append(_cut(row[3], left))
        lines.append(GAP.join(cells).rstrip())
    return lines


def _cut(text: str, width: int | None) -> str:
    return text if width is None or len(text) <= width else text[: width - 1] + "…"
