"""Running the checks, and leaving out what the settings say."""

from __future__ import annotations

import pytest

from ramekin import App, Resource, Settings, returns
from ramekin.checks import Report, list_checks, run_checks
from ramekin.checks.registry import check
from ramekin.errors import DeclarationError


@pytest.fixture
def app() -> App:
    """An app with two operations without a docstring, and a secret."""
    app = App("Shop")
    for name in ("One", "Two"):
        app.add_resource(f"/{name}", type(name, (Resource,), {"get": returns(status=204)(lambda self: None)}))
    return app


def run(app: App, *silenced: str, deploy: bool = False, ignored: tuple[str, ...] = ()) -> Report:
    return run_checks(app.compile(Settings(silenced_checks=silenced, debug=True)), deploy=deploy, ignored=ignored)


def ids(report: Report) -> list[tuple[str, str | None]]:
    return [(finding.check.id, finding.operation) for finding in report.findings]


def test_each_place_is_a_finding(app: App) -> None:
    """A check finds each place, and says which."""
    report = run(app)

    assert ids(report) == [("RK701", "getOne"), ("RK701", "getTwo")]
    assert report.findings[0].where == f"getOne ({__name__}.One.get)"


def test_what_counts_in_production_only(app: App) -> None:
    """Debug mode is wrong in production alone; errors come first."""
    found = ids(run(app, deploy=True))

    assert found[0] == ("RK101", None)
    assert {id for id, _ in found} == {"RK101", "RK201", "RK701"}


def test_a_check_is_silenced(app: App) -> None:
    """An entry with the id alone leaves out every place; what is left out is still told."""
    report = run(app, "RK701: They are obvious.")

    assert (ids(report), len(report.silenced)) == ([], 2)


def test_a_check_is_silenced_for_one_operation(app: App) -> None:
    """An entry with an operation leaves out that one."""
    report = run(app, "RK701 getOne: It is obvious.")

    assert ids(report) == [("RK701", "getTwo")]


def test_a_silence_that_is_not_needed(app: App) -> None:
    """An entry that leaves nothing out is reported, unless its check did not run."""
    assert ids(run(app, "RK106: Whatever."))[0] == ("RK002", None)
    assert ids(run(app, "RK701 getThree: Gone."))[0] == ("RK002", None)
    assert ("RK002", None) not in ids(run(app, "RK201: Later."))
    assert ("RK002", None) not in ids(run(app, "RK106: Whatever.", ignored=("RK106",)))
    assert ("RK002", None) not in ids(run(app, "RK106: Whatever.", ignored=("RK002",)))


def test_a_silence_of_no_check(app: App) -> None:
    """An entry for a check that is not there is an error."""
    report = run(app, "RK999: Whatever.")

    assert ids(report)[0] == ("RK001", None)
    assert report.findings[0].message == "There is no check RK999 ('RK999: Whatever.')."


def test_a_check_is_ignored(app: App) -> None:
    """What is left out for one run is not told."""
    report = run(app, ignored=("RK701",))

    assert (ids(report), report.silenced) == ([], ())


def test_an_id_is_given_once() -> None:
    """Ids stay, so none is given twice."""
    list_checks()
    with pytest.raises(DeclarationError, match="RK101 is there already: Debug mode"):
        check("RK101", "Another", severity="error", why="", fix="")(lambda site: ())


def test_every_check_says_why_and_what_to_do() -> None:
    """A title is a line without a full stop; why and fix are sentences; ids are in order."""
    checks = list_checks()

    for each in checks:
        assert each.title.strip(".") == each.title != ""
        assert each.why.endswith(".")
        assert each.fix.endswith(".")
    assert [each.id for each in checks] == sorted({each.id for each in checks})
