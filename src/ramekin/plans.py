"""Plans: an operation made ready to run, its steps around its handler, from one tuple of steps.

A plan reads nothing from a socket and writes nothing to one; a gateway hands it a `Request` and sends what it gives
back. An operation without steps runs straight through; one with steps runs them as an onion, each exception turned
into a reply where it is raised.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from marshmallow import Schema

from ramekin.arguments import compile_admission, compile_load
from ramekin.errors import ContractError
from ramekin.failures import log_failure
from ramekin.operations import takes_parameter
from ramekin.outcomes import Content, Responder, to_head
from ramekin.responses import Head, Reply, check_finished
from ramekin.steps import Exchange, Phase, Step

if TYPE_CHECKING:
    from ramekin.failures import Failures
    from ramekin.operations import Operation
    from ramekin.problems import Problem
    from ramekin.requests import Request
    from ramekin.settings import Settings

_new = object.__new__
Inner: TypeAlias = Callable[[Exchange], Reply[Any]]

#: What a gateway sends: the head, without ``Content-Length`` where the content is in one piece; the content, in one
#: piece, in chunks, or None; and what is to be called after the last byte, or when the response is given up, with the
#: error that broke the content off, if one did.
Answer: TypeAlias = tuple[Head, Content, Callable[[Exception | None], None] | None]


class Plan(Protocol):
    """An operation made ready to run."""

    @property
    def operation(self) -> Operation:
        """The operation."""
        ...

    def run(self, request: Request, arguments: dict[str, Any]) -> Answer:
        """Answer a request, given the values of the path."""
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
    is_plain = not operation.effects.provides and all(
        item.for_handler and item.location != "files" for item in operation.effects.inputs
    )
    if steps or not is_plain:
        return OnionPlan(operation, steps, failures, settings, responder)
    return StraightPlan(operation, failures, settings, responder)


class StraightPlan:
    """The plan of an operation without steps: it runs straight through."""

    __slots__ = (
        "_accepted",
        "_admit",
        "_encoder",
        "_failures",
        "_handler",
        "_head",
        "_load",
        "_negotiation",
        "_propagate",
        "_resource",
        "_responder",
        "operation",
    )

    def __init__(self, operation: Operation, failures: Failures, settings: Settings, responder: Responder) -> None:
        self.operation = operation
        self._failures = failures
        self._propagate = settings.propagate_exceptions or settings.debug
        self._negotiation = responder.negotiation(operation)
        self._accepted = self._negotiation.good
        self._admit = compile_admission(operation, settings)
        self._load = compile_load(operation, settings)
        self._resource = operation.resource
        self._handler = operation.handler
        self._head = responder.head(operation.successes[0])
        self._encoder = responder.encoder(operation.successes[0])
        self._responder = responder

    def run(self, request: Request, arguments: dict[str, Any]) -> Answer:
        """Answer a request, given the values of the path."""
        try:
            if request.accept not in self._accepted:
                self._negotiation.judge(request.accept)
            if self._admit is not None:
                self._admit(request)
            if self._load is not None:
                self._load(request, arguments)
            resource = _new(self._resource)  # `Resource.__init__` without the call; no subclass may have one.
            resource.request = request
            value = self._handler(resource, **arguments) if arguments else self._handler(resource)
            if isinstance(value, Reply):
                reply = self._responder.finish(self.operation, value)
                return to_head(reply), reply.body, None
            encoder = self._encoder  # What it does is written out here, to save a call.
            if type(value) in encoder.doubtful:
                encoder.judge(value)
            return self._head, encoder.encode(value), None
        except Exception as error:
            return self._fail(request, arguments, error)

    def _fail(self, request: Request, arguments: dict[str, Any], error: Exception) -> Answer:
        exchange = Exchange(request, self.operation, arguments)
        reply = _answer(exchange, error, self._failures, partial(self._responder.finish, self.operation))
        if self._propagate and exchange.error is not None:
            raise exchange.error
        return to_head(reply), reply.body, None


class OnionPlan:
    """The plan of an operation with steps around it."""

    __slots__ = ("_inner", "_propagate", "operation")

    def __init__(
        self,
        operation: Operation,
        steps: Sequence[Step],
        failures: Failures,
        settings: Settings,
        responder: Responder,
    ) -> None:
        self.operation = operation
        self._propagate = settings.propagate_exceptions or settings.debug
        self._inner = _compile_onion(operation, steps, failures, settings, responder)

    def run(self, request: Request, arguments: dict[str, Any]) -> Answer:
        """Answer a request, given the values of the path."""
        return _run_onion(Exchange(request, self.operation, arguments), self._inner, self._propagate)


def _compile_onion(
    operation: Operation, steps: Sequence[Step], failures: Failures, settings: Settings, responder: Responder
) -> Inner:
    """Return what runs an operation with its steps around it."""
    negotiation, finish = responder.negotiation(operation), partial(responder.finish, operation)
    admit, load = compile_admission(operation, settings), compile_load(operation, settings)
    resource, handler = operation.resource, operation.handler
    provides = tuple(
        (name, make) for name, make in operation.effects.provides.items() if takes_parameter(handler, name)
    )
    withhold = _compile_withholding(operation)
    has_body = admit is not None and not operation.inputs_at("files")

    def call(exchange: Exchange) -> Reply[Any]:
        for name, provide in provides:
            exchange.arguments[name] = provide(exchange)
        given = exchange.arguments if withhold is None else withhold(exchange.arguments)
        value = handler(exchange.resource, **given)
        return value if isinstance(value, Reply) else Reply(value)

    def read(inner: Inner, exchange: Exchange) -> Reply[Any]:
        if exchange.request.accept not in negotiation.good:
            negotiation.judge(exchange.request.accept)
        if admit is not None:
            admit(exchange.request)
        if has_body:
            _ = exchange.request.body
        return inner(exchange)

    def convert(inner: Inner, exchange: Exchange) -> Reply[Any]:
        if load is not None:
            close = load(exchange.request, exchange.arguments)
            if close is not None:
                exchange.closers.append(lambda _: close())
        exchange.resource = resource(exchange.request)
        return _finish(exchange, inner(exchange), finish)

    inner = _guard(call, failures)
    inner = wrap_steps([step for step in steps if step.phase is Phase.VALUE], inner, failures)
    inner = _guard(partial(convert, inner), failures, finish)
    inner = wrap_steps([step for step in steps if step.phase in (Phase.WIRE, Phase.STORE)], inner, failures, finish)
    inner = _guard(partial(read, inner), failures, finish)
    return wrap_steps([step for step in steps if step.phase in (Phase.OUTER, Phase.ADMIT)], inner, failures, finish)


def _compile_withholding(operation: Operation) -> Callable[[dict[str, Any]], dict[str, Any]] | None:
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


def _guard(inner: Inner, failures: Failures, finish: Callable[[Reply[Any]], Reply[Any]] | None = None) -> Inner:
    """Return ``inner`` with its exceptions turned into replies, and its replies finished where that is due."""

    def run(exchange: Exchange) -> Reply[Any]:
        try:
            reply = inner(exchange)
            return reply if finish is None else finish(reply)
        except Exception as error:
            return _answer(exchange, error, failures, finish)

    return run


def _answer(
    exchange: Exchange, error: Exception, failures: Failures, finish: Callable[[Reply[Any]], Reply[Any]] | None
) -> Reply[Any]:
    reply = failures.answer(exchange, error)
    if finish is None:
        return reply
    try:
        return finish(reply)
    except Exception as unfit:  # The reply of an exception handler is not what the operation declares.
        return failures.answer(exchange, unfit)


def _finish(exchange: Exchange, reply: Reply[Any], finish: Callable[[Reply[Any]], Reply[Any]]) -> Reply[Any]:
    """Finish a reply; a stream is closed with the exchange, even when a step outside answers something else."""
    reply = finish(reply)
    close = getattr(reply.body, "close", None)
    if close is not None:
        exchange.closers.append(lambda _: close())
    return reply


def wrap_steps(
    steps: Sequence[Step], inner: Inner, failures: Failures, finish: Callable[[Reply[Any]], Reply[Any]] | None = None
) -> Inner:
    """Return ``inner`` with steps around it, the first outermost; replies are finished where ``finish`` is given."""
    for step in reversed(steps):
        inner = _wrap(step, inner, failures, finish)
    return inner


def _wrap(step: Step, inner: Inner, failures: Failures, finish: Callable[[Reply[Any]], Reply[Any]] | None) -> Inner:
    enter, leave, close = step.enter, step.leave, step.close

    def run(exchange: Exchange) -> Reply[Any]:
        try:
            reply = None if enter is None else enter(exchange)
            if close is not None:
                exchange.closers.append(close)
            if reply is None:
                reply = inner(exchange)
            elif not isinstance(reply, Reply):
                raise _no_reply(step, "enter", "a Reply or None", reply)
            elif finish is not None:
                reply = _finish(exchange, reply, finish)
        except Exception as error:
            return _answer(exchange, error, failures, finish)
        if leave is None:
            return reply
        try:
            reply = leave(exchange, reply)
            if not isinstance(reply, Reply):
                raise _no_reply(step, "leave", "a Reply", reply)
            if finish is not None:
                reply = finish(reply)
                check_finished(reply)
            return reply
        except Exception as error:
            return _answer(exchange, error, failures, finish)

    return run


def _no_reply(step: Step, part: str, expected: str, given: object) -> ContractError:
    return ContractError(
        f"Step {step.name!r} ({part}) returns {expected}, not {type(given).__name__}; "
        "a problem is raised, not returned."
    )


def compile_fallback(
    steps: Sequence[Step], failures: Failures, settings: Settings
) -> Callable[[Request, Reply[Any] | Problem], Answer]:
    """Return what answers requests that match no operation, with the outer steps of the app around it."""
    propagate = settings.propagate_exceptions or settings.debug

    def answer(exchange: Exchange) -> Reply[Any]:
        given: Reply[Any] | Problem = exchange.arguments.pop("answer")
        return given if isinstance(given, Reply) else failures.answer(exchange, given)

    inner = _guard(answer, failures, _finish_unmatched)
    inner = wrap_steps([step for step in steps if step.phase is Phase.OUTER], inner, failures, _finish_unmatched)

    def fall_back(request: Request, given: Reply[Any] | Problem) -> Answer:
        done = _run_onion(Exchange(request, None, {"answer": given}), inner, propagate)
        return without_content(request, done) if request.method == "HEAD" else done

    return fall_back


def _finish_unmatched(reply: Reply[Any]) -> Reply[Any]:
    """Finish a reply that stands around no operation: JSON, or no content."""
    from ramekin import json

    if reply.finished:
        return reply
    if reply.value is None:
        return reply.finish_empty()
    reply.body = json.encode(reply.value)
    reply.headers.pairs.insert(0, ("Content-Type", "application/json"))
    reply.status, reply.finished = reply.status or 200, True
    return reply


def _run_onion(exchange: Exchange, inner: Inner, propagate: bool) -> Answer:
    try:
        reply = inner(exchange)
    except BaseException:  # SystemExit and its like pass, but what was entered is closed.
        close_exchange(exchange)
        raise
    if propagate and exchange.error is not None:
        close_exchange(exchange)
        raise exchange.error
    return to_head(reply), reply.body, partial(close_exchange, exchange) if exchange.closers else None


def close_exchange(exchange: Exchange, error: Exception | None = None) -> None:
    """Close every step that was entered, the innermost first; one that throws is logged and stops no other.

    Args:
        exchange: The exchange that is over.
        error: What broke its stream off, if something did.
    """
    if error is not None and exchange.error is None:
        exchange.error = error
    while exchange.closers:
        close = exchange.closers.pop()
        try:
            close(exchange)
        except Exception as failed:
            log_failure(exchange.request, failed)


def without_content(request: Request, answer: Answer) -> Answer:
    """Return the answer to HEAD that goes with an answer to GET (RFC 9110 §9.3.2)."""
    head, content, close_all = answer
    headers = head.headers
    if isinstance(content, bytes):
        if content:
            headers = [*headers, ("Content-Length", str(len(content)))]
    elif (close := getattr(content, "close", None)) is not None:
        try:
            close()
        except Exception as error:
            log_failure(request, error)
    return Head(head.status, headers), None, close_all
