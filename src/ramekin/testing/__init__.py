"""Testing: a client that calls an app in its own process.

Import it in tests only: it loads Werkzeug's test module, which a server has no use for.
"""

from __future__ import annotations

from ramekin.testing.client import Client, RequestOptions
from ramekin.testing.errors import CallError, ResultError
from ramekin.testing.results import Result

__all__ = ["CallError", "Client", "RequestOptions", "Result", "ResultError"]
