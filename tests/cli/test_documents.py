"""`ramekin openapi`."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from ramekin.cli import main
from ramekin.cli.documents import LONGEST_DIFF

Write = Callable[..., Path]


@pytest.fixture(autouse=True)
def shelf(write: Write) -> Path:
    """Put the small app into the current folder."""
    return write("shelf.py")


def test_to_the_standard_output(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    """The document goes out as JSON in UTF-8 that ends with one newline."""
    assert main(["openapi", "shelf.py"]) == 0

    text = capsysbinary.readouterr().out
    document = json.loads(text)
    assert document["openapi"].startswith("3.1")
    assert document["info"] == {"title": "Shelf", "version": "1.2.3"}
    assert "Show a bøøk".encode() in text
    assert text.endswith(b"}\n")


def test_of_another_version(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    """The version of OpenAPI can be chosen."""
    main(["openapi", "shelf.py", "--version", "3.0"])

    assert json.loads(capsysbinary.readouterr().out)["openapi"].startswith("3.0")


@pytest.mark.parametrize("name", ["shelf.yaml", "shelf.YML"])
def test_to_a_file_in_yaml(name: str, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    """The file's suffix says its format, and the document is the same in each."""
    main(["openapi", "shelf.py"])
    document = json.loads(capsysbinary.readouterr().out)

    assert main(["openapi", "shelf.py", "--output", name]) == 0

    text = Path(name).read_text(encoding="utf-8")
    assert yaml.safe_load(text) == document
    assert list(yaml.safe_load(text)) == list(document)
    assert "bøøk" in text
    assert "&id" not in text


def test_the_format_can_be_said(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    """The format that is asked for counts more than the suffix; a hyphen is the standard output."""
    main(["openapi", "shelf.py", "--format", "yaml", "--output", "-"])

    assert capsysbinary.readouterr().out.startswith(b"openapi: 3.1")


def test_a_file_that_cannot_be_written(capsys: pytest.CaptureFixture[str]) -> None:
    """A file that cannot be written is an error of the command."""
    assert main(["openapi", "shelf.py", "--output", "none/shelf.json"]) == 2
    assert "shelf.json' cannot be written: No such file or directory." in capsys.readouterr().err


@pytest.mark.parametrize("name", ["shelf.json", "shelf.yaml"])
def test_a_copy_that_agrees(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A copy that was just written agrees, and nothing is said."""
    main(["openapi", "shelf.py", "--output", name])

    assert main(["openapi", "shelf.py", "--check", name]) == 0
    assert capsys.readouterr() == ("", "")


def test_another_layout_agrees() -> None:
    """A copy that a formatter wrote anew agrees."""
    main(["openapi", "shelf.py", "--output", "shelf.json"])
    file = Path("shelf.json")
    file.write_bytes(json.dumps(json.loads(file.read_bytes()), indent=4).replace("\n", "\r\n").encode())

    assert main(["openapi", "shelf.py", "--check", "shelf.json"]) == 0


def test_drift_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """A copy that disagrees gives status 1, a diff, and the command that updates it."""
    main(["openapi", "shelf.py", "--output", "shelf.json"])
    file = Path("shelf.json")
    file.write_bytes(file.read_bytes().replace(b"1.2.3", b"1.2.2"))

    assert main(["openapi", "shelf.py", "--check", "shelf.json", "--version", "3.1"]) == 1

    shown = capsys.readouterr()
    assert shown.out.startswith("--- shelf.json\n+++ the code\n")
    assert '-    "version": "1.2.2"\n+    "version": "1.2.3"\n' in shown.out
    assert shown.err == (
        "ramekin: 'shelf.json' is not what the code says; "
        "write it with: ramekin openapi shelf.py --output shelf.json --version 3.1\n"
    )


@pytest.mark.parametrize(("name", "text"), [("a.json", "{,"), ("a.yaml", "a: ["), ("a.json", "[" * 200_000)])
def test_a_copy_that_does_not_parse(name: str, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A copy that is no JSON or YAML disagrees as text."""
    Path(name).write_text(text, encoding="utf-8")

    assert main(["openapi", "shelf.py", "--check", name]) == 1
    assert f"-{text}\n" in capsys.readouterr().out


def test_a_long_diff_is_bounded(capsys: pytest.CaptureFixture[str]) -> None:
    """A long diff is cut, and says how much is left out."""
    Path("a.json").write_text(json.dumps(list(range(1000))), encoding="utf-8")

    main(["openapi", "shelf.py", "--check", "a.json"])

    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == LONGEST_DIFF + 1
    assert lines[-1].endswith("more lines")


def test_a_missing_copy(capsys: pytest.CaptureFixture[str]) -> None:
    """A copy that is not there is drift too, and the command that writes it is named."""
    assert main(["openapi", "shelf.py", "--check", "my copy.json", "--format", "json"]) == 1
    assert capsys.readouterr().err == (
        "ramekin: there is no 'my copy.json' yet; "
        "write it with: ramekin openapi shelf.py --output 'my copy.json' --format json\n"
    )


def test_copies_that_cannot_be_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A folder or a file in another encoding is an error of the command."""
    Path("latin.json").write_bytes(b'"\xff"')

    assert main(["openapi", "shelf.py", "--check", "latin.json"]) == 2
    assert main(["openapi", "shelf.py", "--check", str(tmp_path)]) == 2
    first, second = capsys.readouterr().err.splitlines()
    assert first == "ramekin: 'latin.json' is not in UTF-8."
    assert "cannot be read" in second


def test_yaml_without_pyyaml(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Without PyYAML, the command says what to install."""
    monkeypatch.setitem(sys.modules, "yaml", None)

    assert main(["openapi", "shelf.py", "--format", "yaml"]) == 2
    assert capsys.readouterr().err == ("ramekin: YAML needs PyYAML: install 'ramekin[yaml]', or take --format json.\n")
