"""WebSockets under ASGI: resource methods that take and send messages of declared schemas.

Specification: RFC 6455 (the WebSocket protocol); ASGI WebSocket message format 2.5.
"""

from __future__ import annotations

from ramekin.sockets.declaration import ForeignOrigin, Messages, messages
from ramekin.sockets.errors import InvalidMessage, SocketClosed
from ramekin.sockets.sockets import Socket

__all__ = ["ForeignOrigin", "InvalidMessage", "Messages", "Socket", "SocketClosed", "messages"]
