"""Steps: what a feature does around a request, and the exchange it does it to.

This is one half of the one door for features; the other is `ramekin.operations.Declaration`. A feature that serves
authentication, caching or transactions gives steps (`Step`); the plan of each operation puts them around the handler,
ordered by phase, and nothing runs for an operation that has none.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable
from enum import IntEnum
from typing import TYPE_CHECKING, Any, TypeAlias

from ramekin.coroutines import is_async
from ramekin.errors import DeclarationError
from ramekin.records import Record
from ramekin.responses import Reply

if TYPE_CHECKING:
    from ramekin.operations import Operation
    from ramekin.requests import Request


class Phase(IntEnum):
    """Where in the onion a step stands: ``enter`` runs downwards, ``leave`` upwards."""

    OUTER = 0
    """Around everything, unmatched requests too: tracing, CORS."""
    ADMIT = 1
    """From the head alone: authentication, rates, sessions. Content negotiation and the reading of the body follow."""
    WIRE = 2
    """``leave`` sees the final bytes: 304, compression, Cache-Control."""
    STORE = 3
    """``enter`` sees the body's bytes, ``leave`` the finished reply: idempotency, cache."""
    VALUE = 4
    """The arguments are loaded, the value is not dumped: services, transactions, policies, pagination."""


class Exchange:
    """One request on its way through the plan of its operation.

    Attributes:
        request: The request.
        operation: The operation; None for requests that match none.
        resource: The instance that handles it, from the moment that it is made.
        arguments: The handler's parameters by name: the path's values at first, the loaded inputs from phase VALUE on.
        error: The exception that was answered by a 500, if one was.
    """

    __slots__ = ("arguments", "closers", "error", "operation", "request", "resource")

    def __init__(self, request: Request, operation: Operation | None, arguments: dict[str, Any]) -> None:
        self.request = request
        self.operation = operation
        self.arguments = arguments
        self.resource: Any = None
        self.error: Exception | None = None
        self.closers: list[Close] = []

    @property
    def state(self) -> dict[str, Any]:
        """The request's own `state`."""
        return self.request.state


Enter: TypeAlias = Callable[[Exchange], Reply[Any] | Coroutine[Any, Any, Reply[Any] | None] | None]
Leave: TypeAlias = Callable[[Exchange, Reply[Any]], Reply[Any] | Coroutine[Any, Any, Reply[Any]]]
Close: TypeAlias = Callable[[Exchange], Coroutine[Any, Any, None] | None]


class Step(Record, frozen=True):
    """What a feature does around a request; each of the three parts may be left out, and each may be ``async def``.

    Attributes:
        phase: Where it stands.
        name: What others order themselves by; one of a name in a plan.
        after: Names of steps of the same phase that enclose this one, where they are present.
        enter: Runs on the way in; a Reply short-circuits what is inside.
        leave: Runs on the way out with the reply, problems too, and returns the one to send.
        close: Runs after the last byte, or when the response is given up; always, if ``enter`` returned.
        blocking: Whether the parts that are plain functions may wait, for a database or a lock. Under ASGI the whole
            operation then runs in a thread. A step that only computes says False, and stays on the event loop.
    """

    phase: Phase
    name: str
    after: tuple[str, ...] = ()
    enter: Enter | None = None
    leave: Leave | None = None
    close: Close | None = None
    blocking: bool = True

    @property
    def may_block(self) -> bool:
        """Whether a plain function of it may wait."""
        parts = (self.enter, self.leave, self.close)
        return self.blocking and any(part is not None and not is_async(part) for part in parts)


def order_steps(steps: Iterable[Step], where: str) -> tuple[Step, ...]:
    """Return steps from the outermost to the innermost: by phase, then as ``after`` says, then as they were given.

    Raises:
        DeclarationError: Two steps have one name, or ``after`` runs in a circle.
    """
    given = list(steps)
    names = [step.name for step in given]
    for name in names:
        if names.count(name) > 1:
            raise DeclarationError(f"{where} has two steps named {name!r}; a name stands once in a plan.")
    ordered: list[Step] = []
    for phase in Phase:
        waiting = [step for step in given if step.phase is phase]
        while waiting:
            open_names = {step.name for step in waiting}
            ready = next((step for step in waiting if open_names.isdisjoint(step.after)), None)
            if ready is None:
                raise DeclarationError(
                    f"{where} has steps that each wait for another: {', '.join(sorted(open_names))}."
                )
            ordered.append(ready)
            waiting.remove(ready)
    return tuple(ordered)
