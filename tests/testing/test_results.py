from __future__ import annotations

from typing import Any

import pytest
from werkzeug.datastructures import Headers

from ramekin.testing import Result, ResultError


def result_of(content: bytes = b"", media_type: str = "", status: int = 200) -> Result:
    headers = Headers({"Content-Type": media_type} if media_type else {})
    return Result(
        status=status,
        headers=headers,
        chunks=[content],
        close=lambda: None,
        method="GET",
        path="/books",
        problem_type="application/problem+json",
    )


@pytest.mark.parametrize("media_type", ["application/json", "application/hal+json; charset=utf-8", "Application/JSON"])
def test_json(media_type: str) -> None:
    """JSON is read from every media type that carries it."""
    assert result_of(b'{"id": 3}', media_type).json == {"id": 3}


def test_long_json() -> None:
    """The limits on requests do not hold for what the app itself writes."""
    content = b"[" + b",".join([b"1"] * 200_000) + b"]"

    assert len(result_of(content, "application/json").json) == 200_000


@pytest.mark.parametrize("content", [b"", b'{"id": 3, "id": 4}', b"[NaN]", b"[1] 2"])
def test_json_is_strict(content: bytes) -> None:
    """What is not strict JSON is an error that shows the content."""
    with pytest.raises(ResultError, match=r"GET /books answered 200 application/json: the content is not JSON"):
        _ = result_of(content, "application/json").json


def test_json_of_another_type() -> None:
    """Reading JSON from a response that has none is an error that shows its beginning."""
    with pytest.raises(ResultError) as caught:
        _ = result_of(b"x" * 500, "text/plain").json

    shown = "GET /books answered 200 text/plain where JSON was expected. Content: " + "x" * 300 + "…"
    assert str(caught.value) == shown


@pytest.mark.parametrize(
    ("status", "media_type", "content"),
    [
        (200, "application/problem+json", b"{}"),
        (404, "application/json", b"{}"),
        (404, "application/problem+json", b"[]"),
    ],
)
def test_no_problem(status: int, media_type: str, content: bytes) -> None:
    """Only a failure in the app's format for problems is a problem."""
    with pytest.raises(ResultError, match="where a problem was expected"):
        _ = result_of(content, media_type, status).problem


def test_problem() -> None:
    """A problem gives its members."""
    problem = result_of(b'{"code": "not-found"}', "application/problem+json", 404).problem

    assert problem == {"code": "not-found"}


@pytest.mark.parametrize(
    ("media_type", "content"), [("text/plain; charset=iso-8859-1", b"\xe9"), ("text/plain", "é".encode())]
)
def test_text(media_type: str, content: bytes) -> None:
    """Text has the charset of its content type, or UTF-8."""
    assert result_of(content, media_type).text == "é"


def test_repr() -> None:
    """A result shows what was asked and answered."""
    assert repr(result_of(status=204)) == "<Result GET /books answered 204 without content>"


def test_closing_ends_the_content() -> None:
    """A closed result has no content any more, whichever way it is asked for."""
    result: Any = result_of(b"abc")

    result.close()

    with pytest.raises(ResultError, match="read or closed before"):
        result.iter()
