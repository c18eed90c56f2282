"""The page that lists the checks. ``python tests/checks/test_reference.py`` writes it anew."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from ramekin.checks import Check, list_checks

PAGE = Path(__file__).parent.parent.parent / "docs" / "reference" / "checks.md"
GROUPS = {
    "0": "The checks themselves",
    "1": "Settings and keys",
    "2": "Hosts, proxies and origins",
    "3": "Access, sessions and tokens",
    "4": "Rules and methods",
    "5": "Input",
    "6": "Answers",
    "7": "The document",
}
HEAD = """\
# Checks

What `ramekin check` looks for; [how to use it](../how-to/check-before-deployment.md). An id stays what it is, and one
that is dropped is not given again. An *error* is wrong whatever was meant, a *warning* may be meant. What is marked
`--deploy` counts in production only.
"""
TAIL = """\
## In the code

```{eval-rst}
.. automodule:: ramekin.checks
   :members:
   :imported-members:
```
"""


def render() -> str:
    """Return the page as the checks say it."""
    return "\n".join([HEAD, *_lines(), TAIL])


def _lines() -> Iterator[str]:
    for group, checks in groupby(list_checks(), lambda each: each.id[2]):
        yield f"## {GROUPS[group]}\n"
        for each in checks:
            yield f"### {each.id} {each.title}\n"
            yield f"*{each.severity}{_when(each)}* — {each.why}\n"
            yield f"{each.fix}\n"


def _when(each: Check) -> str:
    return ", `--deploy`" if each.is_for_deployment else ""


def test_the_page_lists_every_check() -> None:
    """The page is what the checks say."""
    assert PAGE.read_text(encoding="utf-8") == render()


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")
