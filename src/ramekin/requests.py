"""The request as a handler sees it, whatever protocol brought it.

A gateway subclasses `Request` and answers its few primitive questions from what the server gave it; the rest is
derived here, on first use. Nothing is parsed that nobody asks for.

Specification: RFC 9110 (HTTP semantics).
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Container, Coroutine, Mapping
from io import BytesIO
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from ramekin.bodies import CHUNK_BYTES, GZIP_CODINGS, BoundedStream, Bounds, ByteStream, UnpackedStream
from ramekin.errors import ContractError, SettingsError
from ramekin.problems import BadRequest
from ramekin.proxies import read_client_host, read_host, read_prefix, read_scheme
from ramekin.request_ids import new_request_id

if TYPE_CHECKING:
    from ramekin.limits import Limits
    from ramekin.operations import Operation
    from ramekin.sessions import Session
    from ramekin.settings import Settings

#: What an incoming request id has to look like to be taken over: visible ASCII, at most 128 characters.
_REQUEST_ID = re.compile(r"[A-Za-z0-9._~:/+=@-]{1,128}")
#: Most spellings of one header that are remembered as good, and the longest that is.
REMEMBERED = 64
REMEMBERED_CHARACTERS = 200


class RequestSite(Protocol):
    """What a request may ask of the compiled app that it belongs to."""

    settings: Settings

    @property
    def shared(self) -> dict[str, Any]:
        """What the lifespan made."""
        ...

    def build_path(self, script_name: str, target: type[Any] | str, values: Mapping[str, Any]) -> str:
        """Return the path of a resource, with the mount prefix before it."""
        ...


class Request:
    """One request.

    Attributes:
        site: The compiled app that answers it.
        operation: The operation that was matched; None where there is none (404, 405).
    """

    __slots__ = (
        "_body",
        "_id",
        "_principal",
        "_session",
        "_state",
        "_stream",
        "operation",
        "site",
    )

    #: Whether the protocol that brought it can carry another, such as WebSocket.
    can_upgrade: ClassVar[bool] = False

    site: RequestSite
    operation: Operation | None
    _body: bytes
    _id: str
    _principal: Any
    _session: Session
    _state: dict[str, Any]
    _stream: ByteStream

    # -- What a gateway answers ---------------------------------------------------------------------------------------

    @property
    def method(self) -> str:
        """The method, as it was sent."""
        raise NotImplementedError

    @property
    def path(self) -> str:
        """The decoded path below the mount prefix, beginning with a slash."""
        raise NotImplementedError

    @property
    def mount_prefix(self) -> str:
        """The decoded path prefix under which the server calls the app, without a trailing slash; empty at the root."""
        raise NotImplementedError

    @property
    def query_string(self) -> str:
        """The query as it was sent, without the question mark."""
        raise NotImplementedError

    @property
    def peer_scheme(self) -> str:
        """``http`` or ``https``, as the server saw it."""
        raise NotImplementedError

    @property
    def peer_host(self) -> str | None:
        """The address of the peer of the connection, or None where the server knows none."""
        raise NotImplementedError

    @property
    def http_version(self) -> str:
        """The protocol version of the connection, such as ``1.1``."""
        raise NotImplementedError

    @property
    def headers(self) -> Mapping[str, str]:
        """The header fields by case-insensitive name, several lines of one name joined by commas."""
        raise NotImplementedError

    @property
    def accept(self) -> str | None:
        """The ``Accept`` header as it was sent, or None."""
        raise NotImplementedError

    def open_stream(self) -> ByteStream:
        """Return the body as the server hands it over."""
        raise NotImplementedError

    def header(self, name: str) -> str | None:
        """Return one header field by its lower-case name, or None."""
        raise NotImplementedError

    # -- What follows from it -----------------------------------------------------------------------------------------

    @property
    def id(self) -> str:
        """A name for this request: 32 random hexadecimal digits, or a valid one from the header that is trusted."""
        found: str | None = getattr(self, "_id", None)
        if found is None:
            trusted = self.site.settings.request_id_header
            found = self._id = (None if trusted is None else self._find_id(trusted)) or new_request_id()
        return found

    def _find_id(self, name: str) -> str | None:
        given = self.header(name.lower())
        return given if given is not None and _REQUEST_ID.fullmatch(given) else None

    @property
    def principal(self) -> Any:
        """Who the request is from, as ``requires`` found out; None where it did not ask, or where nobody has to say."""
        try:
            return self._principal
        except AttributeError:
            return None

    @principal.setter
    def principal(self, principal: Any) -> None:
        self._principal = principal

    @property
    def state(self) -> dict[str, Any]:
        """A place for what features and hooks want to hand on, empty at first."""
        try:
            return self._state
        except AttributeError:
            self._state = {}
            return self._state

    @property
    def session(self) -> Session:
        """What the app remembers of this client; see `ramekin.sessions`.

        Raises:
            ContractError: The app has declared no sessions.
        """
        try:
            return self._session
        except AttributeError:
            raise ContractError("The app has no sessions; app.declare(sessions(…)) gives it some.") from None

    @session.setter
    def session(self, session: Session) -> None:
        self._session = session

    @property
    def shared(self) -> dict[str, Any]:
        """What the app's lifespan set up: one dict for all requests of a worker."""
        return self.site.shared

    @property
    def body(self) -> bytes:
        """The raw body, read within the limit on first use; what is left of it where `stream` was read.

        Raises:
            BadRequest: 400, fewer bytes arrived than were announced, or the server could not read them.
            ContentTooLarge: 413, there are more than the limit allows.
        """
        try:
            return self._body
        except AttributeError:
            stream = getattr(self, "_stream", None)
            self._body = (self._open_unpacked() if stream is None else stream).read()
            return self._body

    @property
    def stream(self) -> ByteStream:
        """The body as it arrives, unpacked where `Settings.request_gzip` is on and the client packed it.

        Reading raises `ramekin.problems.BadRequest` when fewer bytes arrive than were announced and
        `ramekin.problems.ContentTooLarge` at the first byte over the limit.
        """
        try:
            return self._stream
        except AttributeError:
            body: bytes | None = getattr(self, "_body", None)
            self._stream = self._open_unpacked() if body is None else BytesIO(body)
            return self._stream

    def take_plain_body(self, media_types: Container[str], limit: int) -> bytes | None:
        """Read the body of a request whose head is plainly good; return None, having read nothing, for any other.

        It is a short cut of what a gateway can do at once: the type is one of ``media_types`` as they are spelt, there
        is no coding, and the length is stated and within the limit.
        """
        return None

    async def receive_plain_body(self, media_types: Container[str], limit: int) -> bytes | None:
        """Do the same on an event loop."""
        return None

    def take_body(self) -> Coroutine[Any, Any, None] | None:
        """Read the body, so that `body` has it; a coroutine does where the request came to an event loop."""
        _ = self.body
        return None

    async def read_body(self) -> bytes:
        """Return the raw body, read within the limit on first use; `body` for ``async def`` methods.

        Raises:
            BadRequest: 400, fewer bytes arrived than were announced, or the server could not read them.
            ContentTooLarge: 413, there are more than the limit allows.
        """
        try:
            return self._body
        except AttributeError:
            from asyncio import to_thread

            return await to_thread(lambda: self.body)

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the body as it arrives; `stream` for ``async def`` methods."""
        from asyncio import to_thread

        stream = self.stream
        while chunk := await to_thread(stream.read, CHUNK_BYTES):
            yield chunk

    def _open_unpacked(self) -> ByteStream:
        stream = BoundedStream(self.open_stream(), self.bounds())
        return UnpackedStream(stream, self._body_limit) if self._is_packed else stream

    @property
    def _is_packed(self) -> bool:
        is_taken = self.site.settings.request_gzip
        return is_taken and (self.content_encoding or "").strip().lower() in GZIP_CODINGS

    @property
    def _body_limit(self) -> int:
        return self.site.settings.limits.body_bytes if self.operation is None else self.operation.body_bytes

    def bounds(self) -> Bounds:
        """Return how much of the body may be read.

        Raises:
            BadRequest: 400, ``Content-Length`` is no number.
            ContentTooLarge: 413, it announces more than the limit allows.
        """
        length = self.content_length
        if length is None and self.header("content-length"):
            raise BadRequest("Content-Length is no number of bytes.")
        return Bounds(length, self._body_limit)

    @property
    def client_host(self) -> str | None:
        """The address of the client: what trusted proxies say, else that of the peer of the connection."""
        hops = self.site.settings.trusted_proxies
        return (read_client_host(self.header, hops) if hops else None) or self.peer_host

    @property
    def scheme(self) -> str:
        """``http`` or ``https``: what trusted proxies say, else as the server saw it."""
        hops = self.site.settings.trusted_proxies
        return (read_scheme(self.header, hops) if hops else None) or self.peer_scheme

    @property
    def host(self) -> str | None:
        """The host that was asked, perhaps with a port: what trusted proxies say, else the ``Host`` header as sent.

        Where `Settings.trusted_hosts` is empty it may be anything, and nothing may be decided by it.
        """
        hops = self.site.settings.trusted_proxies
        return (read_host(self.header, hops) if hops else None) or self.header("host")

    @property
    def script_name(self) -> str:
        """The decoded path prefix that clients see before the app's own paths, without a trailing slash.

        It is the prefix that the app is mounted under, behind the one that trusted proxies took away.
        """
        hops = self.site.settings.trusted_proxies
        return read_prefix(self.header, hops) + self.mount_prefix if hops else self.mount_prefix

    @property
    def place(self) -> tuple[str, str]:
        """The `script_name` and the `path`."""
        return self.script_name, self.path

    @property
    def content_type(self) -> str | None:
        """The ``Content-Type`` header as it was sent, or None."""
        return self.header("content-type") or None

    @property
    def content_encoding(self) -> str | None:
        """The ``Content-Encoding`` header as it was sent, or None."""
        return self.header("content-encoding")

    @property
    def content_length(self) -> int | None:
        """The announced length of the body in bytes, or None where there is no valid one."""
        return parse_length(self.header("content-length"))

    @property
    def settings(self) -> Settings:
        """The settings of the compiled app."""
        return self.site.settings

    @property
    def limits(self) -> Limits:
        """The limits of the matched operation, or those of the app."""
        return self.site.settings.limits if self.operation is None else self.operation.limits

    def url_for(self, target: type[Any] | str, /, **values: Any) -> str:
        """Return the path of a resource with the mount prefix, never a host.

        Args:
            target: The resource class, or the name of its registration.
            **values: The path's values; what the rule does not name becomes the query.

        Raises:
            RoutingError: The class is not registered or more than once, or values are missing or do not fit.
        """
        return self.site.build_path(self.script_name, target, values)

    def absolute_url_for(self, target: type[Any] | str, /, **values: Any) -> str:
        """Return the URL of a resource for those who have no page to start from, as in a mail.

        It is made of `Settings.base_url` alone; the host that a request asks for is anybody's choice.

        Args:
            target: The resource class, or the name of its registration.
            **values: The path's values; what the rule does not name becomes the query.

        Raises:
            SettingsError: ``base_url`` is not set.
            RoutingError: The class is not registered or more than once, or values are missing or do not fit.
        """
        base = self.site.settings.base_url
        if base is None:
            raise SettingsError("absolute_url_for needs the setting base_url, such as https://api.example.com.")
        return base.rstrip("/") + self.site.build_path("", target, values)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.method} {self.path[:80]!r}>"


def parse_length(value: str | None) -> int | None:
    """Return the number of bytes that a ``Content-Length`` states, or None where it is none (RFC 9110 §8.6)."""
    return int(value) if value and value.isdigit() and value.isascii() and len(value) <= 4_000 else None
