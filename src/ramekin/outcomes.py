"""Outcomes: from what a handler returns to the head and content of a response, compiled once for each operation.

Specification: RFC 9110 §8 (representation data), §12.5.1 (Accept).
"""

from __future__ import annotations

from collections.abc import AsyncIterable, Callable, Iterable, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeAlias

from marshmallow import Schema, fields
from marshmallow.decorators import PRE_DUMP
from marshmallow.fields import Field

from ramekin.errors import ContractError
from ramekin.operations import is_bodiless
from ramekin.problems import NotAcceptable, problem_of_status
from ramekin.requests import REMEMBERED, REMEMBERED_CHARACTERS
from ramekin.responses import (
    EMPTY_CONTENT_TYPE,
    Content,
    Head,
    HeaderList,
    InvalidHeader,
    Reply,
    check_finished,
    is_json,
)
from ramekin.safeguards import Safeguards
from ramekin.schemas import compile_encoder, compile_encoders
from ramekin.streams import AsyncStream, Stream

if TYPE_CHECKING:
    from ramekin.operations import ItemFormat, Operation, Outcome
    from ramekin.types import Shape

Encode: TypeAlias = Callable[[Any], Content]


class Negotiation:
    """Which ``Accept`` fields fit the media types that an operation answers with.

    Attributes:
        good: Spellings that are known to fit; an absent field is None.
    """

    __slots__ = ("_produced", "good")

    def __init__(self, produced: tuple[str, ...]) -> None:
        self._produced = produced
        self.good: set[str | None] = {None, "", "*/*", *produced}

    def judge(self, accept: str | None) -> None:
        """Remember a spelling that fits.

        Raises:
            NotAcceptable: 406, no declared media type fits.
        """
        accept = accept or ""
        if self._produced and not _is_acceptable(accept, self._produced):
            raise NotAcceptable(f"This operation answers with {', '.join(self._produced)}.")
        if len(self.good) < REMEMBERED and len(accept) <= REMEMBERED_CHARACTERS:
            self.good.add(accept)


def _is_acceptable(accept: str, produced: tuple[str, ...]) -> bool:
    """Tell whether one of the media types fits; a header that says nothing readable accepts the default.

    Parameters but the weight tell no types apart: ``application/json; charset=utf-8`` asks for JSON.
    """
    from werkzeug.datastructures import MIMEAccept
    from werkzeug.http import parse_accept_header

    try:
        ranges = parse_accept_header(accept, MIMEAccept)
        essences = [(name.partition(";")[0].strip(), quality) for name, quality in ranges]
        readable = [(name, quality) for name, quality in essences if name.count("/") == 1 and not name.startswith("/")]
        if not readable:
            return True
        parsed = MIMEAccept(readable)
        return any(parsed.quality(media_type.partition(";")[0].strip()) > 0 for media_type in produced)
    except ValueError:
        return True


class Responder:
    """What the operations of one site share in answering: negotiations, heads, and encoders by schema.

    Args:
        safeguards: What adds the header fields that all answers have.
    """

    __slots__ = ("_encoders", "_heads", "_negotiations", "_safeguards")

    def __init__(self, safeguards: Safeguards) -> None:
        self._safeguards = safeguards
        self._encoders: dict[tuple[Shape | None, ItemFormat | None, int, str | None], Encoder] = {}
        self._heads: dict[tuple[int, str | None], Head] = {}
        self._negotiations: dict[tuple[str, ...], Negotiation] = {}

    def negotiation(self, operation: Operation) -> Negotiation:
        """Return what judges ``Accept`` for the media types of an operation."""
        produced = tuple(dict.fromkeys(outcome.media_type for outcome in operation.successes if outcome.media_type))
        return self._negotiations.setdefault(produced, Negotiation(produced))

    def head(self, outcome: Outcome) -> Head:
        """Return the ready head of an outcome, for values that are no `Reply`."""
        key = outcome.status, outcome.media_type
        if key not in self._heads:
            self._heads[key] = Head(outcome.status, self._safeguards.add(type_headers(*key)))
        return self._heads[key]

    def to_head(self, reply: Reply[Any]) -> Head:
        """Return the head of a finished reply."""
        pairs = self._safeguards.add(reply.headers.pairs, is_problem=reply.problem is not None)
        return Head(reply.status or 200, pairs)

    def encoder(self, outcome: Outcome) -> Encoder:
        """Return what turns a value into the content of an outcome."""
        key = outcome.shape, outcome.items, outcome.status, outcome.media_type
        if key not in self._encoders:
            self._encoders[key] = _compile_encoder(outcome)
        return self._encoders[key]

    def finish(self, operation: Operation, reply: Reply[Any]) -> Reply[Any]:
        """Finish a reply, unless it is: dump its value, set status, content type and content.

        Raises:
            ContractError: The status or media type is not declared, or the outcome cannot carry the value.
        """
        if reply.finished:
            return reply
        outcome = _find_outcome(operation, reply)
        headers = reply.headers
        if "Content-Type" in headers:
            raise ContractError(
                f"{operation.id} set Content-Type by hand; the media type is declared, or Reply(media_type=…)."
            )
        if headers.undumped is not None:
            _dump_headers(headers, {header.name.lower(): header.field for header in outcome.headers})
        reply.body = self.encoder(outcome)(reply.value)
        reply.status, reply.media_type, reply.finished = outcome.status, outcome.media_type, True
        if reply.body == b"" and operation.method == "HEAD":
            reply.body = None  # RFC 9110 §9.3.2: the length of what GET would send, or none.
        check_finished(reply)
        headers.pairs[:0] = type_headers(outcome.status, outcome.media_type)
        return reply


def _find_outcome(operation: Operation, reply: Reply[Any]) -> Outcome:
    successes = operation.successes
    status = successes[0].status if reply.status is None else reply.status
    of_status = [outcome for outcome in successes if outcome.status == status]
    if not of_status:
        declared = ", ".join(dict.fromkeys(str(outcome.status) for outcome in successes))
        advice = (
            "" if not 400 <= status <= 599 else f" A failure is raised: raise {problem_of_status(status).__name__}(…)."
        )
        raise ContractError(
            f"{operation.id} replied with status {status}, which it does not declare; declared: {declared}.{advice}"
        )
    if reply.media_type is None:
        return of_status[0]
    wanted = reply.media_type.lower()  # RFC 9110 §8.3.1: type and subtype have no case.
    for outcome in of_status:
        if (outcome.media_type or "").lower() == wanted:
            return outcome
    raise ContractError(
        f"{operation.id} replied {status} with media type {reply.media_type}, which it does not declare."
    )


class Encoder:
    """Turns values into the content of one outcome.

    Attributes:
        doubtful: Types of which no value, or not every value, can be what is declared.
        usual: Types of values that were encoded, neither doubtful nor replies; kept by who looks for them.
        encode: Encodes a value of any other type.
        by_kind: What does that for dicts (True) and for other values (False), where that is known beforehand.
    """

    __slots__ = ("_shape", "by_kind", "doubtful", "encode", "usual")

    def __init__(
        self,
        encode: Encode,
        doubtful: frozenset[type[Any]] = frozenset(),
        shape: Shape | None = None,
        by_kind: Mapping[bool, Encode] | None = None,
    ) -> None:
        self.by_kind = by_kind
        self.usual: set[type[Any]] = set()
        self.encode = encode
        self.doubtful = doubtful
        self._shape = shape

    def judge(self, value: Any) -> None:
        """Refuse a value of a doubtful type that is not what is declared.

        Raises:
            ContractError: It is not.
        """
        many = isinstance(self._shape, Schema) and self._shape.many
        is_answer = isinstance(value, tuple) and len(value) in (2, 3) and type(value[1]) is int
        if isinstance(value, tuple) and many and not is_answer:
            return
        declared = f"{'a list of ' if many else ''}{type(self._shape).__name__}"
        advice = "; return Reply(value, status=…, headers=…) to say more than the value" if is_answer else ""
        raise ContractError(f"The handler returned {type(value).__name__} where {declared} is declared{advice}.")

    def __call__(self, value: Any) -> Content:
        """Return the content of a value.

        Raises:
            ContractError: The outcome cannot carry it.
        """
        if type(value) in self.doubtful:
            self.judge(value)
        return self.encode(value)


def _compile_encoder(outcome: Outcome) -> Encoder:
    shape = outcome.shape
    if is_bodiless(outcome) or shape is None:
        return Encoder(_no_content(outcome))
    if outcome.items is not None:
        return Encoder(outcome.items.compile(compile_item_encoder(shape)))
    if not is_json(outcome.media_type or ""):
        return Encoder(_other_content(outcome))
    return compile_item_encoder(shape)


def compile_item_encoder(shape: Shape) -> Encoder:
    """Return what writes a value as JSON, as a schema or field dumps it, in one piece."""
    doubtful = _doubtful_types(shape)
    by_kind = None if isinstance(shape, Field) or shape.many else compile_encoders(shape)
    if by_kind is None:
        return Encoder(compile_encoder(shape), doubtful, shape)
    return Encoder(lambda value: by_kind[type(value) is dict](value), doubtful, shape, by_kind)


def _no_content(outcome: Outcome) -> Encode:
    # RFC 9110 §8.6: where there could be content the length says that there is none; 204 and 304 have no such field.
    empty = None if outcome.status in {204, 304} else b""

    def encode(value: Any) -> Content:
        if value is not None:
            raise ContractError(
                f"The handler returned {type(value).__name__} for {outcome.status}, which is declared without content."
            )
        return empty

    return encode


#: Types of values that are no object of a schema; their subclasses, such as named tuples, may be.
_NO_OBJECTS: frozenset[type[Any]] = frozenset({type(None), tuple, list, set, frozenset, str, bytes, int, float, bool})
#: Types of values that are no list of objects; a tuple may be one, or a value with a status.
_NO_LISTS: frozenset[type[Any]] = frozenset({type(None), tuple, dict, str, bytes, int, float, bool})
#: Fields that would write a tuple as something else.
_SCALARS = frozenset({fields.String, fields.Integer, fields.Float, fields.Decimal, fields.Boolean, fields.Dict})


def _doubtful_types(shape: Shape) -> frozenset[type[Any]]:
    """Return the types of which no value, or not every value, can be what is declared."""
    if isinstance(shape, Field):
        refused: set[type[Any]] = set() if shape.allow_none else {type(None)}
        return frozenset(refused | {tuple} if type(shape) in _SCALARS else refused)
    if shape._hooks.get(PRE_DUMP) or type(shape).get_attribute is not Schema.get_attribute:
        return frozenset({type(None)})  # It may make an object of anything.
    return _NO_LISTS if shape.many else _NO_OBJECTS


def _other_content(outcome: Outcome) -> Encode:
    def encode(value: Any) -> Content:
        if isinstance(value, str):
            return value.encode()
        if isinstance(value, bytes):
            return value
        if isinstance(value, AsyncIterable):
            return AsyncStream(value)
        if isinstance(value, Mapping) or not isinstance(value, Iterable):
            raise ContractError(
                f"The handler returned {type(value).__name__} for {outcome.media_type}; "
                "declared are text, bytes or an iterable of either."
            )
        return Stream(value)

    return encode


def content_type(media_type: str) -> str:
    """Return a media type as a Content-Type: text says its charset."""
    return f"{media_type}; charset=utf-8" if media_type.startswith("text/") and ";" not in media_type else media_type


def type_headers(status: int, media_type: str | None) -> list[tuple[str, str]]:
    """Return the ``Content-Type`` of an outcome as header fields: where nothing follows, an empty length says so."""
    if media_type is not None:
        return [("Content-Type", content_type(media_type))]
    return [] if status in {204, 304} else [("Content-Type", EMPTY_CONTENT_TYPE)]


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
        text = _to_text(field.serialize(name, None, accessor=lambda *_, value=value: value))
        if text is not None or not field.allow_none:  # A header field that may be null is left out.
            headers.add(name, text)


def _to_text(value: Any) -> Any:
    """Return a dumped value as a header field spells it: lists with commas, as OpenAPI's style ``simple`` does."""
    if isinstance(value, list | tuple):
        return ",".join(str(_to_text(item)) for item in value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return format(value, "f") if isinstance(value, Decimal) else value
