"""The domain as marshmallow schemas."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from domain import SPECIES


class OwnerSchema(Schema):
    name = fields.String(required=True, validate=validate.Length(min=1, max=80))
    email = fields.String(required=True)


class PetIn(Schema):
    name = fields.String(required=True, validate=validate.Length(min=1, max=50))
    species = fields.String(required=True, validate=validate.OneOf(SPECIES))
    weight = fields.Float(required=True, validate=validate.Range(min=0, max=200))
    born = fields.DateTime(required=True)
    vaccinated = fields.Boolean(load_default=False)
    tags = fields.List(fields.String(), validate=validate.Length(max=10))
    owner = fields.Nested(OwnerSchema, required=True)
    note = fields.String(allow_none=True, validate=validate.Length(max=200))


class PetOut(Schema):
    id = fields.Integer()
    name = fields.String()
    species = fields.String()
    weight = fields.Float()
    born = fields.DateTime()
    vaccinated = fields.Boolean()
    tags = fields.List(fields.String())
    owner = fields.Nested(OwnerSchema)


class PetQuery(Schema):
    limit = fields.Integer(load_default=20, validate=validate.Range(min=1, max=100))
