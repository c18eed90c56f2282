"""The page on OWASP's ten risks: each item names tests, and each of these exists."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from ramekin.checks import list_checks

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "explanation" / "owasp.md").read_text(encoding="utf-8")
ITEMS = re.split(r"^## ", PAGE, flags=re.MULTILINE)[1:]
NAMED = re.findall(r"^- `([^`]+)`$", PAGE, re.MULTILINE)


def find_tests(file: Path) -> set[str]:
    """Return the names of the tests in a file."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")}


def test_all_ten_items_are_there() -> None:
    """The items are OWASP's, in order."""
    assert [item.partition(":")[0] for item in ITEMS] == [f"API{number}" for number in range(1, 11)]


@pytest.mark.parametrize("item", ITEMS, ids=lambda item: item.partition(":")[0])
def test_an_item_says_what_is_done_and_what_is_not(item: str) -> None:
    """Each item says what Ramekin does, what is left to the reader, and which tests show it."""
    assert "**Done.**" in item
    assert "**Yours.**" in item
    assert re.search(r"^- `tests/", item, re.MULTILINE)


@pytest.mark.parametrize("named", NAMED)
def test_every_test_that_is_named_exists(named: str) -> None:
    """What the page gives as its evidence is in the test run."""
    file, _, name = named.partition("::")
    tests = find_tests(ROOT / file)

    assert name in tests if name else tests


def test_every_check_that_is_named_exists() -> None:
    """The numbers of checks are those of `ramekin check`."""
    assert set(re.findall(r"RK\d{3}", PAGE)) <= {check.id for check in list_checks()}
