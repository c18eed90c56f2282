"""The domain as msgspec structs, ready-made ones for the answers included."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from domain import PETS, Pet


class OwnerStruct(Struct, forbid_unknown_fields=True):
    name: Annotated[str, Meta(min_length=1, max_length=80)]
    email: str


class PetIn(Struct, forbid_unknown_fields=True):
    name: Annotated[str, Meta(min_length=1, max_length=50)]
    species: Literal["cat", "dog", "bird", "fish"]
    weight: Annotated[float, Meta(ge=0, le=200)]
    born: datetime
    owner: OwnerStruct
    vaccinated: bool = False
    tags: Annotated[list[str], Meta(max_length=10)] = field(default_factory=list)
    note: Annotated[str, Meta(max_length=200)] | None = None


class PetOut(Struct):
    id: int
    name: str
    species: str
    weight: float
    born: datetime
    vaccinated: bool
    tags: list[str]
    owner: OwnerStruct


def make_struct(pet: Pet) -> PetOut:
    owner = OwnerStruct(pet.owner.name, pet.owner.email)
    return PetOut(pet.id, pet.name, pet.species, pet.weight, pet.born, pet.vaccinated, pet.tags, owner)


def make_created_struct(pet: PetIn) -> PetOut:
    return PetOut(1, pet.name, pet.species, pet.weight, pet.born, pet.vaccinated, pet.tags, pet.owner)


STRUCTS = [make_struct(pet) for pet in PETS]
STRUCT = STRUCTS[6]
