"""`ramekin routes`."""

from __future__ import annotations

import json
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


SOCKET = """
from marshmallow import fields
from ramekin import App, Resource
from ramekin.sockets import messages

app = App("Talk")

@app.resource("/talk")
class Talk(Resource):
    @messages(sends={"n": fields.Integer()})
    async def websocket(self, socket):
        "Talk."
"""


def test_websockets_are_listed(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    """They stand behind the operations of HTTP, in both forms."""
    write("shelf.py", SOCKET)

    main(["routes", "shelf.py"])
    table = capsys.readouterr().out
    main(["routes", "shelf.py", "--json"])

    assert table.splitlines()[-1] == "WEBSOCKET  /talk  websocketTalk  Talk"
    assert json.loads(capsys.readouterr().out)[0]["method"] == "WEBSOCKET"


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


GUARDED = """
from ramekin import App, Resource, returns
from ramekin.auth import APIKeys, Bearer, policy, public, requires

tokens, keys = Bearer(lambda token: None, name="tokens"), APIKeys({})

@policy
def owns(principal):
    return True

app = App("Shelf")

@app.resource("/books")
@requires(tokens("read") & owns | keys)
class Books(Resource):
    @returns(status=204)
    def get(self):
        "List."
    @public
    @returns(status=204)
    def head(self):
        "Look."
"""


def test_who_may_call(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    """Where an app says who may call its operations, each line does; its document and page are open here."""
    write("shelf.py", GUARDED)

    main(["routes", "shelf.py", "--all"])

    lines = capsys.readouterr().out.splitlines()
    assert lines[:3] == [
        "METHOD  RULE                           OPERATION      ACCESS                      SUMMARY",
        "GET     /books                         getBooks       tokens: read & owns | keys  List",
        "HEAD    /books                         headBooks      public                      Look",
    ]
    assert "/openapi.json                  getOpenapi     public " in lines[3]


def test_routes_as_json(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    """Programs get the same as JSON, with the security requirements of each operation."""
    write("shelf.py", GUARDED)

    main(["routes", "shelf.py", "--json"])

    first, second = json.loads(capsys.readouterr().out)
    assert first == {
        "method": "GET",
        "rule": "/books",
        "operation": "getBooks",
        "access": "tokens: read & owns | keys",
        "security": [{"tokens": ["read"]}, {"keys": []}],
        "summary": "List",
        "hidden": False,
        "deprecated": False,
    }
    assert (second["access"], second["security"]) == ("public", [])


def test_json_of_an_app_that_says_nothing(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    """What was not said is null."""
    write("shelf.py")

    main(["routes", "shelf.py", "--json"])

    (only,) = json.loads(capsys.readouterr().out)
    assert (only["access"], only["security"]) == (None, None)
