"""By hand, what an honest API owes: the floor under a framework that does as much.

No framework and no schema: a dictionary of paths, and for these very objects validation, dumping and problems written
out. Unlike `raw`, it has what is owed to every request: Accept and Content-Type are judged, a body has limits of bytes,
depth, values and digits, is read to its end and refused where a member stands twice; faults have pointers and codes,
and are answered as RFC 9457 has it, with an id; and a handler gets an object with the request.
"""

from __future__ import annotations

import os
from datetime import datetime
from urllib.parse import parse_qsl

import msgspec

from domain import PET, PETS, SPECIES, load_limit_by_hand, make_created_pet, pet_as_json, tree

KIND = "wsgi"

decode, encode = msgspec.json.Decoder().decode, msgspec.json.Encoder().encode
DIGITS = bytes.maketrans(b"0123456789+-.eE", b"0" * 15)
KEYS = frozenset(("name", "species", "weight", "born", "vaccinated", "tags", "owner", "note"))
JSON = [("Content-Type", "application/json"), ("X-Content-Type-Options", "nosniff")]
PROBLEM = [("Content-Type", "application/problem+json"), ("X-Content-Type-Options", "nosniff")]
ACCEPTED = {None, "", "*/*", "application/json"}
SHAPES = {"--T::Z": 20, "--T::+:": 25, "--T::-:": 25}
HEAD = b'{"type":"about:blank","title":"The input does not fit its schema.","status":422,"code":"validation-failed",'


class Refused(Exception):
    """What is answered at once, by its status."""


class Resource:
    __slots__ = ("request",)


def make_faults():
    told = {
        "name": ("length", "Length must be between 1 and 50."),
        "species": ("one-of", "Must be one of: cat, dog, bird, fish."),
        "weight": ("range", "Must be greater than or equal to 0 and less than or equal to 200."),
        "born": ("invalid", "Not a valid datetime."),
        "owner/name": ("length", "Length must be between 1 and 80."),
        "owner/email": ("required", "Missing data for required field."),
        "vaccinated": ("invalid", "Not a valid boolean."),
        "tags": ("invalid", "Not a valid list."),
        "owner": ("invalid", "Not a valid object."),
        "note": ("invalid", "Not a valid string."),
    }
    return {
        name: encode({"location": "json", "pointer": f"/{name}", "code": code, "detail": detail})
        for name, (code, detail) in told.items()
    }


FAULTS = make_faults()


def tell(pointer, code, detail):
    return encode({"location": "json", "pointer": pointer, "code": code, "detail": detail})


def find_faults(d):
    if type(d) is not dict:
        return [tell("", "type", "Invalid input type.")], None
    found = []
    add = found.append
    name, species, weight = d.get("name"), d.get("species"), d.get("weight")
    if type(name) is not str or not 1 <= len(name) <= 50:
        add(FAULTS["name"])
    if type(species) is not str or species not in SPECIES:
        add(FAULTS["species"])
    if type(weight) is int:
        weight = float(weight)
    if type(weight) is not float or not 0 <= weight <= 200:
        add(FAULTS["weight"])
    born = d.get("born")
    try:
        if type(born) is not str or SHAPES.get(born[4::3]) != len(born):
            raise ValueError
        born = datetime.fromisoformat(born)
    except ValueError:
        add(FAULTS["born"])
    vaccinated = d.get("vaccinated", False)
    if vaccinated is not True and vaccinated is not False:
        add(FAULTS["vaccinated"])
    tags = d.get("tags", [])
    if type(tags) is not list or len(tags) > 10:
        add(FAULTS["tags"])
    else:
        for index, tag in enumerate(tags):
            if type(tag) is not str:
                add(tell(f"/tags/{index}", "invalid", "Not a valid string."))
    owner = d.get("owner")
    if type(owner) is not dict:
        add(FAULTS["owner"])
    else:
        owner_name, email = owner.get("name"), owner.get("email")
        if type(owner_name) is not str or not 1 <= len(owner_name) <= 80:
            add(FAULTS["owner/name"])
        if type(email) is not str:
            add(FAULTS["owner/email"])
        if len(owner) > 2:
            found += [tell(f"/owner/{key}", "unknown", "Unknown field.") for key in owner.keys() - {"name", "email"}]
    note = d.get("note")
    if note is not None and (type(note) is not str or len(note) > 200):
        add(FAULTS["note"])
    if not d.keys() <= KEYS:
        found += [tell(f"/{key}", "unknown", "Unknown field.") for key in d.keys() - KEYS]
    if found:
        return found, None
    loaded = {"name": name, "species": species, "weight": weight, "born": born, "vaccinated": vaccinated}
    return None, loaded | {"tags": tags, "owner": {"name": owner_name, "email": email}, "note": note}


def read_body(environ):
    if environ.get("CONTENT_TYPE") != "application/json":
        raise Refused("415 Unsupported Media Type")
    if "HTTP_CONTENT_ENCODING" in environ:
        raise Refused("415 Unsupported Media Type")
    announced = environ.get("CONTENT_LENGTH", "")
    if not (announced.isdigit() and announced.isascii()) or len(announced) > 7 or int(announced) > 1_048_576:
        raise Refused("413 Content Too Large")
    length = int(announced)
    body = environ["wsgi.input"].read(length)
    if len(body) != length:
        raise Refused("400 Bad Request")
    if body.count(91) + body.count(123) > 64 or length > 200_000:
        raise Refused("400 Bad Request")
    if length > 64 and body[::8].translate(DIGITS).find(b"00000000") >= 0:
        raise Refused("400 Bad Request")
    value = decode(body)
    if encode(value).count(58) != body.count(58):  # A member that stands twice is read once.
        raise Refused("400 Bad Request")
    return value


ids = []


def new_id():
    if not ids:
        text = os.urandom(2048).hex()
        ids.extend(text[start : start + 32] for start in range(0, 4096, 32))
    return ids.pop()


def write_problem(environ, faults):
    path = environ.get("SCRIPT_NAME", "") + environ["PATH_INFO"]
    return b'%b"instance":%b,"request_id":"%b","errors":[%b]}' % (
        HEAD,
        encode(path[:200]),
        new_id().encode(),
        b",".join(faults),
    )


def make_app(families=0, variant=None):
    def ping(self, environ):
        return "200 OK", encode({"ok": True})

    def get_pet(self, environ, pet_id):
        return "200 OK", encode(pet_as_json(PET))

    def list_pets(self, environ):
        limit = load_limit_by_hand(dict(parse_qsl(environ["QUERY_STRING"])).get("limit"))
        return "200 OK", encode([pet_as_json(pet) for pet in PETS[:limit]])

    def post_pet(self, environ):
        faults, loaded = find_faults(read_body(environ))
        if faults:
            return "422 Unprocessable Content", write_problem(environ, faults)
        return "201 Created", encode(pet_as_json(make_created_pet(loaded)))

    def leaf(self, environ, *values):
        return "200 OK", encode({"ok": True})

    static = {"/ping": {"GET": ping}, "/pets": {"GET": list_pets, "POST": post_pet}}
    trie: dict = {}

    def add(path, function):
        if "{" not in path:
            static[path] = {"GET": function}
            return
        node = trie
        for segment in path[1:].split("/"):
            node = node.setdefault(None if segment[0] == "{" else segment, {})
        node[""] = {"GET": function}

    add("/pets/{id}", get_pet)
    for path, _ in tree(families):
        add(path, leaf)

    def app(environ, start_response):
        try:
            if environ.get("HTTP_ACCEPT") not in ACCEPTED:
                raise Refused("406 Not Acceptable")
            resource = Resource()
            resource.request = environ
            methods, values = static.get(environ["PATH_INFO"]), []
            if methods is None:
                node = trie
                for segment in environ["PATH_INFO"][1:].split("/"):
                    below = node.get(segment)
                    if below is None:
                        below = node[None]
                        values.append(int(segment))
                    node = below
                methods = node[""]
            status, body = methods[environ["REQUEST_METHOD"]](resource, environ, *values)
        except Refused as refused:
            status, body = str(refused), b"{}"
        start_response(status, [*(PROBLEM if status[0] == "4" else JSON), ("Content-Length", str(len(body)))])
        return [body]

    return app
