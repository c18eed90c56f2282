"""Two type checkers read `public.py`, which states the types that users meet."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent
ROOT = FOLDER.parents[1]


def find_pyright() -> str:
    """Return the path of pyright: beside this Python, among npm's tools, or on the path."""
    places = [str(Path(sys.executable).parent), os.environ.get("PATH", "")]
    modules = os.environ.get("RAMEKIN_NODE_MODULES")
    if modules:
        places.insert(1, str(Path(modules) / ".bin"))
    found = shutil.which("pyright", path=os.pathsep.join(places))
    if found is None:
        reason = "pyright is not installed"
        if os.environ.get("RAMEKIN_ACCEPTANCE"):
            pytest.fail(f"{reason}; RAMEKIN_ACCEPTANCE forbids to skip.")
        pytest.skip(reason)
    return found


def run_checker(*command: str) -> tuple[int, str]:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    return done.returncode, done.stdout + done.stderr


def test_mypy_agrees() -> None:
    """Strict mypy finds every type as stated, and refuses each line that says so."""
    status, said = run_checker(sys.executable, "-m", "mypy", "--strict", str(FOLDER / "public.py"))

    assert status == 0, said


def test_pyright_agrees() -> None:
    """Strict pyright finds every type as stated, and refuses each line that says so."""
    status, said = run_checker(find_pyright(), "--project", str(FOLDER), "--pythonpath", sys.executable)

    assert status == 0, said
