"""Sessions: what an app remembers of a client from one request to the next, behind one cookie.

Declared once, ``app.declare(sessions(max_age=timedelta(days=14)))`` gives each request its `Session`. Without a store
the session itself is in the cookie, signed; with one the cookie holds a random id, and the session can be revoked.
Requests of unsafe methods that carry the cookie from another origin are refused.

Specification: RFC 6265bis (cookies); Fetch Metadata §2 and RFC 6454 §7 for the origin of requests.
"""

from __future__ import annotations

from ramekin.sessions.declaration import Sessions, sessions
from ramekin.sessions.memory import MemoryStore
from ramekin.sessions.session import Session
from ramekin.sessions.sqlite import SQLiteStore
from ramekin.sessions.stores import AsyncSessionStore, SessionStore, StoredSession

__all__ = [
    "AsyncSessionStore",
    "MemoryStore",
    "SQLiteStore",
    "Session",
    "SessionStore",
    "Sessions",
    "StoredSession",
    "sessions",
]
