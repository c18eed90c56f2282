"""`ramekin routes`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ramekin.cli import main
from ramekin.cli.routes import format_table

Write = Callable[..., Path]

ROWS = [
    ("GET", "/books", "getBooks", "List the books of the shelf."),
    ("DELETE", "/books/<int:book_id>", "deleteBook", "Remove."),
]

HIDDEN = """
from ramekin import App, Resource, describe, returns

app = App("Shelf")

@app.resource("/old")
@returns(status=204)
class Old(Resource):
    @describe(deprecated=True)
    def get(self):
        "Show what was."
    @describe(hidden=True)
    def delete(self):
        "Clear."
"""


def test_the_table_of_an_app(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    """Each operation stands in a line with its method, rule, id and summary."""
    write("shelf.py")

    assert main(["routes", "shelf.py"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "METHOD  RULE                  OPERATION  SUMMARY",
        "GET     /books/<int:book_id>  getBook    Show a bøøk",
    ]


def test_hidden_and_deprecated(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    """What the document leaves out is shown on request, and marked; what is deprecated is marked too."""
    write("shelf.py", HIDDEN)

    main(["routes", "shelf.py"])
    shown = capsys.readouterr().out
    main(["routes", "shelf.py", "--all"])
    everything = capsys.readouterr().out

    assert "[deprecated] Show what was" in shown
    assert "Clear" not in shown
    assert "[hidden] Clear" in everything
    assert "/openapi.json" in everything


def test_a_summary_is_cut_to_the_terminal() -> None:
    """A summary that does not fit is cut; the other columns are never cut."""
    lines = format_table(ROWS, 60)

    assert lines[1] == "GET     /books                getBooks    List the books of…"
    assert max(map(len, lines)) == 60


def test_a_narrow_terminal_has_no_summaries() -> None:
    """Where too little of a summary would stay, there is none."""
    assert format_table(ROWS, 50) == [
        "METHOD  RULE                  OPERATION",
        "GET     /books                getBooks",
        "DELETE  /books/<int:book_id>  deleteBook",
    ]


def test_the_width_is_the_terminals(
    write: Write, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The width counts where the output is a terminal; elsewhere the table is whole."""
    write("shelf.py")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "40")

    main(["routes", "shelf.py"])

    assert "Show" not in capsys.readouterr().out
