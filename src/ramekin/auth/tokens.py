"""Bearer tokens that the app issues itself, signed by `ramekin.signing`."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeAlias

from ramekin.auth.arguments import pass_request
from ramekin.auth.bearer import REFUSED, Bearer, CompiledCheck, finish
from ramekin.auth.credentials import BadCredentials
from ramekin.auth.principals import UNSTATED, Principal, grant
from ramekin.auth.requirements import check_scopes
from ramekin.coroutines import is_async
from ramekin.errors import DeclarationError

if TYPE_CHECKING:
    from ramekin.auth.schemes import Found
    from ramekin.requests import Request
    from ramekin.settings import Settings
    from ramekin.signing import Clock, Signer

LoadPrincipal: TypeAlias = "Callable[[Any], Found] | Callable[[Any, Request], Found]"


class BearerTokens(Bearer):
    """Bearer tokens that the app issues and signs with the keys of its settings.

    A token carries the principal's id, its version stamp, its scopes and its end; whoever has it can read that. It is
    refused once it has ended, once no key of the settings has signed it, and once ``load`` returns None or a principal
    of another version: that is how tokens are revoked.

    Args:
        load: Takes the id that a token was issued for, and the ``request`` if it likes, and returns the `Principal`, or
            None where there is none any more; may be ``async def``. Without it, a token counts until it ends.
        max_age: How long a token counts at most.
        name: Its name in the document. Tokens of one name are no tokens of another.
        realm: The realm of its challenge.
        description: What the document says of it.
        clock: Tells the time; for tests.

    Raises:
        DeclarationError: ``max_age`` is less than a second.

    Example:
        >>> tokens = BearerTokens(find_customer, max_age=timedelta(hours=1))
    """

    default_name = "tokens"

    def __init__(
        self,
        load: LoadPrincipal | None = None,
        *,
        max_age: timedelta = timedelta(hours=1),
        name: str | None = None,
        realm: str = "api",
        description: str = "",
        clock: Clock = time.time,
    ) -> None:
        super().__init__(_never, name=name, realm=realm, description=description)
        if not isinstance(max_age, timedelta) or max_age < timedelta(seconds=1):
            raise DeclarationError(f"BearerTokens(max_age=…) is a timedelta of a second or more, not {max_age!r}.")
        self.max_age = max_age
        self._load = pass_request(load or Principal)
        self.blocking = load is not None and not is_async(load)
        self._clock = clock

    def issue(
        self,
        principal: Principal[Any],
        settings: Settings,
        *,
        scopes: Collection[str] | None = None,
        max_age: timedelta | None = None,
    ) -> str:
        """Return a new token.

        It never grants more than its principal has. It may outlast the credentials that the principal came with: where
        those are a token, pass what is left of its time as ``max_age``.

        Args:
            principal: Who it is for; its ``id``, ``version`` and ``scopes`` go into the token.
            settings: The settings of the app, ``self.request.settings`` in a handler.
            scopes: What it is good for, some of the principal's scopes; all of those when None. Of a principal that
                states none, whatever ``load`` grants when the token is used.
            max_age: How long it counts, the scheme's ``max_age`` at most and when None.

        Raises:
            DeclarationError: A scope is none.
            SettingsError: The settings have no ``secret_key``.
            ValueError: A scope is beyond the principal's; or ``max_age`` is longer than that of the scheme, or less
                than a second.
        """
        claims: dict[str, Any] = {"sub": principal.id}
        if principal.version is not None:
            claims["ver"] = principal.version
        granted = _limit_scopes(principal, scopes)
        if granted is not UNSTATED:
            claims["scopes"] = sorted(granted)
        if max_age is not None:
            if not timedelta(seconds=1) <= max_age <= self.max_age:
                raise ValueError(f"issue(max_age=…) is from one second to {self.max_age}, not {max_age}.")
            claims["exp"] = int(self._clock() + max_age.total_seconds())
        return self._make_signer(settings).dump(claims)

    def _make_signer(self, settings: Settings) -> Signer:
        from ramekin.signing import OwnSigner

        return OwnSigner.of(settings, f"auth:{self.name}", max_age=self.max_age, clock=self._clock)

    def compile_check(self, settings: Settings) -> CompiledCheck:
        """Return what checks a token with the keys of these settings.

        Raises:
            SettingsError: They have no ``secret_key``.
        """
        from ramekin.signing import BadToken

        read, load, clock = self._make_signer(settings).load, self._load, self._clock

        def check(request: Request, token: str) -> Found:
            try:
                claims = read(token)
            except BadToken:
                raise BadCredentials(REFUSED) from None
            if "exp" in claims and clock() >= claims["exp"]:
                raise BadCredentials(REFUSED)
            return finish(load(request, claims["sub"]), lambda principal: _accept(principal, claims))

        return check


def _limit_scopes(principal: Principal[Any], wanted: Collection[str] | None) -> Collection[str]:
    """Return what a new token is good for."""
    own = principal.scopes
    if wanted is None:
        return own if own is UNSTATED else check_scopes(own, "the principal's scopes")
    scopes = check_scopes(wanted, "issue(scopes=…)")
    if own is not UNSTATED and (beyond := scopes.difference(own)):
        raise ValueError(
            f"issue(scopes=…) takes scopes that the principal has, and {', '.join(sorted(beyond))} are not among them."
        )
    return scopes


def _accept(principal: Principal[Any], claims: Mapping[str, Any]) -> Principal[Any]:
    if principal.version != claims.get("ver"):
        raise BadCredentials(REFUSED)
    return grant(principal, claims.get("scopes", UNSTATED), claims)


def _never(token: str) -> None:
    """Stand where another scheme has its function; `BearerTokens.compile_check` makes one for each app."""
