"""The straight path: the one function that runs a plain operation without steps, made of source for each operation.

It does what the frames of such an operation do, one after the other, and leaves out what the operation does not
declare. A call takes a tenth of the time that a small answer takes, so the parts stand in one function. The same lines
serve a thread, with what an event loop awaits, a loop, and with an end of its own, a gateway that sends the answer from
there; a `Dialect` says what differs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, partial
from keyword import iskeyword
from types import CoroutineType
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from ramekin.arguments import compile_admission, compile_json_reader, compile_straight_load, refuse_json
from ramekin.coroutines import blame, run_coroutine
from ramekin.json import JSONError
from ramekin.problems import ValidationFailed
from ramekin.responses import Reply, is_json
from ramekin.schemas.sources import compile_function, indent
from ramekin.streams import begin, begin_async

if TYPE_CHECKING:
    from ramekin.failures import Failures
    from ramekin.operations import Operation
    from ramekin.outcomes import Responder
    from ramekin.responses import Head
    from ramekin.settings import Settings


#: Most types of values that an operation remembers as usual.
_MOST_USUAL = 64


class _Rare(NamedTuple):
    """What few requests need: each name that a closure has by itself costs every one of them a little."""

    judge_accept: Callable[..., Any]
    admit: Callable[..., Any] | None
    judge_value: Callable[..., Any]
    doubtful: frozenset[type[Any]]
    refused: Head | None
    write_faults: Callable[..., Any]
    finish: Callable[..., Any]
    to_head: Callable[..., Any]
    most_faults: int
    fail: Callable[..., Any] | None = None


class Dialect:
    """How the function of an operation is called, and what it does with the answer.

    Attributes:
        parameters: What it takes, among them ``request`` and ``arguments``, the values of the path.
        is_unknown_accept: The expression that tells whether ``Accept`` has to be judged.
        take_body: The lines that read a body with a plainly good head, and make ``body`` None with any other.
        read_body: The expression that reads any body.
        on_loop: Whether it is a coroutine function.
        names: What the lines of every function find as globals.
    """

    parameters = "request, arguments"
    is_unknown_accept = "request.accept not in accepted"
    take_body: Sequence[str] = ("body = request.take_plain_body(good, limit)",)
    read_body = "request.body"
    on_loop = False
    names: ClassVar[Mapping[str, Any]] = {}

    def begin(self, source: StraightSource) -> list[str]:
        """Return the lines at its beginning, which make of the parameters what the lines of all dialects know."""
        return []

    def end(self, source: StraightSource) -> list[str]:
        """Return the lines at its end.

        ``answer`` is an answer that is not the usual one, or None; the usual one is ``content`` below ``head``.
        """
        return ["return (head, content, None) if answer is None else answer"]


class _LoopDialect(Dialect):
    take_body = ("body = await request.receive_plain_body(good, limit)",)
    read_body = "await request.read_body()"
    on_loop = True


#: Returns the answer, in a thread or on an event loop.
IN_THREAD, ON_LOOP = Dialect(), _LoopDialect()


class StraightSource:
    """Collects the source of the functions that run an operation.

    Args:
        operation: A plain operation: nothing is provided to it, and it reads no files.
        failures: What answers exceptions.
        settings: The app's settings.
        responder: What the operations of the site share in answering.

    Attributes:
        operation: The operation.
        head: The head of the usual answer.
        is_whole: Whether the content of the usual answer is always in one piece.
        reads: Whether the operation reads anything but its path.
    """

    def __init__(self, operation: Operation, failures: Failures, settings: Settings, responder: Responder) -> None:
        negotiation, success = responder.negotiation(operation), operation.successes[0]
        encoder = responder.encoder(success)
        self.operation = operation
        self.head: Head = responder.head(success)
        self.is_whole = success.shape is not None and is_json(success.media_type or "")
        self._by_kind = encoder.by_kind is not None
        self._admit = compile_admission(operation, settings)
        self._read_json = compile_json_reader(operation, settings)
        self._load = None if self._read_json is not None else compile_straight_load(operation, settings)
        refused, write_faults = failures.compile_refusal(responder.to_head) or (None, _raise_faults)
        self.reads = self._read_json is not None or self._load is not None
        self._namespace: dict[str, Any] = {
            "operation": operation,
            "accepted": negotiation.good,
            "Resource": operation.resource,
            "handler": operation.handler,
            "head": self.head,
            "usual": encoder.usual,
            "encode": encoder.encode if encoder.by_kind is None else encoder.by_kind,
        }
        self._rare = _Rare(
            judge_accept=negotiation.judge,
            admit=self._admit and self._admit.admit,
            judge_value=encoder.judge,
            doubtful=encoder.doubtful,
            refused=refused,
            write_faults=write_faults,
            finish=partial(responder.finish, operation),
            to_head=responder.to_head,
            most_faults=operation.limits.reported_errors,
        )

    def compile(self, fail: Callable[..., Any], dialect: Dialect = IN_THREAD) -> Callable[..., Any]:
        """Return the function.

        Args:
            fail: Takes the request, the arguments and an exception, and returns the answer; awaited on a loop.
            dialect: How it is called, and what it does with the answer.
        """
        known = {**self._namespace, "rare": self._rare._replace(fail=fail)}
        wait = "await " if dialect.on_loop else ""
        arguments = "arguments" if self.reads or self.operation.path_parameters else "{}"
        lines = [
            f"if {dialect.is_unknown_accept}: rare.judge_accept(request.accept)",
            *self._load_lines(known, dialect),
        ]
        source = [
            f"def make({', '.join(known)}):",
            f" {'async ' if dialect.on_loop else ''}def run({dialect.parameters}):",
            *indent(dialect.begin(self), 2),
            "  answer = None",
            "  try:",
            *indent(lines, 3),
            "  except Exception as error:",
            f"   answer = {wait}rare.fail(request, {arguments}, error)",
        ]
        if dialect.on_loop:
            source += [
                "  except BaseException as error:",
                f"   answer = await rare.fail(request, {arguments}, blame_or_raise(error))",
            ]
        source += [*indent(dialect.end(self), 2), " return run"]
        run: Callable[..., Any] = _compile_factory("\n".join(source), dialect)(**known)
        return run

    def _load_lines(self, known: dict[str, Any], dialect: Dialect) -> list[str]:
        """Return the lines that load the arguments and go on with them, having added the names that they need."""
        lines = [] if self._admit is None else self._body_lines(known, dialect)
        if self._read_json is not None:
            known["reader"] = self._read_json
            read = [
                "read = reader.read",
                "try: given, faults = read(body)",
                "except JSONError as error: raise refuse_json(error) from None",
            ]
            (item,) = self.operation.inputs_at("json")
            if not item.required:
                read = ["if not body: given = faults = None", "else:", *indent(read)]
            # An exception handler may be asked about the arguments.
            following = ["arguments['json'] = given", *self._call_lines(["json=given"], dialect.on_loop)]
        elif self._load is not None:
            known["load"] = self._load
            read = ["faults = load(request, arguments)"]
            following = self._call_lines(["**arguments"], dialect.on_loop)
        else:
            return [*lines, *self._call_lines([], dialect.on_loop)]
        refuse = "if faults: answer = rare.refused, rare.write_faults(request, faults[:rare.most_faults]), None"
        return [*lines, *read, refuse, "else:", *indent(following)]

    def _body_lines(self, known: dict[str, Any], dialect: Dialect) -> list[str]:
        """Return the lines that judge the head and read the body."""
        admit = self._admit
        known |= {"good": admit.good, "limit": admit.limit}  # type: ignore[union-attr]  # There is one here.
        if not dialect.on_loop and not self.operation.inputs_at("json"):
            return ["rare.admit(request)"]  # A form is read as it is parsed.
        return [*dialect.take_body, "if body is None:", " rare.admit(request)", f" body = {dialect.read_body}"]

    def _call_lines(self, given: list[str], on_loop: bool) -> list[str]:
        """Return the lines that call the handler and write its value."""
        if any(iskeyword(each.name) for each in self.operation.path_parameters):
            given = ["**arguments"]  # All of them stand there by now.
        elif given != ["**arguments"]:
            given = [*(f"{each.name}=arguments[{each.name!r}]" for each in self.operation.path_parameters), *given]
        lines = [
            "resource = Resource()",
            "resource.request = request",
            f"value = handler({', '.join(['resource', *given])})",
            *(["if type(value) is CoroutineType: value = await value"] if on_loop else []),
        ]
        begin = ("await begin_async" if on_loop else "begin") if self._may_stream else ""
        content = f"{begin}(encode(value))" if begin else "encode(value)"
        return [
            *lines,
            "kind = type(value)",
            f"if kind in usual: content = {'encode[kind is dict](value)' if self._by_kind else content}",
            "else:",
            # A plain function may return what an async one gave it.
            *([] if on_loop else [" if kind is CoroutineType: value = run_coroutine(value); kind = type(value)"]),
            " if isinstance(value, Reply):",
            "  reply = rare.finish(value)",
            f"  answer = rare.to_head(reply), {f'{begin}(reply.body)' if begin else 'reply.body'}, None",
            " else:",
            # What the encoder does is written out here, to save its call.
            "  if kind in rare.doubtful: rare.judge_value(value)",
            "  elif len(usual) < MOST_USUAL: usual.add(kind)",
            f"  content = {'encode[kind is dict](value)' if self._by_kind else content}",
        ]

    @property
    def _may_stream(self) -> bool:
        return any(outcome.media_type and not is_json(outcome.media_type) for outcome in self.operation.successes)


def _blame_or_raise(error: BaseException) -> Exception:
    """Return the bug that an interruption stands for; raise it where it is none."""
    blamed = blame(error)
    if not isinstance(blamed, Exception):
        raise error
    return blamed


#: What all of these functions find as globals.
_SHARED: dict[str, Any] = {
    "MOST_USUAL": _MOST_USUAL,
    "Reply": Reply,
    "CoroutineType": CoroutineType,
    "run_coroutine": run_coroutine,
    "JSONError": JSONError,
    "refuse_json": refuse_json,
    "begin": begin,
    "blame_or_raise": _blame_or_raise,
    "begin_async": begin_async,
}


@lru_cache(maxsize=1024)
def _compile_factory(source: str, dialect: Dialect) -> Callable[..., Any]:
    """Return the function that makes one of these for each operation with the same source.

    They share their code, which the interpreter adapts to what it sees; that it finds what is an operation's own as a
    closure and not as globals keeps it from adapting anew with each operation.
    """
    make: Callable[..., Any] = compile_function(source, "make", {**_SHARED, **dialect.names})
    return make


def _raise_faults(request: Any, faults: Any) -> Any:
    raise ValidationFailed(faults)
