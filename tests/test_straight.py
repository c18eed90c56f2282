"""A plain operation that reads JSON alone runs in one function, which answers as the frames of the onion do."""

from __future__ import annotations

import io
from typing import Any

import pytest
from marshmallow import Schema, fields, validate
from tests.test_plans import NO_PAGES, Around, answer

from ramekin import App, Reply, Resource, accepts, returns
from ramekin.operations import Declaration
from ramekin.problems import BadRequest, Problem, ValidationFailed
from ramekin.testing import Client


class Pet(Schema):
    name = fields.String(required=True, validate=validate.Length(1, 9))
    age = fields.Integer(load_default=1)


def build(*declarations: Declaration) -> App:
    app = App("Pets", settings=NO_PAGES.changed(limits=NO_PAGES.limits.changed(body_bytes=200, reported_errors=1)))
    app.declare(*declarations)

    @app.resource("/pets/<int:number>")
    class Pets(Resource):
        @accepts(json=Pet)
        @returns(fields.Raw(), status=201)
        def post(self, number: int, json: Any) -> Any:
            return [number, json, len(self.request.body)]

        @accepts(json=Pet(partial=True), required=False)
        @returns(fields.Raw())
        def put(self, number: int, json: Any) -> Any:
            return Reply([number, json])

        @accepts(json=Pet)
        @returns(fields.Raw())
        async def patch(self, number: int, json: Any) -> Any:
            return [number, json]

        @returns(fields.Raw())
        def get(self, **path: Any) -> Any:
            return path

    return app


@pytest.mark.parametrize("protocol", ["wsgi", "asgi"], indirect=True)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "GET"])
@pytest.mark.parametrize(
    "options",
    [
        {"json": {"name": "Rex", "age": 2}},
        {"json": {"name": "", "age": "x", "other": 1}},
        {"content": b'{"name": "Rex", "name": "Rex"}', "content_type": "application/json"},
        {"content": b"", "content_type": "application/json"},
        {"content": b'{"name": "Rex"}', "content_type": "application/JSON; charset=utf-8"},
        {"content": b'{"name": "Rex"}', "content_type": "text/plain"},
        {"content": b'{"name": "Rex"}', "content_type": "application/json", "headers": {"Content-Encoding": "br"}},
        {"content": b'{"name": "Rex"}' + b" " * 200, "content_type": "application/json"},
        {"json": {"name": "Rex"}, "headers": {"Accept": "text/plain"}},
        {},
    ],
)
def test_steps_change_no_answer(method: str, options: Any) -> None:
    """With steps and without, in a thread and on a loop, there is one answer."""
    straight, onion = (Client(build(*around)).request(method, "/pets/7", **options) for around in ((), (Around(),)))

    assert answer(straight) == answer(onion)


class Stream(io.BytesIO):
    """Gives a few bytes at a time, as the socket has them, and then what comes last."""

    def __init__(self, content: bytes, last: Exception | None = None) -> None:
        super().__init__(content)
        self.last = last

    def read(self, size: int | None = -1, /) -> bytes:
        chunk = super().read(4)
        if not chunk and self.last is not None:
            raise self.last
        return chunk


BODY = b'{"name": "Rex"}'


@pytest.mark.parametrize(
    ("length", "stream", "status"),
    [
        (str(len(BODY)), Stream(BODY), 201),
        (str(len(BODY)), io.BytesIO(BODY + b"}"), 201),
        ("0" * 20 + str(len(BODY)), Stream(BODY), 201),
        (str(len(BODY) + 1), Stream(BODY), 400),
        (str(len(BODY)), Stream(b"", OSError("lost")), 400),
        (str(len(BODY)), Stream(BODY[:8], OSError("lost")), 400),
        ("+15", io.BytesIO(BODY), 400),
        ("201", Stream(BODY), 413),
        ("", io.BytesIO(BODY), 400),
    ],
)
def test_a_body_is_read_to_its_end_and_no_further(length: str, stream: io.BytesIO, status: int) -> None:
    """However a server hands it over, a body has the bytes that were announced, or is refused."""
    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/pets/7",
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": length,
        "wsgi.input": stream,
        "wsgi.url_scheme": "http",
    }
    statuses: list[str] = []
    build()(environ, lambda line, headers, error=None: statuses.append(line) or len)  # type: ignore[func-returns-value]

    assert statuses[0].startswith(str(status))


@pytest.mark.parametrize("kind", [ValidationFailed, Problem, Exception])
def test_an_app_may_answer_invalid_input_itself(kind: type[Exception]) -> None:
    """What is registered for an exception is asked about the faults of an operation that runs straight through."""
    app, seen = build(), []

    @app.exception_handler(kind)
    def handle(error: Any, request: Any) -> Problem:
        seen.extend(error.faults)
        return BadRequest("Look closer.")

    assert Client(app).post("/pets/7", json={"name": ""}).problem["detail"] == "Look closer."
    assert [fault.pointer for fault in seen] == ["/name"]
