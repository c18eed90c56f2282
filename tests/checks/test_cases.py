"""Every check, with an app in which it finds something and one in which it does not."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from hashlib import sha256
from types import FunctionType
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import INCLUDE, Schema, fields, validate
from werkzeug.routing import BaseConverter

from ramekin import App, Limits, Resource, accepts, describe, limits, raises, returns
from ramekin.auth import APIKeys, Basic, BearerTokens, anonymous, policy, public, requires
from ramekin.checks import Finding, list_checks, run_checks
from ramekin.checks.secrets import is_weak
from ramekin.declarations import Returns
from ramekin.operations import Declaration, Effects, Endpoint
from ramekin.problems import Conflict, NotFound, Problem
from ramekin.sessions import MemoryStore, sessions
from ramekin.settings import CORS
from ramekin.sockets import messages

BEARER = {"type": "http", "scheme": "bearer"}
PAGE = "https://shop.example"
KEY = "cN2x0qVwq1oYJm7r8Tz4bLkP5sGdHfUe"
OTHER_KEY = "b1946ac92492d2347c6235b4d2611184"


class Guard(Declaration):
    """Says who may call, as a feature of access would."""

    def __init__(self, *, public: bool = False, scheme: Mapping[str, Any] = BEARER) -> None:
        self.security: tuple[Mapping[str, tuple[str, ...]], ...] = () if public else ({"scheme": ()},)
        self.scheme = scheme

    def effects(self, endpoint: Endpoint) -> Effects:
        return Effects(security=self.security, security_schemes={"scheme": self.scheme} if self.security else {})


def find(id: str, app: App, **settings: Any) -> list[Finding]:
    """Return what one check finds in an app."""
    report = run_checks(app.compile(app.settings.changed(**settings)), deploy=True)
    return [finding for finding in report.findings if finding.check.id == id]


class Op(NamedTuple):
    """One operation to be made."""

    method: str = "post"
    declared: tuple[Declaration, ...] = ()
    rule: str = "/things"
    handler: Callable[..., Any] | None = None


def op(method: str, *declared: Declaration, rule: str = "/things", handler: Any = None) -> Op:
    return Op(method, declared, rule, handler)


def copy_function(function: Any) -> Any:
    """Return a function of the same source, for declarations are written on it."""
    return FunctionType(function.__code__, function.__globals__, closure=function.__closure__)


def make(*operations: Op) -> App:
    """Return an app with these operations."""
    app = App("Shop")
    for number, (method, declared, rule, own) in enumerate(operations):

        def handle(self: Resource, **values: Any) -> Any: ...

        handler = copy_function(own or handle)
        handler.__doc__ = own.__doc__ if own else f"Do {number}."
        for declaration in declared:
            handler = declaration(handler)
        if not any(isinstance(declaration, Returns) for declaration in declared):
            handler = returns(status=204)(handler)
        app.add_resource(rule, type(f"Things{number}", (Resource,), {method: handler}))
    return app


# -- Settings ----------------------------------------------------------------------------------------------------------

SETTINGS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "RK101": ({"debug": True}, {}),
    "RK102": ({"propagate_exceptions": True}, {}),
    "RK103": ({"contract": "raise"}, {"contract": "log"}),
    "RK104": ({"access_log": False}, {}),
    "RK105": ({"security_headers": False}, {}),
    "RK106": ({"unique_keys": False}, {}),
    "RK107": ({"limits": Limits(body_bytes=10_485_761)}, {"limits": Limits(body_bytes=10_485_760)}),
    "RK111": ({"secret_key": "sixteen of them!"}, {"secret_key": KEY, "secret_key_fallbacks": (OTHER_KEY,)}),
    "RK112": ({"secret_key": KEY, "secret_key_fallbacks": (KEY,)}, {"secret_key": KEY}),
    "RK201": ({}, {"trusted_hosts": ("shop.example",)}),
    "RK202": ({"trusted_hosts": ("*.example",)}, {"trusted_hosts": ("*.shop.example", "*.localhost")}),
    "RK203": ({"cors": CORS(origins=("http://a.example",))}, {"cors": CORS(origins=(PAGE, "http://localhost:3000"))}),
    "RK204": ({"cors": CORS(origins=("http://[::1]:3000",))}, {"cors": CORS(origins=(PAGE,))}),
    "RK206": ({"base_url": PAGE}, {"base_url": PAGE, "trusted_proxies": 1}),
    "RK207": ({"base_url": "http://a.example"}, {"base_url": "http://localhost:8000"}),
}


@pytest.mark.parametrize("id", SETTINGS)
def test_checks_of_settings(id: str) -> None:
    """A check of the settings finds the wrong ones at their key, and leaves the right ones alone."""
    wrong, right = SETTINGS[id]
    (finding,) = find(id, make(op("get")), **wrong)

    assert finding.where.startswith("settings.")
    assert find(id, make(op("get")), **right) == []


@pytest.mark.parametrize(
    "key",
    [
        "0123456789abcdefghijklmnopqrstu",
        "abcdefghij0123456789" * 2,
        "abababab" * 8,
        "aaaaaaaabbbbbbbbccccccccddddddddeeeeeeeef",
        "django-insecure-kq5zv9w3n1x8r7t6y2u4",
        "CHANGE-ME-kq5zv9w3n1x8r7t6y2u4-kq5zv9",
    ],
)
def test_keys_that_can_be_guessed(key: str) -> None:
    """RK111: short, of few characters, of one part repeated, or with a word that asks to be replaced; old keys too."""
    (newest,) = find("RK111", make(op("get")), secret_key=key)
    (older,) = find("RK111", make(op("get")), secret_key=KEY, secret_key_fallbacks=(OTHER_KEY, key))

    assert (newest.where, older.where) == ("settings.secret_key", "settings.secret_key_fallbacks.1")
    assert key not in newest.message + older.message


@given(st.binary(min_size=32, max_size=32))
def test_random_keys_are_taken(made: bytes) -> None:
    """RK111: what the fix makes is good, in whatever way it is written."""
    digest = sha256(made).digest()

    assert not is_weak(digest.hex())
    assert not is_weak(urlsafe_b64encode(digest).decode())


# -- Sessions and tokens -----------------------------------------------------------------------------------------------

SESSIONS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "RK321": ({"secure": False}, {"secure": True}),
    "RK322": ({"domain": "shop.example"}, {}),
    "RK323": ({"same_site": "None", "secure": True}, {"same_site": "Strict"}),
    "RK324": ({"max_age": timedelta(days=91)}, {"max_age": timedelta(days=900), "idle": timedelta(days=90)}),
    "RK325": ({"store": MemoryStore()}, {}),
    "RK326": ({"trusted_origins": ["http://a.example"]}, {"trusted_origins": [PAGE, "http://localhost:3000"]}),
}


@pytest.mark.parametrize("id", SESSIONS)
def test_checks_of_sessions(id: str) -> None:
    """A check of sessions finds the wrong ones once, whatever the number of operations."""
    wrong, right = SESSIONS[id]
    apps = [make(op("get"), op("post", rule="/b")) for _ in range(2)]
    for app, options in zip(apps, (wrong, right), strict=True):
        app.declare(sessions(**options))
    (finding,) = find(id, apps[0], secret_key=KEY)

    assert finding.where.startswith("sessions(")
    assert find(id, apps[1], secret_key=KEY) == []


def test_origins_of_pages_that_send_sessions() -> None:
    """RK327: a page that may send the session has to be trusted by the sessions, too."""
    app = make(op("post"))
    app.declare(sessions(trusted_origins=[PAGE]))
    others = (PAGE, "https://a.example")
    (finding,) = find("RK327", app, secret_key=KEY, cors=CORS(origins=others, credentials=True))

    assert finding.message.startswith("https://a.example is in")
    assert find("RK327", app, secret_key=KEY, cors=CORS(origins=others)) == []


def test_origins_of_pages_that_send_keys_and_passwords() -> None:
    """RK327 and RK326: schemes whose credentials browsers send unasked trust origins, too."""
    plain = "http://a.example"
    schemes = (
        APIKeys({}, cookie="key", trusted_origins=[PAGE, plain])
        | Basic(lambda name, word: None)
        | APIKeys({}, name="b")
    )
    app = make(op("post", requires(schemes)))

    (refused,) = find("RK327", app, cors=CORS(origins=(PAGE,), credentials=True))
    assert refused.message.endswith("not in Basic(trusted_origins=…).")
    (trusted,) = find("RK326", app)
    assert (trusted.where, trusted.message) == ("APIKeys(trusted_origins=…)", f"{plain} is trusted.")


def test_origins_of_pages_that_open_sockets() -> None:
    """RK326: a page without encryption that may talk over a WebSocket is found, too."""
    app = App("Sockets")

    @app.resource("/")
    class Talk(Resource):
        @messages(sends=fields.String(), trusted_origins=["http://a.example", PAGE])
        async def websocket(self, socket: Any) -> None: ...

    (finding,) = find("RK326", app)
    assert (finding.where, finding.message) == ("messages(trusted_origins=…)", "http://a.example is trusted.")


@pytest.mark.parametrize(("days", "found"), [(31, 1), (30, 0)])
def test_tokens_that_last(days: int, found: int) -> None:
    """RK331: a token that is good for more than a month is told of."""
    tokens = BearerTokens(max_age=timedelta(days=days))
    app = make(op("get", requires(tokens)), op("post", public, rule="/b"), op("put", requires(tokens), rule="/c"))

    assert len(find("RK331", app, secret_key=KEY)) == found


def test_what_guards_an_operation() -> None:
    """RK302: a policy guards as well as credentials do; an alternative for anybody does not."""
    keys = APIKeys(lambda key: None)
    allow = policy(lambda principal, request: True)
    app = make(
        op("post", requires(keys)),
        op("put", requires(allow), rule="/b"),
        op("patch", requires(keys | anonymous), rule="/c"),
        op("delete", public, rule="/d"),
    )

    assert [finding.message for finding in find("RK302", app)] == [
        "PATCH /c needs no credentials.",
        "DELETE /d needs no credentials.",
    ]


# -- Operations --------------------------------------------------------------------------------------------------------


class Shrub(Schema):
    id = fields.Integer(dump_only=True)
    name = fields.String(validate=validate.Length(max=9))
    children = fields.List(fields.Nested("Shrub"), validate=validate.Length(max=9))


class Open(Schema):
    class Meta:
        unknown = INCLUDE


def taking(**members: fields.Field[Any]) -> Op:
    """Return an operation that takes these members."""
    return op("post", accepts(json=dict(members)))


def nesting(**members: fields.Field[Any]) -> Op:
    """Return an operation that takes these members somewhere inside."""
    inner = fields.Nested(Schema.from_dict(dict(members)))
    listed = fields.List(inner, validate=validate.Length(max=3))
    return op("post", accepts(json={"a": fields.Dict(values=fields.Tuple((listed,)))}))


def listing(**query: fields.Field[Any]) -> Op:
    """Return an operation that answers with a list."""
    declared = returns(Shrub(many=True))
    return op("get", accepts(query=dict(query)), declared) if query else op("get", declared)


class Gone(Problem):
    """It was taken away."""

    status = 410


class Lost(NotFound):
    """It is not there."""

    code = "lost"


def raise_itself(self: Resource) -> None:
    """Raise."""
    raise Gone("Long ago.")


def raise_inside(self: Resource) -> None:
    """Have another raise."""
    try:
        look_up()
    except ValueError:
        raise


def look_up() -> None:
    raise Gone


GIVEN = op("get", Guard(), rule="/mine")
RANGE = validate.Range(min=0, max=9)
OAUTH = {"type": "oauth2", "flows": {"clientCredentials": {"tokenUrl": "https://a.example/token", "scopes": {}}}}
OAUTH_PLAIN = {"type": "oauth2", "flows": {"password": {"tokenUrl": "http://a.example/token", "scopes": {}}}}
OIDC = {"type": "openIdConnect", "openIdConnectUrl": "http://localhost/.well-known"}
OIDC_WRONG = {"type": "openIdConnect", "openIdConnectUrl": "http://[/.well-known"}
OIDC_PLAIN = {"type": "openIdConnect", "openIdConnectUrl": "http://a.example/.well-known"}
QUERY_KEY = {"type": "apiKey", "in": "query", "name": "key"}
HEADER_KEY = {"type": "apiKey", "in": "header", "name": "X-Key"}
LOCATION = {"Location": fields.Url(relative=True)}

OPERATIONS: dict[str, list[tuple[list[Op], list[Op]]]] = {
    "RK107": [
        ([op("post", limits(json_depth=641), accepts(json=Shrub))], [op("post", limits(json_depth=640))]),
    ],
    "RK301": [([op("get"), GIVEN], [op("get", Guard(public=True)), GIVEN]), ([op("get"), GIVEN], [op("get")])],
    "RK302": [
        ([op("post", Guard(public=True)), GIVEN], [op("post", Guard()), op("get", Guard(public=True), rule="/open")]),
    ],
    "RK303": [([op("post")], [op("post", Guard())]), ([op("delete")], [op("get")])],
    "RK304": [([op("get", Guard(scheme=BEARER | {"scheme": "Basic"}))], [GIVEN])],
    "RK305": [([op("get", Guard(scheme=QUERY_KEY))], [op("get", Guard(scheme=HEADER_KEY))])],
    "RK306": [
        ([op("get", Guard(scheme=OAUTH_PLAIN))], [op("get", Guard(scheme=OAUTH))]),
        ([op("get", Guard(scheme=OIDC_PLAIN))], [op("get", Guard(scheme=OIDC))]),
        ([op("get", Guard(scheme=OIDC_WRONG))], [op("get", Guard(scheme=OIDC))]),
    ],
    "RK307": [([op("get", Guard(scheme=OAUTH_PLAIN))], [op("get", Guard(scheme=OAUTH))])],
    "RK308": [
        ([op("get", describe(hidden=True)), GIVEN], [op("get", describe(hidden=True), Guard()), GIVEN]),
        ([op("get", describe(hidden=True)), GIVEN], [op("get", describe(hidden=True))]),
    ],
    "RK401": [
        (
            [op("get", rule="/<any('books', 'mugs'):kind>/new"), op("get", rule="/mugs/new")],
            [op("get", rule="/<any('books', 'mugs'):kind>/new"), op("get", rule="/hats/new")],
        ),
        (
            [op("get", rule="/<any('a'):kind>"), op("get", rule="/a")],
            [
                *(op("get", rule=f"/<{name}:a>/<b>/{name}") for name in ("int", "float", "uuid", "string(length=3)")),
                op("get", rule="/two/<any('a'):one>/<any('b'):other>"),
                op("put", rule="/two/<any('a'):one>/c"),
            ],
        ),
    ],
    "RK402": [([op("get", rule="/a"), op("get", rule="/a/")], [op("get", rule="/"), op("get", rule="/a/")])],
    "RK403": [([op("get", accepts(json=Shrub))], [op("post", accepts(json=Shrub))])],
    "RK404": [
        (
            [op("post", returns(Shrub, status=201))],
            [op("post", returns(Shrub, status=201, headers=LOCATION))],
        ),
    ],
    "RK405": [
        (
            [op("patch", accepts(json={"a": fields.Integer(required=True)}))],
            [op("patch", accepts(json=Schema.from_dict({"a": fields.Integer(required=True)})(partial=True)))],
        ),
        (
            [op("patch", accepts(json={"a": fields.Integer(required=True)}))],
            [op("patch", accepts(json=fields.List(fields.Integer()))), op("put", accepts(json=Shrub), rule="/b")],
        ),
    ],
    "RK406": [([op("post", returns())], [op("head", returns()), op("post", returns(Shrub), rule="/b")])],
    "RK501": [
        ([op("post", accepts(json=Open))], [op("post", accepts(json=Shrub))]),
        ([nesting(a=fields.Nested(Open))], [nesting(a=fields.Nested(Shrub))]),
        ([op("post", accepts(form=Open))], [op("post", accepts(json=fields.List(fields.Nested(Shrub))))]),
    ],
    "RK502": [
        ([taking(id=fields.Integer())], [taking(id=fields.Integer(dump_only=True), author=fields.Nested(Shrub))]),
    ],
    "RK503": [
        ([nesting(role=fields.String())], [nesting(role=fields.String(dump_only=True))]),
    ],
    "RK504": [
        (
            [taking(a=fields.String(validate=validate.Regexp("[a-z]+")))],
            [taking(a=fields.String(validate=validate.Regexp(r"[a-z]+\Z")), b=fields.String())],
        ),
        (
            [taking(a=fields.String(validate=validate.And(validate.Regexp("[a-z]+"))))],
            [taking(a=fields.String(validate=validate.Regexp("^(?:a|b$)")))],
        ),
    ],
    "RK511": [
        ([taking(a=fields.String())], [taking(a=fields.String(validate=validate.Length(max=9)), b=fields.Email())]),
        (
            [nesting(a=fields.String(validate=validate.Length(min=9)))],
            [nesting(a=fields.String(validate=[validate.OneOf("ab")])), op("put", rule="/b")],
        ),
        (
            [taking(a=fields.List(fields.String()))],
            [taking(a=fields.String(validate=validate.Length(equal=1)))],
        ),
    ],
    "RK512": [
        ([op("post", accepts(json=fields.List(fields.UUID())))], [op("post", accepts(json=Shrub))]),
    ],
    "RK513": [
        ([listing(limit=fields.Integer())], [listing(limit=fields.Integer(validate=validate.Range(max=100)))]),
        ([listing(per_page=fields.Integer(validate=validate.Range(min=1)))], [listing(shelf=fields.Integer())]),
    ],
    "RK514": [
        ([listing()], [listing(Limit=fields.Integer())]),
        (
            [listing(q=fields.String())],
            [op("post", returns(Shrub(many=True))), op("get", returns(Shrub), rule="/b")],
        ),
    ],
    "RK515": [
        ([taking(a=fields.Integer())], [taking(a=fields.Integer(validate=RANGE), b=fields.Float())]),
        (
            [nesting(a=fields.Integer(validate=validate.Range(max=9)))],
            [nesting(a=fields.Integer(validate=validate.OneOf([1, 2])))],
        ),
    ],
    "RK601": [
        (
            [op("get", returns({"user": fields.Nested({"password_hash": fields.String()})}))],
            [op("get", returns({"user": fields.Nested({"password": fields.String(load_only=True)})}))],
        ),
    ],
    "RK602": [
        ([op("get", handler=raise_itself)], [op("get", raises(Gone), handler=raise_itself)]),
    ],
    "RK603": [
        ([op("get", handler=raise_inside)], [op("get", raises(Gone), handler=raise_inside)]),
    ],
    "RK604": [
        ([op("get", returns(fields.Raw()))], [op("get", returns(fields.Raw(), media_type="text/plain"))]),
        ([op("get", returns(fields.Dict()))], [op("get", returns(fields.Dict(values=fields.Integer())))]),
    ],
    "RK701": [
        (
            [op("get", handler=lambda self: None)],
            [
                op("get", describe(summary="Do."), handler=lambda self: None),
                op("put", describe(hidden=True), rule="/b", handler=lambda self: None),
            ],
        ),
    ],
    "RK702": [
        (
            [op("get", describe(deprecated=True))],
            [op("get", describe(deprecated=True, description="Use /b.")), op("put", describe(hidden=True), rule="/b")],
        ),
    ],
    "RK703": [
        (
            [op("get", describe(summary="Do.")), op("put", describe(summary="Do."), rule="/b")],
            [op("get", describe(summary="Do.")), op("put", describe(summary="Do.", hidden=True), rule="/b")],
        ),
    ],
}


CASES = [(id, number, *case) for id, cases in OPERATIONS.items() for number, case in enumerate(cases)]


@pytest.mark.parametrize(("id", "wrong", "right"), [pytest.param(id, *case, id=f"{id}-{n}") for id, n, *case in CASES])
def test_checks_of_operations(id: str, wrong: Iterable[Op], right: Iterable[Op]) -> None:
    """A check of operations finds the wrong one once, and leaves the right ones alone."""
    (finding,) = find(id, make(*wrong))

    assert finding.message.endswith(".")
    assert finding.operation is not None or finding.where in ("the app", "the security scheme scheme")
    assert find(id, make(*right)) == []


# -- Settings beside operations ----------------------------------------------------------------------------------------


def test_an_open_document_beside_guarded_operations() -> None:
    """RK108: a guarded API shows its document to those only who may call it, or to nobody."""
    assert [finding.where.partition(" ")[0] for finding in find("RK108", make(GIVEN))] == ["getOpenapi"]
    assert find("RK108", make(GIVEN), openapi_path=None, docs_path=None) == []
    assert find("RK108", make(op("get"))) == []
    guarded = App("Shop", docs_declarations=[Guard()])
    handler = returns(status=204)(Guard()(copy_function(raise_itself)))
    guarded.add_resource("/mine", type("Mine", (Resource,), {"get": handler}))
    assert find("RK108", guarded) == []


def test_a_docs_page_without_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """RK109: a page that is served needs what shows the document."""
    assert find("RK109", make(op("get"))) == []
    monkeypatch.setattr("ramekin.openapi.assets.find_assets", lambda: None)
    assert len(find("RK109", make(op("get")))) == 1
    assert find("RK109", make(op("get")), docs_path=None) == []


def test_every_origin_beside_guarded_operations() -> None:
    """RK205: an API for everybody's pages is one that nobody has to log in to."""
    everybody = CORS(origins=("*",))
    assert len(find("RK205", make(GIVEN), cors=everybody)) == 1
    assert find("RK205", make(op("get")), cors=everybody) == []
    assert find("RK205", make(GIVEN), cors=CORS(origins=(PAGE,))) == []


def test_passwords_over_https() -> None:
    """RK304: HTTP Basic is for HTTPS."""
    app = make(op("get", Guard(scheme={"type": "http", "scheme": "basic"})))
    assert find("RK304", app, base_url=PAGE) == []


def test_handled_problems_are_not_missed() -> None:
    """RK602: a problem that the app turns into something else is no part of the contract."""
    app = make(op("get", handler=raise_itself))
    app.exception_handler(Gone)(lambda error, request: Conflict())
    assert find("RK602", app) == []


def test_rules_with_converters_of_ones_own() -> None:
    """RK401: what a converter takes that describes itself badly cannot be tried."""

    class Upper(BaseConverter):
        regex = "[A-Z]+"

    app = App("Shop", converters={"upper": Upper})
    thing = type("Thing", (Resource,), {"get": returns(status=204)(lambda self, code: None)})
    app.add_resource("/<upper:code>", thing)
    assert find("RK401", app) == []


def test_a_summary_of_one_function_is_one() -> None:
    """RK703: one method that is registered twice has one summary."""
    app = App("Shop")
    thing = type("Thing", (Resource,), {"get": returns(status=204)(copy_function(raise_itself))})
    for name in ("one", "two"):
        app.add_resource(f"/{name}", thing, name=name)
    assert find("RK703", app) == []


def test_many_fields_are_counted() -> None:
    """A message names a few fields, and counts the others."""
    (finding,) = find("RK511", make(taking(**{f"a{number}": fields.String() for number in range(7)})))
    assert finding.message == "No end: a0, a1, a2, a3, a4 and 2 more."


def test_every_check_has_its_cases() -> None:
    """No check is without an app in which it finds something."""
    elsewhere = {"RK001", "RK002", "RK108", "RK109", "RK205", "RK327", "RK331"}

    assert {check.id for check in list_checks()} == {*SETTINGS, *SESSIONS, *OPERATIONS, *elsewhere}
