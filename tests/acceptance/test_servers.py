"""The same app on each server: one answer, nothing mixed up, nobody held up, workers that come and go."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from tests.acceptance.conftest import find_tool
from tests.acceptance.servers import KINDS, PATIENCE, Gate, Kind, Running, launch, run

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="the servers fork, and are told by signals")


def connect(server: Running) -> http.client.HTTPConnection:
    """Return a client."""
    return http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)


Answer = tuple[int, dict[str, str], Any]


def ask(client: http.client.HTTPConnection, method: str, path: str, body: Any = None, **headers: str) -> Answer:
    """Return the status, header fields and content of a response."""
    content = None if body is None else json.dumps(body)
    if content is not None:
        headers["Content-Type"] = "application/json"
    client.request(method, path, content, {name.replace("_", "-"): value for name, value in headers.items()})
    response = client.getresponse()
    text = response.read()
    fields = {name.lower(): value for name, value in response.getheaders()}
    return response.status, fields, json.loads(text) if text and "json" in fields.get("content-type", "") else text


# -- One answer --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "status", "named"),
    [
        ("GET", "/plain/a", 200, {"content-type": "application/json"}),
        ("HEAD", "/plain/a", 200, {"content-type": "application/json"}),
        ("HEAD", "/later/a", 200, {"content-type": "application/json"}),
        ("OPTIONS", "/plain/a", 204, {"allow": "GET, POST, HEAD, OPTIONS", "accept-post": "application/json"}),
        ("DELETE", "/later/a", 405, {"allow": "GET, POST, HEAD, OPTIONS"}),
        ("GET", "/nowhere", 404, {"content-type": "application/problem+json"}),
        ("HEAD", "/nowhere", 404, {"content-type": "application/problem+json"}),
        ("GET", "/folder", 308, {"location": "/folder/"}),
        ("GET", "/folder?a=%C3%A9&b", 308, {"location": "/folder/?a=%C3%A9&b"}),
        ("GET", "//folder", 308, {"location": "/folder/"}),
        ("GET", "/plain/crash", 500, {"content-type": "application/problem+json"}),
        ("GET", "/later/crash", 500, {"content-type": "application/problem+json"}),
        ("GET", "/text/%E9", 404, {}),
        ("GET", "/text/%C0%AF", 404, {}),
        ("GET", "/text/%ED%A0%80", 404, {}),
        ("GET", "/text/%00", 404, {}),
    ],
)
def test_every_server_gives_one_answer(
    served: Running, method: str, path: str, status: int, named: dict[str, str]
) -> None:
    """Status and header fields are the app's, whatever stands before it."""
    with closing(connect(served)) as client:
        found, fields, content = ask(client, method, path)
    assert (found, {name: fields.get(name) for name in named}) == (status, named)
    assert (content == b"") == (method == "HEAD" or status in (204, 308))


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a", "a"),
        ("%61", "a"),
        ("caf%C3%A9", "café"),
        ("%EF%BF%BD", "\ufffd"),
        ("a%20b+c", "a b+c"),
        ("a%2Fb", "a/b"),
        ("100%25", "100%"),
        ("%F0%9F%8D%AE", "🍮"),
        ("a;b=c,d", "a;b=c,d"),
    ],
)
def test_every_server_reads_paths_alike(served: Running, path: str, text: str) -> None:
    """What is percent-encoded is data, in UTF-8."""
    with closing(connect(served)) as client:
        assert ask(client, "GET", f"/text/{path}")[::2] == (200, text)


# -- Nothing mixed up --------------------------------------------------------------------------------------------------


def check_own(server: Running, number: int) -> None:
    """Send requests of one client, and hold each answer against what it sent."""
    with closing(connect(server)) as client:
        for turn in range(8):
            who, name = f"client-{number}-{turn}", "crash" if (number + turn) % 5 == 0 else f"name-{number}-{turn}"
            path = f"/{'plain' if turn % 2 else 'later'}/{name}"
            body = {"who": who} if turn % 4 > 1 else None
            status, _, said = ask(client, "POST" if body else "GET", path, body, X_Who=who)
            if name == "crash":
                assert status == 500
                continue
            assert said.pop("pid") in server.workers
            expected = {"path": name, "header": who, "variable": who, "found": None, "body": body and who}
            assert (status, said) == (200, expected)


def test_64_clients_get_their_own(served: Running) -> None:
    """Headers, bodies, paths and context variables stay with their request, crashes among them."""
    with ThreadPoolExecutor(64) as pool:
        list(pool.map(check_own, [served] * 64, range(64)))


# -- Slow and leaving clients ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_slow_clients_hold_nobody_up(served: Running, method: str) -> None:
    """While some bodies are on their way, others are answered; then each has its answer.

    A worker that serves one request at a time is held up by one client, so that there the other worker answers.
    """
    body = json.dumps({"title": "slow"}).encode()
    head = f"{method} /notes HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nConnection: close\r\n"
    head += f"Content-Length: {len(body)}\r\n\r\n"
    slow = [
        socket.create_connection(("127.0.0.1", served.port), PATIENCE) for _ in range(6 if served.kind.threads else 1)
    ]
    for each in slow:
        each.sendall(head.encode() + body[:5])
    with closing(connect(served)) as client:
        assert ask(client, "GET", "/later/a")[0] == 200
    for each in slow:
        for byte in body[5:]:
            each.sendall(bytes([byte]))
        with each.makefile("rb") as answer:
            assert answer.readline().startswith(b"HTTP/1.1 204")
        each.close()


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_client_that_leaves_ends_its_stream(served: Running, method: str) -> None:
    """The generator is closed, plain or async, and the worker goes on."""
    client = connect(served)
    client.request(method, "/stream")
    response = client.getresponse()
    assert response.read(100_000) == b"x" * 100_000
    response.close()
    client.close()
    served.gate.expect("closed")[1].close()
    with closing(connect(served)) as other:
        assert ask(other, "GET", "/plain/a")[0] == 200


# -- Workers that come and go ------------------------------------------------------------------------------------------


@pytest.fixture(params=KINDS)
def mounted(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Running]:
    """A server of the test's own, its app under a mount prefix."""
    kind: Kind = KINDS[request.param]
    with run(kind, tmp_path, find_tool(kind.tool), **{kind.mounts: "/api"}) as running:
        yield running


def test_workers_come_and_go(mounted: Running) -> None:
    """A worker that is killed is replaced; at the end requests in flight finish, and each worker is taken down once."""
    prefix = "/api" if mounted.kind.strips else ""
    with closing(connect(mounted)) as client:
        status, fields, _ = ask(client, "GET", f"{prefix}/folder?q=1")
        assert (status, fields["location"]) == (308, "/api/folder/?q=1")
        assert ask(client, "GET", f"{prefix}/folder/")[2] == "/api/folder/"
        assert ask(client, "GET", f"{prefix}/nowhere")[2]["instance"] == "/api/nowhere"
    _kill_one(mounted, prefix)
    with ThreadPoolExecutor(2) as pool:
        waiting = [pool.submit(_ask_alone, mounted, method, f"{prefix}/gate") for method in ("GET", "POST")]
        gates = [mounted.gate.expect("request")[1] for _ in waiting]
        mounted.process.send_signal(signal.SIGTERM)
        for gate in gates:
            gate.close()
        assert [answer.result(PATIENCE)[0] for answer in waiting] == [200, 200]
    assert mounted.gate.expect_pids("down", 2) == mounted.workers
    assert mounted.wait() == 0


def _ask_alone(server: Running, method: str, path: str) -> Answer:
    with closing(connect(server)) as client:
        return ask(client, method, path, Connection="close")


def _kill_one(server: Running, prefix: str) -> None:
    """Kill a worker, and wait until another answers in its place."""
    victim = min(server.workers)
    os.kill(victim, signal.SIGKILL)
    server.workers = server.workers - {victim} | server.gate.expect_pids("up", 1)
    seen: set[int] = set()
    end = monotonic() + PATIENCE
    while seen != server.workers and monotonic() < end:
        # A connection that waited for the killed worker is lost with it.
        try:
            seen.add(_ask_alone(server, "GET", f"{prefix}/plain/a")[2]["pid"])
        except (OSError, http.client.HTTPException):
            continue
    assert seen == server.workers


@pytest.mark.parametrize(
    ("name", "workers", "statuses"),
    [
        ("gunicorn-sync", "2", {1, 3}),
        ("gunicorn-gthread", "2", {1, 3}),
        ("granian-wsgi", "2", {1}),
        ("granian-asgi", "2", {1}),
        ("uvicorn", "2", {0}),
        ("uvicorn", "1", {3}),
    ],
)
def test_an_app_that_cannot_be_set_up_is_not_served(
    name: str, workers: str, statuses: set[int], tmp_path: Path
) -> None:
    """The server says why, and ends, with the status that the documentation tells."""
    kind = KINDS[name]
    tool, variables = find_tool(kind.tool), {"UVICORN_WORKERS": workers, "GRANIAN_RESPAWN_INTERVAL": "0.1"}
    gate = Gate()
    running = launch(kind, tmp_path, tool, gate, FAIL="1", **variables)
    try:
        output, _ = running.process.communicate(timeout=PATIENCE)
        assert "no database" in output
        assert running.process.returncode in statuses
    finally:
        running.stop(signal.SIGKILL)
        gate.close()
