"""APIFlask, with marshmallow."""

from __future__ import annotations

from apiflask import APIFlask

from domain import PET, PETS, make_created_pet, rules
from marshmallow_schemas import PetIn, PetOut, PetQuery

KIND = "wsgi"


def make_app(families=0, variant=None):
    app = APIFlask("bench")

    @app.get("/ping")
    def ping():
        return {"ok": True}

    @app.get("/pets/<int:pid>")
    @app.output(PetOut)
    def get_pet(pid):
        return PET

    @app.get("/pets")
    @app.input(PetQuery, location="query")
    @app.output(PetOut(many=True))
    def list_pets(query_data):
        return PETS[: query_data["limit"]]

    @app.post("/pets")
    @app.input(PetIn)
    @app.output(PetOut, status_code=201)
    def post_pet(json_data):
        return make_created_pet(json_data)

    for n, rule in enumerate(rules(families)):
        app.get(rule, endpoint=f"r{n}")(lambda **kw: {"ok": True})
    return app
