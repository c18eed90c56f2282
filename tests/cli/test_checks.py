"""`ramekin check`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from ramekin.checks import list_checks
from ramekin.cli import main

Write = Callable[..., Path]

SILENT = """
from ramekin import App, Resource, Settings, returns

app = App("Shelf", settings=Settings(docs_path=None, silenced_checks=("RK703: They are alike.",)))

@app.resource("/one")
@returns(status=204)
class One(Resource):
    def get(self): ...
    def delete(self): ...

@app.resource("/two")
@returns(status=204)
class Two(Resource):
    def get(self):
        "Show."
    def put(self):
        "Show."
"""
LEAKY = """
from marshmallow import fields
from ramekin import App, Resource, returns

app = App("Shelf")

@app.resource("/user")
class User(Resource):
    @returns({"password": fields.String()})
    def get(self):
        "Show the user."
"""


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, list[str]]:
    status = main(["check", *arguments])
    return status, capsys.readouterr().out.splitlines()


def test_an_app_without_a_fault(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    """What nothing is found in is said to be so."""
    write()

    assert run(capsys, "shelf.py") == (0, ["0 errors, 0 warnings. Take --deploy with the settings of production."])


def test_what_is_found(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    """Each finding says where it is; the first of a check says why it is one and what to do."""
    write("shelf.py", SILENT)

    status, lines = run(capsys, "shelf.py")

    assert status == 0
    assert lines == [
        "warning RK701  getOne (shelf.One.get)",
        "  An operation has no summary. GET /one has no docstring.",
        "  why  Lists of operations show its method and path in place of what it does.",
        "  fix  Give the method a docstring, whose first line is the summary.",
        "",
        "warning RK701  deleteOne (shelf.One.delete)",
        "  An operation has no summary. DELETE /one has no docstring.",
        "",
        "0 errors, 2 warnings, 1 silenced. Take --deploy with the settings of production.",
    ]


@pytest.mark.parametrize(
    ("program", "arguments", "expected"),
    [
        (SILENT, (), 0),
        (SILENT, ("--fail-on", "warning"), 1),
        (SILENT, ("--fail-on", "warning", "--ignore", "RK701"), 0),
        (LEAKY, (), 1),
        (LEAKY, ("--ignore", "RK601"), 0),
    ],
)
def test_the_status(
    write: Write, capsys: pytest.CaptureFixture[str], program: str, arguments: tuple[str, ...], expected: int
) -> None:
    """Errors fail, and warnings where they are to."""
    write("shelf.py", program)

    assert run(capsys, "shelf.py", *arguments)[0] == expected


def test_production(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    """What counts in production only is found with --deploy."""
    write()

    status, lines = run(capsys, "shelf.py", "--deploy")

    assert (status, lines[0], lines[-1]) == (0, "warning RK201  settings.trusted_hosts", "0 errors, 1 warning.")


def test_json(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    """Programs get the same, and what is silenced."""
    write("shelf.py", SILENT)

    status, lines = run(capsys, "shelf.py", "--json")
    written = json.loads("\n".join(lines))

    assert (status, len(written["findings"])) == (0, 2)
    assert [found["id"] for found in written["silenced"]] == ["RK703"]
    assert written["findings"][0] == {
        "id": "RK701",
        "severity": "warning",
        "title": "An operation has no summary",
        "where": "getOne (shelf.One.get)",
        "operation": "getOne",
        "message": "GET /one has no docstring.",
        "why": "Lists of operations show its method and path in place of what it does.",
        "fix": "Give the method a docstring, whose first line is the summary.",
    }


def test_the_list(capsys: pytest.CaptureFixture[str]) -> None:
    """Every check stands in one line; no app is needed."""
    status, lines = run(capsys, "--list")

    assert (status, len(lines)) == (0, len(list_checks()))
    assert "RK101  error    deploy  Debug mode is on" in lines


def test_an_explanation(capsys: pytest.CaptureFixture[str]) -> None:
    """One check is explained at length."""
    status, lines = run(capsys, "--explain", "RK202")

    assert (status, lines) == (
        0,
        [
            "RK202  A whole top-level domain is trusted",
            "       error",
            "  why  Anybody can have a name below it.",
            "  fix  Name the domain that is yours: *.example.com.",
        ],
    )


def test_an_explanation_for_production(capsys: pytest.CaptureFixture[str]) -> None:
    """A check for production says that it is one."""
    assert run(capsys, "--explain", "RK101")[1][1] == "       error, with --deploy"


@pytest.mark.parametrize("arguments", [("--explain", "RK999"), ("--ignore", "RK999")])
def test_a_check_that_is_not_there(capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]) -> None:
    """An id that is none is refused."""
    assert main(["check", *arguments]) == 2
    assert capsys.readouterr().err == "ramekin: there is no check 'RK999'; `ramekin check --list` shows all.\n"
