"""What it costs to know who is asking: W1 of the request table, guarded by each scheme.

    python tests/benchmarks/access.py

All apps answer ``GET /ping`` with ``{"ok": true}``, measured in turn in one process: without schemes, open in an app
with schemes, and behind an API key, a signed token, an optional one, a JSON Web Token by a shared secret and one by a
public key. Each row has its time as a multiple of the first, and what it adds in microseconds.
"""

from __future__ import annotations

import argparse
import gc
import statistics
import time
from collections.abc import Callable, Mapping
from time import perf_counter_ns

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from marshmallow import fields

from drivers import Call, send_wsgi
from ramekin import App, Resource, Settings, returns
from ramekin.auth import JWT, APIKeys, BearerTokens, Principal, Requires, anonymous, generate_key, public, requires

#: What a signed token may add, in microseconds.
GOAL = 15
SECRET = "a secret of more than thirty-two bytes"
SETTINGS = Settings(access_log=False, secret_key=SECRET)
ADA = Principal("ada", {"read"})


def make_app(rule: Requires | None = None) -> App:
    """Return an app of one operation with this rule."""
    app = App("Access", settings=SETTINGS)

    @app.resource("/ping")
    class Ping(Resource):
        @returns({"ok": fields.Boolean()})
        def get(self) -> Mapping[str, bool]:
            return {"ok": True}

        if rule is not None:
            get = rule(get)

    return app


def make_rows() -> dict[str, tuple[App, dict[str, str]]]:
    """Return the apps by name, each with what the request carries."""
    key = generate_key()
    tokens = BearerTokens({"ada": ADA}.get)
    curve = ec.generate_private_key(ec.SECP256R1())
    pem = curve.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    claims = {"sub": "ada", "iss": "login", "aud": "api", "scope": "read", "exp": int(time.time()) + 3600}

    def bearer(token: str) -> dict[str, str]:
        return {"HTTP_AUTHORIZATION": f"Bearer {token}"}

    def make_jwt(material: str, algorithm: str) -> JWT:
        return JWT(material, algorithms=[algorithm], issuer="login", audience="api")

    token = bearer(tokens.issue(ADA, SETTINGS, scopes=["read"]))
    return {
        "no schemes": (make_app(), {}),
        "public": (make_app(public), {}),
        "API key": (make_app(requires(APIKeys({key.hash: ADA})("read"))), {"HTTP_X_API_KEY": key.key}),
        "bearer token": (make_app(requires(tokens("read"))), token),
        "bearer or nobody": (make_app(requires(tokens | anonymous)), token),
        "JWT, HS256": (
            make_app(requires(make_jwt(SECRET, "HS256")("read"))),
            bearer(jwt.encode(claims, SECRET, algorithm="HS256")),
        ),
        "JWT, ES256": (
            make_app(requires(make_jwt(pem, "ES256")("read"))),
            bearer(jwt.encode(claims, curve, algorithm="ES256")),
        ),
    }


def make_request(app: App, extra: Mapping[str, str]) -> Callable[[], None]:
    """Return one request that has to be answered."""
    wsgi, template = app.compile().wsgi, {**Call("GET", "/ping").environ(), **extra}

    def request() -> None:
        send_wsgi(wsgi, template, b"")

    status, content = send_wsgi(wsgi, template, b"")
    if (status, content) != ("200 OK", b'{"ok":true}'):
        raise SystemExit(f"{status}: {content!r}")
    return request


def measure(actions: Mapping[str, Callable[[], None]], repetitions: int, number: int) -> dict[str, float]:
    """Return the median time of each action in microseconds, measured in turn."""
    times: dict[str, list[float]] = {name: [] for name in actions}
    gc.disable()
    for _ in range(repetitions):
        for name, action in actions.items():
            started = perf_counter_ns()
            for _ in range(number):
                action()
            times[name].append((perf_counter_ns() - started) / number / 1000)
    gc.enable()
    return {name: statistics.median(found) for name, found in times.items()}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=31)
    parser.add_argument("--number", type=int, default=500)
    arguments = parser.parse_args()
    actions = {name: make_request(app, extra) for name, (app, extra) in make_rows().items()}
    times = measure(actions, arguments.repetitions, arguments.number)
    first = times["no schemes"]
    print(f"{'guard':<18}{'ratio':>8}{'added µs':>10}")
    for name, found in times.items():
        print(f"{name:<18}{found / first:>8.2f}{found - first:>10.2f}")
    added = times["bearer token"] - first
    print(f"A signed token adds {added:.1f} µs; {'within' if added <= GOAL else 'OVER'} the goal of {GOAL}.")


if __name__ == "__main__":
    main()
