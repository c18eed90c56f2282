"""No framework: dict/segment routing by hand. Variants: orjson (limit), json, msgspec (native validation limit)."""

from __future__ import annotations

import json
from urllib.parse import parse_qsl

import msgspec
import orjson

import msgspec_schemas as ms
from domain import PET, PETS, Invalid, load_limit_by_hand, load_pet_by_hand, pet_as_json, tree

KIND = "wsgi"
CT = ("Content-Type", "application/json")


def make_app(families=0, variant="orjson"):
    if variant == "json":
        loads = json.loads

        def dumps(o):
            return json.dumps(o).encode()
    else:
        dumps, loads = orjson.dumps, orjson.loads
    native = variant == "msgspec"
    enc, dec = msgspec.json.Encoder().encode, msgspec.json.Decoder(ms.PetIn).decode

    def ping(environ):
        return "200 OK", dumps({"ok": True})

    def get_pet(environ, pid):
        if native:
            return "200 OK", enc(ms.STRUCT)
        return "200 OK", dumps(pet_as_json(PET))

    def list_pets(environ):
        limit = load_limit_by_hand(dict(parse_qsl(environ["QUERY_STRING"])).get("limit"))
        if native:
            return "200 OK", enc(ms.STRUCTS[:limit])
        return "200 OK", dumps([pet_as_json(p) for p in PETS[:limit]])

    def post_pet(environ):
        body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        if native:
            try:
                m = dec(body)
            except msgspec.ValidationError as exc:
                return "422 Unprocessable Entity", enc({"errors": str(exc)})
            return "201 Created", enc(ms.make_created_struct(m))
        try:
            pet = load_pet_by_hand(loads(body))
        except Invalid as exc:
            return "422 Unprocessable Entity", dumps({"errors": exc.errors})
        return "201 Created", dumps(pet_as_json(pet))

    def ok(environ, *args):
        return "200 OK", dumps({"ok": True})

    static = {"/ping": {"GET": ping}, "/pets": {"GET": list_pets, "POST": post_pet}}
    trie: dict = {}

    def add(path, fn):
        if "{" not in path:
            static[path] = {"GET": fn}
            return
        node = trie
        for seg in path[1:].split("/"):
            node = node.setdefault(None if seg[0] == "{" else seg, {})
        node[""] = {"GET": fn}

    add("/pets/{id}", get_pet)
    for path, _ in tree(families):
        add(path, ok)

    def app(environ, start_response):
        path = environ["PATH_INFO"]
        methods = static.get(path)
        if methods is not None:
            status, body = methods[environ["REQUEST_METHOD"]](environ)
        else:
            node, args = trie, []
            for seg in path[1:].split("/"):
                nxt = node.get(seg)
                if nxt is None:
                    nxt = node[None]
                    args.append(int(seg))
                node = nxt
            status, body = node[""][environ["REQUEST_METHOD"]](environ, *args)
        start_response(status, [CT, ("Content-Length", str(len(body)))])
        return [body]

    return app
