"""What `import ramekin` costs beside the imports that it stands on.

    python tests/benchmarks/imports.py

Each repetition starts one new process for either program, in turn, and takes the time that the process itself measures.
The goal is a ratio of at most 1.25.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys

#: An installed package has its bytecode; a clone gets it at the first run, unless the environment forbids it.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}

BASE = "import werkzeug.routing, werkzeug.wrappers, marshmallow, msgspec"
PROGRAMS = {"the four imports": BASE, "ramekin": "import ramekin"}


def time_import(program: str) -> float:
    """Return the milliseconds that a new process needs for the imports."""
    timed = f"from time import perf_counter as now; started = now(); {program}; print((now() - started) * 1000)"
    return float(subprocess.check_output([sys.executable, "-c", timed], env=ENVIRONMENT, text=True))


def count_modules(program: str) -> int:
    """Return the number of modules that a new process has loaded after the imports."""
    counted = f"import sys; {program}; print(len(sys.modules))"
    return int(subprocess.check_output([sys.executable, "-c", counted], env=ENVIRONMENT))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=31)
    repetitions = parser.parse_args().repetitions
    for program in PROGRAMS.values():  # Fills the caches of the disk and of the bytecode.
        time_import(program)
    times: dict[str, list[float]] = {name: [] for name in PROGRAMS}
    for _ in range(repetitions):
        for name, program in PROGRAMS.items():
            times[name].append(time_import(program))
    median = {name: statistics.median(values) for name, values in times.items()}
    print("| import | ratio | time | modules |\n|---|---|---|---|")
    for name, program in PROGRAMS.items():
        ratio = median[name] / median["the four imports"]
        print(f"| {name} | {ratio:.2f} | {median[name]:.1f} ms | {count_modules(program)} |")
    print(f"Medians of {repetitions} interleaved processes. The four imports: `{BASE}`.")


if __name__ == "__main__":
    main()
