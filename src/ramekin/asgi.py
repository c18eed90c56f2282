"""The ASGI gateway: reads the scope and the messages, finds the plan, sends its answer.

An operation all of whose parts are async runs on the server's event loop. Any other runs in a thread of a bounded pool,
its context variables carried there, while its async parts run on the loop.

Specification: ASGI 3.0, HTTP and WebSocket message format 2.5; RFC 9112 §9.6 for closing connections.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    pass
