"""Trusted hosts: which hosts an app answers for, and what becomes of requests for others."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ramekin import App, Resource, Settings, returns
from ramekin.hosts import TrustedHosts
from ramekin.testing import Client

HOSTS = Settings(trusted_hosts=("shop.example", "*.api.example", "[2001:db8::1]", "192.0.2.1"))


@pytest.fixture
def app() -> App:
    """An app that answers for a few hosts."""
    app = App("Shop", settings=HOSTS)

    @app.resource("/books")
    class Books(Resource):
        @returns(status=204)
        def get(self) -> None: ...

    return app


@pytest.mark.parametrize(
    "host",
    [
        "shop.example",
        "SHOP.example",
        "shop.example.",
        "shop.example:8443",
        "a.api.example",
        "a.b.api.example:80",
        "[2001:db8::1]",
        "[2001:DB8:0::1]:8000",
        "192.0.2.1:80",
    ],
)
def test_a_trusted_host_is_answered(client: Client, host: str) -> None:
    """Case, a trailing dot, the port and the spelling of an address do not count; twice the same is no other answer."""
    assert [client.get("/books", headers={"Host": host}).status for _ in range(2)] == [204, 204]


@pytest.mark.parametrize(
    "host",
    [
        "",
        "evil.example",
        "shop.example.evil.example",
        "evilshop.example",
        "api.example",
        ".api.example",
        "evil.example/.api.example",
        "evil.example#.api.example",
        "user@shop.example",
        "shop.example, evil.example",
        "shop.example shop.example",
        "shop.example:http",
        "shop.example:123456",
        "shop.example..",
        "shöp.example",
        "[2001:db8::2]",
        "[::zz]",
        "2001:db8::1",
        "192.0.2.10",
        "localhost",
    ],
)
def test_another_host_is_refused(client: Client, host: str) -> None:
    """Any other host, and none, is 400, and the answer does not repeat it."""
    result = client.get("/books", environ={"HTTP_HOST": host.encode().decode("latin-1")})

    assert (result.status, result.problem["code"]) == (400, "bad-request")
    assert not host or host.encode() not in result.content


def test_a_request_without_a_host_is_refused() -> None:
    """Where hosts are trusted by name, a request has to name one."""
    assert not TrustedHosts(["shop.example"]).trust(None)


def test_an_address_that_is_none() -> None:
    """What stands in brackets has to be an address."""
    assert not TrustedHosts(["[::1]"]).trust("[1:2]")


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/nowhere", 404), ("PUT", "/books", 405), ("GET", "/docs/", 404)]
)
def test_the_host_comes_before_path_and_method(client: Client, method: str, path: str, status: int) -> None:
    """400 for the host comes before 404 and 405."""
    assert client.request(method, path).status == status
    assert client.request(method, path, headers={"Host": "evil.example"}).status == 400


def test_head_and_options_ask_a_host_too(client: Client) -> None:
    """No method gets around the host; the answer to HEAD has no content."""
    head = client.head("/books", headers={"Host": "evil.example"})

    assert (head.status, head.content) == (400, b"")
    assert client.options("/books", headers={"Host": "evil.example"}).status == 400


def test_hooks_see_what_is_refused(app: App) -> None:
    """The app's hooks run around a request for another host, as around a 404."""
    seen: list[Any] = []
    app.after(lambda request, reply: seen.append((request.operation, reply.status)))

    Client(app).get("/books", headers={"Host": "evil.example"})

    assert seen == [(None, 400)]


def test_any_host_is_taken_by_default(app: App) -> None:
    """Without trusted hosts, nothing is decided by the host."""
    assert Client(app, settings=Settings()).get("/books", headers={"Host": "evil.example"}).status == 204


def test_debug_mode_is_asked_as_this_machine(app: App) -> None:
    """The development server answers for this machine, whatever the app is called."""
    client = Client(app, settings=HOSTS.changed(debug=True))

    for host, status in (("localhost:8000", 204), ("[::1]", 204), ("127.0.0.1", 204), ("evil.example", 400)):
        assert client.get("/books", headers={"Host": host}).status == status


def test_few_spellings_are_remembered() -> None:
    """What a client can make up without end does not fill the memory."""
    hosts = TrustedHosts(["*.example"])

    assert all(hosts.trust(f"a{number}.example") for number in range(1_000))
    assert len(hosts._good) <= 64


@given(st.text(st.characters(max_codepoint=0x7F), max_size=20) | st.from_regex(r"[a-z.]{1,9}", fullmatch=True))
def test_only_names_below_a_wildcard_are_trusted(below: str) -> None:
    """A wildcard stands for labels of a name, and for nothing else."""
    labels = below.split(".")
    is_name = all(label and set(label.lower()) <= set("abcdefghijklmnopqrstuvwxyz0123456789-_") for label in labels)

    assert TrustedHosts(["*.example"]).trust(f"{below}.example") is is_name
