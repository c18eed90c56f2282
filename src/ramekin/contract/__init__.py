"""The contract: responses and requests held against the document that the app emits.

The test client checks with it what passes; the setting ``contract`` has a running app check itself. It needs the extra
``ramekin[testing]``.
"""

from __future__ import annotations

from ramekin.contract.contracts import Contract
from ramekin.contract.examples import WrongExample, check_examples
from ramekin.contract.records import Breach, ContractBreach, Exercise, Kind

__all__ = ["Breach", "Contract", "ContractBreach", "Exercise", "Kind", "WrongExample", "check_examples"]
