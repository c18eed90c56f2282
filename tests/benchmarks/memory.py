"""What an application with 500 routes keeps in memory, above the imports that Ramekin stands on.

    python tests/benchmarks/memory.py

Each measurement is the resident memory of a new process, read from /proc (Linux), after a full garbage collection. The
goal is at most 8 MB for 500 routes after their first request.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
from pathlib import Path

#: As in `imports`: with bytecode, like an installed package. Compiling would leave its own traces in memory.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}

IMPORTS = "import werkzeug.routing, werkzeug.wrappers, marshmallow, msgspec"
BUILD = """
import drivers, ramekin_app
app = ramekin_app.make_app({families})
drivers.send_wsgi(app, drivers.Call("GET", "/ping").environ(), b"")
"""
READ = """
import gc, os
gc.collect()
with open("/proc/self/statm") as statm:
    print(int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6)
"""
# The benchmark's own modules are in the base, so that they are not counted.
BASE = f"{IMPORTS}\nimport drivers, domain, marshmallow_schemas\n"
PROGRAMS = {
    "the four imports": BASE,
    "import ramekin": f"{BASE}import ramekin\n",
    "an application with 3 routes": BASE + BUILD.format(families=0),
    "an application with 503 routes": BASE + BUILD.format(families=50),
}


def measure_megabytes(program: str) -> float:
    """Return the resident memory of a new process that has run a program."""
    folder = Path(__file__).parent
    command = [sys.executable, "-c", program + READ]
    return float(subprocess.check_output(command, text=True, cwd=folder, env=ENVIRONMENT))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=5)
    repetitions = parser.parse_args().repetitions
    megabytes = {
        name: statistics.median(measure_megabytes(program) for _ in range(repetitions))
        for name, program in PROGRAMS.items()
    }
    base = megabytes["the four imports"]
    print("| after | memory | above the four imports |\n|---|---|---|")
    for name, value in megabytes.items():
        print(f"| {name} | {value:.1f} MB | {value - base:.1f} MB |")
    print(f"Medians of {repetitions} processes.")


if __name__ == "__main__":
    main()
