"""Requirements: what has to hold for a request to be let in, as alternatives of what has to hold together.

    Requirement          anything that `requires` takes; joined by ``&`` and ``|``
    ├── Scheme           credentials of this scheme
    ├── Policy           what a function says of the principal, the request and what it is about
    └── anonymous        nothing

However it was written, a requirement is a list of alternatives, and the first that holds decides.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, NoReturn

from ramekin.errors import DeclarationError
from ramekin.records import Record

if TYPE_CHECKING:
    from ramekin.auth.policies import Policy
    from ramekin.auth.schemes import Scheme

_NO_GRANTS: Mapping[Scheme, frozenset[str]] = MappingProxyType({})


class Alternative(Record, frozen=True):
    """What has to hold together.

    Attributes:
        grants: The schemes that have to authenticate the request, each with the scopes that it has to grant. The first
            one says who the principal is.
        scopes: Scopes of that principal, whatever its scheme.
        policies: What else has to hold.
    """

    grants: Mapping[Scheme, frozenset[str]] = _NO_GRANTS
    scopes: frozenset[str] = frozenset()
    policies: tuple[Policy, ...] = ()

    def join(self, other: Alternative) -> Alternative:
        """Return what holds where both hold."""
        grants = dict(self.grants)
        for scheme, scopes in other.grants.items():
            grants[scheme] = grants.get(scheme, frozenset()) | scopes
        return Alternative(
            grants=grants,
            scopes=self.scopes | other.scopes,
            policies=tuple(dict.fromkeys((*self.policies, *other.policies))),
        )

    def settle(self) -> Alternative:
        """Return this with the scopes of the principal asked of its scheme."""
        if not self.scopes:
            return self
        first = next(iter(self.grants))
        return self.changed(grants={**self.grants, first: self.grants[first] | self.scopes}, scopes=frozenset())

    def implies(self, other: Alternative) -> bool:
        """Tell whether ``other`` holds wherever this does, and asks for the same credentials or fewer."""
        return (
            bool(other.grants)
            and all(scheme in self.grants and scopes <= self.grants[scheme] for scheme, scopes in other.grants.items())
            and set(other.policies) <= set(self.policies)
        )

    def __str__(self) -> str:
        words = [
            scheme.name + (f": {' '.join(sorted(scopes))}" if scopes else "") for scheme, scopes in self.grants.items()
        ]
        return " & ".join([*(words or ["anonymous"]), *(policy.name for policy in self.policies)])


class Requirement:
    """What has to hold for a request to be let in; ``a & b`` is both, ``a | b`` either."""

    def list_alternatives(self) -> tuple[Alternative, ...]:
        """Return its alternatives, in the order in which they are tried."""
        raise NotImplementedError

    @staticmethod
    def of(*alternatives: Alternative) -> Requirement:
        """Return a requirement of these alternatives."""
        return _Alternatives(alternatives)

    def __and__(self, other: Requirement) -> Requirement:
        _check_requirement(other, "&")
        return Requirement.of(
            *(one.join(another) for one in self.list_alternatives() for another in other.list_alternatives())
        )

    def __or__(self, other: Requirement) -> Requirement:
        _check_requirement(other, "|")
        return Requirement.of(*self.list_alternatives(), *other.list_alternatives())

    def __bool__(self) -> NoReturn:
        # `a or b` and `a and b` would drop one of the two without a word.
        raise DeclarationError("A requirement is neither true nor false; join requirements by & and |.")


class _Alternatives(Requirement):
    def __init__(self, alternatives: tuple[Alternative, ...]) -> None:
        self._alternatives = alternatives

    def list_alternatives(self) -> tuple[Alternative, ...]:
        return self._alternatives


#: Nobody has to say who they are: ``requires(tokens | anonymous)`` lets in who has no token, as no principal. A token
#: that is sent has to be good.
anonymous: Requirement = Requirement.of(Alternative())


def settle_alternatives(alternatives: Iterable[Alternative], where: str) -> tuple[Alternative, ...]:
    """Return alternatives as they are tried: none that cannot hold, and none that another one makes needless.

    Those that ask for no credentials come last.

    Raises:
        DeclarationError: Scopes are required, and no scheme says whose; or a scheme does not grant one of them.
    """
    given = list(alternatives)
    possible = [one.settle() for one in given if one.grants or not one.scopes]  # Nobody has no scopes.
    if not possible:
        raise DeclarationError(
            f"{where} requires the scopes {', '.join(sorted(given[0].scopes))}, but no scheme says whose; "
            "say requires(scheme) there, on its class, or by app.declare."
        )
    kept: list[Alternative] = []
    for index, one in enumerate(possible):
        others = possible[:index] + possible[index + 1 :]
        # Of two that are the same the first stays.
        if not any(
            one.implies(other) and not (other.implies(one) and index < possible.index(other)) for other in others
        ):
            kept.append(one)
    for one in kept:
        for scheme, scopes in one.grants.items():
            scheme.check_scopes(scopes)
    # Nobody is let in as nobody before credentials were asked for: those that are sent have to be looked at.
    return tuple(sorted(kept, key=lambda one: not one.grants))


def check_scopes(scopes: Collection[str], where: str) -> frozenset[str]:
    """Return scopes as a set.

    Raises:
        DeclarationError: They are one text, or one is no scope (RFC 6749 §3.3).
    """
    if isinstance(scopes, str):
        raise DeclarationError(f"{where} takes several scopes, not the text {scopes!r}.")
    for scope in scopes:
        if (
            not isinstance(scope, str)
            or not scope
            or not all("!" <= char <= "~" and char not in '"\\' for char in scope)
        ):
            raise DeclarationError(
                f"{where}: a scope is ASCII text without spaces, quotes or backslashes, not {scope!r}."
            )
    return frozenset(scopes)


def _check_requirement(given: object, operator: str) -> None:
    if not isinstance(given, Requirement):
        raise DeclarationError(
            f"{operator} joins requirements (schemes, policies, anonymous), not {given!r}; scopes are asked for by "
            "scheme('scope'), and a function becomes a policy by policy(function)."
        )
