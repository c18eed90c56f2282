"""Which pages may open a connection."""

from __future__ import annotations

from typing import Any, cast

import pytest

from ramekin.sockets.origins import check_origin, is_allowed


class Opening:
    """A request that opens a connection."""

    def __init__(self, host: str | None, origin: str | None, scheme: str = "ws") -> None:
        self.host = host
        self.scheme = scheme
        self._origin = origin

    def header(self, name: str) -> str | None:
        return self._origin if name == "origin" else None


def may(host: str | None, origin: str | None, scheme: str = "ws", origins: Any = None) -> bool:
    """Tell whether a page of an origin may connect to a host."""
    return is_allowed(cast("Any", Opening(host, origin, scheme)), origins)


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("shop.example", "http://shop.example"),
        ("shop.example", "https://shop.example"),
        ("shop.example:443", "https://shop.example"),
        ("Shop.Example", "https://shop.example:443"),
        ("localhost:8000", "http://localhost:8000"),
        ("[::1]:8000", "http://[::1]:8000"),
        ("[::1]", "http://[::1]:80"),
        ("shop.example", None),
        (None, None),
    ],
)
def test_the_same_host_may(host: str | None, origin: str | None) -> None:
    """A page of the server's own host and port may connect, and so may what is no page."""
    assert may(host, origin)


@pytest.mark.parametrize(
    ("host", "origin", "scheme"),
    [
        ("shop.example", "https://evil.example", "ws"),
        ("shop.example", "https://shop.example.evil.example", "ws"),
        ("shop.example", "https://evil-shop.example", "ws"),
        ("shop.example", "https://shop.example:8443", "ws"),
        ("shop.example:8000", "http://shop.example", "ws"),
        ("shop.example", "http://shop.example", "wss"),
        ("shop.example", "null", "ws"),
        ("shop.example", "", "ws"),
        ("shop.example", "file://shop.example", "ws"),
        ("shop.example", "https://", "ws"),
        (None, "https://shop.example", "ws"),
        ("", "https://", "ws"),
    ],
)
def test_other_pages_may_not(host: str | None, origin: str, scheme: str) -> None:
    """Another host, another port or a scheme that is less secure is another origin, and so is what names none."""
    assert not may(host, origin, scheme)


def test_stated_origins_are_exact() -> None:
    """With a list, its members may and the server's own host need not."""
    origins = frozenset({"https://app.example"})
    assert may("api.example", "https://app.example", origins=origins)
    assert may("api.example", "https://APP.example", origins=origins)
    assert not may("api.example", "http://app.example", origins=origins)
    assert not may("api.example", "https://api.example", origins=origins)
    assert may("api.example", "https://evil.example", origins=frozenset({"*"}))


@pytest.mark.parametrize("origin", ["https://a.example/", "a.example", "https://A.example", "https://", "", 5, None])
def test_what_is_no_origin_is_noticed(origin: object) -> None:
    """An origin has a scheme and a host in lower case, and nothing behind them."""
    assert not check_origin(origin)
    assert check_origin("https://a.example:8443")
    assert check_origin("null")
