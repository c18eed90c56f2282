"""An app of plain and async operations for real servers; it tells the test what it does, and waits where it is told."""

from __future__ import annotations

import asyncio
import json as stdlib_json
import os
import socket
from collections.abc import AsyncIterator, Iterator
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from marshmallow import fields

from ramekin import App, Reply, Request, Resource, Settings, accepts, raises, returns
from ramekin.limits import Limits
from ramekin.problems import Unauthorized

GATE = "127.0.0.1", int(os.environ.get("GATE", "0"))
NOTES = Path(os.environ.get("NOTES", os.devnull))
WHO: ContextVar[str | None] = ContextVar("who", default=None)

app = App("Served", settings=Settings(docs_path=None, access_log=False, limits=Limits(body_bytes=100_000)))


def say(what: str) -> None:
    """Tell the test something."""
    with socket.create_connection(GATE, 30) as gate:
        gate.sendall(f"{what}\n".encode())


@app.lifespan
async def keep(shared: dict[str, Any]) -> AsyncIterator[None]:
    """Tell when a worker is set up and taken down."""
    if "FAIL" in os.environ:
        raise RuntimeError("no database")
    shared["pid"] = os.getpid()
    say(f"up {shared['pid']}")
    yield
    say(f"down {shared['pid']}")


@app.before
def identify(request: Request) -> None:
    """Keep who asks, and whom this context knew before."""
    request.state["found"] = WHO.get()
    WHO.set(request.header("x-who"))


CARD = {name: fields.Raw() for name in ("path", "header", "variable", "found", "body", "pid")}


def describe(request: Request, name: str, body: Any) -> Any:
    """Return all that says whose request this is."""
    who = request.header("x-who")
    if name == "crash":
        raise RuntimeError(who)
    found = request.state["found"]
    return {"path": name, "header": who, "variable": WHO.get(), "found": found, "body": body, "pid": os.getpid()}


@app.resource("/plain/<name>")
class Plain(Resource):
    """Plain methods."""

    @returns(CARD)
    def get(self, name: str) -> Any:
        """Say who asks."""
        return describe(self.request, name, None)

    @accepts(json={"who": fields.String()})
    @returns(CARD)
    def post(self, name: str, json: Any) -> Any:
        """Say who asks, and what."""
        return describe(self.request, name, json["who"])


@app.resource("/later/<name>")
class Later(Resource):
    """Async methods."""

    @returns(CARD)
    async def get(self, name: str) -> Any:
        """Say who asks."""
        await asyncio.sleep(0)
        return describe(self.request, name, None)

    @accepts(json={"who": fields.String()})
    @returns(CARD)
    async def post(self, name: str, json: Any) -> Any:
        """Say who asks, and what."""
        await asyncio.sleep(0)
        return describe(self.request, name, json["who"])


@app.resource("/notes")
class Notes(Resource):
    """What was taken, of all workers."""

    @returns(fields.List(fields.String()))
    def get(self) -> Any:
        """List what was taken."""
        return [stdlib_json.loads(line) for line in NOTES.read_text(encoding="utf-8").splitlines()]

    @accepts(json={"title": fields.String(required=True)})
    @returns(status=204)
    def post(self, json: Any) -> None:
        """Take one."""
        with NOTES.open("a", encoding="utf-8") as notes:
            notes.write(stdlib_json.dumps(json["title"]) + "\n")

    @accepts(json={"title": fields.String(required=True)})
    @returns(status=204)
    async def put(self, json: Any) -> None:
        """Take one on the event loop."""
        Notes.post(self, json=json)

    @raises(Unauthorized)
    @returns(status=204)
    def delete(self) -> None:
        """Refuse, with the body unread."""
        raise Unauthorized("Nobody may.")


@app.resource("/gate")
class Gate(Resource):
    """Waits until the test lets it go on."""

    @returns(fields.Integer())
    def get(self) -> int:
        """Wait in a thread."""
        with socket.create_connection(GATE, 30) as gate:
            gate.sendall(b"request\n")
            gate.recv(1)
        return os.getpid()

    @returns(fields.Integer())
    async def post(self) -> int:
        """Wait on an event loop."""
        reader, writer = await asyncio.open_connection(*GATE)
        writer.write(b"request\n")
        await reader.read(1)
        writer.close()
        return os.getpid()


@app.resource("/stream")
class Stream(Resource):
    """Never ends."""

    @returns(fields.String(), media_type="text/plain")
    def get(self) -> Iterator[bytes]:
        """Stream from a thread."""
        try:
            while True:
                yield b"x" * 65_536
        finally:
            say("closed")

    @returns(fields.String(), media_type="text/plain")
    async def post(self) -> AsyncIterator[bytes]:
        """Stream from an event loop."""
        try:
            while True:
                await asyncio.sleep(0)
                yield b"x" * 65_536
        finally:
            say("closed")


@app.resource("/folder/")
class Folder(Resource):
    """A path with a last slash."""

    @returns(fields.String())
    def get(self) -> Any:
        """Say where this is."""
        return Reply(self.url_for(Folder), headers={"X-Path": self.request.path})


@app.resource("/text/<path:text>")
class Text(Resource):
    """A path that is data."""

    @returns(fields.String())
    def get(self, text: str) -> str:
        """Say what the path says."""
        return text
