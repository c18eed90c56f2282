"""Bottle, with validation and dumping by hand."""

from __future__ import annotations

import bottle

from domain import PET, PETS, Invalid, load_limit_by_hand, load_pet_by_hand, pet_as_json, tree

KIND = "wsgi"


def make_app(families=0, variant=None):
    app = bottle.Bottle()
    from json import dumps

    @app.get("/ping")
    def ping():
        return {"ok": True}

    @app.get("/pets/<pid:int>")
    def get_pet(pid):
        return pet_as_json(PET)

    @app.get("/pets")
    def list_pets():
        limit = load_limit_by_hand(bottle.request.query.get("limit"))
        bottle.response.content_type = "application/json"
        return dumps([pet_as_json(p) for p in PETS[:limit]])

    @app.post("/pets")
    def post_pet():
        try:
            pet = load_pet_by_hand(bottle.request.json)
        except Invalid as exc:
            bottle.response.status = 422
            return {"errors": exc.errors}
        bottle.response.status = 201
        return pet_as_json(pet)

    for path, _ in tree(families):
        app.get(path.replace("{id}", "<id:int>").replace("{sid}", "<sid:int>"))(lambda **kw: {"ok": True})
    return app
