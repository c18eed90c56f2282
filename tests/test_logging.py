"""What goes to the log: one record per request after close, and one per bug."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
from marshmallow import fields

from ramekin import App, Resource, Settings, accepts, returns
from ramekin.testing import Client

NO_PAGES = Settings(openapi_path=None, docs_path=None)


@pytest.fixture
def app() -> App:
    """An app with a value, a stream and a bug."""
    app = App("Logged", settings=NO_PAGES)

    @app.resource("/<what>")
    class Thing(Resource):
        @returns(fields.String(), media_type="text/plain")
        def get(self, what: str) -> Iterator[str] | str:
            return "four" if what not in ("stream", "broken") else self.stream(what == "broken")

        def stream(self, is_broken: bool) -> Iterator[str]:
            yield "one"
            if is_broken:
                raise ZeroDivisionError
            yield "x"

    @app.resource("/pairs")
    class Pairs(Resource):
        @accepts(json=fields.List(fields.Integer()))
        @returns(fields.List(fields.Integer()))
        def post(self, json: list[int]) -> list[int]:
            return json

    return app


class Kept(logging.Handler):
    """Keeps the records of all loggers of Ramekin."""

    def __init__(self, records: list[logging.LogRecord]) -> None:
        super().__init__()
        self.records = records

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


@pytest.fixture
def records(caplog: pytest.LogCaptureFixture) -> Iterator[list[logging.LogRecord]]:
    """The records that a handler gets."""
    kept = Kept([])
    logger = logging.getLogger("ramekin")
    logger.addHandler(kept)
    with caplog.at_level(logging.INFO, "ramekin.access"):
        yield kept.records
    logger.removeHandler(kept)


def test_a_record_has_the_facts_of_its_request(client: Client, records: list[logging.LogRecord]) -> None:
    """Operation, method, path, status, bytes, duration, peer and id stand in one record."""
    client.get("/value")
    (record,) = records
    facts = record.__dict__
    assert (record.name, record.levelno) == ("ramekin.access", logging.INFO)
    assert (facts["operation"], facts["method"], facts["path"]) == ("getThing", "GET", "/value")
    assert (facts["status"], facts["bytes"], facts["client"]) == (200, 4, "127.0.0.1")
    assert 0 < facts["duration"] < 10
    assert len(facts["request_id"]) == 32
    assert record.getMessage().startswith("GET '/value' 200 4 B ")


@pytest.mark.parametrize(
    ("method", "path", "status", "sent"),
    [
        ("HEAD", "/value", 200, 0),
        ("GET", "/stream", 200, 4),
        ("OPTIONS", "/value", 204, 0),
        ("GET", "/value?x", 200, 4),
    ],
)
def test_bytes_are_those_that_were_sent(
    client: Client, records: list[logging.LogRecord], method: str, path: str, status: int, sent: int
) -> None:
    """The content is counted as it goes out, in pieces or in one; the query is not logged."""
    client.request(method, path)
    assert [(record.__dict__["status"], record.__dict__["bytes"]) for record in records] == [(status, sent)]
    assert "?" not in records[0].getMessage()


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/a/b", 404), ("POST", "/value", 405)])
def test_requests_without_operation_are_recorded(
    client: Client, records: list[logging.LogRecord], method: str, path: str, status: int
) -> None:
    """What matches nothing has no operation."""
    client.request(method, path)
    assert (records[0].__dict__["operation"], records[0].__dict__["status"]) == (None, status)


def test_a_record_follows_the_last_byte(client: Client, records: list[logging.LogRecord]) -> None:
    """While a stream is on its way there is no record yet."""
    pieces = client.get("/stream", stream=True).iter()
    next(pieces)
    assert not records
    list(pieces)
    assert records[0].__dict__["bytes"] == 4


def test_a_client_that_leaves_is_recorded(client: Client, records: list[logging.LogRecord]) -> None:
    """A response that was given up counts what was sent."""
    result = client.get("/stream", stream=True)
    pieces = result.iter()
    next(pieces)
    result.close()
    assert records[0].__dict__["bytes"] == 3


def test_a_stream_that_breaks_off_is_recorded(app: App, records: list[logging.LogRecord]) -> None:
    """The bug and the request have one record each, of one id."""
    with pytest.raises(ZeroDivisionError):
        Client(app, raise_exceptions=False).get("/broken")
    assert [(record.name, record.levelname) for record in records] == [
        ("ramekin.error", "ERROR"),
        ("ramekin.access", "INFO"),
    ]
    assert len({record.__dict__["request_id"] for record in records}) == 1


def test_the_text_of_a_record_stays_on_its_line(client: Client, records: list[logging.LogRecord]) -> None:
    """A path cannot forge a line, and is cut at 200 characters."""
    client.get("/%0AERROR%20forged" + "x" * 500)
    message = records[0].getMessage()
    assert "\n" not in message
    assert len(records[0].__dict__["path"]) == 200


def test_the_access_log_can_be_switched_off(app: App, records: list[logging.LogRecord]) -> None:
    """Where `access_log` is off no record is made."""
    Client(app, settings=NO_PAGES.changed(access_log=False)).get("/value")
    assert not records


def test_records_are_made_while_somebody_listens(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    """A level that changes while the app runs counts from the next request on."""
    for level, count in [(logging.WARNING, 0), (logging.INFO, 1)] * 2:
        caplog.clear()
        with caplog.at_level(level, "ramekin.access"):
            assert (client.get("/value").content, client.post("/pairs", json=[1]).json) == (b"four", [1])
        assert len(caplog.records) == 2 * count


def test_without_a_listener_no_record_is_made(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    """The level of the logger decides, as everywhere in `logging`."""
    with caplog.at_level(logging.WARNING, "ramekin.access"):
        client.get("/value")
    assert not caplog.records
