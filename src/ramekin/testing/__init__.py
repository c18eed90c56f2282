"""Testing: a client that calls an app in its own process, and holds what comes against the app's document.

Import it in tests only: it loads Werkzeug's test module, which a server has no use for.
"""

from __future__ import annotations

from ramekin.contract.examples import WrongExample, check_examples
from ramekin.contract.records import Breach, ContractBreach, Exercise
from ramekin.testing.client import Client, RequestOptions
from ramekin.testing.errors import CallError, ResultError, SocketRefused
from ramekin.testing.exchanges import observers
from ramekin.testing.generated import generate_cases
from ramekin.testing.implied import exercise_implied
from ramekin.testing.results import Result
from ramekin.testing.sockets import ClientSocket

__all__ = [
    "Breach",
    "CallError",
    "Client",
    "ClientSocket",
    "ContractBreach",
    "Exercise",
    "RequestOptions",
    "Result",
    "ResultError",
    "SocketRefused",
    "WrongExample",
    "check_examples",
    "exercise_implied",
    "generate_cases",
    "observers",
]
