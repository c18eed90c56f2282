"""flask-smorest, with marshmallow."""

from __future__ import annotations

from flask import Flask
from flask.views import MethodView
from flask_smorest import Api, Blueprint

from domain import PET, PETS, make_created_pet, rules
from marshmallow_schemas import PetIn, PetOut, PetQuery

KIND = "wsgi"


def make_app(families=0, variant=None):
    app = Flask("bench")
    app.config.update(API_TITLE="b", API_VERSION="1", OPENAPI_VERSION="3.0.3")
    api = Api(app)
    blp = Blueprint("pets", "pets")

    @blp.route("/ping")
    class Ping(MethodView):
        def get(self):
            return {"ok": True}

    @blp.route("/pets/<int:pid>")
    class One(MethodView):
        @blp.response(200, PetOut)
        def get(self, pid):
            return PET

    @blp.route("/pets")
    class Many(MethodView):
        @blp.arguments(PetQuery, location="query")
        @blp.response(200, PetOut(many=True))
        def get(self, args):
            return PETS[: args["limit"]]

        @blp.arguments(PetIn)
        @blp.response(201, PetOut)
        def post(self, data):
            return make_created_pet(data)

    for n, rule in enumerate(rules(families)):

        def get(self, **kw):
            return {"ok": True}

        cls = type(f"R{n}", (MethodView,), {"get": get})
        blp.route(rule)(cls)
    api.register_blueprint(blp)
    return app
