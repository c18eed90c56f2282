"""Values of Python as plain JSON."""

from __future__ import annotations

import datetime
import enum
import uuid
from decimal import Decimal
from typing import Any

import pytest

from ramekin.openapi.values import NotJSON, to_json


class Level(enum.IntEnum):
    LOW = 1


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        (True, True),
        (Level.LOW, 1),
        (Decimal("1.50"), 1.5),
        (Decimal("2.00"), 2),
        (datetime.date(2020, 1, 2), "2020-01-02"),
        (datetime.time(3, 4), "03:04:00"),
        (uuid.UUID(int=0), "00000000-0000-0000-0000-000000000000"),
        ({1: (1, {"b", "a"})}, {"1": [1, ["a", "b"]]}),
    ],
)
def test_value_is_written_in_types_of_json(value: Any, expected: Any) -> None:
    """What a declaration says in Python's types stands in the document in those of JSON."""
    assert to_json(value) == expected
    assert type(to_json(value)) is type(expected)


@pytest.mark.parametrize("value", [float("nan"), Decimal("Infinity"), object(), [b"bytes"]])
def test_value_without_a_form_in_json_is_refused(value: Any) -> None:
    """What JSON cannot carry raises."""
    with pytest.raises(NotJSON):
        to_json(value)
