"""The lifespan of an app as the server's messages tell it.

Specification: ASGI Lifespan Protocol 2.0.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ramekin.lifespans import Lifespan
    from ramekin.types import Receive, Send

_LOGGER = logging.getLogger("ramekin.error")


async def serve_lifespan(lifespan: Lifespan, receive: Receive, send: Send) -> None:
    """Set up and take down when the server says so; a server is told of what failed, and does not go on."""
    await receive()
    try:
        await lifespan.start()
    except (Exception, SystemExit) as error:  # What passes, servers take for an app that knows no lifespan.
        _LOGGER.error("The app could not be set up", exc_info=error)
        await send({"type": "lifespan.startup.failed", "message": f"{type(error).__name__}: {error}"})
        return
    await send({"type": "lifespan.startup.complete"})
    await receive()
    try:
        await lifespan.stop()
    except (Exception, SystemExit) as error:
        _LOGGER.error("The app could not be taken down", exc_info=error)
        await send({"type": "lifespan.shutdown.failed", "message": f"{type(error).__name__}: {error}"})
        return
    await send({"type": "lifespan.shutdown.complete"})
