"""The field of marshmallow's kind that marshmallow lacks: a file in a `multipart/form-data` body.

Specification: RFC 7578 (multipart/form-data); §4.2 says why the name of a file is not to be trusted.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from typing import Any, BinaryIO

from marshmallow import fields

from ramekin.errors import DeclarationError

__all__ = ["Upload", "UploadedFile"]

# A media range of RFC 9110 §12.5.1 without parameters: `image/png`, `image/*` or `*/*`.
_NAME = r"[a-z0-9!#$%&'+.^_`|~-]+"
_MEDIA_RANGE = re.compile(rf"\*/\*|{_NAME}/(?:\*|{_NAME})")


@dataclass(frozen=True, slots=True, eq=False)
class UploadedFile:
    """One file that came in a `multipart/form-data` body; open until the request has been answered.

    Attributes:
        filename: The last part of the name that the client gave, without control characters; never a path, perhaps
            empty. Two clients may give one name, so it does not name a file of yours.
        media_type: What the client says the content is, in lower case and without parameters;
            ``application/octet-stream`` when it says nothing. Nobody has looked at the bytes.
        size: The number of bytes.
        stream: The bytes as a seekable binary stream, at its beginning; on disk when the file is large.
    """

    filename: str
    media_type: str
    size: int
    stream: BinaryIO

    def read(self) -> bytes:
        """Return all bytes, and leave the stream at its beginning."""
        self.stream.seek(0)
        content = self.stream.read()
        self.stream.seek(0)
        return content

    def save(self, path: str | PathLike[str]) -> None:
        """Write all bytes to the file at `path`, replacing one that is there, and leave the stream at its beginning.

        Args:
            path: A path of your own making; a path made from `filename` is chosen by the client.
        """
        from shutil import copyfileobj

        self.stream.seek(0)
        with open(path, "wb") as target:
            copyfileobj(self.stream, target)
        self.stream.seek(0)


class Upload(fields.Field[UploadedFile]):
    """A file of a `multipart/form-data` body, declared in `files`; loads as an `UploadedFile`.

    Args:
        max_bytes: Longest content taken, or None for what `Limits.multipart_bytes` lets through.
        media_types: The media types taken, each as `type/subtype`, `type/*` or `*/*`; empty for all. The type is the
            client's word for it, not a finding about the bytes.
        **options: What every marshmallow field takes.

    Raises:
        DeclarationError: `max_bytes` is no positive integer, or a media type cannot be read.

    Example:
        >>> from ramekin.fields import Upload
        >>> Upload(required=True, max_bytes=2_000_000, media_types=("image/*",)).media_types
        ('image/*',)
    """

    default_error_messages = {
        "invalid": "Not a file.",
        "too-large": "Longer than {max_bytes} bytes.",
        "media-type": "Media type is none of: {media_types}.",
    }

    def __init__(self, *, max_bytes: int | None = None, media_types: Sequence[str] = (), **options: Any) -> None:
        super().__init__(**options)
        if max_bytes is not None and (type(max_bytes) is not int or max_bytes < 1):
            raise DeclarationError(f"Upload(max_bytes=…) must be a positive integer or None, not {max_bytes!r}.")
        self.max_bytes = max_bytes
        self.media_types = _read_media_types(media_types)

    def takes(self, media_type: str) -> bool:
        """Tell whether content of this media type (lower case, without parameters) is taken."""
        main, slash, _ = media_type.partition("/")
        return not self.media_types or not {media_type, f"{main}{slash}*", "*/*"}.isdisjoint(self.media_types)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> UploadedFile:
        if not isinstance(value, UploadedFile):
            raise self.make_error("invalid")
        if self.max_bytes is not None and value.size > self.max_bytes:
            raise self.make_error("too-large", max_bytes=self.max_bytes)
        if not self.takes(value.media_type):
            raise self.make_error("media-type", media_types=", ".join(self.media_types))
        return value


def _read_media_types(given: Sequence[str]) -> tuple[str, ...]:
    """Return media ranges in lower case."""
    ranges: tuple[Any, ...] = (given,) if isinstance(given, str) else tuple(given)
    for one in ranges:
        if not isinstance(one, str) or not _MEDIA_RANGE.fullmatch(one.lower()):
            raise DeclarationError(
                f"Upload(media_types=…) has {one!r}; expected type/subtype, type/* or */*, without parameters."
            )
    return tuple(one.lower() for one in ranges)
