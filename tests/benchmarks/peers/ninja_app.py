"""Django Ninja, with pydantic."""

from __future__ import annotations

# Django must be set up before what stands on it is imported.
from peers.django_settings import wsgi_for

# isort: split
import itertools
from typing import Annotated

from django.urls import path as dpath
from ninja import NinjaAPI
from pydantic import Field

from domain import PET, PETS, Owner, Pet, tree
from pydantic_models import PetIn, PetOut

KIND = "wsgi"
_n = itertools.count()


def make_app(families=0, variant=None):
    tag = f"ninja{next(_n)}"
    api = NinjaAPI(urls_namespace=tag)

    @api.get("/ping")
    def ping(request):
        return {"ok": True}

    @api.get("/pets/{int:id}", response=PetOut)
    def get_pet(request, id: int):
        return PET

    @api.get("/pets", response=list[PetOut])
    def list_pets(request, limit: Annotated[int, Field(ge=1, le=100)] = 20):
        return PETS[:limit]

    @api.post("/pets", response={201: PetOut})
    def post_pet(request, pet: PetIn):
        return 201, Pet(
            1,
            pet.name,
            pet.species,
            pet.weight,
            pet.born,
            pet.vaccinated,
            pet.tags,
            Owner(pet.owner.name, pet.owner.email),
        )

    def l0(request):
        return {"ok": True}

    def l1(request, id: int):
        return {"ok": True}

    def l2(request, id: int, sid: int):
        return {"ok": True}

    for p, count in tree(families):
        api.get(p.replace("{id}", "{int:id}").replace("{sid}", "{int:sid}"))((l0, l1, l2)[count])
    return wsgi_for(tag, [dpath("", api.urls)])
