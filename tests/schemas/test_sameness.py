"""Compiled schemas give what marshmallow gives, to the letter; what user code sees is the same too."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from functools import partial
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from marshmallow import EXCLUDE, INCLUDE, RAISE, Schema, ValidationError
from tests.schemas.generated import LOG, make_data, make_object, make_schema

from ramekin.schemas import collect_faults, compile_dump, compile_load, compile_loader, compile_reader
from ramekin.schemas.messages import READ_ONLY
from ramekin.schemas.strictness import make_strict, rules_for

CASES = 100_000 if os.environ.get("RAMEKIN_LONG") else 700
run_cases = settings(max_examples=CASES, suppress_health_check=list(HealthCheck), database=None, derandomize=False)
SEEDS = st.integers(0, 2**63)


def outcome(call: Callable[[], Any]) -> tuple[Any, ...]:
    """Tell everything that can be seen of a call: result or exception, and the calls of user code."""
    LOG.clear()
    try:
        seen: tuple[Any, ...] = ("returned", repr(call()))
    except ValidationError as error:
        told = (error.messages, error.valid_data, error.data, error.field_name, error.kwargs, error.args)
        seen = (type(error), *map(repr, told))
    except Exception as error:
        seen = (type(error), str(error))
    return (*seen, repr(LOG))


def make_options(rng: random.Random, schema: Schema) -> dict[str, Any]:
    """Make options of load."""
    options: dict[str, Any] = {}
    if rng.random() < 0.2:
        options["many"] = rng.choice([True, False])
    if rng.random() < 0.3:
        options["partial"] = rng.choice([True, False, ("a",), ["a.b", "b", "c.value"], {"a"}, "a", ()])
    if rng.random() < 0.3:
        options["unknown"] = rng.choice([RAISE, INCLUDE, EXCLUDE])
    return options


@run_cases
@given(seed=SEEDS)
def test_compiled_load_is_load(seed: int) -> None:
    """A compiled load returns and raises what `Schema.load` does, and calls the same hooks and validators."""
    rng = random.Random(seed)
    schema = make_schema(rng)
    load = compile_load(schema)

    for _ in range(4):
        options = make_options(rng, schema)
        many = options.get("many", schema.many)
        data = [make_data(rng, schema) for _ in range(rng.randint(0, 3))] if many else make_data(rng, schema)

        expected = outcome(lambda: schema.load(data, **options))  # noqa: B023
        assert outcome(lambda: load(data, **options)) == expected  # noqa: B023


@run_cases
@given(seed=SEEDS)
def test_compiled_dump_is_dump(seed: int) -> None:
    """A compiled dump returns and raises what `Schema.dump` does, and reads each attribute as often."""
    rng = random.Random(seed)
    schema = make_schema(rng)
    dump = compile_dump(schema)

    for _ in range(4):
        options = {"many": rng.choice([True, False])} if rng.random() < 0.2 else {}
        many = options.get("many", schema.many)
        obj = [make_object(rng, schema) for _ in range(rng.randint(0, 3))] if many else make_object(rng, schema)

        expected = outcome(lambda: schema.dump(obj, **options))  # noqa: B023
        assert outcome(lambda: dump(obj, **options)) == expected  # noqa: B023


@run_cases
@given(seed=SEEDS)
def test_a_coercing_loader_is_load(seed: int) -> None:
    """A loader with coerce differs from marshmallow in the codes of its messages only.

    And in that it lets no read-only member in as an unknown one, which has tests of its own.
    """
    rng = random.Random(seed)
    schema = make_schema(rng)
    load = compile_loader(schema, "json", coerce=True)

    for _ in range(3):
        data = [make_data(rng, schema) for _ in range(rng.randint(0, 3))] if schema.many else make_data(rng, schema)

        found, expected = outcome(lambda: load(data)), outcome(lambda: schema.load(data))  # noqa: B023
        # Where a validator breaks, nothing is told of a read-only member, whose `validates` was not called before.
        is_broken = isinstance(found[0], type) and not issubclass(found[0], ValidationError)
        if READ_ONLY not in repr(found):
            assert found[:2] == expected[:2]
            assert is_broken or found == expected


def codes_of(messages: Any) -> Any:
    """Replace each message by its text and its code."""
    if isinstance(messages, dict):
        return {key: codes_of(each) for key, each in messages.items()}
    if isinstance(messages, list):
        return [codes_of(each) for each in messages]
    return str(messages), getattr(messages, "code", None)


@run_cases
@given(seed=SEEDS, location=st.sampled_from(["json", "query", "form"]))
def test_a_strict_loader_is_its_strict_schema(seed: int, location: Any) -> None:
    """Compiled, a strict schema gives what marshmallow gives with it, codes included."""
    rng = random.Random(seed)
    schema = make_schema(rng)
    load = compile_loader(schema, location)
    strict = make_strict(schema, rules_for(location))
    assert isinstance(strict, Schema)
    coded = partial(_with_codes, strict.load)

    for _ in range(4):
        data = [make_data(rng, schema) for _ in range(rng.randint(0, 3))] if schema.many else make_data(rng, schema)
        if location == "query":
            data = as_text(data)

        expected = outcome(lambda: coded(data))  # noqa: B023
        assert outcome(lambda: _with_codes(load, data)) == expected  # noqa: B023


@run_cases
@given(seed=SEEDS)
def test_a_reader_tells_what_a_loader_raises(seed: int) -> None:
    """A reader returns what a loader returns, and the faults of what it raises."""
    rng = random.Random(seed)
    schema = make_schema(rng)
    load, read = compile_loader(schema, "json"), compile_reader(schema, "json")

    for _ in range(4):
        data = [make_data(rng, schema) for _ in range(rng.randint(0, 3))] if schema.many else make_data(rng, schema)

        expected = outcome(lambda: _with_faults(load, schema, data))  # noqa: B023
        assert outcome(lambda: read(data)) == expected  # noqa: B023


def _with_faults(load: Callable[[Any], Any], schema: Schema, data: Any) -> Any:
    try:
        return load(data), None
    except ValidationError as error:
        return None, collect_faults(schema, error, "json")


def _with_codes(load: Callable[[Any], Any], data: Any) -> Any:
    try:
        return load(data)
    except ValidationError as error:
        raise ValidationError(codes_of(error.messages), valid_data=error.valid_data) from error


def as_text(value: Any) -> Any:
    """Give a value as a query would: text at the leaves."""
    if isinstance(value, dict):
        return {key: as_text(each) for key, each in value.items()}
    if isinstance(value, list):
        return [as_text(each) for each in value]
    return value if isinstance(value, str) else repr(value).lower()
