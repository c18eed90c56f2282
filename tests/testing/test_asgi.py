"""The client's way through ASGI: it holds the application to the protocol, as ``wsgiref.validate`` does under WSGI."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Iterator
from typing import Any

import pytest
from marshmallow import fields

from ramekin import App, Resource, Settings, accepts, returns
from ramekin.testing import Client
from ramekin.testing.asgi import serve_through_asgi
from ramekin.testing.errors import ProtocolError
from ramekin.types import Message, Receive, Scope, Send

START: Message = {"type": "http.response.start", "status": 200, "headers": [(b"a", b"b")]}
END: Message = {"type": "http.response.body", "body": b"x"}


def call(*messages: Message, received: list[Message] | None = None, **environ: Any) -> tuple[str, bytes]:
    """Call an application that sends messages, and return its status line and content."""

    async def asgi(scope: Scope, receive: Receive, send: Send) -> None:
        if received is not None:
            received.append(await receive())
        for message in messages:
            await send(message)

    lines: list[str] = []
    content = serve_through_asgi(asgi, {})(
        {"REQUEST_METHOD": "GET", "PATH_INFO": "/", "wsgi.input": io.BytesIO(b"ab"), **environ},
        lambda line, headers, exc_info=None: lines.append(line),  # type: ignore[arg-type]
    )
    try:
        return lines[0], b"".join(content)
    finally:
        content.close()  # type: ignore[attr-defined]


def test_a_response_is_passed_on() -> None:
    """Its content may come in several messages."""
    assert call(START, {**END, "more_body": True}, {"type": "http.response.body"}) == ("200 OK", b"x")


@pytest.mark.parametrize(
    ("messages", "said"),
    [
        ([], "returned before its response had ended"),
        ([START], "returned before its response had ended"),
        ([END], "sent 'http.response.body' where http.response.start is expected"),
        ([START, START], "sent 'http.response.start' where http.response.body is expected"),
        ([START, END, END], "sent 'http.response.body' where nothing is expected"),
        ([{**START, "status": "200"}], "sent status '200', not an integer"),
        ([{**START, "headers": [("a", b"b")]}], "both are bytes, names lower-case"),
        ([{**START, "headers": [(b"A", b"b")]}], "both are bytes, names lower-case"),
        ([START, {**END, "body": "x"}], "sent content of type str, not bytes"),
    ],
)
def test_what_is_no_response_is_named(messages: list[Message], said: str) -> None:
    """The error says what was sent and what was expected."""
    with pytest.raises(ProtocolError, match=said):
        call(*messages)


class Broken(io.BytesIO):
    """A connection that breaks."""

    def read(self, size: int | None = -1, /) -> bytes:
        raise OSError("lost")


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({}, {"type": "http.request", "body": b"", "more_body": False}),
        ({"CONTENT_LENGTH": "2"}, {"type": "http.request", "body": b"ab", "more_body": False}),
        ({"CONTENT_LENGTH": "1"}, {"type": "http.request", "body": b"a", "more_body": False}),
        ({"CONTENT_LENGTH": "0"}, {"type": "http.request", "body": b"", "more_body": False}),
        ({"wsgi.input_terminated": True}, {"type": "http.request", "body": b"ab", "more_body": True}),
        ({"CONTENT_LENGTH": "2", "wsgi.input": Broken()}, {"type": "http.disconnect"}),
        ({"CONTENT_LENGTH": "2", "wsgi.input": io.BytesIO()}, {"type": "http.disconnect"}),
    ],
)
def test_content_is_received_as_it_is_framed(environ: dict[str, Any], message: Message) -> None:
    """By its length or to its end; a client that sends less has left."""
    received: list[Message] = []
    call(START, END, received=received, **environ)
    assert received == [message]


class Numbers(Resource):
    """Streams until it is given up, and adds."""

    closed: list[str] = []

    @returns(fields.String(), media_type="text/plain")
    def get(self) -> Iterator[str]:
        try:
            while True:
                yield "x"
        finally:
            self.closed.append("source")

    @accepts(json=fields.List(fields.Integer()))
    @returns(fields.Integer())
    async def post(self, json: list[int]) -> int:
        await asyncio.sleep(0)
        return sum(json)


def test_a_client_that_leaves_has_the_stream_closed() -> None:
    """The server in small waits for that, so that a test can see it."""
    app = App("Numbers", settings=Settings(openapi_path=None, docs_path=None))
    app.add_resource("/", Numbers)
    client = Client(app, protocol="asgi", contract=False)
    result = client.get("/", stream=True)
    assert next(iter(result.iter())) == b"x"
    result.close()
    assert Numbers.closed == ["source"]
    assert client.post("/", json=[1, 2]).json == 3


def test_middleware_stands_around_the_app() -> None:
    """What wraps ``app.asgi`` is called by clients of other settings, too."""
    app = App("Numbers", settings=Settings(openapi_path=None, docs_path=None))
    app.add_resource("/", Numbers)
    inner, seen = app.asgi, []

    async def note(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope["path"])
        await inner(scope, receive, send)

    app.asgi = note
    assert Client(app, protocol="asgi").post("/", json=[1]).json == 1
    assert seen == ["/"]
