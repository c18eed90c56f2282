"""Real servers and outside tools for journeys over real HTTP.

Plain ``pytest`` skips what this machine has no tool for; ``RAMEKIN_ACCEPTANCE=1`` makes that a failure.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any, NamedTuple, NoReturn
from urllib.request import Request, urlopen

import pytest
from tests.acceptance.servers import KINDS, Running, run

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
#: How long a server may take to listen, in seconds.
START_SECONDS = 60

_ADDRESS = re.compile(r"Listening at: (http://127\.0\.0\.1:\d+)")

#: What a proxy adds to requests over HTTPS.
PROXIED = {"X-Forwarded-Proto": "https"}

Server = Callable[[str], str]


def lack(reason: str) -> NoReturn:
    """Skip for want of a tool, or fail where none may be wanting."""
    if os.environ.get("RAMEKIN_ACCEPTANCE"):
        pytest.fail(f"{reason}; RAMEKIN_ACCEPTANCE forbids to skip.")
    pytest.skip(reason)


def find_tool(name: str) -> str:
    """Return the path of a program: beside this Python, among npm's tools, or on the path."""
    places = [str(Path(sys.executable).parent), os.environ.get("PATH", "")]
    modules = os.environ.get("RAMEKIN_NODE_MODULES")
    if modules:
        places.insert(1, str(Path(modules) / ".bin"))
    return shutil.which(name, path=os.pathsep.join(places)) or lack(f"{name} is not installed")


class Credentials(NamedTuple):
    """What somebody of the bookshop's staff has.

    Attributes:
        session: The value of the cookie ``__Host-session``.
        token: A token for all that they may do.
    """

    session: str
    token: str


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of the examples: the bookshop's database, and one key for all of its workers."""
    database = tmp_path_factory.mktemp("shop") / "bookshop.sqlite"
    return {**os.environ, "BOOKSHOP_DB": str(database), "BOOKSHOP_SECRET_KEY": secrets.token_urlsafe(32)}


@pytest.fixture
def credentials(server: Server, environment: dict[str, str]) -> Credentials:
    """Somebody new of the staff, added as the bookshop says, who has logged in and made a token.

    They do so as through a proxy, so that the cookie has the name that it has in production, and in the document.
    """
    address, name = server("bookshop"), f"eve-{secrets.token_hex(8)}"
    command = [sys.executable, str(EXAMPLES / "bookshop.py"), "add-staff", name]
    said = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    login = _post(f"{address}/session", {"name": name, "password": said.split()[-1]}, **PROXIED)
    cookie = login.headers["Set-Cookie"].partition(";")[0]
    scopes = {"scopes": ["books:write", "orders:own", "orders:read"]}
    made = json.load(_post(f"{address}/tokens", scopes, Cookie=cookie, **PROXIED))
    return Credentials(cookie.partition("=")[2], made["token"])


def _post(url: str, body: Any, **headers: str) -> Any:
    request = Request(url, json.dumps(body).encode(), {"Content-Type": "application/json", **headers})
    return urlopen(request, timeout=30)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str]) -> Iterator[Server]:
    """Serve an example by its file's name under gunicorn; each is started once and gives its address."""
    addresses: dict[str, str] = {}
    with ExitStack() as stack:

        def serve(example: str) -> str:
            if example not in addresses:
                addresses[example] = stack.enter_context(
                    _gunicorn(example, environment, tmp_path_factory.mktemp(example))
                )
            return addresses[example]

        yield serve


@contextmanager
def _gunicorn(example: str, environment: dict[str, str], folder: Path) -> Iterator[str]:
    command = [find_tool("gunicorn"), "--bind=127.0.0.1:0", "--workers=2", "--threads=4", "--worker-class=gthread"]
    command += [f"--chdir={EXAMPLES}", "--no-control-socket", f"{example}:app"]
    process = subprocess.Popen(command, cwd=folder, env=environment, stderr=subprocess.PIPE, text=True)
    said: list[str] = []
    stream = process.stderr
    if stream is None:
        raise RuntimeError("the server has no standard error")
    try:
        address = _read_address(stream, said)
        # What the server says later has to be read, or it would wait for a reader.
        drain = threading.Thread(target=said.extend, args=(stream,), daemon=True)
        drain.start()
        yield address
    finally:
        process.terminate()
        process.wait(START_SECONDS)
        stream.close()


def _read_address(stream: IO[str], said: list[str]) -> str:
    for line in stream:
        said.append(line)
        found = _ADDRESS.search(line)
        if found:
            return found.group(1)
    raise RuntimeError("the server ended before it listened:\n" + "".join(said))


@pytest.fixture(params=KINDS, scope="session")
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Each server in turn, with the app of `served.py`; all tests of one share it."""
    kind = KINDS[request.param]
    with run(kind, tmp_path_factory.mktemp(request.param), find_tool(kind.tool)) as running:
        yield running


def run_tool(*command: str, cwd: Path, expect: int = 0, seconds: int = 600) -> str:
    """Run a program and return what it printed; fail the test when it ends with another status."""
    done = subprocess.run(
        [find_tool(command[0]), *command[1:]], cwd=cwd, capture_output=True, text=True, timeout=seconds, check=False
    )
    output = done.stdout + done.stderr
    assert done.returncode == expect, f"{' '.join(command)} ended with {done.returncode}:\n{output}"
    return output
