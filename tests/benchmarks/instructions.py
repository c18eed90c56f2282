"""The request table in machine instructions, which are nearly the same whatever else the machine does.

    python tests/benchmarks/instructions.py
    python tests/benchmarks/instructions.py --peers by-hand,falcon-msgspec --work W1,W5

It needs valgrind, and some minutes. Each application answers a kind of work in two new processes, in one of them
three times as often; the difference is what those requests took, without the start. Instructions are not time: one that
waits for memory takes as long as a hundred that do not. But a change of one in a hundred shows.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import re
import shutil
import subprocess
import sys

import drivers
from requests_table import APPLICATIONS, WORK, YARDSTICK, Application, build, load_modules

FEW = 100
PEERS = "ramekin,by-hand,falcon-msgspec"


async def serve(name: str, work: str, count: int) -> None:
    """Have one application answer so many requests; the others that were built with it are not called."""
    applications: dict[tuple[str, str], Application] = await build(load_modules([name]))
    application = applications[name, work]
    requests = [application.requests[number % len(application.requests)] for number in range(count)]
    gc.collect()
    gc.freeze()
    for template, body in requests:
        if application.is_wsgi:
            drivers.send_wsgi(application.app, template, body)
        else:
            await drivers.send_asgi(application.app, template, body)


def count_instructions(name: str, work: str, count: int) -> int:
    """Return how many instructions a new process takes for so many requests."""
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", sys.executable, __file__]
    run = subprocess.run(
        [*command, "--serve", f"{name},{work},{count}"],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONHASHSEED": "0"},  # Else the dicts of each process have other collisions.
    )
    found = re.search(r"Collected : (\d+)", run.stderr)
    if found is None:
        raise SystemExit(f"valgrind says no count:\n{run.stderr}")
    return int(found[1])


def main() -> None:
    """Read the options, count, and print the table."""
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--peers", default=PEERS, help=f"of {','.join(APPLICATIONS)}")
    ask.add_argument("--work", default=",".join(WORK), help=f"of {','.join(WORK)}")
    ask.add_argument("--serve", help=argparse.SUPPRESS)
    given = ask.parse_args()
    if given.serve is not None:
        name, work, count = given.serve.split(",")
        asyncio.run(serve(name, work, int(count)))
        return
    if shutil.which("valgrind") is None:
        raise SystemExit("valgrind is not installed.")
    works = given.work.split(",")
    print("| application | " + " | ".join(works) + " |\n|---|" + "---|" * len(works))
    yardstick: dict[str, float] = {}
    for name in dict.fromkeys([YARDSTICK, *given.peers.split(",")]):
        cells = []
        for work in works:
            few = 2 * max(FEW, len(WORK[work].calls))  # By then, all that is made at first use is made.
            took = (count_instructions(name, work, 3 * few) - count_instructions(name, work, few)) / (2 * few)
            yardstick.setdefault(work, took)
            cells.append(f"{took / yardstick[work]:.2f} ({took:,.0f})")
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)
    print(f"Ratios to {YARDSTICK}, of the instructions that one request takes.")


if __name__ == "__main__":
    main()
