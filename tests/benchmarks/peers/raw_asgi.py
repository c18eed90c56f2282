"""No framework, as an ASGI application: what `raw` does, with orjson, on an event loop."""

from __future__ import annotations

from urllib.parse import parse_qsl

import orjson

from domain import PET, PETS, Invalid, load_limit_by_hand, load_pet_by_hand, pet_as_json, tree

KIND = "asgi"


def make_app(families=0, variant=None):
    async def ping(scope, receive):
        return 200, {"ok": True}

    async def get_pet(scope, receive, pet_id):
        return 200, pet_as_json(PET)

    async def list_pets(scope, receive):
        limit = load_limit_by_hand(dict(parse_qsl(scope["query_string"].decode())).get("limit"))
        return 200, [pet_as_json(pet) for pet in PETS[:limit]]

    async def post_pet(scope, receive):
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        try:
            return 201, pet_as_json(load_pet_by_hand(orjson.loads(body)))
        except Invalid as error:
            return 422, {"errors": error.errors}

    async def leaf(scope, receive, *values):
        return 200, {"ok": True}

    static = {"/ping": {"GET": ping}, "/pets": {"GET": list_pets, "POST": post_pet}}
    trie: dict = {}
    for path, methods in [("/pets/{id}", {"GET": get_pet}), *((path, {"GET": leaf}) for path, _ in tree(families))]:
        if "{" not in path:
            static[path] = methods
            continue
        node = trie
        for segment in path[1:].split("/"):
            node = node.setdefault(None if segment[0] == "{" else segment, {})
        node[""] = methods

    async def app(scope, receive, send):
        path, values = scope["path"], []
        methods = static.get(path)
        if methods is None:
            node = trie
            for segment in path[1:].split("/"):
                following = node.get(segment)
                if following is None:
                    following = node[None]
                    values.append(int(segment))
                node = following
            methods = node[""]
        status, value = await methods[scope["method"]](scope, receive, *values)
        body = orjson.dumps(value)
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return app
