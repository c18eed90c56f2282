"""`ramekin run --asgi`, without its server; tests/acceptance has the rest."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.asgi.conftest import make_scope, serve

from ramekin.cli import main
from ramekin.cli.serving_asgi import create_app

Write = Callable[..., Path]


@pytest.fixture(autouse=True)
def access() -> Iterator[None]:
    """The access log, which the command shows, is as before afterwards."""
    logger = logging.getLogger("ramekin.access")
    handlers, level, propagate = list(logger.handlers), logger.level, logger.propagate
    yield
    logger.handlers[:] = handlers
    logger.setLevel(level)
    logger.propagate = propagate


def test_it_needs_uvicorn(write: Write, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Who lacks it is told what brings it."""
    write("shelf.py")
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    assert main(["run", "shelf.py", "--asgi"]) == 2
    assert capsys.readouterr().err == "ramekin: --asgi needs uvicorn: pip install 'ramekin[asgi]'.\n"


def test_each_process_loads_what_the_environment_names(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """The reloader begins processes anew, which find the app by its variable."""
    write("shelf.py")
    monkeypatch.setenv("RAMEKIN_APP", "shelf.py")
    asgi = create_app()
    assert serve(asgi, make_scope("/books/1")).content == b'{"title":"1"}'


def test_an_app_that_does_not_load_is_answered_by_the_reason(
    write: Write, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Until the next change mends it."""
    write("shelf.py", "import not_there")
    monkeypatch.setenv("RAMEKIN_APP", "shelf.py")
    asgi = create_app()
    server = serve(asgi, make_scope("/books/1"))
    assert (server.status, b"No module named 'not_there'" in server.content) == (500, True)
    assert "'shelf.py' could not be imported" in capsys.readouterr().err
    with pytest.raises(RuntimeError, match="does not load"):
        serve(asgi, {"type": "lifespan"})
