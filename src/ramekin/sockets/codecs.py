"""Messages as texts: read within the limits and loaded by their schema, dumped by theirs.

Specification: RFC 6455 §5.6 (text and binary), §7.4.1 (close codes).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from ramekin import json
from ramekin.errors import ContractError
from ramekin.operations import Dialog
from ramekin.outcomes import compile_item_encoder
from ramekin.schemas import compile_reader
from ramekin.sockets.errors import INVALID_DATA, POLICY, UNSUPPORTED, InvalidMessage

if TYPE_CHECKING:
    from ramekin.limits import Limits
    from ramekin.operations import Operation
    from ramekin.settings import Settings
    from ramekin.types import Shape


class MessageCodec:
    """Loads and dumps the messages of one operation.

    Attributes:
        read: Loads a message as the server hands it over; None where clients may send nothing.
        write: Dumps a value.
        message_bytes: Most bytes of a message.
        idle_seconds: How long a client may send nothing; None for ever.
        subprotocols: The subprotocols, the best first.
    """

    __slots__ = ("idle_seconds", "message_bytes", "read", "subprotocols", "write")

    def __init__(self, operation: Operation, settings: Settings) -> None:
        dialog = operation.effects.dialog or Dialog()
        self.read = None if dialog.receives is None else _compile_read(dialog.receives, operation.limits, settings)
        self.write: Callable[[Any], Any] = _send_none if dialog.sends is None else compile_item_encoder(dialog.sends)
        self.message_bytes = operation.limits.message_bytes
        self.idle_seconds = dialog.idle_seconds
        self.subprotocols = dialog.subprotocols

    def choose_subprotocol(self, offered: list[str]) -> str | None:
        """Return the best subprotocol that the client offers; None where there is none."""
        return next((name for name in self.subprotocols if name in offered), None)


def measure(message: Mapping[str, Any]) -> int:
    """Return how many bytes a message has, text or binary."""
    text: str | None = message.get("text")
    if text is None:
        return len(message.get("bytes") or b"")
    return len(text) if text.isascii() else len(text.encode())


def _compile_read(shape: Shape, limits: Limits, settings: Settings) -> Callable[[Mapping[str, Any]], Any]:
    load = compile_reader(shape, "json", coerce=False, number_digits=limits.number_digits)
    most, unique_keys = limits.reported_errors, settings.unique_keys

    def read(message: Mapping[str, Any]) -> Any:
        text: str | None = message.get("text")
        if text is None:
            raise InvalidMessage(UNSUPPORTED, "Messages are text, not binary.")
        body = text.encode()
        try:
            raw = json.decode(body, limits, unique_keys=unique_keys)
        except json.JSONError as error:
            raise InvalidMessage(INVALID_DATA, error.detail) from None
        value, faults = load(raw)
        if faults:
            first = faults[0]
            raise InvalidMessage(POLICY, f"{first.pointer or '/'}: {first.detail}", faults[:most])
        return value

    return read


def _send_none(value: Any) -> bytes:
    raise ContractError("The handler sends a message, but declares none: messages(sends=…).")
