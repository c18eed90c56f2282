"""The files of one form body: spooled while they are read, closed together.

Specification: RFC 7578 §4.2 (a file's name is not to be trusted) and §4.4 (its media type).
"""

from __future__ import annotations

import re
from typing import BinaryIO, cast

from ramekin.fields import UploadedFile

#: Longest content kept in memory; a longer one goes to a temporary file.
SPOOL_BYTES = 500_000

# Control characters, line and paragraph separators, and marks that turn the direction of writing.
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def clean_filename(given: str) -> str:
    """Return the last part of a name that a client gave, without what a person would not see; never a path."""
    name = _UNSEEN.sub("", given).replace("\\", "/").rpartition("/")[2]
    return "" if name in (".", "..") else name


class Uploads:
    """The files opened while one body is read."""

    __slots__ = ("_opened",)

    def __init__(self) -> None:
        self._opened: list[BinaryIO] = []

    def open(self) -> BinaryIO:
        """Return a new, empty file, on disk once it is large."""
        from tempfile import SpooledTemporaryFile

        opened = cast(BinaryIO, SpooledTemporaryFile(max_size=SPOOL_BYTES))  # noqa: SIM115
        self._opened.append(opened)
        return opened

    def finish(self, stream: BinaryIO, filename: str, media_type: str) -> UploadedFile:
        """Return a file whose content has been written, with its stream at the beginning."""
        size = stream.tell()
        stream.seek(0)
        return UploadedFile(clean_filename(filename), media_type, size, stream)

    def close(self) -> None:
        """Close all files; a second call does nothing."""
        while self._opened:
            self._opened.pop().close()
