"""The server table: requests a second over real HTTP, one worker of one server, beside peers.

    python tests/benchmarks/servers.py               # granian, WSGI: no framework, Ramekin, flask-smorest
    python tests/benchmarks/servers.py --protocol asgi   # uvicorn: no framework, Ramekin with async methods, FastAPI
    python tests/benchmarks/servers.py --seconds 1 --rounds 9

The servers are bound to one core and wrk, which sends the requests, to another, so that neither waits for the other's
time. All are started and verified, and then measured in turn, round after round. The tables have the medians of the
rounds: requests a second, and the processor time that the server took for each, which says the same on a machine with
other work. It needs two cores, Linux, wrk (``apt-get install wrk``), and granian or uvicorn.
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
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
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
        ["raw-asgi", "ramekin-async", "fastapi"],
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


@dataclass(frozen=True, slots=True)
class Served:
    """An application that is served.

    Attributes:
        port: Where.
        process: The server's first process.
    """

    port: int
    process: int

    def processor_seconds(self) -> float:
        """Return the processor time that the server has taken, its workers included."""
        ticks, family = 0, {self.process}
        for stat in sorted(Path("/proc").glob("[0-9]*/stat"), key=lambda path: int(path.parent.name)):
            with suppress(OSError):  # It has ended meanwhile.
                values = stat.read_text().rpartition(")")[2].split()
                if int(stat.parent.name) in family or int(values[1]) in family:
                    family.add(int(stat.parent.name))
                    ticks += int(values[11]) + int(values[12])
        return ticks / os.sysconf("SC_CLK_TCK")


@contextmanager
def serve(command: list[str], name: str) -> Iterator[Served]:
    """Run a server of an application on one core."""
    port = find_free_port()
    filled = [part.format(port=port) for part in command]
    environment = {**os.environ, "RAMEKIN_BENCHMARK": name}
    process = subprocess.Popen(["taskset", "-c", SERVER_CORE, sys.executable, "-m", *filled], cwd=HERE, env=environment)
    try:
        wait_until_served(port, process)
        yield Served(port, process.pid)
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


def measure(served: Served, work_name: str, seconds: int, folder: Path) -> tuple[float, float]:
    """Return the requests a second that wrk counts, and the processor time of each in microseconds."""
    call = WORK[work_name].calls[0]
    script = folder / f"{work_name}.lua"
    if call.body is not None:
        body = json.dumps(call.body.decode())
        script.write_text(
            f'wrk.method = "{call.method}"\nwrk.body = {body}\nwrk.headers["Content-Type"] = "application/json"\n'
        )
    command = ["taskset", "-c", CLIENT_CORE, "wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s"]
    command += ["-s", str(script)] if call.body is not None else []
    before = served.processor_seconds()
    result = subprocess.run(
        [*command, f"http://127.0.0.1:{served.port}{call.path}"], capture_output=True, text=True, check=True
    )
    taken = served.processor_seconds() - before
    if "Non-2xx" in result.stdout or "Socket errors" in result.stdout:
        raise SystemExit(f"wrk met errors in {work_name}:\n{result.stdout}")
    rate = re.search(r"Requests/sec:\s+([\d.]+)", result.stdout)
    count = re.search(r"(\d+) requests in", result.stdout)
    if rate is None or count is None:
        raise SystemExit(f"wrk printed no rate:\n{result.stdout}")
    return float(rate[1]), taken / int(count[1]) * 1_000_000


def require(server: str) -> None:
    """Stop where a tool is missing, and say which."""
    missing = [tool for tool in ("wrk", "taskset") if shutil.which(tool) is None]
    if importlib.util.find_spec(server) is None:
        missing.append(server)
    if missing:
        raise SystemExit(f"Not measured: {' and '.join(missing)} not found.")
    if len(os.sched_getaffinity(0)) < 2:
        raise SystemExit("Not measured: the server and wrk need a core each.")


def print_table(measured: dict[tuple[str, str], list[float]], names: list[str], unit: str) -> None:
    median = {key: statistics.median(values) for key, values in measured.items()}
    print(f"| {unit} | " + " | ".join(WORKS) + " |\n|---|" + "---|" * len(WORKS))
    for name in names:
        cells = (f"{median[name, work] / median[names[0], work]:.2f} ({median[name, work]:,.0f})" for work in WORKS)
        print(f"| {name} | " + " | ".join(cells) + " |")
    print(f"Ratios to {names[0]}, of the medians of {len(next(iter(measured.values())))} rounds in turn.\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--protocol", choices=PROTOCOLS, default="wsgi")
    parser.add_argument("--seconds", type=int, default=2, help="of each measurement")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    command, names = PROTOCOLS[arguments.protocol]
    require(command[0])
    keys = [(name, work) for work in WORKS for name in names]
    rates: dict[tuple[str, str], list[float]] = {key: [] for key in keys}
    times: dict[tuple[str, str], list[float]] = {key: [] for key in keys}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        served = {name: stack.enter_context(serve(command, name)) for name in names}
        for name in names:
            verify(served[name].port, name)
        for number in range(arguments.rounds + 1):
            for name, work in keys:
                rate, taken = measure(served[name], work, arguments.seconds, folder)
                if number:  # The first round only warms up.
                    rates[name, work].append(rate)
                    times[name, work].append(taken)
    print_table(rates, names, "requests a second")
    print_table(times, names, "processor time of a request, µs")


if __name__ == "__main__":
    main()
