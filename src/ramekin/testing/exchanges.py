"""Who wants to know what a test run exercised."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from ramekin.contract.records import Exercise
    from ramekin.sites import Site

Observer: TypeAlias = "Callable[[Site, Exercise], None]"

#: Called by every client with each exchange that kept the contract.
observers: list[Observer] = []
