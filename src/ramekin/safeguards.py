"""Header fields that keep browsers from making more of an answer than it is.

They follow from the content's type alone, so those of a declared success are made when the app is compiled.

Specification: Fetch §3.6 (``X-Content-Type-Options``), CSP Level 3, RFC 9111 §5.2.2.5 (``no-store``), RFC 6797 (HSTS).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ramekin.requests import REMEMBERED, REMEMBERED_CHARACTERS
from ramekin.responses import is_json
from ramekin.steps import Exchange, Phase, Step

if TYPE_CHECKING:
    from ramekin.responses import Reply

#: The type stands as it is said: no browser finds a page or script in what somebody stored.
NO_SNIFFING = ("X-Content-Type-Options", "nosniff")
#: JSON that is shown as a page, or framed by one, loads and runs nothing.
NO_CONTENT_LOADED = ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
#: A failure is of this moment and of this request, whose id it has.
NOT_STORED = ("Cache-Control", "no-store")

Pairs = Sequence[tuple[str, str]]


class Safeguards:
    """Adds these header fields to those of a response.

    Args:
        enabled: Whether it does.
    """

    __slots__ = ("_enabled", "_known")

    def __init__(self, *, enabled: bool = True) -> None:
        self._enabled = enabled
        self._known: dict[tuple[str | None, bool], Pairs] = {}

    def add(self, pairs: list[tuple[str, str]], *, is_problem: bool = False) -> list[tuple[str, str]]:
        """Return header fields with those added that their content needs; a field that is there stays as it is.

        A problem that is merely ``private`` becomes one that is not stored, which is stricter (RFC 9111 §5.2.2.5).
        """
        if not self._enabled:
            return pairs
        if is_problem:
            # What is for one client alone is still not to be stored.
            pairs = [pair for pair in pairs if pair[0].lower() != "cache-control" or pair[1].lower() != "private"]
        present = {name.lower(): value for name, value in pairs}
        needed = self._find(present.get("content-type"), is_problem)
        return [*pairs, *(pair for pair in needed if pair[0].lower() not in present)]

    def _find(self, content_type: str | None, is_problem: bool) -> Pairs:
        key = content_type, is_problem
        found = self._known.get(key)
        if found is None:
            found = tuple(_needed(content_type, is_problem))
            if len(self._known) < REMEMBERED and len(content_type or "") <= REMEMBERED_CHARACTERS:
                self._known[key] = found
        return found


def _needed(content_type: str | None, is_problem: bool) -> list[tuple[str, str]]:
    needed = [] if content_type is None else [NO_SNIFFING]
    if content_type is not None and is_json(content_type):
        needed.append(NO_CONTENT_LOADED)
    return [*needed, NOT_STORED] if is_problem else needed


def hsts_step(seconds: int) -> Step:
    """Return the step that has browsers use HTTPS alone; an answer over HTTP must not say so (RFC 6797 §7.2).

    Args:
        seconds: How long.
    """
    value = f"max-age={seconds}"

    def leave(exchange: Exchange, reply: Reply[Any]) -> Reply[Any]:
        if exchange.request.scheme == "https" and "Strict-Transport-Security" not in reply.headers:
            reply.headers.add("Strict-Transport-Security", value)
        return reply

    return Step(phase=Phase.OUTER, name="hsts", leave=leave, blocking=False)
