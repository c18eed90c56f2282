"""Bearer tokens that the app issues itself."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import fields

from ramekin import App, Resource, Settings, returns
from ramekin.auth import BearerTokens, Principal, requires
from ramekin.errors import DeclarationError, SettingsError
from ramekin.testing import Client

SETTINGS = Settings(openapi_path=None, secret_key="the key of this month")
#: What a check does not look at.
NO_REQUEST: Any = None


class Clock:
    """A clock that stands until it is moved."""

    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


class Shop:
    """One resource, guarded by tokens of customers whom a dict holds."""

    def __init__(self, settings: Settings = SETTINGS) -> None:
        self.clock = Clock()
        self.customers: dict[Any, Principal[Any]] = {}
        self.tokens = BearerTokens(self.customers.get, max_age=timedelta(hours=1), clock=self.clock)
        app = App("Shop", settings=settings)

        @app.resource("/")
        @requires(self.tokens)
        class Thing(Resource):
            @returns({"id": fields.Raw(), "scopes": fields.List(fields.String()), "claims": fields.Raw()})
            def get(self) -> dict[str, Any]:
                found = self.principal
                return {"id": found.id, "scopes": sorted(found.scopes), "claims": dict(found.claims)}

        self.settings = settings
        self.client = Client(app)

    def issue(self, principal: Principal[Any], **options: Any) -> str:
        """Keep a customer and return a token."""
        self.customers[principal.id] = principal
        return self.tokens.issue(principal, self.settings, **options)

    def ask(self, token: str) -> Any:
        """Return the answer to a token."""
        return self.client.get("/", headers={"Authorization": f"Bearer {token}"})


@pytest.fixture
def shop() -> Shop:
    """A shop whose clock stands."""
    return Shop()


@pytest.mark.parametrize("number", ["ada", 7])
def test_a_token_stands_for_whom_it_was_issued(shop: Shop, number: str | int) -> None:
    """The loader is asked for the id that the token was issued for."""
    assert shop.ask(shop.issue(Principal(number))).json == {"id": number, "scopes": [], "claims": {"sub": number}}


def test_a_token_ends(shop: Shop) -> None:
    """It counts for the scheme's age, or for a shorter one of its own."""
    long, short = shop.issue(Principal("ada")), shop.issue(Principal("ada"), max_age=timedelta(minutes=1))
    found = []
    for seconds in (59, 1, 3539, 1):
        shop.clock.now += seconds
        found.append((shop.ask(long).status, shop.ask(short).status))
    assert found == [(200, 200), (200, 401), (200, 401), (401, 401)]


@pytest.mark.parametrize(
    ("of_token", "of_loader", "expected"),
    [
        (None, None, []),
        (["a", "b"], None, ["a", "b"]),
        (None, ["a", "b"], ["a", "b"]),
        (["a", "b"], ["b", "c"], ["b"]),
        ([], ["a"], []),
        (["a"], [], []),
    ],
)
def test_scopes_are_those_that_both_grant(shop: Shop, of_token: Any, of_loader: Any, expected: list[str]) -> None:
    """A token cannot have what its principal has lost; one that names no scopes has all of them."""
    token = shop.issue(Principal("ada"), scopes=of_token)
    if of_loader is not None:
        shop.customers["ada"] = Principal("ada", of_loader)
    assert shop.ask(token).json["scopes"] == expected


def test_a_token_has_no_more_than_its_principal(shop: Shop) -> None:
    """One that begets another passes its limits on, though the loader grants more or states nothing."""
    limited = Principal("ada", ["a"])
    tokens = [shop.issue(limited), shop.issue(limited, scopes=[]), shop.issue(Principal("ada", []))]
    for found in (Principal("ada"), Principal("ada", ["a", "b"])):
        shop.customers["ada"] = found
        assert [shop.ask(token).json["scopes"] for token in tokens] == [["a"], [], []]


def test_scopes_beyond_the_principal_are_refused(shop: Shop) -> None:
    """Nobody hands on what they do not have."""
    with pytest.raises(ValueError, match="that the principal has, and b, c are not among them"):
        shop.issue(Principal("ada", ["a"]), scopes=["a", "b", "c"])


@pytest.mark.parametrize("later", [Principal("ada", version=2), Principal("ada"), None])
def test_a_token_is_revoked_by_another_version(shop: Shop, later: Principal[Any] | None) -> None:
    """Once the loader returns another stamp, or nobody, the tokens issued before are refused."""
    token = shop.issue(Principal("ada", version=1))
    assert shop.ask(token).status == 200
    shop.customers.clear()
    if later is not None:
        shop.customers["ada"] = later
    assert shop.ask(token).status == 401


def test_a_token_without_a_version_is_none_of_a_principal_with_one(shop: Shop) -> None:
    """A stamp that was introduced later ends what was issued before."""
    token = shop.issue(Principal("ada"))
    shop.customers["ada"] = Principal("ada", version=1)
    assert shop.ask(token).status == 401


def test_the_answer_does_not_say_who_exists(shop: Shop) -> None:
    """A token of nobody, one that has ended and one that was never issued are answered by the same words."""
    ended = shop.issue(Principal("ada"))
    shop.clock.now += 7200
    orphan = shop.issue(Principal("eve"))
    del shop.customers["eve"]
    answers = {(shop.ask(one).status, shop.ask(one).problem["detail"]) for one in (ended, orphan, "made.up.token")}
    assert answers == {(401, "The token is not valid, or not valid any more.")}


def test_keys_are_replaced_without_ending_tokens() -> None:
    """The newest key signs; an older one is read while it is a fallback, and not when it is gone."""
    old = Shop()
    token = old.issue(Principal("ada"))
    between = Shop(
        Settings(openapi_path=None, secret_key="the key of next month", secret_key_fallbacks=("the key of this month",))
    )
    after = Shop(Settings(openapi_path=None, secret_key="the key of next month"))
    between.issue(Principal("ada"))
    after.issue(Principal("ada"))
    assert [between.ask(token).status, after.ask(token).status] == [200, 401]
    assert after.ask(between.issue(Principal("ada"))).status == 200


def test_tokens_of_another_name_or_purpose(shop: Shop) -> None:
    """A token of one scheme is none of another, and neither is what the app signs for another purpose."""
    shop.issue(Principal("ada"))
    others = [
        BearerTokens(name="others", clock=shop.clock).issue(Principal("ada"), SETTINGS),
        shop.client.app.signer("password-reset", max_age=timedelta(hours=1)).dump({"sub": "ada"}),
    ]
    assert [shop.ask(token).status for token in others] == [401, 401]


def test_without_a_loader_a_token_speaks_for_itself() -> None:
    """Its id and scopes are those it was issued with."""
    tokens = BearerTokens()
    check = tokens.compile_check(SETTINGS)
    found = check(NO_REQUEST, tokens.issue(Principal("ada", version=None), SETTINGS, scopes=["read"]))
    assert isinstance(found, Principal)
    assert (found.id, found.may("read"), found.may("read", "write")) == ("ada", True, False)


def test_an_async_loader() -> None:
    """The loader may be awaited; what it returns is judged as any other."""

    async def load(number: str) -> Principal[Any] | None:
        return None if number == "eve" else Principal(number, version=1)

    tokens = BearerTokens(load)
    app = App("Async", settings=SETTINGS)

    @app.resource("/")
    @requires(tokens)
    class Thing(Resource):
        @returns(fields.String())
        def get(self) -> str:
            return str(self.principal.id)

    statuses = [
        Client(app).get("/", headers={"Authorization": f"Bearer {tokens.issue(one, SETTINGS)}"}).status
        for one in (Principal("ada", version=1), Principal("ada", version=2), Principal("eve", version=1))
    ]
    assert statuses == [200, 401, 401]


def test_tokens_need_a_key() -> None:
    """An app without a secret key does not start with tokens."""
    with pytest.raises(SettingsError, match="secret_key is not set"):
        Shop(Settings(openapi_path=None))


@pytest.mark.parametrize("seconds", [0, 3601])
def test_an_age_that_a_token_cannot_have(shop: Shop, seconds: int) -> None:
    """A token lives as long as its scheme allows, and not less than a second."""
    with pytest.raises(ValueError, match="from one second"):
        shop.issue(Principal("ada"), max_age=timedelta(seconds=seconds))


def test_scopes_that_are_none(shop: Shop) -> None:
    """A scope is a word."""
    with pytest.raises(DeclarationError, match="a scope is"):
        shop.issue(Principal("ada"), scopes=["read write"])


def test_an_age_that_a_scheme_cannot_have() -> None:
    """A scheme states how long its tokens count."""
    with pytest.raises(DeclarationError, match="timedelta of a second or more"):
        BearerTokens(max_age=timedelta(0))


SHOP = Shop()
TOKEN = SHOP.issue(Principal("ada"))


@given(index=st.integers(0, len(TOKEN) - 1), character=st.sampled_from("ABCDEFGHabcdefgh0123456789-_.~+/"))
def test_a_changed_token_is_refused(index: int, character: str) -> None:
    """No character of a token can be another one."""
    changed = TOKEN[:index] + character + TOKEN[index + 1 :]
    assert SHOP.ask(changed).status == (200 if changed == TOKEN else 401)
