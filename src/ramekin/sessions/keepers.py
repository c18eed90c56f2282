"""How sessions are kept: in the cookie, signed, or in a store, with a signed id in the cookie.

What a keeper does is written once as generators that yield the calls to a store, and is run with or without awaiting
them; a keeper without a store yields none.
"""

from __future__ import annotations

import secrets
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Iterable
from datetime import timedelta
from functools import partial
from math import ceil
from typing import Any, NamedTuple, TypeAlias, TypeVar

from ramekin import json
from ramekin.errors import ContractError
from ramekin.responses import COOKIE_BYTES
from ramekin.sessions.cookies import CLEARED, CookieValue, SessionCookie
from ramekin.sessions.session import Loaded, Snapshot, decode_data, hash_id
from ramekin.sessions.stores import AsyncSessionStore, SessionStore, StoredSession
from ramekin.settings import Settings
from ramekin.signing import BadToken, Clock, OwnSigner, Signed

ResultT = TypeVar("ResultT")

#: Yields calls of a store and is sent what they return, awaited where they are coroutines.
Calls: TypeAlias = Generator[Callable[[], Any], Any, ResultT]

#: What stands in a ``Set-Cookie`` beside name, value, path and domain, at its longest.
_ATTRIBUTES = len(
    "=; Domain=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0000000000; Secure; HttpOnly; Path=; SameSite=Strict"
)
#: An idle session is given its time anew once a tenth of it is over, so that not every request writes.
_REFRESHED = 10
_ID_BYTES = 32


def run_calls(calls: Calls[ResultT]) -> ResultT:
    """Make the calls of a store one after the other."""
    answer = None
    try:
        while True:
            answer = calls.send(answer)()
    except StopIteration as done:
        result: ResultT = done.value
        return result


async def await_calls(calls: Calls[ResultT]) -> ResultT:
    """Make the calls of a store whose methods are coroutines one after the other."""
    answer = None
    try:
        while True:
            answer = await calls.send(answer)()
    except StopIteration as done:
        result: ResultT = done.value
        return result


class Lifetime(NamedTuple):
    """How long sessions last.

    Attributes:
        max_age: How long at most, from their beginning.
        idle: How long without being used; as long as they last when None.
        clock: Tells the time.
    """

    max_age: timedelta
    idle: timedelta | None
    clock: Clock

    def end(self, created_at: float, used_at: float) -> float:
        """Return when a session ends that was used last at this time."""
        end = created_at + self.max_age.total_seconds()
        return end if self.idle is None else min(end, used_at + self.idle.total_seconds())

    def is_refresh_due(self, loaded: Loaded, end: float) -> bool:
        """Tell whether a session that was merely used is to be given its time anew."""
        return self.idle is not None and end - loaded.expires_at >= self.idle.total_seconds() / _REFRESHED


class Keeper(ABC):
    """Keeps sessions; a subclass says where."""

    def __init__(self, settings: Settings, purpose: str, lifetime: Lifetime, signed_for: timedelta) -> None:
        self._lifetime = lifetime
        self._signer = OwnSigner.of(settings, purpose, max_age=signed_for, clock=lifetime.clock)

    def _read(self, values: Iterable[str]) -> list[Signed]:
        """Return what the good ones of several cookies carry, the newest first.

        A browser sends several of one name where they were once set with other paths or domains.
        """
        found = []
        for value in values:
            try:
                found.append(self._signer.read(value))
            except BadToken:
                continue
        return sorted(found, key=lambda signed: signed.signed_at, reverse=True)

    @abstractmethod
    def load(self, values: list[str]) -> Calls[Loaded | None]:
        """Return the session that cookies stand for, if one is good."""

    def settle(self, snapshot: Snapshot) -> Calls[CookieValue | None]:
        """Keep a session as it is at the end of a request, and return what becomes of the cookie."""
        came, now = snapshot.came, self._lifetime.clock()
        if came is not None and (snapshot.ended or snapshot.is_empty):
            yield from self._end(came)
            came = None
        if snapshot.is_empty:
            return CLEARED
        if came is None:
            return (yield from self._begin(snapshot, now, self._lifetime.end(now, now)))
        end = self._lifetime.end(came.created_at, now)
        is_changed = (snapshot.data, snapshot.subject) != (came.data, came.subject)
        if is_changed or self._lifetime.is_refresh_due(came, end):
            return (yield from self._update(snapshot, came, end))
        return None

    def new_id(self) -> str:
        """Return an id for a new session; empty where it needs none."""
        return ""

    @abstractmethod
    def check_size(self, data: dict[str, Any], subject: str | None) -> None:
        """Refuse a session that is too large to be kept."""

    @abstractmethod
    def _begin(self, snapshot: Snapshot, now: float, end: float) -> Calls[CookieValue | None]:
        """Keep a session that begins now."""

    @abstractmethod
    def _update(self, snapshot: Snapshot, came: Loaded, end: float) -> Calls[CookieValue | None]:
        """Keep a session that came and goes on."""

    @abstractmethod
    def _end(self, came: Loaded) -> Calls[None]:
        """Take back a session that came, where that can be."""


class CookieKeeper(Keeper):
    """Keeps the session itself in the cookie, signed: everybody can read it, nobody can change or revoke it."""

    def __init__(self, settings: Settings, cookie: SessionCookie, lifetime: Lifetime) -> None:
        super().__init__(settings, f"session:{cookie.base}", lifetime, lifetime.idle or lifetime.max_age)
        self._surrounding = sum(map(len, (cookie.name, cookie.path, cookie.domain or ""))) + _ATTRIBUTES

    def load(self, values: list[str]) -> Calls[Loaded | None]:
        """Return the newest session of several cookies, if one is good."""
        yield from ()
        for (created_at, subject, data), signed_at in self._read(values):
            end = self._lifetime.end(created_at, signed_at.timestamp())
            if end > self._lifetime.clock():
                return Loaded(json.encode(data), subject, created_at, end)
        return None

    def check_size(self, data: dict[str, Any], subject: str | None) -> None:
        """Refuse a session that no browser would keep.

        Raises:
            ContractError: Its cookie would be longer than 4,096 bytes.
        """
        self._sign(data, subject, self._lifetime.clock())

    def _sign(self, data: dict[str, Any], subject: str | None, created_at: float) -> str:
        value = self._signer.dump([int(created_at), subject, data])
        length = len(value) + self._surrounding
        if length > COOKIE_BYTES:
            raise ContractError(
                f"The session needs a cookie of {length} bytes; browsers drop those longer than {COOKIE_BYTES}. "
                "Keep less in it, or keep it in a store: sessions(store=SQLiteStore(…))."
            )
        return value

    def _put(self, snapshot: Snapshot, created_at: float, end: float) -> CookieValue:
        value = self._sign(decode_data(snapshot.data), snapshot.subject, created_at)
        return CookieValue(value, max(1, ceil(end - self._lifetime.clock())))

    def _begin(self, snapshot: Snapshot, now: float, end: float) -> Calls[CookieValue | None]:
        yield from ()
        return self._put(snapshot, now, end)

    def _update(self, snapshot: Snapshot, came: Loaded, end: float) -> Calls[CookieValue | None]:
        yield from ()
        return self._put(snapshot, came.created_at, end)

    def _end(self, came: Loaded) -> Calls[None]:
        yield from ()


class StoreKeeper(Keeper):
    """Keeps sessions in a store, each under the hash of its id; the cookie holds the id, signed.

    The signature spares the store the questions about ids that were never given out.
    """

    def __init__(
        self, settings: Settings, cookie: str, lifetime: Lifetime, store: SessionStore | AsyncSessionStore
    ) -> None:
        super().__init__(settings, f"session-id:{cookie}", lifetime, lifetime.max_age)
        self._store = store

    def load(self, values: list[str]) -> Calls[Loaded | None]:
        """Return the newest session of several cookies, if the store has one."""
        for id, _ in self._read(values):
            stored = yield partial(self._store.load, hash_id(id))
            if stored is not None:
                data, subject, created_at, expires_at = stored
                if expires_at > self._lifetime.clock():
                    return Loaded(data, subject, created_at, expires_at, id)
        return None

    def new_id(self) -> str:
        """Return an id of 256 random bits."""
        return secrets.token_urlsafe(_ID_BYTES)

    def check_size(self, data: dict[str, Any], subject: str | None) -> None:
        """Take any size; the cookie holds the id alone."""

    def _begin(self, snapshot: Snapshot, now: float, end: float) -> Calls[CookieValue | None]:
        id = snapshot.id or self.new_id()
        yield partial(self._store.create, hash_id(id), StoredSession(snapshot.data, snapshot.subject, now, end))
        return CookieValue(self._signer.dump(id), int(self._lifetime.max_age.total_seconds()))

    def _update(self, snapshot: Snapshot, came: Loaded, end: float) -> Calls[CookieValue | None]:
        stored = StoredSession(snapshot.data, snapshot.subject, came.created_at, end)
        is_there = yield partial(self._store.update, hash_id(came.id), stored)
        return None if is_there else CLEARED  # It was revoked while this request ran.

    def _end(self, came: Loaded) -> Calls[None]:
        yield partial(self._store.revoke, hash_id(came.id))
