"""The straight path: the one function that runs a plain operation without steps, made of source for each operation.

It does what the frames of such an operation do, one after the other, and leaves out what the operation does not
declare. A call takes a tenth of the time that a small answer takes, so the parts stand in one function; the same lines
serve a thread, and with what an event loop awaits, a loop.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial
from types import CoroutineType
from typing import TYPE_CHECKING, Any, NamedTuple

from ramekin.arguments import compile_admission, compile_json_reader, compile_straight_load, refuse_json
from ramekin.coroutines import blame
from ramekin.json import JSONError
from ramekin.problems import ValidationFailed
from ramekin.responses import Reply, is_json
from ramekin.schemas.elements import compile_function
from ramekin.streams import begin, begin_async

if TYPE_CHECKING:
    from ramekin.failures import Failures
    from ramekin.operations import Operation
    from ramekin.outcomes import Responder
    from ramekin.settings import Settings


class _Rare(NamedTuple):
    """What few requests need: each name that a closure has by itself costs every one of them a little."""

    judge_accept: Callable[..., Any]
    judge_value: Callable[..., Any]
    refuse: Callable[..., Any]
    finish: Callable[..., Any]
    to_head: Callable[..., Any]
    most_faults: int


class StraightSource:
    """Collects the source of the function that runs an operation.

    Args:
        operation: A plain operation: nothing is provided to it, and it reads no files.
        failures: What answers exceptions.
        settings: The app's settings.
        responder: What the operations of the site share in answering.
    """

    def __init__(self, operation: Operation, failures: Failures, settings: Settings, responder: Responder) -> None:
        negotiation, success = responder.negotiation(operation), operation.successes[0]
        encoder = responder.encoder(success)
        self.operation = operation
        self.encoding = "encode(value)" if encoder.by_kind is None else "encode[type(value) is dict](value)"
        self.admit = compile_admission(operation, settings)
        self.read_json = compile_json_reader(operation, settings)
        self.load = None if self.read_json is not None else compile_straight_load(operation, settings)
        self.namespace: dict[str, Any] = {
            "accepted": negotiation.good,
            "Resource": operation.resource,
            "handler": operation.handler,
            "doubtful": encoder.doubtful,
            "encode": encoder.encode if encoder.by_kind is None else encoder.by_kind,
            "head": responder.head(success),
        }
        self.rare = _Rare(
            judge_accept=negotiation.judge,
            judge_value=encoder.judge,
            refuse=failures.compile_refusal(responder.to_head) or _raise_faults,
            finish=partial(responder.finish, operation),
            to_head=responder.to_head,
            most_faults=operation.limits.reported_errors,
        )

    def compile(self, fail: Callable[..., Any], *, on_loop: bool = False) -> Callable[..., Any]:
        """Return the function; it takes the request and the values of the path, and returns the answer.

        Args:
            fail: Takes the request, the arguments and an exception, and returns the answer; awaited on a loop.
            on_loop: Whether the function is a coroutine function.
        """
        wait = "await " if on_loop else ""
        given = [f"{each.name}=arguments[{each.name!r}]" for each in self.operation.path_parameters]
        lines = ["if request.accept not in accepted: rare.judge_accept(request.accept)"]
        if self.admit is not None:
            lines += self._body_lines(on_loop)
        if self.read_json is not None:
            lines += self._json_lines()
            given.append("json=given")
        elif self.load is not None:
            lines += [
                "faults = load(request, arguments)",
                "if faults: return (*rare.refuse(request, faults[:rare.most_faults]), None)",
            ]
            given = ["**arguments"]
            self.namespace["load"] = self.load
        lines += [
            # `Resource.__init__` without the call; no subclass may have one.
            "resource = new(Resource)",
            "resource.request = request",
            f"value = handler({', '.join(['resource', *given])})",
            *(["if type(value) is CoroutineType: value = await value"] if on_loop else []),
            "if isinstance(value, Reply):",
            " reply = rare.finish(value)",
            f" {self._return('rare.to_head(reply)', 'reply.body', on_loop)}",
            # What the encoder does is written out here, to save its call.
            "if type(value) in doubtful: rare.judge_value(value)",
            self._return("head", self.encoding, on_loop),
        ]
        lines = [*(f"  {line}" for line in lines), " except Exception as error:"]
        lines = [f"{'async ' if on_loop else ''}def run(request, arguments):", " try:", *lines]
        lines.append(f"  return {wait}fail(request, arguments, error)")
        if on_loop:
            lines += [
                " except BaseException as error:",
                "  return await fail(request, arguments, blame_or_raise(error))",
            ]
        known = {**self.namespace, "rare": self.rare, "fail": fail}
        source = "\n ".join([f"def make({', '.join(known)}):", *lines, "return run"])
        return _compile_factory(source)(**known)  # type: ignore[no-any-return]

    def _return(self, head: str, content: str, on_loop: bool) -> str:
        begin = "await begin_async" if on_loop else "begin"
        return f"return {head}, {f'{begin}({content})' if self._may_stream else content}, None"

    @property
    def _may_stream(self) -> bool:
        return any(outcome.media_type and not is_json(outcome.media_type) for outcome in self.operation.successes)

    def _body_lines(self, on_loop: bool) -> list[str]:
        """Return the lines that judge the head and read the body."""
        admit = self.admit
        self.namespace |= {"admit": admit.admit, "good": admit.good, "limit": admit.limit}  # type: ignore[union-attr]
        take, read = ("await request.receive_plain_body", "await request.read_body()")
        if not on_loop:
            take, read = "request.take_plain_body", "request.body"
        if not on_loop and not self.operation.inputs_at("json"):
            return ["admit(request)"]  # A form is read as it is parsed.
        return [f"body = {take}(good, limit)", "if body is None:", " admit(request)", f" body = {read}"]

    def _json_lines(self) -> list[str]:
        """Return the lines that load a JSON body."""
        self.namespace["read"] = self.read_json
        (item,) = self.operation.inputs_at("json")
        lines = [
            "try: given, faults = read(body)",
            "except JSONError as error: raise refuse_json(error) from None",
            "if faults: return (*rare.refuse(request, faults[:rare.most_faults]), None)",
        ]
        if not item.required:
            lines = ["if not body: given = None", "else:", *(f" {line}" for line in lines)]
        # An exception handler may be asked about them.
        return [*lines, "arguments['json'] = given"]


def _blame_or_raise(error: BaseException) -> Exception:
    """Return the bug that an interruption stands for; raise it where it is none."""
    blamed = blame(error)
    if not isinstance(blamed, Exception):
        raise error
    return blamed


#: What all of these functions find as globals.
_SHARED: dict[str, Any] = {
    "new": object.__new__,
    "Reply": Reply,
    "CoroutineType": CoroutineType,
    "JSONError": JSONError,
    "refuse_json": refuse_json,
    "begin": begin,
    "blame_or_raise": _blame_or_raise,
    "begin_async": begin_async,
}


@lru_cache(maxsize=1024)
def _compile_factory(source: str) -> Callable[..., Any]:
    """Return the function that makes one of these for each operation with the same source.

    They share their code, which the interpreter adapts to what it sees; that it finds things as a closure and not as
    globals keeps it from adapting anew with each operation.
    """
    return compile_function(source, "make", dict(_SHARED))  # type: ignore[no-any-return]


def _raise_faults(request: Any, faults: Any) -> Any:
    raise ValidationFailed(faults)
