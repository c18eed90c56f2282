"""Sessions in the memory of one process: for development, tests, and apps that run in one process."""

from __future__ import annotations

import time
from threading import Lock

from ramekin.errors import SettingsError
from ramekin.sessions.stores import StoredSession
from ramekin.signing import Clock


class MemoryStore:
    """Keeps sessions in the memory of this process; they are gone when it ends.

    Args:
        max_sessions: How many are kept; beyond that the one that was used longest ago is ended.
        clock: Tells the time; for tests.

    Raises:
        SettingsError: ``max_sessions`` is no positive number.
    """

    blocking = False

    def __init__(self, *, max_sessions: int = 100_000, clock: Clock = time.time) -> None:
        if type(max_sessions) is not int or max_sessions < 1:
            raise SettingsError(f"MemoryStore(max_sessions=…) takes a positive number, not {max_sessions!r}.")
        self._max_sessions = max_sessions
        self._clock = clock
        self._lock = Lock()
        #: The one that was used longest ago comes first.
        self._sessions: dict[str, StoredSession] = {}

    def load(self, key: str) -> StoredSession | None:
        """Return a session that has not ended, or None."""
        with self._lock:
            session = self._sessions.pop(key, None)
            if session is None or session.expires_at <= self._clock():
                return None
            self._sessions[key] = session
            return session

    def create(self, key: str, session: StoredSession) -> None:
        """Keep a new session; those that have ended make room for it."""
        with self._lock:
            if len(self._sessions) >= self._max_sessions:
                self._make_room()
            self._sessions[key] = session

    def _make_room(self) -> None:
        now = self._clock()
        self._sessions = {key: session for key, session in self._sessions.items() if session.expires_at > now}
        if len(self._sessions) >= self._max_sessions:
            del self._sessions[next(iter(self._sessions))]

    def update(self, key: str, session: StoredSession) -> bool:
        """Put a session in the place of the one that is kept, and tell whether there is one."""
        with self._lock:
            if self._sessions.pop(key, None) is None:
                return False
            self._sessions[key] = session
            return True

    def revoke(self, key: str) -> None:
        """End a session, if it is there."""
        with self._lock:
            self._sessions.pop(key, None)

    def revoke_all(self, subject: str, *, keep: str | None = None) -> int:
        """End all sessions of a subject but the one under the key ``keep``, and return how many there were."""
        with self._lock:
            ended = [key for key, one in self._sessions.items() if one.subject == subject and key != keep]
            for key in ended:
                del self._sessions[key]
            return len(ended)

    def __len__(self) -> int:
        return len(self._sessions)
