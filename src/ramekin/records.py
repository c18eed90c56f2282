"""Records: the frozen data that an API is described by.

A record is made by the codec's library, whose classes cost a fifth of what a frozen dataclass costs to define; there
are enough of them for that to be felt in every import of Ramekin.
"""

from __future__ import annotations

from typing import Any, Self

import msgspec


class Record(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """A frozen record; a subclass says so too, and states its fields as annotations, all of them given by name.

    Two records are equal when they are one object.

    Example:
        >>> class Point(Record, frozen=True):
        ...     x: int
        ...     y: int = 0
        >>> Point(x=1).changed(y=2)
        Point(x=1, y=2)
    """

    def changed(self, **changes: Any) -> Self:
        """Return this record with some values replaced."""
        return msgspec.structs.replace(self, **changes)
