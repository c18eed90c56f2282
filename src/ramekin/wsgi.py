"""The WSGI gateway: reads the environ, finds the plan, sends its answer. The only module that knows the protocol.

Specification: PEP 3333; RFC 9110 §9.3.7 and §15.5.6 for OPTIONS and 405.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from contextvars import Context, copy_context
from time import perf_counter
from typing import TYPE_CHECKING, Any, ClassVar, Self, cast

from ramekin.access_log import INFO, compile_clock, log_access
from ramekin.bodies import BoundedStream, Bounds, ByteStream, broken_off
from ramekin.failures import log_failure
from ramekin.methods import NO_HOST, Found, answer_unmatched, compile_look_up
from ramekin.plans import StraightPlan
from ramekin.problems import BadRequest
from ramekin.requests import Request, parse_length
from ramekin.straight import Dialect
from ramekin.streams import AsyncStream

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    from ramekin.frames import Answer
    from ramekin.operations import Operation
    from ramekin.requests import RequestSite
    from ramekin.responses import Content, Head
    from ramekin.sites import Site
    from ramekin.straight import StraightSource

#: ``Content-Length`` of short content, made once: most answers of an API have one of these.
_READY_LENGTHS = 512
_LENGTHS = tuple(("Content-Length", str(length)) for length in range(_READY_LENGTHS))
#: What ``Content-Length`` fields of requests have said: to look one up takes a third of reading it.
_SIZES: dict[str, int] = {}
_MOST_SIZES = 4_096
#: Digits of a ``Content-Length`` that needs a closer look.
_MANY_DIGITS = 16
_END: Any = object()


class WSGIRequest(Request):
    """A request that came as a WSGI environ.

    Attributes:
        environ: The environ.
        answer: What is left to be sent, where a function that sends has not.
    """

    __slots__ = ("answer", "environ")

    environ: WSGIEnvironment
    answer: Answer

    @classmethod
    def make(cls, environ: WSGIEnvironment, site: RequestSite, operation: Operation | None) -> Self:
        """Return the request of an environ."""
        request = cls()
        request.environ = environ
        request.site = site
        request.operation = operation
        return request

    @property
    def accept(self) -> str | None:
        return self.environ.get("HTTP_ACCEPT")

    @property
    def method(self) -> str:
        return cast("str", self.environ["REQUEST_METHOD"])

    @property
    def path(self) -> str:
        return _decode(self.environ.get("PATH_INFO", "")) or "/"

    @property
    def mount_prefix(self) -> str:
        name = _decode(self.environ.get("SCRIPT_NAME", "")).strip("/")
        return f"/{name}" if name else ""  # Two slashes at the beginning of a path would name a host.

    @property
    def query_string(self) -> str:
        return cast("str", self.environ.get("QUERY_STRING", ""))

    @property
    def peer_scheme(self) -> str:
        return cast("str", self.environ["wsgi.url_scheme"])

    @property
    def peer_host(self) -> str | None:
        return cast("str | None", self.environ.get("REMOTE_ADDR") or None)

    @property
    def http_version(self) -> str:
        return cast("str", self.environ.get("SERVER_PROTOCOL", "HTTP/1.0")).removeprefix("HTTP/")

    @property
    def headers(self) -> Mapping[str, str]:
        from werkzeug.datastructures import EnvironHeaders

        return cast("Mapping[str, str]", EnvironHeaders(self.environ))

    # These repeat the base, several times as fast: requests that bring a body ask for them, or the answers to bad ones.

    @property
    def place(self) -> tuple[str, str]:
        environ = self.environ
        path = environ.get("PATH_INFO", "")
        if not path or not path.isascii() or environ.get("SCRIPT_NAME") or self.site.settings.trusted_proxies:
            return self.script_name, self.path
        return "", path

    @property
    def content_type(self) -> str | None:
        return self.environ.get("CONTENT_TYPE") or None

    @property
    def content_encoding(self) -> str | None:
        return self.environ.get("HTTP_CONTENT_ENCODING")

    @property
    def content_length(self) -> int | None:
        return parse_length(self.environ.get("CONTENT_LENGTH"))

    def header(self, name: str) -> str | None:
        key = name.upper().replace("-", "_")
        if key in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            return self.environ.get(key) or None
        return self.environ.get("HTTP_" + key)

    def open_stream(self) -> ByteStream:
        return cast("ByteStream", self.environ["wsgi.input"])

    def take_plain_body(self, media_types: Container[str], limit: int) -> bytes | None:
        environ = self.environ
        announced = environ.get("CONTENT_LENGTH") or "none"
        if environ.get("CONTENT_TYPE") not in media_types or "HTTP_CONTENT_ENCODING" in environ:
            return None
        if not (announced.isdigit() and announced.isascii()) or len(announced) > _MANY_DIGITS:
            return None
        length = int(announced)
        if length > limit:
            return None
        if len(_SIZES) < _MOST_SIZES:
            _SIZES[announced] = length
        try:
            body: bytes = environ["wsgi.input"].read(length)
        except Exception as error:  # Each server has errors of its own for a broken chunk or a lost client.
            raise broken_off() from error
        return self.keep_body(body, length, limit)

    def keep_body(self, body: bytes, length: int, limit: int) -> bytes:
        """Keep a body of which so many bytes were announced, having read what is missing of it."""
        if len(body) != length:
            bounds = Bounds(length, limit)
            bounds.count(body)
            body += BoundedStream(self.open_stream(), bounds).read()
        self._body = body
        return body

    def bounds(self) -> Bounds:
        length = self.content_length
        if length is None:
            if self.environ.get("CONTENT_LENGTH"):
                raise BadRequest("Content-Length is no number of bytes.")
            if not self.environ.get("wsgi.input_terminated"):
                length = 0  # PEP 3333: without a length the application may not read on.
        return Bounds(length, self._body_limit)


def _decode(text: str) -> str:
    """Return an environ's text, which carries bytes as latin-1 (PEP 3333), decoded from UTF-8."""
    return text if text.isascii() else text.encode("latin-1", "replace").decode("utf-8", "replace")


def _send_whole(start_response: StartResponse, head: Head, content: bytes) -> list[bytes]:
    size = len(content)
    length = _LENGTHS[size] if size < _READY_LENGTHS else ("Content-Length", str(size))
    start_response(head.line, [*head.headers, length])
    return [content]


class _SendingDialect(Dialect):
    """The dialect of a function that sends the usual answer itself, and leaves any other in ``request.answer``."""

    parameters = "environ, start_response, request, arguments"
    names: ClassVar = {
        "sizes": _SIZES,
        "broken_off": broken_off,
        "lengths": _LENGTHS,
        "send_whole": _send_whole,
    }
    is_unknown_accept = "'HTTP_ACCEPT' in environ and environ['HTTP_ACCEPT'] not in accepted"

    take_body = (  # `WSGIRequest.take_plain_body`, written out to save the call.
        "body, size = None, environ['CONTENT_LENGTH'] if 'CONTENT_LENGTH' in environ else ''",
        "kind = environ['CONTENT_TYPE'] if 'CONTENT_TYPE' in environ else ''",
        "if size in sizes and sizes[size] <= limit and kind in good and 'HTTP_CONTENT_ENCODING' not in environ:",
        " size = sizes[size]",
        " try: body = environ['wsgi.input'].read(size)",
        " except Exception as error: raise broken_off() from error",
        " if len(body) == size: request._body = body",
        " else: body = request.keep_body(body, size, limit)",
        "else: body = request.take_plain_body(good, limit)",
    )

    def begin(self, source: StraightSource) -> list[str]:
        # A path without variables comes without a dict, which few operations of such a path need.
        makes_arguments = source.reads and not source.operation.path_parameters
        return ["request.operation = operation", *(["arguments = {}"] if makes_arguments else [])]

    def end(self, source: StraightSource) -> list[str]:
        if not source.is_whole:
            return ["request.answer = (head, content, None) if answer is None else answer"]
        # What is ready stands in the source as it is: constants take no time to be found.
        fields = ", ".join(map(repr, source.head.headers))
        return [
            "if answer is not None:",
            " if type(answer[1]) is bytes: return send_whole(start_response, answer[0], answer[1])",
            " request.answer = answer",
            " return None",
            "size = len(content)",
            f"length = lengths[size] if size < {_READY_LENGTHS} else ('Content-Length', str(size))",
            f"start_response({source.head.line!r}, [{fields}, length])",
            "return [content]",
        ]


_SENDING = _SendingDialect()


def _make_quick(found: Found, method: str) -> bool:
    """Make the function that answers and sends at once; tell whether there is one for this kind of plan."""
    plan = found.plans.get(method)
    made = plan.compile(_SENDING) if isinstance(plan, StraightPlan) else None
    if made is not None:
        found.quick = {**found.quick, method: made}
    return made is not None


def compile_wsgi(site: Site) -> WSGIApplication:
    """Return the WSGI application of a compiled site."""
    static, look_up = site.router.static, compile_look_up(site.router)
    fallback, hosts = site.fallback, site.hosts
    start_clock, levels = compile_clock(site.settings)

    def serve(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        try:
            started = start_clock() if levels[INFO] else None
        except KeyError:
            started = start_clock()
        try:
            path = environ["PATH_INFO"] or "/"
        except KeyError:  # PEP 3333 lets an empty one be absent.
            path = "/"
        found: Found
        arguments: dict[str, Any] | None
        # A dict is asked by `in` before it is asked by key: both together take half as long as calling its method.
        if path in static:
            found, arguments = static[path], None
        else:
            found, arguments = look_up(path if path.isascii() else _decode_path(path))
        request = WSGIRequest()  # `WSGIRequest.make`, written out to save the call.
        request.environ = environ
        request.site = site
        if hosts is not None and not hosts.trust(request.host):
            found = NO_HOST
        method = environ["REQUEST_METHOD"]
        quick = found.quick
        context = copy_context()  # The thread's next request must not see the context variables of this one.
        if started is None and method in quick:
            sent: list[bytes] | None = context.run(quick[method], environ, start_response, request, arguments)
            if sent is not None:
                return sent
            answer = request.answer
        elif started is None and _make_quick(found, method):
            return serve(environ, start_response)
        elif method in found.plans:
            plan = found.plans[method]
            request.operation = plan.operation
            answer = context.run(plan.run, request, {} if arguments is None else arguments)
        else:
            request.operation = None
            answer = context.run(fallback.run, request, answer_unmatched(request, found))
        return _send(start_response, request, answer, context, started)

    return serve


def _send(
    start_response: StartResponse, request: Request, answer: Answer, context: Context, started: float | None
) -> Iterable[bytes]:
    head, content, close = answer
    if type(content) is bytes:
        sent = _send_whole(start_response, head, content)
        if started is None and close is None:
            return sent
    else:
        start_response(head.line, list(head.headers))
        if content is None and started is None and close is None:
            return []
    return SentBody(request, head.status, content, close, context, started)


def _decode_path(path: str) -> str | None:
    """Return a path decoded from UTF-8, None where it is not in UTF-8."""
    try:
        return path.encode("latin-1").decode()
    except UnicodeError:
        return None


class SentBody:
    """The content of a response on its way: counts its bytes, closes what the request opened, writes its record.

    All of it runs in the context of the request. An exception in the middle of a stream is logged and passes to the
    server, which has to give up the connection.
    """

    __slots__ = ("_close", "_content", "_context", "_error", "_request", "_started", "_status", "sent")

    def __init__(
        self,
        request: Request,
        status: int,
        content: Content,
        close: Callable[[Exception | None], None] | None,
        context: Context,
        started: float | None,
    ) -> None:
        self._request = request
        self._status = status
        self._content = _to_chunks(content)
        self._close = close
        self._context = context
        self._error: Exception | None = None
        self._started = started
        self.sent = 0

    def __iter__(self) -> Iterator[bytes]:
        run, chunks = self._context.run, iter(self._content)
        try:
            while (chunk := run(next, chunks, _END)) is not _END:
                self.sent += len(chunk)
                yield chunk
        except Exception as error:
            self._error = error
            log_failure(self._request, error)
            raise

    def close(self) -> None:
        """Close the content, then what the request opened; then write the record, whatever happened."""
        try:
            close = getattr(self._content, "close", None)
            if close is not None:
                self._context.run(close)
        finally:
            try:
                if self._close is not None:
                    self._context.run(self._close, self._error)
            finally:
                if self._started is not None:
                    log_access(self._request, self._status, self.sent, perf_counter() - self._started)


def _to_chunks(content: Content) -> Iterable[bytes]:
    if content is None:
        return ()
    if isinstance(content, bytes):
        return (content,)
    return content if isinstance(content, Iterable) else AsyncStream(content)
