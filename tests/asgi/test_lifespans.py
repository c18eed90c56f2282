"""The lifespan of an app as the server's messages tell it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from tests.asgi.conftest import serve

from ramekin import App
from ramekin.types import Message

STARTUP: Message = {"type": "lifespan.startup"}
SHUTDOWN: Message = {"type": "lifespan.shutdown"}


@pytest.fixture
def app() -> App:
    """An app that sets up nothing yet."""
    return App("Lasting")


def live(app: App) -> list[Message]:
    """Return what an app answers to a whole lifespan."""
    return serve(app.asgi, {"type": "lifespan"}, STARTUP, SHUTDOWN).sent


def test_the_server_says_when(app: App) -> None:
    """The app sets up, says so, and takes down when it is told."""
    log: list[str] = []

    @app.lifespan
    def keep(shared: dict[str, Any]) -> Iterator[None]:
        log.append("+")
        yield
        log.append("-")

    assert live(app) == [{"type": "lifespan.startup.complete"}, {"type": "lifespan.shutdown.complete"}]
    assert log == ["+", "-"]


def test_an_app_without_lifespan_agrees(app: App) -> None:
    """A server need not know whether there is anything to set up."""
    assert [message["type"] for message in live(app)] == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


@pytest.mark.parametrize("error", [OSError("no database"), SystemExit("no database")])
def test_a_server_is_told_what_failed(app: App, error: BaseException, caplog: pytest.LogCaptureFixture) -> None:
    """A server that is told does not go on; the trace stands in the log."""

    def fail(shared: dict[str, Any]) -> None:
        raise error

    app.on_start(fail)
    with caplog.at_level(logging.ERROR, "ramekin.error"):
        assert live(app) == [
            {"type": "lifespan.startup.failed", "message": f"{type(error).__name__}: no database"},
        ]
    assert [record.getMessage() for record in caplog.records] == ["The app could not be set up"]
    assert caplog.records[0].exc_info is not None


def test_a_server_is_told_what_could_not_be_taken_down(app: App, caplog: pytest.LogCaptureFixture) -> None:
    """The end of the server is no secret, either."""

    def fail(shared: dict[str, Any]) -> None:
        raise OSError("stuck")

    app.on_stop(fail)
    with caplog.at_level(logging.ERROR, "ramekin.error"):
        assert live(app)[1] == {"type": "lifespan.shutdown.failed", "message": "OSError: stuck"}
    assert [record.getMessage() for record in caplog.records] == ["The app could not be taken down"]
