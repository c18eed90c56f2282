"""The cookie of a session: its name and attributes, what becomes of bad ones, its size."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.sessions.conftest import KEY, Clock, Site

from ramekin import Settings
from ramekin.errors import ContractError
from ramekin.responses import COOKIE_BYTES
from ramekin.sessions import Session
from ramekin.testing import Client

HTTPS = {"wsgi.url_scheme": "https"}
OLD, NEWEST = "the key of last month", "the key of next month"


def attributes(field: str) -> dict[str, str]:
    """Return the attributes of a Set-Cookie field, its name and value under an empty name."""
    pairs = (part.strip().partition("=") for part in f"={field}".split(";"))
    return {name: value for name, _, value in pairs}


def begin(site: Site, **options: Any) -> dict[str, str]:
    """Begin a session and return the attributes of its cookie."""
    return attributes(site.use(lambda session: session.update(a=1), **options).headers["Set-Cookie"])


def test_a_cookie_is_safe_by_default(clock: Clock) -> None:
    """Over HTTPS the cookie is Secure, HttpOnly, SameSite=Lax, and no other host can plant one."""
    found = begin(Site(clock), environ=HTTPS)
    assert found.pop("").startswith("__Host-session=")
    assert found.pop("Expires").endswith("GMT")
    assert found == {"Max-Age": "1209600", "Path": "/", "Secure": "", "HttpOnly": "", "SameSite": "Lax"}


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:8000", "127.0.0.1:8000", "[::1]:8000", "shop.localhost", "127.1.2.3"]
)
def test_a_cookie_for_this_machine_is_not_secure(clock: Clock, host: str) -> None:
    """Plain HTTP on this machine is development, where browsers would drop a cookie for HTTPS."""
    found = begin(Site(clock), headers={"Host": host})
    assert found[""].startswith("session=")
    assert not {"Secure"} & found.keys()
    assert "HttpOnly" in found


@pytest.mark.parametrize(
    "options",
    [
        {"headers": {"Host": "shop.example"}},
        {"headers": {"Host": "localhost.evil.example"}},
        {"headers": {"Host": "127.0.0.1.evil.example"}},
        {"headers": {"Host": "127.evil.example"}},
        {"headers": {"Host": "[::1"}},
        {"headers": {"Host": ""}},
        {"environ": {"REMOTE_ADDR": "192.0.2.1"}},
        {"headers": {"X-Forwarded-For": "192.0.2.1"}},
        {"headers": {"Forwarded": "for=192.0.2.1"}},
        {"headers": {"Via": "1.1 proxy"}},
        {"environ": HTTPS},
    ],
)
def test_any_other_cookie_is_secure(clock: Clock, options: dict[str, Any]) -> None:
    """Plain HTTP behind a proxy is not development: the browser speaks HTTPS to that."""
    found = begin(Site(clock), **options)
    assert (found[""].startswith("__Host-session="), found["Secure"]) == (True, "")


@pytest.mark.parametrize(
    ("options", "name", "expected"),
    [
        ({"secure": True}, "__Host-session", {"Secure": ""}),
        ({"secure": False}, "session", {}),
        ({"domain": "localhost"}, "session", {"Domain": "localhost"}),
        ({"domain": "localhost", "secure": True}, "session", {"Domain": "localhost", "Secure": ""}),
        ({"path": "/shop", "secure": True}, "session", {"Path": "/shop", "Secure": ""}),
        ({"cookie": "sid", "same_site": "Strict"}, "sid", {"SameSite": "Strict"}),
        ({"same_site": "None", "secure": True}, "__Host-session", {"SameSite": "None", "Secure": ""}),
        ({"max_age": timedelta(hours=1)}, "session", {"Max-Age": "3600"}),
        ({"idle": timedelta(hours=1)}, "session", {"Max-Age": "3600"}),
    ],
)
def test_attributes_that_are_stated(clock: Clock, options: dict[str, Any], name: str, expected: dict[str, str]) -> None:
    """Each option has its attribute; the prefix stands where browsers take it."""
    found = begin(Site(clock, **options))
    assert found[""].startswith(f"{name}=")
    assert expected.items() <= found.items()
    assert ("Secure" in found) == ("Secure" in expected)


@pytest.mark.parametrize("options", [{}, {"secure": True}, {"domain": "localhost", "path": "/"}])
def test_a_cleared_cookie_has_the_attributes_it_was_set_with(clock: Clock, options: dict[str, Any]) -> None:
    """Browsers forget a cookie of the same name, path and domain alone."""
    site = Site(clock, **options)
    made, cleared = begin(site), attributes(site.use(lambda session: session.clear()).headers["Set-Cookie"])
    assert cleared.pop("").partition("=")[::2] == (made.pop("").partition("=")[0], "")
    assert (cleared.pop("Max-Age"), cleared.pop("Expires")) == ("0", "Thu, 01 Jan 1970 00:00:00 GMT")
    assert cleared.items() <= made.items()


# -- Bad cookies -------------------------------------------------------------------------------------------------------
def tamper(site: Site) -> None:
    site.cookie = ("A" if site.cookie[0] != "A" else "B") + site.cookie[1:]


def change_padding(site: Site) -> None:
    site.cookie += "="


def forget_key(site: Site) -> None:
    site.client = Client(site.app, settings=Settings(secret_key=NEWEST), contract=False)


def wait(site: Site) -> None:
    site.clock.now += 14 * 86400


def write_nonsense(site: Site) -> None:
    site.cookie = "nonsense"


@pytest.mark.parametrize("spoil", [tamper, change_padding, forget_key, wait, write_nonsense])
def test_a_bad_cookie_is_as_none_and_is_cleared(site: Site, spoil: Callable[[Site], None]) -> None:
    """Tampered, expired, signed by an unknown key: the client is anonymous, and rid of the cookie."""
    begin(site)
    cookie = site.cookie
    spoil(site)
    site.client.set_cookie("session", site.cookie or cookie)
    result = site.use(lambda session: [session.is_new, session.subject, dict(session)])
    assert result.json == [True, None, {}]
    assert attributes(result.headers["Set-Cookie"])["Max-Age"] == "0"
    assert (result.headers["Vary"], site.cookie) == ("Cookie", "")


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_changed_byte_of_a_cookie_makes_it_none(clock: Clock, data: st.DataObject) -> None:
    """However a cookie is changed, nobody gets in with it."""
    site = Site(clock)
    site.use(lambda session: session.renew(subject="7"))
    cookie = site.cookie
    place = data.draw(st.integers(0, len(cookie) - 1))
    letter = data.draw(
        st.characters(min_codepoint=33, max_codepoint=126, exclude_characters='";,\\').filter(
            lambda one: one != cookie[place]
        )
    )
    changed = cookie[:place] + letter + cookie[place + data.draw(st.integers(0, 1)) :]
    result = site.use(lambda session: session.subject, headers={"Cookie": f"session={changed}"})
    assert result.json is None


def test_an_anonymous_client_that_begins_a_session_over_a_bad_cookie_keeps_it(site: Site) -> None:
    """A bad cookie stands in nobody's way: the new one takes its place."""
    site.cookie = "nonsense"
    begin(site)
    assert site.use().json == {"a": 1}


# -- Several cookies of one name ---------------------------------------------------------------------------------------
def test_of_several_cookies_the_newest_good_one_counts(site: Site) -> None:
    """A browser sends an old cookie of another path or domain as well, and in any order."""
    cookies = []
    for n in range(3):
        site.cookie = ""
        site.use(partial(Session.update, n=n))
        cookies.append(site.cookie)
        site.clock.now += 10
    for order in ([0, 1, 2], [2, 1, 0], [1, 2, 0]):
        header = "; ".join(["session=nonsense", "other=1", *(f"session={cookies[n]}" for n in order)])
        assert site.use(headers={"Cookie": header}).json == {"n": 2}


def test_many_cookies_of_one_name_are_not_all_looked_at(site: Site) -> None:
    """A flood of them costs a few signatures."""
    begin(site)
    header = "; ".join(["session=nonsense"] * 10 + [f"session={site.cookie}"])
    assert site.use(headers={"Cookie": header}).json == {}


def test_a_subject_that_is_too_long(clock: Clock) -> None:
    """Login fails in its own line, and leaves the session as it was."""
    site = Site(clock)

    def log_in(session: Session) -> Any:
        session["a"] = 1
        with pytest.raises(ContractError, match="browsers drop those longer than 4096"):
            session.renew(subject="x" * 5000, keep=["a"])
        return [session["a"], session.subject]

    assert site.use(log_in).json == [1, None]


@pytest.mark.parametrize("name", ["Session", "sessions", "my-session", "__Host-session", "session-id"])
def test_cookies_of_other_names_are_none(site: Site, name: str) -> None:
    """A cookie is found by its whole name, in its own case; on this machine without the prefix."""
    begin(site)
    assert site.use(headers={"Cookie": f"{name}={site.cookie}"}).json == {}


def test_over_https_a_cookie_without_the_prefix_is_none(clock: Clock) -> None:
    """What another host of the domain could have planted is not read."""
    site = Site(clock)
    begin(site)
    header = {"Cookie": f"session={site.cookie}"}
    assert site.use(headers=header, environ=HTTPS).json == {}


# -- Keys --------------------------------------------------------------------------------------------------------------
def test_new_cookies_are_signed_by_the_newest_key_and_old_keys_only_read(clock: Clock) -> None:
    """After a key was replaced, the old cookie is read, and what is written then is nothing to the old key."""
    site = Site(clock, settings=Settings(secret_key=OLD))
    begin(site)
    site.act = lambda session: session.update(n=session.get("n", 0) + 1)
    rotated = Client(site.app, settings=Settings(secret_key=KEY, secret_key_fallbacks=(OLD,)))
    rotated.set_cookie("session", site.cookie)
    rotated.get("/")
    site.act = dict
    seen = []
    for keys in ({"secret_key": KEY}, {"secret_key": OLD}, {"secret_key": NEWEST, "secret_key_fallbacks": (OLD, KEY)}):
        client = Client(site.app, settings=Settings(**keys))
        seen.append(client.get("/", cookies={"session": rotated.get_cookie("session")}).json)
    assert seen == [{"a": 1, "n": 1}, {}, {"a": 1, "n": 1}]


# -- Size --------------------------------------------------------------------------------------------------------------
def test_a_session_over_4_kb_is_an_error_when_set(clock: Clock) -> None:
    """The line that makes it too large fails, and says what to do; browsers would drop the cookie in silence."""
    site = Site(clock)

    def grow(session: Session) -> None:
        session["a"] = "x"
        with pytest.raises(ContractError, match=r"browsers drop those longer than 4096\. Keep less in it, or keep it"):
            session["a"] = "x" * 4096

    assert site.use(grow).status == 200
    assert site.use().json == {"a": "x"}


def test_a_nested_value_over_4_kb_is_an_error_when_kept(clock: Clock) -> None:
    """What grows inside is measured when the cookie is set."""
    site = Site(clock)
    site.use(lambda session: session.update(a=[]))
    assert site.use(lambda session: session["a"].append("x" * 4096)).status == 500
    assert site.use().json == {"a": []}


@pytest.mark.parametrize(
    "options", [{}, {"secure": True, "same_site": "Strict", "domain": "localhost", "path": "/" + "p" * 80}]
)
def test_the_largest_session_has_a_cookie_that_browsers_keep(clock: Clock, options: dict[str, Any]) -> None:
    """Every session that is taken fits, whatever the attributes: one byte more than the most is refused."""
    site = Site(clock, **options)
    size = 1
    for step in (2048, 512, 128, 32, 8, 2, 1, 1):
        for _ in range(4):
            if site.use(lambda session: session.update(a="x" * (size + step))).status == 200:  # noqa: B023  # run at once
                size += step
    site.cookie = ""
    field = site.use(lambda session: session.update(a="x" * size)).headers["Set-Cookie"]
    assert COOKIE_BYTES - 100 <= len(field) <= COOKIE_BYTES


def test_a_stored_session_may_be_larger(site: Site) -> None:
    """In a store there is room; the cookie holds the id alone."""
    if site.store is not None:
        assert site.use(lambda session: session.update(a="x" * 100_000)).status == 200
        assert (len(site.cookie) < 200, site.use(lambda session: len(session["a"])).json) == (True, 100_000)
