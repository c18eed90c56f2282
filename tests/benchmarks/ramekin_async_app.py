"""The application of the request table in Ramekin with ``async def`` methods, as its ASGI application."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

# A runner elsewhere may load this file by its path.
sys.path.append(str(Path(__file__).parent))

from domain import PET, PETS, Pet, make_created_pet, rules
from marshmallow_schemas import PetIn, PetOut, PetQuery
from ramekin import App, Resource, accepts, returns
from ramekin_app import OK

KIND = "asgi"


class Ping(Resource):
    @returns(OK)
    async def get(self) -> dict[str, bool]:
        return {"ok": True}


class PetItem(Resource):
    @returns(PetOut)
    async def get(self, pet_id: int) -> Pet:
        return PET


class Pets(Resource):
    @accepts(query=PetQuery)
    @returns(PetOut(many=True))
    async def get(self, query: dict[str, Any]) -> list[Pet]:
        return PETS[: query["limit"]]

    @accepts(json=PetIn)
    @returns(PetOut, status=201)
    async def post(self, json: dict[str, Any]) -> Pet:
        return make_created_pet(json)


class Leaf(Resource):
    @returns(OK)
    async def get(self, id: int = 0, sid: int = 0) -> dict[str, bool]:
        return {"ok": True}


def make_app(families: int = 0, variant: str | None = None) -> Any:
    """Make the application, with ten more routes for each family."""
    app = App("Benchmark", version="1.0.0")
    app.add_resource("/ping", Ping)
    app.add_resource("/pets/<int:pet_id>", PetItem)
    app.add_resource("/pets", Pets)
    for number, rule in enumerate(rules(families)):
        app.add_resource(rule, Leaf, name=f"leaf{number}")
    return app.asgi
