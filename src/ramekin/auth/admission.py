"""Admission: finding who a request is from, and whether they may do what it asks.

Specification: RFC 9110 §15.5.2 and §11.6.1 (401 and its challenges), §15.5.4 (403); RFC 6750 §3.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from inspect import isawaitable
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeAlias

from ramekin.auth.credentials import BadCredentials
from ramekin.auth.principals import ACTING, Principal
from ramekin.errors import ContractError
from ramekin.problems import Forbidden, Problem, Unauthorized

if TYPE_CHECKING:
    from ramekin.auth.policies import Policy
    from ramekin.auth.requirements import Alternative
    from ramekin.auth.schemes import Found, Scheme
    from ramekin.operations import Operation
    from ramekin.requests import Request
    from ramekin.settings import Settings
    from ramekin.steps import Exchange

#: What each scheme has said: who it is, that there are no credentials, or what is wrong with them.
_Known: TypeAlias = "dict[Scheme, Principal[Any] | BadCredentials | None]"

#: Where the alternatives that are still open stand in the state of a request, each with its principal.
_OPEN = "ramekin.auth.open"


class Authentication:
    """Decides from the head of a request: who it is from (401), and which scopes they have (403).

    Bad credentials are refused unless others are good: where two schemes read the same field, one of them may well have
    nothing to do with what stands there. Where nobody has to say who they are, they are refused all the same.

    Args:
        alternatives: What has to hold, in the order in which it is tried.
        settings: The app's settings.
    """

    def __init__(self, alternatives: Sequence[Alternative], settings: Settings) -> None:
        self._alternatives = alternatives
        self._schemes = schemes = list_schemes(alternatives)
        self._checks: Mapping[Scheme, Callable[[Request], Found]] = {each: each.compile(settings) for each in schemes}
        # With one scheme and no policy, which is how most operations are guarded, there is nothing to choose from.
        (first, *others) = alternatives
        self._single = None if others or first.policies or len(first.grants) != 1 else next(iter(first.grants.items()))

    def enter(self, exchange: Exchange) -> Coroutine[Any, Any, None] | None:
        """Find the principal of a request, or refuse it."""
        if self._single is None or ACTING.get() is not None:
            acting = ACTING.get()
            return self._decide(exchange, {} if acting is None else dict.fromkeys(self._schemes, acting))
        scheme, scopes = self._single
        found = self._ask(scheme, exchange.request)
        if type(found) is not Principal or not scopes.issubset(found.scopes):
            return self._go_on(exchange, {}, scheme, found)
        exchange.request.principal = found
        return None

    def _go_on(
        self, exchange: Exchange, known: _Known, scheme: Scheme, found: Found | BadCredentials
    ) -> Coroutine[Any, Any, None] | None:
        """Decide with what a scheme has found, once it is there."""
        if isawaitable(found):
            return self._wait(exchange, known, scheme, found)
        return self._decide(exchange, {**known, scheme: _check_found(scheme, found)})

    async def _wait(
        self, exchange: Exchange, known: _Known, scheme: Scheme, found: Awaitable[Principal[Any] | None]
    ) -> None:
        said: Principal[Any] | BadCredentials | None
        try:
            said = await found
        except BadCredentials as error:
            said = error
        rest = self._go_on(exchange, known, scheme, said)
        if rest is not None:
            await rest

    def _decide(self, exchange: Exchange, known: _Known) -> Coroutine[Any, Any, None] | None:
        """Let the request in by the first alternative that holds, asking schemes that are not known yet."""
        held: list[tuple[Alternative, Principal[Any] | None]] = []
        lacking: tuple[Scheme, frozenset[str]] | None = None
        for one in self._alternatives:
            if not one.grants and _list_refused(known):
                continue
            for scheme, scopes in one.grants.items():
                if scheme not in known:
                    found = self._ask(scheme, exchange.request)
                    if isawaitable(found):
                        return self._wait(exchange, known, scheme, found)
                    known = {**known, scheme: _check_found(scheme, found)}
                principal = known[scheme]
                if not isinstance(principal, Principal):
                    break
                if not scopes.issubset(principal.scopes):
                    lacking = lacking or (scheme, scopes)
                    break
            else:
                held.append((one, _first_principal(one, known)))
                if not one.policies:
                    break
        if not held:
            raise refuse(self._schemes, _list_refused(known)) if lacking is None else _forbid(*lacking)
        exchange.request.principal = held[0][1]
        if held[0][0].policies:
            exchange.state[_OPEN] = held
        return None

    def _ask(self, scheme: Scheme, request: Request) -> Found | BadCredentials:
        try:
            return self._checks[scheme](request)
        except BadCredentials as error:
            return error


def _list_refused(known: _Known) -> dict[Scheme, BadCredentials]:
    """Return what was wrong with the credentials of each scheme that was sent bad ones, in the order of asking."""
    return {scheme: said for scheme, said in known.items() if isinstance(said, BadCredentials)}


def _first_principal(one: Alternative, known: _Known) -> Principal[Any] | None:
    found = known[next(iter(one.grants))] if one.grants else None
    return found if isinstance(found, Principal) else None


def list_schemes(alternatives: Iterable[Alternative]) -> list[Scheme]:
    """Return the schemes of alternatives, each once."""
    return list(dict.fromkeys(scheme for one in alternatives for scheme in one.grants))


def refuse(schemes: Iterable[Scheme], refused: Mapping[Scheme, BadCredentials] = MappingProxyType({})) -> Unauthorized:
    """Return the problem of missing or bad credentials, with the challenges of all schemes that would do."""
    challenges = [scheme.challenge(refused[scheme].error if scheme in refused else None) for scheme in schemes]
    headers = [("WWW-Authenticate", one) for one in dict.fromkeys(challenges) if one is not None]
    first = next(iter(refused.values()), None)
    return Unauthorized("Credentials are required." if first is None else first.detail, headers=headers)


def _forbid(scheme: Scheme, scopes: frozenset[str]) -> Forbidden:
    challenge = scheme.challenge("insufficient_scope", scopes)
    headers = {} if challenge is None else {"WWW-Authenticate": challenge}
    return Forbidden(f"Required: {', '.join(sorted(scopes))}.", headers=headers)


def _check_found(scheme: Scheme, found: object) -> Principal[Any] | BadCredentials | None:
    if found is None or isinstance(found, Principal | BadCredentials):
        return found
    raise ContractError(f"The scheme {scheme.name!r} finds a Principal or None, not {type(found).__name__}.")


class Authorization:
    """Decides by policies, once the arguments are loaded: who may do this to that (403, or what a policy says).

    Args:
        alternatives: What has to hold, in the order in which it is tried.
        operation: The operation.

    Raises:
        DeclarationError: A policy asks for what the operation does not have.
    """

    def __init__(self, alternatives: Sequence[Alternative], operation: Operation) -> None:
        self._alternatives = alternatives
        policies = dict.fromkeys(policy for one in alternatives for policy in one.policies)
        self._asks = {policy: policy.compile(operation) for policy in policies}

    def enter(self, exchange: Exchange) -> Coroutine[Any, Any, None] | None:
        """Refuse a request unless the policies of one alternative hold."""
        held = exchange.state.get(_OPEN)
        if held is None:
            # Without a scheme nothing was decided before; otherwise one without policies held, and this is over.
            if any(one.grants for one in self._alternatives):
                return None
            held = [(one, None) for one in self._alternatives]
        return self._decide(exchange, held, {})

    def _decide(
        self,
        exchange: Exchange,
        held: Sequence[tuple[Alternative, Principal[Any] | None]],
        known: dict[tuple[Policy, int], bool],
    ) -> Coroutine[Any, Any, None] | None:
        refused: Problem | None = None
        for one, principal in held:
            exchange.request.principal = principal
            for policy in one.policies:
                # Alternatives may stand for several principals, of whom a policy may think differently.
                key = policy, id(principal)
                if key not in known:
                    verdict = self._asks[policy](exchange)
                    if isawaitable(verdict):
                        return self._wait(exchange, held, known, key, verdict)
                    known = {**known, key: policy.read(verdict)}
                if not known[key]:
                    refused = refused or policy.otherwise()
                    break
            else:
                return None
        exchange.request.principal = held[0][1]
        if schemes := [] if held[0][1] is not None else list_schemes(self._alternatives):
            raise refuse(schemes)  # Nobody may not do this, but somebody might.
        raise refused or Forbidden

    async def _wait(
        self,
        exchange: Exchange,
        held: Sequence[tuple[Alternative, Principal[Any] | None]],
        known: dict[tuple[Policy, int], bool],
        key: tuple[Policy, int],
        verdict: Awaitable[bool],
    ) -> None:
        rest = self._decide(exchange, held, {**known, key: key[0].read(await verdict)})
        if rest is not None:
            await rest
