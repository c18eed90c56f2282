"""Faults of framing under a real server: no broken request has an effect, no unread byte becomes a request."""

from __future__ import annotations

import json
import socket
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Protocol
from urllib.parse import urlsplit

import pytest
from tests.acceptance.conftest import Credentials, Server


@contextmanager
def connection(address: str) -> Iterator[socket.socket]:
    """Open a connection to a server."""
    parts = urlsplit(address)
    with closing(socket.create_connection((parts.hostname or "", parts.port or 0), timeout=30)) as opened:
        yield opened


def exchange(address: str, *pieces: bytes, end: bool = False) -> bytes:
    """Send pieces of requests on one connection, and return all that comes back until the server closes it."""
    with connection(address) as opened:
        for piece in pieces:
            opened.sendall(piece)
        if end:
            opened.shutdown(socket.SHUT_WR)
        answers = b""
        while received := opened.recv(65_536):
            answers += received
        return answers


class Head(Protocol):
    """Makes the head of a POST that adds a book."""

    def __call__(self, length: bytes, *, close: bool = True) -> bytes: ...


@pytest.fixture
def head(credentials: Credentials) -> Head:
    """The head of a POST of somebody who may add books."""

    def make_head(length: bytes, *, close: bool = True) -> bytes:
        lines = [b"POST /books HTTP/1.1", b"Host: bookshop", b"Content-Type: application/json", length]
        lines.append(b"Authorization: Bearer " + credentials.token.encode())
        return b"\r\n".join([*lines, b"Connection: close"] if close else lines) + b"\r\n\r\n"

    return make_head


BOOK = json.dumps({"title": "A good chunked body", "author": "Anybody"}).encode()


def count_books(address: str, title: str) -> int:
    """Return how many books of a title there are."""
    query = title.replace(" ", "%20")
    with urllib.request.urlopen(f"{address}/books?title={query}") as response:
        return len(json.load(response))


def test_good_chunked_body_is_served(server: Server, head: Head) -> None:
    """A body in chunks is read like any other."""
    chunks = b"%x\r\n%s\r\n0\r\n\r\n" % (len(BOOK), BOOK)
    answer = exchange(server("bookshop"), head(b"Transfer-Encoding: chunked"), chunks)
    assert answer.startswith(b"HTTP/1.1 201 ")


@pytest.mark.parametrize("chunk", [b"zz\r\n", b"5\r\nab", b"-5\r\nabcde\r\n0\r\n\r\n"])
def test_broken_chunk_is_no_fault_of_the_server(chunk: bytes, server: Server, head: Head) -> None:
    """A chunk that is broken or never comes is answered by a 4xx or by nothing, never by a 5xx."""
    answer = exchange(server("bookshop"), head(b"Transfer-Encoding: chunked"), chunk, end=True)
    assert answer == b"" or answer.startswith(b"HTTP/1.1 4")


def test_truncated_body_that_parses_is_refused(server: Server, head: Head) -> None:
    """A body shorter than its Content-Length is not taken for whole, though what came is good JSON."""
    address, title = server("bookshop"), "Truncated"
    body = json.dumps({"title": title, "author": "Anybody"}).encode()
    answer = exchange(address, head(b"Content-Length: %d" % (len(body) + 10)), body, end=True)
    assert answer == b"" or answer.startswith(b"HTTP/1.1 400 ")
    assert count_books(address, title) == 0


def test_announced_body_over_the_limit_is_refused_before_it_is_sent(server: Server, head: Head) -> None:
    """A Content-Length over the limit is answered by 413 although no byte of the body has come."""
    answer = exchange(server("bookshop"), head(b"Content-Length: 100000000"))
    assert answer.startswith(b"HTTP/1.1 413 ")


def test_endless_chunked_body_is_refused_at_the_limit(server: Server, head: Head) -> None:
    """A body in chunks is answered by 413 once it has passed the limit."""
    with connection(server("bookshop")) as opened:
        opened.sendall(head(b"Transfer-Encoding: chunked"))
        piece = b"10000\r\n" + b" " * 65_536 + b"\r\n"
        try:
            for _ in range(40):
                opened.sendall(piece)
        except OSError:
            pass  # The server gave up the connection; what it said before may still be read.
        try:
            answer = opened.recv(65_536)
        except ConnectionResetError:
            answer = b""
    assert answer == b"" or answer.startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize(
    "length", [b"Content-Length: 5\r\nContent-Length: 6", b"Content-Length: +5", b"Content-Length: -5"]
)
def test_unclear_length_is_refused(length: bytes, server: Server, head: Head) -> None:
    """A length that can be read in two ways is answered by 400."""
    answer = exchange(server("bookshop"), head(b"Content-Length" + length), b"{}{}{}", end=True)
    assert answer.startswith(b"HTTP/1.1 400 ")


def test_unread_body_never_becomes_a_request(server: Server, head: Head) -> None:
    """The bytes of a body that was refused unread are not answered as a request of their own."""
    smuggled = b"GET /books HTTP/1.1\r\nHost: bookshop\r\nConnection: close\r\n\r\n"
    first = head(b"Content-Length: %d" % len(smuggled), close=False).replace(b"application/json", b"text/plain")
    answers = exchange(server("bookshop"), first + smuggled, end=True)
    assert answers.startswith(b"HTTP/1.1 415 ")
    assert answers.count(b"HTTP/1.1 ") == 1
