"""Principals: who a request is from, once its credentials are checked.

Specification: RFC 6749 §3.3 for scopes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Generic

from ramekin.errors import ContractError
from ramekin.records import Record

if TYPE_CHECKING:
    from typing_extensions import TypeVar

    UserT = TypeVar("UserT", default=Any)
else:
    from typing import TypeVar

    UserT = TypeVar("UserT")  # Python 3.13 has the default; to older ones it is a matter of the type checker.


class _Unstated(frozenset[str]):
    """No scopes, because nobody said which; the credentials or the loader may say more."""

    def __repr__(self) -> str:
        return "UNSTATED"


UNSTATED: Collection[str] = _Unstated()
_NO_CLAIMS: Mapping[str, Any] = MappingProxyType({})


class Principal(Record, Generic[UserT], frozen=True, kw_only=False):
    """Who a request is from: what every scheme's function returns, and what handlers and policies are given.

    Attributes:
        id: Names the principal for good, such as the key of a table of users.
        scopes: What it may do. Where its credentials name scopes too, both have to grant one; what is left unstated
            limits nothing, and grants nothing by itself.
        user: What the application knows it as: a row, an object, anything.
        version: A stamp that tokens are issued with. Once it has changed, those issued before are refused.
        claims: What the credentials say: the claims of a token, nothing for others.

    Raises:
        ContractError: The scopes are one text.

    Example:
        >>> Principal("ada", {"books:read"}).scopes
        {'books:read'}
    """

    id: str | int
    scopes: Collection[str] = UNSTATED
    user: UserT = None  # type: ignore[assignment]  # where no user is given
    version: str | int | None = None
    claims: Mapping[str, Any] = _NO_CLAIMS

    def __post_init__(self) -> None:
        if isinstance(self.scopes, str):
            raise ContractError(f"Principal(scopes=…) takes several scopes, not the text {self.scopes!r}.")

    def may(self, *scopes: str) -> bool:
        """Tell whether all these scopes are granted."""
        return all(scope in self.scopes for scope in scopes)


def grant(principal: Principal[Any], scopes: Collection[str], claims: Mapping[str, Any]) -> Principal[Any]:
    """Return a principal as its credentials present it: with their claims, and the scopes that both grant."""
    if principal.scopes is UNSTATED or scopes is UNSTATED:
        both = scopes if principal.scopes is UNSTATED else principal.scopes
    else:
        both = frozenset(scopes).intersection(principal.scopes)
    return principal.changed(scopes=both, claims=claims)


#: The principal that a test acts as, whatever credentials its requests have. No request can set it.
ACTING: ContextVar[Principal[Any] | None] = ContextVar("ramekin.auth.acting", default=None)


@contextmanager
def act_as(principal: Principal[Any]) -> Iterator[None]:
    """Have all requests that are answered in this context be from a principal; for tests."""
    token = ACTING.set(principal)
    try:
        yield
    finally:
        ACTING.reset(token)
