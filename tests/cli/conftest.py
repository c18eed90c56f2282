from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

Write = Callable[..., Path]

#: A small app; the tests put it in files of their own.
PROGRAM = '''
from marshmallow import fields
from ramekin import App, Resource, returns

app = App("Shelf", version="1.2.3")

@app.resource("/books/<int:book_id>")
class Book(Resource):
    @returns({"title": fields.String(required=True)})
    def get(self, book_id):
        """Show a bøøk."""
        return {"title": str(1 // book_id)}
'''


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Write]:
    """Write program files into an empty current folder; what they import is forgotten afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RAMEKIN_APP", raising=False)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    before = set(sys.modules)

    def write_file(name: str = "shelf.py", text: str = PROGRAM) -> Path:
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return file

    yield write_file
    for name, module in list(sys.modules.items()):
        if name not in before and str(getattr(module, "__file__", None)).startswith(str(tmp_path)):
            del sys.modules[name]
