"""The command itself: help, version, errors and statuses."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest

from ramekin.cli import main

Write = Callable[..., Path]

CONTRADICTION = """
from ramekin import App, Resource, describe, returns
app = App("A")
@app.resource("/a")
class A(Resource):
    @describe(operation_id="same")
    @returns(status=204)
    def get(self): ...
    @describe(operation_id="same")
    @returns(status=204)
    def delete(self): ...
"""


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    """The version is that of the distribution."""
    with pytest.raises(SystemExit, match="0"):
        main(["--version"])
    assert capsys.readouterr().out == f"ramekin {version('ramekin')}\n"


@pytest.mark.parametrize("arguments", [[], ["run"], ["routes"], ["openapi"], ["shell"]])
def test_help(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """The help of each command says how an app is named."""
    with pytest.raises(SystemExit, match="0"):
        main([*arguments, "--help"])
    assert "TARGET names the app" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [[], ["serve"], ["run", "--port", "http"], ["openapi", "--version", "2.0"]])
def test_a_wrong_command_line(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """A command line that does not parse ends with status 2."""
    with pytest.raises(SystemExit, match="2"):
        main(arguments)
    assert "ramekin" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["run", "routes", "openapi", "shell"])
def test_an_error_goes_to_stderr(command: str, write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    """An error is one line on the standard error, with status 2."""
    assert main([command, "none.py"]) == 2
    assert capsys.readouterr() == ("", "ramekin: there is no file 'none.py'.\n")


def test_an_app_that_cannot_be_compiled(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    """Declarations that contradict one another are an error of the command, without a trace."""
    write("shelf.py", CONTRADICTION)

    assert main(["routes", "shelf.py"]) == 2
    assert capsys.readouterr().err.startswith("ramekin: the app cannot be compiled: shelf.A.")


def test_an_interrupt(write: Write) -> None:
    """An interrupt ends the command with the status that shells use for it."""
    write("shelf.py", "raise KeyboardInterrupt")

    assert main(["routes", "shelf.py"]) == 130


def test_a_reader_that_leaves(write: Write) -> None:
    """A reader that has had enough, such as `head`, is no error."""
    write("shelf.py")
    read, to_close = os.pipe()
    os.close(read)

    with os.fdopen(to_close, "wb") as closed:
        done = subprocess.run(
            [sys.executable, "-m", "ramekin.cli", "openapi", "shelf.py"],
            stdout=closed,
            stderr=subprocess.PIPE,
            check=False,
        )

    assert (done.returncode, done.stderr) == (0, b"")


def test_code_for_the_shell(write: Write, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the standard input is no terminal, its code runs with the app at hand."""
    write("shelf.py")
    code = (
        "def path(n): return url_for('Book', book_id=n)\nprint(path(3), app.info.title, len(site.operations), client)"
    )
    monkeypatch.setattr(sys, "stdin", io.StringIO(code))

    assert main(["shell", "shelf.py"]) == 0
    assert capsys.readouterr().out.startswith("/books/3 Shelf ")


@pytest.mark.parametrize("has_readline", [True, False])
def test_a_shell_on_a_terminal(
    has_readline: bool, write: Write, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a terminal the shell greets with the names that it has, and reads lines until the input ends."""
    write("shelf.py")
    lines = iter(["print(app.info.version * 2)"])

    def read(prompt: str) -> str:
        for line in lines:
            return line
        raise EOFError

    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    monkeypatch.setattr("builtins.input", read)
    if not has_readline:
        # Not every platform has it.
        monkeypatch.setitem(sys.modules, "readline", None)

    assert main(["shell", "shelf.py"]) == 0
    shown = capsys.readouterr()
    assert "1.2.31.2.3" in shown.out
    assert "Shelf 1.2.3: app, site, client, url_for" in shown.err
