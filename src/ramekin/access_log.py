"""The access log: one record for each request, to the logger ``ramekin.access``."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from ramekin.problems import REPEATED_CHARACTERS

if TYPE_CHECKING:
    from ramekin.requests import Request
    from ramekin.settings import Settings

_ACCESS = logging.getLogger("ramekin.access")
INFO = logging.INFO


def compile_is_logged(settings: Settings) -> tuple[Callable[[int], object], Callable[[], bool]]:
    """Return what tells whether records are written now, and before it what is quicker to ask.

    The first is asked for `INFO`; where it says False there is no need to ask the second.
    """
    if not settings.access_log:
        return {INFO: False}.get, lambda: False
    # A logger keeps what it found for each level, and empties that when a configuration changes. Where there is no such
    # dict, nothing is ever found in the one that stands for it.
    known: dict[int, bool] = getattr(_ACCESS, "_cache", {})
    return known.get, partial(_ACCESS.isEnabledFor, INFO)


def log_access(request: Request, status: int, sent: int, duration: float) -> None:
    """Write the record of a request: `duration` in seconds, `sent` in bytes of content."""
    operation = None if request.operation is None else request.operation.id
    path = request.path[:REPEATED_CHARACTERS]
    _ACCESS.info(
        "%s %r %d %d B %.1f ms",
        request.method[:REPEATED_CHARACTERS],
        path,
        status,
        sent,
        duration * 1000,
        extra={
            "operation": operation,
            "method": request.method,
            "path": path,
            "status": status,
            "bytes": sent,
            "duration": duration,
            "client": request.client_host,
            "request_id": request.id,
        },
    )
