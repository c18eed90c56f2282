"""Fixtures that several test files share; each app is the file's own."""

from __future__ import annotations

# A test run inside a test forgets what it has imported. With each new import of this module CPython 3.11 gives up a
# reference to a type of it, until the process breaks; so it is imported here, once.
import multiprocessing.synchronize  # noqa: F401
from collections.abc import Iterator
from typing import cast

import pytest
from hypothesis import settings

from ramekin import App
from ramekin.testing import Client
from ramekin.testing.client import PROTOCOL, Protocol

# What takes long on a busy machine is no fault of the code; see tests/benchmarks for what is.
settings.register_profile("ramekin", settings.get_profile("default"), deadline=None)
settings.load_profile("ramekin")

#: Test files of what must not depend on the protocol: each of their tests runs under WSGI and under ASGI.
BEHAVIOUR = frozenset(
    {
        "inputs.test_cookies",
        "inputs.test_forms",
        "inputs.test_headers",
        "inputs.test_query",
        "openapi.test_pages",
        "sessions.test_cookies",
        "sessions.test_declaration",
        "sessions.test_keepers",
        "sessions.test_origins",
        "sessions.test_session",
        "streaming.test_streams",
        "test_app",
        "test_arguments",
        "test_async",
        "test_bad_input",
        "test_examples",
        "test_failures",
        "test_features_through_the_door",
        "test_hooks",
        "test_lifespans",
        "test_limits",
        "test_logging",
        "test_methods",
        "test_plans",
        "test_problems",
        "test_resources",
        "test_responses",
        "test_routing",
        "test_sites",
    }
)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give the tests of behaviour both protocols."""
    if metafunc.module.__name__.removeprefix("tests.") in BEHAVIOUR:
        metafunc.parametrize("protocol", ["wsgi", "asgi"], indirect=True)


@pytest.fixture(autouse=True)
def protocol(request: pytest.FixtureRequest) -> Iterator[Protocol]:
    """What the clients of the test speak, unless they are told otherwise."""
    spoken = cast("Protocol", getattr(request, "param", "wsgi"))
    token = PROTOCOL.set(spoken)
    yield spoken
    PROTOCOL.reset(token)


@pytest.fixture
def client(app: App) -> Client:
    """A client of the file's own ``app`` fixture; everything passes through ``wsgiref.validate``.

    The apps of these tests break their contracts on purpose, to show what becomes of it; nothing is held against them.
    """
    return Client(app, contract=False)


@pytest.fixture
def malformed_client(app: App, request: pytest.FixtureRequest) -> Client:
    """A client for environs that PEP 3333 does not allow; for tests with the mark ``malformed`` only."""
    if request.node.get_closest_marker("malformed") is None:
        pytest.fail("A test that takes malformed_client says so by @pytest.mark.malformed.")
    return Client(app, validate=False)
