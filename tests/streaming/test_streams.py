"""Item streams as a client gets them: events and JSON Lines, from plain and from async generators."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextvars import ContextVar
from datetime import timedelta
from itertools import islice
from typing import Any

import pytest
from marshmallow import Schema, fields

from ramekin import App, Reply, Resource, Settings, raises, returns
from ramekin.contract import ContractBreach
from ramekin.errors import ContractError, DeclarationError
from ramekin.problems import NotFound
from ramekin.streaming import Event, contents, sources, streams
from ramekin.testing import Client
from ramekin.testing.errors import ResultError

NO_PAGES = Settings(openapi_path=None, docs_path=None)
SHORT = timedelta(milliseconds=5)
#: Longer than any test, so that no heartbeat comes between.
LONG = timedelta(hours=1)
TRACE: ContextVar[str] = ContextVar("trace", default="")


class Price(Schema):
    """A price at a time."""

    number = fields.Integer(required=True)


Source = Callable[[str | None], Any]


def make_app(source: Source, *, format: Any = "events", heartbeat: timedelta | None = LONG) -> App:
    """Return an app that streams what a function gives."""
    app = App("Stream", settings=NO_PAGES)
    heartbeat = heartbeat if format == "events" else None

    @app.resource("/prices")
    class Prices(Resource):
        @streams(Price, format, heartbeat=heartbeat)
        @raises(NotFound)
        def get(self, last_event_id: str | None = None) -> Any:
            """Follow prices."""
            return source(last_event_id)

    @app.resource("/later")
    class Later(Resource):
        @streams(Price, format, heartbeat=heartbeat)
        @raises(NotFound)
        async def get(self, last_event_id: str | None = None) -> Any:
            """Follow prices."""
            return source(last_event_id)

    return app


def plainly(*items: Any) -> Source:
    """Return a source that is a plain generator of items; an exception is raised."""

    def generate(last_event_id: str | None) -> Iterator[Any]:
        for item in items:
            if isinstance(item, Exception):
                raise item
            yield item

    return generate


def later(*items: Any) -> Source:
    """Return the same as an async generator."""

    async def generate(last_event_id: str | None) -> AsyncIterator[Any]:
        for item in items:
            await asyncio.sleep(0)
            if isinstance(item, Exception):
                raise item
            yield item

    return generate


BOTH = pytest.mark.parametrize("make", [plainly, later])
PATHS = pytest.mark.parametrize("path", ["/prices", "/later"])


@BOTH
@PATHS
def test_events_are_dumped_items(make: Any, path: str) -> None:
    """An item is data; an Event says more; None is no event."""
    source = make({"number": 1}, None, Event({"number": 2}, event="trade", id=7, retry=timedelta(seconds=3)))
    result = Client(make_app(source)).get(path)
    assert result.content == b'data: {"number":1}\n\nid: 7\nevent: trade\nretry: 3000\ndata: {"number":2}\n\n'
    assert result.media_type == "text/event-stream"
    assert (result.headers["Cache-Control"], result.headers["X-Accel-Buffering"]) == ("no-store", "no")


@BOTH
@PATHS
def test_lines_are_dumped_items(make: Any, path: str) -> None:
    """Each item is a line of JSON."""
    result = Client(make_app(make({"number": 1}, {"number": 2}), format="lines")).get(path)
    assert result.content == b'{"number":1}\n{"number":2}\n'
    assert result.media_type == "application/jsonl"
    assert "Cache-Control" not in result.headers


@pytest.mark.parametrize("format", ["events", "lines"])
def test_any_iterable_can_be_streamed(format: Any) -> None:
    """What is no generator is streamed as well, and so is nothing at all."""
    client = Client(make_app(lambda _: [{"number": 1}], format=format))
    assert list(client.get("/prices", stream=True).iter_items()) == [{"number": 1}]
    assert Client(make_app(lambda _: (), format=format)).get("/prices").content == b""


class Numbers:
    """An async iterable that is no generator."""

    def __init__(self) -> None:
        self.left = [1, 2]

    def __aiter__(self) -> Numbers:
        return self

    async def __anext__(self) -> Any:
        if not self.left:
            raise StopAsyncIteration
        return {"number": self.left.pop(0)}


@pytest.mark.parametrize("format", ["events", "lines"])
def test_any_async_iterable_can_be_streamed(format: Any) -> None:
    """It need not be one that can be closed."""
    client = Client(make_app(lambda _: Numbers(), format=format))
    assert list(client.get("/later", stream=True).iter_items()) == [{"number": 1}, {"number": 2}]


@pytest.mark.parametrize("format", ["events", "lines"])
@pytest.mark.parametrize("value", [None, "text", {"number": 1}, 5])
def test_what_is_no_stream_is_a_bug(format: Any, value: Any) -> None:
    """A value that holds no items is refused, with what is declared."""
    with pytest.raises(ContractError, match=f"returned {type(value).__name__} for .*; declared are items"):
        Client(make_app(lambda _: value, format=format)).get("/prices")


def test_headers_of_the_reply_stand() -> None:
    """What a handler says of caching and buffering is not overruled."""
    headers = {"Cache-Control": "max-age=5", "X-Accel-Buffering": "yes"}
    result = Client(make_app(lambda _: Reply(iter([{"number": 1}]), headers=headers))).get("/prices")
    assert (result.headers["Cache-Control"], result.headers["X-Accel-Buffering"]) == ("max-age=5", "yes")


def test_the_last_event_id_reaches_the_handler() -> None:
    """A client that comes back says where to go on, in UTF-8."""
    client = Client(make_app(lambda last: [Event({"number": 1}, id=f"after {last}")]))
    first = client.get("/prices", headers={"Last-Event-ID": "7 ✓"}, stream=True)
    assert next(first.iter_events()).id == "after 7 ✓"
    first.close()
    assert "id: after None\n" in client.get("/prices").text


@BOTH
@pytest.mark.parametrize("format", ["events", "lines"])
def test_a_problem_before_the_first_item_is_answered(make: Any, format: Any) -> None:
    """The head waits for the first item a moment, so that a generator can refuse like any method."""
    client = Client(make_app(make(NotFound("No such price.")), format=format))
    assert client.get("/prices").problem["detail"] == "No such price."
    assert client.get("/later").problem["detail"] == "No such price."


@BOTH
@PATHS
def test_the_head_goes_out_before_an_item_that_is_long_in_coming(make: Any, path: str) -> None:
    """A comment comes in place of the first item, and again while nothing comes."""
    given = threading.Event()
    client = Client(make_app(waiting(make, given, []), heartbeat=SHORT))
    with client.get(path, stream=True) as result:
        chunks = result.iter()
        assert [next(chunks) for _ in range(5)] == [b":\n\n"] * 5
        given.set()
        assert next(chunk for chunk in chunks if chunk != b":\n\n") == b'data: {"number":1}\n\n'


def waiting(make: Any, given: threading.Event, log: list[str]) -> Source:
    """Return a source that waits for an event before its one item, and notes that it was closed."""

    def generate(_: str | None) -> Iterator[Any]:
        try:
            while not given.wait(0.002):
                yield None
            yield {"number": 1}
            while True:
                yield None
        finally:
            log.append("closed")

    async def generate_later(_: str | None) -> AsyncIterator[Any]:
        try:
            while not given.is_set():
                await asyncio.sleep(0.002)
            yield {"number": 1}
            await asyncio.Event().wait()
        finally:
            log.append("closed")

    return generate if make is plainly else generate_later


@BOTH
@PATHS
def test_a_client_that_leaves_closes_the_source(make: Any, path: str) -> None:
    """What stands in a finally has run when the response is closed, and teardown hooks run after it."""
    log: list[str] = []
    app = make_app(waiting(make, threading.Event(), log), heartbeat=SHORT)
    app.teardown(lambda request, error: log.append("teardown"))
    with Client(app).get(path, stream=True) as result:
        chunks = result.iter()
        next(chunks)
        assert log == []
    assert log == ["closed", "teardown"]


def test_a_plain_source_that_stays_busy_is_left_to_itself(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The end of a stream waits for its source a while, then says so; the source is closed when it can be."""
    monkeypatch.setattr(contents, "CLOSE_SECONDS", 0.01)
    free, closed = threading.Event(), threading.Event()

    def generate(_: str | None) -> Iterator[Any]:
        try:
            free.wait()
            yield {"number": 1}
        finally:
            closed.set()

    with (
        caplog.at_level(logging.WARNING, "ramekin.error"),
        Client(make_app(generate, heartbeat=SHORT)).get("/prices", stream=True) as result,
    ):
        next(result.iter())
    assert "it is closed at its next item" in caplog.text
    free.set()
    assert closed.wait(30)


@BOTH
@PATHS
def test_a_source_that_fails_late_breaks_the_response_off(make: Any, path: str, caplog: Any) -> None:
    """An exception after the head is logged and given to the server, which ends the connection."""
    client = Client(make_app(make({"number": 1}, RuntimeError("late"))), raise_exceptions=False)
    chunks = client.get(path, stream=True).iter()
    assert next(chunks) == b'data: {"number":1}\n\n'
    with pytest.raises(RuntimeError, match="late"):
        next(chunks)
    assert "Unhandled RuntimeError" in caplog.text


class Ending:
    """An item that cannot be dumped: to look at it raises what iterators end by."""

    def __init__(self, kind: type[Exception]) -> None:
        self._kind = kind

    @property
    def number(self) -> int:
        raise self._kind


@BOTH
@PATHS
@pytest.mark.parametrize("format", ["events", "lines"])
@pytest.mark.parametrize("kind", [StopIteration, StopAsyncIteration])
def test_an_item_cannot_end_its_stream(make: Any, path: str, format: Any, kind: Any) -> None:
    """What ends an iterator is a bug like any other where an item raises it, first or later."""
    with pytest.raises((RuntimeError, StopAsyncIteration)):
        Client(make_app(make(Ending(kind)), format=format)).get(path)
    chunks = Client(make_app(make({"number": 1}, Ending(kind)), format=format)).get(path, stream=True).iter()
    next(chunks)
    with pytest.raises((RuntimeError, StopAsyncIteration)):
        next(chunks)


def test_more_plain_streams_than_there_may_be_threads_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """No client takes all threads of a process by opening streams; the generator does not begin."""
    log: list[str] = []
    client = Client(make_app(waiting(plainly, threading.Event(), log)), contract=False)
    monkeypatch.setattr(sources, "MOST_THREADS", 0)
    refused = client.get("/prices")
    assert (refused.status, refused.headers["Retry-After"], log) == (503, "10", [])


def test_a_source_that_fails_in_its_end_shows_it() -> None:
    """An exception of a finally is not lost."""

    def generate(_: str | None) -> Iterator[Any]:
        try:
            yield {"number": 1}
        finally:
            raise RuntimeError("in the end")

    result = Client(make_app(generate)).get("/prices", stream=True)
    chunks = result.iter()
    next(chunks)
    with pytest.raises(RuntimeError, match="in the end"):
        result.close()


@BOTH
@pytest.mark.parametrize("format", ["events", "lines"])
def test_an_item_that_is_not_what_is_declared_breaks_the_stream(make: Any, format: Any) -> None:
    """Each item is held to the schema that dumps it."""
    with pytest.raises(ContractError, match="returned list where Price is declared"):
        Client(make_app(make([1]), format=format)).get("/prices")


@BOTH
@pytest.mark.parametrize("format", ["events", "lines"])
@pytest.mark.parametrize("stream", [True, False])
def test_items_are_held_against_the_document(make: Any, format: Any, stream: bool) -> None:
    """The test client judges each item, when it is asked for where the content is a stream."""
    client = Client(make_app(make({"number": 1}, {}), format=format))
    with pytest.raises(ContractBreach, match=r"getPrices 200: body at '/1/number': declared a required member"):
        list(client.get("/prices", stream=stream).iter_items())


@PATHS
def test_head_has_no_content_and_closes_the_source(path: str) -> None:
    """HEAD follows from GET; its source is closed at once."""
    log: list[str] = []
    client = Client(make_app(waiting(plainly, threading.Event(), log), heartbeat=SHORT))
    assert client.head(path).content == b""
    assert log == ["closed"]


@BOTH
def test_context_variables_reach_the_source(make: Any) -> None:
    """What a hook set, a generator sees, in whatever thread or task it runs."""
    seen: list[str] = []

    def generate(_: str | None) -> Iterator[Any]:
        seen.append(TRACE.get())
        yield {"number": 1}

    async def generate_later(_: str | None) -> AsyncIterator[Any]:
        seen.append(TRACE.get())
        yield {"number": 1}

    app = make_app(generate if make is plainly else generate_later)

    @app.before
    def begin(request: Any) -> None:
        TRACE.set("begun")

    Client(app).get("/prices")
    assert seen == ["begun"]


def test_an_async_source_runs_in_one_task() -> None:
    """What it enters it leaves in the same task, as timeouts and groups of tasks demand."""
    tasks: list[Any] = []

    async def generate(_: str | None) -> AsyncIterator[Any]:
        async with asyncio.timeout(60):
            try:
                for number in range(3):
                    tasks.append(asyncio.current_task())
                    yield {"number": number}
            finally:
                tasks.append(asyncio.current_task())

    with Client(make_app(generate)).get("/later", stream=True) as result:
        list(islice(result.iter(), 2))
    assert len(tasks) >= 3
    assert len(set(tasks)) == 1


def test_the_document_describes_the_items() -> None:
    """A stream is the list of its items, as OpenAPI 3.2 has it; the data of an event is a text that holds JSON."""
    document = Client(make_app(plainly())).site.document()
    operation = document["paths"]["/prices"]["get"]
    events = operation["responses"]["200"]["content"]["text/event-stream"]["schema"]
    assert events["items"]["properties"]["data"]["contentSchema"] == {"$ref": "#/components/schemas/Price"}
    assert operation["parameters"][0]["name"] == "Last-Event-ID"
    document = Client(make_app(plainly(), format="lines")).site.document()
    operation = document["paths"]["/prices"]["get"]
    lines = operation["responses"]["200"]["content"]["application/jsonl"]["schema"]
    assert lines == {"type": "array", "items": {"$ref": "#/components/schemas/Price"}}
    assert "parameters" not in operation


def test_a_stream_stands_beside_another_answer() -> None:
    """One operation may answer with a list or with lines, as the reply says."""
    app = App("Both", settings=NO_PAGES)

    @app.resource("/")
    class Both(Resource):
        @streams({"number": fields.Integer(required=True)}, format="lines", description="One by one.")
        @returns(Price(many=True))
        def get(self) -> Any:
            if "jsonl" in (self.request.accept or ""):
                return Reply(iter([{"number": 1}]), media_type="application/jsonl")
            return [{"number": 1}]

    client = Client(app)
    assert client.get("/").json == [{"number": 1}]
    lines = client.get("/", headers={"Accept": "application/jsonl"})
    assert (lines.text, lines.headers["X-Accel-Buffering"]) == ('{"number":1}\n', "no")
    assert "X-Accel-Buffering" not in client.get("/").headers


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"format": "csv"}, "takes one of events, lines, not 'csv'"),
        ({"format": "lines", "heartbeat": LONG}, "goes with events"),
        ({"heartbeat": timedelta(0)}, "takes a timedelta longer than none"),
        ({"heartbeat": 15}, "takes a timedelta longer than none, not 15"),
    ],
)
def test_a_declaration_that_cannot_be_served_is_refused(arguments: dict[str, Any], message: str) -> None:
    """Format and heartbeat are checked where they are stated."""
    with pytest.raises(DeclarationError, match=message):
        streams(Price, **arguments)


def test_results_say_when_they_are_no_stream(client_of_lines: Client) -> None:
    """Events and items are read of their own media types only."""
    with pytest.raises(ResultError, match="where server-sent events was expected"):
        next(client_of_lines.get("/prices").iter_events())
    with pytest.raises(ResultError, match="where a stream of items was expected"):
        next(client_of_lines.get("/nowhere").iter_items())


@pytest.fixture
def client_of_lines() -> Client:
    """A client of an app whose middleware spoils what it streams."""
    app = make_app(plainly({"number": 1}), format="lines")
    return Client(app, contract=False)


def test_lines_that_are_no_json_are_named(client_of_lines: Client) -> None:
    """A test learns that something on the way broke the items."""
    result = client_of_lines.get("/prices", stream=True)
    result._chunks = [b"{\n"]
    with pytest.raises(ResultError, match="an item is not JSON"):
        next(result.iter_items())
