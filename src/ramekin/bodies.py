"""Bodies: the bytes of a request, read within its limits and never past the end that was announced.

Specification: RFC 9112 §6 (message body length); RFC 9110 §8.4 (content codings).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

from ramekin.problems import BadRequest, ContentTooLarge

#: What clients call gzip (RFC 9110 §8.4.1.3).
GZIP_CODINGS = frozenset({"gzip", "x-gzip"})
#: How many bytes are read at once.
CHUNK_BYTES = 65_536
#: Most members of one gzip body; each costs the making of an unpacker, whatever is in it.
_GZIP_MEMBERS = 100


class ByteStream(Protocol):
    """Bytes to be read, as a server hands them over."""

    def read(self, size: int = -1, /) -> bytes:
        """Return at most ``size`` bytes, none at the end."""
        ...


class Bounds:
    """What is left of a body between the end that was announced and the limit.

    Args:
        length: The announced length in bytes, or None where the body ends by itself.
        limit: Most bytes that may come.

    Raises:
        ContentTooLarge: 413, more was announced.
    """

    __slots__ = ("_room", "left", "limit")

    def __init__(self, length: int | None, limit: int) -> None:
        if length is not None and length > limit:
            raise ContentTooLarge(f"The content may have at most {limit} bytes.")
        self.left = length
        self.limit = limit
        self._room = limit

    def count(self, chunk: bytes) -> None:
        """Take note of bytes that came; none are the end.

        Raises:
            BadRequest: 400, they end early, or go on beyond their end.
            ContentTooLarge: 413, they are more than the limit allows.
        """
        size = len(chunk)
        self._room -= size
        if self.left is not None:
            if not size and self.left:
                raise BadRequest("The content is shorter than its Content-Length says.")
            self.left -= size
            if self.left < 0:
                raise BadRequest("The content is longer than its Content-Length says.")
        if self._room < 0:
            raise ContentTooLarge(f"The content may have at most {self.limit} bytes.")

    def end(self) -> None:
        """Take note of the end; see `count`."""
        self.count(b"")


def broken_off() -> BadRequest:
    """Return the problem of a body that ends, or cannot be read, before its end."""
    return BadRequest("The content could not be read to its end.")


class BoundedStream:
    """A server's stream, read within a limit and never past the end that was announced.

    Args:
        stream: What the server gives.
        bounds: How much of it may be read.
    """

    __slots__ = ("_bounds", "_stream")

    def __init__(self, stream: ByteStream, bounds: Bounds) -> None:
        self._stream = stream
        self._bounds = bounds

    def read(self, size: int = -1, /) -> bytes:
        """Return the next bytes: all that are left, or at most ``size``.

        Raises:
            BadRequest: The stream ended early, or the server could not read it.
            ContentTooLarge: More bytes came than the limit allows.
        """
        if size is None or size < 0:
            return self._read_all()
        if size == 0 or self._bounds.left == 0:
            return b""
        return self._take(size)

    def _read_all(self) -> bytes:
        # Most servers have the whole of an announced body ready, and give it at once.
        left = self._bounds.left
        first = self._take(left) if left else b""
        return b"".join((first, *self)) if self._bounds.left != 0 else first

    def _take(self, size: int) -> bytes:
        left = self._bounds.left
        try:
            chunk = self._stream.read(size if left is None else min(size, left))
        except BadRequest:
            raise
        except Exception as error:  # Each server has errors of its own for a broken chunk or a lost client.
            raise broken_off() from error
        self._bounds.count(chunk)
        return chunk

    def __iter__(self) -> Iterator[bytes]:
        while chunk := self.read(CHUNK_BYTES):
            yield chunk


class UnpackedStream:
    """A stream of gzip, unpacked as it is read, never past the limit.

    Args:
        stream: The packed bytes.
        limit: Most unpacked bytes that may be read.

    Specification:
        RFC 9110 §8.4.1.3; RFC 1952 §2.2 for several members.
    """

    __slots__ = ("_limit", "_members", "_read", "_stream", "_unpacker")

    def __init__(self, stream: ByteStream, limit: int) -> None:
        self._stream = stream
        self._limit = limit
        self._read = 0
        self._members = 0
        self._unpacker: Any = None

    def read(self, size: int = -1, /) -> bytes:
        """Return the next bytes: all that are left, or at most ``size``.

        Raises:
            BadRequest: The bytes are no gzip, or end early.
            ContentTooLarge: They unpack to more than the limit allows.
        """
        if size is None or size < 0:
            return b"".join(self)
        if size == 0:
            return b""
        chunk = self._unpack(min(size, self._limit - self._read + 1))
        self._read += len(chunk)
        if self._read > self._limit:
            raise ContentTooLarge(f"The content may have at most {self._limit} bytes, unpacked.")
        return chunk

    def _unpack(self, most: int) -> bytes:
        import zlib

        while True:
            if self._unpacker is None or self._unpacker.eof:
                packed = (self._unpacker and self._unpacker.unused_data) or self._stream.read(CHUNK_BYTES)
                if not packed:
                    return b""
                self._members += 1
                if self._members > _GZIP_MEMBERS:
                    raise BadRequest(f"The content has more than {_GZIP_MEMBERS} members of gzip.")
                self._unpacker = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
            else:
                packed = self._unpacker.unconsumed_tail or self._stream.read(CHUNK_BYTES)
            try:
                chunk: bytes = self._unpacker.decompress(packed, most)
            except zlib.error:
                raise BadRequest("The content is no gzip.") from None
            if chunk:
                return chunk
            if not packed and not self._unpacker.eof:
                raise BadRequest("The gzip content ends early.")

    def __iter__(self) -> Iterator[bytes]:
        while chunk := self.read(CHUNK_BYTES):
            yield chunk
