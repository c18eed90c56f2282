"""The examples' documents please the linters that users run on theirs, as they come out by default."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.acceptance.conftest import EXAMPLES, run_tool

every_document = pytest.mark.parametrize(
    ("example", "version"), [(example, version) for example in ("hello", "bookshop") for version in ("3.1", "3.0")]
)


def write_document(example: str, version: str, folder: Path) -> str:
    """Have the command line write an example's document, and return the file's name."""
    name = f"{example}-{version}.json"
    target = str(EXAMPLES / f"{example}.py")
    run_tool("ramekin", "openapi", target, f"--version={version}", f"--output={name}", cwd=folder)
    assert json.loads((folder / name).read_text())["openapi"].startswith(version)
    return name


@every_document
def test_openapi_spec_validator_says_ok(example: str, version: str, tmp_path: Path) -> None:
    """The document is valid by the specification's own schema."""
    name = write_document(example, version, tmp_path)
    assert "OK" in run_tool("openapi-spec-validator", name, cwd=tmp_path)


#: What Spectral is not asked of a document, by its example and version, and why.
LEFT_OUT = {
    ("bookshop", "3.1"): {
        "oas3-operation-security-defined": "It knows scopes of OAuth 2 alone; since OpenAPI 3.1 (§4.8.30) any scheme "
        "may have some, and that the schemes are defined is checked by the others."
    }
}


@every_document
def test_spectral_finds_nothing(example: str, version: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Spectral's rules for OpenAPI find no error, warning, information or hint."""
    name = write_document(example, version, tmp_path)
    left_out = LEFT_OUT.get((example, version), {})
    for rule, reason in left_out.items():
        with capsys.disabled():
            print(f"\nspectral, {name}: without {rule}. {reason}")
    ruleset = {"extends": ["spectral:oas"], "rules": dict.fromkeys(left_out, "off")}
    (tmp_path / "ruleset.yaml").write_text(json.dumps(ruleset))
    output = run_tool("spectral", "lint", "--fail-severity=hint", "--ruleset=ruleset.yaml", name, cwd=tmp_path)
    assert "No results with a severity of 'hint' or higher found!" in output


@every_document
def test_redocly_finds_nothing(example: str, version: str, tmp_path: Path) -> None:
    """Redocly's recommended rules find no error and no warning."""
    name = write_document(example, version, tmp_path)
    output = run_tool("redocly", "lint", "--extends=recommended", "--format=json", name, cwd=tmp_path)
    report, _ = json.JSONDecoder().raw_decode(output)
    assert report["totals"] == {"errors": 0, "warnings": 0, "ignored": 0}
