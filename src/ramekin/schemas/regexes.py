r"""Regular expressions as documents mean them: a ``$`` is the end, and a digit is one of ASCII.

Specification: ECMA-262 §22.2, the dialect of the ``pattern`` keyword. Python's ``$`` also matches before a last line
break, and its ``\d`` any decimal digit of Unicode.
"""

from __future__ import annotations

import re

_PART = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\\\]])*\]|\(\?<?!|\(|.", re.DOTALL)
_OWN_RULES = re.VERBOSE | re.MULTILINE
_SCOPED_RULES = re.compile(r"\(\?[a-zA-Z]*[mx]")


def narrow_regex(regex: re.Pattern[str]) -> re.Pattern[str]:
    """Return a regular expression that matches what the document's pattern finds, and nothing that the given does not.

    What stands in a negative lookaround stays as it is, since less there is more; so does an expression under
    ``MULTILINE``, whose ``$`` is an end of a line, or ``VERBOSE``, neither of which a document states.
    """
    source = regex.pattern
    if ("$" not in source and "\\d" not in source) or regex.flags & _OWN_RULES or _SCOPED_RULES.search(source):
        return regex
    narrowed = "".join(_narrow(part, negated) for part, negated in _split(source))
    return regex if narrowed == source else re.compile(narrowed, regex.flags)


def _split(source: str) -> list[tuple[str, bool]]:
    """Return the parts of an expression, each with whether it stands in a negative lookaround."""
    found: list[tuple[str, bool]] = []
    groups = [False]
    for part in _PART.findall(source):
        if part.startswith("("):
            groups.append(groups[-1] or part.endswith("!"))
        elif part == ")":
            groups.pop()
        found.append((part, groups[-1]))
    return found


def _narrow(part: str, negated: bool) -> str:
    if negated or part.startswith("[^"):
        return part
    if part == "$":
        return r"\Z"
    if part == r"\d":
        return "[0-9]"
    if part.startswith("["):
        return re.sub(r"\\(.)", lambda escape: "0-9" if escape[1] == "d" else escape[0], part, flags=re.DOTALL)
    return part
