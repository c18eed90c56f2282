"""HTTP problems as plain exceptions, and the representation that clients read.

A `Problem` is raised by a handler or by Ramekin itself and is answered as ``application/problem+json``.
Its class is its declaration: ``raises(OutOfStock)`` puts status, code, title and members into the document.

Specification: RFC 9457 (Problem Details for HTTP APIs); RFC 9110 §15 for the status codes.
"""

from __future__ import annotations

import copy
import inspect
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, ClassVar, Protocol
from urllib.parse import quote

from marshmallow import Schema, fields, validate

from ramekin.errors import ContractError, DeclarationError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ramekin.requests import Request
    from ramekin.schemas import Fault

#: Longest name or path of a request that a problem repeats, in characters.
REPEATED_CHARACTERS = 200
#: Names that RFC 9457 §3.1, Ramekin or the parameters of problems give a meaning to.
RESERVED_MEMBERS = frozenset(
    {"type", "title", "status", "detail", "instance", "code", "request_id", "errors", "headers", "faults"}
)
#: Header fields that follow from the format in which a problem is written.
_FORMAT_FIELDS = frozenset({"content-type", "content-length"})

_CODE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


def _hyphenated(name: str) -> str:
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+", name)
    return "-".join(words).lower()


def _first_line(cls: type) -> str:
    doc = inspect.cleandoc(cls.__dict__.get("__doc__") or "")
    return doc.splitlines()[0].strip() if doc else ""


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return f"Status {status}"


class Problem(Exception):
    """An answer that is not a success.

    A subclass states ``status`` and may state the rest; what it leaves out comes from its name and docstring.

    Attributes:
        status: The HTTP status code, 400 to 599.
        code: Stable name for programs, lower case with hyphens; from the class name when not stated.
        title: Short summary for people, the same every time; the docstring's first line, or the status phrase.
        members: Extension members (RFC 9457 §3.2) by name, each a marshmallow field.
        detail: What is particular to this occurrence, or None.
        headers: Header fields to send with this occurrence.

    Raises:
        DeclarationError: A subclass states a status, code or member that cannot be sent.

    Example:
        >>> class OutOfStock(Problem):
        ...     '''No copy is left.'''
        ...     status = 409
        ...     members = {"left": fields.Integer(required=True)}
        >>> OutOfStock("Only one.", left=1).status
        409
    """

    status: ClassVar[int] = 500
    code: ClassVar[str] = "problem"
    title: ClassVar[str] = "Problem"
    members: ClassVar[Mapping[str, fields.Field[Any]]] = {}
    _schema: ClassVar[Schema]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        where = f"{cls.__module__}.{cls.__qualname__}"
        if type(cls.status) is not int or not 400 <= cls.status <= 599:
            raise DeclarationError(f"{where}.status must be an integer from 400 to 599, not {cls.status!r}.")
        if "code" not in cls.__dict__:
            cls.code = _hyphenated(cls.__name__)
        if not isinstance(cls.code, str) or not _CODE.fullmatch(cls.code):
            raise DeclarationError(f"{where}.code must be lower-case words joined by hyphens, not {cls.code!r}.")
        if "title" not in cls.__dict__:
            cls.title = _first_line(cls) or _phrase(cls.status)
        taken = sorted(RESERVED_MEMBERS & cls.members.keys())
        if taken:
            raise DeclarationError(
                f"{where}.members may not redefine {', '.join(taken)} (RFC 9457 §3.1); "
                f"these names are taken: {', '.join(sorted(RESERVED_MEMBERS))}."
            )
        if cls.members:
            cls._schema = Schema.from_dict(dict(cls.members), name=f"{cls.__name__}Members")()

    def __init__(
        self,
        detail: str | None = None,
        *,
        headers: Mapping[str, str] | Sequence[tuple[str, str]] | None = None,
        **members: Any,
    ) -> None:
        """Describe one occurrence.

        Args:
            detail: What is particular to it, for people; no raw input belongs here.
            headers: Header fields to send with it, such as ``Retry-After``; pairs where one name stands twice.
            **members: A value for each extension member that the class declares.

        Raises:
            ContractError: A member is not declared, a required one is missing, or a value does not fit its field; the
                detail is no text; a header field says what the content is.
        """
        super().__init__(detail)
        if detail is not None and not isinstance(detail, str):
            raise ContractError(f"{type(self).__name__} was raised with the detail {detail!r}; a detail is text.")
        self.detail = detail
        self.headers: Mapping[str, str] | Sequence[tuple[str, str]] = headers or {}
        for name in self.headers if isinstance(self.headers, Mapping) else (name for name, _ in self.headers):
            if name.lower() in _FORMAT_FIELDS:
                raise ContractError(f"{type(self).__name__} was raised with {name}; the format of problems sets it.")
        self.values: Mapping[str, Any] = self._dump_members(members) if members or self.members else {}

    def __str__(self) -> str:
        return self.detail or self.title

    def __reduce__(self) -> tuple[Any, ...]:
        # Made again without its parameters, some of which may be required. A class that `problem_of_status` made is
        # found by its status, as no module has its name.
        cls = type(self)
        return _restore, (cls.status if _BY_STATUS.get(cls.status) is cls else cls, self.args), self.__dict__

    @classmethod
    def _dump_members(cls, given: Mapping[str, Any]) -> Mapping[str, Any]:
        unknown = sorted(given.keys() - cls.members.keys())
        missing = sorted(name for name, field in cls.members.items() if field.required and name not in given)
        if unknown or missing:
            raise ContractError(
                f"{cls.__name__} was raised with members {sorted(given)}; "
                + (f"not declared: {', '.join(unknown)}. " if unknown else "")
                + (f"required and missing: {', '.join(missing)}." if missing else "")
            )
        try:
            dumped: dict[str, Any] = cls._schema.dump(given)
        except (ValueError, TypeError, AttributeError) as error:
            raise ContractError(
                f"{cls.__name__} was raised with a member that its field cannot dump: {error}"
            ) from error
        return dumped


class BadRequest(Problem):
    """The request is malformed."""

    status = 400

    def __init__(
        self,
        detail: str | None = None,
        *,
        faults: Sequence[Fault] = (),
        headers: Mapping[str, str] | Sequence[tuple[str, str]] | None = None,
        **members: Any,
    ) -> None:
        """Describe one occurrence; ``faults`` say which part of the request could not be read, and why."""
        super().__init__(detail, headers=headers, **members)
        self.faults = tuple(faults)


class Unauthorized(Problem):
    """Credentials are missing or not accepted."""

    status = 401


class Forbidden(Problem):
    """The caller may not do this."""

    status = 403


class CrossOrigin(Forbidden):
    """A page of another origin may not send this with somebody's credentials."""


class NotFound(Problem):
    """There is nothing here."""

    status = 404


class MethodNotAllowed(Problem):
    """The resource does not support this method."""

    status = 405


class NotAcceptable(Problem):
    """No representation of the resource is acceptable to the caller."""

    status = 406


class Conflict(Problem):
    """The request conflicts with the state of the resource."""

    status = 409


class Gone(Problem):
    """The resource is no longer here."""

    status = 410


class LengthRequired(Problem):
    """The request has to state the length of its content."""

    status = 411


class PreconditionFailed(Problem):
    """A precondition of the request does not hold."""

    status = 412


class ContentTooLarge(Problem):
    """The content is longer than the limit."""

    status = 413


class UnsupportedMediaType(Problem):
    """The content has a media type or coding that this operation does not take."""

    status = 415


class ValidationFailed(Problem):
    """The input does not fit its schema."""

    status = 422

    def __init__(self, faults: Sequence[Fault] = (), *, detail: str | None = None) -> None:
        """Describe an input with these faults, at most `Limits.reported_errors` of them."""
        super().__init__(detail)
        self.faults = tuple(faults)


class PreconditionRequired(Problem):
    """The request has to be conditional."""

    status = 428


class TooManyRequests(Problem):
    """The caller has sent too many requests."""

    status = 429


class InternalServerError(Problem):
    """The server failed."""

    status = 500


class NotImplementedByServer(Problem):
    """The server does not support this."""

    status = 501
    code = "not-implemented"


class ServiceUnavailable(Problem):
    """The service is not available now."""

    status = 503


_BY_STATUS: dict[int, type[Problem]] = {
    problem.status: problem
    for problem in (
        BadRequest,
        Unauthorized,
        Forbidden,
        NotFound,
        MethodNotAllowed,
        NotAcceptable,
        Conflict,
        Gone,
        LengthRequired,
        PreconditionFailed,
        ContentTooLarge,
        UnsupportedMediaType,
        ValidationFailed,
        PreconditionRequired,
        TooManyRequests,
        InternalServerError,
        NotImplementedByServer,
        ServiceUnavailable,
    )
}


def problem_of_status(status: int) -> type[Problem]:
    """Return the problem class of a status code from 400 to 599, made on the first use where none is declared."""
    problem = _BY_STATUS.get(status)
    if problem is None:
        phrase = _phrase(status)
        words = re.findall(r"[A-Za-z0-9]+", phrase)
        name = "".join(word[:1].upper() + word[1:] for word in words)
        problem = type(name, (Problem,), {"status": status, "title": phrase, "code": "-".join(words).lower()})
        _BY_STATUS[status] = problem
    return problem


def _restore(given: type[Problem] | int, args: tuple[Any, ...]) -> Problem:
    """Return a copy of a problem, its attributes still to be set."""
    cls = problem_of_status(given) if isinstance(given, int) else given
    return cls.__new__(cls, *args)


class ProblemFormat(Protocol):
    """How every problem of an app is written: one object that makes the body **and** its schema.

    Give another one to ``App(problem_format=...)`` where an API has to answer in a format of its own.
    """

    media_type: str

    def schema(self, problem: type[Problem]) -> Schema:
        """Return the schema of the body of this class of problem; its class name becomes the component's name."""
        ...

    def body(self, problem: Problem, request: Request) -> Mapping[str, Any]:
        """Return the body of one occurrence, ready for JSON."""
        ...


class FaultSchema(Schema):
    """One fault of an input."""

    location = fields.String(
        required=True,
        validate=validate.OneOf(["query", "json", "form", "files", "headers", "cookies"]),
        metadata={"description": "The part of the request that is at fault."},
    )
    pointer = fields.String(
        required=True, metadata={"description": "JSON Pointer (RFC 6901) to the fault in that part."}
    )
    code = fields.String(required=True, metadata={"description": "Stable name of the fault, for programs."})
    detail = fields.String(required=True, metadata={"description": "The fault in words, for people."})


class ProblemDetails:
    """RFC 9457 problem details, with ``code``, ``request_id`` and, for invalid input, ``errors``.

    Args:
        base_uri: What ``type`` begins with, the code following; ``about:blank`` stands for all types when it is None.
    """

    media_type = "application/problem+json"

    def __init__(self, base_uri: str | None = None) -> None:
        self.base_uri = base_uri

    def schema(self, problem: type[Problem]) -> Schema:
        """Return the schema of this class of problem, its status and code fixed."""
        members: dict[str, fields.Field[Any]] = {
            "type": fields.String(required=True, metadata={"format": "uri-reference"}),
            "title": fields.String(required=True),
            "status": fields.Integer(required=True, validate=validate.Equal(problem.status)),
            "code": fields.String(required=True, validate=validate.Equal(problem.code)),
            "detail": fields.String(metadata={"optional": True}),
            "instance": fields.String(metadata={"optional": True, "format": "uri-reference"}),
            "request_id": fields.String(metadata={"optional": True}),
        }
        for name, declared in problem.members.items():
            members[name] = field = copy.copy(declared)
            field.metadata = {"optional": not declared.required, **declared.metadata}
        if issubclass(problem, ValidationFailed):
            members["errors"] = fields.List(fields.Nested(FaultSchema), required=True)
        elif issubclass(problem, BadRequest):
            members["errors"] = fields.List(fields.Nested(FaultSchema), metadata={"optional": True})
        name = problem.__name__ if problem.__name__.endswith("Problem") else f"{problem.__name__}Problem"
        return Schema.from_dict(members, name=name)()

    def body(self, problem: Problem, request: Request) -> Mapping[str, Any]:
        """Return the members of one occurrence; nothing of the input is in it but the path, cut short."""
        body: dict[str, Any] = {
            "type": "about:blank" if self.base_uri is None else self.base_uri + problem.code,
            "title": problem.title,
            "status": problem.status,
            "code": problem.code,
        }
        if problem.detail is not None:
            body["detail"] = problem.detail
        instance = quote_instance(request.script_name, request.path, is_connect=request.method == "CONNECT")
        if instance is not None:
            body["instance"] = instance
        body["request_id"] = request.id
        body.update(problem.values)
        if isinstance(problem, ValidationFailed) or (isinstance(problem, BadRequest) and problem.faults):
            body["errors"] = [
                {"location": fault.location, "pointer": fault.pointer, "code": fault.code, "detail": fault.detail}
                for fault in problem.faults
            ]
        return body


def quote_instance(script_name: str, path: str, *, is_connect: bool) -> str | None:
    """Return the path of a request as a problem repeats it; None where its target is no path."""
    # RFC 9112 §3.2: the target of OPTIONS may be "*", that of CONNECT is an authority; neither is a path.
    if not path.startswith("/") or is_connect:
        return None
    path = script_name + path
    if path.startswith("//"):  # This would name a host.
        path = "/" + path.lstrip("/")
    return quote(path[:REPEATED_CHARACTERS], safe="/:@!$&'()*+,;=~-._")
