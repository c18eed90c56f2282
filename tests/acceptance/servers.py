"""The servers that an app is deployed on, each run with the configuration file that its users are given."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

import pytest

HERE = Path(__file__).parent
DEPLOY = HERE.parents[1] / "examples" / "deploy"
#: How long a server may take to listen, to answer or to end, in seconds.
PATIENCE = 60

_LISTENS = re.compile(r"(?:Listening at:|running on) https?://127\.0\.0\.1:(\d+)")


@dataclass(frozen=True)
class Kind:
    """A server with its configuration.

    Attributes:
        tool: The program.
        arguments: What it is called with, the configuration file included.
        environment: The file of variables that configures it, or None.
        listens: The arguments that choose a port; it stands in the place of ``{}``.
        mounts: The arguments or variables that set the mount prefix.
        strips: Whether it expects the prefix in the paths of requests, and takes it off.
        threads: Whether a worker answers several requests at once.
    """

    tool: str
    arguments: Sequence[str]
    listens: str
    environment: str | None = None
    mounts: str = ""
    strips: bool = True
    threads: bool = True


_GUNICORN = [f"--config={DEPLOY / 'gunicorn.conf.py'}", f"--chdir={HERE}", "--no-control-socket", "served:app"]

KINDS = {
    "gunicorn-sync": Kind(
        "gunicorn",
        ["--worker-class=sync", "--threads=1", *_GUNICORN],
        "--bind=127.0.0.1:{}",
        None,
        "SCRIPT_NAME",
        True,
        False,
    ),
    "gunicorn-gthread": Kind("gunicorn", _GUNICORN, "--bind=127.0.0.1:{}", mounts="SCRIPT_NAME"),
    "granian-wsgi": Kind("granian", ["served_wsgi:app"], "--port={}", "granian-wsgi.env", "GRANIAN_URL_PATH_PREFIX"),
    "granian-asgi": Kind("granian", ["served:app.asgi"], "--port={}", "granian-asgi.env", "GRANIAN_URL_PATH_PREFIX"),
    "uvicorn": Kind("uvicorn", ["served:app.asgi"], "--port={}", "uvicorn.env", "UVICORN_ROOT_PATH", strips=False),
}


def read_variables(name: str | None) -> dict[str, str]:
    """Return the variables of a configuration file."""
    if name is None:
        return {}
    lines = (DEPLOY / name).read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


class Gate:
    """Where the served app tells what it does: each message is a line on a connection of its own."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self._listener.settimeout(PATIENCE)
        self.port: int = self._listener.getsockname()[1]
        self._waiting: list[tuple[str, socket.socket]] = []

    def expect(self, word: str) -> tuple[str, socket.socket]:
        """Return the next message that begins with a word, and its connection; whoever sent it may wait for its end."""
        while True:
            for found in self._waiting:
                if found[0].startswith(word):
                    self._waiting.remove(found)
                    return found
            try:
                connection, _ = self._listener.accept()
            except TimeoutError:
                pytest.fail(f"The app never said {word!r}, but {[said for said, _ in self._waiting]}.")
            with connection.makefile("r", encoding="utf-8") as lines:
                self._waiting.append((lines.readline().strip(), connection))

    def expect_pids(self, word: str, count: int) -> set[int]:
        """Return the processes that say a word."""
        found: set[int] = set()
        for _ in range(count):
            said, connection = self.expect(word)
            connection.close()
            found.add(int(said.split()[1]))
        return found

    def close(self) -> None:
        """Let everybody go on, and listen no more."""
        for _, connection in self._waiting:
            connection.close()
        self._listener.close()


@dataclass
class Running:
    """A server that runs.

    Attributes:
        kind: Which.
        gate: Where its app tells what it does.
        port: Where it listens; 0 until it does.
        workers: The processes that are set up.
        said: What it printed.
        reader: What reads on.
    """

    kind: Kind
    gate: Gate
    process: subprocess.Popen[str]
    port: int = 0
    workers: set[int] = field(default_factory=set)
    said: list[str] = field(default_factory=list)
    reader: threading.Thread | None = None

    def close(self) -> None:
        """Read to its end what it printed."""
        if self.reader is not None:
            self.reader.join(PATIENCE)
        if self.process.stdout is not None:
            self.process.stdout.close()

    @property
    def output(self) -> str:
        """All that it printed."""
        return "".join(self.said)

    def stop(self, number: int = signal.SIGTERM) -> int:
        """End it, and return its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.wait()

    def wait(self) -> int:
        """Wait until it ends, and return its exit status."""
        try:
            return self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(PATIENCE)
            pytest.fail(f"The server did not end; it said:\n{self.output}")


def launch(kind: Kind, folder: Path, tool: str, gate: Gate, **variables: str) -> Running:
    """Start a server; it may not listen yet."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    (folder / "notes.txt").touch()
    environment = {
        **os.environ,
        **read_variables(kind.environment),
        "PYTHONPATH": os.pathsep.join(filter(None, [str(HERE), os.environ.get("PYTHONPATH")])),
        "GATE": str(gate.port),
        "NOTES": str(folder / "notes.txt"),
        **variables,
    }
    process = subprocess.Popen(
        [tool, kind.listens.format(port), *kind.arguments],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    return Running(kind, gate, process)


def _read_port(running: Running) -> None:
    """Read what a server says until it says where it listens, and go on reading behind."""
    stream = running.process.stdout
    if stream is None:
        raise RuntimeError("the server has no output")
    for line in stream:
        running.said.append(line)
        found = _LISTENS.search(line)
        if found:
            running.port = int(found.group(1))
            break
    running.reader = threading.Thread(target=running.said.extend, args=(stream,), daemon=True)
    running.reader.start()


@contextmanager
def run(kind: Kind, folder: Path, tool: str, **variables: str) -> Iterator[Running]:
    """Run a server until the block ends; it listens, and its two workers are set up."""
    gate = Gate()
    running = launch(kind, folder, tool, gate, **variables)
    try:
        _read_port(running)
        if not running.port:
            pytest.fail(f"The server does not listen; it said:\n{running.output}")
        running.workers = gate.expect_pids("up", 2)
        await_connections(running.port)
        yield running
    finally:
        gate.close()
        running.stop()
        with suppress(ProcessLookupError):
            os.killpg(running.process.pid, signal.SIGKILL)
        running.close()


def await_connections(port: int) -> None:
    """Wait until a server takes connections."""
    end = monotonic() + PATIENCE
    while monotonic() < end:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
    pytest.fail("The server takes no connections.")
