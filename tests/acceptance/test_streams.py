"""Streams and WebSockets over real servers, with a real browser at the other end."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from urllib.request import urlopen

import pytest
from tests.acceptance import browsers
from tests.acceptance.browsers import Browser
from tests.acceptance.conftest import ROOT, find_tool, run_tool

browser = browsers.browser

PROGRAM = '''
import asyncio
import time
from datetime import timedelta

from marshmallow import fields

from ramekin import App, Resource, returns
from ramekin.sockets import messages
from ramekin.streaming import Event, streams

app = App("Streams")
seen = []
open_streams = set()
SHORT = timedelta(seconds=0.5)
NUMBER = {"n": fields.Integer(required=True)}


@app.resource("/page")
class Page(Resource):
    @returns(fields.String(), media_type="text/html")
    def get(self):
        return "<!doctype html><title>page</title>"


@app.resource("/state")
class State(Resource):
    @returns({"seen": fields.List(fields.String(allow_none=True)), "open": fields.List(fields.String())})
    def get(self):
        return {"seen": seen, "open": sorted(open_streams)}


@app.resource("/later/three")
class LaterThree(Resource):
    @streams(NUMBER)
    async def get(self, last_event_id):
        """Send three events and end, so that the client comes back."""
        seen.append(last_event_id)
        first = int(last_event_id or 0) + 1
        for n in range(first, first + 3):
            yield Event({"n": n}, id=n, event="number", retry=timedelta(milliseconds=50))
            await asyncio.sleep(0.01)


@app.resource("/plain/three")
class PlainThree(Resource):
    @streams(NUMBER)
    def get(self, last_event_id):
        seen.append(last_event_id)
        first = int(last_event_id or 0) + 1
        for n in range(first, first + 3):
            yield Event({"n": n}, id=n, event="number", retry=timedelta(milliseconds=50))
            time.sleep(0.01)


@app.resource("/later/idle")
class LaterIdle(Resource):
    @streams(NUMBER, heartbeat=SHORT)
    async def get(self):
        open_streams.add("later")
        try:
            yield {"n": 1}
            await asyncio.Event().wait()
        finally:
            open_streams.discard("later")


@app.resource("/plain/idle")
class PlainIdle(Resource):
    @streams(NUMBER, heartbeat=SHORT)
    def get(self):
        open_streams.add("plain")
        try:
            yield {"n": 1}
            while True:
                time.sleep(0.05)
                yield None
        finally:
            open_streams.discard("plain")


@app.resource("/broken")
class Broken(Resource):
    @streams(NUMBER)
    def get(self):
        yield {"n": 1}
        raise RuntimeError("broken")


@app.resource("/echo")
class Echo(Resource):
    @messages(receives=NUMBER, sends=NUMBER, subprotocols=["numbers"])
    async def websocket(self, socket):
        open_streams.add("socket")
        try:
            async for message in socket:
                await socket.send({"n": message["n"] + 1})
        finally:
            open_streams.discard("socket")
'''

COMMANDS = {
    "gunicorn": ["gunicorn", "--bind=127.0.0.1:{port}", "--worker-class=gthread", "--threads=8", "program:app"],
    "granian-wsgi": ["granian", "--interface=wsgi", "--host=127.0.0.1", "--port={port}", "--blocking-threads=8"],
    "uvicorn": ["uvicorn", "--host=127.0.0.1", "--port={port}", "program:app.asgi"],
    "granian": ["granian", "--interface=asgi", "--host=127.0.0.1", "--port={port}"],
}
#: granian takes a name without dots.
TARGETS = {"granian-wsgi": ["program:app"], "granian": ["program:asgi"]}
SERVERS = pytest.mark.parametrize("name", list(COMMANDS))
ASGI_SERVERS = pytest.mark.parametrize("name", ["uvicorn", "granian"])
#: How long anything may take, in seconds.
PATIENCE = 30

Serve = Callable[[str], int]


@pytest.fixture(scope="module")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serve]:
    """Serve the program by the name of a server; each is started once and gives its port."""
    ports: dict[str, int] = {}
    with ExitStack() as stack:

        def start(name: str) -> int:
            if name not in ports:
                ports[name] = _start(name, tmp_path_factory.mktemp(name), stack)
            return ports[name]

        yield start


def _start(name: str, folder: Path, stack: ExitStack) -> int:
    (folder / "program.py").write_text(PROGRAM + "\nasgi = app.asgi\n", encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    command = [*(part.format(port=port) for part in COMMANDS[name]), *TARGETS.get(name, [])]
    log = stack.enter_context((folder / "log.txt").open("wb"))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])}
    process = subprocess.Popen(
        [find_tool(command[0]), *command[1:]],
        cwd=folder,
        env=environment,
        stdout=log,
        stderr=log,
        start_new_session=True,
    )
    stack.callback(process.wait, PATIENCE)
    stack.callback(os.killpg, process.pid, signal.SIGKILL)  # The workers of a server, too.
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and process.poll() is None:
        with suppress(OSError):
            read_state(port)
            return port
    raise RuntimeError(f"{name} does not answer: {(folder / 'log.txt').read_text(encoding='utf-8')}")


def read_state(port: int) -> dict[str, list[str]]:
    """Return what the program says of itself."""
    with urlopen(f"http://127.0.0.1:{port}/state", timeout=PATIENCE) as response:
        state: dict[str, list[str]] = json.load(response)
    return state


def wait_until(port: int, condition: Callable[[dict[str, list[str]]], bool], seconds: float = PATIENCE) -> None:
    """Wait until the state is what is expected."""
    end = time.monotonic() + seconds
    while not condition(state := read_state(port)):
        assert time.monotonic() < end, state
        time.sleep(0.05)


@SERVERS
@pytest.mark.parametrize("kind", ["later", "plain"])
def test_a_browser_comes_back_where_it_was(name: str, kind: str, serve: Serve, browser: Browser) -> None:
    """An EventSource gets each event once, over several connections, by the id that it sends."""
    port = serve(name)
    browser.open(f"http://127.0.0.1:{port}/page")
    before = len(read_state(port)["seen"])
    browser.run(
        f"""
        window.got = [];
        window.source = new EventSource("/{kind}/three");
        source.addEventListener("number", event => got.push([JSON.parse(event.data).n, event.lastEventId]));
        """
    )
    got = browser.wait_for("return got.length >= 9 ? got.slice(0, 9) : null")
    browser.run("source.close()")
    assert got == [[n, str(n)] for n in range(1, 10)]
    assert read_state(port)["seen"][before : before + 3] == [None, "3", "6"]


@SERVERS
@pytest.mark.parametrize("kind", ["later", "plain"])
def test_a_browser_that_leaves_closes_the_generator(name: str, kind: str, serve: Serve, browser: Browser) -> None:
    """What is idle is closed within seconds of its page."""
    port = serve(name)
    browser.open(f"http://127.0.0.1:{port}/page")
    browser.run(f"window.got = 0; new EventSource('/{kind}/idle').onmessage = () => got++")
    browser.wait_for("return got")
    assert read_state(port)["open"] == [kind]
    browser.open("about:blank")
    wait_until(port, lambda state: not state["open"], seconds=10)


# granian ends the response of a WSGI app whose iterator fails as if it were whole.
@pytest.mark.parametrize("name", [name for name in COMMANDS if name != "granian-wsgi"])
def test_a_stream_that_breaks_is_not_whole(name: str, serve: Serve) -> None:
    """After an exception the connection ends without the mark of an end, so that the client knows."""
    connection = http.client.HTTPConnection("127.0.0.1", serve(name), timeout=PATIENCE)
    connection.request("GET", "/broken")
    response = connection.getresponse()
    assert response.status == 200
    with pytest.raises((http.client.IncompleteRead, ConnectionError)) as error:
        response.read()
    if isinstance(error.value, http.client.IncompleteRead):
        assert error.value.partial == b'data: {"n":1}\n\n'
    connection.close()


@ASGI_SERVERS
def test_a_browser_talks(name: str, serve: Serve, browser: Browser) -> None:
    """A WebSocket of the same origin carries messages, a bad one closes it with its code, and the method ends."""
    port = serve(name)
    browser.open(f"http://127.0.0.1:{port}/page")
    browser.run(
        """
        window.got = [];
        window.ws = new WebSocket(`ws://${location.host}/echo`, ["other", "numbers"]);
        ws.onopen = () => { got.push(ws.protocol); ws.send('{"n": 1}'); };
        ws.onmessage = event => { got.push(JSON.parse(event.data).n); ws.send('{"n": "x"}'); };
        ws.onclose = event => got.push(event.code, event.reason);
        """
    )
    got = browser.wait_for("return got.length == 4 ? got : null")
    assert got == ["numbers", 2, 1008, "/n: Not a valid integer."]
    wait_until(port, lambda state: not state["open"])


@ASGI_SERVERS
def test_a_page_of_another_origin_may_not_talk(name: str, serve: Serve, browser: Browser) -> None:
    """The same server under another name is another origin."""
    port = serve(name)
    browser.open(f"http://localhost:{port}/page")
    browser.run(
        f"""
        window.got = [];
        const ws = new WebSocket("ws://127.0.0.1:{port}/echo");
        ws.onopen = () => got.push("open");
        ws.onclose = event => got.push(event.code);
        """
    )
    assert browser.wait_for("return got.length ? got : null") == [1006]
    assert read_state(port)["open"] == []


@ASGI_SERVERS
def test_a_page_that_is_left_ends_its_conversation(name: str, serve: Serve, browser: Browser) -> None:
    """The method notices within seconds."""
    port = serve(name)
    browser.open(f"http://127.0.0.1:{port}/page")
    browser.run("""
        window.ws = new WebSocket(`ws://${location.host}/echo`, ["numbers"]);
        ws.onopen = () => ws.send('{"n": 1}');
    """)
    wait_until(port, lambda state: state["open"] == ["socket"])
    browser.open("about:blank")
    wait_until(port, lambda state: not state["open"], seconds=10)


def test_wsgi_says_that_it_has_no_websocket(serve: Serve) -> None:
    """A request for an upgrade is answered by 501, whatever server stands in between."""
    connection = http.client.HTTPConnection("127.0.0.1", serve("gunicorn"), timeout=PATIENCE)
    headers = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"}
    connection.request("GET", "/echo", headers={**headers, "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="})
    response = connection.getresponse()
    assert (response.status, json.load(response)["code"]) == (501, "not-implemented")
    connection.close()


def test_idle_clients_cost_little() -> None:
    """The benchmark's bounded form: 50 idle streams cost less than 100 kB each, and all close when left."""
    find_tool("uvicorn")
    script = ROOT / "tests" / "benchmarks" / "idle_streams.py"
    said = run_tool(sys.executable, str(script), "--clients=50", cwd=ROOT, seconds=120)
    first, second = said.splitlines()
    assert first.startswith("50 idle clients: ")
    assert float(first.split(": ")[1].split(" kB")[0]) < 100
    assert second.startswith("All closed ")
