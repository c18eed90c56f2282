"""FastAPI, with pydantic."""

from __future__ import annotations

from typing import Annotated

from fastapi import FastAPI, Query

from domain import PET, PETS, Owner, Pet, tree
from pydantic_models import PetIn, PetOut

KIND = "asgi"


def make_app(families=0, variant=None):
    app = FastAPI()

    @app.get("/ping")
    async def ping():
        return {"ok": True}

    @app.get("/pets/{id}", response_model=PetOut)
    async def get_pet(id: int):
        return PET

    @app.get("/pets", response_model=list[PetOut])
    async def list_pets(limit: Annotated[int, Query(ge=1, le=100)] = 20):
        return PETS[:limit]

    @app.post("/pets", status_code=201, response_model=PetOut)
    async def post_pet(pet: PetIn):
        return Pet(
            1,
            pet.name,
            pet.species,
            pet.weight,
            pet.born,
            pet.vaccinated,
            pet.tags,
            Owner(pet.owner.name, pet.owner.email),
        )

    async def l0():
        return {"ok": True}

    async def l1(id: int):
        return {"ok": True}

    async def l2(id: int, sid: int):
        return {"ok": True}

    for path, count in tree(families):
        app.get(path)((l0, l1, l2)[count])
    return app
