"""`ramekin openapi`: the OpenAPI document of an app, written or held against a copy."""

from __future__ import annotations

import json
import shlex
import sys
from argparse import Namespace
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from ramekin.cli.errors import CommandError
from ramekin.cli.targets import choose_target, compile_app, load_app

YAML_SUFFIXES = (".yaml", ".yml")
LONGEST_DIFF = 200


def show_document(options: Namespace) -> int:
    """Write the document to the standard output or a file, or compare it with one."""
    kind = options.format or _format_of(options.check or options.output)
    site = compile_app(load_app(options.target))
    document = site.document(version=options.version or site.settings.openapi_version)
    text = write_document(document, kind)
    if options.check:
        return _check(text, Path(options.check), kind, options)
    if options.output and options.output != "-":
        return _save(text, Path(options.output))
    # Bytes, so that neither the locale nor the platform's line ends change the document.
    sys.stdout.flush()
    sys.stdout.buffer.write(text.encode())
    sys.stdout.flush()
    return 0


def _format_of(file: str | None) -> str:
    return "yaml" if file is not None and Path(file).suffix.lower() in YAML_SUFFIXES else "json"


def write_document(document: Any, kind: str) -> str:
    """Return a document as text that ends with a newline, its members in their own order.

    Args:
        document: What JSON can carry.
        kind: ``json`` or ``yaml``.

    Raises:
        CommandError: PyYAML is needed and not installed.
    """
    if kind == "json":
        return json.dumps(document, ensure_ascii=False, indent=2) + "\n"
    return str(_yaml().safe_dump(_plain(document), allow_unicode=True, sort_keys=False, width=100))


def _read_document(text: str, kind: str) -> Any:
    """Return a document from its text.

    Raises:
        ValueError: The text is not in this format.
    """
    if kind == "json":
        return json.loads(text)
    yaml = _yaml()
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error


def _yaml() -> Any:
    try:
        import yaml
    except ModuleNotFoundError:
        raise CommandError("YAML needs PyYAML: install 'ramekin[yaml]', or take --format json.") from None
    return yaml


def _plain(value: Any) -> Any:
    """Return a copy without shared parts, for which YAML would write anchors."""
    return json.loads(json.dumps(value))


def _save(text: str, file: Path) -> int:
    try:
        file.write_bytes(text.encode())
    except OSError as error:
        raise CommandError(f"'{file}' cannot be written: {error.strerror}.") from error
    return 0


def _check(text: str, file: Path, kind: str, options: Namespace) -> int:
    update = f"write it with: {_update_command(file, options)}"
    try:
        kept = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        print(f"ramekin: there is no '{file}' yet; {update}", file=sys.stderr)
        return 1
    except OSError as error:
        raise CommandError(f"'{file}' cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError:
        raise CommandError(f"'{file}' is not in UTF-8.") from None
    # Another layout of the same document, such as a formatter's, is no drift. What does not parse differs as text.
    with suppress(ValueError, RecursionError):
        kept = write_document(_read_document(kept, kind), kind)
    if kept == text:
        return 0
    for line in _bounded_diff(kept, text, str(file)):
        print(line)
    print(f"ramekin: '{file}' is not what the code says; {update}", file=sys.stderr)
    return 1


def _bounded_diff(kept: str, text: str, name: str) -> Iterator[str]:
    from difflib import unified_diff

    lines = list(unified_diff(kept.splitlines(), text.splitlines(), name, "the code", lineterm=""))
    yield from lines[:LONGEST_DIFF]
    if len(lines) > LONGEST_DIFF:
        yield f"… and {len(lines) - LONGEST_DIFF} more lines"


def _update_command(file: Path, options: Namespace) -> str:
    words = ["ramekin", "openapi", choose_target(options.target), "--output", str(file)]
    words += ["--version", options.version] if options.version else []
    words += ["--format", options.format] if options.format else []
    return shlex.join(words)
