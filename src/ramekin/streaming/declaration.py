"""The declaration of item streams.

Specification: HTML Living Standard §9.2 (server-sent events), §9.2.4 (``Last-Event-ID``).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal, get_args

from marshmallow import Schema, fields

from ramekin.errors import DeclarationError
from ramekin.operations import Declaration, Effects, Endpoint, Input, ItemFormat, Operation, Outcome, takes_parameter
from ramekin.responses import Reply
from ramekin.schemas import resolve
from ramekin.steps import Exchange, Phase, Step
from ramekin.streaming.formats import EVENTS_MEDIA_TYPE, LINES_MEDIA_TYPE, make_events_format, make_lines_format
from ramekin.types import SchemaLike, Shape

if TYPE_CHECKING:
    from ramekin.settings import Settings

Format = Literal["events", "lines"]
HEARTBEAT = timedelta(seconds=15)

_PARAMETER = "last_event_id"


class LastEventID(Schema):
    """What a client that comes back says."""

    last_event_id = fields.String(
        data_key="Last-Event-ID", metadata={"description": "The id of the last event that the client got."}
    )


class Streams(Declaration):
    """The record of `streams`."""

    def __init__(self, schema: SchemaLike, items: ItemFormat, media_type: str, description: str) -> None:
        self._schema = schema
        self._shape: Shape | None = None
        self.items = items
        self.media_type = media_type
        self.description = description

    def effects(self, endpoint: Endpoint) -> Effects:
        """End in a stream of these items; read where to go on, if the handler wants to know."""
        if self._shape is None:
            name = f"{endpoint.id[:1].upper()}{endpoint.id[1:]}Item"
            self._shape = resolve(self._schema, where=f"{endpoint.where}: streams(…)", name=name)
        outcome = Outcome(
            status=200,
            shape=self._shape,
            items=self.items,
            media_type=self.media_type,
            description=self.description,
        )
        if self.media_type != EVENTS_MEDIA_TYPE or not takes_parameter(endpoint.handler, _PARAMETER):
            return Effects(outcomes=(outcome,))
        return Effects(
            outcomes=(outcome,),
            inputs=(Input(location="headers", shape=LastEventID(), for_handler=False),),
            provides={_PARAMETER: lambda exchange: exchange.arguments["headers"].get(_PARAMETER)},
        )

    def steps(self, operation: Operation, settings: Settings) -> Iterable[Step]:
        """Keep what is between here and the client from keeping items back."""
        yield Step(phase=Phase.WIRE, name="stream-headers", leave=self._add_headers, blocking=False)

    def _add_headers(self, exchange: Exchange, reply: Reply[Any]) -> Reply[Any]:
        if reply.media_type == self.media_type:
            if "X-Accel-Buffering" not in reply.headers:
                reply.headers.set("X-Accel-Buffering", "no")
            if self.media_type == EVENTS_MEDIA_TYPE and "Cache-Control" not in reply.headers:
                reply.headers.set("Cache-Control", "no-store")
        return reply


def streams(
    schema: SchemaLike,
    format: Format = "events",
    *,
    heartbeat: timedelta | None = None,
    description: str | None = None,
) -> Streams:
    """Declare that an operation answers 200 with items, sent as they are made.

    The handler returns or is a generator, plain or async; each item is dumped by the schema. Of events, an item may be
    an `Event`, which says more than its data, and None stands for no item yet. A handler of events that takes a
    parameter ``last_event_id`` gets what a client that comes back sends, or None.

    Args:
        schema: What dumps one item.
        format: ``events`` for server-sent events (``text/event-stream``), ``lines`` for JSON Lines
            (``application/jsonl``).
        heartbeat: How long events may be silent before a comment is sent; 15 seconds when None.
        description: What the outcome means; the status phrase when None.

    Returns:
        A decorator for a method or a resource class.

    Raises:
        DeclarationError: There is no such format, or the heartbeat is no time or beside lines, which have none.
    """
    if format not in get_args(Format):
        raise DeclarationError(f"streams(format=…) takes one of {', '.join(get_args(Format))}, not {format!r}.")
    if format == "lines":
        if heartbeat is not None:
            raise DeclarationError("streams(heartbeat=…) goes with events; JSON Lines have no line that says nothing.")
        return Streams(schema, make_lines_format(), LINES_MEDIA_TYPE, description or "")
    if heartbeat is not None and (not isinstance(heartbeat, timedelta) or heartbeat <= timedelta(0)):
        raise DeclarationError(f"streams(heartbeat=…) takes a timedelta longer than none, not {heartbeat!r}.")
    seconds = (heartbeat or HEARTBEAT).total_seconds()
    return Streams(schema, make_events_format(seconds), EVENTS_MEDIA_TYPE, description or "")
