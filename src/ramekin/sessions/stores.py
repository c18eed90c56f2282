"""What keeps sessions on the server: the protocol of stores, and the record that they keep."""

from __future__ import annotations

from typing import NamedTuple, Protocol


class StoredSession(NamedTuple):
    """A session as a store keeps it.

    Attributes:
        data: Its values, as JSON.
        subject: Whose it is; None while nobody has logged in.
        created_at: When it began, in seconds since 1970.
        expires_at: When it ends, in seconds since 1970.
    """

    data: bytes
    subject: str | None
    created_at: float
    expires_at: float


class SessionStore(Protocol):
    """Keeps sessions on the server, each under the hash of its id, so that who reads the store gets no session.

    Its methods are called from several threads. A class whose methods are coroutines is an `AsyncSessionStore`. Whether
    a method may wait, for a disk or a network, is said by an attribute ``blocking``; True where there is none.
    """

    def load(self, key: str) -> StoredSession | None:
        """Return a session, or None; one that has ended may be returned, and is not used."""

    def create(self, key: str, session: StoredSession) -> None:
        """Keep a new session until it ends."""

    def update(self, key: str, session: StoredSession) -> bool:
        """Put a session in the place of the one that is kept, and tell whether there is one.

        One that was revoked in the meantime is not brought back.
        """

    def revoke(self, key: str) -> None:
        """End a session, if it is there."""

    def revoke_all(self, subject: str, *, keep: str | None = None) -> int:
        """End all sessions of a subject but the one under the key ``keep``, and return how many there were."""


class AsyncSessionStore(Protocol):
    """A `SessionStore` whose methods are coroutines."""

    async def load(self, key: str) -> StoredSession | None:
        """See `SessionStore.load`."""

    async def create(self, key: str, session: StoredSession) -> None:
        """See `SessionStore.create`."""

    async def update(self, key: str, session: StoredSession) -> bool:
        """See `SessionStore.update`."""

    async def revoke(self, key: str) -> None:
        """See `SessionStore.revoke`."""

    async def revoke_all(self, subject: str, *, keep: str | None = None) -> int:
        """See `SessionStore.revoke_all`."""
