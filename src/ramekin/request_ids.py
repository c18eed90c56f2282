"""Request ids: random names, which nobody can guess and no two requests share."""

from __future__ import annotations

import os

_DIGITS = 32
#: Names are made so many at once: one call of the system's source of randomness costs more than a whole answer.
_AT_ONCE = 128

#: Names that were not given out yet.
_ready: list[str] = []
# Two processes must not give out the names that one of them made before it became two.
os.register_at_fork(after_in_child=_ready.clear)


def new_request_id() -> str:
    """Return 32 random hexadecimal digits, from the system's source of randomness for secrets."""
    try:
        return _ready.pop()
    except IndexError:
        text = os.urandom(_AT_ONCE * _DIGITS // 2).hex()
        _ready.extend(text[start : start + _DIGITS] for start in range(_DIGITS, len(text), _DIGITS))
        return text[:_DIGITS]
