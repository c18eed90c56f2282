"""Werkzeug alone, with validation and dumping by hand."""

from __future__ import annotations

import json

from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request, Response

from domain import PET, PETS, Invalid, load_limit_by_hand, load_pet_by_hand, pet_as_json, rules

KIND = "wsgi"


def jr(obj, status=200):
    return Response(json.dumps(obj), status, mimetype="application/json")


def make_app(families=0, variant=None):
    def ping(req):
        return jr({"ok": True})

    def get_pet(req, id):
        return jr(pet_as_json(PET))

    def list_pets(req):
        return jr([pet_as_json(p) for p in PETS[: load_limit_by_hand(req.args.get("limit"))]])

    def post_pet(req):
        try:
            pet = load_pet_by_hand(req.get_json())
        except Invalid as exc:
            return jr({"errors": exc.errors}, 422)
        return jr(pet_as_json(pet), 201)

    def ok(req, **kw):
        return jr({"ok": True})

    url_rules = [
        Rule("/ping", methods=["GET"], endpoint=ping),
        Rule("/pets/<int:id>", methods=["GET"], endpoint=get_pet),
        Rule("/pets", methods=["GET"], endpoint=list_pets),
        Rule("/pets", methods=["POST"], endpoint=post_pet),
    ]
    url_rules.extend(Rule(rule, methods=["GET"], endpoint=ok) for rule in rules(families))
    url_map = Map(url_rules)

    def app(environ, start_response):
        req = Request(environ)
        try:
            fn, args = url_map.bind_to_environ(environ).match()
            resp = fn(req, **args)
        except HTTPException as exc:
            resp = exc
        return resp(environ, start_response)

    return app
