"""What the pytest plugin does once it is used: clients in the settings of a test, and the coverage of the contract.

pytest itself loads the module ``pytest_ramekin``, which has the options and fixtures.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from glob import glob, has_magic
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ramekin.app import App
from ramekin.errors import RamekinError
from ramekin.testing import reports
from ramekin.testing.client import Client
from ramekin.testing.coverage import Coverage
from ramekin.testing.coverage_page import write_page
from ramekin.testing.errors import CallError
from ramekin.testing.exchanges import observers
from ramekin.testing.settings import change_settings

if TYPE_CHECKING:
    from ramekin.settings import Settings

PLUGIN = "ramekin-coverage"
#: Under which a worker of pytest-xdist hands over what it saw.
_OUTPUT = "ramekin_contract"


def make_client(item: pytest.Item, app: App, settings: Mapping[str, Any] | Settings) -> Client:
    """Return the client of a test.

    Args:
        item: The test; its marks ``ramekin``, those of its class and module included, say what is particular to it.
        app: The app.
        settings: Settings that differ from the app's own, or all of them.

    Raises:
        CallError: A mark or a setting is wrong, or the app is none of Ramekin's.
    """
    if not isinstance(app, App):
        raise CallError(
            f"The fixture `client` of Ramekin calls a ramekin.App, but the fixture `app` gives {app!r} of "
            f"{type(app).__module__}.{type(app).__qualname__}. Tests of another framework need a fixture `client` of "
            "their own; `-p no:ramekin` leaves out this one."
        )
    wanted = change_settings(app.settings, settings)
    options: dict[str, Any] = {"contract": True, **_say_raising(settings)}
    for mark in reversed(list(item.iter_markers("ramekin"))):
        if mark.args:
            raise CallError("pytest.mark.ramekin takes its arguments by name, as in ramekin(settings={…}).")
        given = dict(mark.kwargs)
        changes = given.pop("settings", None) or {}
        wanted = change_settings(wanted, changes)
        options |= {**_say_raising(changes), **given}
    if wanted != app.settings:
        options["settings"] = wanted
    unknown = sorted(options.keys() - signature(Client).parameters.keys())
    if unknown:
        raise CallError(f"pytest.mark.ramekin({unknown[0]}=…): ramekin.testing.Client takes no such option.")
    client = Client(app, **options)
    counting = item.config.pluginmanager.get_plugin(PLUGIN)
    if counting is not None:
        counting.coverage.declare(client.site)
    return client


def _say_raising(changes: Mapping[str, Any] | Settings) -> dict[str, Any]:
    """Return the client's option that stands over a setting, where the setting is named; whole settings name none."""
    if isinstance(changes, Mapping) and "propagate_exceptions" in changes:
        return {"raise_exceptions": changes["propagate_exceptions"]}
    return {}


class CoveragePlugin:
    """Counts what the tests of a run exercise, and reports it at the end.

    A worker of pytest-xdist counts and hands over what it has; the controller adds it up and reports.

    Args:
        config: The run's configuration.
        load_named_app: Returns the app that the configuration names, or None. Where it names one, that one counts
            alone; otherwise every app that a client checked.
    """

    def __init__(self, config: pytest.Config, load_named_app: Callable[[pytest.Config], App | None]) -> None:
        self._config = config
        self._load_named_app = load_named_app
        self._minimum: float | None = config.getoption("contract_fail_under")
        self._named: tuple[str, str] | None = None
        self._failures: list[str] = []
        self._written: list[str] = []
        self.coverage = Coverage()

    # -- Counting -----------------------------------------------------------------------------------------------------

    def pytest_sessionstart(self) -> None:
        """Listen to every client; take up the app that is named, for no test may ever call it."""
        observers.append(self.coverage.record)
        app = None if self._is_worker else self._load_named_app(self._config)
        if app is None:
            return
        try:
            # With settings given, another site is made and the app itself stays open to the fixtures of the tests.
            self.coverage.declare(app.compile(app.settings))
        except RamekinError as error:
            raise pytest.UsageError(f"ramekin_app: the app cannot be compiled: {error}") from error
        self._named = app.info.title, app.info.version

    def pytest_unconfigure(self) -> None:
        """Listen no more."""
        if self.coverage.record in observers:
            observers.remove(self.coverage.record)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Take over what a worker counted; one that crashed hands over nothing."""
        told = getattr(node, "workeroutput", {}).get(_OUTPUT)
        if told is not None:
            self.coverage.merge(told, declared=True)

    @property
    def _is_worker(self) -> bool:
        return hasattr(self._config, "workeroutput")

    # -- Reporting ----------------------------------------------------------------------------------------------------

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Hand over or report what was counted, and fail the run where it is too little."""
        if self._is_worker:
            self._config.workeroutput[_OUTPUT] = self.coverage.dump()  # type: ignore[attr-defined]  # xdist sets it.
            return
        if self._named is not None:
            self.coverage.keep(self._named)
        status: int = pytest.ExitCode.TESTS_FAILED
        try:
            self._add_other_runs()
            self._write_files()
        except (OSError, ValueError) as error:
            self._failures.append(str(error))
            status = pytest.ExitCode.USAGE_ERROR
        if self._minimum is not None and not reports.meets(self.coverage, self._minimum):
            self._failures.append(self._say_shortage(self._minimum))
        if self._failures and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = status

    def _say_shortage(self, minimum: float) -> str:
        if not self.coverage.counted:
            return "No contract was exercised: no test used the fixture `client`, nor a Client(contract=True)."
        return (
            f"The contract coverage of {self.coverage.percent:g} % is less than the {minimum:g} % of "
            "--contract-fail-under."
        )

    def _add_other_runs(self) -> None:
        for pattern in self._config.getoption("contract_from"):
            place = str(self._resolve(pattern))
            names = sorted(glob(place, recursive=True)) if has_magic(place) else [place]
            if not names:
                raise ValueError(f"--contract-from: no file matches {pattern}.")
            for name in names:
                try:
                    self.coverage.merge(json.loads(Path(name).read_bytes()))
                except ValueError as error:
                    raise ValueError(f"--contract-from: {name} {error}.") from error

    def _write_files(self) -> None:
        for option, write in (
            ("contract_json", reports.write_json),
            ("contract_junit", lambda coverage: reports.write_junit(coverage, self._minimum)),
            ("contract_html", write_page),
        ):
            name = self._config.getoption(option)
            if name is not None:
                reports.write_file(self._resolve(name), write(self.coverage))
                self._written.append(name)

    def _resolve(self, name: str) -> Path:
        return self._config.invocation_params.dir / name

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Write the table, and what is wrong with it."""
        kind = self._config.getoption("contract_report")
        if kind is not None:
            terminalreporter.section("contract coverage")
            for line in (reports.write_full if kind == "full" else reports.write_terse)(self.coverage):
                terminalreporter.line(line)
        for name in self._written:
            terminalreporter.line(f"Contract coverage was written to {name}.")
        for failure in self._failures:
            terminalreporter.line(f"FAIL {failure}", red=True, bold=True)
        if self._minimum is not None and not self._failures:
            terminalreporter.line(f"The contract coverage of {self.coverage.percent:g} % is enough.", green=True)
