"""The rarer things that users do to schemas and fields: the results stay those of marshmallow."""

from __future__ import annotations

import datetime as dt
import enum
from typing import Any

import pytest
from marshmallow import Schema, ValidationError, fields, missing, validate

from ramekin.schemas import collect_faults, compile_dump, compile_load, compile_loader, compile_reader
from ramekin.schemas.copies import copy_field, settle_schema
from ramekin.schemas.strictness import make_strict, rules_for


class Shouting(enum.Enum):
    QUIET = "quiet"

    @property
    def name(self) -> str:
        return "LOUD"


def _schema(field: fields.Field[Any]) -> Schema:
    return Schema.from_dict({"field": field})()


def _outcome(call: Any) -> Any:
    try:
        return call()
    except ValidationError as error:
        return error.messages


def _with_own(field: Any, name: str, function: Any) -> fields.Field[Any]:
    setattr(field, name, function)
    made: fields.Field[Any] = field
    return made


LOADS: list[tuple[fields.Field[Any], Any]] = [
    (fields.String(validate=validate.Length(min=1.5)), "ab"),  # type: ignore[arg-type]
    (fields.String(validate=validate.Length(min=1.5)), "a"),  # type: ignore[arg-type]
    (_with_own(fields.Raw(), "_deserialize", lambda value, attr, data: missing), 5),
    (_with_own(fields.Raw(), "_deserialize", lambda value, attr, data: value + 1), 5),
]


@pytest.mark.parametrize(("field", "value"), LOADS)
def test_unusual_fields_load_as_ever(field: fields.Field[Any], value: Any) -> None:
    """What the compiler does not know is loaded by the field itself."""
    schema = _schema(field)

    assert _outcome(lambda: compile_load(schema)({"field": value})) == _outcome(lambda: schema.load({"field": value}))


def test_a_message_of_another_type_is_kept() -> None:
    """A message that is no string has no code, and is told as it is."""

    def refuse(value: Any) -> None:
        raise ValidationError(b"Bytes.")  # type: ignore[arg-type]

    load = compile_loader(_schema(fields.String(validate=refuse)), "json")

    assert _outcome(lambda: load({"field": "x"})) == {"field": [b"Bytes."]}


def test_a_message_that_cannot_be_formatted_raises_as_ever() -> None:
    """An error message with a placeholder that nobody fills in raises what marshmallow raises."""
    schema = _schema(fields.String(error_messages={"invalid": "No {nothing}."}))

    with pytest.raises(KeyError, match="nothing"):
        compile_load(schema)({"field": 5})


DUMPS: list[tuple[fields.Field[Any], Any]] = [
    (_with_own(fields.Integer(), "_serialize", lambda value, attr, obj: "own"), 5),
    (fields.Enum(Shouting), Shouting.QUIET),
    (fields.Time(), dt.time(1, 2)),
    (fields.Dict(values=fields.Date()), {"a": dt.date(2020, 1, 2)}),
    (fields.Dict(values=fields.Date()), None),
]


@pytest.mark.parametrize(("field", "value"), DUMPS)
def test_unusual_fields_dump_as_ever(field: fields.Field[Any], value: Any) -> None:
    """What the compiler does not know is dumped by the field itself."""
    schema = _schema(field)

    assert compile_dump(schema)({"field": value}) == schema.dump({"field": value})


def test_other_words_for_booleans_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the words of all Boolean fields were changed, they hold."""
    monkeypatch.setattr(fields.Boolean, "truthy", {"ja"})
    load = compile_load(_schema(fields.Boolean()))

    assert load({"field": "ja"}) == {"field": True}
    assert _outcome(lambda: load({"field": True})) == {"field": ["Not a valid boolean."]}


def test_an_unknown_option_that_means_nothing_is_ignored() -> None:
    """An `unknown` that marshmallow does not know drops the members, as it does there."""
    schema = _schema(fields.Raw())

    assert compile_load(schema)({"more": 1}, unknown="nothing") == schema.load({"more": 1}, unknown="nothing")  # type: ignore[arg-type]


def test_objects_of_many_types_are_dumped() -> None:
    """However many types of objects come, all are dumped, and few are remembered."""
    dump = compile_dump(_schema(fields.Integer()))
    things = [type(f"Thing{number}", (), {"field": number})() for number in range(300)]

    assert dump(things, many=True) == [{"field": number} for number in range(300)]


def test_long_lived_functions_go_on() -> None:
    """After their first calls the functions go on as before."""
    schema = _schema(fields.Integer())
    load, dump, read = compile_load(schema), compile_dump(schema), compile_reader(schema, "json")

    for number in range(40):
        assert load({"field": number}) == dump({"field": number}) == read({"field": number})[0]


def test_an_error_handler_may_raise_its_own() -> None:
    """What an overridden `handle_error` raises is told in place of the messages."""

    class Handled(Schema):
        name = fields.String()

        def handle_error(self, error: Any, data: Any, **kwargs: Any) -> None:
            raise ValidationError({"name": "Own."})

    assert _outcome(lambda: compile_loader(Handled(), "json")({"name": 5})) == {"name": "Own."}
    _, faults = compile_reader(Handled(), "json")({"name": 5})
    assert [(fault.pointer, fault.detail) for fault in faults or ()] == [("/name", "Own.")]


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        ({"inner": "Text."}, [("/inner", "Text.")]),
        ({"inner": [None, 5]}, [("/inner", "5")]),
        ({"sizes": {"a": {"other": ["x"]}}}, [("/sizes/a/other", "x")]),
    ],
)
def test_unusual_messages_are_told(messages: Any, expected: list[tuple[str, str]]) -> None:
    """Messages of a form that marshmallow itself does not give become faults too."""
    schema = Schema.from_dict({"inner": fields.Nested({}), "sizes": fields.Dict(values=fields.Integer())})()

    faults = collect_faults(schema, ValidationError(messages), "json")

    assert [(fault.pointer, fault.detail) for fault in faults] == expected


def test_a_nested_copy_is_settled_once() -> None:
    """A copied Nested field gets its schema once, whoever asks again."""
    field = copy_field(fields.Nested(Schema.from_dict({})))
    assert isinstance(field, fields.Nested)
    made: dict[Any, Schema] = {}

    settle_schema(field, made, lambda schema: schema)
    first = field.schema
    settle_schema(field, made, lambda schema: schema)

    assert field.schema is first


@pytest.mark.parametrize("validator", [validate.OneOf([1]), validate.Length(1)])
def test_a_strict_field_shows_the_validators_of_the_user(validator: validate.Validator) -> None:
    """The validators of a private copy print as the user's own."""
    strict = make_strict(fields.Raw(validate=validator), rules_for("json"))

    assert isinstance(strict, fields.Field)
    assert repr(strict.validators) == repr([validator])
