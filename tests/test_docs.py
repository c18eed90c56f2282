"""The Python blocks of the README and of every page of the documentation."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, ModuleType

import pytest

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted(page for page in (ROOT / "docs").rglob("*.md") if "_build" not in page.parts)]

# A block that is not to be run is fenced as ```{code-block} python.
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def python_blocks(page: Path) -> Iterator[CodeType]:
    """Yield the compiled Python blocks of a page, with the page's own line numbers."""
    text = page.read_text(encoding="utf-8")
    for block in BLOCK.finditer(text):
        lines_above = text.count("\n", 0, block.start(1))
        yield compile("\n" * lines_above + block[1], str(page), "exec", dont_inherit=True)


@pytest.mark.parametrize("page", [pytest.param(page, id=str(page.relative_to(ROOT))) for page in PAGES])
def test_python_blocks_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The Python blocks of a page run in order, as one module, in an empty folder."""
    module = ModuleType("documentation_page")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.chdir(tmp_path)

    for block in python_blocks(page):
        exec(block, module.__dict__)
