"""The coverage of the contract as one HTML page, which asks nobody for anything and reads without scripts, too."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ramekin.testing.coverage import APICoverage, Coverage, OperationCoverage, Point, _Tally

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
_HEADINGS = {"success": "Successes", "problem": "Problems", "parameter": "Parameters"}


def write_page(coverage: Coverage) -> str:
    """Return the page."""
    names = escape(", ".join(api.name for api in coverage.apis.values()) or "no API")
    apis = "".join(part for api in coverage.apis.values() for part in _write_api(api, alone=len(coverage.apis) == 1))
    return f"""<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<title>Contract coverage: {names}</title>
<style>
{_read("coverage_page.css")}</style>
<header><div class="sum">{_ring(coverage)}<div><h1>Contract coverage</h1><div>{names}</div>{_say(coverage)}</div></div>
</header>
<div class="tools"><form hidden>
<input type="search" name="words" aria-label="Filter" placeholder="Filter by method, path, status, code, parameter">
<label><input type="checkbox" name="missing"> Missing only</label>
<button type="button" name="fold">Open or close all</button>
</form></div>
<main>
{apis}<p id="nothing" hidden>Nothing fits the filter.</p>
<p class="soft">✓ some test met it. ✗ none did. – exempt: no request reaches it on purpose.</p>
</main>
<script>
{_read("coverage_page.js")}</script>
</html>
"""


def _read(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


def _ring(tally: _Tally) -> str:
    return f'<div class="ring" style="--part: {tally.percent:g}" aria-hidden="true">{tally.percent:g} %</div>'


def _say(tally: _Tally) -> str:
    return (
        f'<div class="soft">{tally.covered} of {tally.counted} declared outcomes and parameters exercised, '
        f"{tally.percent:g} %</div>"
    )


def _write_api(api: APICoverage, alone: bool) -> Iterator[str]:
    if not alone:
        yield f"<h2>{escape(api.name)}</h2>{_say(api)}\n"
    for operation in api.operations.values():
        yield from _write_operation(operation)


def _write_operation(operation: OperationCoverage) -> Iterator[str]:
    words = " ".join(
        [operation.id, operation.method, operation.path, operation.summary, *(p.name for p in operation.all_points())]
    )
    yield f'<details data-words="{escape(words.lower())}"{" open" if operation.missing else ""}><summary>'
    yield f'<span class="method">{escape(operation.method)}</span><span class="path">{escape(operation.path)}</span>'
    yield f'<span class="told soft">{escape(operation.summary)}</span>'
    yield f'<span class="bar"><i style="width: {operation.percent:g}%"></i></span>'
    yield f'<span class="number">{operation.covered}/{operation.counted}</span></summary><div class="points">'
    for kind, heading in _HEADINGS.items():
        points = [point for point in operation.all_points() if point.kind == kind]
        if points:
            yield f"<section><h3>{heading}</h3><ul>{''.join(map(_write_point, points))}</ul></section>"
    yield "</div></details>\n"


def _write_point(point: Point) -> str:
    state = "met" if point.count else "exempt" if point.exempt else "missing"
    notes = [f"exempt: {point.exempt}"] if point.exempt else []
    notes += point.tests
    told = "".join(f"<small>{escape(note)}</small>" for note in notes)
    count = f'<span class="count">{point.count} ×</span>' if point.count else ""
    return f'<li class="{state}"><div><code>{escape(point.name)}</code>{told}</div>{count}</li>'
