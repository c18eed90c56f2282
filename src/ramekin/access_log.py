"""The access log: one record for each request, to the logger ``ramekin.access``."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from time import perf_counter
from typing import TYPE_CHECKING

from ramekin.problems import REPEATED_CHARACTERS

if TYPE_CHECKING:
    from ramekin.requests import Request
    from ramekin.settings import Settings

_ACCESS = logging.getLogger("ramekin.access")
INFO = logging.INFO


def compile_clock(settings: Settings) -> tuple[Callable[[], float | None], Mapping[int, bool]]:
    """Return what starts the clock of a request.

    Returns:
        A function that reads the clock, or returns None where no record will be written; and what the logger has found
        out about its levels, which is quicker to ask: where it has `INFO` as false, no record will be.
    """
    if not settings.access_log:
        return lambda: None, {INFO: False}

    def start_clock() -> float | None:
        return perf_counter() if _ACCESS.isEnabledFor(INFO) else None

    # A logger keeps what it found for each level, and empties that when a configuration changes. Where there is no such
    # dict, nothing is ever found in the one that stands for it.
    return start_clock, getattr(_ACCESS, "_cache", {})


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
