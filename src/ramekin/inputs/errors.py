"""What a reader raises when the wire text is broken before any field can be judged, or passes a limit."""

from __future__ import annotations


class InputError(Exception):
    """The text of a location cannot be read at all; nothing was loaded.

    Attributes:
        status: 400 (broken) or 413 (over a limit of a body).
        code: A stable name of the fault, for programs.
        detail: One sentence for people; repeats nothing of the input.
    """

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(status, code, detail)
        self.status = status
        self.code = code
        self.detail = detail
