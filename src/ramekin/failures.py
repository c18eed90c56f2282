"""What becomes of an exception: the one place where it turns into a reply.

Handlers registered by the app are looked for along the exception's class order; then a `Problem` is written as it is,
a Werkzeug ``HTTPException`` as the problem of its status, and anything else is a bug: logged, answered by a 500 that
reveals nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from types import CoroutineType
from typing import TYPE_CHECKING, Any, TypeAlias

from ramekin import json
from ramekin.errors import ContractError
from ramekin.inputs import InputError
from ramekin.problem_texts import compile_faults_writer, write_problem
from ramekin.problems import (
    BadRequest,
    InternalServerError,
    Problem,
    ProblemDetails,
    ProblemFormat,
    ValidationFailed,
    problem_of_status,
)
from ramekin.responses import InvalidHeader, Reply, check_finished

if TYPE_CHECKING:
    from ramekin.operations import Operation
    from ramekin.requests import Request
    from ramekin.responses import Head
    from ramekin.schemas import Fault
    from ramekin.steps import Exchange

_LOGGER = logging.getLogger("ramekin.error")

_Handled: TypeAlias = "Problem | Reply[Any]"
#: Turns an exception into a problem, or into a reply whose value the operation declares for its status.
ExceptionHandler: TypeAlias = "Callable[[Any, Request], _Handled | Coroutine[Any, Any, _Handled]]"


class Failures:
    """Answers exceptions.

    Args:
        handlers: The app's handlers by class of exception.
        problem_format: How problems are written.
    """

    def __init__(self, handlers: Mapping[type[Exception], ExceptionHandler], problem_format: ProblemFormat) -> None:
        self._handlers = dict(handlers)
        self._format = problem_format

    def answer(self, exchange: Exchange, error: Exception) -> Reply[Any] | Coroutine[Any, Any, Reply[Any]]:
        """Return the reply to an exception; what nobody expected is noted in ``exchange.error`` and logged.

        It is a coroutine where the handler registered for the exception is ``async def``.
        """
        try:
            handler = self._find_handler(type(error))
            if handler is None:
                return self._write_any(self._convert(exchange, error), exchange)
            handled: Any = handler(error, exchange.request)
            if type(handled) is CoroutineType:
                return self._answer_later(exchange, error, handled)
            return self._write_any(_check_handled(error, handled), exchange)
        except Exception as unexpected:  # A bug, or a handler or format that failed itself.
            return self._answer_bug(exchange, unexpected)

    async def _answer_later(
        self, exchange: Exchange, error: Exception, handled: Coroutine[Any, Any, Any]
    ) -> Reply[Any]:
        try:
            return self._write_any(_check_handled(error, await handled), exchange)
        except Exception as unexpected:
            return self._answer_bug(exchange, unexpected)

    def handles(self, kind: type[Exception]) -> bool:
        """Tell whether the app has a handler for exceptions of a class."""
        return self._find_handler(kind) is not None

    def _find_handler(self, kind: type[Exception]) -> ExceptionHandler | None:
        if self._handlers:
            for base in kind.__mro__:
                if base in self._handlers:
                    return self._handlers[base]
        return None

    def _write_any(self, answer: Problem | Reply[Any], exchange: Exchange) -> Reply[Any]:
        return self.write(answer, exchange.request) if isinstance(answer, Problem) else answer

    def _answer_bug(self, exchange: Exchange, error: Exception) -> Reply[Any]:
        exchange.error = error
        log_failure(exchange.request, error)
        return self._write_safely(InternalServerError(), exchange.request)

    def _convert(self, exchange: Exchange, error: Exception) -> Problem | Reply[Any]:
        if isinstance(error, Problem):
            return error
        if isinstance(error, InputError):
            return problem_of_status(error.status)(detail=error.detail)
        if isinstance(error, InvalidHeader) and _comes_from_input(error.value, exchange.arguments.values()):
            return BadRequest("The input holds characters that a header field of the response cannot carry.")
        return _convert_werkzeug(error, exchange.operation)

    def write(self, problem: Problem, request: Request) -> Reply[Any]:
        """Return the finished reply of a problem."""
        reply: Reply[Any] = Reply(status=problem.status, headers=problem.headers)
        reply.problem = problem
        reply.media_type = self._format.media_type
        reply.body = self._write_text(problem, request)
        reply.headers.pairs.insert(0, ("Content-Type", self._format.media_type))
        reply.finished = True
        check_finished(reply)
        return reply

    def _write_text(self, problem: Problem, request: Request) -> bytes:
        if type(self._format) is ProblemDetails:  # A subclass may say what is in it.
            return write_problem(self._format, problem, request)
        return json.encode(self._format.body(problem, request))

    def compile_refusal(
        self, to_head: Callable[[Reply[Any]], Head]
    ) -> tuple[Head, Callable[[Request, Sequence[Fault]], bytes]] | None:
        """Return the head of the answer to invalid input, and what writes its content.

        None where it is for the app to say what becomes of invalid input. Otherwise the answer is that to
        `ramekin.problems.ValidationFailed`, without the exception and its reply.

        Args:
            to_head: Makes the head of a finished reply.
        """
        details = self._format
        if type(details) is not ProblemDetails or any(kind in self._handlers for kind in ValidationFailed.__mro__):
            return None
        reply: Reply[None] = Reply(status=ValidationFailed.status)
        reply.headers.pairs.append(("Content-Type", details.media_type))
        reply.problem, reply.finished = ValidationFailed(), True
        return to_head(reply), compile_faults_writer(details)

    def _write_safely(self, problem: Problem, request: Request) -> Reply[Any]:
        try:
            return self.write(problem, request)
        except Exception as unexpected:  # The app's own format failed; the client still gets an answer.
            log_failure(request, unexpected)
            return Failures({}, ProblemDetails()).write(problem, request)


def _check_handled(error: Exception, answer: Any) -> Problem | Reply[Any]:
    if not isinstance(answer, Problem | Reply):
        raise ContractError(
            f"The handler of {type(error).__name__} returns a Problem or a Reply, not {type(answer).__name__}."
        ) from error
    return answer


def log_failure(request: Request, error: BaseException) -> None:
    """Log an exception that nobody expected, with its trace and the request's id."""
    operation = request.operation
    _LOGGER.error(
        "Unhandled %s in %s",
        type(error).__name__,
        request.method if operation is None else operation.id,
        exc_info=error,
        extra={"request_id": request.id, "operation": None if operation is None else operation.id},
    )


def _convert_werkzeug(error: Exception, operation: Operation | None) -> Problem | Reply[Any]:
    """Return the problem, or redirect, of a Werkzeug exception.

    Raises:
        ContractError: It is a redirect that the operation does not declare.
        Exception: The error itself, when it is none, or one that answers with a success.
    """
    from werkzeug.exceptions import HTTPException

    if not isinstance(error, HTTPException):
        raise error
    response = error.get_response()
    status = response.status_code
    if status < 300:  # One without a status, or a page: neither is an answer of this API.
        raise error
    if status < 400 and operation is not None and all(status != outcome.status for outcome in operation.successes):
        raise ContractError(
            f"{operation.id} raised {type(error).__name__} with status {status}, which it does not declare; "
            f"put @returns(status={status}) on it."
        ) from error
    headers = [
        (name, value) for name, value in response.headers if name.lower() not in {"content-type", "content-length"}
    ]
    if status < 400:
        return Reply(status=status, headers=headers).finish_empty()
    problem = problem_of_status(status)(detail=error.description)
    problem.headers = headers
    return problem


def _comes_from_input(text: str, values: Iterable[Any]) -> bool:
    """Tell whether text that no header can carry was taken from the loaded input."""
    waiting, bad = (
        list(values),
        {character for character in text if character < " " or character == "\x7f" or character > "\xff"},
    )
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            if value in text and bad.intersection(value):
                return True
        elif isinstance(value, Mapping):
            waiting.extend(value.values())
        elif isinstance(value, list | tuple | set):
            waiting.extend(value)
    return False
