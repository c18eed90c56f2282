"""Runs the checks, and leaves out what the settings say is to be left out."""

from __future__ import annotations

import importlib
from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING

from ramekin.checks.registry import CHECKS, Check, Finding, check, make_finding
from ramekin.records import Record

if TYPE_CHECKING:
    from ramekin.sites import Site

_MODULES = ("access", "deployment", "documents", "inputs", "network", "outputs", "routes", "secrets", "sizes")


class Report(Record, frozen=True):
    """What the checks found.

    Attributes:
        findings: What counts, errors first, then by id.
        silenced: What the settings leave out.
    """

    findings: tuple[Finding, ...]
    silenced: tuple[Finding, ...] = ()


class _Silence(Record, frozen=True):
    """One entry of `Settings.silenced_checks`."""

    text: str
    id: str
    operation: str | None

    def covers(self, finding: Finding) -> bool:
        return self.id == finding.check.id and self.operation in (None, finding.operation)


@check(
    "RK001",
    "A check is silenced that does not exist",
    severity="error",
    why="Somebody meant another one, whose findings would be reported, or a later release has dropped it.",
    fix="Correct the id in silenced_checks, or take the entry out; `ramekin check --list` shows all ids.",
)
def find_unknown_silences(site: Site) -> Iterable[tuple[str, str]]:
    """Yield entries for checks that are not there."""
    for silence in _read_silences(site):
        if silence.id not in list_ids():
            yield "settings.silenced_checks", f"There is no check {silence.id} ({silence.text!r})."


@check(
    "RK002",
    "A check is silenced that finds nothing",
    severity="warning",
    why="What it was silenced for has gone. It would hide what comes next.",
    fix="Take the entry out of silenced_checks.",
)
def find_idle_silences(site: Site) -> Iterable[tuple[str, str]]:
    """Yield nothing: it is the run itself that knows which entries were of use."""
    return ()


def list_checks() -> Sequence[Check]:
    """Return every check, by id."""
    for name in _MODULES:
        importlib.import_module(f"ramekin.checks.{name}")
    return sorted(CHECKS.values(), key=lambda each: each.id)


def list_ids() -> Collection[str]:
    """Return the ids of all checks."""
    return [each.id for each in list_checks()]


def run_checks(site: Site, *, deploy: bool = False, ignored: Collection[str] = ()) -> Report:
    """Look at a site.

    Args:
        site: The compiled app.
        deploy: Whether its settings are those of production, so that the checks for it count, too.
        ignored: Ids of checks to leave out.
    """
    silences = _read_silences(site)
    used: set[str] = set()
    findings: list[Finding] = []
    silenced: list[Finding] = []
    for each in list_checks():
        if each.id in ignored or (each.is_for_deployment and not deploy):
            continue
        for found in each.find(site):
            finding = make_finding(each, found)
            covering = [silence.text for silence in silences if silence.covers(finding)]
            used.update(covering)
            (silenced if covering else findings).append(finding)
    if "RK002" not in ignored:
        findings += _find_idle(silences, used, ignored, deploy=deploy)
    findings.sort(key=lambda finding: (finding.check.severity != "error", finding.check.id))
    return Report(findings=tuple(findings), silenced=tuple(silenced))


def _find_idle(
    silences: Iterable[_Silence], used: Collection[str], ignored: Collection[str], *, deploy: bool
) -> Iterable[Finding]:
    for silence in silences:
        known = CHECKS.get(silence.id)
        was_run = known is not None and silence.id not in ignored and (deploy or not known.is_for_deployment)
        if was_run and silence.text not in used:
            yield make_finding(CHECKS["RK002"], ("settings.silenced_checks", f"{silence.text!r} silences nothing."))


def _read_silences(site: Site) -> list[_Silence]:
    silences = []
    for text in site.settings.silenced_checks:
        id, _, operation = text.partition(":")[0].partition(" ")
        silences.append(_Silence(text=text, id=id, operation=operation or None))
    return silences
