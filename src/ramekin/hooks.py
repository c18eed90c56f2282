"""Hooks: functions that an app or a resource class runs before, after and at the end of requests.

They are steps like those of any feature and come through the same door.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeAlias

from ramekin.errors import ContractError
from ramekin.operations import Declaration
from ramekin.resources import Resource
from ramekin.responses import Reply
from ramekin.steps import Exchange, Phase, Step

if TYPE_CHECKING:
    from ramekin.requests import Request
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
    return lambda exchange, reply: _judge(after, after(exchange.request, reply)) or reply


def _entering(before: Before) -> Callable[[Exchange], Reply[Any] | None]:
    return lambda exchange: _judge(before, before(exchange.request))


def _judge(hook: Callable[..., Any], answer: Any) -> Reply[Any] | None:
    """Return what a hook answered.

    Raises:
        ContractError: It is no Reply, and not None.
    """
    if answer is None or isinstance(answer, Reply):
        return answer
    name = getattr(hook, "__qualname__", None) or repr(hook)
    raise ContractError(
        f"The hook {name} returns a Reply or None, not {type(answer).__name__}; a problem is raised, not returned."
    )


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
    after = exchange.resource.after
    return _judge(after, after(exchange.request, reply)) or reply


def _enter(exchange: Exchange) -> Reply[Any] | None:
    before = exchange.resource.before
    return _judge(before, before(exchange.request))
