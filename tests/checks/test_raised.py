"""Which problems a handler raises, read from its source."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from ramekin import Resource, problems
from ramekin.checks.raised import find_raised
from ramekin.problems import Conflict, Forbidden, Gone, NotFound, Problem, Unauthorized

Handler = Callable[..., Any]
KINDS: dict[str, type[Problem]] = {"gone": Gone}


class Shelf(Resource):
    """Raises in every way."""

    def plainly(self) -> None:
        if self.request:
            raise NotFound("No book.")
        raise Conflict

    def by_module(self) -> None:
        raise problems.Gone

    def chained(self) -> None:
        try:
            self.nothing()
        except KeyError as error:
            raise NotFound from error
        else:
            raise Conflict
        finally:
            look_up("finally")

    def caught(self) -> None:
        try:
            raise NotFound
        except (NotFound, KeyError):
            look_up("again")

    def caught_by_base(self) -> None:
        try:
            self.plainly()
        except Problem:
            return

    def caught_by_all(self) -> None:
        try:
            raise NotFound
        except:  # noqa: E722  # That is the case.
            pass

    def caught_by_a_name(self) -> None:
        kinds = (NotFound,)
        try:
            raise NotFound
        except kinds:
            raise

    def caught_in_groups(self) -> None:
        try:
            raise NotFound
        except* NotFound:
            pass

    def in_another_method(self) -> None:
        self.plainly()

    def in_a_function(self) -> None:
        len([look_up("x"), self.missing, self.request.missing()])  # type: ignore[attr-defined]

    def in_a_context(self) -> None:
        with opened():
            pass

    def in_a_loop(self) -> None:
        again(3)

    async def awaited(self) -> None:
        raise NotFound

    def later(self) -> Callable[[], None]:
        def inner() -> None:
            raise NotFound

        return inner

    def in_a_static_method(self) -> None:
        self.fixed()

    def by_another_class(self) -> None:
        Shelf.fixed()

    @staticmethod
    def fixed() -> None:
        raise Forbidden

    def by_name(self) -> None:
        raise KINDS["gone"]

    def a_variable(self, error: Exception) -> None:
        raise error

    def no_problem(self) -> None:
        raise ValueError("No.")

    def nothing(self) -> None:
        len([])


def look_up(name: str) -> str:
    if not name:
        raise Gone
    return name


@contextmanager
def opened() -> Iterator[None]:
    if not look_up("context"):
        raise Forbidden
    yield


def again(times: int) -> None:
    if times:
        again(times - 1)
    raise Unauthorized


@pytest.mark.parametrize(
    ("handler", "expected"),
    [
        (Shelf.plainly, [NotFound, Conflict]),
        (Shelf.by_module, [Gone]),
        (Shelf.chained, [NotFound, Conflict, Gone]),
        (Shelf.caught, [Gone]),
        (Shelf.caught_by_base, []),
        (Shelf.caught_by_all, []),
        (Shelf.caught_by_a_name, [NotFound]),
        (Shelf.caught_in_groups, []),
        (Shelf.in_another_method, [NotFound, Conflict]),
        (Shelf.in_a_function, [Gone]),
        (Shelf.in_a_context, [Gone, Forbidden]),
        (Shelf.in_a_loop, [Unauthorized]),
        (Shelf.awaited, [NotFound]),
        (Shelf.later, []),
        (Shelf.in_a_static_method, [Forbidden]),
        (Shelf.by_another_class, []),
        (Shelf.by_name, []),
        (Shelf.a_variable, []),
        (Shelf.no_problem, []),
        (Shelf.nothing, []),
    ],
)
def test_what_is_raised(handler: Handler, expected: list[type[Problem]]) -> None:
    """What a handler raises is found, in itself and in what it calls, unless it is caught around."""
    assert list(find_raised(handler, Shelf)) == expected


def test_where_it_is_raised() -> None:
    """Each class comes with the function that raises it first."""
    assert find_raised(Shelf.chained, Shelf)[Gone] is look_up


def test_a_wrapped_handler() -> None:
    """A decorator of one's own hides nothing."""

    @functools.wraps(Shelf.plainly)
    def wrapper(self: Shelf) -> None:
        Shelf.plainly(self)

    assert list(find_raised(wrapper, Shelf)) == [NotFound, Conflict]


def test_names_of_a_closure() -> None:
    """A class that a function has from around it is found, and one that is not there yet is not."""
    kind = NotFound

    def handler(self: Shelf) -> None:
        if self:
            raise kind
        raise late

    found = find_raised(handler, Shelf)
    late = Conflict

    assert (list(found), late) == ([NotFound], Conflict)


def test_a_handler_without_source() -> None:
    """What a program has made, or what stands inside an expression, is not read."""
    space: dict[str, Any] = {"NotFound": NotFound, "__name__": __name__}
    exec("def made(self):\n    raise NotFound", space)

    assert find_raised(space["made"], Shelf) == {}
    assert find_raised(lambda self: look_up("") and look_up(""), Shelf) == {}
