"""Messages that carry codes, and the codes of every message of marshmallow's."""

from __future__ import annotations

import copy
import enum
import pickle
from typing import Any

import pytest
from marshmallow import Schema, ValidationError, fields, post_load, pre_load, validate, validates, validates_schema

from ramekin.schemas import Message, collect_faults, compile_loader


class Size(enum.Enum):
    SMALL = 1


def _refuse(value: Any) -> None:
    raise ValidationError("No.")


def _refuse_with_code(value: Any) -> None:
    raise ValidationError(Message("The last digit is wrong.", code="isbn-checksum"))


def _refuse_in_detail(value: Any) -> None:
    raise ValidationError({"part": ["Wrong part."]})


CODES: list[tuple[fields.Field[Any], Any, str]] = [
    (fields.String(), None, "null"),
    (fields.String(), 5, "invalid"),
    (fields.Integer(), "x", "invalid"),
    (fields.Float(), 10**400, "too-large"),
    (fields.Float(), float("nan"), "not-finite"),
    (fields.UUID(), "x", "invalid"),
    (fields.IP(), "x", "invalid"),
    (fields.NaiveDateTime(), "2020-01-02T03:04:05Z", "invalid"),
    (fields.Enum(Size), "HUGE", "one-of"),
    (fields.Nested(Schema.from_dict({})(), many=True), 5, "type"),
    (fields.Nested(Schema.from_dict({})()), 5, "type"),
    (fields.Nested(Schema.from_dict({})()), {"more": 1}, "unknown"),
    (fields.List(fields.Integer()), 5, "invalid"),
    (fields.Tuple((fields.Integer(),)), [], "length"),
    (fields.String(validate=validate.Length(min=3)), "", "length"),
    (fields.Integer(validate=validate.Range(min=3)), 1, "range"),
    (fields.String(validate=validate.OneOf(["a"])), "b", "one-of"),
    (fields.Raw(validate=validate.OneOf([1])), True, "one-of"),
    (fields.Raw(validate=validate.ContainsOnly([1])), [2], "contains-only"),
    (fields.String(validate=validate.NoneOf(["a"])), "a", "none-of"),
    (fields.Raw(validate=validate.ContainsNoneOf([1])), [1], "none-of"),
    (fields.String(validate=validate.Regexp("^a")), "b", "pattern"),
    (fields.Integer(validate=validate.Equal(1)), 2, "equal"),
    (fields.Raw(validate=validate.Equal(1)), True, "equal"),
    (fields.String(validate=validate.Email()), "b", "email"),
    (fields.Email(), "b", "email"),
    (fields.Url(), "b", "url"),
    (fields.String(validate=validate.Predicate("isdigit")), "b", "predicate"),
    (fields.String(validate=validate.And(validate.Length(min=3))), "b", "length"),
    (fields.String(validate=_refuse), "b", "invalid"),
    (fields.String(validate=_refuse_with_code), "b", "isbn-checksum"),
    (fields.String(validate=_refuse_in_detail), "b", "invalid"),
    (fields.String(validate=validate.Length(min=3, error=Message("Too short.", code="short"))), "b", "short"),
    (fields.Integer(error_messages={"invalid": Message("No {input}.", code="no-number")}), "x", "no-number"),
]


@pytest.mark.parametrize(("field", "value", "code"), CODES)
def test_every_message_has_its_code(field: fields.Field[Any], value: Any, code: str) -> None:
    """Each kind of message carries the code that the reference states."""
    schema = Schema.from_dict({"field": field})()

    with pytest.raises(ValidationError) as caught:
        compile_loader(schema, "json")({"field": value})

    assert [fault.code for fault in collect_faults(schema, caught.value, "json")] == [code]


def test_missing_and_unknown_members_have_their_codes() -> None:
    """A missing member is `required`, an unknown one `unknown`."""
    schema = Schema.from_dict({"name": fields.String(required=True)})()

    with pytest.raises(ValidationError) as caught:
        compile_loader(schema, "json")({"more": 1})

    assert [fault.code for fault in collect_faults(schema, caught.value, "json")] == ["required", "unknown"]


def test_messages_of_hooks_are_invalid_unless_they_say_otherwise() -> None:
    """A message from a hook has the code `invalid`, or its own."""

    class Hooked(Schema):
        name = fields.String()

        @validates("name")
        def check_name(self, value: str, data_key: str) -> None:
            raise ValidationError("No such name.")

        @validates_schema(skip_on_field_errors=False)
        def check_all(self, data: Any, **kwargs: Any) -> None:
            raise ValidationError(Message("Not together.", code="not-together"))

    with pytest.raises(ValidationError) as caught:
        compile_loader(Hooked(), "json")({"name": "x"})

    faults = collect_faults(Hooked(), caught.value, "json")
    assert [(fault.pointer, fault.code) for fault in faults] == [("", "not-together"), ("/name", "invalid")]


@pytest.mark.parametrize("hook", [pre_load, post_load])
def test_a_hook_may_refuse_the_whole(hook: Any) -> None:
    """A fault of a load hook points at the whole input."""

    class Refusing(Schema):
        @hook  # type: ignore[untyped-decorator]
        def refuse(self, data: Any, **kwargs: Any) -> None:
            raise ValidationError("No.")

    with pytest.raises(ValidationError) as caught:
        compile_loader(Refusing(), "json")({})

    assert [fault.pointer for fault in collect_faults(Refusing(), caught.value, "json")] == [""]


def test_a_message_is_a_string() -> None:
    """A Message equals, hashes, prints and formats as its text, and keeps its code when formatted and copied."""
    message = Message("Not {input}.", code="mine")

    assert message == "Not {input}."
    assert hash(message) == hash("Not {input}.")
    assert repr(message) == repr("Not {input}.")
    formatted = message.format(input=3)
    assert (formatted, formatted.code) == ("Not 3.", "mine")
    assert pickle.loads(pickle.dumps(message)).code == "mine"
    assert copy.deepcopy(message).code == "mine"


def test_messages_that_are_lists_or_dicts_carry_codes_too() -> None:
    """An error message of a field may be a structure; its strings carry the code of its key."""
    field = fields.Integer(error_messages={"invalid": {"why": ["No number."]}})

    with pytest.raises(ValidationError) as caught:
        compile_loader(field, "json")("x")

    assert caught.value.messages == {"why": ["No number."]}
    assert caught.value.messages["why"][0].code == "invalid"
