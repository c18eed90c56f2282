"""The layers of the package, the one home of each dependency, and the rules that every test keeps."""

from __future__ import annotations

import ast
import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "src" / "ramekin"

# What is imported, and the only module or package of Ramekin that may import it.
HOMES = {
    "apispec": {"openapi"},
    "argon2": {"passwords"},
    "itsdangerous": {"signing"},
    "jwt": {"auth"},
    "msgspec": {"json", "records"},
    "offapi": {"openapi"},
    "schemathesis": {"testing"},
    "uvicorn": {"cli"},
    "werkzeug.routing": {"routing"},
    "yaml": {"cli"},
}
# What `import ramekin` must not load: it is paid for by those who use it.
LOADED_ON_USE = (
    "apispec",
    "asyncio",
    "itsdangerous",
    "jwt",
    "offapi",
    "ramekin.asgi",
    "ramekin.auth",
    "ramekin.cli",
    "ramekin.lifespans",
    "ramekin.openapi.converter",
    "ramekin.testing",
    "yaml",
)


def walk_running_code(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes below one, without those that only a type checker reads."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and isinstance(child.test, ast.Name) and child.test.id == "TYPE_CHECKING":
            continue
        yield child
        yield from walk_running_code(child)


def imports(path: Path) -> Iterator[str]:
    """Yield the dotted name of everything that a file imports when it runs, at any depth."""
    for node in walk_running_code(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_layers() -> None:
    """A module imports only from the layers below it, and every module has its layer."""
    try:
        assert lint_imports(str(ROOT / "pyproject.toml"), no_cache=True) == EXIT_STATUS_SUCCESS
    finally:
        # The linter configures logging as for a process of its own: it disables every logger that is there.
        for name in list(logging.root.manager.loggerDict):
            logging.getLogger(name).disabled = False


@pytest.mark.parametrize(("dependency", "homes"), HOMES.items())
def test_one_home(dependency: str, homes: set[str]) -> None:
    """A dependency is imported by its home only; the codec's records have one of their own."""
    importers = {
        path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        for path in PACKAGE.rglob("*.py")
        if any(name == dependency or name.startswith(dependency + ".") for name in imports(path))
    }

    assert importers <= homes


def test_optional_parts_load_on_use() -> None:
    """Importing ramekin loads no optional dependency and no part that only some programs use."""
    program = f"import sys, ramekin; print([name for name in {LOADED_ON_USE!r} if name in sys.modules])"

    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert result.stdout.strip() == "[]"


def test_every_test_states_its_rule() -> None:
    """Every test has a docstring."""
    silent = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
        for path in (ROOT / "tests").rglob("test_*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_") and not ast.get_docstring(node)
    ]

    assert silent == []
