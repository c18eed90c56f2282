"""Sessions in a SQLite file, for all processes of one machine.

Specification: https://www.sqlite.org/wal.html for the mode of the file.
"""

from __future__ import annotations

import os
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ramekin.errors import SettingsError
from ramekin.sessions.stores import StoredSession
from ramekin.signing import Clock

if TYPE_CHECKING:
    import sqlite3

#: How long a statement waits for another process that writes, in seconds.
_BUSY_SECONDS = 5
#: Sessions that have ended, and are taken out when one is added; more than one, so that they cannot pile up.
_PURGED = 20

_TABLE = """
CREATE TABLE IF NOT EXISTS ramekin_sessions (
    key TEXT PRIMARY KEY, data BLOB NOT NULL, subject TEXT, created_at REAL NOT NULL, expires_at REAL NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS ramekin_sessions_subject ON ramekin_sessions (subject) WHERE subject IS NOT NULL;
CREATE INDEX IF NOT EXISTS ramekin_sessions_expires_at ON ramekin_sessions (expires_at);
"""


class SQLiteStore:
    """Keeps sessions in a SQLite file, in a table of their own; several processes may share it.

    Args:
        path: The file; where it is missing it is made, for this user alone to read.
        clock: Tells the time; for tests.

    Raises:
        SettingsError: The path is ``:memory:``, which every connection would have for itself.
    """

    blocking = True

    def __init__(self, path: str | os.PathLike[str], *, clock: Clock = time.time) -> None:
        self.path = os.fspath(path)
        if not self.path or self.path.startswith((":memory:", "file:")):
            raise SettingsError(f"SQLiteStore takes the path of a file, not {self.path!r}; in memory is MemoryStore.")
        self._clock = clock
        self._idle: list[sqlite3.Connection] = []
        self._process = os.getpid()
        self._close = weakref.finalize(self, _close_all, self._idle)

    def load(self, key: str) -> StoredSession | None:
        """Return a session, or None."""
        with self._connection() as connection:
            row = connection.execute(
                "SELECT data, subject, created_at, expires_at FROM ramekin_sessions WHERE key = ?", (key,)
            ).fetchone()
        return None if row is None else StoredSession(*row)

    def create(self, key: str, session: StoredSession) -> None:
        """Keep a new session; some that have ended are taken out."""
        with self._connection() as connection:
            connection.execute(
                "DELETE FROM ramekin_sessions WHERE key IN "
                "(SELECT key FROM ramekin_sessions WHERE expires_at <= ? LIMIT ?)",
                (self._clock(), _PURGED),
            )
            connection.execute("INSERT INTO ramekin_sessions VALUES (?, ?, ?, ?, ?)", (key, *session))

    def update(self, key: str, session: StoredSession) -> bool:
        """Put a session in the place of the one that is kept, and tell whether there is one."""
        with self._connection() as connection:
            cursor = connection.execute(
                "UPDATE ramekin_sessions SET data = ?, subject = ?, created_at = ?, expires_at = ? WHERE key = ?",
                (*session, key),
            )
            return cursor.rowcount == 1

    def revoke(self, key: str) -> None:
        """End a session, if it is there."""
        with self._connection() as connection:
            connection.execute("DELETE FROM ramekin_sessions WHERE key = ?", (key,))

    def revoke_all(self, subject: str, *, keep: str | None = None) -> int:
        """End all sessions of a subject but the one under the key ``keep``, and return how many there were."""
        with self._connection() as connection:
            cursor = connection.execute(
                "DELETE FROM ramekin_sessions WHERE subject = ? AND key IS NOT ?", (subject, keep)
            )
            return cursor.rowcount

    def close(self) -> None:
        """Close the connections that nobody uses; the store opens others when it is used again."""
        _close_all(self._idle)

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        """Borrow a connection; as many are open as threads have ever needed at once."""
        if self._process != os.getpid():
            # SQLite's connections must not be carried across a fork, not even to be closed.
            _KEPT_OPEN.extend(self._idle)
            self._idle.clear()
            self._process = os.getpid()
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = self._open()
        try:
            yield connection
        except BaseException:
            connection.close()
            raise
        self._idle.append(connection)

    def _open(self) -> sqlite3.Connection:
        import sqlite3

        # SQLite makes a file for everybody to read; those that it puts beside it have the same mode.
        os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))
        connection = sqlite3.connect(self.path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        self._write_ahead(connection)
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.executescript(_TABLE)
        return connection

    @staticmethod
    def _write_ahead(connection: sqlite3.Connection) -> None:
        """Switch the file's journal; SQLite refuses at once those who do so together."""
        import sqlite3

        end = time.monotonic() + _BUSY_SECONDS
        while True:
            try:
                connection.execute("PRAGMA journal_mode = WAL")
                return
            except sqlite3.OperationalError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.005)


#: Connections of a parent process.
_KEPT_OPEN: list[sqlite3.Connection] = []


def _close_all(connections: list[sqlite3.Connection]) -> None:
    while connections:
        connections.pop().close()
