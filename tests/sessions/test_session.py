"""The session as a mapping, from request to request, however it is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from marshmallow import fields
from tests.sessions.conftest import KEY, Clock, Site

from ramekin import App, Resource, Settings, returns
from ramekin.errors import ContractError
from ramekin.sessions import Session, sessions
from ramekin.sessions.session import close_session
from ramekin.testing import Client


def test_values_come_back(site: Site) -> None:
    """What one request puts into the session, the next one finds."""
    value = {"books": [1, 2.5, None, True, "é"], "": {}}
    assert site.use(lambda session: session.update(cart=value)).json is None
    assert site.use(lambda session: session["cart"]).json == value


def test_it_is_a_mapping(site: Site) -> None:
    """Whatever a mutable mapping does, a session does."""
    site.use(lambda session: session.update(a=1, b=2, c=3))

    def change(session: Session) -> Any:
        session.setdefault("a", 9)
        session.setdefault("d", 4)
        del session["b"]
        return [session.pop("c"), session.get("b"), "a" in session, len(session), dict(session) == session]

    assert site.use(change).json == [3, None, True, 2, True]
    assert site.use().json == {"a": 1, "d": 4}


def test_nested_changes_are_kept(site: Site) -> None:
    """A list that is appended to is a change, though nobody assigns anything."""
    site.use(lambda session: session.update(cart=[]))
    site.use(lambda session: session["cart"].append({"book": 1}))
    site.use(lambda session: session["cart"][0].update(count=2))
    assert site.use().json == {"cart": [{"book": 1, "count": 2}]}


def test_what_is_not_changed_sets_no_cookie(site: Site) -> None:
    """Reading alone writes nothing, nor does a change that is none."""
    assert "Set-Cookie" in site.use(lambda session: session.update(a=1)).headers
    assert "Set-Cookie" not in site.use().headers
    assert "Set-Cookie" not in site.use(lambda session: session.update(a=1)).headers


def test_an_empty_session_is_none(site: Site) -> None:
    """Nothing is kept for a client of which nothing is known, and what is emptied is cleared."""
    assert "Set-Cookie" not in site.use(lambda session: session.pop("a", None)).headers
    site.use(lambda session: session.update(a=1))
    assert site.use(lambda session: session.pop("a")).json == 1
    assert (site.cookie, site.use(lambda session: session.is_new).json) == ("", True)


def test_typed_access() -> None:
    """A value of another type is as good as none, and a boolean is no number."""
    session = Session(None, lambda: None, lambda: None)  # type: ignore[arg-type]
    session._data.update(n=True, s="7")
    assert (session.get_as("n", bool), session.get_as("n", int), session.get_as("s", str)) == (True, None, "7")
    assert session.get_as("missing", int) is None


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("at", datetime(2027, 1, 1, tzinfo=UTC), r"session\['at'\] holds a datetime"),
        ("pair", (1, 2), r"session\['pair'\] holds a tuple"),
        ("by_id", {1: "x"}, "a key is of type int"),
        ("inner", {"at": [datetime(2027, 1, 1, tzinfo=UTC)]}, r"session\['inner'\] holds a dict"),
        ("nan", float("nan"), "cannot be written as JSON"),
        ("thing", object(), "cannot be written as JSON"),
        (7, "x", "names in a session are text, not 7"),
    ],
)
def test_what_json_would_change_is_refused_when_set(name: Any, value: Any, message: str) -> None:
    """The line that sets it fails, in place of a later request that finds another value."""
    session = Session(None, lambda: None, lambda: None)  # type: ignore[arg-type]
    with pytest.raises(ContractError, match=message):
        session[name] = value
    assert not session._data


def test_what_json_would_change_is_refused_in_nested_values(site: Site) -> None:
    """A nested value is looked at when the session is kept."""
    site.use(lambda session: session.update(cart=[]))
    assert site.use(lambda session: session["cart"].append((1, 2))).status == 500
    assert site.use(lambda session: session["cart"].append({None})).status == 500
    assert site.use().json == {"cart": []}


def test_a_fresh_session_at_login(site: Site) -> None:
    """Of the old session nothing is left but what is carried over, and it has a subject."""
    site.use(lambda session: session.update(cart=[1], secret="x"))
    old = site.cookie
    assert site.use(lambda session: session.renew(subject="7", keep=["cart", "missing"])).status == 200
    assert site.use(lambda session: [session.subject, dict(session)]).json == ["7", {"cart": [1]}]
    assert site.cookie != old


def test_renewed_without_a_subject_nobody_is_logged_in(site: Site) -> None:
    """A subject is stated each time, and is never carried over by itself."""
    site.use(lambda session: session.renew(subject="7"))
    site.use(lambda session: session.renew(keep=session))
    assert site.use(lambda session: session.is_new).json is True


@pytest.mark.parametrize("subject", [7, "", b"7"])
def test_a_subject_is_text(site: Site, subject: Any) -> None:
    """An id that is a number is turned into text by the app, so that it comes back as it was put in."""
    assert site.use(lambda session: session.renew(subject=subject)).status == 500
    assert site.cookie == ""


def test_clearing_ends_it_whoever_it_belonged_to(site: Site) -> None:
    """Logout: values and subject are gone, and so is the cookie."""
    site.use(lambda session: session.renew(subject="7"))
    site.use(lambda session: session.update(a=1))
    result = site.use(lambda session: session.clear())
    assert "Max-Age=0" in result.headers["Set-Cookie"]
    assert site.cookie == ""
    assert site.use(lambda session: [session.subject, len(session)]).json == [None, 0]


def test_a_session_begins_anew_after_it_was_cleared(site: Site) -> None:
    """What is put in after clearing is a session of its own, without the old subject."""
    site.use(lambda session: session.renew(subject="7"))

    def begin_anew(session: Session) -> None:
        session.clear()
        session["a"] = 1

    site.use(begin_anew)
    assert site.use(lambda session: [session.subject, dict(session)]).json == [None, {"a": 1}]


@pytest.mark.parametrize(("status", "changed"), [(409, True), (500, False), (503, False)])
def test_a_server_error_keeps_nothing(site: Site, status: int, changed: bool) -> None:
    """What a failed request has changed may be half of it; a problem of the client's is an answer like any other."""
    from ramekin.problems import problem_of_status

    site.client = Client(site.app, raise_exceptions=False, contract=False)

    def fail(session: Session) -> None:
        session["a"] = 1
        raise problem_of_status(status)

    assert site.use(fail).status == status
    assert site.use(lambda session: "a" in session).json is changed


@pytest.mark.parametrize(
    "touch",
    [
        lambda session: session.get("a"),
        lambda session: "a" in session,
        len,
        bool,
        list,
        lambda session: session.subject,
        lambda session: session.is_new,
        lambda session: session.key,
        lambda session: session.get_as("a", int),
        lambda session: session.update(a=2),
        lambda session: session.renew(),
        lambda session: session.clear(),
        lambda session: session.pop("a", None),
        lambda session: session == {},
    ],
)
@pytest.mark.parametrize("known", [True, False])
def test_any_touch_marks_the_answer(site: Site, touch: Callable[[Session], Any], known: bool) -> None:
    """An answer that looked at the session is nobody else's, whether or not there was one."""
    if known:
        site.use(lambda session: session.update(a=1))

    def act(session: Session) -> None:
        touch(session)

    headers = site.use(act).headers
    assert (headers["Vary"], headers["Cache-Control"]) == ("Cookie", "private")


def test_a_refresh_marks_the_answer(clock: Clock) -> None:
    """An answer that gives the session its time anew is marked, as any that sets the cookie."""
    site = Site(clock, idle=timedelta(hours=1))
    site.use(lambda session: session.update(a=1))
    clock.now += 1800
    headers = site.use(len).headers
    assert "Set-Cookie" in headers
    assert (headers["Vary"], headers["Cache-Control"]) == ("Cookie", "private")


def test_what_is_not_touched_is_not_read(site: Site) -> None:
    """A request that has no use for the session does not read it, and its answer may be anybody's."""
    site.use(lambda session: session.update(a=1))
    site.cookie = "tampered"
    result = site.use(repr)
    assert result.json == "<Session, not read>"
    assert not {"Vary", "Cache-Control", "Set-Cookie"} & set(result.headers.keys())


def test_a_session_does_not_show_what_is_in_it(site: Site) -> None:
    """Its representation goes into logs."""
    site.use(lambda session: session.update(secret="x"))
    assert site.use(lambda session: f"{len(session)} {session!r}").json == "1 <Session with 1 values>"


def test_a_stream_cannot_touch_it_anew(clock: Clock) -> None:
    """Once the head is on its way nothing can be said of the session, so using it then is an error."""
    app = App("Streams", settings=Settings(secret_key=KEY))
    app.declare(sessions(clock=clock))
    caught: list[str] = []

    @app.resource("/")
    class Root(Resource):
        @returns(fields.String(), media_type="text/plain")
        def get(self) -> Iterator[str]:
            yield "first"
            for use in (lambda: len(self.session), self.session.clear):
                with pytest.raises(ContractError, match="on its way") as error:
                    use()
                caught.append(str(error.value))

    assert Client(app).get("/").text == "first"
    assert [text.split()[3] for text in caught] == ["used", "used"]


def test_a_stream_can_read_what_was_touched_before(clock: Clock) -> None:
    """What was read before the head went out can be read on, and no longer changed."""
    session = Session(None, lambda: None, lambda: None)  # type: ignore[arg-type]
    assert len(session) == 0
    close_session(session)
    assert session.get("a") is None
    with pytest.raises(ContractError, match="changed when the head"):
        session["a"] = 1


def test_without_sessions_there_is_none() -> None:
    """An app that has declared none says so to whoever asks for one."""
    app = App("Plain")

    @app.resource("/")
    class Root(Resource):
        @returns(status=204)
        def get(self) -> None:
            self.session["a"] = 1

    with pytest.raises(ContractError, match=r"no sessions; app\.declare\(sessions"):
        Client(app).get("/")
