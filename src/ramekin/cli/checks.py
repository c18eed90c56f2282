"""`ramekin check`: what is likely wrong with an app, why, and how to mend it."""

from __future__ import annotations

import json
import textwrap
from argparse import Namespace
from collections import Counter
from collections.abc import Iterable, Iterator

from ramekin.checks import Check, Finding, Report, list_checks, run_checks
from ramekin.cli.errors import CommandError
from ramekin.cli.targets import compile_app, load_app

_WIDTH = 100


def show_checks(options: Namespace) -> int:
    """Check an app, or tell of the checks; the status is 1 where something counts that was found."""
    if options.list:
        return _print(_list_lines(list_checks()))
    if options.explain:
        return _print(_explain_lines(_find_check(options.explain)))
    for given in options.ignore:
        _find_check(given)
    report = run_checks(compile_app(load_app(options.target)), deploy=options.deploy, ignored=set(options.ignore))
    if options.json:
        print(json.dumps(_to_json(report), ensure_ascii=False, indent=2))
    else:
        _print(_report_lines(report, deploy=options.deploy))
    counting = ("error",) if options.fail_on == "error" else ("error", "warning")
    return int(any(finding.check.severity in counting for finding in report.findings))


def _print(lines: Iterable[str]) -> int:
    for line in lines:
        print(line)
    return 0


def _find_check(id: str) -> Check:
    found = next((each for each in list_checks() if each.id == id), None)
    if found is None:
        raise CommandError(f"there is no check '{id}'; `ramekin check --list` shows all.")
    return found


def _list_lines(checks: Iterable[Check]) -> Iterator[str]:
    for each in checks:
        yield f"{each.id}  {each.severity:<7}  {'deploy' if each.is_for_deployment else '':<6}  {each.title}"


def _explain_lines(each: Check) -> Iterator[str]:
    yield f"{each.id}  {each.title}"
    yield f"       {each.severity}{', with --deploy' if each.is_for_deployment else ''}"
    yield from _reason_lines(each)


def _reason_lines(each: Check) -> Iterator[str]:
    for name, text in (("why", each.why), ("fix", each.fix)):
        yield from textwrap.wrap(
            text, _WIDTH, initial_indent=f"  {name}  ", subsequent_indent=" " * 7, break_on_hyphens=False
        )


def _report_lines(report: Report, *, deploy: bool) -> Iterator[str]:
    explained: set[str] = set()
    for finding in report.findings:
        yield f"{finding.check.severity} {finding.check.id}  {finding.where}"
        yield f"  {finding.check.title}. {finding.message}"
        if finding.check.id not in explained:  # Once is enough for many places.
            explained.add(finding.check.id)
            yield from _reason_lines(finding.check)
        yield ""
    yield _summarize(report, deploy=deploy)


def _summarize(report: Report, *, deploy: bool) -> str:
    counts = Counter(finding.check.severity for finding in report.findings)
    parts = [f"{counts[kind]} {kind}{'' if counts[kind] == 1 else 's'}" for kind in ("error", "warning")]
    silenced = f", {len(report.silenced)} silenced" if report.silenced else ""
    hint = "" if deploy else " Take --deploy with the settings of production."
    return f"{', '.join(parts)}{silenced}.{hint}"


def _to_json(report: Report) -> dict[str, object]:
    return {
        "findings": [_finding_to_json(finding) for finding in report.findings],
        "silenced": [_finding_to_json(finding) for finding in report.silenced],
    }


def _finding_to_json(finding: Finding) -> dict[str, object]:
    return {
        "id": finding.check.id,
        "severity": finding.check.severity,
        "title": finding.check.title,
        "where": finding.where,
        "operation": finding.operation,
        "message": finding.message,
        "why": finding.check.why,
        "fix": finding.check.fix,
    }
