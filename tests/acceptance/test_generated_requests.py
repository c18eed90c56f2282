"""Requests generated from the document find nothing: schemathesis with all its checks, against a real server."""

from __future__ import annotations

import json
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
        "--report=json",
        "--report-json-path=report.json",
        cwd=folder,
    )
    cases = re.search(r"(\d+) generated, \1 passed.*", output)
    assert cases is not None
    warnings = json.loads((folder / "report.json").read_text())["warnings"]
    # These two tell of the luck of the run: operations that it found nothing for. A valid request that is refused is a
    # failure by a check of its own, and a warning of any other kind would be about the document.
    unlucky = {*warnings.pop("missing_test_data"), *warnings.pop("validation_mismatch")}
    refused = warnings.pop("missing_auth")
    assert not any(warnings.values()), warnings
    found = f"; nothing found for {', '.join(sorted(unlucky))}" if unlucky else ""
    return f"{cases[0]}{found}", refused
