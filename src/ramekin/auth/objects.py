"""Objects: what a path names, loaded before the handler runs, so that policies can decide about it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from inspect import isawaitable
from typing import TYPE_CHECKING, Any, TypeAlias

from ramekin.auth.arguments import compile_call, name_parameters
from ramekin.coroutines import is_async
from ramekin.errors import DeclarationError
from ramekin.operations import Declaration, Effects, Endpoint
from ramekin.problems import NotFound
from ramekin.steps import Phase, Step

if TYPE_CHECKING:
    from ramekin.operations import Operation
    from ramekin.settings import Settings
    from ramekin.steps import Exchange

Load: TypeAlias = "Callable[[Exchange], Any]"

#: Where the loaded objects stand in the state of a request.
_LOADED = "ramekin.auth.objects"
#: What encloses the loading where it is present: a loader may need what these open.
ENCLOSING = ("services", "transaction", "resource-teardown", "resource-after", "resource-before")


class Loads(Declaration):
    """The record of `loads`: functions by the names of what they load."""

    def __init__(self, functions: Mapping[str, Callable[..., Any]]) -> None:
        self.functions = functions

    def stack(self, below: Loads) -> Loads:
        """Unite two at one level, the upper one first."""
        if both := sorted(self.functions.keys() & below.functions.keys()):
            raise DeclarationError(f"@loads({both[0]}=…) stands twice at one place.")
        return Loads({**self.functions, **below.functions})

    def merge(self, outer: Loads) -> Loads:
        """Add what the outer levels load; an inner function replaces one of the same name."""
        return Loads({**outer.functions, **self.functions})

    def effects(self, endpoint: Endpoint) -> Effects:
        """Provide the objects; one that is not there is answered by 404."""
        return Effects(provides={name: _find_loaded(name) for name in self.functions}, implied_problems=(NotFound,))

    def steps(self, operation: Operation, settings: Settings) -> Iterable[Step]:
        """Load them once the arguments are."""
        names = list(self.functions)
        loads = [
            (name, compile_call(function, operation, f"loads({name}=…)", without=names[index:]))
            for index, (name, function) in enumerate(self.functions.items())
        ]
        blocking = not all(is_async(function) for function in self.functions.values())
        yield Step(
            phase=Phase.VALUE,
            name="objects",
            after=ENCLOSING,
            enter=lambda exchange: _load(exchange, loads),
            blocking=blocking,
        )


def loads(**functions: Callable[..., Any]) -> Loads:
    """Declare objects to load before the handler runs, by name; handlers, policies and later loaders can take them.

    Each function takes parameters by name, as a policy does, and may be ``async def``. Where it returns None, the
    answer is 404, which is what a policy with ``otherwise=NotFound`` answers for a foreign object.

    Raises:
        DeclarationError: Nothing is given, or something that is no function.

    Example:
        >>> @loads(order=find_order)
        ... class OrderItem(Resource): ...
    """
    if not functions:
        raise DeclarationError("loads() takes at least one function, such as loads(order=find_order).")
    for name, function in functions.items():
        name_parameters(function, f"loads({name}=…)")
    return Loads(functions)


def _find_loaded(name: str) -> Callable[[Exchange], Any]:
    return lambda exchange: exchange.state[_LOADED][name]


def _load(exchange: Exchange, waiting: Sequence[tuple[str, Load]]) -> Coroutine[Any, Any, None] | None:
    """Load objects in turn; what is left once one has to be awaited is done after it."""
    for index, (name, load) in enumerate(waiting):
        value = load(exchange)
        if isawaitable(value):
            return _wait(exchange, name, value, waiting[index + 1 :])
        _keep(exchange, name, value)
    return None


async def _wait(exchange: Exchange, name: str, value: Awaitable[Any], waiting: Sequence[tuple[str, Load]]) -> None:
    _keep(exchange, name, await value)
    rest = _load(exchange, waiting)
    if rest is not None:
        await rest


def _keep(exchange: Exchange, name: str, value: Any) -> None:
    if value is None:
        raise NotFound
    exchange.state.setdefault(_LOADED, {})[name] = value
