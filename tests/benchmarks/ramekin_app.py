"""The application of the request table in Ramekin; `KIND` and `make_app` are what a runner looks for."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

# A runner elsewhere may load this file by its path.
sys.path.append(str(Path(__file__).parent))

from marshmallow import fields

from domain import PET, PETS, Pet, make_created_pet, rules
from marshmallow_schemas import PetIn, PetOut, PetQuery
from ramekin import App, Resource, accepts, returns

KIND = "wsgi"

OK = {"ok": fields.Boolean(required=True)}


class Ping(Resource):
    @returns(OK)
    def get(self) -> dict[str, bool]:
        return {"ok": True}


class PetItem(Resource):
    @returns(PetOut)
    def get(self, pet_id: int) -> Pet:
        return PET


class Pets(Resource):
    @accepts(query=PetQuery)
    @returns(PetOut(many=True))
    def get(self, query: dict[str, Any]) -> list[Pet]:
        return PETS[: query["limit"]]

    @accepts(json=PetIn)
    @returns(PetOut, status=201)
    def post(self, json: dict[str, Any]) -> Pet:
        return make_created_pet(json)


class Leaf(Resource):
    @returns(OK)
    def get(self, id: int = 0, sid: int = 0) -> dict[str, bool]:
        return {"ok": True}


def make_app(families: int = 0, variant: str | None = None) -> App:
    """Make the application, with ten more routes for each family."""
    app = App("Benchmark", version="1.0.0")
    app.add_resource("/ping", Ping)
    app.add_resource("/pets/<int:pet_id>", PetItem)
    app.add_resource("/pets", Pets)
    for number, rule in enumerate(rules(families)):
        app.add_resource(rule, Leaf, name=f"leaf{number}")
    return app
