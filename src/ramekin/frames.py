"""Frames: the onion of an operation laid flat, and the one loop that runs it.

A frame is one layer: what a step does, or what the core does between two phases. The loop enters frames until one
gives a reply, then leaves those that were entered, the innermost first. An exception becomes a reply where it is
raised, so every ``leave`` sees a reply. Whatever comes back as a coroutine is waited for, on the loop or elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from types import CoroutineType
from typing import TYPE_CHECKING, Any, TypeAlias

from ramekin.coroutines import Settle, drive, settle_elsewhere, settle_here
from ramekin.errors import ContractError
from ramekin.failures import log_failure
from ramekin.records import Record
from ramekin.responses import Content, Head, Reply, check_finished
from ramekin.steps import Close, Enter, Exchange, Leave, Step
from ramekin.streams import AsyncStream, Stream, begin, begin_async

if TYPE_CHECKING:
    from ramekin.failures import Failures

#: Makes a reply ready to be sent: its value dumped, its status and header fields checked.
Finish: TypeAlias = Callable[[Reply[Any]], Reply[Any]]

#: What a gateway sends: the head, without ``Content-Length`` where the content is in one piece; the content, in one
#: piece, in chunks, or None; and what is to be called after the last byte, or when the response is given up, with the
#: error that broke the content off, if one did. What a plan gives that ran on an event loop is closed by a coroutine.
Answer: TypeAlias = tuple[Head, Content, Callable[[Exception | None], Any] | None]


#: Types of content that is no stream.
_WHOLE = frozenset({bytes, type(None)})


class Frame(Record, frozen=True):
    """One layer around a handler.

    Attributes:
        name: How errors name it.
        enter: Runs on the way in; a Reply turns back.
        leave: Runs on the way out, if ``enter`` returned.
        close: Runs after the last byte, if ``enter`` returned.
        finish: What finishes the replies that are given here; None where values are not dumped yet.
    """

    name: str
    enter: Enter | None = None
    leave: Leave | None = None
    close: Close | None = None
    finish: Finish | None = None


def frame_steps(steps: Sequence[Step], finish: Finish | None) -> list[Frame]:
    """Return a frame for each step."""
    return [
        Frame(name=f"Step {step.name!r}", enter=step.enter, leave=step.leave, close=step.close, finish=finish)
        for step in steps
    ]


class Onion:
    """Frames made ready to run, in a thread or on an event loop.

    Args:
        frames: The layers, the outermost first; the last one's ``enter`` gives a reply.
        failures: What answers exceptions.
        propagate: Whether exceptions that nobody expected are let through.
        to_head: Makes the head of a finished reply.
    """

    __slots__ = ("_failures", "_frames", "_propagate", "_to_head")

    def __init__(
        self, frames: Sequence[Frame], failures: Failures, propagate: bool, to_head: Callable[[Reply[Any]], Head]
    ) -> None:
        self._to_head = to_head
        self._frames = tuple(frames)
        self._failures = failures
        self._propagate = propagate

    def run(self, exchange: Exchange) -> Answer:
        """Run in this thread; coroutines of the parts run elsewhere meanwhile."""
        return drive(self._run(exchange, settle_elsewhere, close_exchange))

    async def run_async(self, exchange: Exchange) -> Answer:
        """Run on the event loop."""
        return await self._run(exchange, settle_here, close_exchange_async)

    async def _run(self, exchange: Exchange, settle: Settle[Any], close: Callable[..., Any]) -> Answer:
        try:
            reply = await self._pass(exchange, settle)
        except BaseException:  # SystemExit and cancellation pass, but what was entered is closed.
            await _close(exchange, None, settle)
            raise
        if self._propagate and exchange.error is not None:
            await _close(exchange, None, settle)
            raise exchange.error
        finish = (lambda error: close(exchange, error)) if exchange.closers else None
        return self._to_head(reply), reply.body, finish

    async def _pass(self, exchange: Exchange, settle: Settle[Any]) -> Reply[Any]:
        reply: Reply[Any] | None = None
        entered = 0
        for frame in self._frames:
            try:
                if frame.enter is not None:
                    given: Any = frame.enter(exchange)
                    reply = await settle(given) if type(given) is CoroutineType else given
                if frame.close is not None:
                    exchange.closers.append(frame.close)
                if reply is not None:
                    reply = _turn_back(frame, exchange, reply)
                    if type(reply.body) not in _WHOLE:
                        await _begin(reply, settle)
                entered += 1
            except Exception as error:
                reply = await answer_failure(self._failures, exchange, error, frame.finish, settle)
            if reply is not None:
                break
        for frame in reversed(self._frames[:entered]):
            if frame.leave is not None:
                try:
                    given = frame.leave(exchange, reply)  # type: ignore[arg-type]  # The last frame gives one.
                    reply = _check_left(frame, await settle(given) if type(given) is CoroutineType else given)
                    if type(reply.body) not in _WHOLE:
                        await _begin(reply, settle)
                except Exception as error:
                    reply = await answer_failure(self._failures, exchange, error, frame.finish, settle)
        return reply  # type: ignore[return-value]  # As above.


async def answer_failure(
    failures: Failures, exchange: Exchange, error: Exception, finish: Finish | None, settle: Settle[Any]
) -> Reply[Any]:
    """Return the reply to an exception, finished where that is due."""
    given = failures.answer(exchange, error)
    reply: Reply[Any] = await settle(given) if isinstance(given, Coroutine) else given
    if finish is None:
        return reply
    try:
        return finish(reply)
    except Exception as unfit:  # The reply of an exception handler is not what the operation declares.
        given = failures.answer(exchange, unfit)
        return await settle(given) if isinstance(given, Coroutine) else given


def _turn_back(frame: Frame, exchange: Exchange, reply: object) -> Reply[Any]:
    """Return the reply with which a frame turns back, finished where that is due."""
    if not isinstance(reply, Reply):
        raise _no_reply(frame, "enter", "a Reply or None", reply)
    return reply if frame.finish is None else finish_value(exchange, reply, frame.finish)


def _check_left(frame: Frame, reply: object) -> Reply[Any]:
    if not isinstance(reply, Reply):
        raise _no_reply(frame, "leave", "a Reply", reply)
    if frame.finish is None:
        return reply
    reply = frame.finish(reply)
    check_finished(reply)
    return reply


def _no_reply(frame: Frame, part: str, expected: str, given: object) -> ContractError:
    return ContractError(
        f"{frame.name} ({part}) returns {expected}, not {type(given).__name__}; a problem is raised, not returned."
    )


def finish_value(exchange: Exchange, reply: Reply[Any], finish: Finish) -> Reply[Any]:
    """Finish a reply; a stream is closed with the exchange, even when a step outside answers something else."""
    reply = finish(reply)
    body = reply.body
    if isinstance(body, Stream):
        exchange.closers.append(lambda _: body.close())
    elif isinstance(body, AsyncStream):
        exchange.closers.append(lambda _: body.aclose())
    return reply


async def _begin(reply: Reply[Any], settle: Settle[Any]) -> None:
    """Begin a stream where this runs, so that one that fails at once is answered by a 500."""
    if settle is settle_here:
        await begin_async(reply.body)
    else:
        begin(reply.body)


async def _close(exchange: Exchange, error: Exception | None, settle: Settle[Any]) -> None:
    if error is not None and exchange.error is None:
        exchange.error = error
    interruption: BaseException | None = None
    while exchange.closers:
        close = exchange.closers.pop()
        try:
            given: Any = close(exchange)
            if type(given) is CoroutineType:
                await settle(given)
        except Exception as failed:
            log_failure(exchange.request, failed)
        except BaseException as error:  # A cancellation, or a SystemExit: what is left is closed all the same.
            interruption = interruption or error
    if interruption is not None:
        raise interruption


def close_exchange(exchange: Exchange, error: Exception | None = None) -> None:
    """Close every step that was entered, the innermost first; one that throws is logged and stops no other.

    Args:
        exchange: The exchange that is over.
        error: What broke its stream off, if something did.
    """
    drive(_close(exchange, error, settle_elsewhere))


async def close_exchange_async(exchange: Exchange, error: Exception | None = None) -> None:
    """Do the same on the event loop."""
    await _close(exchange, error, settle_here)
