"""BlackSheep, with pydantic."""

from __future__ import annotations

from blacksheep import Application, Router
from blacksheep import json as bjson

from domain import PET, PETS, tree
from pydantic_models import PetIn, PetOut

KIND = "asgi"


def make_app(families=0, variant=None):
    app = Application(router=Router())
    get, post = app.router.get, app.router.post

    @get("/ping")
    async def ping():
        return bjson({"ok": True})

    @get("/pets/{int:id}")
    async def get_pet(id: int):
        return bjson(PetOut.model_validate(PET))

    @get("/pets")
    async def list_pets(limit: int = 20):
        return bjson([PetOut.model_validate(p) for p in PETS[:limit]])

    @post("/pets")
    async def post_pet(pet: PetIn):
        return bjson(PetOut(id=1, **pet.__dict__), status=201)

    async def l0():
        return bjson({"ok": True})

    async def l1(id: int):
        return bjson({"ok": True})

    async def l2(id: int, sid: int):
        return bjson({"ok": True})

    for path, count in tree(families):
        get(path.replace("{id}", "{int:id}").replace("{sid}", "{int:sid}"))((l0, l1, l2)[count])
    return app
