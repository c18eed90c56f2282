"""The text of a problem, put together from pieces, is what the codec writes of its body."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import fields

from ramekin import Settings
from ramekin.json import EncodeError, encode
from ramekin.problem_texts import _write_instance, compile_faults_writer, write_problem
from ramekin.problems import BadRequest, NotFound, Problem, ProblemDetails, ValidationFailed
from ramekin.schemas import Fault
from ramekin.wsgi import WSGIRequest


class OutOfStock(Problem):
    """Non\u00e9 "left"."""

    status = 409
    members = {"left": fields.Raw()}


class Site:
    settings = Settings(request_id_header=None)


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
FAULTS = st.lists(st.builds(Fault, st.sampled_from(["json", "query"]), TEXTS, st.just("invalid"), TEXTS), max_size=3)
PROBLEMS: st.SearchStrategy[Problem] = st.one_of(
    st.builds(NotFound, st.none() | TEXTS),
    st.builds(lambda detail, left: OutOfStock(detail, left=left), TEXTS, st.integers() | TEXTS | st.none()),
    st.builds(lambda detail, faults: BadRequest(detail, faults=faults), TEXTS, FAULTS),
    st.builds(ValidationFailed, FAULTS, detail=st.none() | TEXTS),
)


def make_request(path: str, method: str = "GET") -> WSGIRequest:
    environ: dict[str, Any] = {"REQUEST_METHOD": method, "SCRIPT_NAME": "/v1", "PATH_INFO": path}
    return WSGIRequest.make(environ, Site(), None)  # type: ignore[arg-type]  # A site has more.


@given(
    problem=PROBLEMS, path=TEXTS.map(lambda path: f"/{path}") | st.just("*"), base=st.sampled_from([None, "/faults/"])
)
def test_the_text_is_that_of_the_body(problem: Problem, path: str, base: str | None) -> None:
    """Every problem has the text that its body has, to the byte."""
    details, request = ProblemDetails(base), make_request(path.encode().decode("latin-1"))

    assert write_problem(details, problem, request) == encode(details.body(problem, request))


@given(faults=FAULTS)
def test_faults_have_the_text_of_their_problem(faults: list[Fault]) -> None:
    """Faults without a problem have the text that they have in one, and again when they are told again."""
    details, request = ProblemDetails(), make_request("/a")
    expected = encode(details.body(ValidationFailed(faults), request))
    write_faults = compile_faults_writer(details)

    assert [write_faults(request, faults) for _ in range(2)] == [expected] * 2


@pytest.mark.parametrize("problem", [NotFound("\ud800"), ValidationFailed([Fault("json", "", "invalid", "\ud800")])])
def test_what_no_json_can_carry_is_refused(problem: Problem) -> None:
    """A text that no UTF-8 can carry is refused as it is in a body."""
    with pytest.raises(EncodeError):
        write_problem(ProblemDetails(), problem, make_request("/a"))


def test_long_paths_are_not_kept() -> None:
    """What is remembered of paths is bounded in length as in number."""
    _write_instance.cache_clear()
    for length in (200, 201, 8000):
        write_problem(ProblemDetails(), NotFound(), make_request("/" + "a" * (length - 1)))

    assert _write_instance.cache_info().currsize == 1
