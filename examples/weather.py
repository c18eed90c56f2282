"""Weather: async methods that ask several stations at once, over lines that each worker opens once.

``ramekin run --asgi examples/weather.py`` serves it for development, ``uvicorn --app-dir examples weather:app.asgi``
otherwise; the same app runs under WSGI. `Lines` stands for the client of an API elsewhere.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from marshmallow import Schema, fields, validate

from ramekin import App, Resource, accepts, describe, raises, returns
from ramekin.problems import NotFound, Problem


class Lines:
    """Lines to the stations, as the pool of a client keeps connections."""

    degrees = {"Bergen": 7.5, "Oslo": 3.0, "Tromsø": -4.5}

    async def __aenter__(self) -> Lines:
        return self

    async def __aexit__(self, *_: object) -> None: ...

    async def ask(self, station: str) -> float:
        """Return what a station measures; one, on an island, never answers."""
        if station == "Jan Mayen":
            await asyncio.Event().wait()
        await asyncio.sleep(0)
        return self.degrees[station]


class StationSilent(Problem):
    """The station does not answer."""

    status = 504
    code = "station-silent"
    members = {"station": fields.String(required=True)}


class MeanQuery(Schema):
    """Which stations to ask."""

    station = fields.List(
        fields.String(validate=validate.Length(1, 40)),
        required=True,
        validate=validate.Length(1, 10),
        metadata={"description": "Their names.", "examples": [["Oslo", "Bergen"]]},
    )


class MeasureSchema(Schema):
    """What a station measures."""

    degrees = fields.Float(required=True, metadata={"description": "In the shade, in °C.", "examples": [3.0]})


app = App(
    "Weather",
    description="Asks stations.",
    contact={"name": "Us"},
    license={"name": "MIT", "identifier": "MIT"},
)


@app.lifespan
async def open_lines(shared: dict[str, Any]) -> AsyncIterator[None]:
    """Open the lines once in each worker, and close them with it."""
    async with Lines() as shared["lines"]:
        yield


@raises(NotFound, StationSilent)
class Asking(Resource):
    """Asks stations."""

    async def ask(self, station: str) -> float:
        """Return what one station measures."""
        lines: Lines = self.request.shared["lines"]
        try:
            async with asyncio.timeout(0.2):
                return await lines.ask(station)
        except KeyError:
            raise NotFound(f"No station {station[:40]}.") from None
        except TimeoutError:
            raise StationSilent(f"{station} says nothing.", station=station) from None


@app.resource("/stations/<name>")
@describe(tags=["Stations"])
class Station(Asking):
    """One station."""

    @returns(MeasureSchema)
    async def get(self, name: str) -> dict[str, float]:
        """Ask a station."""
        return {"degrees": await self.ask(name)}


@app.resource("/mean")
@describe(tags=["Stations"])
class Mean(Asking):
    """Several stations."""

    @accepts(query=MeanQuery)
    @returns(MeasureSchema)
    async def get(self, query: dict[str, list[str]]) -> dict[str, float]:
        """Ask several stations at once."""
        measured = await asyncio.gather(*map(self.ask, query["station"]))
        return {"degrees": round(sum(measured) / len(measured), 1)}
