"""The request table: what one request costs in Ramekin, its peers and raw WSGI, interleaved in one process.

    python tests/benchmarks/requests_table.py
    python tests/benchmarks/requests_table.py --peers falcon-msgspec,fastapi --repetitions 5 --json table.json

Each application serves, over the objects of `domain`:

    W1  GET /ping              {"ok": true}
    W2  GET /pets/7            one object through the response schema
    W3  POST /pets             a valid body: loaded, made a domain object, dumped
    W4  GET /pets?limit=100    a hundred objects through the response schema
    W5  POST /pets             an invalid body: 400 or 422
    W6  GET                    random hits on 500 routes

Every answer is verified before anything is timed. Quote the ratios, not the microseconds. A peer that is not installed
is left out, with a line that says so.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import importlib
import inspect
import json
import logging
import statistics
import warnings
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import domain
import drivers
from drivers import Call

YARDSTICK = "raw-orjson"

# The name in the table: the module, and the variant of its application.
APPLICATIONS: dict[str, tuple[str, str | None]] = {
    "ramekin": ("ramekin_app", None),
    "ramekin-async": ("ramekin_async_app", None),
    "raw-orjson": ("peers.raw", "orjson"),
    "raw-asgi": ("peers.raw_asgi", None),
    "by-hand": ("peers.by_hand", None),
    "raw-json": ("peers.raw", "json"),
    "raw-msgspec": ("peers.raw", "msgspec"),
    "falcon-msgspec": ("peers.falcon_app", "ms"),
    "falcon-pydantic": ("peers.falcon_app", "pyd"),
    "falcon-marshmallow": ("peers.falcon_app", "ma"),
    "bottle": ("peers.bottle_app", None),
    "werkzeug": ("peers.werkzeug_app", None),
    "flask": ("peers.flask_app", None),
    "flask-smorest": ("peers.flask_smorest_app", None),
    "apiflask": ("peers.apiflask_app", None),
    "django-ninja": ("peers.ninja_app", None),
    "drf": ("peers.drf_app", None),
    "starlette": ("peers.starlette_app", None),
    "fastapi": ("peers.fastapi_app", None),
    "litestar": ("peers.litestar_app", None),
    "blacksheep": ("peers.blacksheep_app", None),
}

ROUTE_FAMILIES = 50


@dataclass(frozen=True, slots=True)
class Work:
    """One row of the table: its requests, the answer they must get, and how many are timed at once."""

    calls: list[Call]
    status: int
    expected: Any
    count: int


WORK = {
    "W1": Work([Call("GET", "/ping")], 200, {"ok": True}, 600),
    "W2": Work([Call("GET", "/pets/7")], 200, domain.pet_as_json(domain.PET), 400),
    "W3": Work([Call("POST", "/pets", body=json.dumps(domain.GOOD_BODY).encode())], 201, domain.CREATED, 250),
    "W4": Work([Call("GET", "/pets", "limit=100")], 200, [domain.pet_as_json(pet) for pet in domain.PETS], 16),
    "W5": Work([Call("POST", "/pets", body=json.dumps(domain.BAD_BODY).encode())], 422, None, 150),
    "W6": Work([Call("GET", path) for path in domain.tree_hits(ROUTE_FAMILIES)], 200, {"ok": True}, 512),
}


@dataclass(frozen=True, slots=True)
class Application:
    """One application, ready to be sent the requests of one kind of work."""

    app: Any
    is_wsgi: bool
    requests: list[tuple[dict[str, Any], bytes]]

    async def send(self, number: int) -> tuple[int, bytes]:
        """Send one of the requests; return status code and body."""
        template, body = self.requests[number]
        if self.is_wsgi:
            status, data = drivers.send_wsgi(self.app, template, body)
            return int(status[:3]), data
        messages = await drivers.send_asgi(self.app, template, body)
        return messages[0]["status"], b"".join(message.get("body", b"") for message in messages[1:])

    async def time(self, count: int) -> float:
        """Return the microseconds for each of a number of requests."""
        if self.is_wsgi:
            return drivers.time_wsgi(self.app, self.requests, count)
        return await drivers.time_asgi(self.app, self.requests, count)


def read_offsets_alike(value: Any) -> Any:
    """Write a time's offset of zero in one way: frameworks send either `Z` or `+00:00`."""
    if isinstance(value, dict):
        return {name: read_offsets_alike(member) for name, member in value.items()}
    if isinstance(value, list):
        return [read_offsets_alike(item) for item in value]
    if isinstance(value, str) and value.startswith("2020-") and value.endswith("Z"):
        return value[:-1] + "+00:00"
    return value


async def verify(name: str, work_name: str, application: Application) -> None:
    """Stop the benchmark where an application answers wrongly."""
    work = WORK[work_name]
    for number in range(min(len(work.calls), 40)):
        status, body = await application.send(number)
        answer = read_offsets_alike(json.loads(body))
        if work.expected is None:
            is_right = status in (400, 422) and bool(answer)
        else:
            is_right = status == work.status and answer == work.expected
        if not is_right:
            raise SystemExit(f"{name} answers {work_name} wrongly: {status} {body[:300]!r}")


def load_modules(names: list[str]) -> dict[str, tuple[ModuleType, str | None]]:
    """Import the applications; say which are not installed."""
    modules = {}
    for name in names:
        module_name, variant = APPLICATIONS[name]
        try:
            modules[name] = importlib.import_module(module_name), variant
        except ModuleNotFoundError as error:
            if name in ("ramekin", "ramekin-async", YARDSTICK):
                raise
            print(f"{name} is left out: {error.name} is not installed.")
    return modules


async def build(modules: dict[str, tuple[ModuleType, str | None]]) -> dict[tuple[str, str], Application]:
    """Make two applications of each module, without and with the 500 routes, for the work they are to do."""
    applications = {}
    for name, (module, variant) in modules.items():
        is_wsgi = module.KIND == "wsgi"
        small, large = module.make_app(0, variant), module.make_app(ROUTE_FAMILIES, variant)
        for app in (small, large):
            if inspect.iscoroutinefunction(getattr(app, "start", None)):  # Ramekin's own is plain, and not needed.
                await app.start()
        for work_name, work in WORK.items():
            requests = [(call.environ() if is_wsgi else call.scope(), call.body or b"") for call in work.calls]
            applications[name, work_name] = Application(large if work_name == "W6" else small, is_wsgi, requests)
    return applications


async def measure(
    modules: dict[str, tuple[ModuleType, str | None]], repetitions: int
) -> dict[tuple[str, str], list[float]]:
    """Return the microseconds of every repetition, by application and work."""
    applications = await build(modules)
    for (name, work_name), application in applications.items():
        await verify(name, work_name, application)
    times: dict[tuple[str, str], list[float]] = {key: [] for key in applications}
    gc.collect()
    gc.freeze()
    for repetition in range(repetitions + 1):
        for (name, work_name), application in applications.items():
            count = WORK[work_name].count
            if repetition == 0:  # The first round only warms up.
                await application.time(max(20, count // 10))
            else:
                times[name, work_name].append(await application.time(count))
    return times


def print_table(times: dict[tuple[str, str], list[float]], names: list[str]) -> dict[str, dict[str, float]]:
    """Print the medians and their ratios to the yardstick; return the ratios."""
    median = {key: statistics.median(values) for key, values in times.items()}
    ratios = {name: {work: median[name, work] / median[YARDSTICK, work] for work in WORK} for name in names}
    print("| application | " + " | ".join(WORK) + " |\n|---|" + "---|" * len(WORK))
    for name in names:
        cells = (f"{ratios[name][work]:.2f} ({median[name, work]:.1f} µs)" for work in WORK)
        print(f"| {name} | " + " | ".join(cells) + " |")
    spread = statistics.median((max(values) - min(values)) / statistics.median(values) for values in times.values())
    repetitions = len(next(iter(times.values())))
    print(
        f"Ratios to {YARDSTICK}, of the medians of {repetitions} interleaved repetitions; median spread {spread:.2f}."
    )
    return ratios


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", help=f"of {','.join(APPLICATIONS)}; default: all that are installed")
    parser.add_argument("--repetitions", type=int, default=9)
    parser.add_argument("--json", type=Path, help="write the ratios to this file")
    arguments = parser.parse_args()
    chosen = arguments.peers.split(",") if arguments.peers else list(APPLICATIONS)
    unknown = sorted(set(chosen) - APPLICATIONS.keys())
    if unknown:
        parser.error(f"unknown peers {', '.join(unknown)}; there are {', '.join(APPLICATIONS)}")
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    modules = load_modules(list(dict.fromkeys(["ramekin", "ramekin-async", YARDSTICK, *chosen])))
    times = asyncio.run(measure(modules, arguments.repetitions))
    ratios = print_table(times, list(modules))
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(ratios, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
