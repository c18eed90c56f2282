"""Reads from source which problems a handler raises, in itself and in what it calls of its own package.

It sees ``raise NotFound(…)`` and ``raise NotFound``, not what is raised through a variable; a class that a ``try``
around it catches is not raised.
"""

from __future__ import annotations

import ast
import builtins
import inspect
import textwrap
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple, TypeAlias

from ramekin.problems import Problem

_Caught: TypeAlias = "tuple[type[BaseException], ...]"
_Function: TypeAlias = "Callable[..., Any]"
_Raised: TypeAlias = "tuple[type[Problem], _Function]"


def find_raised(handler: _Function, resource: type[Any]) -> dict[type[Problem], _Function]:
    """Return the classes of problems that a handler raises, each with the function where it first does.

    Args:
        handler: The method.
        resource: Its class, in which methods of its own are looked for.
    """
    reader = _Reader(resource, handler.__module__.partition(".")[0])
    found: dict[type[Problem], _Function] = {}
    for problem, function in reader.read(inspect.unwrap(handler), ()):
        found.setdefault(problem, function)
    return found


class _Place(NamedTuple):
    """Where something is read: the function, and what names mean in it."""

    function: _Function
    names: dict[str, Any]


class _Reader:
    """Follows a handler through the functions that it calls."""

    def __init__(self, resource: type[Any], package: str) -> None:
        self._resource = resource
        self._package = package
        self._read: set[tuple[_Function, _Caught]] = set()

    def read(self, function: _Function, caught: _Caught) -> Iterator[_Raised]:
        """Yield what a function raises, but for what is caught around its call."""
        if (function, caught) in self._read:
            return
        self._read.add((function, caught))
        try:
            (definition,) = ast.parse(textwrap.dedent(inspect.getsource(function))).body
        except (OSError, TypeError, SyntaxError, ValueError):  # Made by a program, or written inside something else.
            return
        if isinstance(definition, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from self._visit_all(definition.body, _Place(function, _names_of(function)), caught)

    def _visit_all(self, nodes: Iterable[ast.AST], place: _Place, caught: _Caught) -> Iterator[_Raised]:
        for node in nodes:
            yield from self._visit(node, place, caught)

    def _visit(self, node: ast.AST, place: _Place, caught: _Caught) -> Iterator[_Raised]:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            return  # It is only made here; nobody knows who calls it.
        if isinstance(node, ast.Try | ast.TryStar):
            inside = (*caught, *_caught_by(node.handlers, place.names))
            yield from self._visit_all(node.body, place, inside)
            yield from self._visit_all([*node.handlers, *node.orelse, *node.finalbody], place, caught)
            return
        if isinstance(node, ast.Raise) and node.exc is not None:
            raised = _resolve(node.exc.func if isinstance(node.exc, ast.Call) else node.exc, place.names)
            if inspect.isclass(raised) and issubclass(raised, Problem) and not issubclass(raised, caught):
                yield raised, place.function
        if isinstance(node, ast.Call):
            called = self._find_called(node.func, place.names)
            if called is not None:
                yield from self.read(called, caught)
        yield from self._visit_all(ast.iter_child_nodes(node), place, caught)

    def _find_called(self, node: ast.AST, names: dict[str, Any]) -> _Function | None:
        """Return the function of the handler's own package that is called, if one is."""
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self":
            found = inspect.getattr_static(self._resource, node.attr, None)
            found = found.__func__ if isinstance(found, staticmethod | classmethod) else found
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
    return {**vars(builtins), **function.__globals__, **inner}


def _resolve(node: ast.AST, names: dict[str, Any]) -> Any:
    """Return what a dotted name means; None where it is none, or means nothing here."""
    if isinstance(node, ast.Name):
        return names.get(node.id)
    if isinstance(node, ast.Attribute):
        # Looked up without running code of theirs: an attribute may be a proxy that is nothing outside of a request.
        return inspect.getattr_static(_resolve(node.value, names), node.attr, None)
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
