"""The codec table: loading and dumping one object, beside marshmallow, pydantic and msgspec.

    python tests/benchmarks/codec.py

Loading goes from decoded JSON to validated data, dumping from an object to what JSON can carry, writing from an object
to the bytes of JSON (marshmallow's dump by the standard library). A ratio says how many
times as fast as marshmallow a library is, measured in turn in one process. One that is not installed is left out.
"""

from __future__ import annotations

import argparse
import gc
import json
import statistics
from collections.abc import Callable
from time import perf_counter_ns
from typing import Any

from marshmallow import ValidationError

import domain
from marshmallow_schemas import PetIn, PetOut
from ramekin.schemas import compile_dumper, compile_encoder, compile_loader

Action = Callable[[], object]


def expect_error(action: Action, error: type[Exception]) -> Action:
    """Make an action of one that has to fail."""

    def fail() -> None:
        try:
            action()
        except error:
            return
        raise SystemExit("The invalid body was taken.")

    return fail


def marshmallow_actions() -> dict[str, Action]:
    load, dump, dump_many = PetIn().load, PetOut().dump, PetOut(many=True).dump
    return {
        "load": lambda: load(domain.GOOD_BODY),
        "load, invalid": expect_error(lambda: load(domain.BAD_BODY), ValidationError),
        "dump": lambda: dump(domain.PET),
        "dump 100": lambda: dump_many(domain.PETS),
        "write": lambda: json.dumps(dump(domain.PET)).encode(),
        "write 100": lambda: json.dumps(dump_many(domain.PETS)).encode(),
    }


def ramekin_actions() -> dict[str, Action]:
    load = compile_loader(PetIn(), "json")
    dump, dump_many = compile_dumper(PetOut()), compile_dumper(PetOut(many=True))
    write, write_many = compile_encoder(PetOut()), compile_encoder(PetOut(many=True))
    return {
        "load": lambda: load(domain.GOOD_BODY),
        "load, invalid": expect_error(lambda: load(domain.BAD_BODY), ValidationError),
        "dump": lambda: dump(domain.PET),
        "dump 100": lambda: dump_many(domain.PETS),
        "write": lambda: write(domain.PET),
        "write 100": lambda: write_many(domain.PETS),
    }


def pydantic_actions() -> dict[str, Action]:
    import pydantic

    import pydantic_models as models

    load, validate = models.PetIn.model_validate, models.PetOut.model_validate
    validate_all = pydantic.RootModel[list[models.PetOut]].model_validate
    return {
        "load": lambda: load(domain.GOOD_BODY),
        "load, invalid": expect_error(lambda: load(domain.BAD_BODY), pydantic.ValidationError),
        "dump": lambda: validate(domain.PET).model_dump(mode="json"),
        "dump 100": lambda: [validate(pet).model_dump(mode="json") for pet in domain.PETS],
        "write": lambda: validate(domain.PET).model_dump_json().encode(),
        "write 100": lambda: validate_all(domain.PETS, from_attributes=True).model_dump_json().encode(),
    }


def msgspec_actions() -> dict[str, Action]:
    import msgspec

    import msgspec_schemas as schemas

    def load(body: dict[str, Any]) -> object:
        return msgspec.convert(body, schemas.PetIn)

    def dump(pet: domain.Pet) -> object:
        return msgspec.to_builtins(schemas.make_struct(pet))

    return {
        "load": lambda: load(domain.GOOD_BODY),
        "load, invalid": expect_error(lambda: load(domain.BAD_BODY), msgspec.ValidationError),
        "dump": lambda: dump(domain.PET),
        "dump 100": lambda: [dump(pet) for pet in domain.PETS],
        "write": lambda: msgspec.json.encode(schemas.make_struct(domain.PET)),
        "write 100": lambda: msgspec.json.encode([schemas.make_struct(pet) for pet in domain.PETS]),
    }


MAKERS: dict[str, Callable[[], dict[str, Action]]] = {
    "marshmallow": marshmallow_actions,
    "ramekin": ramekin_actions,
    "pydantic": pydantic_actions,
    "msgspec": msgspec_actions,
}
COUNT = {"load": 500, "load, invalid": 300, "dump": 500, "dump 100": 10, "write": 500, "write 100": 10}


#: Parts into which a measurement is divided: of one that was interrupted by another program, most parts were not.
PARTS = 10


def time_action(action: Action, count: int) -> float:
    """Return the microseconds of one call, the median of the parts."""
    measured, size = [], max(1, count // PARTS)
    for _ in range(PARTS):
        started = perf_counter_ns()
        for _ in range(size):
            action()
        measured.append((perf_counter_ns() - started) / size / 1000)
    return statistics.median(measured)


def make_actions() -> dict[str, dict[str, Action]]:
    """Make the actions of every library that is installed; say which are not."""
    actions = {}
    for name, make in MAKERS.items():
        try:
            actions[name] = make()
        except ModuleNotFoundError as error:
            print(f"{name} is left out: {error.name} is not installed.")
    return actions


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=9)
    repetitions = parser.parse_args().repetitions
    actions = make_actions()
    times: dict[tuple[str, str], list[float]] = {(name, work): [] for name in actions for work in COUNT}
    gc.collect()
    gc.freeze()
    for repetition in range(repetitions + 1):
        for (name, work), measured in times.items():
            microseconds = time_action(actions[name][work], COUNT[work])
            if repetition:  # The first round only warms up.
                measured.append(microseconds)
    median = {key: statistics.median(values) for key, values in times.items()}
    print("| library | " + " | ".join(COUNT) + " |\n|---|" + "---|" * len(COUNT))
    for name in actions:
        cells = (
            f"{median['marshmallow', work] / median[name, work]:.1f} × ({median[name, work]:.1f} µs)" for work in COUNT
        )
        print(f"| {name} | " + " | ".join(cells) + " |")
    print(f"Times as fast as marshmallow, of the medians of {repetitions} interleaved repetitions.")


if __name__ == "__main__":
    main()
