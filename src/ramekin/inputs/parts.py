"""The parts of a `multipart/form-data` body, one after the other, within limits.

Specification: RFC 7578 (multipart/form-data), RFC 2046 §5.1 (boundaries). Werkzeug's decoder finds the parts; what it
would let pass (long header blocks, a long text before the first boundary, header lines without a colon, parts without
a name) is refused here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ramekin.inputs.errors import InputError
from ramekin.limits import Limits

if TYPE_CHECKING:
    from werkzeug.datastructures import Headers
    from werkzeug.sansio.multipart import Event, Field, File, MultipartDecoder

CHUNK_BYTES = 65_536

_BOUNDARY = re.compile(r"[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]")
_LINE_BREAK = re.compile(rb"[\r\n]")
_BLANK_LINE = re.compile(rb"\r\n\r\n|\r\r|\n\n")
_HEADER_LINE = re.compile(rb"[A-Za-z0-9!#$%&'*+.^_`|~-]+[ \t]*:|[ \t]")


_PARAMETER = re.compile(r""";[ \t]*([^ \t=;"]+)[ \t]*=[ \t]*(?:"(?:[^"\\]|\\.)*")?""")


@dataclass(frozen=True, slots=True)
class PartHead:
    """The head of one part: its name, the name of a file or None, and its headers."""

    name: str
    filename: str | None
    headers: Headers


def broken_form(detail: str) -> InputError:
    """Return the error of a form body that cannot be read."""
    return InputError(400, "invalid-form", detail)


def read_chunks(read: Callable[[int], bytes], most: int) -> Iterator[bytes]:
    """Yield the body in chunks, counting its bytes; all but the last have at least `CHUNK_BYTES`.

    Args:
        read: Reads at most so many bytes; empty bytes are the end.
        most: Most bytes taken.

    Raises:
        InputError: More than `most` bytes come (413); reading fails (400).
    """
    seen = given = 0
    pieces: list[bytes] = []
    while piece := _read_piece(read):
        seen += len(piece)
        if seen > most:
            raise _too_long(most)
        # A client that sends byte by byte must not make the parser run for each.
        pieces.append(piece)
        if seen - given >= CHUNK_BYTES:
            yield b"".join(pieces)
            pieces.clear()
            given = seen
    if pieces:
        yield b"".join(pieces)


def _read_piece(read: Callable[[int], bytes]) -> bytes:
    try:
        return read(CHUNK_BYTES)
    except (OSError, EOFError) as error:
        raise InputError(400, "incomplete-body", "The body could not be read to its end.") from error


def _too_long(most: int) -> InputError:
    return InputError(413, "content-too-large", f"The body is longer than {most} bytes.")


def read_parts(chunks: Iterator[bytes], boundary: str, limits: Limits) -> Iterator[PartHead | tuple[bytes, bool]]:
    """Yield the head of each part, then its content as pieces, each with a mark for the last.

    Raises:
        InputError: The boundary is missing or malformed, the body does not end with it, a head is broken (400); too
            many parts, or a head too long (413).
    """
    from werkzeug.sansio.multipart import Data, Epilogue, Field, File, MultipartDecoder, NeedData, State

    if not _BOUNDARY.fullmatch(boundary):
        raise broken_form("The Content-Type names no valid boundary.")
    decoder = MultipartDecoder(boundary.encode("ascii"))
    parts = checked = 0
    for chunk in _hold_boundaries(chunks, len(boundary)):
        if decoder.state is State.EPILOGUE:
            continue  # RFC 2046 §5.1.1: what follows the last boundary is ignored; it is counted all the same.
        decoder.receive_data(chunk)
        while True:
            if decoder.state is State.PART:
                checked = _check_head(decoder.buffer, checked, limits.part_header_bytes)
            event = _next_event(decoder)
            if isinstance(event, NeedData | Epilogue):
                break
            if isinstance(event, Data):
                yield event.data, not event.more_data
            elif isinstance(event, Field | File):
                parts += 1
                if parts > limits.form_parts:
                    raise InputError(413, "too-many-parts", f"The form has more than {limits.form_parts} parts.")
                yield _read_head(event)
        if decoder.state is State.PREAMBLE and len(decoder.buffer) > CHUNK_BYTES + limits.part_header_bytes:
            raise broken_form("The body does not begin with its boundary.")
    if decoder.state is not State.EPILOGUE:
        raise broken_form("The body does not end with its boundary.")


def _hold_boundaries(chunks: Iterator[bytes], boundary_length: int) -> Iterator[bytes]:
    """Yield the same bytes, cut so that no boundary is cut.

    Werkzeug 3.1's decoder puts a stray CR at the end of a part's content when a chunk ends within the boundary that
    follows it.
    """
    longest = boundary_length + len("\r\n----\r\n")
    held = b""
    for chunk in chunks:
        held += chunk
        line_break = _LINE_BREAK.search(held, max(0, len(held) - longest))
        cut = len(held) if line_break is None else line_break.start()
        if held[cut - 1 : cut + 1] == b"\r\n":  # The search began between the two.
            cut -= 1
        if cut:
            yield held[:cut]
            held = held[cut:]
    if held:
        yield held


def _next_event(decoder: MultipartDecoder) -> Event:
    try:
        return decoder.next_event()
    except ValueError as error:
        raise broken_form("The head of a part cannot be read.") from error


def _check_head(buffer: bytearray, checked: int, most: int) -> int:
    """Refuse a part's head that is too long, before it is parsed, and lines in it that are no header.

    Args:
        buffer: What has come of the head.
        checked: How much of it was there the last time.
        most: Longest head.

    Returns:
        How much has been checked; 0 once the head is whole.
    """
    end = _BLANK_LINE.search(buffer, max(0, checked - 4), most + 4)
    if end is None:
        if len(buffer) > most + 4:
            raise InputError(413, "part-header-too-large", f"The head of a part is longer than {most} bytes.")
        return len(buffer)
    if not all(_HEADER_LINE.match(line) for line in buffer[: end.start()].splitlines()):
        raise broken_form("The head of a part has a line that is no header.")
    return 0


def parameter_names(value: str) -> list[str]:
    """Return the names of the parameters of a header value, in lower case, each as often as it stands."""
    return [name.lower() for name in _PARAMETER.findall(value)]


def _names_twice(disposition: str) -> bool:
    """Tell whether a part has two names, or two of a file; RFC 7578 §4.2 has no ``name*``."""
    names = parameter_names(disposition)
    return sum(each.partition("*")[0] == "name" for each in names) > 1 or names.count("filename") > 1


def _read_head(event: Field | File) -> PartHead:
    """Return the head of a part, by its Content-Disposition."""
    headers, name = event.headers, event.name
    dispositions = headers.getlist("content-disposition")
    if len(dispositions) == 1 and _names_twice(dispositions[0]):
        raise broken_form("The Content-Disposition of a part has a parameter twice.")
    if name is None or len(dispositions) != 1 or dispositions[0].partition(";")[0].strip().lower() != "form-data":
        raise broken_form("A part has no Content-Disposition of form-data with a name.")
    return PartHead(name, getattr(event, "filename", None), headers)
