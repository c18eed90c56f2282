"""Sets of keys: read, kept, and read again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

from ramekin.auth import KeySet
from ramekin.auth.key_sets import parse_keys
from ramekin.errors import DeclarationError
from ramekin.problems import ServiceUnavailable

ONE = json.loads(jwt.algorithms.OKPAlgorithm.to_jwk(ed25519.Ed25519PrivateKey.generate().public_key()))

WEAK = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(rsa.generate_private_key(65537, 1024).public_key()))


def jwks(*key_ids: str) -> bytes:
    """Return a set of keys with these ids."""
    return json.dumps({"keys": [{**ONE, "kid": key_id} for key_id in key_ids]}).encode()


class Issuer:
    """Somebody who publishes keys: what they are now, how often they were asked for, and the time."""

    def __init__(self, *key_ids: str) -> None:
        self.content: bytes | Exception = jwks(*key_ids)
        self.asked = 0
        self.now = 0.0
        self.keys = KeySet("https://login.example/keys", fetch=self.fetch, clock=lambda: self.now)

    def fetch(self, url: str) -> bytes:
        self.asked += 1
        if isinstance(self.content, Exception):
            raise self.content
        return self.content

    def knows(self, key_id: str | None) -> bool:
        return self.keys.find(key_id) is not None


def test_keys_are_kept() -> None:
    """They are read once, and again after an hour."""
    issuer = Issuer("a")
    found = []
    for seconds in (0, 1, 3598, 1):
        issuer.now += seconds
        found.append((issuer.knows("a"), issuer.asked))
    assert found == [(True, 1), (True, 1), (True, 1), (True, 2)]


def test_a_new_key_is_found_at_once() -> None:
    """An id that is not known has the keys read again."""
    issuer = Issuer("a")
    assert issuer.knows("a")
    issuer.content, issuer.now = jwks("a", "b"), 60
    assert issuer.knows("b")


def test_made_up_ids_ask_rarely() -> None:
    """Whoever sends unknown ids has the keys read once a minute at most."""
    issuer = Issuer("a")
    for second in range(121):
        issuer.now = second
        assert not issuer.knows(f"made-up-{second}")
    assert issuer.asked == 3


def test_an_issuer_that_is_away(caplog: pytest.LogCaptureFixture) -> None:
    """The keys of the last time go on, and a warning is logged."""
    issuer = Issuer("a")
    assert issuer.knows("a")
    issuer.content, issuer.now = OSError("away"), 4_000
    assert issuer.knows("a")
    assert "cannot be read: away" in caplog.text


def test_an_issuer_that_was_never_there() -> None:
    """Without any keys the service is unavailable, and the issuer is asked once a minute at most."""
    issuer = Issuer()
    issuer.content = OSError("away")
    for second in (0, 30, 60):
        issuer.now = second
        with pytest.raises(ServiceUnavailable):
            issuer.keys.find("a")
    assert issuer.asked == 2
    issuer.content, issuer.now = jwks("a"), 120
    assert issuer.knows("a")


def test_a_token_without_a_key_id() -> None:
    """Where the set has one key, it is that one."""
    assert [Issuer("a").knows(None), Issuer("a", "b").knows(None)] == [True, False]


def test_one_reads_while_the_others_go_on() -> None:
    """Nobody who has keys waits for newer ones."""
    issuer = Issuer("a")
    assert issuer.knows("a")
    reading, go_on = Event(), Event()

    def wait(url: str) -> bytes:
        reading.set()
        go_on.wait(5)
        return jwks("a")

    issuer.keys._fetch = wait
    issuer.now = 4_000
    thread = Thread(target=issuer.knows, args=["a"])
    thread.start()
    assert reading.wait(5)
    assert issuer.knows("a")
    go_on.set()
    thread.join()


def test_keys_in_hand_are_used_while_others_are_read() -> None:
    """Whoever comes just then takes the keys that there are."""
    issuer = Issuer("a")
    assert issuer.knows("a")
    issuer.now = 4_000
    with issuer.keys._reading:
        assert issuer.knows("a")
    assert issuer.asked == 1


def test_those_who_wait_do_not_read_again() -> None:
    """Two who need the first keys at once read them once."""
    issuer = Issuer("a")
    reading, go_on = Event(), Event()
    fetch = issuer.fetch

    def wait(url: str) -> bytes:
        reading.set()
        go_on.wait(5)
        return fetch(url)

    issuer.keys._fetch = wait
    threads = [Thread(target=issuer.knows, args=["a"]) for _ in range(2)]
    threads[0].start()
    assert reading.wait(5)
    threads[1].start()
    go_on.set()
    for thread in threads:
        thread.join()
    assert issuer.asked == 1


def test_a_file(tmp_path: Path) -> None:
    """A set may stand in a file."""
    path = tmp_path / "keys.json"
    path.write_bytes(jwks("a"))
    assert KeySet(path).find("a") is not None


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{}",
        b'{"keys": 3}',
        b'{"keys": []}',
        b'{"keys": [3]}',
        b'{"keys": [{"kty": "oct", "kid": "a", "k": "c2VjcmV0"}]}',
        json.dumps({"keys": [{**ONE, "use": "enc"}]}).encode(),
        *(json.dumps({"keys": [{**ONE, "key_ops": one}]}).encode() for one in (["sign"], [], "verify", None)),
        json.dumps({"keys": [WEAK]}).encode(),
        b'{"keys": [{"kty": "new"}]}',
        b"[" * 100_000,
    ],
)
def test_what_is_no_set_of_public_keys(content: bytes) -> None:
    """A set without a public key that signs is none; secrets and weak keys in it are not taken."""
    with pytest.raises(ValueError, match="JSON Web Key Set"):
        parse_keys(content)


def test_keys_that_say_what_they_are_for() -> None:
    """Those for checking signatures are taken, beside others."""
    strong = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(rsa.generate_private_key(65537, 2048).public_key()))
    given = [{**ONE, "kid": "a", "key_ops": ["verify"], "use": "sig"}, {**strong, "kid": "b"}, {**WEAK, "kid": "c"}]
    assert set(parse_keys(json.dumps({"keys": given}).encode())) == {"a", "b"}


@pytest.mark.parametrize(
    "url",
    [
        "http://login.example/keys",
        "file:///etc/passwd",
        "ftp://127.0.0.1/",
        "https://",
        "http://127.0.0.1.evil.example/",
    ],
)
def test_urls_that_nobody_vouches_for(url: str) -> None:
    """Keys come over https, or from this machine."""
    with pytest.raises(DeclarationError, match="takes a URL with https"):
        KeySet(url)


@contextmanager
def publish(status: int, content: bytes, location: str = "") -> Iterator[str]:
    """Serve one answer on this machine, and give its URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Location", location)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *args: Any) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.handle_request)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/keys"
        thread.join()


def test_a_url() -> None:
    """A set is fetched from its URL."""
    with publish(200, jwks("a")) as url:
        assert KeySet(url).find("a") is not None


@pytest.mark.parametrize(
    ("status", "content"), [(404, b"{}"), (302, jwks("a")), (200, jwks("a") + b" " * 1_000_000), (200, b"no JSON")]
)
def test_answers_that_are_no_keys(status: int, content: bytes) -> None:
    """Errors, redirects, which could lead anywhere, and endless content give no keys."""
    with publish(status, content, "http://127.0.0.1:9/keys") as url, pytest.raises(ServiceUnavailable):
        KeySet(url).find("a")
