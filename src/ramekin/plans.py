"""Plans: an operation made ready to run, its steps around its handler, from one tuple of steps.

A plan reads nothing from a socket and writes nothing to one; a gateway hands it a `Request` and sends what it gives
back. An operation without steps runs straight through; one with steps runs as the frames of an onion. Either runs in a
thread (`Plan.run`) or on an event loop (`Plan.run_async`).
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from types import CoroutineType
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from marshmallow import Schema

from ramekin.arguments import compile_admission, compile_load
from ramekin.coroutines import drive, is_async, settle_elsewhere, settle_here
from ramekin.frames import Answer, Frame, Onion, answer_failure, finish_value, frame_steps
from ramekin.operations import takes_parameter
from ramekin.responses import Reply
from ramekin.steps import Exchange, Phase, Step
from ramekin.straight import IN_THREAD, ON_LOOP, Dialect, StraightSource

if TYPE_CHECKING:
    from ramekin.failures import Failures
    from ramekin.operations import Operation
    from ramekin.outcomes import Responder
    from ramekin.requests import Request
    from ramekin.settings import Settings

#: Answers a request on an event loop, given the values of the path.
RunAsync: TypeAlias = "Callable[[Request, dict[str, Any]], Awaitable[Answer]]"


class Plan(Protocol):
    """An operation made ready to run."""

    @property
    def operation(self) -> Operation:
        """The operation."""
        ...

    @property
    def run_async(self) -> RunAsync | None:
        """What answers a request on an event loop; None where a part may wait, so that it belongs in a thread."""
        ...

    @property
    def run(self) -> Callable[[Request, dict[str, Any]], Answer]:
        """What answers a request in a thread, given the values of the path."""
        ...


def compile_plan(
    operation: Operation, steps: Sequence[Step], failures: Failures, settings: Settings, responder: Responder
) -> Plan:
    """Make an operation ready to run.

    Args:
        operation: The operation.
        steps: Its steps, the outermost first.
        failures: What answers exceptions.
        settings: The app's settings.
        responder: What the operations of the site share in answering.
    """
    is_plain = all(item.for_handler and item.location != "files" for item in operation.effects.inputs)
    takes_more = any(takes_parameter(operation.handler, name) for name in operation.effects.provides)
    if steps or takes_more or not is_plain:
        return OnionPlan(operation, steps, failures, settings, responder)
    return StraightPlan(operation, failures, settings, responder)


def belongs_on_loop(operation: Operation, steps: Sequence[Step]) -> bool:
    """Tell whether an operation runs on an event loop: no part of it waits in any other way than by awaiting.

    Files are read by a parser that waits for the next bytes.
    """
    return (
        (is_async(operation.handler) or inspect.isasyncgenfunction(operation.handler))
        and not any(step.may_block for step in steps)
        and not operation.inputs_at("files")
    )


class StraightPlan:
    """The plan of a plain operation without steps: it runs straight through.

    Attributes:
        operation: The operation.
        run: What answers a request in a thread.
        run_async: What answers a request on an event loop, where the operation belongs there.
    """

    __slots__ = ("_failures", "_propagate", "_responder", "_source", "operation", "run", "run_async")

    def __init__(self, operation: Operation, failures: Failures, settings: Settings, responder: Responder) -> None:
        self.operation = operation
        self._failures = failures
        self._propagate = settings.propagate_exceptions or settings.debug
        self._responder = responder
        self._source = StraightSource(operation, failures, settings, responder)
        self.run: Callable[[Request, dict[str, Any]], Answer] = self._run_first
        self.run_async: RunAsync | None = None
        if belongs_on_loop(operation, ()):
            self.run = OnionPlan(operation, (), failures, settings, responder).run
            self.run_async = self._source.compile(self._fail_async, ON_LOOP)

    def _run_first(self, request: Request, arguments: dict[str, Any]) -> Answer:
        # A gateway may have a function of its own, and no need for this one.
        run: Callable[[Request, dict[str, Any]], Answer] = self._source.compile(self._fail, IN_THREAD)
        self.run = run
        return run(request, arguments)

    def compile(self, dialect: Dialect) -> Callable[..., Any] | None:
        """Return the function for a gateway that calls it in a thread; None for what belongs on an event loop."""
        return self._source.compile(self._fail, dialect) if self.run_async is None else None

    def _fail(self, request: Request, arguments: dict[str, Any], error: Exception) -> Answer:
        return drive(self._answer(request, arguments, error, settle_elsewhere))

    async def _fail_async(self, request: Request, arguments: dict[str, Any], error: Exception) -> Answer:
        return await self._answer(request, arguments, error, settle_here)

    async def _answer(self, request: Request, arguments: dict[str, Any], error: Exception, settle: Any) -> Answer:
        exchange, finish = Exchange(request, self.operation, arguments), partial(self._responder.finish, self.operation)
        reply = await answer_failure(self._failures, exchange, error, finish, settle)
        if self._propagate and exchange.error is not None:
            raise exchange.error
        return self._responder.to_head(reply), reply.body, None


class OnionPlan:
    """The plan of an operation with steps around it."""

    __slots__ = ("_onion", "operation", "run_async")

    def __init__(
        self,
        operation: Operation,
        steps: Sequence[Step],
        failures: Failures,
        settings: Settings,
        responder: Responder,
        last: Frame | None = None,
    ) -> None:
        """Make the plan; the last frame calls the handler where none is given."""
        self.operation = operation
        last = last or Frame(name=operation.where, enter=_calling(operation))
        frames = _compile_frames(operation, steps, settings, responder, last)
        self._onion = Onion(frames, failures, settings.propagate_exceptions or settings.debug, responder.to_head)
        self.run_async = self._run_async if belongs_on_loop(operation, steps) else None

    def run(self, request: Request, arguments: dict[str, Any]) -> Answer:
        """Answer a request in a thread, given the values of the path."""
        return self._onion.run(Exchange(request, self.operation, arguments))

    async def _run_async(self, request: Request, arguments: dict[str, Any]) -> Answer:
        return await self._onion.run_async(Exchange(request, self.operation, arguments))


def _compile_frames(
    operation: Operation, steps: Sequence[Step], settings: Settings, responder: Responder, last: Frame
) -> Sequence[Frame]:
    """Return the layers of an operation: its steps by phase, and what the core does between the phases."""
    finish = partial(responder.finish, operation)
    outside = [step for step in steps if step.phase in (Phase.OUTER, Phase.ADMIT)]
    on_bytes = [step for step in steps if step.phase in (Phase.WIRE, Phase.STORE)]
    inside = [step for step in steps if step.phase is Phase.VALUE]
    provides = [
        Frame(name=f"The provider of {name}", enter=_providing(name, make))
        for name, make in operation.effects.provides.items()
        if takes_parameter(operation.handler, name)
    ]
    return (
        *frame_steps(outside, finish),
        _reading_frame(operation, settings, responder, finish),
        *frame_steps(on_bytes, finish),
        _loading_frame(operation, settings, finish),
        *frame_steps(inside, None),
        *provides,
        last,
    )


def _reading_frame(operation: Operation, settings: Settings, responder: Responder, finish: Any) -> Frame:
    """Return the layer that judges the head and reads the body; files are read as they are parsed."""
    negotiation, admission = responder.negotiation(operation), compile_admission(operation, settings)
    has_body = admission is not None and not operation.inputs_at("files")

    def read(exchange: Exchange) -> Any:
        if exchange.request.accept not in negotiation.good:
            negotiation.judge(exchange.request.accept)
        if admission is not None:
            admission.admit(exchange.request)
        return exchange.request.take_body() if has_body else None

    return Frame(name="reading", enter=read, finish=finish)


def _loading_frame(operation: Operation, settings: Settings, finish: Any) -> Frame:
    """Return the layer that loads the arguments on the way in, and dumps the value on the way out."""
    load, resource = compile_load(operation, settings), operation.resource

    def enter(exchange: Exchange) -> None:
        if load is not None:
            close = load(exchange.request, exchange.arguments)
            if close is not None:
                exchange.closers.append(lambda _: close())
        exchange.resource = resource()
        exchange.resource.request = exchange.request

    def leave(exchange: Exchange, reply: Reply[Any]) -> Any:
        return finish_value(exchange, reply, finish)

    return Frame(name="loading", enter=enter, leave=leave, finish=finish)


def _providing(name: str, make: Callable[[Exchange], Any]) -> Callable[[Exchange], Any]:
    """Return what puts a provided value among the handler's arguments."""

    async def keep(exchange: Exchange, value: Any) -> None:
        exchange.arguments[name] = await value

    def enter(exchange: Exchange) -> Any:
        value = make(exchange)
        if type(value) is CoroutineType:
            return keep(exchange, value)
        exchange.arguments[name] = value
        return None

    return enter


def _calling(operation: Operation) -> Callable[[Exchange], Any]:
    """Return what calls the handler."""
    handler, withhold = operation.handler, compile_withholding(operation)

    async def reply_later(value: Any) -> Reply[Any]:
        return _to_reply(await value)

    def call(exchange: Exchange) -> Any:
        given = exchange.arguments if withhold is None else withhold(exchange.arguments)
        value = handler(exchange.resource, **given)
        return reply_later(value) if type(value) is CoroutineType else _to_reply(value)

    return call


def _to_reply(value: Any) -> Reply[Any]:
    return value if isinstance(value, Reply) else Reply(value)


def compile_withholding(operation: Operation) -> Callable[[dict[str, Any]], dict[str, Any]] | None:
    """Return what leaves the inputs of features out of the handler's arguments; None where there are none."""
    own = {item.location: set[str]() for item in operation.effects.inputs if item.for_handler}
    withheld: dict[str, set[str]] = {}
    for item in operation.effects.inputs:
        if isinstance(item.shape, Schema):
            names = {field.attribute or name for name, field in item.shape.load_fields.items()}
            (own if item.for_handler else withheld).setdefault(item.location, set()).update(names)
        elif not item.for_handler:
            withheld.setdefault(item.location, set())
    if not withheld:
        return None

    def withhold(arguments: dict[str, Any]) -> dict[str, Any]:
        given = dict(arguments)
        for location, names in withheld.items():
            if location not in own:
                given.pop(location, None)
            elif isinstance(value := given.get(location), Mapping):
                given[location] = {name: each for name, each in value.items() if name not in names - own[location]}
        return given

    return withhold
