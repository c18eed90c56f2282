"""What an idle client of server-sent events costs in the memory of one uvicorn worker.

    python tests/benchmarks/idle_streams.py --clients 1000

It needs uvicorn, which ``ramekin[acceptance]`` brings. The worker is a process of its own on the loopback address. Its
resident memory is read from /proc (Linux) before the clients connect, and when each of them has had its first bytes.
Then all leave at once, and the time is taken until the worker has closed the last generator.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import resource
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from http.client import HTTPConnection
from pathlib import Path

from marshmallow import fields

from ramekin import App, Resource, Settings, returns
from ramekin.streaming import streams

#: How long anything may take, in seconds.
PATIENCE = 60
#: Files of a process beside its connections.
OTHER_FILES = 100

app = App("Idle", settings=Settings(openapi_path=None, docs_path=None))
open_streams: set[object] = set()


@app.resource("/events")
class Events(Resource):
    """What never happens."""

    @streams({"n": fields.Integer()})
    async def get(self) -> AsyncIterator[dict[str, int]]:
        """Wait."""
        open_streams.add(self)
        try:
            await asyncio.Event().wait()
            yield {"n": 1}
        finally:
            open_streams.discard(self)


@app.resource("/open")
class Open(Resource):
    """How many streams are open."""

    @returns(fields.Integer())
    async def get(self) -> int:
        """Count them."""
        return len(open_streams)


def start_worker(port: int) -> subprocess.Popen[bytes]:
    """Start one uvicorn worker, and wait until it answers."""
    module = Path(__file__)
    command = [sys.executable, "-m", "uvicorn", f"{module.stem}:app.asgi", f"--app-dir={module.parent}"]
    worker = subprocess.Popen([*command, f"--port={port}", "--log-level=warning", "--backlog=4096"])
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and worker.poll() is None:
        with suppress(OSError):
            count_open(port)
            return worker
    raise RuntimeError("The worker does not answer.")


def count_open(port: int) -> int:
    """Return how many streams the worker has open."""
    connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    connection.request("GET", "/open")
    count = int(connection.getresponse().read())
    connection.close()
    return count


def measure_kilobytes(pid: int) -> float:
    """Return the resident memory of a process."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1000


def open_stream(port: int) -> socket.socket:
    """Ask for a stream."""
    client = socket.create_connection(("127.0.0.1", port), PATIENCE)
    client.sendall(b"GET /events HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n")
    return client


def read_first(client: socket.socket) -> None:
    """Read until the head and the first comment are there."""
    got = b""
    while b"\r\n\r\n" not in got or b":\n\n" not in got:
        chunk = client.recv(4096)
        if not chunk:
            raise RuntimeError(f"The worker ended a stream: {got!r}")
        got += chunk


def wait_for_none(port: int) -> float:
    """Return how many seconds pass until no stream is open."""
    begun = time.monotonic()
    while count_open(port):
        if time.monotonic() - begun > PATIENCE:
            raise RuntimeError(f"{count_open(port)} streams stay open after their clients have left.")
    return time.monotonic() - begun


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=1000)
    clients = parser.parse_args().clients
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if clients + OTHER_FILES > most:
        raise SystemExit(f"{clients} clients need more open files than the {most} that are allowed.")
    resource.setrlimit(resource.RLIMIT_NOFILE, (clients + OTHER_FILES, most))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    worker = start_worker(port)
    try:
        read_first(open_stream(port))  # What the first stream imports is no client's.
        wait_for_none(port)
        before = measure_kilobytes(worker.pid)
        connections = [open_stream(port) for _ in range(clients)]
        for connection in connections:
            read_first(connection)
        counted, after = count_open(port), measure_kilobytes(worker.pid)
        for connection in connections:
            connection.close()
        seconds = wait_for_none(port)
    finally:
        worker.terminate()
        worker.wait(PATIENCE)
    print(f"{counted} idle clients: {(after - before) / clients:.1f} kB each, {after / 1000:.1f} MB in all.")
    print(f"All closed {seconds:.2f} s after they left.")


if __name__ == "__main__":
    main()
