"""The mistakes of a test: a call that its operation does not take, a result read as what it is not."""

from __future__ import annotations

from ramekin.errors import RamekinError


class CallError(RamekinError):
    """A test asked for a request that cannot be made: an argument too many, one missing, an operation unknown."""


class ResultError(RamekinError):
    """A test read a result as what it is not: JSON where there is none, a problem where there was a success."""


class ProtocolError(RamekinError):
    """An application behind the test client does not keep to its protocol; middleware can be the cause."""
