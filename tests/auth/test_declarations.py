"""`requires` and `public`: how the levels add up, and what becomes of an app in which one was forgotten."""

from __future__ import annotations

from typing import Any

import pytest
from marshmallow import fields

from ramekin import App, Resource, Settings, describe, returns
from ramekin.auth import APIKeys, Bearer, Principal, Requires, anonymous, hash_key, policy, public, requires
from ramekin.errors import DeclarationError
from ramekin.testing import Client

PEOPLE = {"ada": Principal("ada", {"read", "write"}), "bob": Principal("bob", {"read"})}
tokens = Bearer(PEOPLE.get, name="tokens")
keys = APIKeys({hash_key("k1"): Principal("robot", {"write"})})

NAME = fields.String(allow_none=True)


def show(resource: Resource) -> str | None:
    """Return the id of who is asking."""
    return None if resource.principal is None else str(resource.principal.id)


def serve(*of_class: Requires, method: Requires | None = None, app_level: Requires | None = None) -> Client:
    """Return a client of one operation at ``/``, with these declarations at its three levels."""

    class Thing(Resource):
        @returns(NAME)
        def get(self) -> str | None:
            return show(self)

    if method is not None:
        method(Thing.get)
    for one in of_class:
        one(Thing)
    app = App("Levels", settings=Settings(openapi_path=None))
    if app_level is not None:
        app.declare(app_level)
    app.add_resource("/", Thing)
    return Client(app)


def ask(client: Client, token: str = "", key: str = "") -> int:
    """Return the status of a request with these credentials."""
    headers = {"Authorization": f"Bearer {token}" if token else None, "X-API-Key": key or None}
    return client.get("/", headers=headers).status


def access_of(client: Client) -> str:
    """Return who may call the operation, in words."""
    return client.site.operations[0].effects.access


def test_the_levels_add_up() -> None:
    """What the app, the class and the method require has to hold together."""
    client = serve(requires(tokens("read")), method=requires(scopes=["write"]), app_level=requires(tokens))
    assert access_of(client) == "tokens: read write"
    assert [ask(client), ask(client, "bob"), ask(client, "ada")] == [401, 403, 200]


def test_two_schemes_at_two_levels_are_both_needed() -> None:
    """An inner scheme does not replace an outer one; the inner one says who the principal is."""
    client = serve(requires(tokens), method=requires(keys))
    assert access_of(client) == "keys & tokens"
    assert [ask(client, "ada"), ask(client, key="k1"), ask(client, "ada", "k1")] == [401, 401, 200]
    headers = {"Authorization": "Bearer ada", "X-API-Key": "k1"}
    assert client.get("/", headers=headers).json == "robot"


def test_an_inner_level_narrows_the_alternatives() -> None:
    """One of the outer alternatives, required by an inner level, leaves no other."""
    client = serve(requires(tokens | keys), method=requires(tokens))
    assert access_of(client) == "tokens"
    assert [ask(client, key="k1"), ask(client, "bob")] == [401, 200]


def test_scopes_are_asked_of_every_alternative() -> None:
    """Scopes without a scheme are those of the principal, wherever it comes from."""
    client = serve(requires(tokens | keys), method=requires(scopes=["write"]))
    assert access_of(client) == "tokens: write | keys: write"
    assert [ask(client, "bob"), ask(client, key="k1"), ask(client, "ada")] == [403, 200, 200]


def test_scopes_leave_nobody_out_of_the_alternatives() -> None:
    """Who has no credentials has no scopes, so an operation that needs some needs credentials."""
    client = serve(requires(tokens | anonymous), method=requires(scopes=["write"]))
    assert access_of(client) == "tokens: write"
    assert [ask(client), ask(client, "ada")] == [401, 200]


def test_public_opens_what_an_outer_level_closes() -> None:
    """`public` puts aside the outer rules, and no credentials are looked at."""
    client = serve(method=public, app_level=requires(tokens))
    assert access_of(client) == "public"
    result = client.get("/", headers={"Authorization": "Bearer of nobody"})
    assert (result.status, result.json) == (200, None)


def test_requires_closes_what_an_outer_level_opens() -> None:
    """A rule below `public` holds alone."""
    client = serve(public, method=requires(keys), app_level=requires(tokens))
    assert [ask(client, "ada"), ask(client, key="k1")] == [401, 200]


def test_an_inner_level_can_take_the_place_of_the_outer_ones() -> None:
    """With ``replaces`` the outer rules are put aside."""
    client = serve(requires(keys, replaces=True), app_level=requires(tokens))
    assert access_of(client) == "keys"
    assert [ask(client, "ada"), ask(client, key="k1")] == [401, 200]


def test_rules_stack() -> None:
    """Two rules at one place hold together."""
    client = serve(requires(tokens("write")), requires(scopes=["read"]))
    assert access_of(client) == "tokens: read write"


def test_optional_credentials() -> None:
    """Without credentials there is no principal; bad ones are refused all the same."""
    client = serve(requires(tokens | anonymous))
    assert client.get("/").json is None
    assert client.get("/", headers={"Authorization": "Bearer ada"}).json == "ada"
    assert ask(client, "of-nobody") == 401


def test_the_contract_says_what_can_happen() -> None:
    """401 and 403 are implied where they can happen, and only there."""
    outcomes = {
        access_of(client): {outcome.status for outcome in client.site.operations[0].outcomes if outcome.implied}
        for client in (
            serve(public),
            serve(requires(tokens)),
            serve(requires(tokens("write"))),
            serve(requires(tokens | anonymous)),
            serve(requires(policy(lambda request: True) & tokens)),
        )
    }
    assert {key: found & {401, 403} for key, found in outcomes.items()} == {
        "public": set(),
        "tokens": {401},
        "tokens: write": {401, 403},
        "tokens | anonymous": {401},
        "tokens & <lambda>": {401, 403},
    }


def test_the_document_names_the_schemes() -> None:
    """Security requirements, schemes and responses stand in the document."""
    document = serve(requires(tokens("read") | keys)).site.document()
    operation = document["paths"]["/"]["get"]
    assert operation["security"] == [{"tokens": ["read"]}, {"keys": []}]
    assert document["components"]["securitySchemes"] == {
        "keys": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
        "tokens": {"type": "http", "scheme": "bearer"},
    }
    assert {"401", "403"} <= operation["responses"].keys()


def test_scopes_in_openapi_3_0() -> None:
    """OpenAPI 3.0 lists scopes of OAuth 2 and OpenID Connect alone."""
    document = serve(requires(tokens("read"))).site.document("3.0")
    assert document["paths"]["/"]["get"]["security"] == [{"tokens": []}]


def test_public_stands_in_the_document() -> None:
    """An operation that is open on purpose has an empty list of requirements."""
    assert serve(public).site.document()["paths"]["/"]["get"]["security"] == []


@pytest.mark.parametrize(
    ("declare", "message"),
    [
        (requires, "takes a requirement or scopes"),
        (lambda: requires("tokens"), "takes a scheme, a policy"),  # type: ignore[arg-type]
        (lambda: requires(scopes="write"), "several scopes, not the text 'write'"),
        (lambda: requires(tokens, scopes=["a b"]), "a scope is ASCII text without spaces"),
        (lambda: tokens("a", 3), "takes scopes, not 3"),  # type: ignore[arg-type]
        (lambda: tokens | "keys", r"\| joins requirements"),  # type: ignore[operator]
        (lambda: tokens & show, "& joins requirements"),  # type: ignore[operator]
        (lambda: tokens or keys, "neither true nor false"),
        (lambda: serve(public, requires(tokens)), "@public stands beside another rule"),
        (lambda: serve(requires(scopes=["write"])), "but no scheme says whose"),
    ],
)
def test_rules_that_say_nothing(declare: Any, message: str) -> None:
    """A rule that cannot be meant is refused when it is declared."""
    with pytest.raises(DeclarationError, match=message):
        declare()


def test_a_scheme_on_a_method() -> None:
    """A scheme is no decorator; the message says what to write."""
    with pytest.raises(DeclarationError, match="stands @requires"):
        tokens(serve)  # type: ignore[arg-type]


def forgetful(**options: Any) -> App:
    """Return an app of which one operation has a rule, one is public and two say nothing."""
    app = App("Forgetful", **options)

    @app.resource("/a")
    class A(Resource):
        @requires(tokens)
        @returns(NAME)
        def get(self) -> None: ...

        @returns(status=204)
        def delete(self) -> None: ...

    @app.resource("/b")
    class B(Resource):
        @public
        @returns(NAME)
        def get(self) -> None: ...

        @returns(status=204)
        def put(self) -> None: ...

    return app


def test_a_forgotten_operation_fails_at_the_start() -> None:
    """Every operation without a rule is named at once, with what to do; those that are public are none of them."""
    with pytest.raises(DeclarationError) as raised:
        forgetful().compile()
    message = str(raised.value)
    assert "deleteA (DELETE /a)" in message
    assert "putB (PUT /b)" in message
    assert "getB" not in message
    assert "@public" in message


def test_a_rule_of_the_app_is_a_rule_of_all() -> None:
    """What the app requires, no operation lacks."""
    app = App("Whole")
    app.declare(requires(tokens))

    @app.resource("/a")
    class A(Resource):
        @returns(NAME)
        def get(self) -> None: ...

    assert {operation.effects.access for operation in app.compile().operations} == {"tokens"}


def test_an_app_without_schemes_needs_no_rules() -> None:
    """Nothing is asked of an app in which nobody says who they are."""
    app = App("Open")

    @app.resource("/a")
    class A(Resource):
        @public
        @returns(NAME)
        def get(self) -> None: ...

        @returns(status=204)
        def delete(self) -> None: ...

    assert Client(app).delete("/a").status == 204


def test_the_document_and_its_page_are_guarded_as_the_app_says() -> None:
    """They are open unless the app, or its declarations for the pages, say otherwise; one rule opens them again."""
    guarded = App("Guarded")
    guarded.declare(requires(tokens))
    opened = App("Opened", docs_declarations=[public])
    opened.declare(requires(tokens))
    closed = App("Closed", docs_declarations=[requires(tokens)])
    assert [Client(app).get("/openapi.json").status for app in (guarded, opened, closed)] == [401, 200, 401]


def test_two_schemes_of_one_name() -> None:
    """Two schemes in one app have two names, or none could be told from the other."""
    app = App("Twice")
    other = Bearer(PEOPLE.get, name="tokens")

    @app.resource("/a")
    class A(Resource):
        @requires(tokens)
        @returns(NAME)
        def get(self) -> None: ...

        @requires(other)
        @returns(status=204)
        def delete(self) -> None: ...

    with pytest.raises(DeclarationError, match="two schemes are named 'tokens'"):
        app.compile()


def test_a_hidden_operation_needs_a_rule_too() -> None:
    """What the document leaves out is served all the same."""
    app = forgetful()

    @app.resource("/c")
    class C(Resource):
        @describe(hidden=True)
        @returns(status=204)
        def get(self) -> None: ...

    with pytest.raises(DeclarationError, match="getC"):
        app.compile()
