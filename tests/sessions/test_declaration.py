"""The declaration of sessions: its options, hooks around it, the marks on answers, the contract."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from tests.sessions.conftest import Clock, Site

from ramekin import App, Reply, Request, Resource, Settings, returns
from ramekin.errors import DeclarationError, SettingsError
from ramekin.problems import CrossOrigin
from ramekin.sessions import MemoryStore, sessions
from ramekin.testing import Client, exercise_implied


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_age": 3600}, r"max_age=…\) takes a timedelta"),
        ({"max_age": timedelta()}, r"max_age=…\) takes a timedelta"),
        ({"idle": 3600}, r"idle=…\) takes a timedelta"),
        ({"idle": timedelta(days=15)}, "longer than max_age"),
        ({"cookie": ""}, "takes a token"),
        ({"cookie": "a b"}, "takes a token"),
        ({"cookie": "__Host-session"}, "prefix is put before"),
        ({"path": "shop"}, "begins with a slash"),
        ({"same_site": "lax"}, "takes 'Lax', 'Strict' or 'None'"),
        ({"same_site": "None"}, "needs secure=True"),
        ({"store": object()}, "takes a SessionStore"),
        ({"store": MemoryStore}, "takes a SessionStore"),
        ({"trusted_origins": "https://a.example"}, "several origins"),
        ({"trusted_origins": ["*"]}, "origins as browsers send them"),
        ({"trusted_origins": ["null"]}, "origins as browsers send them"),
        ({"trusted_origins": ["https://a.example/"]}, "origins as browsers send them"),
        ({"trusted_origins": ["https://a.example:443"]}, "origins as browsers send them"),
        ({"trusted_origins": ["https://A.example"]}, "origins as browsers send them"),
        ({"trusted_origins": [7]}, "origins as browsers send them"),
    ],
)
def test_options_that_cannot_be(options: dict[str, Any], message: str) -> None:
    """A wrong option is refused where it stands, with what was expected."""
    with pytest.raises(DeclarationError, match=message):
        sessions(**options)


def test_sessions_stand_on_the_app_alone() -> None:
    """One client has one session with the app, so no method or class has sessions of its own."""
    with pytest.raises(DeclarationError, match=r"app\.declare\(sessions\(…\)\)"):
        sessions()(Resource)


def test_sessions_need_a_key() -> None:
    """Without a key the app does not start, and the message says how to make one."""
    app = App("Shop")
    app.declare(sessions())
    with pytest.raises(SettingsError, match="secret_key is not set"):
        app.compile()


def test_a_site_compiled_with_other_settings_signs_with_their_key(clock: Clock) -> None:
    """The key is that of the settings that a site is compiled with."""
    site = Site(clock)
    site.use(lambda session: session.update(a=1))
    other = Client(site.app, settings=Settings(secret_key="the key of a test run"))
    other.set_cookie("session", site.cookie)
    site.act = dict
    assert other.get("/").json == {}


@pytest.mark.parametrize(("path", "status"), [("/", 200), ("/nowhere", 404), ("/problem", 409)])
def test_hooks_of_the_app_have_the_session(clock: Clock, path: str, status: int) -> None:
    """Hooks stand inside of sessions, around unmatched requests too, and what they do is kept and marked."""

    def prepare(app: App) -> None:
        @app.before
        def count(request: Request) -> None:
            request.session["visits"] = request.session.get("visits", 0) + 1

        @app.after
        def count_again(request: Request, reply: Reply[Any]) -> None:
            request.session["answers"] = request.session.get("answers", 0) + 1

        @app.resource("/problem")
        class Problematic(Resource):
            @returns(status=204)
            def get(self) -> None:
                from ramekin.problems import Conflict

                raise Conflict

    site = Site(clock, prepare=prepare)
    client = Client(site.app, contract=False)
    result = client.get(path)
    caching = "private" if status == 200 else "no-store"  # A problem is not stored, by nobody.
    assert (result.status, result.headers["Vary"], result.headers["Cache-Control"]) == (status, "Cookie", caching)
    assert client.get("/").json == {"visits": 2, "answers": 1}


def test_unsafe_operations_may_end_in_a_403(clock: Clock) -> None:
    """The refusal of another origin's request follows from the declaration and stands in the document."""
    site = Site(clock)
    get, post, *pages = site.client.site.operations
    assert [outcome.implied for outcome in post.outcomes if outcome.problem is CrossOrigin] == [True]
    assert all(outcome.status != 403 for operation in (get, *pages) for outcome in operation.outcomes)
    responses = site.client.site.document()["paths"]["/"]["post"]["responses"]
    assert responses["403"] == {"$ref": "#/components/responses/CrossOrigin"}


def test_the_403_is_exercised_by_itself(clock: Clock) -> None:
    """No test has to spell out the refusal: what meets the implied outcomes meets it."""
    site = Site(clock)
    site.act = lambda session: None
    exercise_implied(site.client)
    met = {(exercise.operation, exercise.status) for exercise in site.client.exercises}
    assert ("postRoot", 403) in met


def test_an_app_without_sessions_loads_nothing_of_them() -> None:
    """Importing ramekin, and serving without sessions, costs nothing for them."""
    import subprocess
    import sys

    program = (
        "import sys; from ramekin import *; from ramekin.testing import Client\n"
        "app = App('Plain')\n"
        "@app.resource('/')\n"
        "class Root(Resource):\n"
        "    @returns(status=204)\n"
        "    def get(self): ...\n"
        "assert Client(app, contract=False).get('/').status == 204\n"
        "print([name for name in sys.modules if name.startswith(('ramekin.s', 'itsd', 'sqlite')) and 'sess' in name])"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
