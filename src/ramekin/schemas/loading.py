"""Loaders and dumpers: the functions that a plan calls for each request."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from marshmallow import Schema, ValidationError
from marshmallow.types import UnknownOption

from ramekin.json import compile_decode
from ramekin.limits import Limits
from ramekin.schemas.compiled_dump import compile_dump, compile_encode, compile_field_dump, compile_field_encode
from ramekin.schemas.compiled_load import (
    compile_body_run,
    compile_field_load,
    compile_field_run,
    compile_load,
    compile_run,
)
from ramekin.schemas.faults import Fault, compile_tell_one, compile_teller
from ramekin.schemas.finders import Find, compile_finder
from ramekin.schemas.judges import NUMBER_DIGITS
from ramekin.schemas.strictness import make_strict, rules_for
from ramekin.schemas.watching import Watch
from ramekin.types import Location, Shape

#: Loads an input and returns ``(loaded, None)``, or ``(None, faults)``.
Read: TypeAlias = Callable[[Any], "tuple[Any, list[Fault] | None]"]


def compile_loader(
    shape: Shape,
    location: Location,
    *,
    coerce: bool = False,
    unknown: UnknownOption | None = None,
    number_digits: int = NUMBER_DIGITS,
) -> Callable[[Any], Any]:
    """Return the function that loads one input, by a private copy of the schema.

    Args:
        shape: What the operation declares; it is never changed.
        location: Where the input comes from, which says what form its values have.
        coerce: Whether marshmallow's own leniency holds, in place of the documented types.
        unknown: What happens to unknown names, where it is not for the schema to say.
        number_digits: Most digits of a number in text.

    Returns:
        A function of the input that returns what marshmallow loads, safe to call from threads. It raises
        `marshmallow.ValidationError`; messages of ours are `Message`, any other has the code ``invalid``.
    """
    strict = _make_private(shape, location, coerce, unknown, number_digits)
    return compile_load(strict, shape=shape) if isinstance(strict, Schema) else compile_field_load(strict)


def compile_reader(
    shape: Shape,
    location: Location,
    *,
    coerce: bool = False,
    unknown: UnknownOption | None = None,
    number_digits: int = NUMBER_DIGITS,
) -> Read:
    """Return the function that loads one input and tells its faults without raising.

    Args:
        shape: What the operation declares; it is never changed.
        location: Where the input comes from, which says what form its values have.
        coerce: Whether marshmallow's own leniency holds, in place of the documented types.
        unknown: What happens to unknown names, where it is not for the schema to say.
        number_digits: Most digits of a number in text.

    Returns:
        A function of the input, safe to call from threads, that returns ``(loaded, None)``, or ``(None, faults)``
        with the faults that `collect_faults` gives for the error of `compile_loader`.
    """
    return _compile_read(shape, location, _make_private(shape, location, coerce, unknown, number_digits))


def _compile_read(shape: Shape, location: Location, strict: Shape) -> Read:
    run = compile_run(strict, shape=shape) if isinstance(strict, Schema) else compile_field_run(strict)
    tell = compile_teller(shape, location)

    def read(value: Any) -> tuple[Any, list[Fault] | None]:
        try:
            loaded, messages = run(value)
        except ValidationError as error:
            # An overridden handle_error may raise one of its own.
            return None, tell(error.messages)
        return (loaded, None) if messages is None else (None, tell(messages))

    return read


class BodyReader:
    """Loads JSON bodies and tells their faults without raising; safe to use from threads.

    Attributes:
        read: Takes the bytes of a body, with the results of `compile_reader` on what `ramekin.json.decode` makes of
            them. It raises what that raises. It is compiled with the first body, since nested schemas may be named
            before they are there; so it is to be looked up for each body.
    """

    __slots__ = ("_compile", "read")

    def __init__(self, compile_read: Callable[[], Read]) -> None:
        self._compile = compile_read
        self.read: Read = self._read_first

    def _read_first(self, body: bytes) -> tuple[Any, list[Fault] | None]:
        if self.read == self._read_first:  # Another thread may have been here, or it was looked up too early.
            self.read = self._compile()
        return self.read(body)


def compile_body_reader(shape: Shape, limits: Limits, *, coerce: bool = False, unique_keys: bool = True) -> BodyReader:
    """Return what loads a JSON body and tells its faults without raising.

    Args:
        shape: What the operation declares; it is never changed.
        limits: What the body must keep to.
        coerce: Whether marshmallow's own leniency holds, in place of the documented types.
        unique_keys: Whether an object that names one member twice is refused.
    """
    strict = _make_private(shape, "json", coerce, None, limits.number_digits)
    read, decode = _compile_read(shape, "json", strict), compile_decode(limits, unique_keys=unique_keys)

    def read_in_steps(body: bytes) -> tuple[Any, list[Fault] | None]:
        return read(decode(body))

    if not isinstance(strict, Schema):
        return BodyReader(lambda: read_in_steps)
    schema: Schema = strict
    watch = Watch(shape)

    def compile_read() -> Read:
        find: Find = compile_finder(schema, compile_tell_one("json"), limits, unique_keys=unique_keys) or _find_nothing

        def read_other(body: bytes) -> tuple[Any, list[Fault] | None]:
            faults = find(body)
            return (None, faults) if faults else read_in_steps(body)

        tell = compile_teller(shape, "json")
        return compile_body_run(schema, limits, look=watch.look, tell=tell, other=read_other) or read_other

    return BodyReader(compile_read)


def _find_nothing(body: bytes) -> None:
    return None


def _make_private(
    shape: Shape, location: Location, coerce: bool, unknown: UnknownOption | None, number_digits: int
) -> Shape:
    return make_strict(shape, rules_for(location, coerce=coerce, number_digits=number_digits), unknown=unknown)


def compile_dumper(shape: Shape) -> Callable[[Any], Any]:
    """Return the function that dumps one value to what a codec can encode."""
    return compile_dump(shape) if isinstance(shape, Schema) else compile_field_dump(shape)


def compile_encoder(shape: Shape) -> Callable[[Any], bytes]:
    """Return the function that dumps one value and writes it as JSON.

    Returns:
        A function with the results and errors of `ramekin.json.encode` on what `compile_dumper` dumps, several times as
        fast: what is proved to be made of exact types of JSON is written by the codec alone.
    """
    return compile_encode(shape) if isinstance(shape, Schema) else compile_field_encode(shape)
