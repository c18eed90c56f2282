"""Policies: functions that decide who may do what, with the object that it is done to."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Generator
from inspect import isawaitable
from typing import TYPE_CHECKING, Any, NoReturn, overload

from ramekin.auth.arguments import compile_call, name_parameters
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
        """Return what the function says of these arguments; to be awaited where it is ``async def``.

        What is to be awaited is neither true nor false: ``if policy(…)`` without ``await`` raises a `ContractError`.
        """
        verdict = self._function(**arguments)
        return Unawaited(self.name, verdict) if isawaitable(verdict) else verdict

    def enforce(self, **arguments: Any) -> None:
        """Raise the problem where the function says no; for an object that a handler finds by itself.

        Raises:
            Problem: ``otherwise``.
            ContractError: The function is ``async def``, so that nothing was decided: `enforce_async` waits for it.
        """
        verdict = self._function(**arguments)
        if isawaitable(verdict):
            raise Unawaited(self.name, verdict).refuse(f"await {self.name}.enforce_async(…)")
        self._judge(verdict)

    async def enforce_async(self, **arguments: Any) -> None:
        """Do the same as `enforce`, and wait for the function where it is ``async def``.

        Raises:
            Problem: ``otherwise``.
        """
        verdict = self._function(**arguments)
        self._judge(await verdict if isawaitable(verdict) else verdict)

    def _judge(self, verdict: object) -> None:
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


class Unawaited:
    """What a policy that is ``async def`` will have said once it is awaited; until then it says nothing."""

    def __init__(self, name: str, verdict: Awaitable[bool]) -> None:
        self._name = name
        self._verdict = verdict

    def __await__(self) -> Generator[Any, None, bool]:
        return self._verdict.__await__()

    def __bool__(self) -> NoReturn:
        # An object is true in Python unless it says otherwise, and so would let everybody through.
        raise self.refuse(f"await {self._name}(…)")

    def refuse(self, instead: str) -> ContractError:
        """Return the error of whoever does not wait, and give the coroutine up."""
        if isinstance(self._verdict, Coroutine):
            self._verdict.close()
        return ContractError(f"The policy {self._name} has to be awaited, and has not decided yet: {instead}.")


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
