"""Schemas as the core uses them: strict loaders, dumpers, coded messages, and faults with pointers."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ramekin.schemas.compiled_dump import compile_dump, compile_encoders
    from ramekin.schemas.compiled_load import compile_load
    from ramekin.schemas.faults import Fault, collect_faults
    from ramekin.schemas.kinds import Kind, accepted_kind
    from ramekin.schemas.loading import (
        BodyReader,
        compile_body_reader,
        compile_dumper,
        compile_encoder,
        compile_loader,
        compile_reader,
    )
    from ramekin.schemas.messages import Message
    from ramekin.schemas.shapes import resolve

__all__ = [
    "BodyReader",
    "Fault",
    "Kind",
    "Message",
    "accepted_kind",
    "collect_faults",
    "compile_body_reader",
    "compile_dump",
    "compile_dumper",
    "compile_encoder",
    "compile_encoders",
    "compile_load",
    "compile_loader",
    "compile_reader",
    "resolve",
]

#: The module of each name. To register resources takes few of them, so each is imported when it is first asked for.
_HOMES = {
    "BodyReader": "loading",
    "Fault": "faults",
    "Kind": "kinds",
    "Message": "messages",
    "accepted_kind": "kinds",
    "collect_faults": "faults",
    "compile_body_reader": "loading",
    "compile_dump": "compiled_dump",
    "compile_dumper": "loading",
    "compile_encoder": "loading",
    "compile_encoders": "compiled_dump",
    "compile_load": "compiled_load",
    "compile_loader": "loading",
    "compile_reader": "loading",
    "resolve": "shapes",
}


def __getattr__(name: str) -> object:
    """Import a public name from its module (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
