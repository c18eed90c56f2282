"""The declaration of messages.

Specification: RFC 6455 §1.9 and §4.2.2 (subprotocols), §10.2 (origins).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import timedelta
from typing import TYPE_CHECKING

from ramekin.errors import DeclarationError
from ramekin.operations import SOCKET, Declaration, Dialog, Effects, Endpoint, Operation, Outcome
from ramekin.origins import check_origins
from ramekin.problems import Forbidden
from ramekin.schemas import resolve
from ramekin.sockets.origins import ANY, is_allowed
from ramekin.steps import Exchange, Phase, Step
from ramekin.types import SchemaLike, Shape

if TYPE_CHECKING:
    from ramekin.settings import Settings

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


class ForeignOrigin(Forbidden):
    """A page of this origin may not open a connection."""

    code = "foreign-origin"


class Messages(Declaration):
    """The record of `messages`."""

    def __init__(
        self,
        receives: SchemaLike | None,
        sends: SchemaLike | None,
        subprotocols: tuple[str, ...],
        trusted_origins: frozenset[str],
        idle: timedelta | None,
    ) -> None:
        self._receives = receives
        self._sends = sends
        self._shapes: tuple[Shape | None, Shape | None] | None = None
        self.subprotocols = subprotocols
        self.trusted_origins = trusted_origins
        self.idle = idle

    def effects(self, endpoint: Endpoint) -> Effects:
        """Carry these messages."""
        if endpoint.method != SOCKET:
            raise DeclarationError(f"{endpoint.where} answers {endpoint.method}; @messages goes on a method websocket.")
        if self._shapes is None:
            self._shapes = (
                self._resolve(self._receives, endpoint, "Received"),
                self._resolve(self._sends, endpoint, "Sent"),
            )
        receives, sends = self._shapes
        return Effects(
            outcomes=(Outcome(status=101),),
            problems=(ForeignOrigin,),
            provides={"socket": lambda exchange: exchange.request.socket},  # type: ignore[attr-defined]  # The gateway's.
            dialog=Dialog(
                receives=receives,
                sends=sends,
                subprotocols=self.subprotocols,
                idle_seconds=None if self.idle is None else self.idle.total_seconds(),
            ),
        )

    @staticmethod
    def _resolve(given: SchemaLike | None, endpoint: Endpoint, suffix: str) -> Shape | None:
        if given is None:
            return None
        name = f"{endpoint.id[:1].upper()}{endpoint.id[1:]}{suffix}"
        return resolve(given, where=f"{endpoint.where}: messages(…)", name=name)

    def steps(self, operation: Operation, settings: Settings) -> Iterable[Step]:
        """Refuse pages of other origins."""
        yield Step(phase=Phase.ADMIT, name="websocket-origin", enter=self._check_origin, blocking=False)

    def _check_origin(self, exchange: Exchange) -> None:
        if not is_allowed(exchange.request, self.trusted_origins):
            raise ForeignOrigin


def messages(
    *,
    receives: SchemaLike | None = None,
    sends: SchemaLike | None = None,
    subprotocols: Iterable[str] = (),
    trusted_origins: Iterable[str] = (),
    idle: timedelta | None = None,
) -> Messages:
    """Declare the messages of a method ``websocket``, each a text that holds JSON.

    Args:
        receives: Schema of what clients send; they may send nothing when None.
        sends: Schema of what they are sent; nothing when None.
        subprotocols: Subprotocols, the best first; the first that the client offers is chosen.
        trusted_origins: Other origins whose pages may connect, such as ``https://shop.example``; ``*`` for any. Pages
            of the server's own host may always, and so may clients that are no browsers, which send none.
        idle: How long a client may send nothing; for ever when None.

    Returns:
        A decorator for a method ``websocket``.

    Raises:
        DeclarationError: There are no messages at all; a subprotocol or an origin is none, or the time is not positive.
    """
    if receives is None and sends is None:
        raise DeclarationError("messages() takes receives=…, sends=… or both.")
    if isinstance(subprotocols, str):
        raise DeclarationError(f"messages(subprotocols=…) takes several names, not the text {subprotocols!r}.")
    offered = tuple(subprotocols)
    for name in offered:
        if not isinstance(name, str) or not _TOKEN.fullmatch(name):
            raise DeclarationError(f"messages(subprotocols=…): {name!r} is no token (RFC 6455 §4.1).")
    trusted = _check_trusted(trusted_origins)
    if idle is not None and (not isinstance(idle, timedelta) or idle <= timedelta(0)):
        raise DeclarationError(f"messages(idle=…) takes a timedelta longer than none, not {idle!r}.")
    if idle is not None and receives is None:
        raise DeclarationError("messages(idle=…) goes with receives=…; a client that may send nothing is always idle.")
    return Messages(receives, sends, offered, trusted, idle)


def _check_trusted(given: Iterable[str]) -> frozenset[str]:
    origins = given if isinstance(given, str) else tuple(given)
    return (
        frozenset({ANY}) if ANY in origins and origins != ANY else check_origins(origins, "messages(trusted_origins=…)")
    )
