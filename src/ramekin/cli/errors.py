"""What ends a command before its work is done."""

from __future__ import annotations


class CommandError(Exception):
    """The command cannot be done as it was given; its message says why and what would help."""
