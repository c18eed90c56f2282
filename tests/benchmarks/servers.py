"""The server table: requests a second over real HTTP, one worker of one server, beside peers.

    python tests/benchmarks/servers.py               # granian, WSGI: no framework, Ramekin, flask-smorest
    python tests/benchmarks/servers.py --protocol asgi   # uvicorn: Ramekin with async methods, FastAPI
    python tests/benchmarks/servers.py --seconds 1 --rounds 9

The servers are bound to one core and wrk, which sends the requests, to another, so that neither waits for the other's
time. All are started and verified, and then measured in turn, round after round; the table has the medians of the
rounds, and ratios to the first application. It needs two cores, Linux, wrk (``apt-get install wrk``), and granian or
uvicorn.
"""

from __future__ import annotations

import argparse
import http.client
import importlib
import importlib.util
import json
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from requests_table import APPLICATIONS, WORK, read_offsets_alike

HERE = Path(__file__).resolve().parent
CONNECTIONS = 16
SERVER_CORE, CLIENT_CORE = "0", "1"
WORKS = ("W1", "W2", "W3")

#: The server's command and the applications of each protocol, the yardstick first.
PROTOCOLS: dict[str, tuple[list[str], list[str]]] = {
    "wsgi": (
        [
            *("granian", "--interface", "wsgi", "--workers", "1", "--blocking-threads", "1", "--log-level", "error"),
            *("--host", "127.0.0.1", "--port", "{port}", "servers:app"),
        ],
        ["raw-orjson", "ramekin", "flask-smorest"],
    ),
    "asgi": (
        [
            *("uvicorn", "--workers", "1", "--log-level", "error", "--no-access-log", "--lifespan", "off"),
            *("--host", "127.0.0.1", "--port", "{port}", "servers:app"),
        ],
        ["fastapi", "ramekin-async"],
    ),
}


def __getattr__(name: str) -> object:
    """Make the application that the environment names: a server imports this file to serve it."""
    if name != "app":
        raise AttributeError(name)
    module_name, variant = APPLICATIONS[os.environ["RAMEKIN_BENCHMARK"]]
    return importlib.import_module(module_name).make_app(0, variant)


def find_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def serve(command: list[str], name: str) -> Iterator[int]:
    """Run a server of an application on one core; yield its port."""
    port = find_free_port()
    filled = [part.format(port=port) for part in command]
    environment = {**os.environ, "RAMEKIN_BENCHMARK": name}
    process = subprocess.Popen(["taskset", "-c", SERVER_CORE, sys.executable, "-m", *filled], cwd=HERE, env=environment)
    try:
        wait_until_served(port, process)
        yield port
    finally:
        process.terminate()
        process.wait(timeout=30)


def wait_until_served(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(200):
        if process.poll() is not None:
            raise SystemExit(f"The server ended at once, with status {process.returncode}.")
        try:
            send(port, "W1")
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit("The server gave no answer within 20 seconds.")


def send(port: int, work_name: str) -> tuple[int, object]:
    """Send the request of one kind of work; return the status and the content."""
    call = WORK[work_name].calls[0]
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request(call.method, call.path, call.body, {"Content-Type": "application/json"} if call.body else {})
    response = connection.getresponse()
    content = json.loads(response.read())
    connection.close()
    return response.status, content


def verify(port: int, name: str) -> None:
    """Stop the benchmark where an application answers wrongly."""
    for work_name in WORKS:
        status, content = send(port, work_name)
        if (status, read_offsets_alike(content)) != (WORK[work_name].status, WORK[work_name].expected):
            raise SystemExit(f"{name} answers {work_name} wrongly: {status} {content}")


def measure(port: int, work_name: str, seconds: int, folder: Path) -> float:
    """Return the requests a second that wrk counts."""
    call = WORK[work_name].calls[0]
    script = folder / f"{work_name}.lua"
    if call.body is not None:
        body = json.dumps(call.body.decode())
        script.write_text(
            f'wrk.method = "{call.method}"\nwrk.body = {body}\nwrk.headers["Content-Type"] = "application/json"\n'
        )
    command = ["taskset", "-c", CLIENT_CORE, "wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s"]
    command += ["-s", str(script)] if call.body is not None else []
    result = subprocess.run(
        [*command, f"http://127.0.0.1:{port}{call.path}"], capture_output=True, text=True, check=True
    )
    if "Non-2xx" in result.stdout or "Socket errors" in result.stdout:
        raise SystemExit(f"wrk met errors in {work_name}:\n{result.stdout}")
    found = re.search(r"Requests/sec:\s+([\d.]+)", result.stdout)
    if found is None:
        raise SystemExit(f"wrk printed no rate:\n{result.stdout}")
    return float(found[1])


def require(server: str) -> None:
    """Stop where a tool is missing, and say which."""
    missing = [tool for tool in ("wrk", "taskset") if shutil.which(tool) is None]
    if importlib.util.find_spec(server) is None:
        missing.append(server)
    if missing:
        raise SystemExit(f"Not measured: {' and '.join(missing)} not found.")
    if len(os.sched_getaffinity(0)) < 2:
        raise SystemExit("Not measured: the server and wrk need a core each.")


def print_table(rates: dict[tuple[str, str], list[float]], names: list[str]) -> None:
    median = {key: statistics.median(values) for key, values in rates.items()}
    print("| application | " + " | ".join(WORKS) + " |\n|---|" + "---|" * len(WORKS))
    for name in names:
        cells = (f"{median[name, work] / median[names[0], work]:.2f} ({median[name, work]:,.0f}/s)" for work in WORKS)
        print(f"| {name} | " + " | ".join(cells) + " |")
    print(f"Ratios to {names[0]}, of the medians of {len(next(iter(rates.values())))} rounds in turn.")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--protocol", choices=PROTOCOLS, default="wsgi")
    parser.add_argument("--seconds", type=int, default=2, help="of each measurement")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    command, names = PROTOCOLS[arguments.protocol]
    require(command[0])
    rates: dict[tuple[str, str], list[float]] = {(name, work): [] for work in WORKS for name in names}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        ports = {name: stack.enter_context(serve(command, name)) for name in names}
        for name, port in ports.items():
            verify(port, name)
        for number in range(arguments.rounds + 1):
            for (name, work), measured in rates.items():
                rate = measure(ports[name], work, arguments.seconds, folder)
                if number:  # The first round only warms up.
                    measured.append(rate)
    print_table(rates, names)


if __name__ == "__main__":
    main()
