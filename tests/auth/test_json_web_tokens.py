"""JSON Web Tokens: what RFC 8725 says to refuse is refused."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from marshmallow import fields

from ramekin import App, Resource, Settings, returns
from ramekin.auth import JWT, BadCredentials, KeySet, Principal, requires
from ramekin.errors import DeclarationError
from ramekin.problems import ServiceUnavailable
from ramekin.testing import Client

SECRET = "s" * 32
#: What a check does not look at.
NO_REQUEST: Any = None
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PUBLIC = RSA.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
PRIVATE = RSA.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
NOW = int(time.time())
CLAIMS = {"sub": "ada", "iss": "login", "aud": "api", "exp": NOW + 36_000, "iat": NOW - 5}

public = JWT(PUBLIC, algorithms=["RS256"], issuer="login", audience="api")
shared = JWT(SECRET, algorithms=["HS256"], issuer="login", audience="api")


def check(scheme: JWT, token: str) -> Principal[Any] | None:
    """Return whom a token stands for; None where it is refused."""
    try:
        found = scheme.compile_check(Settings())(NO_REQUEST, token)
    except BadCredentials:
        return None
    assert isinstance(found, Principal)
    return found


def sign(algorithm: str = "RS256", key: Any = RSA, headers: Any = None, **changes: Any) -> str:
    """Return a token with the usual claims, some changed; one that is changed to None is left out."""
    claims = {name: value for name, value in {**CLAIMS, **changes}.items() if value is not None}
    return jwt.encode(claims, key, algorithm=algorithm, headers=headers)


def encode(part: Any) -> str:
    """Return a part of a token."""
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


def test_good_tokens() -> None:
    """The subject is the principal; its claims are at hand."""
    for scheme, token in ((public, sign()), (shared, sign("HS256", SECRET))):
        found = check(scheme, token)
        assert found is not None
        assert (found.id, found.claims["iss"]) == ("ada", "login")


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": NOW - 600},
        {"exp": None},
        {"exp": "soon"},
        {"nbf": NOW + 36_000},
        {"iat": NOW + 36_000},
        {"iss": "other"},
        {"iss": None},
        {"aud": "other"},
        {"aud": None},
        {"aud": ["x", "y"]},
        {"sub": None},
        {"sub": ""},
        {"exp": str(NOW + 36_000)},
        {"exp": True},
        {"nbf": str(NOW - 5)},
        {"iat": str(NOW - 5)},
    ],
)
def test_claims_that_do_not_fit(changes: Any) -> None:
    """Time, issuer, audience and subject have to be there and to fit."""
    assert check(public, sign(**changes)) is None


def test_an_empty_subject_and_a_loader() -> None:
    """A loader that goes by the subject is not asked for nobody."""
    scheme = JWT(PUBLIC, algorithms=["RS256"], issuer="login", audience="api", load=lambda claims: Principal("ada"))
    assert [check(scheme, sign(sub=one)) is None for one in ("", "ada", None)] == [True, False, False]


@pytest.mark.parametrize(
    ("types", "good", "bad"),
    [
        (None, ["JWT", "jwt", "at+jwt", "application/at+jwt", None], ["logout+jwt", "dpop+jwt", "secevent+jwt"]),
        (["at+jwt"], ["at+JWT", "application/at+jwt"], ["JWT", None]),
        (["application/x+jwt"], ["x+jwt"], ["at+jwt", "JWT", None]),
    ],
)
def test_types_of_tokens(types: Any, good: list[Any], bad: list[Any]) -> None:
    """RFC 8725 §3.11: a token that is meant for something else is none, however it is signed."""
    for key, algorithm in ((PUBLIC, "RS256"), (SECRET, "HS256")):
        scheme = JWT(key, algorithms=[algorithm], issuer="login", audience="api", types=types)
        signer = RSA if algorithm == "RS256" else SECRET
        for expected, ones in ((True, good), (False, bad)):
            found = [check(scheme, sign(algorithm, signer, {"typ": one})) is not None for one in ones]
            assert found == [expected] * len(ones)


@pytest.mark.parametrize("types", ["at+jwt", [], [""], [5]])
def test_types_that_are_none(types: Any) -> None:
    """They are refused where they are stated."""
    with pytest.raises(DeclarationError, match="takes several types"):
        JWT(PUBLIC, algorithms=["RS256"], issuer=None, audience=None, types=types)


@pytest.mark.parametrize(
    "header", ['{"alg":"RS256","typ":5}', '{"alg":"RS256","typ":null}', '{"alg":"RS256","typ":""}']
)
def test_a_type_that_names_nothing(header: str) -> None:
    """It is none of those that are taken."""
    head = base64.urlsafe_b64encode(header.encode()).rstrip(b"=").decode() + f".{encode(CLAIMS)}"
    signature = jwt.get_algorithm_by_name("RS256").sign(head.encode(), RSA)
    assert check(public, f"{head}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}") is None


def test_a_signature_has_one_spelling() -> None:
    """RFC 7515 §2: no padding, and no other bits where the last letter has some to spare."""
    for scheme, token in ((public, sign()), (shared, sign("HS256", SECRET))):
        letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
        other = token[:-1] + letters[letters.index(token[-1]) + 1]
        spellings = [token, token + "=", token + "==", other]
        assert [check(scheme, one) is not None for one in spellings] == [True, False, False, False]


def test_weak_keys() -> None:
    """RFC 7518 §3.3: an RSA key has 2,048 bits at least."""
    weak = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    pem = weak.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    with pytest.raises(DeclarationError, match="2048 bits or more"):
        JWT(pem, algorithms=["RS256"], issuer=None, audience=None)


@pytest.mark.parametrize("changes", [{"exp": NOW - 600}, {"nbf": NOW + 1_200}])
def test_leeway(changes: Any) -> None:
    """Clocks may be apart by the leeway."""
    tolerant = JWT(PUBLIC, algorithms=["RS256"], issuer="login", audience="api", leeway=timedelta(hours=1))
    assert check(tolerant, sign(**changes)) is not None


def test_one_of_several_audiences() -> None:
    """A token may be for several APIs, this one among them."""
    assert check(public, sign(aud=["other", "api"])) is not None


def test_no_audience_and_any_issuer() -> None:
    """None takes any issuer, and tokens without an audience only."""
    lax = JWT(PUBLIC, algorithms=["RS256"], issuer=None, audience=None)
    assert check(lax, sign(iss="other", aud=None)) is not None
    assert check(lax, sign()) is None


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "nOnE"])
@pytest.mark.parametrize("scheme", [public, shared])
def test_none_is_no_algorithm(scheme: JWT, algorithm: str) -> None:
    """RFC 8725 §3.2: a token without a signature is refused, however it spells that."""
    token = f"{encode({'alg': algorithm, 'typ': 'JWT'})}.{encode(CLAIMS)}."
    assert check(scheme, token) is None


def test_a_token_signed_with_the_public_key() -> None:
    """RFC 8725 §2.1: the public key is no secret of HMAC."""
    head = f"{encode({'alg': 'HS256', 'typ': 'JWT'})}.{encode(CLAIMS)}"
    signature = hmac.new(PUBLIC.encode(), head.encode(), hashlib.sha256).digest()
    assert check(public, f"{head}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}") is None


@pytest.mark.parametrize("algorithm", ["RS384", "PS256"])
def test_algorithms_that_are_not_stated(algorithm: str) -> None:
    """An algorithm counts where it is stated, even one that the key would fit."""
    assert check(public, sign(algorithm)) is None


def test_another_key() -> None:
    """A token signed by somebody else is refused."""
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    assert check(public, sign(key=other)) is None


def test_a_key_that_the_token_brings() -> None:
    """RFC 8725 §3.10: a key, or a URL of one, in the header is not looked at."""
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    own = jwt.algorithms.RSAAlgorithm.to_jwk(other.public_key(), as_dict=True)
    assert check(public, sign(key=other, headers={"jwk": own, "jku": "https://evil.example/keys"})) is None


def test_critical_headers_that_nobody_knows() -> None:
    """RFC 7515 §4.1.11: a token that demands an unknown extension is refused."""
    assert check(public, sign(headers={"crit": ["x-new"], "x-new": True})) is None


@pytest.mark.parametrize(
    "token",
    [
        "a.b",
        "a.b.c",
        "..",
        "a.b.c.d.e",
        f"{encode([])}.{encode({})}.x",
        f"{encode({'alg': 5})}.{encode({})}.x",
        f"{encode({'alg': 'RS256', 'kid': 5})}.{encode({})}.x",
        base64.urlsafe_b64encode(b"[" * 6000).decode().rstrip("=") + ".e30.x",
        base64.urlsafe_b64encode(b'{"alg":"RS256","n":' + b"9" * 5000 + b"}").decode().rstrip("=") + ".e30.x",
    ],
)
def test_what_is_no_token(token: str) -> None:
    """Other texts are refused, deep and long ones too, without an error of the server."""
    assert check(public, token) is None


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"scope": "read write"}, ["read", "write"]),
        ({"scope": ""}, []),
        ({"scope": ["read"]}, ["read"]),
        ({"scope": 7}, []),
        ({}, []),
    ],
)
def test_scopes_of_a_claim(said: Any, expected: list[str]) -> None:
    """Scopes are text with spaces (RFC 8693 §4.2), or a list as some issuers write it."""
    found = check(public, sign(**said))
    assert found is not None
    assert sorted(found.scopes) == expected


def test_a_scope_of_null_grants_nothing() -> None:
    """The claim is there and names no scope, so that a loader that states some adds none."""
    load = {"ada": Principal("ada", {"read"})}
    scheme = JWT(PUBLIC, algorithms=["RS256"], issuer=None, audience=None, load=lambda claims: load[claims["sub"]])
    claims = {"sub": "ada", "exp": NOW + 36_000}
    tokens = [jwt.encode(one, RSA, algorithm="RS256") for one in (claims, {**claims, "scope": None})]
    granted = [found and sorted(found.scopes) for found in (check(scheme, token) for token in tokens)]
    assert granted == [["read"], []]


def test_a_loader_of_claims() -> None:
    """The loader makes the principal of the claims; its scopes and those of the token both have to grant one."""
    known = {"ada": Principal("ada", {"read"}, user="Ada Lovelace")}
    scheme = JWT(
        PUBLIC,
        algorithms=["RS256"],
        issuer="login",
        audience="api",
        load=lambda claims: known.get(claims["name"]),
        scopes_claim="scp",
    )
    found = check(scheme, sign(sub=None, name="ada", scp=["read", "write"]))
    assert found is not None
    assert (found.user, found.scopes) == ("Ada Lovelace", {"read"})
    result = serve(scheme).get("/", headers={"Authorization": f"Bearer {sign(name='eve')}"})
    assert result.status == 401


def serve(scheme: JWT) -> Client:
    """Return a client of a guarded resource."""
    app = App("JWT", settings=Settings(openapi_path=None))

    @app.resource("/")
    @requires(scheme)
    class Thing(Resource):
        @returns(fields.String())
        def get(self) -> str:
            return str(self.principal.id)

    return Client(app)


def test_an_async_loader() -> None:
    """The loader may be awaited."""

    async def load(claims: Any) -> Principal[Any]:
        return Principal(claims["sub"].upper())

    scheme = JWT(PUBLIC, algorithms=["RS256"], issuer="login", audience="api", load=load)
    assert serve(scheme).get("/", headers={"Authorization": f"Bearer {sign()}"}).json == "ADA"


def test_the_document_says_jwt() -> None:
    """The scheme is a bearer one, of this format."""
    schemes = serve(public).site.document()["components"]["securitySchemes"]
    assert schemes == {"jwt": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}}


@pytest.mark.parametrize(
    ("key", "algorithms", "message"),
    [
        (PUBLIC, [], "takes some of"),
        (PUBLIC, "RS256", "takes some of"),
        (PUBLIC, ["none"], "takes some of"),
        (PUBLIC, ["RS256", "HS256"], "never both"),
        (PUBLIC, ["HS256"], "is a key in PEM"),
        (PUBLIC, ["ES256"], "the key is none for ES256"),
        (SECRET, ["RS256"], "the key is none for RS256"),
        ("short", ["HS256"], "a secret of 32 bytes"),
        (SECRET, ["HS512"], "a secret of 64 bytes"),
        (KeySet("keys.json"), ["HS256"], "has public keys"),
        (b"bytes", ["HS256"], "a key as text, or a KeySet"),
    ],
    ids=range(11),
)
def test_keys_that_do_not_go_with_their_algorithms(key: Any, algorithms: Any, message: str) -> None:
    """What would let everybody in, or nobody, is refused when it is declared."""
    with pytest.raises(DeclarationError, match=message):
        JWT(key, algorithms=algorithms, issuer="login", audience="api")


def test_a_private_key_checks_as_its_public_one_does() -> None:
    """A private key in PEM is taken for its public half."""
    assert check(JWT(PRIVATE, algorithms=["RS256"], issuer="login", audience="api"), sign()) is not None


def test_pyjwt_is_an_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without it, the message says how to install it."""
    monkeypatch.setitem(__import__("sys").modules, "jwt", None)
    with pytest.raises(DeclarationError, match=r"ramekin\[jwt\]"):
        JWT(SECRET, algorithms=["HS256"], issuer="login", audience="api")


def test_keys_that_cannot_be_had() -> None:
    """While the keys were never read, the answer is 503; the document says that it can happen."""

    def fail(url: str) -> bytes:
        raise OSError(url)

    scheme = JWT(KeySet("https://login.example/keys", fetch=fail), algorithms=["RS256"], issuer="login", audience="api")
    client = serve(scheme)
    result = client.get("/", headers={"Authorization": f"Bearer {sign()}"})
    assert (result.status, result.headers["Retry-After"]) == (503, "60")
    assert ServiceUnavailable in {outcome.problem for outcome in client.site.operations[0].outcomes}


KEYS: dict[str, tuple[Any, Callable[[Any], Any]]] = {
    "rsa": (RSA, jwt.algorithms.RSAAlgorithm.to_jwk),
    "ec": (ec.generate_private_key(ec.SECP256R1()), jwt.algorithms.ECAlgorithm.to_jwk),
    "ed": (ed25519.Ed25519PrivateKey.generate(), jwt.algorithms.OKPAlgorithm.to_jwk),
}


def key_set(**options: Any) -> KeySet:
    """Return a set of three keys; options by key id are added to their members."""
    listed = []
    for name, (key, to_jwk) in KEYS.items():
        listed.append({**json.loads(to_jwk(key.public_key())), "kid": name, **options.get(name, {})})
    content = json.dumps({"keys": listed}).encode()
    return KeySet("https://login.example/keys", fetch=lambda url: content)


def check_with(keys: KeySet, algorithm: str, key: str, key_id: str | None) -> bool:
    """Tell whether a token signed so is taken, where these algorithms are."""
    scheme = JWT(keys, algorithms=["RS256", "PS256", "ES256", "EdDSA"], issuer="login", audience="api")
    headers = None if key_id is None else {"kid": key_id}
    return check(scheme, sign(algorithm, KEYS[key][0], headers)) is not None


@pytest.mark.parametrize(
    ("algorithm", "key", "key_id", "taken"),
    [
        ("RS256", "rsa", "rsa", True),
        ("PS256", "rsa", "rsa", True),
        ("ES256", "ec", "ec", True),
        ("EdDSA", "ed", "ed", True),
        ("RS256", "rsa", "ec", False),
        ("ES256", "ec", "rsa", False),
        ("RS256", "rsa", "other", False),
        ("RS256", "rsa", None, False),
    ],
)
def test_the_key_of_the_token_goes_with_its_algorithm(
    algorithm: str, key: str, key_id: str | None, taken: bool
) -> None:
    """A key of the set is found by its id, and checks with the algorithms of its kind."""
    assert check_with(key_set(), algorithm, key, key_id) is taken


def test_a_key_with_an_algorithm_of_its_own() -> None:
    """RFC 8725 §3.1: a key that states its algorithm is used with no other."""
    keys = key_set(rsa={"alg": "PS256"})
    assert [check_with(keys, algorithm, "rsa", "rsa") for algorithm in ("PS256", "RS256")] == [True, False]
