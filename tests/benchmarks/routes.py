"""What routes cost as they grow from 10 to 5,000: to start, and for one request.

    python tests/benchmarks/routes.py

Start-up is the time to make the application and to answer its first request; it stands beside building Werkzeug's own
Map of the same rules and matching once. A hit is one request to a random route. Ratios are to the smallest number of
routes, measured in one process.
"""

from __future__ import annotations

import argparse
import gc
import logging
import statistics
from time import perf_counter
from typing import Any

from werkzeug.routing import Map, Rule

import domain
import drivers
import ramekin_app
from drivers import Call

FAMILIES = (1, 10, 50, 100, 500)


def start_ramekin(families: int) -> Any:
    """Make the application and answer its first request."""
    app = ramekin_app.make_app(families)
    drivers.send_wsgi(app, Call("GET", "/ping").environ(), b"")
    return app


def start_werkzeug(families: int) -> Map:
    """Build Werkzeug's Map of the same rules and match once."""
    url_map = Map([Rule(rule, endpoint=rule, methods=["GET"]) for rule in domain.rules(families)])
    url_map.bind("127.0.0.1").match("/api/v1/res0", "GET")
    return url_map


def time_start(start: Any, families: int, repetitions: int) -> float:
    """Return the median milliseconds of a start."""
    times = []
    for _ in range(repetitions):
        gc.collect()
        started = perf_counter()
        start(families)
        times.append((perf_counter() - started) * 1000)
    return statistics.median(times)


def time_hit(families: int, repetitions: int) -> float:
    """Return the median microseconds of one request to a random route."""
    app = start_ramekin(families)
    requests = [(Call("GET", path).environ(), b"") for path in domain.tree_hits(families)]
    drivers.time_wsgi(app, requests, len(requests))  # Warms up.
    return statistics.median(drivers.time_wsgi(app, requests, len(requests)) for _ in range(repetitions))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=5)
    repetitions = parser.parse_args().repetitions
    logging.disable(logging.CRITICAL)
    start_ramekin(0)  # Loads what the first application of a process loads.
    rows = [
        (
            families * 10,
            time_start(start_ramekin, families, repetitions),
            time_start(start_werkzeug, families, repetitions),
            time_hit(families, repetitions),
        )
        for families in FAMILIES
    ]
    smallest_hit = rows[0][3]
    print("| routes | start | Werkzeug's Map | ratio | one hit | ratio to the first row |\n|---|---|---|---|---|---|")
    for count, start, map_start, hit in rows:
        ratios = f"{start / map_start:.2f} | {hit:.2f} µs | {hit / smallest_hit:.2f}"
        print(f"| {count} | {start:.1f} ms | {map_start:.1f} ms | {ratios} |")
    print(f"Medians of {repetitions} repetitions in one process.")


if __name__ == "__main__":
    main()
