"""What a handler of messages may meet.

Specification: RFC 6455 §7.4.1 (close codes).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ramekin.schemas import Fault

#: The closing was asked for, or everything was said.
NORMAL = 1000
#: A message of a type that is not taken: binary where text is.
UNSUPPORTED = 1003
#: A text that is no JSON.
INVALID_DATA = 1007
#: A message that breaks the rules: the schema's, or that of having to say something in time.
POLICY = 1008
TOO_BIG = 1009
#: The server failed.
INTERNAL = 1011
#: The server goes down, and comes back.
RESTART = 1012
#: The server is overloaded: its handler takes no messages.
TRY_AGAIN_LATER = 1013


class SocketClosed(Exception):
    """The connection is closed: the client left, or either side has closed it.

    Attributes:
        code: The close code; 1005 where none was given, 1006 where the connection broke.
        reason: The reason, for people; often empty.
    """

    def __init__(self, code: int, reason: str = "") -> None:
        super().__init__(f"{code} {reason}".rstrip())
        self.code = code
        self.reason = reason


class InvalidMessage(Exception):
    """A message is not what is declared; a handler that lets it pass closes the connection with its code.

    Attributes:
        code: The close code that it stands for: 1003 binary, 1007 no JSON or JSON beyond the limits, 1008 not of the
            schema.
        detail: What is wrong, for people; it repeats nothing of the message.
        faults: What is wrong where, if the schema says so.
    """

    def __init__(self, code: int, detail: str, faults: Sequence[Fault] = ()) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.faults = tuple(faults)

    @property
    def errors(self) -> list[dict[str, Any]]:
        """The faults as a problem would list them: pointer, code and detail of each."""
        return [{"pointer": fault.pointer, "code": fault.code, "detail": fault.detail} for fault in self.faults]
