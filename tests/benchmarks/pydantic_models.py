"""The domain as pydantic models."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field


class OwnerModel(BaseModel):
    model_config = ConfigDict(from_attributes=True, extra="forbid")
    name: Annotated[str, Field(min_length=1, max_length=80)]
    email: str


class PetIn(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: Annotated[str, Field(min_length=1, max_length=50)]
    species: Literal["cat", "dog", "bird", "fish"]
    weight: Annotated[float, Field(ge=0, le=200)]
    born: datetime
    vaccinated: bool = False
    tags: Annotated[list[str], Field(max_length=10)] = []
    owner: OwnerModel
    note: Annotated[str | None, Field(max_length=200)] = None


class PetOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    id: int
    name: str
    species: str
    weight: float
    born: datetime
    vaccinated: bool
    tags: list[str]
    owner: OwnerModel
