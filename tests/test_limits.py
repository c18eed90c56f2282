"""The limits object: its defaults, what it refuses, and where it is changed."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields
from typing import Any

import pytest
from marshmallow import fields as marshmallow_fields

from ramekin import App, Limits, Resource, Settings, accepts, limits, returns
from ramekin.errors import DeclarationError
from ramekin.testing import Client

NAMES = [field.name for field in fields(Limits)]
TEXT = {"text": marshmallow_fields.String(required=True)}


class Texts(Resource):
    """Takes texts; PUT takes longer ones."""

    @accepts(json=TEXT)
    @returns(TEXT)
    def post(self, json: Any) -> Any:
        """Echo."""
        return json

    @limits(body_bytes=500)
    @accepts(json=TEXT)
    @returns(TEXT)
    def put(self, json: Any) -> Any:
        """Echo more."""
        return json


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("value", [0, -1, 1.5, True, "10", None])
def test_limits_are_positive_integers(name: str, value: Any) -> None:
    """A limit is a positive integer; there is no value for none."""
    with pytest.raises(DeclarationError, match=rf"Limits\.{name} must be a positive integer, not "):
        Limits(**{name: value})


def test_limits_are_frozen() -> None:
    """Limits are replaced, never changed in place."""
    with pytest.raises(FrozenInstanceError):
        Limits().body_bytes = 5  # type: ignore[misc]


def test_changed_limits_leave_the_first_ones() -> None:
    """`changed` returns others and leaves its own."""
    first = Limits()

    second = first.changed(body_bytes=5)

    assert (second.body_bytes, first) == (5, Limits())
    assert second == Limits(body_bytes=5)


def test_unknown_limit_is_refused_with_the_known_ones() -> None:
    """A name that is no limit is refused, and the known names are listed."""
    with pytest.raises(DeclarationError) as refused:
        Limits().changed(body=5)

    assert str(refused.value) == f"Unknown limit body; the limits are: {', '.join(NAMES)}."


@pytest.mark.parametrize(("method", "most"), [("POST", 100), ("PUT", 500)])
def test_operation_obeys_its_own_limits(method: str, most: int) -> None:
    """The app's limits hold for every operation, and an operation's own go over them, up to the very byte."""
    app = App("Test", settings=Settings(limits=Limits(body_bytes=100)))
    app.add_resource("/texts", Texts)
    client = Client(app)
    text = "x" * (most - len('{"text":""}'))

    fits = client.request(method, "/texts", content=f'{{"text":"{text}"}}', content_type="application/json")
    exceeds = client.request(method, "/texts", content=f'{{"text":"{text}x"}}', content_type="application/json")

    assert fits.status == 200
    assert exceeds.problem["code"] == "content-too-large"


@pytest.mark.parametrize("level", ["app", "class", "base"])
def test_limits_may_be_declared_at_every_level(level: str) -> None:
    """Limits can be declared on the app and on classes, too."""
    app = App("Test")

    class Base(Resource): ...

    class Things(Base):
        @accepts(json=TEXT)
        @returns(TEXT)
        def post(self, json: Any) -> Any:
            """Echo."""
            return json

    if level == "app":
        app.declare(limits(body_bytes=20))
    else:
        limits(body_bytes=20)({"class": Things, "base": Base}[level])
    app.add_resource("/things", Things)

    assert Client(app).post("/things", json={"text": "x" * 20}).status == 413


def test_tests_can_set_other_limits() -> None:
    """A site with other settings has other limits."""
    app = App("Test")
    app.add_resource("/texts", Texts)

    strict = Client(app, settings=Settings(limits=Limits(body_bytes=10)))

    assert strict.post("/texts", json={"text": "x" * 20}).status == 413
    assert Client(app).post("/texts", json={"text": "x" * 20}).status == 200
