"""Values of Python as plain JSON values, for what a document repeats of a declaration.

Specification: RFC 8259.
"""

from __future__ import annotations

import datetime
import enum
import math
import uuid
from collections.abc import Mapping
from decimal import Decimal
from typing import Any


class NotJSON(ValueError):
    """A value has no form in JSON."""


def to_json(value: Any) -> Any:
    """Return a value in the types of JSON; containers are new.

    Raises:
        NotJSON: It has no form in JSON.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, enum.Enum):
        return to_json(value.value)
    if isinstance(value, str):
        return str(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float | Decimal):
        return _number(value)
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, uuid.UUID):
        return str(value)
    if isinstance(value, Mapping):
        return {str(to_json(key)): to_json(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [to_json(inner) for inner in value]
    if isinstance(value, set | frozenset):
        return sorted((to_json(inner) for inner in value), key=repr)
    raise NotJSON(f"{type(value).__name__} has no form in JSON.")


def _number(value: float | Decimal) -> int | float:
    if not math.isfinite(value):
        raise NotJSON("A number in JSON is finite.")
    return int(value) if isinstance(value, Decimal) and value == value.to_integral_value() else float(value)
