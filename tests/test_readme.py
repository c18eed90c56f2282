"""What the README promises: its program answers, and its two commands are what they should be."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from werkzeug.test import Client

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")


def run_program() -> Any:
    """Run the README's first Python block and return its `app`."""
    block = re.search(r"^```python\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    assert block is not None
    namespace: dict[str, Any] = {"__name__": "hello"}
    exec(compile(block[1], "README.md", "exec", dont_inherit=True), namespace)
    return namespace["app"]


def command(name: str) -> str:
    """Return the shell command that the README marks with a name."""
    block = re.search(rf"^<!-- command: {name} -->\n```sh\n(.+)\n```$", README, re.MULTILINE)
    assert block is not None
    return block[1]


def test_program_answers() -> None:
    """The README's program serves what its declaration says."""
    client = Client(run_program())

    assert client.get("/hello").json == {"message": "Hello, world!"}
    assert client.get("/hello?name=Ada").json == {"message": "Hello, Ada!"}


def test_program_refuses_what_it_did_not_declare() -> None:
    """The README's program answers a fault in its input by a problem."""
    client = Client(run_program())

    response = client.get("/hello?nmae=Ada")

    assert response.status_code == 422
    assert response.content_type == "application/problem+json"


def test_program_is_documented() -> None:
    """The README's program serves its document and the page that shows it."""
    client = Client(run_program())

    document: Any = client.get("/openapi.json").json

    assert "/hello" in document["paths"]
    assert client.get("/docs").status_code == 200


def test_serving_needs_what_the_bookshop_uses() -> None:
    """What the first command installs has the extras that the bookshop, its document and its page need."""
    extras = re.search(r"'\.\[([a-z,-]+)\]'", command("serve"))

    assert extras is not None
    assert extras[1].split(",") == ["docs", "passwords", "yaml"]


def test_commands_are_run() -> None:
    """CI runs the command for the tests as it stands here, and the acceptance tests run the one that serves."""
    ci = (Path(__file__).parent.parent / ".ci" / "run").read_text(encoding="utf-8")
    acceptance = (Path(__file__).parent / "acceptance" / "test_readme_commands.py").read_text(encoding="utf-8")

    assert '"$(readme_command test)"' in ci
    assert 'SERVE = command("serve")' in acceptance


def test_commands_do_the_whole_set_up() -> None:
    """Each of the README's commands starts from a machine with Python and its venv module only."""
    for name in ("serve", "test"):
        assert command(name).startswith("python3 -m venv .venv && .venv/bin/pip install ")
