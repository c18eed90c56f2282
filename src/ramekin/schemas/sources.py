"""Functions made of source text of ours: how they are compiled, and what they share."""

from __future__ import annotations

import builtins
from collections.abc import Iterable
from functools import lru_cache
from types import CodeType
from typing import Any

#: Most levels of lists and objects that one function of ours goes into: Python compiles twenty blocks in one another.
MOST_NESTED = 16

#: The globals of all closures, which finds nothing but built-ins. Functions that share their code have to share these:
#: the interpreter adapts the code to one dict, and would adapt it anew with each other one.
_GLOBALS: dict[str, Any] = {"__builtins__": builtins}


def compile_function(source: str, name: str, namespace: dict[str, Any]) -> Any:
    """Return the function that a source text of ours defines; no text of a user's goes in but by ``repr``."""
    exec(_compile(source, name), namespace)  # noqa: S102
    return namespace[name]


def compile_closure(lines: Iterable[str], name: str, known: dict[str, Any]) -> Any:
    """Return the function that lines of ours define, and which finds what is known as a closure.

    Args:
        lines: The lines around the function's definition, as they stand in a function's body.
        name: The function's name.
        known: What it may find, by name.
    """
    source = "\n ".join([f"def make({', '.join(known)}):", *lines, f"return {name}"])
    made: dict[str, Any] = {}
    exec(_compile(source, name), _GLOBALS, made)  # noqa: S102
    return made["make"](**known)


@lru_cache(maxsize=1024)
def _compile(source: str, name: str) -> CodeType:
    """Compile a source once: operations that share a schema share its code."""
    return compile(source, f"<ramekin {name}>", "exec")


def indent(lines: Iterable[str], depth: int = 1) -> list[str]:
    """Return lines moved to the right."""
    return [" " * depth + line for line in lines]
