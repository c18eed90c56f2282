"""The README's first command, run in a copy of the sources as a newcomer has them: it serves the bookshop."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
from tests.acceptance.conftest import ROOT
from tests.acceptance.servers import await_connections
from tests.test_readme import command

SERVE = command("serve")
pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="the command is one of a POSIX shell"),
    pytest.mark.skipif(
        "RAMEKIN_ACCEPTANCE" not in os.environ,
        reason="it installs from the package index, so RAMEKIN_ACCEPTANCE asks for it",
    ),
]


def ask(url: str, body: Any = None) -> Any:
    """Return the JSON of an answer."""
    data = None if body is None else json.dumps(body).encode()
    with urlopen(Request(url, data, {"Content-Type": "application/json"}), timeout=30) as response:
        return json.load(response)


def wait_for(text: str, process: subprocess.Popen[str]) -> None:
    """Read what a command prints, until it says something."""
    assert process.stdout is not None
    printed = []
    for line in process.stdout:
        printed.append(line)
        if text in line:
            return
    pytest.fail(f"the command serves nothing: {''.join(printed)}")


def test_the_first_command_serves_the_bookshop(tmp_path: Path) -> None:
    """One command in a clean copy sets everything up; the books are listed, and somebody can register."""
    copy = tmp_path / "ramekin"
    left_out = shutil.ignore_patterns(".git", ".venv", ".ci-cache", "__pycache__", "*.sqlite", ".*_cache")
    shutil.copytree(ROOT, copy, ignore=left_out)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    bare = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "RAMEKIN", "VIRTUAL"))}
    process = subprocess.Popen(
        ["sh", "-c", f"{SERVE} --port={port}"],  # The port that it would take may be taken.
        cwd=copy,
        env={**bare, "PYTHONUNBUFFERED": "1"},
        start_new_session=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        wait_for(f"http://127.0.0.1:{port}", process)
        await_connections(port)  # It says where it is before it listens there.
        books = ask(f"http://127.0.0.1:{port}/books")
        account = {"name": "ada", "password": "correct horse battery staple"}
        assert books[0]["title"] == "Emma"
        assert ask(f"http://127.0.0.1:{port}/accounts", account) == {"name": "ada", "role": "customer"}
        with urlopen(f"http://127.0.0.1:{port}/docs", timeout=30) as page:
            assert b"swagger-ui" in page.read()
    finally:
        os.killpg(process.pid, signal.SIGINT)
        process.communicate(timeout=60)
