"""`ramekin run`, without its server; tests/acceptance has the rest."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ramekin.cli import main
from ramekin.cli.serving import AccessFormatter

Write = Callable[..., Path]


@pytest.fixture
def taken_port() -> Iterator[int]:
    """A port that somebody else serves."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def run(*arguments: str) -> int:
    return main(["run", "shelf.py", "--no-reload", *arguments])


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])
def test_debug_refuses_a_public_address(host: str, write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    """Debug mode serves no address that others can reach, and says why and what would do."""
    assert run("--host", host) == 2
    assert capsys.readouterr().err == (
        f"ramekin: debug mode would show traces to whoever reaches '{host}', and offer to run code, so it serves this "
        "machine only. Take --host 127.0.0.1, or --no-debug.\n"
    )


@pytest.mark.parametrize("port", ["0", "-1", "65536"])
def test_a_port_that_is_none(port: str, write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    """A port is a number that a server can have."""
    assert run(f"--port={port}") == 2
    assert capsys.readouterr().err == f"ramekin: a port is a number from 1 to 65535, not {port}.\n"


@pytest.mark.parametrize("host", ["999.1.1.1", "a b", "unix:///tmp/socket", "x" * 300])
def test_a_host_that_is_none(host: str, write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    """A host without an address here is an error of the command."""
    assert run("--host", host) == 2
    assert capsys.readouterr().err.startswith("ramekin: the ")


def test_a_port_in_use(taken_port: int, write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    """A port that another program has is an error that says so."""
    write("shelf.py")

    assert run("--port", str(taken_port)) == 2
    assert f"port {taken_port} of 127.0.0.1 cannot be served: address already in use." in capsys.readouterr().err


def test_a_program_that_does_not_load(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    """A program that does not load at the start is not served."""
    write("shelf.py", "import not_there")

    assert run() == 2
    assert capsys.readouterr().err.endswith("ramekin: 'shelf.py' could not be imported, see above.\n")


def access_record(**changes: Any) -> logging.LogRecord:
    said = {"operation": "getBook", "method": "GET", "path": "/books/1", "status": 200, "bytes": 12, "duration": 0.0012}
    return logging.makeLogRecord({**said, **changes, "created": 0.0})


def test_access_lines() -> None:
    """An access record is one line with what was asked and how it went."""
    line = AccessFormatter(colour=False).format(access_record())

    assert line[8:] == "  200  GET     /books/1  12 B  1.2 ms  getBook"


def test_access_lines_are_safe_for_a_terminal() -> None:
    """What a client sent cannot move the cursor or begin a line."""
    line = AccessFormatter(colour=False).format(access_record(path="/\x1b[2J\nø", operation=None))

    assert line[8:] == "  200  GET     /\\x1b[2J\\nø  12 B  1.2 ms"


def test_access_lines_in_colour() -> None:
    """On a terminal the status has a colour."""
    assert "\x1b[31m500\x1b[0m" in AccessFormatter(colour=True).format(access_record(status=500))
