"""The text of problem details, put together from ready pieces.

It is what `ramekin.json.encode` writes of `ProblemDetails.body`, to the byte. Anybody may send invalid requests, so to
answer one should cost no more than to serve a valid one.

Specification: RFC 9457; RFC 8259.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from ramekin import json
from ramekin.problems import (
    REPEATED_CHARACTERS,
    BadRequest,
    Problem,
    ProblemDetails,
    ValidationFailed,
    quote_instance,
)

if TYPE_CHECKING:
    from ramekin.requests import Request
    from ramekin.schemas import Fault

_text_of: Any = attrgetter("text")

#: What stands before the id, which has no character that JSON escapes, and before the faults.
_ID, _ERRORS = b',"request_id":"', b',"errors":['


def write_problem(details: ProblemDetails, problem: Problem, request: Request) -> bytes:
    """Return the text of one occurrence."""
    detail = b"" if problem.detail is None else b',"detail":' + json.encode(problem.detail)
    values = b"," + json.encode(problem.values)[1:-1] if problem.values else b""
    head = _write_head(details.base_uri, problem.title, problem.status, problem.code)
    faults: Sequence[Fault] | None = None
    if isinstance(problem, ValidationFailed) or (isinstance(problem, BadRequest) and problem.faults):
        faults = problem.faults
    return _join(head + detail, request, values, faults)


def compile_faults_writer(details: ProblemDetails) -> Callable[[Request, Sequence[Fault]], bytes]:
    """Return what writes the text of `ramekin.problems.ValidationFailed` with some faults."""
    kind = ValidationFailed
    head = _write_head(details.base_uri, kind.title, kind.status, kind.code)

    def write_faults(request: Request, faults: Sequence[Fault]) -> bytes:
        try:
            texts = b",".join(map(_text_of, faults))
        except TypeError:  # One was not written before.
            texts = _write_faults(faults)
        instance = _instance(request, False)  # No operation answers CONNECT.
        return b"".join((head, instance, _ID, request.id.encode(), b'"', _ERRORS, texts, b"]}"))

    return write_faults


def _join(head: bytes, request: Request, values: bytes, faults: Sequence[Fault] | None) -> bytes:
    # The target of CONNECT is no path.
    is_connect = request.operation is None and request.method == "CONNECT"
    parts = [head, _instance(request, is_connect), _ID, request.id.encode()]
    parts += [b'"', values, b"}"] if faults is None else [b'"', values, _ERRORS, _write_faults(faults), b"]}"]
    return b"".join(parts)


def _write_faults(faults: Sequence[Fault]) -> bytes:
    return b",".join([fault.text or _write_fault(fault) for fault in faults])


@lru_cache(maxsize=256)
def _write_head(base_uri: str | None, title: str, status: int, code: str) -> bytes:
    kind = "about:blank" if base_uri is None else base_uri + code
    return json.encode({"type": kind, "title": title, "status": status, "code": code})[:-1]


def _instance(request: Request, is_connect: bool) -> bytes:
    script_name, path = request.place
    # A path that is too long to be repeated whole is too long to be kept.
    write = _write_instance if len(path) <= REPEATED_CHARACTERS else _write_instance.__wrapped__
    return write(script_name, path, is_connect)


@lru_cache(maxsize=256)
def _write_instance(script_name: str, path: str, is_connect: bool) -> bytes:
    instance = quote_instance(script_name, path, is_connect=is_connect)
    return b"" if instance is None else b',"instance":' + json.encode(instance)


def _write_fault(fault: Fault) -> bytes:
    return fault.keep_text(
        json.encode({"location": fault.location, "pointer": fault.pointer, "code": fault.code, "detail": fault.detail})
    )
