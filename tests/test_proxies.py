"""Proxies: what forwarded header fields say, and whose are believed."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import fields

from ramekin import App, Resource, Settings, returns
from ramekin.errors import SettingsError
from ramekin.proxies import read_client_host, read_host, read_prefix, read_scheme
from ramekin.testing import Client

FORWARDED = {
    "X-Forwarded-For": "203.0.113.9, 198.51.100.7",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "shop.example:8443",
    "X-Forwarded-Prefix": "/v1/",
}


@pytest.fixture
def app() -> App:
    """An app that says how it was asked."""
    app = App("Shop")

    @app.resource("/books/<int:book_id>")
    class Book(Resource):
        @returns(fields.List(fields.String(allow_none=True)))
        def get(self, book_id: int) -> list[str | None]:
            request = self.request
            return [request.client_host, request.scheme, request.host, self.url_for(Book, book_id=2)]

        @returns(fields.String())
        def post(self, book_id: int) -> str:
            return self.request.absolute_url_for(Book, book_id=2)

    return app


READERS: dict[str, Any] = {
    "for": read_client_host,
    "proto": read_scheme,
    "host": read_host,
    "prefix": read_prefix,
}


def ask(app: App, proxies: int, headers: dict[str, str] = FORWARDED, **options: Any) -> Any:
    client = Client(app, settings=Settings(trusted_proxies=proxies), **options)
    return client.get("/books/1", headers=headers).json


def test_no_proxy_is_trusted_by_default(app: App) -> None:
    """Without a number of proxies, what was forwarded is the client's own invention."""
    assert ask(app, 0) == ["127.0.0.1", "http", "localhost", "/books/2"]


def test_what_a_trusted_proxy_says(app: App) -> None:
    """With one proxy, the last address is the client's; scheme, host and prefix are as they were asked for."""
    assert ask(app, 1) == ["198.51.100.7", "https", "shop.example:8443", "/v1/books/2"]


def test_each_proxy_adds_an_address(app: App) -> None:
    """With n proxies the n-th address from the right is the client's; the other fields may have been written over."""
    assert ask(app, 2) == ["203.0.113.9", "https", "shop.example:8443", "/v1/books/2"]


def test_fewer_addresses_than_proxies(app: App) -> None:
    """A request that passed fewer proxies than there are has none of their addresses to be believed."""
    assert ask(app, 3)[0] == "127.0.0.1"


def test_a_prefix_stands_before_the_mount_prefix(app: App) -> None:
    """What a proxy took away stands before the path that the app is mounted under."""
    assert ask(app, 1, script_name="/api")[3] == "/v1/api/books/2"


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("for", "192.0.2.1:4711", "192.0.2.1"),
        ("for", "[2001:db8::1]:4711", "2001:db8::1"),
        ("for", "[2001:db8::1]", "2001:db8::1"),
        ("for", "2001:db8::1", "2001:db8::1"),
        ("for", "unknown", None),
        ("for", "evil\x00, _hidden", None),
        ("for", None, None),
        ("proto", "HTTPS", "https"),
        ("proto", "javascript", None),
        ("proto", "https, http", "http"),
        ("proto", None, None),
        ("host", "evil.example, shop.example", "shop.example"),
        ("host", " ", None),
        ("host", None, None),
        ("prefix", "//evil.example/", "/evil.example"),
        ("prefix", "%2F%2Fevil.example", "/evil.example"),
        ("prefix", "/a%20b", "/a b"),
        ("prefix", "/", ""),
        ("prefix", None, ""),
    ],
)
def test_what_one_proxy_writes(field: str, value: str | None, expected: str | None) -> None:
    """Each field is read as proxies write it; what it cannot be is not said."""
    assert READERS[field]({f"x-forwarded-{field}": value}.get, 1) == expected


def test_the_standard_field_is_not_read() -> None:
    """``Forwarded`` is written by hardly a proxy, so that it would be the client's."""
    fields = {"forwarded": "for=192.0.2.1;proto=https;host=evil.example"}

    assert [read(fields.get, 1) for read in READERS.values()] == [None, None, None, ""]


def test_a_redirect_has_the_prefix(app: App) -> None:
    """A redirect leads to where the client asked, on its own host."""

    @app.resource("/shelves/")
    class Shelves(Resource):
        @returns(status=204)
        def get(self) -> None: ...

    client = Client(app, settings=Settings(trusted_proxies=1))
    headers = FORWARDED | {"X-Forwarded-Prefix": "//evil.example/a b"}

    assert client.get("/shelves", headers=headers).headers["Location"] == "/evil.example/a%20b/shelves/"
    assert client.get("/openapi.json", headers=headers).json["servers"] == [{"url": "/evil.example/a%20b"}]


def test_the_forwarded_host_is_the_one_that_is_judged(app: App) -> None:
    """Behind a proxy the host that the client asked is held against the trusted ones, not that of the hop."""
    settings = Settings(trusted_proxies=1, trusted_hosts=("shop.example",))
    client = Client(app, settings=settings, headers={"Host": "10.0.0.7:8000"})

    assert client.get("/books/1", headers=FORWARDED).status == 200
    assert client.get("/books/1", headers={"X-Forwarded-Host": "evil.example"}).status == 400
    assert client.get("/books/1").status == 400


def test_an_absolute_url_is_made_of_the_stated_base(app: App) -> None:
    """The host that a request asks is not in it, nor what was forwarded."""
    settings = Settings(base_url="https://shop.example/v1/", trusted_proxies=1)
    client = Client(app, settings=settings, headers={"Host": "evil.example", **FORWARDED}, script_name="/mounted")

    assert client.post("/books/1").json == "https://shop.example/v1/books/2"


def test_an_absolute_url_needs_a_base(app: App) -> None:
    """Without a stated base there is no absolute URL."""
    with pytest.raises(SettingsError, match="needs the setting base_url"):
        Client(app).post("/books/1")


@given(st.dictionaries(st.sampled_from(["for", "proto", "host", "prefix"]), st.text(max_size=40)), st.integers(1, 3))
def test_anything_can_be_read(values: dict[str, str], hops: int) -> None:
    """Whatever is forwarded, a scheme is one of two, an address is one, and a prefix names no host."""
    header = {f"x-forwarded-{name}": value for name, value in values.items()}.get

    assert read_scheme(header, hops) in (None, "http", "https")
    assert not read_prefix(header, hops).startswith("//")
    assert set((read_client_host(header, hops) or "").partition("%")[0]) <= set("0123456789abcdef.:")
