"""The mistakes of a test: a call that its operation does not take, a result read as what it is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ramekin.errors import RamekinError

if TYPE_CHECKING:
    from ramekin.testing.results import Result


class CallError(RamekinError):
    """A test asked for a request that cannot be made: an argument too many, one missing, an operation unknown."""


class ResultError(RamekinError):
    """A test read a result as what it is not: JSON where there is none, a problem where there was a success."""


class SocketRefused(RamekinError):
    """An app answered a request for a WebSocket connection over HTTP.

    Attributes:
        result: The answer.
    """

    def __init__(self, result: Result) -> None:
        super().__init__(repr(result))
        self.result = result


class ProtocolError(RamekinError):
    """An application behind the test client does not keep to its protocol; middleware can be the cause."""
