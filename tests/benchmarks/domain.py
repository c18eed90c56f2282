"""The objects, bodies and routes that every application in the benchmarks serves, and hand-written code for them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

SPECIES = ("cat", "dog", "bird", "fish")


@dataclass
class Owner:
    name: str
    email: str


@dataclass
class Pet:
    id: int
    name: str
    species: str
    weight: float
    born: datetime
    vaccinated: bool
    tags: list[str]
    owner: Owner


def make_pet(number: int) -> Pet:
    return Pet(
        id=number,
        name=f"Pet number {number}",
        species=SPECIES[number % 4],
        weight=1.5 + number,
        born=datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC),
        vaccinated=bool(number % 2),
        tags=["a", "bb", "ccc"],
        owner=Owner(f"Owner {number}", f"o{number}@example.com"),
    )


PETS = [make_pet(number) for number in range(1, 101)]
PET = PETS[6]

GOOD_BODY: dict[str, Any] = {
    "name": "Rex the dog",
    "species": "dog",
    "weight": 12.5,
    "born": "2020-01-02T03:04:05+00:00",
    "vaccinated": True,
    "tags": ["good", "boy", "brown"],
    "owner": {"name": "Ada", "email": "ada@example.com"},
    "note": "likes walks",
}
BAD_BODY: dict[str, Any] = {
    "name": "",
    "species": "dragon",
    "weight": -3,
    "born": "not a date",
    "vaccinated": True,
    "tags": ["good", 3],
    "owner": {"name": "Ada"},
    "note": None,
}


def pet_as_json(pet: Pet) -> dict[str, Any]:
    return {
        "id": pet.id,
        "name": pet.name,
        "species": pet.species,
        "weight": pet.weight,
        "born": pet.born.isoformat(),
        "vaccinated": pet.vaccinated,
        "tags": pet.tags,
        "owner": {"name": pet.owner.name, "email": pet.owner.email},
    }


CREATED = {"id": 1} | {name: value for name, value in GOOD_BODY.items() if name != "note"}


def make_created_pet(data: dict[str, Any]) -> Pet:
    """Build the domain object from validated data, as a handler does."""
    return Pet(
        1,
        data["name"],
        data["species"],
        data["weight"],
        data["born"],
        data["vaccinated"],
        data["tags"],
        Owner(**data["owner"]),
    )


def tree(families: int) -> Iterator[tuple[str, int]]:
    """Yield the path template and the number of parameters of ten routes for each family."""
    for family in range(families):
        yield f"/api/v1/res{family}", 0
        yield f"/api/v1/res{family}/{{id}}", 1
        for branch in range(4):
            yield f"/api/v1/res{family}/{{id}}/sub{branch}", 1
            yield f"/api/v1/res{family}/{{id}}/sub{branch}/{{sid}}", 2


def rules(families: int, parameter: str = "<int:{}>") -> Iterator[str]:
    """Yield the routes of the tree in the notation of a framework."""
    for template, _ in tree(families):
        yield template.replace("{id}", parameter.format("id")).replace("{sid}", parameter.format("sid"))


def tree_hits(families: int, count: int = 512, seed: int = 7) -> list[str]:
    """Return random paths, each of which one route of the tree serves."""
    choice = random.Random(seed)
    templates = [template for template, _ in tree(families)]
    return [
        choice.choice(templates)
        .replace("{id}", str(choice.randrange(1, 9999)))
        .replace("{sid}", str(choice.randrange(1, 9999)))
        for _ in range(count)
    ]


class Invalid(Exception):
    """What the hand-written code finds wrong, by the name of the member."""

    def __init__(self, errors: dict[str, str]) -> None:
        super().__init__(errors)
        self.errors = errors


def load_pet_by_hand(data: Any) -> Pet:
    """Validate in plain Python and report every fault, as a careful person writes it."""
    errors: dict[str, str] = {}
    owner_name: Any
    email: Any
    if type(data) is not dict:
        raise Invalid({"_schema": "Invalid input type."})
    name: Any = data.get("name")
    if type(name) is not str:
        errors["name"] = "Not a valid string."
    elif not 1 <= len(name) <= 50:
        errors["name"] = "Length must be between 1 and 50."
    species: Any = data.get("species")
    if species not in SPECIES:
        errors["species"] = "Must be one of: cat, dog, bird, fish."
    weight: Any = data.get("weight")
    if type(weight) is int:
        weight = float(weight)
    if type(weight) is not float:
        errors["weight"] = "Not a valid number."
    elif not 0 <= weight <= 200:
        errors["weight"] = "Out of range."
    try:
        born = datetime.fromisoformat(data["born"])
    except (KeyError, TypeError, ValueError):
        errors["born"] = "Not a valid datetime."
    vaccinated = data.get("vaccinated", False)
    if vaccinated is not True and vaccinated is not False:
        errors["vaccinated"] = "Not a valid boolean."
    tags = data.get("tags", [])
    if type(tags) is not list or len(tags) > 10:
        errors["tags"] = "Not a valid list."
    else:
        for tag in tags:
            if type(tag) is not str:
                errors["tags"] = "Not a valid string."
                break
    owner = data.get("owner")
    if type(owner) is not dict:
        errors["owner"] = "Invalid input type."
    else:
        owner_name, email = owner.get("name"), owner.get("email")
        if type(owner_name) is not str or not 1 <= len(owner_name) <= 80:
            errors["owner.name"] = "Not a valid string."
        if type(email) is not str:
            errors["owner.email"] = "Not a valid string."
        if len(owner) != 2:
            errors.update({f"owner.{key}": "Unknown field." for key in owner if key not in ("name", "email")})
    note = data.get("note")
    if note is not None and (type(note) is not str or len(note) > 200):
        errors["note"] = "Not a valid string."
    for key in data:
        if key not in GOOD_BODY:
            errors[key] = "Unknown field."
    if errors:
        raise Invalid(errors)
    return Pet(1, name, species, weight, born, vaccinated, tags, Owner(owner_name, email))


def load_limit_by_hand(text: str | None, default: int = 20) -> int:
    """Validate the query parameter of the list."""
    try:
        limit = default if text is None else int(text)
    except ValueError:
        raise Invalid({"limit": "Not a valid integer."}) from None
    if not 1 <= limit <= 100:
        raise Invalid({"limit": "Out of range."})
    return limit
