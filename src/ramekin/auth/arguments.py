"""What the functions of schemes, policies and loaders are given."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from ramekin.errors import DeclarationError

if TYPE_CHECKING:
    from ramekin.operations import Operation
    from ramekin.steps import Exchange

ValueT = TypeVar("ValueT")
ResultT = TypeVar("ResultT")

_OWN: Mapping[str, Callable[[Exchange], Any]] = {
    "principal": lambda exchange: exchange.request.principal,
    "request": lambda exchange: exchange.request,
    "resource": lambda exchange: exchange.resource,
}


def name_parameters(function: Callable[..., Any], where: str) -> tuple[str, ...]:
    """Return the names of a function's parameters.

    Raises:
        DeclarationError: It is no function, or one of them cannot be given by name.
    """
    if not callable(function):
        raise DeclarationError(f"{where} takes a function, not {function!r}.")
    parameters = inspect.signature(function).parameters.values()
    for parameter in parameters:
        if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            raise DeclarationError(f"{where}: each parameter of the function has a name, unlike {parameter}.")
    return tuple(parameter.name for parameter in parameters)


def compile_call(
    function: Callable[..., ResultT], operation: Operation, where: str, *, without: Iterable[str] = ()
) -> Callable[[Exchange], ResultT]:
    """Return what calls a function with what an exchange has for its parameters.

    Args:
        function: The function.
        operation: What the exchange is about.
        where: What names the function, for the message.
        without: Names that are not there yet.

    Raises:
        DeclarationError: It asks for what the operation does not have.
    """
    path = {part.name for part in operation.path_parameters}
    inputs = {item.location for item in operation.effects.inputs if item.for_handler}
    provides = {name: make for name, make in operation.effects.provides.items() if name not in set(without)}
    names = name_parameters(function, where)
    unknown = [name for name in names if name not in path | inputs | provides.keys() | _OWN.keys()]
    if unknown:
        raise DeclarationError(
            f"{operation.where}: {where} asks for {', '.join(unknown)}; given are: "
            f"{', '.join(sorted({*path, *inputs, *provides, *_OWN}))}. loads({unknown[0]}=…) would load an object."
        )
    makers = tuple((name, _OWN.get(name) or provides.get(name) or _argument(name)) for name in names)

    def call(exchange: Exchange) -> ResultT:
        return function(**{name: make(exchange) for name, make in makers})

    return call


def _argument(name: str) -> Callable[[Exchange], Any]:
    return lambda exchange: exchange.arguments[name]


def pass_request(function: Callable[..., ResultT]) -> Callable[..., ResultT]:
    """Return what calls the function of a scheme, which takes what the credentials say.

    Args:
        function: The function. It is given the request too where it has a parameter of that name behind the others.

    Returns:
        A function that takes the request before the others.
    """
    try:
        takes_request = "request" in [*inspect.signature(function).parameters][1:]
    except (TypeError, ValueError):
        takes_request = False  # Some functions that are written in C do not tell.
    if takes_request:
        return lambda request, *values: function(*values, request=request)
    return lambda _, *values: function(*values)


def then(value: ValueT | Awaitable[ValueT], proceed: Callable[[ValueT], ResultT]) -> ResultT | Awaitable[ResultT]:
    """Return what ``proceed`` makes of a value: at once, or once it is awaited."""
    return _wait(value, proceed) if inspect.isawaitable(value) else proceed(value)


async def _wait(value: Awaitable[ValueT], proceed: Callable[[ValueT], ResultT]) -> ResultT:
    return proceed(await value)
