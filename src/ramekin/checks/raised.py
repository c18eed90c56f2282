"""Reads from source which problems a handler raises, in itself and in what it calls of its own package.

It sees ``raise NotFound(…)`` and ``raise NotFound``, not what is raised through a variable; a class that a ``try``
around it catches is not raised.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeAlias

from ramekin.problems import Problem

_Caught: TypeAlias = "tuple[type[BaseException], ...]"
_Function: TypeAlias = "Callable[..., Any]"


def find_raised(handler: _Function, resource: type[Any]) -> list[type[Problem]]:
    """Return the classes of problems that a handler raises, each once, in the order of the source.

    Args:
        handler: The method.
        resource: Its class, in which methods of its own are looked for.
    """
    reader = _Reader(resource, handler.__module__.partition(".")[0])
    return list(dict.fromkeys(reader.read(inspect.unwrap(handler), ())))


class _Reader:
    """Follows a handler through the functions that it calls."""

    def __init__(self, resource: type[Any], package: str) -> None:
        self._resource = resource
        self._package = package
        self._read: set[tuple[_Function, _Caught]] = set()

    def read(self, function: _Function, caught: _Caught) -> Iterator[type[Problem]]:
        """Yield what a function raises, but for what is caught around its call."""
        if (function, caught) in self._read:
            return
        self._read.add((function, caught))
        try:
            (definition,) = ast.parse(textwrap.dedent(inspect.getsource(function))).body
        except (OSError, TypeError, SyntaxError, ValueError):  # Made by a program, or written inside something else.
            return
        if isinstance(definition, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from self._visit_all(definition.body, _names_of(function), caught)

    def _visit_all(self, nodes: Iterable[ast.AST], names: dict[str, Any], caught: _Caught) -> Iterator[type[Problem]]:
        for node in nodes:
            yield from self._visit(node, names, caught)

    def _visit(self, node: ast.AST, names: dict[str, Any], caught: _Caught) -> Iterator[type[Problem]]:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            return  # It is only made here; nobody knows who calls it.
        if isinstance(node, ast.Try | ast.TryStar):
            inside = (*caught, *_caught_by(node.handlers, names))
            yield from self._visit_all(node.body, names, inside)
            yield from self._visit_all([*node.handlers, *node.orelse, *node.finalbody], names, caught)
            return
        if isinstance(node, ast.Raise) and node.exc is not None:
            raised = _resolve(node.exc.func if isinstance(node.exc, ast.Call) else node.exc, names)
            if inspect.isclass(raised) and issubclass(raised, Problem) and not issubclass(raised, caught):
                yield raised
        if isinstance(node, ast.Call):
            called = self._find_called(node.func, names)
            if called is not None:
                yield from self.read(called, caught)
        yield from self._visit_all(ast.iter_child_nodes(node), names, caught)

    def _find_called(self, node: ast.AST, names: dict[str, Any]) -> _Function | None:
        """Return the function of the handler's own package that is called, if one is."""
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self":
            found = getattr(self._resource, node.attr, None)
        else:
            found = _resolve(node, names)
        function = inspect.unwrap(found) if inspect.isfunction(found) else None
        is_own = function is not None and function.__module__.partition(".")[0] == self._package
        return function if is_own else None


def _names_of(function: _Function) -> dict[str, Any]:
    """Return what names mean in a function."""
    code, closure = function.__code__, function.__closure__ or ()
    inner = {}
    for name, cell in zip(code.co_freevars, closure, strict=True):
        try:
            inner[name] = cell.cell_contents
        except ValueError:  # Not set yet.
            continue
    return {**vars(__import__("builtins")), **function.__globals__, **inner}


def _resolve(node: ast.AST, names: dict[str, Any]) -> Any:
    """Return what a dotted name means; None where it is none, or means nothing here."""
    if isinstance(node, ast.Name):
        return names.get(node.id)
    if isinstance(node, ast.Attribute):
        return getattr(_resolve(node.value, names), node.attr, None)
    return None


def _caught_by(handlers: Iterable[ast.ExceptHandler], names: dict[str, Any]) -> Iterator[type[BaseException]]:
    for handler in handlers:
        if handler.type is None:
            yield BaseException
            continue
        for node in handler.type.elts if isinstance(handler.type, ast.Tuple) else (handler.type,):
            kind = _resolve(node, names)
            if inspect.isclass(kind) and issubclass(kind, BaseException):
                yield kind
