"""Fixtures that several test files share; each app is the file's own."""

from __future__ import annotations

import pytest

from ramekin import App
from ramekin.testing import Client


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
