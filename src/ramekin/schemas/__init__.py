"""Schemas as the core uses them: strict loaders, dumpers, coded messages, and faults with pointers."""

from __future__ import annotations

from ramekin.schemas.compiled_dump import compile_dump
from ramekin.schemas.compiled_load import compile_load
from ramekin.schemas.faults import Fault, collect_faults
from ramekin.schemas.kinds import Kind, accepted_kind
from ramekin.schemas.loading import compile_dumper, compile_loader
from ramekin.schemas.messages import Message
from ramekin.schemas.shapes import resolve

__all__ = [
    "Fault",
    "Kind",
    "Message",
    "accepted_kind",
    "collect_faults",
    "compile_dump",
    "compile_dumper",
    "compile_load",
    "compile_loader",
    "resolve",
]
