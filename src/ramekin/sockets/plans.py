"""Plans of WebSocket operations: the onion of any operation, with a conversation at its heart.

The reply that the steps see on the way out is the one that opens the connection, with status 101. What they close is
closed after the last message, as it is after the last byte of a stream.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from ramekin.frames import Frame
from ramekin.plans import OnionPlan, compile_withholding
from ramekin.responses import Reply
from ramekin.sockets.codecs import MessageCodec
from ramekin.sockets.conversations import Conversation
from ramekin.steps import Exchange, Step

if TYPE_CHECKING:
    from ramekin.failures import Failures
    from ramekin.operations import Operation
    from ramekin.outcomes import Responder
    from ramekin.settings import Settings


class SocketPlan(OnionPlan):
    """A WebSocket operation made ready to run; what its answer has for content is a `Conversation`.

    Attributes:
        codec: What loads and dumps its messages.
    """

    __slots__ = ("codec",)

    def __init__(
        self,
        operation: Operation,
        steps: Sequence[Step],
        failures: Failures,
        settings: Settings,
        responder: Responder,
    ) -> None:
        self.codec = MessageCodec(operation, settings)
        last = Frame(name=operation.where, enter=_compile_opening(operation, failures, self.codec.read is None))
        super().__init__(operation, steps, failures, settings, responder, last)


def _compile_opening(operation: Operation, failures: Failures, is_silent: bool) -> Any:
    """Return what calls the handler, and answers once it wants to talk."""
    handler, withhold = operation.handler, compile_withholding(operation)

    async def begin(exchange: Exchange) -> Reply[Any]:
        given = exchange.arguments if withhold is None else withhold(exchange.arguments)
        socket = cast("Any", exchange.request).socket
        start, answer = partial(handler, exchange.resource, **given), partial(_answer, failures, exchange)
        conversation = Conversation(start, socket, answer, is_silent=is_silent)
        exchange.closers.append(lambda _: conversation.aclose())
        await conversation.begin()
        reply: Reply[Any] = Reply(status=101)
        reply.finished = True
        reply.body = cast("Any", conversation)
        return reply

    return begin


async def _answer(failures: Failures, exchange: Exchange, error: Exception) -> tuple[Reply[Any], Exception | None]:
    """Return the reply to an exception of a handler, and what nobody expected: it, or one of what answered it."""
    reply = failures.answer(exchange, error)
    return (reply if isinstance(reply, Reply) else await reply), exchange.error
