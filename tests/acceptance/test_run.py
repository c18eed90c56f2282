"""`ramekin run` as a process of its own, over HTTP on the loopback address."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from time import monotonic

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="ends the server by a signal to its process group")

Start = Callable[..., "Server"]

PROGRAM = """
from marshmallow import fields
from ramekin import App, Resource, returns

app = App("Shelf", version="1.2.3")

@app.resource("/books/<int:book_id>")
class Book(Resource):
    @returns({"title": fields.String(required=True)})
    def get(self, book_id):
        return {"title": f"Volume {6 // book_id}"}
"""


class Server:
    """A running `ramekin run`, and what it says."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        self._log = folder / "log.txt"
        environment = {name: value for name, value in os.environ.items() if name != "RAMEKIN_APP"}
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "ramekin.cli", "run", "shelf.py", f"--port={self.port}", *arguments],
                cwd=folder,
                env=environment | {"PYTHONDONTWRITEBYTECODE": "1"},
                stderr=log,
                start_new_session=True,
            )

    @property
    def log(self) -> str:
        return self._log.read_text(encoding="utf-8")

    def get(self, path: str) -> tuple[int, str]:
        """Return status and content, as soon as the server takes the connection."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        end = monotonic() + 20
        while monotonic() < end and self._process.poll() is None:
            with suppress(ConnectionRefusedError):
                connection.connect()
                break
        else:
            pytest.fail(f"The server takes no connection; it said:\n{self.log}")
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()

    def get_until(self, path: str, status: int, changed: Path | None = None) -> str:
        """Ask until the answer has a status, and return its content.

        uvicorn's reloader misses a change that comes before its first look at the files; then it is saved once more.
        """
        end, patience = monotonic() + 30, monotonic() + 5
        while monotonic() < end:
            if changed is not None and monotonic() > patience:
                changed.touch()
                patience += 10
            # A server that restarts drops what it has not answered.
            with suppress(http.client.HTTPException, ConnectionError):
                found, content = self.get(path)
                if found == status:
                    return content
        return pytest.fail(f"No {status} from {path}; the server said:\n{self.log}")

    def expect(self, text: str) -> None:
        """Wait until the log has some text, which may come after the answer."""
        end = monotonic() + 20
        while text not in self.log:
            if monotonic() > end:
                pytest.fail(f"The server never said {text!r}, but:\n{self.log}")

    def stop(self) -> int:
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGINT)
        try:
            return self._process.wait(60)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            return self._process.wait(60)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a server on a free port of the loopback address; it is stopped afterwards."""
    servers: list[Server] = []
    (tmp_path / "shelf.py").write_text(PROGRAM, encoding="utf-8")

    def start_server(*arguments: str) -> Server:
        servers.append(Server(tmp_path, *arguments))
        return servers[-1]

    yield start_server
    for server in servers:
        server.stop()


def test_it_serves_and_says_where(start: Start) -> None:
    """The app is served, its address and docs page are named, each request has a line, and Ctrl+C ends it."""
    server = start("--no-reload")

    assert server.get("/books/2") == (200, '{"title":"Volume 3"}')
    assert server.get("/openapi.json")[0] == 200
    assert server.stop() == 0
    assert f"Shelf 1.2.3 runs at http://127.0.0.1:{server.port}/\n" in server.log
    assert f"http://127.0.0.1:{server.port}/docs\n" in server.log
    assert "  200  GET     /books/2  20 B  " in server.log
    assert "For development only. Ctrl+C stops it." in server.log


def test_debug_shows_the_trace(start: Start) -> None:
    """A bug in a handler is shown by Werkzeug's debugger, and its trace stands once in the log."""
    server = start("--no-reload")

    status, page = server.get("/books/0")

    assert status == 500
    assert "Werkzeug Debugger" in page
    assert "ZeroDivisionError" in page
    server.stop()
    assert server.log.count("Traceback (most recent call last)") == 1


def test_without_debug_nothing_is_shown(start: Start) -> None:
    """Without debug mode a bug is a problem that shows nothing."""
    server = start("--no-reload", "--no-debug")

    status, content = server.get("/books/0")

    assert status == 500
    assert "ZeroDivisionError" not in content
    assert '"code":"internal-server-error"' in content
    assert "PIN" not in server.log


def test_an_app_without_document_that_is_compiled_early(start: Start, tmp_path: Path) -> None:
    """What is switched off is not named, and an app that is compiled where it is defined keeps its own debug mode."""
    program = PROGRAM.replace(
        '"1.2.3"', '"1.2.3", settings=Settings(docs_path=None, openapi_path=None, access_log=False)'
    )
    program = program.replace("import App,", "import App, Settings,") + "\napp.compile()\n"
    (tmp_path / "shelf.py").write_text(program, encoding="utf-8")
    server = start("--no-reload", "--host=localhost")

    assert server.get("/books/0")[0] == 500
    assert server.get("/docs")[0] == 404
    assert server.stop() == 0
    assert "its own settings decide about debug mode" in server.log
    assert "/docs" not in server.log


def test_an_error_around_the_app_is_logged(start: Start, tmp_path: Path) -> None:
    """What fails in middleware around the app is in the log too, though the app does not see it."""
    program = PROGRAM + "\ndef fail(environ, start_response): raise OSError('outside')\napp.wsgi = fail\n"
    (tmp_path / "shelf.py").write_text(program, encoding="utf-8")
    server = start("--no-reload")

    assert server.get("/books/1")[0] == 500
    server.expect("OSError: outside")


def test_a_change_restarts(start: Start, tmp_path: Path) -> None:
    """A change of the program is served at once; one that does not load is shown, and mended by the next."""
    server = start()
    assert server.get("/books/3")[1] == '{"title":"Volume 2"}'

    (tmp_path / "shelf.py").write_text("import not_there", encoding="utf-8")
    assert "No module named 'not_there'" in server.get_until("/books/3", 500)

    (tmp_path / "shelf.py").write_text(PROGRAM.replace("Volume", "Band"), encoding="utf-8")
    assert server.get_until("/books/3", 200) == '{"title":"Band 2"}'


def test_a_program_that_does_not_load_is_not_served(start: Start, tmp_path: Path) -> None:
    """A program that does not load at the start ends the command."""
    (tmp_path / "shelf.py").write_text("import not_there", encoding="utf-8")

    server = start()

    assert server._process.wait(60) == 2
    assert server.log.endswith("ramekin: 'shelf.py' could not be imported, see above.\n")


def test_asgi_is_served_by_uvicorn(start: Start) -> None:
    """The same app, its lines and its end; a bug is a problem, and its trace is in the log."""
    server = start("--asgi", "--no-reload")

    assert server.get("/books/2") == (200, '{"title":"Volume 3"}')
    assert server.get("/books/0")[0] == 500
    assert server.stop() == 0
    assert f"Shelf 1.2.3 runs at http://127.0.0.1:{server.port}/\n" in server.log
    assert "  200  GET     /books/2  20 B  " in server.log
    assert "ZeroDivisionError" in server.log
    assert "PIN" not in server.log


def test_a_change_restarts_asgi(start: Start, tmp_path: Path) -> None:
    """A change of the program is served at once; one that does not load is shown, and mended by the next."""
    server = start("--asgi")
    assert server.get_until("/books/3", 200) == '{"title":"Volume 2"}'

    (tmp_path / "shelf.py").write_text("import not_there", encoding="utf-8")
    assert "No module named 'not_there'" in server.get_until("/books/3", 500, tmp_path / "shelf.py")

    (tmp_path / "shelf.py").write_text(PROGRAM.replace("Volume", "Band"), encoding="utf-8")
    assert server.get_until("/books/3", 200, tmp_path / "shelf.py") == '{"title":"Band 2"}'
