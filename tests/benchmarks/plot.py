"""A plot of the request table, as SVG: one panel for each kind of work, on a logarithmic axis.

python tests/benchmarks/requests_table.py --json table.json
python tests/benchmarks/plot.py table.json docs/explanation/requests-table.svg
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from math import log10
from pathlib import Path
from xml.sax.saxutils import escape

TITLES = {
    "W1": "W1 · GET, a constant",
    "W2": "W2 · GET, one object",
    "W3": "W3 · POST, a valid body",
    "W4": "W4 · GET, 100 objects",
    "W5": "W5 · POST, an invalid body",
    "W6": "W6 · GET, 500 routes",
}
COLUMNS = 2
PANEL_WIDTH, LABEL_WIDTH, BAR_HEIGHT, TITLE_HEIGHT, GAP = 460, 140, 16, 34, 24
BAR_WIDTH = PANEL_WIDTH - LABEL_WIDTH - 60
OURS, THEIRS, YARDSTICK = "#c2410c", "#64748b", "#cbd5e1"
# Readable on a light and on a dark page.
INK = "#7c8594"

Ratios = dict[str, dict[str, float]]


def bar_length(ratio: float, smallest: float, largest: float) -> float:
    """Return the length of a bar; the smallest ratio still has a visible one."""
    return BAR_WIDTH * (0.04 + 0.96 * (log10(ratio) - log10(smallest)) / (log10(largest) - log10(smallest)))


def draw_panel(work: str, ratios: Ratios, smallest: float, largest: float) -> Iterator[str]:
    """Yield the elements of one panel, the fastest on top."""
    yield f'<text x="0" y="16" font-weight="bold">{escape(TITLES[work])}</text>'
    for row, name in enumerate(sorted(ratios, key=lambda name: ratios[name][work])):
        ratio = ratios[name][work]
        top = TITLE_HEIGHT + row * BAR_HEIGHT
        colour = {"ramekin": OURS, "raw-orjson": YARDSTICK}.get(name, THEIRS)
        length = bar_length(ratio, smallest, largest)
        weight = ' font-weight="bold"' if name == "ramekin" else ""
        yield f'<text x="{LABEL_WIDTH - 6}" y="{top + 10}" text-anchor="end"{weight}>{escape(name)}</text>'
        yield f'<rect x="{LABEL_WIDTH}" y="{top}" width="{length:.1f}" height="{BAR_HEIGHT - 4}" fill="{colour}"/>'
        shown = f"{ratio:.{1 if ratio < 10 else 0}f}"
        yield f'<text x="{LABEL_WIDTH + length + 5:.1f}" y="{top + 10}"{weight}>{shown}</text>'


def draw(ratios: Ratios) -> str:
    """Return the plot of all panels, which share one axis."""
    values = [ratio for row in ratios.values() for ratio in row.values()]
    smallest, largest = min(values), max(values)
    panel_height = TITLE_HEIGHT + len(ratios) * BAR_HEIGHT + GAP
    rows = -(-len(TITLES) // COLUMNS)
    width, height = COLUMNS * (PANEL_WIDTH + GAP), rows * panel_height
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'font-family="sans-serif" font-size="11" fill="{INK}" role="img">'
    )
    elements = [head, "<title>One request as a ratio to raw WSGI, on a logarithmic axis; shorter is better</title>"]
    for number, work in enumerate(TITLES):
        left, top = number % COLUMNS * (PANEL_WIDTH + GAP), number // COLUMNS * panel_height
        elements += [f'<g transform="translate({left} {top})">', *draw_panel(work, ratios, smallest, largest), "</g>"]
    return "\n".join([*elements, "</svg>", ""])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path, help="what requests_table.py --json wrote")
    parser.add_argument("plot", type=Path, help="the SVG to write")
    arguments = parser.parse_args()
    arguments.plot.write_text(draw(json.loads(arguments.table.read_text(encoding="utf-8"))), encoding="utf-8")


if __name__ == "__main__":
    main()
