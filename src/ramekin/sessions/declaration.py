"""The declaration of sessions, and the steps that it puts around each request."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from ramekin.coroutines import is_async
from ramekin.errors import DeclarationError
from ramekin.operations import Declaration, Effects, Endpoint, TargetT
from ramekin.origins import SAFE_METHODS, check_origins, is_cross_origin
from ramekin.problems import CrossOrigin
from ramekin.responses import mark_private
from ramekin.sessions.cookies import CookieValue, SessionCookie
from ramekin.sessions.keepers import CookieKeeper, Keeper, Lifetime, StoreKeeper, await_calls, run_calls
from ramekin.sessions.session import Session, Snapshot, close_session, fill_session, take_snapshot
from ramekin.sessions.stores import AsyncSessionStore, SessionStore
from ramekin.signing import Clock
from ramekin.steps import Exchange, Phase, Step

if TYPE_CHECKING:
    from ramekin.operations import Operation
    from ramekin.requests import Request
    from ramekin.responses import Reply
    from ramekin.settings import Settings

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


class Sessions(Declaration):
    """The record of `sessions`.

    Attributes:
        cookie: The cookie.
        lifetime: How long sessions last.
        store: Where they are kept; in the cookie when None.
        trusted_origins: Other origins whose pages may send unsafe requests with the cookie.
    """

    def __init__(
        self,
        cookie: SessionCookie,
        lifetime: Lifetime,
        store: SessionStore | AsyncSessionStore | None,
        trusted_origins: frozenset[str],
    ) -> None:
        self.cookie = cookie
        self.lifetime = lifetime
        self.store = store
        self.trusted_origins = trusted_origins

    def __call__(self, target: TargetT) -> TargetT:
        """Refuse a method or a class: one client has one session with the app.

        Raises:
            DeclarationError: Always.
        """
        raise DeclarationError("sessions(…) is declared on the app: app.declare(sessions(…)).")

    def effects(self, endpoint: Endpoint) -> Effects:
        """End unsafe requests of another origin in a 403."""
        return Effects(implied_problems=() if endpoint.method in SAFE_METHODS else (CrossOrigin,))

    def steps(self, operation: Operation, settings: Settings) -> Iterable[Step]:
        """Check where unsafe requests come from, before anything else of them is looked at."""
        if operation.method not in SAFE_METHODS:
            yield Step(phase=Phase.ADMIT, name="cross-origin", enter=self._check_origin, blocking=False)

    def outer_steps(self, settings: Settings) -> Iterable[Step]:
        """Give each request its session, and keep it at the end; the app's hooks stand inside."""
        keeper = self.make_keeper(settings)
        if self.store is not None and is_async(self.store.load):
            cycle: _Cycle = _AsyncCycle(self, keeper)
            blocking = False
        else:
            cycle = _Cycle(self, keeper)
            blocking = self.store is not None and getattr(self.store, "blocking", True)
        yield Step(phase=Phase.OUTER, name="sessions", enter=cycle.enter, leave=cycle.leave, blocking=blocking)

    def make_keeper(self, settings: Settings) -> Keeper:
        """Return what keeps sessions under the keys of these settings.

        Raises:
            SettingsError: They have no ``secret_key``.
        """
        if self.store is None:
            return CookieKeeper(settings, self.cookie, self.lifetime)
        return StoreKeeper(settings, self.cookie.base, self.lifetime, self.store)

    def is_forged(self, request: Request) -> bool:
        """Tell whether an unsafe request was sent by a page of another origin that is not trusted."""
        return request.method not in SAFE_METHODS and is_cross_origin(request, self.trusted_origins)

    def _check_origin(self, exchange: Exchange) -> None:
        request = exchange.request
        if self.cookie.find(request) and is_cross_origin(request, self.trusted_origins):
            raise CrossOrigin

    def guard(self, request: Request) -> None:
        """Let no page of another origin begin or change a session.

        Raises:
            CrossOrigin: 403, one has sent this request.
        """
        if self.is_forged(request):
            raise CrossOrigin


class _Cycle:
    """A session from the head of a request to the head of its answer."""

    def __init__(self, declared: Sessions, keeper: Keeper) -> None:
        self._declared = declared
        self._cookie = declared.cookie
        self._keeper = keeper

    def enter(self, exchange: Exchange) -> None:
        request = exchange.request
        request.session = Session(self._keeper, partial(self._load, request), partial(self._declared.guard, request))

    def _load(self, request: Request) -> Any:
        values = self._cookie.find(request)
        return run_calls(self._keeper.load(values)) if values else None

    def leave(self, exchange: Exchange, reply: Reply[Any]) -> Any:
        request = exchange.request
        session = request.session
        close_session(session)
        if not session.touched:
            return reply
        mark_private(reply.headers, "Cookie")
        if (reply.status or 200) >= 500 or self._declared.is_forged(request):
            return reply
        return self._settle(request, take_snapshot(session), reply)

    def _settle(self, request: Request, snapshot: Snapshot, reply: Reply[Any]) -> Any:
        return self._put(request, reply, run_calls(self._keeper.settle(snapshot)))

    def _put(self, request: Request, reply: Reply[Any], cookie: CookieValue | None) -> Reply[Any]:
        # There is nothing to clear where nothing came.
        if cookie is not None and (cookie.value or self._cookie.find(request)):
            self._cookie.put(reply, request, cookie)
        return reply


class _AsyncCycle(_Cycle):
    """The same with a store whose methods are coroutines: it is asked ahead, as nobody can await a mapping."""

    async def enter(self, exchange: Exchange) -> None:  # type: ignore[override]  # the plan awaits it
        super().enter(exchange)
        request = exchange.request
        values = self._cookie.find(request)
        fill_session(request.session, await await_calls(self._keeper.load(values)) if values else None)

    async def _settle(self, request: Request, snapshot: Snapshot, reply: Reply[Any]) -> Any:
        return self._put(request, reply, await await_calls(self._keeper.settle(snapshot)))


def sessions(
    *,
    max_age: timedelta = timedelta(days=14),
    idle: timedelta | None = None,
    store: SessionStore | AsyncSessionStore | None = None,
    cookie: str = "session",
    path: str = "/",
    domain: str | None = None,
    secure: bool | None = None,
    same_site: Literal["Lax", "Strict", "None"] = "Lax",
    trusted_origins: Iterable[str] = (),
    clock: Clock = time.time,
) -> Sessions:
    """Declare that an app has sessions; for ``app.declare``.

    The settings need a ``secret_key``. The cookie is ``HttpOnly``, and ``__Host-`` stands before its name where it is
    secure, for the whole host and this one alone.

    Args:
        max_age: How long a session lasts from its beginning, which is at login where `Session.renew` is called.
        idle: How long it lasts without being used; ``max_age`` alone counts when None.
        store: Where sessions are kept, such as a `MemoryStore` or a `SQLiteStore`; in the cookie itself, signed, when
            None. What is in the cookie can be read by its owner and cannot be revoked.
        cookie: The name of the cookie.
        path: Where it is sent.
        domain: The hosts it is sent to; the one that set it alone when None.
        secure: Whether it is sent over HTTPS only. When None it is, unless a client on this machine asks over plain
            HTTP.
        same_site: When other sites' requests carry it.
        trusted_origins: Other origins, such as ``https://app.example``, whose pages may send unsafe requests with it.
        clock: Tells the time; for tests.

    Raises:
        DeclarationError: A value is none of its parameter's, or two contradict one another.

    Example:
        >>> app.declare(sessions(max_age=timedelta(days=14), idle=timedelta(hours=2)))
    """
    _check_lifetime(max_age, idle)
    if not isinstance(cookie, str) or not _TOKEN.fullmatch(cookie):
        raise DeclarationError(f"sessions(cookie=…) takes a token (RFC 6265bis §4.1.1), not {cookie!r}.")
    if cookie.lower().startswith(("__host-", "__secure-")):
        raise DeclarationError(f"sessions(cookie={cookie!r}): the prefix is put before the name where it fits.")
    if not isinstance(path, str) or not path.startswith("/"):
        raise DeclarationError(f"sessions(path=…) begins with a slash, not {path!r}.")
    if same_site not in ("Lax", "Strict", "None"):
        raise DeclarationError(f"sessions(same_site=…) takes 'Lax', 'Strict' or 'None', not {same_site!r}.")
    if same_site == "None" and secure is not True:
        raise DeclarationError("sessions(same_site='None') needs secure=True; browsers drop the cookie otherwise.")
    missing = [name for name in _STORE_METHODS if store is not None and not callable(getattr(store, name, None))]
    if missing or isinstance(store, type):
        raise DeclarationError(f"sessions(store=…) takes a SessionStore, not {store!r}; see its methods.")
    return Sessions(
        SessionCookie(cookie, path, domain, secure, same_site),
        Lifetime(max_age, idle, clock),
        store,
        check_origins(trusted_origins),
    )


_STORE_METHODS: tuple[str, ...] = ("load", "create", "update", "revoke", "revoke_all")


def _check_lifetime(max_age: timedelta, idle: timedelta | None) -> None:
    for name, value in (("max_age", max_age), ("idle", max_age if idle is None else idle)):
        if not isinstance(value, timedelta) or value < timedelta(seconds=1):
            raise DeclarationError(f"sessions({name}=…) takes a timedelta of a second or more, not {value!r}.")
    if idle is not None and idle > max_age:
        raise DeclarationError(f"sessions(idle=…) is longer than max_age, {max_age}; it would never count.")
