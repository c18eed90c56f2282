"""The stores: what their protocol says, their bounds, and many users at once."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tests.sessions.conftest import Clock

from ramekin.errors import SettingsError
from ramekin.sessions import MemoryStore, SessionStore, SQLiteStore, StoredSession


def make(clock: Clock, *, subject: str | None = None, data: bytes = b"{}", seconds: float = 60) -> StoredSession:
    """Return a session that begins now."""
    return StoredSession(data, subject, clock.now, clock.now + seconds)


def test_a_session_is_kept_changed_and_revoked(store: SessionStore, clock: Clock) -> None:
    """A store returns what it was given last, and nothing after it was revoked."""
    first, second = make(clock), make(clock, subject="7", data=b'{"a":1}')
    store.create("k", first)
    assert (store.load("k"), store.load("other")) == (first, None)
    assert (store.update("k", second), store.load("k")) == (True, second)
    store.revoke("k")
    assert (store.load("k"), store.update("k", first), store.load("k")) == (None, False, None)
    store.revoke("k")


def test_all_of_a_subject(store: SessionStore, clock: Clock) -> None:
    """Those of one subject go, those of others and of nobody stay."""
    for key, subject in {"a": "7", "b": "7", "c": "8", "d": None}.items():
        store.create(key, make(clock, subject=subject))
    assert store.revoke_all("7", keep="b") == 1
    assert [store.load(key) is not None for key in "abcd"] == [False, True, True, True]


def test_a_session_that_has_ended_is_not_returned_from_memory(clock: Clock) -> None:
    """The memory it took is given back when it is asked for."""
    store = MemoryStore(clock=clock)
    store.create("k", make(clock))
    clock.now += 60
    assert (store.load("k"), len(store)) == (None, 0)


def test_memory_is_bounded(clock: Clock) -> None:
    """When it is full, those that have ended make room first, then the one that was used longest ago."""
    store = MemoryStore(max_sessions=3, clock=clock)
    store.create("ended", make(clock, seconds=1))
    for key in ("a", "b"):
        store.create(key, make(clock))
    clock.now += 1
    store.create("c", make(clock))
    store.load("a")
    store.update("b", make(clock))
    store.create("d", make(clock))
    assert ([store.load(key) is not None for key in ("ended", "a", "b", "c", "d")], len(store)) == (
        [False, True, True, False, True],
        3,
    )


@pytest.mark.parametrize("most", [0, -1, 1.5, True])
def test_a_bound_is_a_number(most: Any) -> None:
    """A store that holds nothing is a mistake."""
    with pytest.raises(SettingsError, match="positive number"):
        MemoryStore(max_sessions=most)


@pytest.mark.parametrize("path", ["", ":memory:", "file:x?mode=memory"])
def test_sqlite_is_a_file(path: str) -> None:
    """In memory each connection would have sessions of its own."""
    with pytest.raises(SettingsError, match="in memory is MemoryStore"):
        SQLiteStore(path)


def test_sessions_in_a_file_outlive_the_process(tmp_path: Path, clock: Clock) -> None:
    """A new store on the same file finds them; the file is in WAL mode, so that readers wait for nobody."""
    session = make(clock, subject="7")
    store = SQLiteStore(tmp_path / "s.db")
    store.create("k", session)
    assert (tmp_path / "s.db-wal").exists()
    store.close()
    assert SQLiteStore(str(tmp_path / "s.db")).load("k") == session
    assert store.load("k") == session


@pytest.mark.skipif(os.name != "posix", reason="There are no such modes here.")
def test_the_file_is_for_its_user_alone(tmp_path: Path, clock: Clock) -> None:
    """What sessions hold is nobody else's on the machine, in the files that SQLite puts beside it, too."""
    store = SQLiteStore(tmp_path / "s.db")
    store.create("k", make(clock))
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}
    store.close()


def test_ended_sessions_are_taken_out_of_the_file(tmp_path: Path, clock: Clock) -> None:
    """Each new session takes some away that have ended, so that the file does not grow for ever."""
    store = SQLiteStore(tmp_path / "s.db", clock=clock)
    for number in range(50):
        store.create(f"old-{number}", make(clock))
    clock.now += 61
    for number in range(3):
        store.create(f"new-{number}", make(clock))
    assert [number for number in range(50) if store.load(f"old-{number}")] == []
    assert store.load("new-0") is not None


def test_a_failed_statement_gives_up_its_connection(tmp_path: Path, clock: Clock) -> None:
    """A key that is taken is an error, and the store goes on."""
    import sqlite3

    store = SQLiteStore(tmp_path / "s.db", clock=clock)
    store.create("k", make(clock))
    with pytest.raises(sqlite3.IntegrityError):
        store.create("k", make(clock))
    assert store.load("k") is not None


def test_many_threads_at_once(store: SessionStore, clock: Clock) -> None:
    """Nothing is lost and nothing mixed up when threads use a store together."""

    def work(number: int) -> bool:
        key, session = f"k{number}", make(clock, subject=str(number % 7), data=b"%d" % number)
        store.create(key, session)
        seen = store.load(key) == session and store.update(key, session)
        if number % 2:
            store.revoke(key)
        return seen

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(200)))
    assert [number for number in range(200) if store.load(f"k{number}")] == list(range(0, 200, 2))


def test_many_processes_at_once(tmp_path: Path, clock: Clock) -> None:
    """Several processes make the file together, and each finds what the others have written."""
    path = tmp_path / "s.db"
    program = (
        "import sys; from ramekin.sessions import *\n"
        f"store = SQLiteStore({str(path)!r})\n"
        "for number in range(50):\n"
        f"    store.create(f'{{sys.argv[1]}}-{{number}}', StoredSession(b'x', '7', 0, {clock.now * 2}))\n"
    )
    running = [subprocess.Popen([sys.executable, "-c", program, name], stderr=subprocess.PIPE) for name in "abcd"]
    errors = [process.communicate()[1] for process in running]
    assert errors == [b""] * 4
    assert SQLiteStore(path).revoke_all("7") == 200


class Busy(sqlite3.Connection):
    """A connection that finds others opening the file, as often as ``refusals`` says."""

    refusals = 0

    def execute(self, sql: str, *parameters: Any) -> sqlite3.Cursor:
        if sql.startswith("PRAGMA journal_mode") and Busy.refusals:
            Busy.refusals -= 1
            raise sqlite3.OperationalError("database is locked")
        return super().execute(sql, *parameters)


def test_a_file_that_others_are_opening_is_waited_for(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite refuses at once those who switch a new file's journal together; they try again."""
    monkeypatch.setattr(sqlite3, "connect", partial(sqlite3.connect, factory=Busy))
    monkeypatch.setattr(Busy, "refusals", 3)
    SQLiteStore(tmp_path / "s.db", clock=clock).create("k", make(clock))
    assert Busy.refusals == 0
    assert SQLiteStore(tmp_path / "s.db", clock=clock).load("k") == make(clock)


def test_a_file_that_stays_locked_is_an_error(tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """What waits in vain says so."""
    monkeypatch.setattr("ramekin.sessions.sqlite._BUSY_SECONDS", 0)
    holder = sqlite3.connect(tmp_path / "s.db", isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        SQLiteStore(tmp_path / "s.db", clock=clock).load("k")
    holder.close()


def test_connections_of_another_process_are_left_alone(tmp_path: Path, clock: Clock) -> None:
    """What a parent has opened is neither used nor closed; the test stands for the child."""
    store = SQLiteStore(tmp_path / "s.db", clock=clock)
    store.create("k", make(clock))
    (inherited,) = store._idle
    store._process = -1
    assert store.load("k") is not None
    assert (inherited in store._idle, inherited.execute("SELECT 1").fetchone()) == (False, (1,))
    inherited.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="There is no fork here.")
def test_connections_are_not_carried_across_a_fork(tmp_path: Path, clock: Clock) -> None:
    """A server that forks after the store was used has connections of its own in each worker."""
    program = (
        "import os; from ramekin.sessions import *\n"
        f"store = SQLiteStore({str(tmp_path / 's.db')!r})\n"
        f"store.create('parent', StoredSession(b'x', None, 0, {clock.now * 2}))\n"
        "pid = os.fork()\n"
        "before = list(store._idle)\n"
        "assert store.load('parent')\n"
        "if pid == 0:\n"
        "    assert store._idle and store._idle[0] not in before\n"
        f"    store.create('child', StoredSession(b'x', None, 0, {clock.now * 2}))\n"
        "    os._exit(0)\n"
        "assert os.waitpid(pid, 0)[1] == 0\n"
        "assert store._idle == before and store.load('child')\n"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")
