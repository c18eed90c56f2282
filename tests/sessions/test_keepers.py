"""How long sessions last, and how those in a store are revoked."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.sessions.conftest import KEY, AsyncStore, Clock, Site

from ramekin.sessions import MemoryStore, Session, SessionStore, StoredSession
from ramekin.signing import OwnSigner

HOUR, DAY = 3600, 86400


def run(site: Site, name: str, *arguments: Any, **named: Any) -> Any:
    """Ask the store of a site, whose methods may be coroutines, from outside of a request."""
    store = site.store.store if isinstance(site.store, AsyncStore) else site.store
    return getattr(store, name)(*arguments, **named)


@pytest.mark.parametrize(("age", "is_new"), [(DAY - 1, False), (DAY, True), (DAY + 1, True)])
def test_a_session_lasts_as_long_as_max_age(clock: Clock, kept: SessionStore | None, age: int, is_new: bool) -> None:
    """It ends so long after its beginning, however often it is used."""
    site = Site(clock, kept, max_age=timedelta(days=1))
    site.use(lambda session: session.update(n=0))
    cookie = site.cookie
    clock.now += age / 2
    site.use(lambda session: session.update(n=1))
    changed = site.cookie
    clock.now += age / 2
    for value in {cookie, changed}:
        assert site.use(lambda session: session.is_new, headers={"Cookie": f"session={value}"}).json is is_new


def test_a_fresh_session_has_its_whole_time(clock: Clock, kept: SessionStore | None) -> None:
    """At login the time begins anew."""
    site = Site(clock, kept, max_age=timedelta(days=1))
    site.use(lambda session: session.update(n=0))
    clock.now += DAY - 10
    site.use(lambda session: session.renew(subject="7"))
    clock.now += DAY - 10
    assert site.use(lambda session: session.subject).json == "7"


def test_an_idle_session_ends(clock: Clock, kept: SessionStore | None) -> None:
    """One that is not used for so long is over, and one that is used goes on until max_age."""
    site = Site(clock, kept, max_age=timedelta(days=1), idle=timedelta(hours=1))
    site.use(lambda session: session.renew(subject="7"))
    for _ in range(30):
        clock.now += HOUR * 0.85
        alive = site.use(lambda session: session.subject).json
    assert alive is None
    site.use(lambda session: session.renew(subject="8"))
    clock.now += HOUR - 1
    assert site.use(lambda session: session.subject).json == "8"
    clock.now += HOUR
    assert site.use(lambda session: session.subject).json is None


@pytest.mark.parametrize(("after", "is_written"), [(0, False), (359, False), (360, True), (1800, True)])
def test_an_idle_session_is_not_written_at_every_use(clock: Clock, after: int, is_written: bool) -> None:
    """Its time is given anew once a tenth of it is over."""
    site = Site(clock, idle=timedelta(hours=1))
    site.use(lambda session: session.update(a=1))
    clock.now += after
    assert ("Set-Cookie" in site.use(len).headers) is is_written


def test_at_the_end_of_its_time_an_idle_session_is_not_written(clock: Clock) -> None:
    """What max_age ends soon is not given time that it cannot have."""
    site = Site(clock, max_age=timedelta(hours=1), idle=timedelta(hours=1))
    site.use(lambda session: session.update(a=1))
    clock.now += 1800
    assert "Set-Cookie" not in site.use(len).headers


def test_a_stored_session_changes_without_a_new_cookie(clock: Clock, store: SessionStore) -> None:
    """The cookie holds the id, which stays; what is used or changed is written to the store alone."""
    site = Site(clock, store, idle=timedelta(hours=1))
    site.use(lambda session: session.update(a=1))
    clock.now += 1800
    assert "Set-Cookie" not in site.use(len).headers
    assert "Set-Cookie" not in site.use(lambda session: session.update(a=2)).headers
    clock.now += 3000
    assert site.use().json == {"a": 2}


def test_the_store_has_no_id(clock: Clock, store: SessionStore) -> None:
    """Whoever reads the store cannot make a cookie: ids have 256 random bits, and are kept hashed."""
    site = Site(clock, store)
    site.use(lambda session: session.renew(subject="7"))
    key = site.use(lambda session: session.key).json
    id = OwnSigner(KEY, "session-id:session", max_age=timedelta(days=14), clock=clock).load(site.cookie)
    assert (len(id), len(key), key in site.cookie) == (43, 64, False)
    assert store.load(key) == StoredSession(b"{}", "7", clock.now, clock.now + 14 * DAY)
    assert store.load(id) is None


def test_ids_differ(clock: Clock) -> None:
    """Each session has an id of its own."""
    site = Site(clock, MemoryStore(clock=clock))
    cookies = set()
    for _ in range(100):
        site.cookie = ""
        site.use(lambda session: session.update(a=1))
        cookies.add(site.cookie)
    assert len(cookies) == 100


def test_a_forged_id_is_not_asked_for(clock: Clock) -> None:
    """The signature keeps questions about ids that were never given out from the store."""

    class Untouchable(MemoryStore):
        def load(self, key: str) -> StoredSession | None:
            raise AssertionError(key)

    site = Site(clock, Untouchable())
    site.cookie = "forged.aweL0A.signature"
    assert site.use(lambda session: session.is_new).json is True


# -- Revocation --------------------------------------------------------------------------------------------------------
stored = pytest.mark.parametrize("kept", ["memory", "sqlite", "async"], indirect=True)


@stored
def test_login_revokes_the_old_id(site: Site) -> None:
    """Who planted or stole the id of before has nothing: session fixation."""
    site.use(lambda session: session.update(a=1))
    planted = site.cookie
    site.use(lambda session: session.renew(subject="7", keep=["a"]))
    assert site.use().json == {"a": 1}
    old = site.use(lambda session: [session.is_new, dict(session)], headers={"Cookie": f"session={planted}"})
    assert old.json == [True, {}]


@stored
def test_logout_revokes_the_id(site: Site) -> None:
    """A copy of the cookie is worth nothing after logout."""
    site.use(lambda session: session.renew(subject="7"))
    copy = site.cookie
    site.use(lambda session: session.clear())
    assert site.use(lambda session: session.subject, headers={"Cookie": f"session={copy}"}).json is None


def test_logout_cannot_take_back_a_signed_cookie(clock: Clock) -> None:
    """Without a store there is no list to strike it from: a copy is good until it ends, which the docs say."""
    site = Site(clock)
    site.use(lambda session: session.renew(subject="7"))
    copy = site.cookie
    site.use(lambda session: session.clear())
    assert site.use(lambda session: session.subject, headers={"Cookie": f"session={copy}"}).json == "7"


@stored
def test_a_session_is_revoked_by_its_key(site: Site) -> None:
    """The app can keep the key of a session and end it from elsewhere."""
    site.use(lambda session: session.renew(subject="7"))
    run(site, "revoke", site.use(lambda session: session.key).json)
    result = site.use(lambda session: session.subject)
    assert (result.json, "Max-Age=0" in result.headers["Set-Cookie"]) == (None, True)


@stored
def test_all_sessions_of_a_subject_are_revoked_but_one(site: Site) -> None:
    """After a new password the other devices are out, and nobody else is."""
    cookies = []
    for subject in ("7", "7", "7", "8"):
        site.cookie = ""
        site.use(partial(Session.renew, subject=subject))
        cookies.append(site.cookie)
    site.cookie = cookies[0]
    key = site.use(lambda session: session.key).json
    assert run(site, "revoke_all", "7", keep=key) == 2
    headers = [{"Cookie": f"session={cookie}"} for cookie in cookies]
    assert [site.use(lambda session: session.subject, headers=each).json for each in headers] == ["7", None, None, "8"]
    assert (run(site, "revoke_all", "7"), run(site, "revoke_all", "7")) == (1, 0)


@stored
def test_a_session_that_is_revoked_meanwhile_is_not_brought_back(site: Site) -> None:
    """A request that runs while its session is revoked writes it nowhere, and its client is logged out."""
    site.use(lambda session: session.renew(subject="7"))

    def change(session: Session) -> None:
        session["a"] = 1
        run(site, "revoke_all", "7")

    result = site.use(change)
    assert "Max-Age=0" in result.headers["Set-Cookie"]
    assert site.use(lambda session: session.subject).json is None


@stored
def test_a_new_session_has_a_key_once_it_was_kept(site: Site) -> None:
    """Renewed at login it has one at once, so that the app can note it."""
    assert site.use(lambda session: [session.key, session.setdefault("a", 1)]).json == [None, 1]
    first = site.use(lambda session: session.key).json

    def renew(session: Session) -> str | None:
        session.renew(subject="7")
        return session.key

    second = site.use(renew).json
    assert first != second
    assert site.use(lambda session: session.key).json == second


def test_a_signed_session_has_no_key(clock: Clock) -> None:
    """No store knows it."""
    site = Site(clock)
    site.use(lambda session: session.renew(subject="7"))
    assert site.use(lambda session: session.key).json is None


# -- Properties --------------------------------------------------------------------------------------------------------
leaves = st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=5)
values = st.dictionaries(
    st.text(st.characters(codec="utf-8"), max_size=5), st.recursive(leaves, st.lists, max_leaves=4), max_size=4
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.tuples(st.sampled_from(["update", "renew", "clear", "read"]), values), max_size=6))
def test_a_session_is_what_a_dict_would_be(site: Site, steps: list[tuple[str, dict[str, Any]]]) -> None:
    """Whatever requests do one after the other, the next one finds what a dict in memory would hold."""
    site.cookie, expected = "", dict[str, Any]()

    for what, given_values in steps:

        def act(session: Session, what: str = what, given_values: dict[str, Any] = given_values) -> Any:
            if what == "update":
                session.update(given_values)
            elif what == "renew":
                session.renew(keep=given_values)
            elif what == "clear":
                session.clear()
            return dict(session)

        if what == "update":
            expected.update(given_values)
        elif what == "renew":
            expected = {name: value for name, value in expected.items() if name in given_values}
        elif what == "clear":
            expected = {}
        assert site.use(act).json == expected
    assert site.use().json == expected
