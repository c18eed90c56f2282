from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from marshmallow import Schema, fields, validate

from ramekin import App, Resource, Settings, returns
from ramekin.contract import ContractBreach
from ramekin.contract.steps import contract_step
from ramekin.testing import Client


class BookSchema(Schema):
    id = fields.Integer()
    title = fields.String()


class Books(Resource):
    @returns(BookSchema)
    def get(self) -> dict[str, Any]:
        """Answer with a book that has no title."""
        return {"id": 1}

    @returns(BookSchema)
    def post(self) -> dict[str, Any]:
        """Answer with a good book."""
        return {"id": 1, "title": "Emma"}

    @returns(fields.String(), media_type="text/csv")
    def put(self) -> Iterator[str]:
        """Answer piece by piece."""
        yield "id\n"


@pytest.fixture
def app() -> App:
    app = App("Bookshop")
    app.add_resource("/books", Books)
    return app


def make_client(app: App, mode: str, *, raise_exceptions: bool = False) -> Client:
    settings = Settings(contract=mode)  # type: ignore[arg-type]  # a text where mypy wants a literal
    return Client(app, settings=settings, raise_exceptions=raise_exceptions, contract=False)


def test_off_adds_no_step(app: App) -> None:
    """Switched off, as it is by default, the check is not even there."""
    assert "contract" not in [step.name for step in app._outer_steps(Settings())]
    assert make_client(app, "off").get("/books").json == {"id": 1}


def test_breach_is_logged(app: App, caplog: pytest.LogCaptureFixture) -> None:
    """`log` writes one record for each breach, without what came, and sends the response as it is."""
    with caplog.at_level(logging.WARNING, "ramekin.contract"):
        result = make_client(app, "log").get("/books")
    record = caplog.records[0]
    assert (result.status, result.json, len(caplog.records)) == (200, {"id": 1}, 1)
    assert record.getMessage() == "getBooks 200: body at '/title', declared a required member"
    assert record.breach.got == "nothing"  # type: ignore[attr-defined]  # given as extra


def test_breach_is_answered_by_a_500(app: App, caplog: pytest.LogCaptureFixture) -> None:
    """`raise` answers a breach like any bug."""
    result = make_client(app, "raise").get("/books")
    assert result.problem["code"] == "internal-server-error"
    assert "ContractBreach" in caplog.text


@pytest.mark.parametrize("mode", ["log", "raise"])
def test_what_came_is_not_logged(mode: str, caplog: pytest.LogCaptureFixture) -> None:
    """No log has the values of a breach, which may be somebody's data; they are in its record."""

    class Members(Resource):
        @returns({"id": fields.Integer(), "name": fields.String(validate=validate.Length(max=3))})
        def get(self) -> dict[str, Any]:
            return {"id": 1, "name": "Emma Woodhouse"}

    app = App("Club")
    app.add_resource("/members", Members)

    make_client(app, mode).get("/members")

    assert "getMembers 200: body at '/name', declared at most 3 characters" in caplog.text
    assert "Emma" not in caplog.text


def test_breach_reaches_a_test(app: App) -> None:
    """Under the test client `raise` raises."""
    with pytest.raises(ContractBreach, match="/title") as caught:
        make_client(app, "raise", raise_exceptions=True).get("/books")
    assert caught.value.breaches[0].got == "nothing"


@pytest.mark.parametrize("mode", ["log", "raise"])
def test_kept_contract_passes(app: App, mode: str, caplog: pytest.LogCaptureFixture) -> None:
    """Good answers, HEAD and what no operation answers pass in silence; a stream is not read."""
    client = make_client(app, mode, raise_exceptions=True)
    assert client.post("/books").status == 200
    assert client.put("/books").text == "id\n"
    assert client.get("/nowhere").status == 404
    assert client.delete("/books").status == 405
    assert not [record for record in caplog.records if record.name == "ramekin.contract"]


def test_head_is_checked_like_get(app: App) -> None:
    """HEAD is answered by GET's method, whose content is held against the document before it is left out."""
    assert make_client(app, "raise").head("/books").status == 500


def test_failure_of_the_check_is_logged(app: App, caplog: pytest.LogCaptureFixture) -> None:
    """`log` changes no answer, not even where the document cannot be written."""

    @app.modify_document
    def fail(document: dict[str, Any]) -> None:
        raise RuntimeError

    assert make_client(app, "log").post("/books").status == 200
    assert "cannot be checked" in caplog.text


def test_step_stands_outermost() -> None:
    """The check sees what every other step made of the answer."""
    assert contract_step("log").phase == 0
