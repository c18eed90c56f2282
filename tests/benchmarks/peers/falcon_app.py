"""Falcon WSGI; variants ma (marshmallow + falcon's media), ms (msgspec), pyd (pydantic)."""

from __future__ import annotations

import falcon
import msgspec
import pydantic
from marshmallow import ValidationError
from pydantic import TypeAdapter

import marshmallow_schemas as ma
import msgspec_schemas as ms
import pydantic_models as pyd
from domain import PET, PETS, make_created_pet, tree

KIND = "wsgi"


class Ping:
    def on_get(self, req, resp):
        resp.media = {"ok": True}


class Leaf:
    def on_get(self, req, resp, **kw):
        resp.media = {"ok": True}


class OneMa:
    out = ma.PetOut()

    def on_get(self, req, resp, id):
        resp.media = self.out.dump(PET)


class ManyMa:
    out, outs, inp, query = ma.PetOut(), ma.PetOut(many=True), ma.PetIn(), ma.PetQuery()

    def on_get(self, req, resp):
        args = self.query.load(req.params)
        resp.media = self.outs.dump(PETS[: args["limit"]])

    def on_post(self, req, resp):
        try:
            data = self.inp.load(req.get_media())
        except ValidationError as exc:
            resp.status = falcon.HTTP_422
            resp.media = exc.messages
            return
        resp.status = falcon.HTTP_201
        resp.media = self.out.dump(make_created_pet(data))


enc = msgspec.json.Encoder().encode
dec = msgspec.json.Decoder(ms.PetIn).decode


class OneMs:
    def on_get(self, req, resp, id):
        resp.content_type = falcon.MEDIA_JSON
        resp.data = enc(ms.STRUCT)


class ManyMs:
    def on_get(self, req, resp):
        limit = req.get_param_as_int("limit", default=20, min_value=1, max_value=100)
        resp.data = enc(ms.STRUCTS[:limit])

    def on_post(self, req, resp):
        try:
            m = dec(req.bounded_stream.read())
        except msgspec.ValidationError as exc:
            resp.status = falcon.HTTP_422
            resp.data = enc({"errors": str(exc)})
            return
        resp.status = falcon.HTTP_201
        resp.data = enc(ms.make_created_struct(m))


many_adapter = TypeAdapter(list[pyd.PetOut])


class OnePyd:
    def on_get(self, req, resp, id):
        resp.data = pyd.PetOut.model_validate(PET).model_dump_json().encode()


class ManyPyd:
    def on_get(self, req, resp):
        limit = req.get_param_as_int("limit", default=20, min_value=1, max_value=100)
        resp.data = many_adapter.dump_json(many_adapter.validate_python(PETS[:limit], from_attributes=True))

    def on_post(self, req, resp):
        try:
            m = pyd.PetIn.model_validate_json(req.bounded_stream.read())
        except pydantic.ValidationError as exc:
            resp.status = falcon.HTTP_422
            resp.data = exc.json().encode()
            return
        resp.status = falcon.HTTP_201
        resp.data = pyd.PetOut(id=1, **m.__dict__).model_dump_json().encode()


def make_app(families=0, variant="ma"):
    app = falcon.App()
    one, many = {"ma": (OneMa, ManyMa), "ms": (OneMs, ManyMs), "pyd": (OnePyd, ManyPyd)}[variant]
    app.add_route("/ping", Ping())
    app.add_route("/pets", many())
    app.add_route("/pets/{id:int}", one())
    leaf = Leaf()
    for path, _ in tree(families):
        app.add_route(path.replace("{id}", "{id:int}").replace("{sid}", "{sid:int}"), leaf)
    return app
