"""Requests of other origins: unsafe ones that carry the session are refused, before anything else is looked at."""

from __future__ import annotations

from typing import Any

import pytest
from tests.sessions.conftest import KEY, Clock, Site

from ramekin import App, Request, Resource, Settings, accepts, returns
from ramekin.sessions import MemoryStore, Session, sessions
from ramekin.testing import Client

APP, OTHER = "https://app.example", "https://evil.example"
CARRIED = {"Cookie": "session=whatever"}


def post(headers: dict[str, str], method: str = "POST", **options: Any) -> int:
    """Return the status of a request to shop.example that carries a session."""
    app = App("Shop", settings=Settings(secret_key=KEY))
    app.declare(sessions(secure=False, **options))

    class Root(Resource):
        @returns(status=204)
        def get(self) -> None: ...

        post = put = patch = delete = options = get

    app.add_resource("/", Root)
    return Client(app).request(method, "/", headers={"Host": "shop.example", **CARRIED, **headers}).status


@pytest.mark.parametrize("site", ["same-origin", "none"])
@pytest.mark.parametrize("origin", [{}, {"Origin": OTHER}, {"Origin": "null"}])
def test_the_browser_says_that_it_is_the_same_origin(site: str, origin: dict[str, str]) -> None:
    """No page can change ``Sec-Fetch-Site``, so it is believed before ``Origin``."""
    assert post({"Sec-Fetch-Site": site, **origin}) == 204


@pytest.mark.parametrize("site", ["cross-site", "same-site", "", "Same-Origin", "same-origin, cross-site", "new-word"])
def test_the_browser_says_that_it_is_another_origin(site: str) -> None:
    """Another site, another host of the same site, and any word that is yet to come are refused."""
    assert post({"Sec-Fetch-Site": site}) == 403
    assert post({"Sec-Fetch-Site": site, "Origin": "https://shop.example"}) == 403


@pytest.mark.parametrize(
    ("host", "origin", "status"),
    [
        ("shop.example", "https://shop.example", 204),
        ("shop.example", "http://shop.example", 204),
        ("SHOP.example", "https://shop.example", 204),
        ("shop.example:443", "https://shop.example", 204),
        ("shop.example:80", "http://shop.example", 204),
        ("shop.example:8443", "https://shop.example:8443", 204),
        ("[::1]:8000", "http://[::1]:8000", 204),
        ("shop.example", "https://shop.example:8443", 403),
        ("shop.example:8443", "https://shop.example", 403),
        ("shop.example", "https://api.shop.example", 403),
        ("shop.example", "https://shop.example.evil", 403),
        ("shop.example", "https://evilshop.example", 403),
        ("shop.example", "https://shop.example@evil", 403),
        ("shop.example", "null", 403),
        ("shop.example", "", 403),
        ("", "https://shop.example", 403),
        ("shop.example", "https://shop.example, https://evil.example", 403),
        ("shop.example", "chrome-extension://shop.example", 403),
    ],
)
def test_an_older_browser_says_which_origin(host: str, origin: str, status: int) -> None:
    """Without ``Sec-Fetch-Site`` the origin has to be the host that was asked, its port included."""
    assert post({"Host": host, "Origin": origin}) == status


def test_a_client_that_says_nothing_is_no_browser() -> None:
    """A program sends neither field, and no page can make it send the cookie."""
    assert post({}) == 204


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_all_unsafe_methods_are_checked(method: str) -> None:
    """Whatever may change something is checked, though the handler never touches the session."""
    assert post({"Origin": OTHER}, method) == 403


@pytest.mark.parametrize(("method", "status"), [("GET", 204), ("HEAD", 204), ("OPTIONS", 204)])
def test_safe_methods_are_not_checked(method: str, status: int) -> None:
    """A link from elsewhere works."""
    assert post({"Origin": OTHER, "Sec-Fetch-Site": "cross-site"}, method) == status


@pytest.mark.parametrize("cookie", ["other=1", "", "session", "sessions=1"])
def test_a_request_without_the_session_is_not_refused(cookie: str) -> None:
    """There is nothing to be abused; an API with tokens may be called from anywhere."""
    assert post({"Origin": OTHER, "Cookie": cookie}) == 204


@pytest.mark.parametrize("name", ["Origin", "X-HTTP-Method-Override"])
def test_override_headers_change_nothing(name: str) -> None:
    """The method of the operation decides."""
    assert post({"Origin": OTHER, name: OTHER if name == "Origin" else "GET"}) == 403


def test_a_trusted_origin_may_send_unsafe_requests() -> None:
    """An exact origin is trusted, whatever the browser calls its site; what merely looks like it is not."""
    trusted: dict[str, Any] = {"trusted_origins": [APP]}
    assert post({"Origin": APP, "Sec-Fetch-Site": "cross-site"}, **trusted) == 204
    assert post({"Origin": APP}, **trusted) == 204
    assert post({"Origin": APP.upper()}, **trusted) == 204
    for origin in (OTHER, "http://app.example", f"{APP}:8443", f"{APP}.evil", "null"):
        assert post({"Origin": origin, "Sec-Fetch-Site": "same-site"}, **trusted) == 403


def shop() -> Client:
    """A client of an app that wants JSON and knows one path."""
    app = App("Shop", settings=Settings(secret_key=KEY))
    app.declare(sessions())

    @app.resource("/")
    class Root(Resource):
        @accepts(json={})
        @returns(status=204)
        def post(self, json: Any) -> None: ...

    return Client(app, headers={"Origin": OTHER, **CARRIED})


def test_the_refusal_is_a_problem() -> None:
    """It is a 403 with a code of its own, which says nothing of the request."""
    result = shop().post("/", json={})
    assert (result.status, result.problem["code"], "detail" in result.problem) == (403, "cross-origin", False)


def test_it_comes_after_the_router_and_before_everything_else() -> None:
    """404 and 405 come first; 406, 415, 413 and 422 do not."""
    client = shop()
    assert (client.post("/nowhere").status, client.put("/").status) == (404, 405)
    assert client.post("/", headers={"Accept": "text/html"}, content=b"{", content_type="text/plain").status == 403


def test_a_page_of_another_origin_cannot_begin_a_session(site: Site) -> None:
    """Login forgery: without a cookie there is nothing to check, so what begins a session checks."""
    for change in (lambda session: session.renew(subject="evil"), lambda session: session.update(a=1), Session.clear):
        result = site.use(change, "POST", headers={"Origin": OTHER})
        assert (result.status, result.problem["code"]) == (403, "cross-origin")
        assert "Set-Cookie" not in result.headers
    assert site.use(len, "POST", headers={"Origin": OTHER}).json == 0
    assert site.use(lambda session: session.update(a=1), headers={"Origin": OTHER}).status == 200


def test_a_refused_request_changes_no_session(clock: Clock) -> None:
    """What hooks of the app have done is not kept, where there is no operation either."""

    def prepare(app: App) -> None:
        @app.before
        def note(request: Request) -> None:
            if request.method == "POST":
                request.session["seen"].append(1)

    site = Site(clock, MemoryStore(clock=clock), prepare=prepare)
    site.use(lambda session: session.update(seen=[]))
    assert site.use(method="POST", headers={"Sec-Fetch-Site": "cross-site"}).status == 403
    assert site.client.post("/nowhere", headers={"Sec-Fetch-Site": "cross-site"}).status == 404
    assert site.use().json == {"seen": []}
