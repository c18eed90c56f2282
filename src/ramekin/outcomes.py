"""Outcomes: from what a handler returns to the head and content of a response, compiled once for each operation.

Specification: RFC 9110 §8 (representation data), §12.5.1 (Accept).
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from marshmallow.fields import Field

from ramekin import json
from ramekin.errors import ContractError
from ramekin.operations import is_bodiless
from ramekin.problems import NotAcceptable
from ramekin.responses import EMPTY_CONTENT_TYPE, Head, HeaderList, InvalidHeader, Reply, check_finished
from ramekin.schemas import compile_dumper

if TYPE_CHECKING:
    from ramekin.operations import Operation, Outcome
    from ramekin.requests import Request
    from ramekin.types import Shape

#: Most spellings of one header that are remembered as good.
REMEMBERED = 64

Content: TypeAlias = bytes | Iterable[bytes] | None
Encode: TypeAlias = Callable[[Any], Content]


def is_json(media_type: str) -> bool:
    """Tell whether a media type is JSON (RFC 6839 §3.1 for the suffix)."""
    essence = media_type.partition(";")[0].strip().lower()
    return essence == "application/json" or essence.endswith("+json")


def compile_negotiation(operation: Operation) -> tuple[Container[str | None], Callable[[Request], None]]:
    """Return the spellings of ``Accept`` that are known to fit, and what judges any other.

    The judge raises `NotAcceptable` (406) when no declared media type fits, and remembers what does.
    """
    produced = tuple(dict.fromkeys(outcome.media_type for outcome in operation.successes if outcome.media_type))
    good: set[str | None] = {None, "", "*/*", *produced}
    detail = f"This operation answers with {', '.join(produced)}."

    def negotiate(request: Request) -> None:
        accept = request.accept or ""
        if produced and not _is_acceptable(accept, produced):
            raise NotAcceptable(detail)
        if len(good) < REMEMBERED and len(accept) <= 200:
            good.add(accept)

    return good, negotiate


def _is_acceptable(accept: str, produced: tuple[str, ...]) -> bool:
    """Tell whether one of the media types fits; a header that says nothing readable accepts the default."""
    from werkzeug.datastructures import MIMEAccept
    from werkzeug.http import parse_accept_header

    try:
        ranges = parse_accept_header(accept, MIMEAccept)
        readable = [(name, quality) for name, quality in ranges if name.count("/") == 1 and not name.startswith("/")]
        if not readable:
            return True
        parsed = MIMEAccept(readable)
        return any(parsed.quality(media_type) > 0 for media_type in produced)
    except ValueError:
        return True


class Encoders:
    """Encoders of outcomes; outcomes of one schema share what dumps it."""

    __slots__ = ("_dumpers",)

    def __init__(self) -> None:
        self._dumpers: dict[Shape, Callable[[Any], Any]] = {}

    def dumper(self, shape: Shape) -> Callable[[Any], Any]:
        """Return what dumps a value of a schema, compiled with the first outcome that has it."""
        dump = self._dumpers.get(shape)
        if dump is None:
            dump = self._dumpers[shape] = compile_dumper(shape)
        return dump


def compile_encoder(outcome: Outcome, where: str, encoders: Encoders) -> Encode:
    """Return what turns a value into the content of an outcome.

    It raises `ContractError` for a value that the outcome cannot carry.
    """
    if is_bodiless(outcome) or outcome.shape is None:
        return _no_content(outcome, where)
    if not is_json(outcome.media_type or ""):
        return _other_content(outcome, where)
    return _json_content(outcome.shape, f"{where} {outcome.status}", encoders.dumper(outcome.shape))


def _no_content(outcome: Outcome, where: str) -> Encode:
    # RFC 9110 §8.6: where there could be content the length says that there is none; 204 and 304 have no such field.
    empty = None if outcome.status in {204, 304} else b""

    def encode(value: Any) -> Content:
        if value is not None:
            raise ContractError(
                f"{where} returned {type(value).__name__} for {outcome.status}, which is declared without content."
            )
        return empty

    return encode


def _json_content(shape: Shape, where: str, dump: Callable[[Any], Any]) -> Encode:
    encode_json = json.encode
    if isinstance(shape, Field) and shape.allow_none:
        return lambda value: encode_json(dump(value))

    def encode(value: Any) -> bytes:
        if value is None:
            raise ContractError(f"{where}: the handler returned None where {_name(shape)} is declared.")
        return encode_json(dump(value))

    return encode


def _name(shape: Shape) -> str:
    return type(shape).__name__


def _other_content(outcome: Outcome, where: str) -> Encode:
    def encode(value: Any) -> Content:
        if isinstance(value, str):
            return value.encode()
        if isinstance(value, bytes):
            return value
        if isinstance(value, Mapping) or not isinstance(value, Iterable):
            raise ContractError(
                f"{where} returned {type(value).__name__} for {outcome.media_type}; "
                "declared are text, bytes or an iterable of either."
            )
        return Stream(value, where)

    return encode


class Stream:
    """The chunks of a streamed body, its source closed when it ends or is given up.

    The first chunk is made at once, so that a source that fails before it has sent anything is answered by a 500.
    """

    __slots__ = ("_first", "_iterator", "_source", "_where")

    def __init__(self, source: Iterable[Any], where: str) -> None:
        self._source = source
        self._iterator = iter(source)
        self._where = where
        try:
            self._first: bytes | None = self._next()
        except BaseException:
            self.close()
            raise

    def _next(self) -> bytes | None:
        for chunk in self._iterator:
            if isinstance(chunk, str):
                return chunk.encode()
            if isinstance(chunk, bytes):
                return chunk
            raise ContractError(f"{self._where} streamed {type(chunk).__name__}; chunks are text or bytes.")
        return None

    def __iter__(self) -> Iterator[bytes]:
        chunk, self._first = self._first, None
        while chunk is not None:
            yield chunk
            chunk = self._next()

    def close(self) -> None:
        """Close the source and its iterator, if they can be closed; again does nothing."""
        sources = (self._iterator,) if self._iterator is self._source else (self._iterator, self._source)
        for source in sources:
            close = getattr(source, "close", None)
            if close is not None:
                close()


def content_type(media_type: str) -> str:
    """Return a media type as a Content-Type: text says its charset."""
    return f"{media_type}; charset=utf-8" if media_type.startswith("text/") and ";" not in media_type else media_type


def compile_finish(operation: Operation, encoders: Encoders) -> Callable[[Reply[Any]], Reply[Any]]:
    """Return what dumps the value of a reply and sets its status, content type and content.

    It raises `ContractError` for a status or media type that the operation does not declare.
    """
    outcomes = operation.successes
    default = outcomes[0].status
    encode = {
        (outcome.status, outcome.media_type): compile_encoder(outcome, operation.id, encoders) for outcome in outcomes
    }
    first = {outcome.status: outcome.media_type for outcome in reversed(outcomes)}
    fields = {
        (outcome.status, outcome.media_type): {header.name.lower(): header.field for header in outcome.headers}
        for outcome in outcomes
    }
    is_head = operation.method == "HEAD"

    def finish(reply: Reply[Any]) -> Reply[Any]:
        if reply.finished:
            return reply
        status = default if reply.status is None else reply.status
        if status not in first:
            raise ContractError(
                f"{operation.id} replied with status {status}, which it does not declare; "
                f"declared: {', '.join(str(known) for known in first)}."
            )
        media_type = first[status] if reply.media_type is None else reply.media_type
        if (status, media_type) not in encode:
            raise ContractError(
                f"{operation.id} replied {status} with media type {media_type}, which it does not declare."
            )
        headers = reply.headers
        if "Content-Type" in headers:
            raise ContractError(
                f"{operation.id} set Content-Type by hand; the media type is declared, or Reply(media_type=…)."
            )
        if headers.undumped is not None:
            _dump_headers(headers, fields[status, media_type])
        reply.body = encode[status, media_type](reply.value)
        reply.status, reply.media_type, reply.finished = status, media_type, True
        if is_head and reply.body == b"":
            reply.body = None  # RFC 9110 §9.3.2: the length of what GET would send, or none.
        check_finished(reply)
        if media_type is not None:
            headers.pairs.insert(0, ("Content-Type", content_type(media_type)))
        elif status not in {204, 304}:
            headers.pairs.insert(0, ("Content-Type", EMPTY_CONTENT_TYPE))
        return reply

    return finish


def _dump_headers(headers: HeaderList, declared: Mapping[str, Field[Any]]) -> None:
    """Put header values that are no text into words as their declared fields do."""
    undumped, headers.undumped = headers.undumped or {}, None
    for name, value in undumped.items():
        field = declared.get(name.lower())
        if field is None:
            raise InvalidHeader(
                f"Response header {name} must be text or a number, not {type(value).__name__}; "
                "a field of returns(headers=…) could dump it."
            )
        headers.add(name, _to_text(field.serialize(name, None, accessor=lambda *_, value=value: value)))


def _to_text(value: Any) -> Any:
    """Return a dumped value as a header field spells it: lists with commas, as OpenAPI's style ``simple`` does."""
    if isinstance(value, list | tuple):
        return ", ".join(str(_to_text(item)) for item in value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return value


def compile_plain(operation: Operation, encoders: Encoders) -> tuple[Head, Encode]:
    """Return the ready head and the encoder of the topmost success, for values that are no `Reply`."""
    outcome = operation.successes[0]
    headers: list[tuple[str, str]] = []
    if outcome.media_type is not None:
        headers = [("Content-Type", content_type(outcome.media_type))]
    elif outcome.status not in {204, 304}:
        headers = [("Content-Type", EMPTY_CONTENT_TYPE)]
    return Head(outcome.status, headers), compile_encoder(outcome, operation.id, encoders)


def to_head(reply: Reply[Any]) -> Head:
    """Return the head of a finished reply."""
    return Head(reply.status or 200, reply.headers.pairs)
