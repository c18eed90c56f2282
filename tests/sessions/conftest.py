"""A site with sessions whose one resource does what a test tells it, in each way in which sessions are kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from marshmallow import fields

from ramekin import App, Resource, Settings, returns
from ramekin.sessions import AsyncSessionStore, MemoryStore, Session, SessionStore, SQLiteStore, StoredSession, sessions
from ramekin.testing import Client
from ramekin.testing.results import Result

KEY = "the key of this month"


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


class AsyncStore:
    """A store whose methods are coroutines."""

    def __init__(self, store: SessionStore) -> None:
        self.store = store

    async def load(self, key: str) -> StoredSession | None:
        return self.store.load(key)

    async def create(self, key: str, session: StoredSession) -> None:
        self.store.create(key, session)

    async def update(self, key: str, session: StoredSession) -> bool:
        return self.store.update(key, session)

    async def revoke(self, key: str) -> None:
        self.store.revoke(key)

    async def revoke_all(self, subject: str, *, keep: str | None = None) -> int:
        return self.store.revoke_all(subject, keep=keep)


class Site:
    """An app with sessions, and a browser; the one resource does what it is told with the session."""

    def __init__(
        self,
        clock: Clock,
        store: SessionStore | AsyncSessionStore | None = None,
        *,
        settings: Settings | None = None,
        prepare: Callable[[App], None] = lambda app: None,
        **options: Any,
    ) -> None:
        self.clock = clock
        self.store = store
        self.app = app = App("Shop", settings=settings or Settings(secret_key=KEY))
        app.declare(sessions(store=store, clock=clock, **options))
        prepare(app)
        self.act: Callable[[Session], Any] = dict
        outer = self

        @app.resource("/")
        class Root(Resource):
            @returns(fields.Raw(allow_none=True))
            def get(self) -> Any:
                return outer.act(self.session)

            @returns(fields.Raw(allow_none=True))
            def post(self) -> Any:
                return outer.act(self.session)

        self.client = Client(app, raise_exceptions=False)

    def use(self, act: Callable[[Session], Any] = dict, method: str = "GET", **options: Any) -> Result:
        """Do something with the session of a request, by default return all that is in it."""
        self.act = act
        return self.client.request(method, "/", **options)

    @property
    def cookie(self) -> str:
        """What the browser keeps; empty for nothing."""
        return self.client.get_cookie("session") or ""

    @cookie.setter
    def cookie(self, value: str) -> None:
        self.client.delete_cookie("session")
        if value:
            self.client.set_cookie("session", value)


@pytest.fixture
def clock() -> Clock:
    """A clock that stands still."""
    return Clock()


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, clock: Clock, tmp_path: Path) -> SessionStore:
    """Each store that Ramekin has."""
    return MemoryStore(clock=clock) if request.param == "memory" else SQLiteStore(tmp_path / "s.db", clock=clock)


@pytest.fixture(params=["cookie", "memory", "sqlite", "async"])
def kept(request: pytest.FixtureRequest, clock: Clock, tmp_path: Path) -> SessionStore | AsyncSessionStore | None:
    """Each way in which sessions are kept; None is in the cookie."""
    if request.param == "sqlite":
        return SQLiteStore(tmp_path / "s.db", clock=clock)
    memory = MemoryStore(clock=clock)
    return {"cookie": None, "memory": memory, "async": AsyncStore(memory)}[request.param]


@pytest.fixture
def site(clock: Clock, kept: SessionStore | AsyncSessionStore | None) -> Site:
    """A site that keeps its sessions in each of these ways."""
    return Site(clock, kept)
