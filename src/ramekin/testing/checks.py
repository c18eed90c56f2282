"""The check of the contract around a test client: every exchange that passes is held against the document.

Specification: PEP 3333.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, cast, get_args
from weakref import WeakKeyDictionary

from ramekin.contract import Breach, Contract, ContractBreach, Exercise, Kind
from ramekin.contract.judges import check_installed
from ramekin.cors import is_preflight
from ramekin.routing import MovedTo, NoRoute
from ramekin.testing.errors import CallError
from ramekin.testing.exchanges import observers
from ramekin.wsgi import WSGIRequest

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    from ramekin.methods import Route
    from ramekin.operations import Operation
    from ramekin.sites import Site

_KINDS: tuple[Kind, ...] = get_args(Kind)
#: Writing a document costs milliseconds, and a test run makes a client for each test.
_CONTRACTS: WeakKeyDictionary[Site, Contract] = WeakKeyDictionary()


@dataclass(slots=True)
class Exchange:
    """One call of the client.

    Attributes:
        is_stream: Whether the content is left for the test to ask for.
        is_valid: Whether the test says that the request is valid.
        operation: The operation that was called last, where redirects are followed.
    """

    is_stream: bool
    is_valid: bool
    operation: Operation | None = None


#: What is under way; a client may be used by several threads at once.
EXCHANGE: ContextVar[Exchange] = ContextVar("ramekin.testing.exchange")


class Check:
    """Holds the exchanges of a client against the contract of its site.

    Args:
        site: The site.
        enabled: Whether it does.
    """

    def __init__(self, site: Site, *, enabled: bool) -> None:
        if enabled:
            check_installed()
        self.enabled = enabled
        self._kept: list[Exercise | Callable[[], Exercise]] = []
        self._site = site
        self._expected: list[tuple[Kind | None, list[Breach]]] = []

    @contextmanager
    def expect(self, kind: Kind | None) -> Iterator[list[Breach]]:
        """Collect breaches of one kind, or of any, instead of raising them; see `Client.expect_breach`."""
        if not self.enabled:
            raise CallError("This client holds nothing against the contract: it was made with contract=False.")
        if kind is not None and kind not in _KINDS:
            raise CallError(f"A breach is of no kind {kind!r}; the kinds are {', '.join(_KINDS)}.")
        caught: list[Breach] = []
        self._expected.append((kind, caught))
        try:
            yield caught
        finally:
            self._expected.pop()
        if not caught:
            raise AssertionError(f"No breach {f'of kind {kind!r} ' if kind else ''}came in the with block.")

    def surround(self, wsgi: WSGIApplication) -> WSGIApplication:
        """Return an application with the check around it."""

        def serve(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            exchange = EXCHANGE.get()
            operation = exchange.operation = match_operation(self._site, environ)
            if operation is None and exchange.is_valid:
                raise CallError(
                    f"{environ['REQUEST_METHOD']} {environ.get('PATH_INFO', '')} is said to be valid, "
                    f"but no operation of {self._site.info.title} answers it."
                )
            if not self.enabled or operation is None:
                return wsgi(environ, start_response)
            return self._serve(wsgi, environ, start_response, exchange, operation)

        return serve

    def _serve(
        self,
        wsgi: WSGIApplication,
        environ: WSGIEnvironment,
        start_response: StartResponse,
        exchange: Exchange,
        operation: Operation,
    ) -> Iterable[bytes]:
        # Middleware may change the environ on the way.
        sent = _Sent(environ["REQUEST_METHOD"], _to_text(environ.get("QUERY_STRING", "")), _list_fields(environ))
        if exchange.is_valid:
            exchange.is_valid = False  # A redirect asks for something else.
            self._check_request(environ, operation, sent)
        heads: list[tuple[int, list[tuple[str, str]]]] = []

        def start(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:
            heads.append((int(status[:3]), headers))
            return start_response(status, headers, *error)

        chunks = wsgi(environ, start)
        content = None
        if not exchange.is_stream:
            chunks = _read_all(chunks)
            content = b"".join(chunks)
        if heads:
            self._check_response(operation, sent, *heads[-1], content)
            if content is None and sent.method != "HEAD":
                status, headers = heads[-1]
                check = self.contract.watch_items(operation.id, status=status, headers=headers)
                return chunks if check is None else _Watched(chunks, check, self._report)
        return chunks

    def _check_request(self, environ: WSGIEnvironment, operation: Operation, sent: _Sent) -> None:
        stream = environ["wsgi.input"]
        content = stream.read()
        stream.seek(0)
        self._report(
            self.contract.check_request(
                operation.id, query_string=sent.query_string, headers=sent.headers, content=content
            )
        )

    def _check_response(
        self,
        operation: Operation,
        sent: _Sent,
        status: int,
        headers: list[tuple[str, str]],
        content: bytes | None,
    ) -> None:
        contract = self.contract
        breaches = contract.check_response(
            operation.id, method=sent.method, status=status, headers=headers, content=content
        )
        if breaches:
            self._report(breaches)
            return
        describe = partial(
            contract.describe_exercise,
            operation.id,
            status=status,
            headers=headers,
            content=content if status >= 400 else None,  # Of others nothing is read, and it may be large.
            query_string=sent.query_string,
            request_headers=sent.headers,
        )
        if not observers:
            self._kept.append(describe)
            return
        exercise = describe()
        self._kept.append(exercise)
        for observe in observers:
            observe(self._site, exercise)

    def check_message(self, operation: Operation, value: Any) -> None:
        """Hold a message of the app against the contract.

        Raises:
            ContractBreach: It is not what is declared.
        """
        if self.enabled:
            self._report(self.contract.check_message(operation.id, value))

    @property
    def exercises(self) -> list[Exercise]:
        """The exchanges that kept the contract, in order; described when somebody asks, for most tests never do."""
        for place, kept in enumerate(self._kept):
            if not isinstance(kept, Exercise):
                self._kept[place] = kept()
        return cast("list[Exercise]", list(self._kept))

    def _report(self, breaches: list[Breach]) -> None:
        if self._expected and breaches:
            kind, caught = self._expected[-1]
            caught += [breach for breach in breaches if kind in (None, breach.kind)]
            breaches = [breach for breach in breaches if kind not in (None, breach.kind)]
        if breaches:
            raise ContractBreach(breaches)

    @property
    def contract(self) -> Contract:
        """The contract of the site."""
        contract = _CONTRACTS.get(self._site)
        if contract is None:
            contract = _CONTRACTS[self._site] = Contract(self._site)
        return contract


@dataclass(frozen=True, slots=True)
class _Sent:
    method: str
    query_string: str
    headers: list[tuple[str, str]]


def match_operation(site: Site, environ: WSGIEnvironment) -> Operation | None:
    """Return the operation that a site answers a request by.

    None where it needs none: 404, 405, OPTIONS, a preflight, another host.
    """
    request = WSGIRequest.make(environ, site, None)
    if site.settings.cors.origins and is_preflight(request.method, request.header):
        return None
    if site.hosts is not None and not site.hosts.trust(request.host):
        return None
    route = _match_route(site, environ)
    plan = None if route is None else route.plans.get(environ["REQUEST_METHOD"])
    return None if plan is None else plan.operation


def match_socket(site: Site, environ: WSGIEnvironment) -> Operation | None:
    """Return the operation that opens a WebSocket connection at a path; None where there is none."""
    route = _match_route(site, environ)
    return None if route is None or route.socket is None else route.socket.operation


def _match_route(site: Site, environ: WSGIEnvironment) -> Route | None:
    path = environ.get("PATH_INFO") or "/"
    route = site.router.static.get(path)
    if route is None:
        try:
            route, _ = site.router.find(path.encode("latin-1").decode())
        except (NoRoute, MovedTo, UnicodeError):
            return None
    return route


def _list_fields(environ: WSGIEnvironment) -> list[tuple[str, str]]:
    fields = [
        (key.removeprefix("HTTP_").replace("_", "-"), _to_text(value))
        for key, value in environ.items()
        if key.startswith("HTTP_")
    ]
    content_type = environ.get("CONTENT_TYPE")
    return [*fields, ("Content-Type", content_type)] if content_type else fields


def _to_text(text: str) -> str:
    """Return an environ's text, which carries bytes as latin-1 (PEP 3333), decoded from UTF-8."""
    return text if text.isascii() else text.encode("latin-1", "replace").decode("utf-8", "replace")


class _Watched:
    """The content of a stream of items, each held against the contract when it is asked for."""

    def __init__(
        self,
        chunks: Iterable[bytes],
        check: Callable[[bytes], list[Breach]],
        report: Callable[[list[Breach]], None],
    ) -> None:
        self._chunks = chunks
        self._check = check
        self._report = report

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._chunks:
            self._report(self._check(chunk))
            yield chunk

    def close(self) -> None:
        close = getattr(self._chunks, "close", None)
        if close is not None:
            close()


def _read_all(chunks: Iterable[bytes]) -> list[bytes]:
    try:
        return list(chunks)
    finally:
        close = getattr(chunks, "close", None)
        if close is not None:
            close()
