"""The pytest plugin of Ramekin: the fixtures ``app`` and ``client``, and the coverage of the contract.

pytest loads this module in every run of every project that has Ramekin installed. So it stands outside of the package
and imports nothing of it before a fixture or an option asks for it.
"""

from __future__ import annotations

from contextlib import chdir
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ramekin import App, Settings
    from ramekin.testing import Client

_MARKER = (
    "ramekin(*, settings=None, **options): the settings in which the fixture `client` compiles the app for this test, "
    "and options of ramekin.testing.Client."
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of the contract's coverage, and the setting that names the app."""
    parser.addini("ramekin_app", "The app of the fixture `app`, such as bookshop:app or src/shop.py:create_app().")
    group = parser.getgroup("ramekin", "clients of the app, and coverage of the contract")
    group.addoption(
        "--ramekin-protocol",
        choices=("wsgi", "asgi"),
        help="What the clients speak that are not told otherwise; WSGI without it.",
    )
    # As an option with a value that may be left out, it would take the path that follows it for its value.
    for suffix, style, summary in (
        ("", "terse", "After the run, list what of the contract no test exercised."),
        ("=terse", "terse", "The same."),
        ("=full", "full", "List what was exercised, too."),
    ):
        group.addoption(
            f"--contract-report{suffix}", action="store_const", const=style, dest="contract_report", help=summary
        )
    group.addoption(
        "--contract-fail-under",
        type=_read_percent,
        metavar="PERCENT",
        help="Fail the run when less than this part of the contract was exercised.",
    )
    group.addoption("--contract-html", metavar="FILE", help="Write the report as one HTML page.")
    group.addoption("--contract-json", metavar="FILE", help="Write the report as JSON.")
    group.addoption("--contract-junit", metavar="FILE", help="Write the report as JUnit XML.")
    group.addoption(
        "--contract-from",
        action="append",
        default=[],
        metavar="FILE",
        help="Add what other runs exercised, from their --contract-json; a pattern such as 'shards/*.json', any number "
        "of times.",
    )


def _read_percent(text: str) -> float:
    from argparse import ArgumentTypeError

    try:
        percent = float(text)
    except ValueError:
        percent = -1
    if not 0 <= percent <= 100:
        raise ArgumentTypeError(f"{text!r} is no number from 0 to 100.")
    return percent


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known, and count exchanges where an option asks for it."""
    config.addinivalue_line("markers", _MARKER)
    if config.getoption("ramekin_protocol") is not None:
        from ramekin.testing.client import PROTOCOL

        PROTOCOL.set(config.getoption("ramekin_protocol"))
    names = ("report", "fail_under", "html", "json", "junit", "from")
    if any(config.getoption(f"contract_{name}") not in (None, []) for name in names):
        from ramekin.testing.plugin import CoveragePlugin

        config.pluginmanager.register(CoveragePlugin(config, load_named_app), "ramekin-coverage")


def load_named_app(config: pytest.Config) -> App | None:
    """Return the app that ``ramekin_app`` names, or None where it names none.

    Raises:
        pytest.UsageError: There is no such app.
    """
    target = str(config.getini("ramekin_app") or "")
    if not target:
        return None
    from ramekin.cli.errors import CommandError
    from ramekin.cli.targets import load_app

    try:
        with chdir(config.rootpath):
            return load_app(target)
    except CommandError as error:
        raise pytest.UsageError(f"ramekin_app: {error}") from error


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Add the fixtures ``app`` and ``client``, after every other plugin has added its own.

    pytest takes the fixture of whoever comes last, and names such as these are everybody's. So where another plugin has
    one, too, Ramekin's is added only if ``ramekin_app`` says that this is a project of Ramekin.
    """
    config = session.config
    taken = set() if config.getini("ramekin_app") else _list_fixtures(config)
    fixtures = ModuleType("ramekin-fixtures")
    for name, (scope, function) in _FIXTURES.items():
        if name not in taken:
            setattr(fixtures, name, pytest.fixture(scope=scope, name=name)(function))
    config.pluginmanager.register(fixtures, fixtures.__name__)


def _list_fixtures(config: pytest.Config) -> set[str]:
    """Return the names of the fixtures that plugins have; those of a conftest.py win anyway, wherever they hold."""
    kind = type(ramekin_settings)  # What the decorator makes of a function; pytest has no public name for it.
    found: set[str] = set()
    for name, plugin in config.pluginmanager.list_name_plugin():
        if plugin is not None and not name.endswith("conftest.py"):
            holder = plugin if isinstance(plugin, ModuleType) else type(plugin)
            found.update(value.name for value in vars(holder).values() if isinstance(value, kind))
    return found


@pytest.fixture
def ramekin_settings() -> Mapping[str, Any] | Settings:
    """The settings that differ from the app's own, for tests that override this fixture; none by default."""
    return {}


def _app(pytestconfig: pytest.Config) -> App:
    """The app under test: the one that ``ramekin_app`` names, unless a fixture of the same name gives another."""
    found = load_named_app(pytestconfig)
    if found is None:
        raise pytest.UsageError(
            "There is no app to test. Name it under [tool.pytest.ini_options] in pyproject.toml, as in "
            '`ramekin_app = "bookshop:app"`, or write a fixture `app` that returns it.'
        )
    return found


def _client(request: pytest.FixtureRequest, app: App, ramekin_settings: Mapping[str, Any] | Settings) -> Client:
    """A client of ``app`` that holds every answer against the contract."""
    from ramekin.testing.plugin import make_client

    return make_client(request.node, app, ramekin_settings)


#: Scope and function of the fixtures that are added when the session starts.
_FIXTURES: Mapping[str, tuple[Literal["session", "function"], Callable[..., object]]] = {
    "app": ("session", _app),
    "client": ("function", _client),
}
