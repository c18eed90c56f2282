"""Which pages may open a connection."""

from __future__ import annotations

from typing import Any, cast

import pytest

from ramekin import Settings
from ramekin.sockets.origins import is_allowed


class Opening:
    """A request that opens a connection."""

    settings = Settings()

    def __init__(self, host: str | None, origin: str | None, scheme: str = "http") -> None:
        self.host = host
        self.scheme = scheme
        self._origin = origin

    def header(self, name: str) -> str | None:
        return self._origin if name == "origin" else None


def may(host: str | None, origin: str | None, scheme: str = "http", trusted: frozenset[str] = frozenset()) -> bool:
    """Tell whether a page of an origin may connect to a host."""
    return is_allowed(cast("Any", Opening(host, origin, scheme)), trusted)


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
        ("shop.example", "https://evil.example", "http"),
        ("shop.example", "https://shop.example.evil.example", "http"),
        ("shop.example", "https://evil-shop.example", "http"),
        ("shop.example", "https://shop.example:8443", "http"),
        ("shop.example:8000", "http://shop.example", "http"),
        ("shop.example", "http://shop.example", "https"),
        ("shop.example", "null", "http"),
        ("shop.example", "", "http"),
        ("shop.example", "file://shop.example", "http"),
        ("shop.example", "https://", "http"),
        (None, "https://shop.example", "http"),
        ("", "https://", "http"),
    ],
)
def test_other_pages_may_not(host: str | None, origin: str, scheme: str) -> None:
    """Another host, another port or a scheme that is less secure is another origin, and so is what names none."""
    assert not may(host, origin, scheme)


def test_stated_origins_are_exact() -> None:
    """With a list, its members may beside the server's own host."""
    trusted = frozenset({"https://app.example", "http://old.example"})
    assert may("api.example", "https://app.example", trusted=trusted)
    assert may("api.example", "https://APP.example", trusted=trusted)
    assert not may("api.example", "http://app.example", trusted=trusted)
    assert may("api.example", "https://api.example", trusted=trusted)
    assert may("api.example", "http://old.example", "https", trusted)
    assert may("api.example", "https://evil.example", trusted=frozenset({"*"}))
