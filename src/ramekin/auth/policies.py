"""Policies: functions that decide who may do what, with the object that it is done to."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, overload

from ramekin.auth.arguments import compile_call, name_parameters, then
from ramekin.auth.requirements import Alternative, Requirement
from ramekin.coroutines import is_async
from ramekin.errors import ContractError, DeclarationError
from ramekin.problems import Forbidden, Problem

if TYPE_CHECKING:
    from typing import TypeAlias

    from ramekin.operations import Operation
    from ramekin.steps import Exchange

    Decide: TypeAlias = Callable[..., bool | Awaitable[bool]]


class Policy(Requirement):
    """A function that decides whether a principal may do what it asks for; made by `policy`.

    Attributes:
        name: The function's.
        otherwise: What is answered where the function says no.
        blocking: Whether the function may wait other than by awaiting.
    """

    def __init__(self, function: Decide, otherwise: type[Problem] = Forbidden, *, blocking: bool = True) -> None:
        self.name = getattr(function, "__name__", type(function).__name__)
        name_parameters(function, f"policy({self.name})")
        if not (isinstance(otherwise, type) and issubclass(otherwise, Problem)):
            raise DeclarationError(
                f"policy(otherwise=…) takes a subclass of ramekin.problems.Problem, not {otherwise!r}."
            )
        self._function = function
        self.otherwise = otherwise
        self.blocking = blocking and not is_async(function)

    def __call__(self, **arguments: Any) -> bool | Awaitable[bool]:
        """Return what the function says of these arguments."""
        return self._function(**arguments)

    def enforce(self, **arguments: Any) -> Awaitable[None] | None:
        """Raise the problem where the function says no; for an object that a handler finds by itself.

        The answer has to be awaited where the function is ``async def``.

        Raises:
            Problem: ``otherwise``.
        """
        return then(self(**arguments), self._judge)

    def _judge(self, verdict: bool) -> None:
        if not self.read(verdict):
            raise self.otherwise

    def read(self, verdict: object) -> bool:
        """Return what the function said.

        Raises:
            ContractError: It is neither True nor False, so it may be neither yes nor no.
        """
        if not isinstance(verdict, bool):
            raise ContractError(f"The policy {self.name} returns True or False, not {type(verdict).__name__}.")
        return verdict

    def compile(self, operation: Operation) -> Callable[[Exchange], bool | Awaitable[bool]]:
        """Return what asks the function about an exchange.

        Raises:
            DeclarationError: It asks for what the operation does not have.
        """
        return compile_call(self._function, operation, f"the policy {self.name}")

    def list_alternatives(self) -> tuple[Alternative, ...]:
        """Return itself, for whoever it is."""
        return (Alternative(policies=(self,)),)

    def __repr__(self) -> str:
        return f"<Policy {self.name}>"


@overload
def policy(function: Decide, /, *, otherwise: type[Problem] = ..., blocking: bool = ...) -> Policy: ...


@overload
def policy(*, otherwise: type[Problem] = ..., blocking: bool = ...) -> Callable[[Decide], Policy]: ...


def policy(
    function: Decide | None = None, /, *, otherwise: type[Problem] = Forbidden, blocking: bool = True
) -> Policy | Callable[[Decide], Policy]:
    """Make a policy of a function, by a call or as a decorator.

    The function returns True or False, and may be ``async def``. Its parameters are given by name: ``principal``,
    ``request`` and ``resource``, and all that the handler could take: values of the path, ``query``, ``json`` and the
    other inputs once they are loaded, what declarations such as `loads` provide.

    Args:
        function: The function.
        otherwise: What is answered where it says no. `ramekin.problems.NotFound` makes a foreign object look absent.
        blocking: Whether the function may wait, for a database say. Under ASGI its operations then run in threads;
            False keeps those that are ``async def`` on the event loop.

    Raises:
        DeclarationError: What is given is no function, or no class of problem.

    Example:
        >>> @policy(otherwise=NotFound)
        ... def owns_order(principal, order):
        ...     return order.customer == principal.id
    """
    if function is None:
        return lambda given: Policy(given, otherwise, blocking=blocking)
    return Policy(function, otherwise, blocking=blocking)
