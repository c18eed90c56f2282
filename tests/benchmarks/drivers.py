"""Drivers that send one request to an application in the same process and read its whole answer."""

from __future__ import annotations

import io
import statistics
import sys
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from time import perf_counter_ns
from typing import Any

# PEP 3333, and the ASGI specification 3.0, leave the values to the server.
WsgiApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
AsgiApp = Callable[[dict[str, Any], Callable[[], Awaitable[Any]], Callable[[Any], Awaitable[None]]], Awaitable[None]]

ENVIRON: dict[str, Any] = {
    "wsgi.errors": sys.stderr,
    "wsgi.version": (1, 0),
    "wsgi.multithread": False,
    "wsgi.multiprocess": False,
    "wsgi.run_once": False,
    "wsgi.input_terminated": True,
    "wsgi.url_scheme": "http",
    "SERVER_SOFTWARE": "gunicorn/23.0.0",
    "SERVER_PROTOCOL": "HTTP/1.1",
    "SERVER_NAME": "127.0.0.1",
    "SERVER_PORT": "8000",
    "REMOTE_ADDR": "127.0.0.1",
    "REMOTE_PORT": "51234",
    "SCRIPT_NAME": "",
    "HTTP_HOST": "127.0.0.1:8000",
    "HTTP_USER_AGENT": "benchmark/1.0",
    "HTTP_ACCEPT": "application/json",
    "HTTP_ACCEPT_ENCODING": "gzip, deflate",
    "HTTP_CONNECTION": "keep-alive",
}


@dataclass(frozen=True, slots=True)
class Call:
    """One request of the benchmarks."""

    method: str
    path: str
    query: str = ""
    body: bytes | None = None

    def environ(self) -> dict[str, Any]:
        environ = ENVIRON | {
            "REQUEST_METHOD": self.method,
            "PATH_INFO": self.path,
            "QUERY_STRING": self.query,
            "RAW_URI": f"{self.path}?{self.query}" if self.query else self.path,
        }
        if self.body is not None:
            environ |= {"CONTENT_TYPE": "application/json", "CONTENT_LENGTH": str(len(self.body))}
        return environ

    def scope(self) -> dict[str, Any]:
        headers = [
            (b"host", b"127.0.0.1:8000"),
            (b"user-agent", b"benchmark/1.0"),
            (b"accept", b"application/json"),
            (b"accept-encoding", b"gzip, deflate"),
            (b"connection", b"keep-alive"),
        ]
        if self.body is not None:
            headers += [(b"content-type", b"application/json"), (b"content-length", str(len(self.body)).encode())]
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "server": ("127.0.0.1", 8000),
            "client": ("127.0.0.1", 51234),
            "scheme": "http",
            "method": self.method,
            "root_path": "",
            "path": self.path,
            "raw_path": self.path.encode(),
            "query_string": self.query.encode(),
            "headers": headers,
            "state": {},
        }


def send_wsgi(app: WsgiApp, template: dict[str, Any], body: bytes) -> tuple[str, bytes]:
    """Send one request; return its status line and its body."""
    environ = template.copy()
    environ["wsgi.input"] = io.BytesIO(body)
    got: list[Any] = []

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> None:
        got.append(status)
        got.append(headers)

    answer = app(environ, start_response)
    data = b"".join(answer)
    close = getattr(answer, "close", None)
    if close is not None:
        close()
    return got[0], data


async def send_asgi(app: AsgiApp, template: dict[str, Any], body: bytes) -> list[dict[str, Any]]:
    """Send one request; return the messages of its answer."""
    scope = template.copy()
    scope["headers"] = list(template["headers"])
    sent = False
    messages: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        nonlocal sent
        if sent:
            return {"type": "http.disconnect"}
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        messages.append(message)

    await app(scope, receive, send)
    return messages


#: How long a part of a measurement takes, in microseconds. Of one that was interrupted by another program, most parts
#: were not, if they are shorter than what the system gives to each in turn.
PART_MICROSECONDS = 300
FEWEST_PARTS = 10


def divide(
    requests: Sequence[tuple[dict[str, Any], bytes]], count: int, first: float
) -> Iterator[list[tuple[dict[str, Any], bytes]]]:
    """Yield a number of requests in parts, going round the given ones; the first took so many microseconds."""
    size = max(1, min(count // FEWEST_PARTS, int(PART_MICROSECONDS / first)))
    for start in range(0, count, size):
        yield [requests[number % len(requests)] for number in range(start, start + size)]


def time_wsgi(app: WsgiApp, requests: Sequence[tuple[dict[str, Any], bytes]], count: int) -> float:
    """Send a number of requests; return the microseconds for each, the median of the parts."""
    started = perf_counter_ns()
    send_wsgi(app, *requests[0])
    first, measured = (perf_counter_ns() - started) / 1000, []
    for part in divide(requests, count, first):
        started = perf_counter_ns()
        for template, body in part:
            send_wsgi(app, template, body)
        measured.append((perf_counter_ns() - started) / len(part) / 1000)
    return statistics.median(measured)


async def time_asgi(app: AsgiApp, requests: Sequence[tuple[dict[str, Any], bytes]], count: int) -> float:
    """Send a number of requests; return the microseconds for each, the median of the parts."""
    started = perf_counter_ns()
    await send_asgi(app, *requests[0])
    first, measured = (perf_counter_ns() - started) / 1000, []
    for part in divide(requests, count, first):
        started = perf_counter_ns()
        for template, body in part:
            await send_asgi(app, template, body)
        measured.append((perf_counter_ns() - started) / len(part) / 1000)
    return statistics.median(measured)
