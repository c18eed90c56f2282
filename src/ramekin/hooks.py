"""Hooks: functions that an app or a resource class runs before, after and at the end of requests.

They are steps like those of any feature and come through the same door.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeAlias

from ramekin.operations import Declaration
from ramekin.resources import Resource
from ramekin.steps import Exchange, Phase, Step

if TYPE_CHECKING:
    from ramekin.requests import Request
    from ramekin.responses import Reply
    from ramekin.settings import Settings

Before: TypeAlias = "Callable[[Request], Reply[Any] | None]"
After: TypeAlias = "Callable[[Request, Reply[Any]], Reply[Any] | None]"
Teardown: TypeAlias = "Callable[[Request, Exception | None], None]"


class AppHooks(Declaration):
    """The hooks of an app, around every request, those that match no operation too.

    Teardowns stand outermost, so that they run whatever a ``before`` does.
    """

    def __init__(
        self,
        before: tuple[Before, ...] = (),
        after: tuple[After, ...] = (),
        teardown: tuple[Teardown, ...] = (),
    ) -> None:
        self.before = before
        self.after = after
        self.teardown = teardown

    def outer_steps(self, settings: Settings) -> Iterable[Step]:
        """Return a step for each hook; the ones registered first stand outside."""
        for number, teardown in enumerate(self.teardown):
            yield Step(phase=Phase.OUTER, name=f"app-teardown-{number}", close=_closing(teardown))
        for number, after in enumerate(self.after):
            yield Step(phase=Phase.OUTER, name=f"app-after-{number}", leave=_leaving(after))
        for number, before in enumerate(self.before):
            yield Step(phase=Phase.OUTER, name=f"app-before-{number}", enter=_entering(before))


def _closing(teardown: Teardown) -> Callable[[Exchange], None]:
    return lambda exchange: teardown(exchange.request, exchange.error)


def _leaving(after: After) -> Callable[[Exchange, Reply[Any]], Reply[Any]]:
    return lambda exchange, reply: after(exchange.request, reply) or reply


def _entering(before: Before) -> Callable[[Exchange], Reply[Any] | None]:
    return lambda exchange: before(exchange.request)


def resource_steps(resource: type[Resource]) -> Iterable[Step]:
    """Return the steps of the hooks that a resource class overrides."""
    if resource.teardown is not Resource.teardown:
        yield Step(phase=Phase.VALUE, name="resource-teardown", close=_tear_down)
    if resource.after is not Resource.after:
        yield Step(phase=Phase.VALUE, name="resource-after", leave=_leave)
    if resource.before is not Resource.before:
        yield Step(phase=Phase.VALUE, name="resource-before", enter=_enter)


def _tear_down(exchange: Exchange) -> None:
    exchange.resource.teardown(exchange.request, exchange.error)


def _leave(exchange: Exchange, reply: Reply[Any]) -> Reply[Any]:
    return exchange.resource.after(exchange.request, reply) or reply


def _enter(exchange: Exchange) -> Reply[Any] | None:
    answer: Reply[Any] | None = exchange.resource.before(exchange.request)
    return answer
