"""Bodies: the announced bytes come, and no more; too few, too many and broken ones are refused."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ramekin.bodies import BoundedStream, Bounds, UnpackedStream
from ramekin.problems import BadRequest, ContentTooLarge


class Trickle(io.BytesIO):
    """A stream that gives a byte at a time."""

    def read(self, size: int | None = -1, /) -> bytes:
        """Return one byte."""
        return super().read(min(1, 1 if size is None or size < 0 else size))


@settings(max_examples=100)
@given(content=st.binary(max_size=50), rest=st.binary(max_size=10), sizes=st.lists(st.integers(0, 9), max_size=20))
def test_a_bounded_stream_gives_its_bytes_and_no_more(content: bytes, rest: bytes, sizes: list[int]) -> None:
    """However it is read and delivered, exactly the announced bytes come."""
    for source in (io.BytesIO, Trickle):
        stream = BoundedStream(source(content + rest), Bounds(len(content), 50))
        read = b"".join(stream.read(size) for size in sizes) + stream.read()
        assert (read, stream.read(), stream.read(1)) == (content, b"", b"")


@pytest.mark.parametrize(
    ("content", "length", "limit", "problem"),
    [
        (b"abc", 4, 9, BadRequest),
        (b"", 1, 9, BadRequest),
        (b"abc", 3, 2, ContentTooLarge),
        (b"abc", None, 2, ContentTooLarge),
    ],
)
def test_a_bounded_stream_refuses(content: bytes, length: int | None, limit: int, problem: type[Exception]) -> None:
    """Too few bytes are malformed, too many too large."""
    with pytest.raises(problem):
        BoundedStream(io.BytesIO(content), Bounds(length, limit)).read()


@settings(max_examples=50)
@given(parts=st.lists(st.binary(max_size=40), max_size=4), size=st.integers(1, 60))
def test_gzip_unpacks_to_what_was_packed(parts: list[bytes], size: int) -> None:
    """Members of any content come out as one, however they are read."""
    import gzip

    packed = b"".join(map(gzip.compress, parts))
    for source in (io.BytesIO, Trickle):
        pieces = list(iter(_reader(UnpackedStream(source(packed), 200), size), b""))
        assert b"".join(pieces) == b"".join(parts)
        assert all(len(piece) <= size for piece in pieces)


def _reader(stream: UnpackedStream, size: int) -> Callable[[], bytes]:
    return lambda: stream.read(size)


def test_an_unpacked_stream_of_nothing_is_empty() -> None:
    """No byte is no gzip, and no fault either."""
    stream = UnpackedStream(io.BytesIO(), 9)
    assert (stream.read(0), stream.read()) == (b"", b"")
