"""Flask, with validation and dumping by hand."""

from __future__ import annotations

from flask import Flask, jsonify, request

from domain import PET, PETS, Invalid, load_limit_by_hand, load_pet_by_hand, pet_as_json, rules

KIND = "wsgi"


def make_app(families=0, variant=None):
    app = Flask("bench")

    @app.get("/ping")
    def ping():
        return jsonify(ok=True)

    @app.get("/pets/<int:pid>")
    def get_pet(pid):
        return jsonify(pet_as_json(PET))

    @app.get("/pets")
    def list_pets():
        limit = load_limit_by_hand(request.args.get("limit"))
        return jsonify([pet_as_json(p) for p in PETS[:limit]])

    @app.post("/pets")
    def post_pet():
        try:
            pet = load_pet_by_hand(request.get_json())
        except Invalid as exc:
            return jsonify(errors=exc.errors), 422
        return jsonify(pet_as_json(pet)), 201

    for n, rule in enumerate(rules(families)):
        app.add_url_rule(rule, f"r{n}", lambda **kw: jsonify(ok=True))
    return app
