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


def compile_is_logged(settings: Settings) -> Callable[[], bool]:
    """Return what tells whether records are written now."""
    if not settings.access_log:
        return _never
    # The logger keeps what it found for each level and empties that when a configuration changes. To look there first
    # takes half as long as to ask it. Where there is no such dict, nothing is ever found in the one that stands for it.
    known: dict[int, bool] = getattr(_ACCESS, "_cache", {})
    find, info, is_enabled = known.get, logging.INFO, partial(_ACCESS.isEnabledFor, logging.INFO)

    def is_logged() -> bool:
        return is_enabled() if find(info) is not False else False

    return is_logged


def _never() -> bool:
    return False


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
