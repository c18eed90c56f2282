"""Methods that need no code, where the code that is there is plain and where it is async."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from marshmallow import fields

from ramekin import App, Reply, Resource, Settings, accepts, returns
from ramekin.testing import Client

TEXT = fields.String()


class Plain(Resource):
    """Plain methods; the path says what they answer."""

    @returns(TEXT)
    def get(self, how: str) -> str:
        return how

    @accepts(json={})
    @returns(status=204)
    def post(self, how: str, json: Any) -> None: ...

    @accepts(form={})
    @returns(status=204)
    def patch(self, how: str, form: Any) -> None: ...

    @returns(status=204, headers={"Allow": fields.String()})
    def options(self, how: str) -> Any:
        return own_options(how)


class Later(Plain):
    """The same, async."""

    @returns(TEXT)
    async def get(self, how: str) -> str:  # type: ignore[override]
        return how

    @returns(status=204, headers={"Allow": fields.String()})
    async def options(self, how: str) -> Any:
        return own_options(how)


def own_options(how: str) -> Any:
    """Answer OPTIONS: with methods of one's own, with none, with a bug."""
    if how == "bug":
        raise RuntimeError(how)
    return Reply(headers={"Allow": "GET"}) if how == "own" else None


class Streams(Resource):
    """Streams whose closing fails."""

    @returns(TEXT, media_type="text/plain")
    def get(self) -> Iterator[str]:
        try:
            yield "a"
        finally:
            raise KeyError("stuck")

    @returns(TEXT, media_type="text/plain")
    async def post(self) -> AsyncIterator[str]:
        yield "a"


class LaterStreams(Streams):
    """The same, async."""

    @returns(TEXT, media_type="text/plain")
    async def get(self) -> AsyncIterator[str]:  # type: ignore[override]
        try:
            yield "a"
        finally:
            raise KeyError("stuck")


@pytest.fixture
def app() -> App:
    """An app of each kind."""
    app = App("Methods", settings=Settings(openapi_path=None, docs_path=None, propagate_exceptions=False))
    app.add_resource("/Plain/<how>", Plain)
    app.add_resource("/Later/<how>", Later)
    app.add_resource("/Streams", Streams)
    app.add_resource("/LaterStreams", LaterStreams)
    return app


KINDS = pytest.mark.parametrize("kind", ["Plain", "Later"])


@KINDS
def test_head_is_get_without_content(client: Client, kind: str) -> None:
    """It says how much GET would send."""
    result = client.head(f"/{kind}/some")
    assert (result.status, result.content, result.headers["Content-Length"]) == (200, b"", "6")


@KINDS
def test_options_of_ones_own_say_which_methods_there_are(app: App, kind: str) -> None:
    """Unless they do so themselves; a failure says nothing of methods."""
    client = Client(app, raise_exceptions=False, contract=False)
    allowed = "GET, POST, PATCH, OPTIONS, HEAD"
    assert client.options(f"/{kind}/none").headers["Allow"] == allowed
    assert client.options(f"/{kind}/own").headers["Allow"] == "GET"
    assert "Allow" not in client.options(f"/{kind}/bug").headers
    assert client.delete(f"/{kind}/none").headers["Allow"] == allowed


def test_options_say_what_bodies_are_taken(client: Client) -> None:
    """Where nobody wrote a method for it, OPTIONS tells the methods and media types."""
    result = client.options("/Streams")
    assert (result.status, result.headers["Allow"]) == (204, "GET, POST, HEAD, OPTIONS")
    assert "Accept-Post" not in result.headers


@pytest.mark.parametrize("kind", ["Streams", "LaterStreams"])
def test_a_stream_that_cannot_be_closed_has_its_head(
    client: Client, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The head of GET is right by then; the failure is in the log."""
    with caplog.at_level(logging.ERROR, "ramekin.error"):
        result = client.head(f"/{kind}")
    assert (result.status, result.content) == (200, b"")
    assert [record.getMessage() for record in caplog.records] == [f"Unhandled KeyError in get{kind}"]
