"""The declarations of who may call an operation: requires and public."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ramekin.auth.admission import Authentication, Authorization, list_schemes
from ramekin.auth.objects import ENCLOSING
from ramekin.auth.requirements import Alternative, Requirement, check_scopes, settle_alternatives
from ramekin.auth.schemes import Scheme
from ramekin.errors import DeclarationError
from ramekin.operations import SOCKET, Declaration, Effects, Endpoint
from ramekin.origins import SAFE_METHODS, is_cross_origin
from ramekin.problems import CrossOrigin, Forbidden, Problem, Unauthorized
from ramekin.responses import mark_private
from ramekin.steps import Phase, Step

if TYPE_CHECKING:
    from ramekin.operations import Operation
    from ramekin.responses import Reply
    from ramekin.settings import Settings
    from ramekin.steps import Enter, Exchange, Leave


class Requires(Declaration):
    """The record of `requires` and `public`: what has to hold; None where everybody is let in."""

    def __init__(self, requirement: Requirement | None, *, replaces: bool = False) -> None:
        self.requirement = requirement
        self.replaces = replaces

    def stack(self, below: Requires) -> Requires:
        """Require both at one level."""
        if self.requirement is None or below.requirement is None:
            raise DeclarationError(
                "@public stands beside another rule at one place; it says that everybody may call the operation."
            )
        return Requires(self.requirement & below.requirement, replaces=self.replaces or below.replaces)

    def merge(self, outer: Requires) -> Requires:
        """Require what the outer levels do, too; `public` and ``replaces`` put that aside."""
        if self.replaces or self.requirement is None or outer.requirement is None:
            return self
        return Requires(self.requirement & outer.requirement)

    def _settle(self, where: str) -> tuple[Alternative, ...]:
        return () if self.requirement is None else settle_alternatives(self.requirement.list_alternatives(), where)

    def effects(self, endpoint: Endpoint) -> Effects:
        """Name the security schemes, provide the principal, and end in 401 and 403 where that can be."""
        alternatives = self._settle(endpoint.where)
        return Effects(
            security=tuple(
                {scheme.name: tuple(sorted(scopes)) for scheme, scopes in one.grants.items()} for one in alternatives
            ),
            security_schemes={scheme.name: _describe(scheme) for scheme in list_schemes(alternatives)},
            provides={"principal": lambda exchange: exchange.request.principal},
            implied_problems=_list_problems(alternatives, endpoint.method),
            access=" | ".join(map(str, alternatives)) if alternatives else "public",
        )

    def steps(self, operation: Operation, settings: Settings) -> Iterable[Step]:
        """Find the principal from the head alone, and ask the policies once the arguments are loaded."""
        alternatives = self._settle(operation.where)
        schemes = list_schemes(alternatives)
        if mark := _mark_answers(schemes):
            # It stands outside, so that it marks what the others refuse, too.
            yield Step(phase=Phase.ADMIT, name="private-answers", leave=mark, blocking=False)
        if ambient := _list_ambient(schemes, operation.method):
            yield Step(
                phase=Phase.ADMIT,
                name="ambient-credentials",
                after=("cross-origin", "private-answers"),
                enter=_check_origin(ambient),
                blocking=False,
            )
        if schemes:
            authentication = Authentication(alternatives, settings)
            yield Step(
                phase=Phase.ADMIT,
                name="authentication",
                after=("cross-origin", "private-answers", "ambient-credentials"),
                enter=authentication.enter,
                blocking=any(scheme.blocking for scheme in schemes),
            )
        if any(one.policies for one in alternatives):
            authorization = Authorization(alternatives, operation)
            yield Step(
                phase=Phase.VALUE,
                name="authorization",
                after=(*ENCLOSING, "objects"),
                enter=authorization.enter,
                blocking=any(policy.blocking for one in alternatives for policy in one.policies),
            )

    @classmethod
    def check_operations(cls, operations: Sequence[Operation]) -> None:
        """Refuse an app in which some operations have a rule and others were forgotten, or two schemes one name."""
        named: dict[str, Scheme] = {}
        for operation in operations:
            for scheme in _schemes_of(operation):
                other = named.setdefault(scheme.name, scheme)
                if other is not scheme:
                    raise DeclarationError(
                        f"{operation.where}: two schemes are named {scheme.name!r}: {other!r} and {scheme!r}; "
                        "give one of them a name=."
                    )
        open_ones = [operation for operation in operations if operation.effects.security is None]
        if open_ones and any(operation.effects.security for operation in operations):
            listed = "\n".join(f"  {one.id} ({one.method} {one.rule}), {one.where}" for one in open_ones)
            raise DeclarationError(
                "Some operations of the app say who may call them, and these do not:\n"
                f"{listed}\n"
                "Put @requires(…) on the method or its class, app.declare(requires(…)) for all, or @public to open it."
            )


def _mark_answers(schemes: Sequence[Scheme]) -> Leave | None:
    """Return what tells caches that an answer is for its principal; None where they know by themselves."""
    if all(scheme.varies is None for scheme in schemes):
        return None
    varies = tuple(dict.fromkeys(name for scheme in schemes for name in scheme.varies or ()))

    def leave(exchange: Exchange, reply: Reply[Any]) -> Reply[Any]:
        mark_private(reply.headers, *varies)
        return reply

    return leave


def _schemes_of(operation: Operation) -> list[Scheme]:
    said = (one.requirement for one in operation.declarations if isinstance(one, Requires))
    return [scheme for one in said if one is not None for scheme in list_schemes(one.list_alternatives())]


def _describe(scheme: Scheme) -> Mapping[str, Any]:
    return {**scheme.document(), **({"description": scheme.description} if scheme.description else {})}


def _list_ambient(schemes: Iterable[Scheme], method: str) -> list[Scheme]:
    """Return the schemes whose credentials a page of another origin could abuse."""
    return [] if method in SAFE_METHODS or method == SOCKET else [one for one in schemes if one.ambient]


def _check_origin(schemes: Sequence[Scheme]) -> Enter:
    """Return what refuses a request that carries credentials which its user may know nothing of."""

    def enter(exchange: Exchange) -> None:
        request = exchange.request
        if any(one.is_carried(request) and is_cross_origin(request, one.trusted_origins) for one in schemes):
            raise CrossOrigin

    return enter


def _list_problems(alternatives: Sequence[Alternative], method: str) -> tuple[type[Problem], ...]:
    """Return the problems that a requirement can end in."""
    schemes = list_schemes(alternatives)
    is_open = any(not one.grants and not one.policies for one in alternatives)
    found: list[type[Problem]] = [CrossOrigin] if _list_ambient(schemes, method) else []
    if schemes and (not is_open or any(scheme.refuses for scheme in schemes)):
        found.append(Unauthorized)
    if not is_open:
        found += [Forbidden for one in alternatives if any(one.grants.values())]
        found += [policy.otherwise for one in alternatives for policy in one.policies]
    return tuple(dict.fromkeys([*found, *(problem for scheme in schemes for problem in scheme.problems)]))


def requires(
    requirement: Requirement | None = None, /, *, scopes: Collection[str] = (), replaces: bool = False
) -> Requires:
    """Declare who may call an operation.

    The levels add up: what the app, the class and the method require has to hold together. `public` opens an
    operation, and ``replaces`` puts aside what the outer levels require.

    Args:
        requirement: A scheme, a scheme with scopes, a policy, or several of them joined by ``&`` and ``|``.
        scopes: Scopes that the principal has to have, whatever scheme it comes from.
        replaces: Whether this takes the place of what outer levels require.

    Returns:
        A decorator for a method or a resource class, or a value for ``app.declare``.

    Raises:
        DeclarationError: What is given is no requirement, or nothing is given.

    Example:
        >>> @requires(tokens("books:write") | staff)
        ... class Books(Resource): ...
    """
    if requirement is not None and not isinstance(requirement, Requirement):
        raise DeclarationError(
            f"requires(…) takes a scheme, a policy, or several joined by & and |, not {requirement!r}; "
            "a function becomes a policy by policy(function)."
        )
    wanted = check_scopes(scopes, "requires(scopes=…)")
    if requirement is None and not wanted:
        raise DeclarationError("requires() takes a requirement or scopes=…; @public opens an operation to everybody.")
    of_scopes = Requirement.of(Alternative(scopes=wanted))
    if requirement is None:
        return Requires(of_scopes, replaces=replaces)
    return Requires(requirement & of_scopes if wanted else requirement, replaces=replaces)


#: Everybody may call the operation, whatever the outer levels require: ``@public`` on a method or class.
public = Requires(None)
