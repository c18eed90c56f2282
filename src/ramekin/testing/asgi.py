"""The way of a test's request through ASGI: a server in small, called as WSGI is, that holds the app to the protocol.

Specification: ASGI 3.0, HTTP message format 2.5.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ramekin.coroutines import submit
from ramekin.responses import status_line
from ramekin.testing.errors import ProtocolError

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    from ramekin.types import ASGIApplication, Message, Scope

_CHUNK_BYTES = 65_536
#: Keys of an environ that are header fields without ``HTTP_``.
_FIELDS = ("CONTENT_TYPE", "CONTENT_LENGTH")


def serve_through_asgi(asgi: ASGIApplication, marks: Mapping[str, Any]) -> WSGIApplication:
    """Return a WSGI application that calls an ASGI one.

    Args:
        asgi: The application; it runs on the event loop of the process.
        marks: Further keys for the scope of each request.
    """

    def serve(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        connection = _Connection(asgi, {**to_scope(environ), **marks}, environ["wsgi.input"])
        message = connection.next_message()
        if message is None:
            raise ProtocolError("The ASGI application ended without a response.")
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in message["headers"]]
        start_response(status_line(message["status"]), headers)
        return _Content(connection)

    return serve


def to_scope(environ: WSGIEnvironment) -> Scope:
    """Return the scope that a server would make of what it made this environ of."""
    prefix, path = (environ.get(key, "").encode("latin-1") for key in ("SCRIPT_NAME", "PATH_INFO"))
    names = {key: key.removeprefix("HTTP_") for key in environ if key.startswith("HTTP_") or key in _FIELDS}
    headers = [
        (name.replace("_", "-").lower().encode("latin-1"), environ[key].encode("latin-1", "replace"))
        for key, name in names.items()
        if environ[key] or key not in _FIELDS  # An empty one of these two stands for none (PEP 3333).
    ]
    if environ.get("wsgi.input_terminated") and not environ.get("CONTENT_LENGTH"):
        headers.append((b"transfer-encoding", b"chunked"))
    client = environ.get("REMOTE_ADDR")
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.5"},
        "http_version": environ.get("SERVER_PROTOCOL", "HTTP/1.1").removeprefix("HTTP/"),
        "method": environ["REQUEST_METHOD"],
        "scheme": environ.get("wsgi.url_scheme", "http"),
        "path": (prefix + path).decode(errors="replace"),
        "raw_path": quote(prefix + path, safe="/").encode(),
        "query_string": environ.get("QUERY_STRING", "").encode("latin-1"),
        "root_path": prefix.decode(errors="replace"),
        "headers": headers,
        "client": None if not client else (client, int(environ.get("REMOTE_PORT") or 0)),
        "server": (environ.get("SERVER_NAME", "localhost"), int(environ.get("SERVER_PORT") or 80)),
    }


class _Connection:
    """One request on its way through an ASGI application, which runs on the event loop of the process."""

    def __init__(self, asgi: ASGIApplication, scope: Scope, stream: Any) -> None:
        self._asgi = asgi
        self._scope = scope
        self._stream = stream
        length = dict(scope["headers"]).get(b"content-length", b"")
        self._left: int | None = int(length) if length.isdigit() else None
        self._has_body = True
        self._messages: SimpleQueue[Message | BaseException | None] = SimpleQueue()
        self._state = "new"
        self._task = submit(self._run())

    async def _run(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._wanted, self._left_by_client = asyncio.Semaphore(0), asyncio.Event()
        try:
            await self._asgi(self._scope, self._receive, self._send)
            if self._state != "ended" and not self._left_by_client.is_set():
                raise ProtocolError("The ASGI application returned before its response had ended.")
        except BaseException as error:  # It is the test's; a SystemExit that passed would end the loop for all.
            self._messages.put(error)
        else:
            self._messages.put(None)

    # -- The server's side of the application -------------------------------------------------------------------------

    async def _receive(self) -> Message:
        if self._has_body:
            try:
                chunk = await asyncio.to_thread(self._read)
            except Exception:  # The connection broke.
                self._has_body = False
                return {"type": "http.disconnect"}
            self._has_body = bool(chunk) and self._left != 0
            if chunk or not self._left:
                return {"type": "http.request", "body": chunk, "more_body": self._has_body}
            return {"type": "http.disconnect"}  # Fewer bytes came than were announced.
        await self._left_by_client.wait()
        return {"type": "http.disconnect"}

    def _read(self) -> bytes:
        if self._left is None and (b"transfer-encoding", b"chunked") not in self._scope["headers"]:
            return b""
        chunk: bytes = self._stream.read(_CHUNK_BYTES if self._left is None else min(self._left, _CHUNK_BYTES))
        if self._left is not None:
            self._left -= len(chunk)
        return chunk

    async def _send(self, message: Message) -> None:
        self._state = _check_message(message, self._state)
        if message["type"] == "http.response.body":
            await self._wanted.acquire()
            if self._left_by_client.is_set():
                raise OSError("The client has left.")
        self._messages.put(message)

    # -- The client's side --------------------------------------------------------------------------------------------

    def next_message(self) -> Message | None:
        """Return what the application sends next; None at the end.

        Raises:
            BaseException: What the application raised.
        """
        message = self._messages.get()
        if isinstance(message, BaseException):
            raise message
        return message

    def go_on(self) -> None:
        """Ask for more."""
        self._loop.call_soon_threadsafe(self._wanted.release)

    def leave(self) -> None:
        """Close the connection, and wait for the application to notice.

        Raises:
            BaseException: What the application raised, unless that was asked for before.
        """
        self._loop.call_soon_threadsafe(self._left_by_client.set)
        self.go_on()
        self._task.result()
        while not self._messages.empty():
            self.next_message()


class _Content:
    """The content of a response, each piece asked for when it is wanted."""

    def __init__(self, connection: _Connection) -> None:
        self._connection = connection
        self._has_ended = False

    def __iter__(self) -> Iterator[bytes]:
        while not self._has_ended:
            self._connection.go_on()
            try:
                message = self._connection.next_message()
            except BaseException:
                self._has_ended = True
                raise
            if message is None:
                self._has_ended = True
            elif message.get("body"):
                yield message["body"]

    def close(self) -> None:
        self._has_ended = True
        self._connection.leave()


def _check_message(message: Message, state: str) -> str:
    """Hold a message of the application to the protocol, and return the state that follows."""
    kind = message.get("type")
    expected = {"new": "http.response.start", "streaming": "http.response.body"}.get(state)
    if kind != expected:
        raise ProtocolError(f"The ASGI application sent {kind!r} where {expected or 'nothing'} is expected.")
    if kind == "http.response.start":
        _check_head(message)
        return "streaming"
    if not isinstance(message.get("body", b""), bytes):
        raise ProtocolError(f"The ASGI application sent content of type {type(message['body']).__name__}, not bytes.")
    return "streaming" if message.get("more_body", False) else "ended"


def _check_head(message: Message) -> None:
    if type(message.get("status")) is not int:
        raise ProtocolError(f"The ASGI application sent status {message.get('status')!r}, not an integer.")
    for name, value in message.get("headers", ()):
        if not (isinstance(name, bytes) and isinstance(value, bytes) and name == name.lower()):
            raise ProtocolError(
                f"The ASGI application sent header {name!r}: {value!r}; both are bytes, names lower-case."
            )
