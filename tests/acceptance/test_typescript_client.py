"""A client that TypeScript's tools make of the document compiles strictly and calls the running bookshop."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path

import pytest
from tests.acceptance.conftest import ROOT, Credentials, Server, lack, run_tool

JOURNEY = Path(__file__).with_name("journey.ts")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A TypeScript project beside npm's packages."""
    modules = os.environ.get("RAMEKIN_NODE_MODULES", str(ROOT / "node_modules"))
    if not (Path(modules) / "openapi-fetch").is_dir():
        lack(f"openapi-fetch is not installed in {modules}")
    (tmp_path / "node_modules").symlink_to(modules)
    (tmp_path / "package.json").write_text('{"type": "module"}')
    options = {
        "strict": True,
        "exactOptionalPropertyTypes": True,
        "noUncheckedIndexedAccess": True,
        "module": "nodenext",
        "target": "es2022",
        "lib": ["es2022", "dom", "dom.iterable"],
        "types": [],
        "outDir": "built",
    }
    (tmp_path / "tsconfig.json").write_text(json.dumps({"compilerOptions": options, "files": ["journey.ts"]}))
    shutil.copy(JOURNEY, tmp_path)
    return tmp_path


def test_typed_client_calls_the_bookshop(project: Path, server: Server, credentials: Credentials) -> None:
    """A success, a 401, a 404 and a 422 come back with bodies of the types that the document gives them."""
    address = server("bookshop")
    document = f"{address}/openapi.json"
    run_tool("openapi-typescript", document, "--default-non-nullable=false", "--output=api.d.ts", cwd=project)
    run_tool("tsc", "--project", ".", cwd=project)
    output = run_tool("node", "built/journey.js", address, credentials.token, cwd=project)
    (owner,) = re.findall("for (eve-[0-9a-f]+)$", output, re.MULTILINE)
    assert output.splitlines() == [
        "401 unauthorized",
        "201 added Kalevala",
        "200 changed to 3 in stock",
        f"201 ordered 2 of Kalevala for {owner}",
        "409 out-of-stock, 1 left",
        "404 not-found",
        "422 validation-failed json /title required",
        "204 deleted",
    ]
