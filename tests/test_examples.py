"""The examples: every one imports and answers, and its document equals its copy in `openapi/`."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from wsgiref.validate import validator

import pytest
from werkzeug.test import Client

from ramekin import App
from ramekin.checks import run_checks

ROOT = Path(__file__).parent.parent
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))


def load_app(name: str) -> App:
    """Run an example and return its app."""
    app: App = runpy.run_path(str(ROOT / "examples" / f"{name}.py"))["app"]
    return app


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_document_equals_its_copy(example: Path) -> None:
    """The document in `openapi/` is what the example's code says; `ramekin openapi` writes it."""
    copy = json.loads((ROOT / "openapi" / f"{example.stem}.json").read_text(encoding="utf-8"))

    assert load_app(example.stem).compile().document("3.1") == copy


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_documents_are_served(example: Path) -> None:
    """Every example serves its document and the page that shows it."""
    client = Client(validator(load_app(example.stem)))

    for path in ("/openapi.json", "/docs"):
        with client.get(path) as response:
            assert response.status_code == 200


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_checks_find_no_error(example: Path) -> None:
    """Nothing is wrong with an example, whatever was meant."""
    findings = run_checks(load_app(example.stem).compile(), deploy=True).findings

    assert [finding.message for finding in findings if finding.check.severity == "error"] == []


def test_hello_is_short() -> None:
    """The smallest example is shorter than 20 lines."""
    assert len((ROOT / "examples" / "hello.py").read_text(encoding="utf-8").splitlines()) < 20


def test_hello_greets() -> None:
    """The smallest example greets the world, or whom it is told."""
    client = Client(load_app("hello"))

    assert client.get("/hello").json == {"message": "Hello, world!"}
    assert client.get("/hello?name=Ada").json == {"message": "Hello, Ada!"}
