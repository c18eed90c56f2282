"""What a handler answers with, and the head of a response that a gateway sends.

Specification: RFC 9110 §6 and §15 (messages, status codes), RFC 6265bis (cookies), RFC 9111 (caching).
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from math import isfinite
from typing import TYPE_CHECKING, Any, Generic, Literal, Self, TypeAlias, TypeVar
from urllib.parse import quote

from ramekin.errors import ContractError

if TYPE_CHECKING:
    from ramekin.problems import Problem

ValueT = TypeVar("ValueT")

#: The content of a response: in one piece, in chunks, or None where there is none.
Content: TypeAlias = bytes | Iterable[bytes] | AsyncIterable[bytes] | None

#: Statuses whose responses never have content (RFC 9110 §6.4.1).
BODILESS_STATUSES = frozenset({204, 205, 304})
#: Longest ``Set-Cookie`` field that browsers keep, in bytes.
COOKIE_BYTES = 4_096

#: The type of no content, where the status could have some.
EMPTY_CONTENT_TYPE = "text/plain; charset=utf-8"

#: Fields that say to whom an answer may be given again.
_CACHING = frozenset({"vary", "cache-control"})
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CONTROLS = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
#: What can stand in a header field as it is.
_PLAIN = (str, int, float)
#: Fields that belong to the connection, which the server alone knows (RFC 9110 §7.6.1; PEP 3333 forbids them).
_HOP_BY_HOP = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)


class InvalidHeader(ContractError):
    """A response header field has a name or value that cannot be sent; `value` is what was given."""

    def __init__(self, message: str, value: str = "") -> None:
        super().__init__(message)
        self.value = value


class HeaderList:
    """The header fields of a response, in order, several of one name allowed.

    Names and values are checked when they are set: CR, LF, NUL and what latin-1 cannot carry are refused. A value that
    is neither text nor a number waits in ``undumped`` for the field that its operation declares.
    """

    __slots__ = ("pairs", "undumped")

    def __init__(self, given: Mapping[str, Any] | Iterable[tuple[str, Any]] | None = None) -> None:
        self.pairs: list[tuple[str, str]] = []
        self.undumped: dict[str, Any] | None = None
        if given is not None:
            for name, value in given.items() if isinstance(given, Mapping) else given:
                self.add(name, value)

    def add(self, name: str, value: Any) -> None:
        """Add a field beside those of the same name.

        Raises:
            InvalidHeader: The name is no token or the value cannot be sent.
        """
        if _is_plain(value):
            self.pairs.append(check_header(name, value))
        else:
            check_header_name(name)
            self.undumped = {**(self.undumped or {}), name: value}

    def set(self, name: str, value: Any) -> None:
        """Put a field in the place of all of the same name."""
        if _is_plain(value):
            pair = check_header(name, value)
            self.remove(name)
            self.pairs.append(pair)
        else:
            self.remove(name)
            self.add(name, value)

    def remove(self, name: str) -> None:
        """Take away all fields of a name."""
        wanted = name.lower()
        self.pairs = [pair for pair in self.pairs if pair[0].lower() != wanted]
        if self.undumped is not None:
            self.undumped = {key: value for key, value in self.undumped.items() if key.lower() != wanted} or None

    def add_token(self, name: str, token: str) -> None:
        """Add a member to a comma-separated field such as ``Vary``, unless it is there already."""
        present = [part.strip() for value in self.get_all(name) for part in value.split(",")]
        if "*" not in present and token.lower() not in (part.lower() for part in present):
            self.set(name, ", ".join([*present, token]))

    def get(self, name: str, default: str | None = None) -> str | None:
        """Return the first field of a name."""
        wanted = name.lower()
        return next((value for key, value in self.pairs if key.lower() == wanted), default)

    def get_all(self, name: str) -> list[str]:
        """Return all fields of a name, in order."""
        wanted = name.lower()
        return [value for key, value in self.pairs if key.lower() == wanted]

    def __contains__(self, name: str) -> bool:
        return self.get(name) is not None

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self.pairs)

    def __len__(self) -> int:
        return len(self.pairs)

    def __repr__(self) -> str:
        return f"HeaderList({self.pairs!r})"


def _is_plain(value: Any) -> bool:
    return isinstance(value, _PLAIN) and not isinstance(value, bool)


def check_header(name: str, value: Any) -> tuple[str, str]:
    """Return a header field as it can be sent.

    Args:
        name: A token (RFC 9110 §5.1).
        value: Text, or a number.

    Raises:
        InvalidHeader: The name is no token or belongs to the connection, or the value is no finite number, has a
            control character or is not latin-1.
    """
    check_header_name(name)
    if not _is_plain(value):
        raise InvalidHeader(f"Response header {name} must be text or a number, not {type(value).__name__}.")
    if isinstance(value, float) and not isfinite(value):
        raise InvalidHeader(f"Response header {name} may be no {value}.")
    text = str(value)
    if _CONTROLS.search(text):
        raise InvalidHeader(f"Response header {name} may hold no control character.", text)
    try:
        text.encode("latin-1")
    except UnicodeEncodeError:
        if name.lower() not in {"location", "content-location", "link"}:
            raise InvalidHeader(f"Response header {name} may hold latin-1 characters only.", text) from None
        text = quote(text, safe="!#$%&'()*+,/:;=?@[]~<>\" ")  # RFC 3987 §3.1: an IRI becomes a URI.
    return name, text


def check_header_name(name: Any) -> None:
    """Refuse what is no name of a header field that a response of one's own can have.

    Raises:
        InvalidHeader: The name is no token, or belongs to the connection.
    """
    if not isinstance(name, str) or not _TOKEN.fullmatch(name):
        raise InvalidHeader(f"A response header name must be a token (RFC 9110 §5.1), not {name!r}.", str(name))
    if name.lower() in _HOP_BY_HOP:
        raise InvalidHeader(f"Response header {name} belongs to the connection (RFC 9110 §7.6.1); the server sets it.")


def mark_private(headers: HeaderList, *varies: str) -> None:
    """Say of an answer that it is nobody else's, and on which fields of the request it depends.

    What is stricter is left as it is (RFC 9111 §5.2.2.7 for ``private``, RFC 9110 §12.5.5 for ``Vary``).
    """
    if not any(name.lower() in _CACHING for name, _ in headers.pairs):
        headers.pairs += [*(("Vary", name) for name in varies), ("Cache-Control", "private")]
        return
    for name in varies:
        headers.add_token("Vary", name)
    given = [part.strip() for value in headers.get_all("Cache-Control") for part in value.split(",") if part.strip()]
    names = {part.partition("=")[0].strip().lower() for part in given}
    if not names & {"no-store", "private"}:
        kept = [part for part in given if part.partition("=")[0].strip().lower() not in ("public", "s-maxage")]
        headers.set("Cache-Control", ", ".join(["private", *kept]))


def check_finished(reply: Reply[Any]) -> None:
    """Refuse header fields that a finished reply cannot have.

    Raises:
        ContractError: A value is left that nothing will dump, or ``Content-Length`` stands beside content in one piece.
    """
    headers = reply.headers
    if headers.undumped is not None:
        name, value = next(iter(headers.undumped.items()))
        raise InvalidHeader(f"Response header {name} must be text or a number, not {type(value).__name__}.")
    if type(reply.body) is bytes or reply.status == 204:
        for name, _ in headers.pairs:
            if name.lower() == "content-length":
                raise ContractError("Content-Length is set by hand on content in one piece; its bytes are counted.")


class Reply(Generic[ValueT]):
    """An answer that says more than its value: another status, header fields, cookies, a media type.

    Example:
        >>> Reply({"id": 7}, status=201, headers={"Location": "/books/7"}).status
        201
    """

    __slots__ = ("body", "finished", "headers", "media_type", "problem", "status", "value")

    def __init__(
        self,
        value: ValueT = None,  # type: ignore[assignment]  # a Reply without a value is a Reply[None]
        *,
        status: int | None = None,
        headers: Mapping[str, Any] | Iterable[tuple[str, Any]] | None = None,
        media_type: str | None = None,
    ) -> None:
        """Answer with a value.

        Args:
            value: What the declared schema of the status dumps; None where there is no content.
            status: A declared status; the topmost declared success when None.
            headers: Header fields by name.
            media_type: The declared media type, where one status has several.

        Raises:
            InvalidHeader: A header field cannot be sent.
        """
        self.value = value
        self.status = status
        self.headers = HeaderList(headers)
        self.media_type = media_type
        #: The content, once `finished`: in one piece, in many, or None where there is none.
        self.body: Content = None
        #: Whether the value was dumped; from then on `status`, `headers` and `body` are the answer.
        self.finished = False
        #: The problem that this reply answers with, if it does.
        self.problem: Problem | None = None

    def set_cookie(
        self,
        name: str,
        value: str = "",
        *,
        max_age: timedelta | int | None = None,
        expires: datetime | None = None,
        path: str | None = "/",
        domain: str | None = None,
        secure: bool = True,
        http_only: bool = True,
        same_site: Literal["Lax", "Strict", "None"] | None = "Lax",
        partitioned: bool = False,
    ) -> None:
        """Set a cookie; secure by default.

        Args:
            name: The cookie's name.
            value: Its value; what a cookie cannot carry is quoted.
            max_age: How long it lives, in seconds where it is a number; the browser's session when None.
            expires: When it ends; prefer ``max_age``.
            path: Where it is sent.
            domain: The hosts it is sent to; this host alone when None.
            secure: Send it over HTTPS only.
            http_only: Keep it from scripts.
            same_site: When other sites' requests carry it.
            partitioned: Keep one for each top-level site.

        Raises:
            ContractError: The cookie is longer than 4,096 bytes, or goes to other sites without ``secure``.
            InvalidHeader: The name or a value cannot be sent.
        """
        from werkzeug.http import dump_cookie

        if not _TOKEN.fullmatch(name):
            raise InvalidHeader(f"A cookie's name must be a token (RFC 6265bis §4.1.1), not {name!r}.", name)
        if same_site == "None" and not secure:
            raise ContractError(f"Cookie {name} has same_site='None' without secure; browsers would drop it.")
        field = dump_cookie(
            name,
            value,
            max_age=max_age,
            expires=expires,
            path=path,
            domain=domain,
            secure=secure,
            httponly=http_only,
            samesite=same_site,
            partitioned=partitioned,
            max_size=0,
        )
        if len(field.encode("latin-1", "replace")) > COOKIE_BYTES:
            raise ContractError(f"Cookie {name} is longer than {COOKIE_BYTES} bytes; browsers would drop it.")
        self.headers.add("Set-Cookie", field)

    def delete_cookie(self, name: str, *, path: str | None = "/", domain: str | None = None) -> None:
        """Have the client forget a cookie that was set with this path and domain."""
        self.set_cookie(name, max_age=0, expires=datetime.fromtimestamp(0, UTC), path=path, domain=domain)

    def finish_empty(self) -> Self:
        """Finish this reply without content, whatever its operation declares; its status is 204 where it has none."""
        self.status = self.status or 204
        self.finished = True
        if self.status not in {204, 304}:
            self.body = b""
            # wsgiref.validate wants the field wherever the status could have content.
            self.headers.set("Content-Type", EMPTY_CONTENT_TYPE)
        return self

    def __repr__(self) -> str:
        return f"<Reply {self.status or ''} {type(self.value).__name__}>"


def is_json(media_type: str) -> bool:
    """Tell whether a media type is JSON (RFC 6839 §3.1 for the suffix)."""
    essence = media_type.partition(";")[0].strip().lower()
    return essence == "application/json" or essence.endswith("+json")


class Head:
    """The finished head of a response: what a gateway sends before the content.

    ``Content-Length`` of content in one piece is left to the gateway.
    """

    __slots__ = ("headers", "line", "raw", "status")

    def __init__(self, status: int, headers: list[tuple[str, str]]) -> None:
        self.status = status
        self.line = status_line(status)
        self.headers = headers
        #: What `raw_headers` has found, so that a gateway can spare the call.
        self.raw: list[tuple[bytes, bytes]] | None = None

    @property
    def raw_headers(self) -> list[tuple[bytes, bytes]]:
        """The header fields as ASGI has them: names in lower case, all of it in bytes."""
        if self.raw is None:
            self.raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in self.headers]
        return self.raw


_LINES: dict[int, str] = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}
# RFC 9110 §15.5.14 and §15.5.21 renamed these; the standard library follows from Python 3.13 on.
_LINES[413] = "413 Content Too Large"
_LINES[422] = "422 Unprocessable Content"


def status_line(status: int) -> str:
    """Return a status code with its reason phrase (RFC 9112 §4)."""
    return _LINES.get(status) or f"{status} Status"
