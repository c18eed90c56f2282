"""A request that came as an ASGI scope and messages.

Specification: ASGI HTTP message format 2.5, HTTP connection scope.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Container, Coroutine, Mapping
from io import BytesIO
from tempfile import SpooledTemporaryFile
from typing import TYPE_CHECKING, Any, ClassVar, Self, cast
from urllib.parse import unquote_to_bytes

from ramekin.asgi.bodies import Body
from ramekin.bodies import Bounds, UnpackedStream
from ramekin.problems import Problem
from ramekin.requests import Request

if TYPE_CHECKING:
    from ramekin.bodies import ByteStream
    from ramekin.operations import Operation
    from ramekin.requests import RequestSite
    from ramekin.types import Receive, Scope

#: Digits of a ``Content-Length`` that needs a closer look.
_MANY_DIGITS = 16
#: What of a body with files is kept in memory, until the operation has a thread.
_SPOOLED_BYTES = 65_536


class ASGIRequest(Request):
    """A request that came as an ASGI scope.

    Attributes:
        scope: The connection's scope.
        receive: What gives the next message.
        fields: The header fields by their names in lower case.
        on_loop: Whether an event loop runs the operation, so that reading the body is awaited.
    """

    __slots__ = ("_content", "_refusal", "_spool", "accept", "fields", "on_loop", "receive", "scope")

    _content: Body
    _spool: SpooledTemporaryFile[bytes]

    can_upgrade: ClassVar[bool] = True

    scope: Scope
    receive: Receive
    fields: dict[bytes, bytes]
    accept: str | None
    on_loop: bool
    _refusal: Problem | None

    @classmethod
    def make(cls, scope: Scope, receive: Receive, site: RequestSite, operation: Operation | None) -> Self:
        """Return the request of a scope."""
        request = cls()
        request.scope = scope
        request.receive = receive
        request.site = site
        request.operation = operation
        request.on_loop = False
        request._refusal = None
        request.fields = join_fields(scope["headers"])
        accept = request.fields.get(b"accept")
        request.accept = None if accept is None else accept.decode("latin-1")
        return request

    @property
    def content(self) -> Body:
        """The body as it arrives."""
        try:
            return self._content
        except AttributeError:
            self._content = Body(self.receive)
            return self._content

    def receive_from(self, receive: Receive) -> None:
        """Have the messages that are still to come given by something else than the server."""
        self.receive = receive
        if hasattr(self, "_content"):
            self._content.receive_from(receive)

    @property
    def method(self) -> str:
        return cast("str", self.scope["method"])

    @property
    def path(self) -> str:
        return find_path(self.scope) or self.scope["path"] or "/"

    @property
    def mount_prefix(self) -> str:
        name = self.scope.get("root_path", "").strip("/")
        return f"/{name}" if name else ""  # Two slashes at the beginning of a path would name a host.

    @property
    def query_string(self) -> str:
        return cast("bytes", self.scope.get("query_string", b"")).decode("latin-1")

    @property
    def peer_scheme(self) -> str:
        return cast("str", self.scope.get("scheme", "http"))

    @property
    def peer_host(self) -> str | None:
        client = self.scope.get("client")
        return client[0] if client else None

    @property
    def http_version(self) -> str:
        return cast("str", self.scope.get("http_version", "1.1"))

    @property
    def headers(self) -> Mapping[str, str]:
        from werkzeug.datastructures import Headers

        pairs = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in self.fields.items()]
        return cast("Mapping[str, str]", Headers(pairs))

    def header(self, name: str) -> str | None:
        value = self.fields.get(name.lower().encode("latin-1"))
        return None if value is None else value.decode("latin-1")

    # -- The body -----------------------------------------------------------------------------------------------------

    def open_stream(self) -> ByteStream:
        if self.on_loop:
            raise RuntimeError(
                "An async def method awaits the body: await request.read_body(), or async for request.chunks()."
            )
        if self._refusal is not None:
            raise self._refusal
        return getattr(self, "_spool", self.content)

    def take_body(self) -> Coroutine[Any, Any, None] | None:
        return self._receive_body() if self.on_loop else super().take_body()

    async def receive_plain_body(self, media_types: Container[str], limit: int) -> bytes | None:
        fields = self.fields
        media_type, announced = fields.get(b"content-type", b""), fields.get(b"content-length", b"")
        if media_type.decode("latin-1") not in media_types or b"content-encoding" in fields:
            return None
        if not announced.isdigit() or len(announced) > _MANY_DIGITS or int(announced) > limit:
            return None
        message = await self.receive()
        body: bytes = message.get("body", b"")
        if len(body) != int(announced) or message.get("more_body"):  # Of one who has left, the body is empty.
            self.content.put_back(message)
            body = await self.content.receive_all(Bounds(int(announced), limit))
        self._body = body
        return body

    async def _receive_body(self) -> None:
        await self.read_body()

    async def read_body(self) -> bytes:
        try:
            return self._body
        except AttributeError:
            packed = await self.content.receive_all(self.bounds())
            self._body = UnpackedStream(BytesIO(packed), self._body_limit).read() if self._is_packed else packed
            return self._body

    async def chunks(self) -> AsyncIterator[bytes]:
        if hasattr(self, "_body") or self._is_packed:
            yield await self.read_body()
            return
        bounds = self.bounds()
        while chunk := await self.content.receive():
            bounds.count(chunk)
            yield chunk
        bounds.end()

    async def prefetch(self) -> None:
        """Take the body off the connection before a thread is taken for the operation, so that none waits for it.

        That answers nothing: what is wrong with the body shows when it is read.
        """
        operation = self.operation
        if operation is None or not operation.has_body or (self.content_length or 0) > self._body_limit:
            return
        try:
            if operation.inputs_at("files"):
                await self._spool_body()
            else:
                await self.read_body()
        except Problem as refusal:
            self._refusal = refusal

    async def _spool_body(self) -> None:
        """Keep a body with files where a thread reads it without waiting, on disk where it is large."""
        self._spool = SpooledTemporaryFile(_SPOOLED_BYTES)  # noqa: SIM115  # `close_spool` closes it.
        bounds = self.bounds()
        while chunk := await self.content.receive():
            bounds.count(chunk)
            self._spool.write(chunk)
        bounds.end()
        self._spool.seek(0)

    def close_spool(self) -> None:
        """Let go of what `prefetch` kept on disk."""
        spool = getattr(self, "_spool", None)
        if spool is not None:
            spool.close()

    @property
    def is_left_unread(self) -> bool:
        """Whether content was announced of which some was not taken from the connection."""
        announced = self.header("content-length") not in (None, "0") or self.header("transfer-encoding") is not None
        return announced and not hasattr(self, "_body") and not self.content.has_ended


def join_fields(pairs: list[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """Join several lines of one name (RFC 9110 §5.3); those of Cookie by a semicolon (RFC 9113 §8.2.3)."""
    joined = dict(pairs)
    if len(joined) == len(pairs):
        return joined
    joined.clear()
    for name, value in pairs:
        if name in joined:
            value = joined[name] + (b"; " if name == b"cookie" else b", ") + value  # noqa: PLW2901
        joined[name] = value
    return joined


def find_path(scope: Scope) -> str | None:
    """Return the decoded path below the mount prefix; None where it is not in UTF-8."""
    path: str = scope["path"]
    raw_path: bytes | None = scope.get("raw_path") if "\ufffd" in path else None
    if raw_path:
        # What a server could not decode it has replaced, so that the bytes have to say what they are.
        try:
            path = unquote_to_bytes(raw_path.partition(b"?")[0]).decode()
        except UnicodeDecodeError:
            return None
    prefix: str = scope.get("root_path", "").rstrip("/")
    if prefix and (path == prefix or path.startswith(f"{prefix}/")):
        path = path[len(prefix) :]
    return path or "/"
