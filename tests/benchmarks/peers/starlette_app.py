"""Starlette, with validation and dumping by hand."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from domain import PET, PETS, Invalid, load_limit_by_hand, load_pet_by_hand, pet_as_json, tree

KIND = "asgi"


def make_app(families=0, variant=None):
    async def ping(request):
        return JSONResponse({"ok": True})

    async def get_pet(request):
        return JSONResponse(pet_as_json(PET))

    async def list_pets(request):
        return JSONResponse([pet_as_json(p) for p in PETS[: load_limit_by_hand(request.query_params.get("limit"))]])

    async def post_pet(request):
        try:
            pet = load_pet_by_hand(await request.json())
        except Invalid as exc:
            return JSONResponse({"errors": exc.errors}, 422)
        return JSONResponse(pet_as_json(pet), 201)

    routes = [
        Route("/ping", ping),
        Route("/pets/{id:int}", get_pet),
        Route("/pets", list_pets, methods=["GET"]),
        Route("/pets", post_pet, methods=["POST"]),
    ]
    for path, _ in tree(families):
        routes.append(Route(path.replace("{id}", "{id:int}").replace("{sid}", "{sid:int}"), ping))
    return Starlette(routes=routes)
