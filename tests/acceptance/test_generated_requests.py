"""Requests generated from the document find nothing: schemathesis with all its checks, against a real server."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from tests.acceptance.conftest import PROXIED, Credentials, Server, run_tool

#: The seeds of the run; the long form is
#: `RAMEKIN_ACCEPTANCE=1 RAMEKIN_SEEDS=1-20 pytest tests/acceptance/test_generated_requests.py`.
_FIRST, _, _LAST = os.environ.get("RAMEKIN_SEEDS", "1-3").partition("-")
SEEDS = range(int(_FIRST), int(_LAST or _FIRST) + 1)

pytestmark = pytest.mark.skipif(
    "RAMEKIN_ACCEPTANCE" not in os.environ,
    reason="it takes minutes, so RAMEKIN_ACCEPTANCE asks for it; tests/test_examples_contract.py has a bounded form",
)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("example", ["hello", "bookshop"])
def test_schemathesis_reports_no_failure(
    example: str, seed: int, server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """No check of schemathesis fails on an example, none disabled and no operation left out."""
    said, refused = run_schemathesis(server(example), seed, tmp_path)
    with capsys.disabled():
        print(f"\nschemathesis, {example}, seed {seed}: {said}; {len(refused)} operations let nobody in")


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("scheme", ["session", "tokens"])
def test_schemathesis_reports_no_failure_with_credentials(
    scheme: str,
    seed: int,
    server: Server,
    credentials: Credentials,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """None fails for somebody who may do everything, by a session or by a token, in whatever order things are done."""
    value = f'api_key = "{credentials.session}"' if scheme == "session" else f'bearer = "{credentials.token}"'
    (tmp_path / "schemathesis.toml").write_text(f"[auth.openapi.{scheme}]\n{value}\n")
    headers = [f"--header={name}: {value}" for name, value in PROXIED.items()]
    said, refused = run_schemathesis(server("bookshop"), seed, tmp_path, *headers)
    with capsys.disabled():
        print(f"\nschemathesis, bookshop by {scheme}, seed {seed}: {said}")
    # People make tokens, and not programs: what wants a session refuses a token.
    assert set(refused) <= (set() if scheme == "session" else {"DELETE /tokens", "GET /session", "POST /tokens"})


def run_schemathesis(address: str, seed: int, folder: Path, *arguments: str) -> tuple[str, list[str]]:
    """Run all that schemathesis has against a server, and have no failure.

    Returns:
        How many cases that were, and the operations that nothing but 401 and 403 came from.
    """
    output = run_tool(
        "schemathesis",
        "run",
        f"{address}/openapi.json",
        *arguments,
        "--checks=all",
        "--phases=examples,coverage,fuzzing,stateful",
        "--max-examples=50",
        f"--seed={seed}",
        "--generation-database=none",
        "--no-color",
        cwd=folder,
    )
    cases = re.search(r"(\d+) generated, \1 passed.*", output)
    assert cases is not None
    if "No issues found" not in output:
        # The only warning is of operations that let nobody in.
        assert "= 1 warning in " in output
        assert "Authentication failed: " in output
    return cases[0], re.findall(r"^  - (.+)$", output, re.MULTILINE)
