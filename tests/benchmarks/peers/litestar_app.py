"""Litestar, with msgspec; it returns ready-made structs."""

from __future__ import annotations

from typing import Annotated

from litestar import Litestar, get, post
from litestar.params import Parameter

from domain import tree
from msgspec_schemas import STRUCT, STRUCTS, PetIn, PetOut, make_created_struct

KIND = "asgi"


def make_app(families=0, variant=None):
    @get("/ping")
    async def ping() -> dict[str, bool]:
        return {"ok": True}

    @get("/pets/{pid:int}")
    async def get_pet(pid: int) -> PetOut:
        return STRUCT

    @get("/pets")
    async def list_pets(limit: Annotated[int, Parameter(ge=1, le=100)] = 20) -> list[PetOut]:
        return STRUCTS[:limit]

    @post("/pets")
    async def post_pet(data: PetIn) -> PetOut:
        return make_created_struct(data)

    hs = [ping, get_pet, list_pets, post_pet]
    p0, p1, p2 = [], [], []
    for path, count in tree(families):
        (p0, p1, p2)[count].append(path.replace("{id}", "{id:int}").replace("{sid}", "{sid:int}"))
    if families:

        @get(p0)
        async def l0() -> dict[str, bool]:
            return {"ok": True}

        @get(p1)
        async def l1(id: int) -> dict[str, bool]:
            return {"ok": True}

        @get(p2)
        async def l2(id: int, sid: int) -> dict[str, bool]:
            return {"ok": True}

        hs += [l0, l1, l2]
    return Litestar(route_handlers=hs, openapi_config=None, logging_config=None)
