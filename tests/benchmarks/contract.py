"""What the check of the contract costs, in microseconds for each request.

    python tests/benchmarks/contract.py

The request is W2 of the request table: GET of one object. The check is that of the test client around the response,
without it, with jsonschema and with the compiled jsonschema-rs; measured in turn in one process. The last rows are a
whole call of the test client, without the check and with it.
"""

from __future__ import annotations

import argparse
import gc
import statistics
from collections.abc import Callable
from time import perf_counter_ns
from typing import Any

from ramekin.contract import Contract
from ramekin.testing import Client
from ramekin_app import make_app

#: In microseconds, for the check alone.
GOALS = {"jsonschema": 300, "jsonschema-rs": 60}


def make_request(wsgi: Any, contract: Contract | None) -> Callable[[], None]:
    """Return one W2, with what the client's check does around it."""
    environ = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": "/pets/7",
        "QUERY_STRING": "",
        "wsgi.url_scheme": "http",
        "SERVER_PROTOCOL": "HTTP/1.1",
    }
    heads: list[tuple[int, list[tuple[str, str]]]] = []

    def start(status: str, headers: list[tuple[str, str]], *error: Any) -> None:
        heads[:] = [(int(status[:3]), headers)]

    def request() -> None:
        content = b"".join(wsgi(dict(environ), start))
        if contract is None:
            return
        status, headers = heads[0]
        breaches = contract.check_response("getPetItem", method="GET", status=status, headers=headers, content=content)
        if breaches:
            raise SystemExit(str(breaches[0]))
        contract.describe_exercise(
            "getPetItem", status=status, headers=headers, content=content, query_string="", request_headers=()
        )

    return request


def measure(actions: dict[str, Callable[[], object]], repetitions: int, number: int) -> dict[str, float]:
    """Return the median time of each action in microseconds, measured in turn."""
    times: dict[str, list[float]] = {name: [] for name in actions}
    for action in actions.values():
        action()
    gc.disable()
    for _ in range(repetitions):
        for name, action in actions.items():
            started = perf_counter_ns()
            for _ in range(number):
                action()
            times[name].append((perf_counter_ns() - started) / number / 1000)
    gc.enable()
    return {name: statistics.median(found) for name, found in times.items()}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=15)
    parser.add_argument("--number", type=int, default=300)
    arguments = parser.parse_args()
    app = make_app()
    site = app.compile()
    plain, checked = Client(app, contract=False, validate=False), Client(app, validate=False)
    times = measure(
        {
            "no check": make_request(site.wsgi, None),
            "jsonschema": make_request(site.wsgi, Contract(site, compiled=False)),
            "jsonschema-rs": make_request(site.wsgi, Contract(site, compiled=True)),
            "client, no check": lambda: plain.get("/pets/7"),
            "client, checked": lambda: checked.get("/pets/7"),
        },
        arguments.repetitions,
        arguments.number,
    )
    for name, time in times.items():
        base = times["client, no check"] if name.startswith("client") else times["no check"]
        goal = f"  goal {GOALS[name]}" if name in GOALS else ""
        print(f"{name:20} {time:8.1f} µs  check {time - base:8.1f} µs{goal}")


if __name__ == "__main__":
    main()
