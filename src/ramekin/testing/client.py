"""The test client: calls an app in its own process, by URL or by operation.

It stands on Werkzeug's test client, which makes the environ, keeps the cookies and follows redirects.

Specification: PEP 3333, which ``wsgiref.validate`` holds the app to at every request.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Concatenate, Literal, ParamSpec, Self, TypeAlias, TypedDict, Unpack, overload
from urllib.parse import quote, unquote_to_bytes
from weakref import WeakKeyDictionary

from werkzeug.test import Client as WerkzeugClient
from werkzeug.test import EnvironBuilder

from ramekin.coroutines import run_coroutine
from ramekin.testing.bodies import encode_cookies, encode_form, encode_header, encode_json, encode_query
from ramekin.testing.calls import compose, find_operation
from ramekin.testing.checks import EXCHANGE, Check, Exchange, match_socket
from ramekin.testing.errors import CallError
from ramekin.testing.results import Result

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment
    from werkzeug.datastructures import Headers

    from ramekin.app import App
    from ramekin.auth import Principal
    from ramekin.contract import Breach, Exercise, Kind
    from ramekin.settings import Settings
    from ramekin.sites import Site
    from ramekin.testing.bodies import File
    from ramekin.testing.sockets import ClientSocket

P = ParamSpec("P")

_BODIES = ("json", "form", "content")
_COOKIES = "ramekin.testing.cookies"

Protocol: TypeAlias = Literal["wsgi", "asgi"]
#: What clients speak that are not told.
PROTOCOL: ContextVar[Protocol] = ContextVar("ramekin.testing.protocol", default="wsgi")

#: Compiling costs milliseconds for each operation, and a test run makes a client for each test.
_SITES: WeakKeyDictionary[App, deque[Site]] = WeakKeyDictionary()
#: Most sites that are kept for one app: tests may each have settings of their own, such as a database's path.
_KEPT_SITES = 16


class RequestOptions(TypedDict, total=False):
    """What a request of the test client may hold; all of it is optional.

    Attributes:
        query: The query: a mapping or pairs, where a list is repeated and an object has its names in brackets, or text
            as it stands in a URL.
        json: A JSON body.
        form: The fields of a form body.
        files: The files of a form body.
        content: A body as it is.
        content_type: The content type, in place of the body's own.
        headers: Header fields.
        cookies: Cookies for this request alone, beside those that the client keeps.
        environ: Keys of the WSGI environ to set, such as ``REMOTE_ADDR``.
        follow_redirects: Whether to go on to where a redirect points.
        stream: Whether to leave the content for `Result.iter` to ask for, piece by piece.
        valid: Whether the request is held against the contract, too, before it is sent.
    """

    query: str | Mapping[str, Any] | Iterable[tuple[str, Any]]
    json: Any
    form: Mapping[str, Any]
    files: Mapping[str, File | list[File]]
    content: bytes | str
    content_type: str
    headers: Mapping[str, Any]
    cookies: Mapping[str, Any]
    environ: Mapping[str, Any]
    follow_redirects: bool
    stream: bool
    valid: bool


class Client:
    """Calls an app in its own process.

    The app is compiled as its first request would, so it refuses changes from then on. It is asked as the first of
    `ramekin.Settings.trusted_hosts`, or as ``localhost`` where any host is taken. Cookies that it sets are sent
    back, as a browser does. Middleware around ``app.wsgi`` takes part.

    Args:
        app: The app.
        settings: Settings in place of the app's own; they make another site, and leave the app as it is.
        raise_exceptions: Whether an unhandled exception of the app is raised here, for the test to show, instead of
            being answered by a 500.
        validate: Whether ``wsgiref.validate`` watches both sides of every request. An environ that PEP 3333 does not
            allow, or a method that it does not know, needs a client without.
        script_name: The prefix that the app is mounted under; the paths of requests are beneath it, or begin with it.
        headers: Header fields for every request.
        protocol: Whether requests come to the app through WSGI or ASGI; ``wsgi`` when None, unless the option
            ``--ramekin-protocol`` of pytest says otherwise.
        contract: Whether each response is held against what the app's document says of its operation; needs
            ``ramekin[testing]``.

    Attributes:
        app: The app.
        site: The app compiled, with the settings that this client uses.
        protocol: What it speaks.

    Raises:
        CallError: The prefix is no path.

    Example:
        >>> client = Client(app)
        >>> client.get("/books", query={"title": "Emma"}).status
        200
    """

    def __init__(
        self,
        app: App,
        *,
        settings: Settings | None = None,
        raise_exceptions: bool = True,
        validate: bool = True,
        script_name: str = "",
        headers: Mapping[str, Any] | None = None,
        protocol: Protocol | None = None,
        contract: bool = True,
    ) -> None:
        if script_name and (not script_name.startswith("/") or script_name.endswith("/")):
            raise CallError(f"Client(script_name=…) begins with '/' and does not end with it, unlike {script_name!r}.")
        self.app: App = app
        self.site: Site = _find_site(app, settings or app.settings, raise_exceptions)
        self._script_name = script_name
        trusted = self.site.settings.trusted_hosts
        self._host = trusted[0].replace("*", "www") if trusted else "localhost"
        self._headers = dict(headers or {})
        self._principal: Principal[Any] | None = None
        self.protocol: Protocol = protocol or PROTOCOL.get()
        self._check = Check(self.site, enabled=contract)
        self._jar = WerkzeugClient(_compile_gateway(self._find_wsgi(), validate, self._check))

    def _find_wsgi(self) -> WSGIApplication:
        """Return what leads to this client's site, through the app's middleware where there is some."""
        app, site = self.app, self.site
        if self.protocol == "asgi":
            from ramekin.testing.asgi import serve_through_asgi

            return serve_through_asgi(app.asgi, {app.site_key: site})
        if app.wsgi is app.compile().wsgi:
            return site.wsgi

        def serve(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            environ[app.site_key] = site
            return app.wsgi(environ, start_response)

        return serve

    def __enter__(self) -> Self:
        """Run the lifespan of the app, unless it runs: the end of the block ends it."""
        run_coroutine(self.site.lifespan.start())
        return self

    def __exit__(self, *_: object) -> None:
        run_coroutine(self.site.lifespan.stop())

    def with_headers(self, headers: Mapping[str, Any]) -> Client:
        """Return a client that sends these header fields, too, and shares this one's cookies.

        Example:
            >>> alice = client.with_headers({"Authorization": "Bearer alice"})
        """
        other = copy(self)
        other._headers = {**self._headers, **headers}
        return other

    def as_principal(self, principal: Principal[Any] | None) -> Client:
        """Return a client whose requests are taken to be from this principal, and that shares this one's cookies.

        Whatever schemes an operation requires take it for theirs, without credentials; its scopes and the policies are
        checked as ever. None goes back to credentials.

        Example:
            >>> ada = client.as_principal(Principal("ada", {"books:write"}))
        """
        other = copy(self)
        other._principal = principal
        return other

    # -- By URL -------------------------------------------------------------------------------------------------------

    def get(self, path: str, **options: Unpack[RequestOptions]) -> Result:
        """Send GET; see `request`."""
        return self.request("GET", path, **options)

    def head(self, path: str, **options: Unpack[RequestOptions]) -> Result:
        """Send HEAD; see `request`."""
        return self.request("HEAD", path, **options)

    def post(self, path: str, **options: Unpack[RequestOptions]) -> Result:
        """Send POST; see `request`."""
        return self.request("POST", path, **options)

    def put(self, path: str, **options: Unpack[RequestOptions]) -> Result:
        """Send PUT; see `request`."""
        return self.request("PUT", path, **options)

    def patch(self, path: str, **options: Unpack[RequestOptions]) -> Result:
        """Send PATCH; see `request`."""
        return self.request("PATCH", path, **options)

    def delete(self, path: str, **options: Unpack[RequestOptions]) -> Result:
        """Send DELETE; see `request`."""
        return self.request("DELETE", path, **options)

    def options(self, path: str, **options: Unpack[RequestOptions]) -> Result:
        """Send OPTIONS; see `request`."""
        return self.request("OPTIONS", path, **options)

    def request(self, method: str, path: str, **options: Unpack[RequestOptions]) -> Result:
        """Send a request.

        Args:
            method: The method.
            path: A path that begins with ``/``, perhaps with a query; percent-encoded or as people write it.
            **options: See `RequestOptions`.

        Raises:
            CallError: The request contradicts itself or holds what none can.
            ContractBreach: The response is not what its operation declares, or the request is not what it takes though
                the test says so.
            Exception: Whatever the app did not handle, where the client raises exceptions.
        """
        unknown = sorted(options.keys() - RequestOptions.__annotations__.keys())
        if unknown:
            raise CallError(
                f"{method} {path}: {', '.join(unknown)} is no part of a request; "
                f"the parts are {', '.join(RequestOptions.__annotations__)}."
            )
        path, query_string = self._split(method, path, options)
        headers = self._join_headers(options.get("headers", {}))
        cookies = _Cookies(headers.pop("cookie", ("", None))[1], options.get("cookies", {}))
        content, content_type = _encode_body(f"{method} {path}", options)
        builder = EnvironBuilder(
            method=method,
            base_url=f"http://{self._host}{self._script_name}",
            query_string=query_string,
            data=content,
            content_type=options.get("content_type", content_type),
            headers=list(headers.values()),
            environ_base={"REMOTE_ADDR": "127.0.0.1", _COOKIES: cookies},
            environ_overrides={**self._locate(path, query_string), **options.get("environ", {})},
        )
        exchange = Exchange(is_stream=options.get("stream", False), is_valid=options.get("valid", False))
        token = EXCHANGE.set(exchange)
        try:
            with _act_as(self._principal):
                response = self._jar.open(
                    builder,
                    buffered=not exchange.is_stream,
                    follow_redirects=options.get("follow_redirects", False),
                )
        finally:
            EXCHANGE.reset(token)
        return Result(
            status=response.status_code,
            headers=response.headers,
            chunks=response.response,  # type: ignore[arg-type]  # Werkzeug leaves open whether they are text.
            close=response.close,
            method=response.request.method,
            path=response.request.root_path + response.request.path,
            problem_type=self.site.problem_format.media_type,
            operation=exchange.operation,
        )

    def websocket(
        self,
        path: str,
        *,
        query: str | Mapping[str, Any] | Iterable[tuple[str, Any]] = "",
        headers: Mapping[str, Any] | None = None,
        cookies: Mapping[str, Any] | None = None,
        subprotocols: Iterable[str] = (),
    ) -> ClientSocket:
        """Return a WebSocket connection, through ASGI whatever this client speaks; it is opened by ``with``.

        Args:
            path: A path that begins with ``/``, perhaps with a query.
            query: The query, as of any request.
            headers: Header fields; browsers send ``Origin``.
            cookies: Cookies beside those that the client keeps.
            subprotocols: The subprotocols that the client offers.

        Example:
            >>> with client.websocket("/rooms/tea") as socket:
            ...     socket.send({"text": "Hello."})
        """
        from ramekin.testing.asgi import to_scope
        from ramekin.testing.sockets import ClientSocket

        path, query_string = self._split("WEBSOCKET", path, {"query": query})
        joined = self._join_headers(headers or {})
        kept = _Cookies(joined.pop("cookie", ("", None))[1], cookies or {})
        builder = EnvironBuilder(
            base_url=f"http://localhost{self._script_name}",
            query_string=query_string,
            headers=list(joined.values()),
            environ_base={"REMOTE_ADDR": "127.0.0.1"},
            environ_overrides=self._locate(path, query_string),
        )
        environ = builder.get_environ()
        builder.close()
        self._jar._add_cookies_to_wsgi(environ)
        environ["HTTP_COOKIE"] = kept.join(environ.get("HTTP_COOKIE", ""))
        operation = match_socket(self.site, environ)
        scope = {
            **to_scope(environ),
            "type": "websocket",
            "scheme": "ws",
            "subprotocols": list(subprotocols),
            "extensions": {"websocket.http.response": {}},
            self.app.site_key: self.site,
        }
        del scope["method"]

        def make_result(status: int, received: Headers, body: bytes) -> Result:
            return Result(
                status=status,
                headers=received,
                chunks=[body],
                close=lambda: None,
                method="GET",
                path=self._script_name + path,
                problem_type=self.site.problem_format.media_type,
            )

        def check(value: Any) -> None:
            if operation is not None:
                self._check.check_message(operation, value)

        return ClientSocket(self.app.asgi, scope, make_result, check)

    def _join_headers(self, given: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
        """Return header fields by lower-case name; those of the client give way, and None takes one away."""
        joined = {name.lower(): (name, value) for name, value in (*self._headers.items(), *given.items())}
        return {key: (name, encode_header(name, value)) for key, (name, value) in joined.items() if value is not None}

    def _split(self, method: str, path: str, options: RequestOptions) -> tuple[str, str]:
        """Return the path beneath the mount prefix and the query string."""
        if not path.startswith("/"):
            raise CallError(f"{method} {path!r}: a path begins with '/'; the client has no other host to ask.")
        path, _, in_path = path.partition("#")[0].partition("?")
        if self._script_name and path.startswith(f"{self._script_name}/"):
            path = path.removeprefix(self._script_name)
        return path, "&".join(part for part in (in_path, encode_query(options.get("query", ""))) if part)

    def _locate(self, path: str, query_string: str) -> dict[str, str]:
        """Return the keys that carry the path; Werkzeug's builder finds a host in ``//host`` and drops controls."""
        target = quote(self._script_name + path, safe="/%:@!$&'()*+,;=~") + (f"?{query_string}" if query_string else "")
        return {
            "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
            "RAW_URI": target,
            "REQUEST_URI": target,
        }

    # -- By operation -------------------------------------------------------------------------------------------------

    @overload
    def call(self, operation: str, /, **arguments: Any) -> Result: ...

    @overload
    def call(self, operation: Callable[..., object], /, *, valid: Literal[False], **arguments: Any) -> Result: ...

    @overload
    def call(
        self, operation: Callable[Concatenate[Any, P], object], /, *args: P.args, **arguments: P.kwargs
    ) -> Result: ...

    def call(self, operation: str | Callable[..., object], /, *args: Any, **arguments: Any) -> Result:
        """Send the request that calls an operation, with the arguments that its handler takes.

        Path values stand under their own names, the inputs under those of their locations. The function says to a type
        checker which there are; the id says nothing, and is the way where one function answers several operations or
        takes what no request carries.

        Args:
            operation: The method of the resource class, such as ``Books.get``, or the operation's id.
            *args: Nothing; everything is passed by name.
            **arguments: Path values; ``query``, ``json``, ``form``, ``files``, ``headers``, ``cookies``. Queries,
                headers and cookies may be left out. ``valid=False`` says that their values are wrong on purpose: the
                request is then not held against the contract.

        Raises:
            CallError: No operation or several are meant, or the arguments are not those that it takes.
            ContractBreach: The operation does not accept the values, which are then not sent; or the response is not
                what it declares.
            Exception: Whatever the app did not handle, where the client raises exceptions.

        Example:
            >>> client.call(BookItem.get, book_id=3).json["id"]
            3
        """
        found = find_operation(self.site, operation)
        if args:
            raise CallError(f"{found.id} takes its arguments by name; given by position: {len(args)}.")
        is_valid = True
        if all(parameter.name != "valid" for parameter in found.path_parameters):
            is_valid = bool(arguments.pop("valid", True))
        call = compose(self.site, found, arguments)
        return self.request(call.method, call.path, valid=is_valid, **call.options)

    # -- The contract -------------------------------------------------------------------------------------------------

    @property
    def exercises(self) -> list[Exercise]:
        """Every exchange of this client that kept the contract, in order."""
        return self._check.exercises

    @contextmanager
    def expect_breach(self, kind: Kind | None = None) -> Iterator[list[Breach]]:
        """Expect that the contract is broken within the block; what is broken stands in the list that it gives.

        It is for tests of the check itself, and for a bug that is known. Breaches of other kinds are raised.

        Args:
            kind: What part of the contract; any when None.

        Raises:
            AssertionError: It was kept.
            CallError: The client does not check the contract, or there is no such kind.

        Example:
            >>> with client.expect_breach("status") as breaches:
            ...     client.get("/books/1/cover")
        """
        with self._check.expect(kind) as breaches:
            yield breaches

    # -- Cookies ------------------------------------------------------------------------------------------------------

    def set_cookie(self, name: str, value: str, *, path: str = "/") -> None:
        """Send a cookie with every further request beneath a path."""
        self._jar.set_cookie(name, value, path=path)

    def delete_cookie(self, name: str, *, path: str = "/") -> None:
        """Forget a cookie that was set for this path."""
        self._jar.delete_cookie(name, path=path)

    def get_cookie(self, name: str, *, path: str = "/") -> str | None:
        """Return the value of a cookie that the client keeps for this path, or None."""
        cookie = self._jar.get_cookie(name, path=path)
        return None if cookie is None else cookie.decoded_value

    def __repr__(self) -> str:
        return f"<Client of {self.app!r}>"


def _find_site(app: App, settings: Settings, raise_exceptions: bool) -> Site:
    """Return the app compiled with these settings, made once for clients that ask for it in turn."""
    own = app.compile()
    wanted = settings.changed(propagate_exceptions=raise_exceptions)
    if wanted == app.settings:
        return own
    sites = _SITES.setdefault(app, deque(maxlen=_KEPT_SITES))
    site = next((site for site in tuple(sites) if site.settings == wanted), None)
    if site is None:
        site = app.compile(wanted)
        sites.append(site)
    return site


def _act_as(principal: Principal[Any] | None) -> AbstractContextManager[object]:
    """Have requests be from a principal for a while, if one is given."""
    if principal is None:
        return nullcontext()
    from ramekin.auth.principals import act_as

    return act_as(principal)


@dataclass(frozen=True, slots=True)
class _Cookies:
    """The cookies of one request: a whole Cookie header, or some beside those that the client keeps."""

    header: str | None
    given: Mapping[str, Any]

    def join(self, kept: str) -> str:
        if self.header is not None:
            return self.header
        names = self.given.keys()
        pairs = [pair for pair in kept.split("; ") if pair and pair.partition("=")[0] not in names]
        return "; ".join([*pairs, *filter(None, [encode_cookies(self.given)])])


def _encode_body(where: str, options: RequestOptions) -> tuple[bytes | None, str | None]:
    """Return the body and its content type, None where there is none."""
    given = [name for name in _BODIES if name in options]
    if "files" in options and "form" not in options:
        given.append("files")
    if len(given) > 1:
        raise CallError(f"{where} has {' and '.join(given)}; a request has one body.")
    if "json" in options:
        return encode_json(options["json"]), "application/json"
    if "content" in options:
        content = options["content"]
        return content.encode() if isinstance(content, str) else content, None
    if given:
        return encode_form(options.get("form", {}), options.get("files", {}), multipart="files" in options)
    return None, None


def _compile_gateway(wsgi: WSGIApplication, validate: bool, check: Check) -> WSGIApplication:
    """Return what stands between Werkzeug's client and the app."""
    if validate:
        from wsgiref.validate import validator

        wsgi = validator(wsgi)
    checked = check.surround(wsgi)

    def serve(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        cookies = environ.pop(_COOKIES, None)
        if cookies is not None:
            # Werkzeug's client has put the cookies that it keeps in the place of the whole header.
            header = cookies.join(environ.pop("HTTP_COOKIE", ""))
            if header:
                environ["HTTP_COOKIE"] = header
        environ["wsgi.input"].seek(0)  # A redirect sends the body once more.
        return _Content(checked(environ, start_response))

    return serve


class _Content:
    """The content of a response, closed when it ends in an exception; closed once, whoever asks for it."""

    def __init__(self, content: Iterable[bytes]) -> None:
        self._content = content
        self._is_closed = False

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._content
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        if not self._is_closed:
            self._is_closed = True
            close = getattr(self._content, "close", None)
            if close is not None:
                close()
