"""Changes of a schema after it was compiled: noticed and refused, since the compiled function cannot follow them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from marshmallow import Schema, fields
from marshmallow.fields import Field

from ramekin.errors import FrozenError
from ramekin.types import Shape

T = TypeVar("T")
U = TypeVar("U")

#: Calls that look for changes: each of the first few, where a mistake in start-up code shows, then one in so many that
#: what a look costs (tens of microseconds) is not felt.
FIRST_LOOKS = 16
LOOK_EVERY = 4096
#: Calls that are counted at once: an integer that Python keeps ready is counted down in half the time.
CALLS_COUNTED = 256

_SCHEMA_ATTRIBUTES = ("fields", "load_fields", "dump_fields", "many", "partial", "unknown", "error_messages")
#: What marshmallow's fields read when they load and dump. A subclass may keep other things on itself, and marshmallow
#: itself replaces the inner fields of a container when an instance is nested.
_FIELD_ATTRIBUTES = (
    *("allow_nan", "allow_none", "as_string", "attribute", "by_value", "constant", "data_key", "default_timezone"),
    *("dump_default", "dump_only", "enum", "error_messages", "format", "load_default", "load_only", "many", "places"),
    *("post_load", "pre_load", "precision", "required", "rounding", "strict", "timezone", "truthy", "falsy"),
    *("unknown", "validators"),
)


class Watch:
    """What a schema was when it was compiled."""

    __slots__ = ("_looks", "_seen")

    def __init__(self, shape: Shape) -> None:
        self._looks = 0
        self._seen = [(place, owner, _state(owner)) for place, owner in _parts(shape, type(shape).__name__)]

    def look(self) -> int:
        """Compare the schema with what it was, when it is time.

        Returns:
            How many calls may pass before the next one.

        Raises:
            FrozenError: An attribute of the schema or of one of its fields was changed.
        """
        self._looks += 1
        late = self._looks - FIRST_LOOKS
        if late > 0 and late % (LOOK_EVERY // CALLS_COUNTED):
            return CALLS_COUNTED - 1
        for place, owner, state in self._seen:
            if _state(owner) != state:
                raise FrozenError(
                    f"{place} was changed after its schema was compiled; change a schema before its first use, "
                    "or compile it again."
                )
        return 0 if late < 0 else CALLS_COUNTED - 1


def watched(look: Callable[[], int], function: Callable[[T], U]) -> Callable[[T], U]:
    """Return a function that looks now and then whether a schema was changed.

    Args:
        look: Looks, and returns how many calls may pass before the next look.
        function: What it does at each call.
    """
    calls_to_look = 0

    def call(value: T) -> U:
        nonlocal calls_to_look
        calls_to_look -= 1
        if calls_to_look < 0:
            calls_to_look = look()
        return function(value)

    return call


def _parts(shape: Shape, place: str) -> Iterator[tuple[str, Any]]:
    yield place, shape
    if isinstance(shape, Schema):
        for name, field in shape.fields.items():
            yield from _parts(field, f"{place}.{name}")
    elif isinstance(shape, fields.List):
        yield from _parts(shape.inner, place)
    elif isinstance(shape, fields.Tuple):
        for each in shape.tuple_fields:
            yield from _parts(each, place)
    elif isinstance(shape, fields.Mapping):
        for inner in (shape.key_field, shape.value_field):
            if inner is not None:
                yield from _parts(inner, place)


def _state(owner: Schema | Field[Any]) -> int:
    """Return a number that changes with what loading and dumping depend on."""
    attributes = vars(owner)
    names = _SCHEMA_ATTRIBUTES if isinstance(owner, Schema) else _FIELD_ATTRIBUTES
    return hash(tuple((name, _identity(attributes[name])) for name in names if name in attributes))


def _identity(value: Any) -> object:
    """Return what tells a value from others: its content if it is a container, the value if it is plain."""
    if type(value) in (str, int, float, bool):
        return value
    if type(value) is dict:
        return tuple((key, id(each)) for key, each in value.items())
    if type(value) in (list, tuple):
        return tuple(map(id, value))
    return frozenset(map(id, value)) if type(value) is set else id(value)
