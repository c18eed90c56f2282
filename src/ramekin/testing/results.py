"""What the test client gives back: one response, read whole or piece by piece.

Specification: RFC 9110 §6 (responses); RFC 9457 (problem details).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

from marshmallow import ValidationError
from werkzeug.http import parse_cookie, parse_options_header

from ramekin import json as codec
from ramekin.contract.responses import UNLIMITED
from ramekin.streaming.events import Event
from ramekin.streaming.formats import EVENTS_MEDIA_TYPE, LINES_MEDIA_TYPE
from ramekin.streaming.reading import EventReader, LineReader
from ramekin.testing.errors import ResultError
from ramekin.testing.values import load_value

if TYPE_CHECKING:
    from werkzeug.datastructures import Headers

    from ramekin.operations import Operation

_SHOWN_CHARACTERS = 300


class Result:
    """A response as a test sees it.

    Attributes:
        status: The status code.
        headers: The header fields: case-insensitive, and ``getlist`` gives all of one name.
        method: The method of the request.
        path: The path of the request, with the mount prefix; the last one's where redirects were followed.
    """

    __slots__ = ("_chunks", "_close", "_content", "_operation", "_problem_type", "headers", "method", "path", "status")

    def __init__(
        self,
        *,
        status: int,
        headers: Headers,
        chunks: Iterable[bytes],
        close: Callable[[], None],
        method: str,
        path: str,
        problem_type: str,
        operation: Operation | None = None,
    ) -> None:
        self.status: int = status
        self.headers: Headers = headers
        self.method: str = method
        self.path: str = path
        self._chunks: Iterable[bytes] | None = chunks
        self._close = close
        self._problem_type = problem_type
        self._operation = operation
        self._content: bytes | None = None

    @property
    def content(self) -> bytes:
        """The content. Reading it closes the response.

        Raises:
            ResultError: It was read piece by piece before, or closed unread.
        """
        if self._content is None:
            self._content = b"".join(self.iter())
        return self._content

    def iter(self) -> Iterator[bytes]:
        """Return the content in the pieces that the app gives, each asked for when it is wanted; closed at the end.

        Raises:
            ResultError: The content was read before.
        """
        chunks, self._chunks = self._chunks, None
        if chunks is None:
            raise ResultError(f"{self._title}: the content was read or closed before.")
        return self._read(chunks)

    def _read(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        try:
            yield from chunks
        finally:
            self._close()

    def iter_events(self) -> Iterator[Event[Any]]:
        """Yield the server-sent events as they come, each with its data as what its JSON stands for.

        Raises:
            ResultError: The media type is another, or the data of an event is not strict JSON.
        """
        if self.media_type != EVENTS_MEDIA_TYPE:
            raise self._unlike("server-sent events")
        reader = EventReader()
        for chunk in self.iter():
            for event in reader.read(chunk):
                yield replace(event, data=self._decode(event.data.encode()))

    def iter_items(self) -> Iterator[Any]:
        """Yield the items of a stream as they come: the data of each event, or each line of JSON Lines.

        Raises:
            ResultError: The media type is of neither, or an item is not strict JSON.
        """
        if self.media_type == EVENTS_MEDIA_TYPE:
            yield from (event.data for event in self.iter_events())
            return
        if self.media_type != LINES_MEDIA_TYPE:
            raise self._unlike("a stream of items")
        reader = LineReader()
        for chunk in self.iter():
            yield from map(self._decode, reader.read(chunk))

    def _decode(self, text: bytes) -> Any:
        try:
            return codec.decode(text, UNLIMITED)
        except codec.JSONError as error:
            raise ResultError(f"{self._title}: an item is not JSON: {error.detail}") from error

    def close(self) -> None:
        """End the response, its content read or not, as a server does when the client has gone."""
        self._chunks = None
        self._close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    @property
    def media_type(self) -> str:
        """The media type of the content, in lower case and without parameters; empty where there is none."""
        return parse_options_header(self.headers.get("Content-Type"))[0].lower()

    @property
    def text(self) -> str:
        """The content as text, in the charset of its content type, or UTF-8."""
        return self.content.decode(parse_options_header(self.headers.get("Content-Type"))[1].get("charset", "utf-8"))

    @property
    def json(self) -> Any:
        """The content as what its JSON stands for.

        Raises:
            ResultError: The media type is not JSON's, or the content is not strict JSON.
        """
        if self.media_type != "application/json" and not self.media_type.endswith("+json"):
            raise self._unlike("JSON")
        try:
            return codec.decode(self.content, UNLIMITED)
        except codec.JSONError as error:
            raise ResultError(f"{self._title}: the content is not JSON: {error.detail} {self._excerpt}") from error

    @property
    def value(self) -> Any:
        """What the JSON stands for by the schema that the operation declares for it.

        Dates, UUIDs, decimals and members of an Enum are values of Python, and objects are dicts by the names of their
        fields. No hook and no validator of the schema runs.

        Raises:
            ResultError: No operation answered, it declares no schema for this status and media type, or the content is
                not what the schema dumps.
        """
        outcomes = () if self._operation is None else self._operation.successes
        for outcome in outcomes:
            if outcome.shape is not None and (outcome.status, outcome.media_type) == (self.status, self.media_type):
                try:
                    return load_value(outcome.shape, self.json)
                except (ValidationError, TypeError, ValueError) as error:
                    raise ResultError(f"{self._title}: the content is not what is declared: {error}") from error
        raise self._unlike("content with a declared schema")

    @property
    def problem(self) -> dict[str, Any]:
        """The members of the problem: ``code``, ``title``, ``errors`` and the rest.

        Raises:
            ResultError: The response is no problem.
        """
        if self.status < 400 or self.media_type != self._problem_type:
            raise self._unlike("a problem")
        problem = self.json
        if not isinstance(problem, dict):
            raise self._unlike("a problem")
        return problem

    @property
    def cookies(self) -> dict[str, str]:
        """The cookies that this response sets, by name; their attributes stand in ``headers.getlist("Set-Cookie")``."""
        fields = (field.partition(";")[0] for field in self.headers.getlist("Set-Cookie"))
        return {name: value for field in fields for name, value in parse_cookie(field).items()}

    def _unlike(self, expected: str) -> ResultError:
        return ResultError(f"{self._title} where {expected} was expected. {self._excerpt}")

    @property
    def _title(self) -> str:
        return f"{self.method} {self.path} answered {self.status} {self.media_type or 'without content'}"

    @property
    def _excerpt(self) -> str:
        text = self.content[: 4 * _SHOWN_CHARACTERS].decode("utf-8", "replace")
        return f"Content: {text[:_SHOWN_CHARACTERS]}{'…' if len(text) > _SHOWN_CHARACTERS else ''}"

    def __repr__(self) -> str:
        return f"<Result {self._title}>"
