"""Requests generated from the document find nothing: schemathesis with all its checks, against a real server."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from tests.acceptance.conftest import Server, run_tool

#: The seeds of the run; the long form is `RAMEKIN_SEEDS=1-20 pytest tests/acceptance/test_generated_requests.py`.
_FIRST, _, _LAST = os.environ.get("RAMEKIN_SEEDS", "1-3").partition("-")
SEEDS = range(int(_FIRST), int(_LAST or _FIRST) + 1)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("example", ["hello", "bookshop"])
def test_schemathesis_reports_no_failure(
    example: str, seed: int, server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """No check of schemathesis fails on an example, none disabled and no operation left out."""
    output = run_tool(
        "schemathesis",
        "run",
        f"{server(example)}/openapi.json",
        "--checks=all",
        "--phases=examples,coverage,fuzzing,stateful",
        "--max-examples=50",
        f"--seed={seed}",
        "--generation-database=none",
        "--no-color",
        cwd=tmp_path,
    )
    cases = re.search(r"Test cases:\s+(.+)", output)
    with capsys.disabled():
        print(f"\nschemathesis, {example}, seed {seed}: {cases.group(1) if cases else output}")
    assert "No issues found" in output
