"""The coverage of the contract in words: a table for the terminal, JSON, and XML in the form of JUnit.

Specification: the JUnit XML that CI servers read, as in https://github.com/testmoapp/junitxml.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from xml.sax.saxutils import quoteattr

from ramekin.testing.coverage import APICoverage, Coverage, OperationCoverage, Point

if TYPE_CHECKING:
    from ramekin.testing.coverage import _Tally


def write_terse(coverage: Coverage) -> Iterator[str]:
    """Yield the lines of a table: what is missing, by operation."""
    for api in coverage.apis.values():
        lacking = [operation for operation in api.operations.values() if operation.missing]
        yield f"{api.name}: {say_sum(api)}"
        if not lacking:
            continue
        width = max(len(_place(operation)) for operation in lacking)
        yield f"  {'OPERATION':<{width}}  COVERED  MISSING"
        for operation in lacking:
            covered = f"{operation.covered}/{operation.counted}"
            missing = ", ".join(point.name for point in operation.missing)
            yield f"  {_place(operation):<{width}}  {covered:>7}  {missing}"


def write_full(coverage: Coverage) -> Iterator[str]:
    """Yield the lines of a table: every point of every operation, and how often it was met."""
    for api in coverage.apis.values():
        yield f"{api.name}: {say_sum(api)}"
        for operation in api.operations.values():
            yield f"  {_place(operation)}  {operation.covered}/{operation.counted}"
            width = max((len(point.name) for point in operation.all_points()), default=0)
            for point in operation.all_points():
                yield f"    {point.kind:<9}  {point.name:<{width}}  {_say_point(point)}".rstrip()


def say_sum(tally: _Tally) -> str:
    """Return a sum in words."""
    return f"{tally.covered} of {tally.counted} declared outcomes and parameters exercised, {tally.percent:g} %"


def _place(operation: OperationCoverage) -> str:
    return f"{operation.method:<6} {operation.path}"


def _say_point(point: Point) -> str:
    met = f"{point.count} ×" if point.count else "never"
    return f"{met:>7}  exempt: {point.exempt}" if point.exempt else f"{met:>7}{'' if point.count else '  MISSING'}"


def write_json(coverage: Coverage) -> str:
    """Return the report as JSON, for programs and for `Coverage.merge`."""
    return json.dumps(coverage.dump(), indent=2, ensure_ascii=False) + "\n"


def write_junit(coverage: Coverage, minimum: float | None = None) -> str:
    """Return the report as JUnit XML: a suite for each API, and a case for each point that counts.

    A point that was never met is a skipped case, for the run may be content with less than all. Whether it is stands in
    a case of its own, which fails.
    """
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', '<testsuites name="contract coverage">']
    for api in coverage.apis.values():
        lines += _write_suite(api)
    if minimum is not None:
        failed = not meets(coverage, minimum)
        lines.append(f'  <testsuite name="contract coverage" tests="1" failures="{int(failed)}" skipped="0">')
        name = quoteattr(f"at least {minimum:g} %")
        if failed:
            lines.append(f'    <testcase classname="contract" name={name}>')
            lines.append(f"      <failure message={quoteattr(say_sum(coverage))}/>")
            lines.append("    </testcase>")
        else:
            lines.append(f'    <testcase classname="contract" name={name}/>')
        lines.append("  </testsuite>")
    return "\n".join([*lines, "</testsuites>", ""])


def _write_suite(api: APICoverage) -> Iterator[str]:
    yield (
        f"  <testsuite name={quoteattr(api.name)} "
        f'tests="{api.counted}" failures="0" skipped="{api.counted - api.covered}">'
    )
    yield "    <properties>"
    for name, value in (("covered", api.covered), ("counted", api.counted), ("percent", api.percent)):
        yield f'      <property name="contract.{name}" value="{value}"/>'
    yield "    </properties>"
    for operation in api.operations.values():
        for point in operation.all_points():
            if point.exempt:
                continue
            case = f"    <testcase classname={quoteattr(operation.id)} name={quoteattr(f'{point.kind} {point.name}')}"
            yield f'{case}><skipped message="never exercised"/></testcase>' if point.missing else f"{case}/>"
    yield "  </testsuite>"


def meets(coverage: Coverage, minimum: float) -> bool:
    """Tell whether a run exercised enough; one that met no contract at all did not."""
    return bool(coverage.counted) and coverage.percent >= minimum


def write_file(path: Path, content: str) -> None:
    """Write a report, its folder made where it is missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")
