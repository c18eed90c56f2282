"""Hooks: functions that an app or a resource class runs before, after and at the end of requests.

They are steps like those of any feature and come through the same door.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable
from types import CoroutineType
from typing import TYPE_CHECKING, Any, TypeAlias

from ramekin.coroutines import is_async
from ramekin.errors import ContractError
from ramekin.operations import Declaration
from ramekin.resources import Resource
from ramekin.responses import Reply
from ramekin.steps import Close, Enter, Exchange, Leave, Phase, Step

if TYPE_CHECKING:
    from ramekin.requests import Request
    from ramekin.settings import Settings

#: Hooks may be plain functions or ``async def``.
Before: TypeAlias = "Callable[[Request], Reply[Any] | Coroutine[Any, Any, Reply[Any] | None] | None]"
After: TypeAlias = "Callable[[Request, Reply[Any]], Reply[Any] | Coroutine[Any, Any, Reply[Any] | None] | None]"
Teardown: TypeAlias = "Callable[[Request, Exception | None], Coroutine[Any, Any, None] | None]"

#: Steps of features that hooks may use, and so stand inside of.
_ENCLOSING = ("sessions",)


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
            yield _outer(f"app-teardown-{number}", teardown, close=_closing(teardown))
        for number, after in enumerate(self.after):
            yield _outer(f"app-after-{number}", after, after=_ENCLOSING, leave=_leaving(after))
        for number, before in enumerate(self.before):
            yield _outer(f"app-before-{number}", before, after=_ENCLOSING, enter=_entering(before))


def _outer(name: str, hook: Callable[..., Any], **part: Any) -> Step:
    return Step(phase=Phase.OUTER, name=name, blocking=not is_async(hook), **part)


def _closing(teardown: Teardown) -> Close:
    return lambda exchange: teardown(exchange.request, exchange.error)


def _leaving(after: After) -> Leave:
    async def wait(answer: Coroutine[Any, Any, Reply[Any] | None], reply: Reply[Any]) -> Reply[Any]:
        return _judge(after, await answer) or reply

    def leave(exchange: Exchange, reply: Reply[Any]) -> Any:
        answer = after(exchange.request, reply)
        return wait(answer, reply) if type(answer) is CoroutineType else _judge(after, answer) or reply

    return leave


def _entering(before: Before) -> Enter:
    async def wait(answer: Coroutine[Any, Any, Reply[Any] | None]) -> Reply[Any] | None:
        return _judge(before, await answer)

    def enter(exchange: Exchange) -> Any:
        answer = before(exchange.request)
        return wait(answer) if type(answer) is CoroutineType else _judge(before, answer)

    return enter


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
    before, after, teardown = resource.before, resource.after, resource.teardown
    if teardown is not Resource.teardown:
        yield Step(phase=Phase.VALUE, name="resource-teardown", close=_tear_down, blocking=not is_async(teardown))
    if after is not Resource.after:
        yield Step(phase=Phase.VALUE, name="resource-after", leave=_leave, blocking=not is_async(after))
    if before is not Resource.before:
        yield Step(phase=Phase.VALUE, name="resource-before", enter=_enter, blocking=not is_async(before))


def _tear_down(exchange: Exchange) -> Any:
    return exchange.resource.teardown(exchange.request, exchange.error)


def _leave(exchange: Exchange, reply: Reply[Any]) -> Any:
    return _leaving(exchange.resource.after)(exchange, reply)


def _enter(exchange: Exchange) -> Any:
    return _entering(exchange.resource.before)(exchange)
