"""The examples of a document, each held against the schema that it stands in.

Specification: JSON Schema 2020-12 Validation §9.5 (``examples``, ``default``); OpenAPI 3.1 §4.8.14 (media type object),
§4.8.19 (example object).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from marshmallow import Schema, ValidationError, fields
from marshmallow.fields import Field

from ramekin.contract.closing import Schemas
from ramekin.contract.judges import compile_judge, escape, show
from ramekin.schemas import compile_loader

if TYPE_CHECKING:
    from ramekin.operations import Input
    from ramekin.sites import Site

#: What has values in it, which are no part of the document.
_VALUES = frozenset({"const", "enum", "example", "examples", "default"})
#: What has names in it that somebody chose.
_NAMED = frozenset(
    {
        *("paths", "responses", "headers", "content", "callbacks", "links", "encoding", "variables"),
        *("schemas", "parameters", "requestBodies", "securitySchemes", "pathItems"),
        *("properties", "patternProperties", "dependentSchemas", "$defs"),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class WrongExample:
    """An example that its own schema refuses.

    Attributes:
        place: JSON Pointer to the example in the document; or operation, location and field.
        pointer: JSON Pointer to the fault in the example.
        declared: What the schema says.
        got: What the example has.
    """

    place: str
    pointer: str
    declared: str
    got: str

    def __str__(self) -> str:
        return f"{self.place}: at {self.pointer!r} declared {self.declared}; got {self.got}"


def check_examples(site: Site) -> list[WrongExample]:
    """Return the examples of a site's document that would be refused.

    Each example and default of a schema, parameter, header field or media type is held against the schema beside it.
    Those that fields of inputs state are loaded, too, as validators may want what no document can say.
    """
    document = site.document("3.1")
    schemas = Schemas(document)
    wrong = [
        WrongExample(place=place, pointer=fault.pointer, declared=fault.declared, got=fault.got)
        for place, schema, example in _find_examples(document, "")
        for fault in compile_judge(schemas.stand_alone(schema, closed=not _is_input(place)))(example)
    ]
    shown = (operation for operation in site.operations if not operation.hidden)
    loaded = (each for operation in shown for item in operation.effects.inputs for each in _load(operation.id, item))
    return [*wrong, *dict.fromkeys(loaded)]


def _is_input(place: str) -> bool:
    return "/requestBody/" in place or "/parameters/" in place


def _find_examples(value: Any, place: str) -> Iterator[tuple[str, Any, Any]]:
    """Yield the place of each example, the schema for it and the example."""
    if isinstance(value, list):
        for number, each in enumerate(value):
            yield from _find_examples(each, f"{place}/{number}")
    if not isinstance(value, Mapping):
        return
    # A parameter, header field or media type has its schema beside the examples; a schema has them in itself.
    schema = value.get("schema", value)
    for keyword in ("default", "example"):
        if keyword in value:
            yield f"{place}/{keyword}", schema, value[keyword]
    yield from _list_examples(value.get("examples"), f"{place}/examples", schema)
    for name, each in value.items():
        if name in _NAMED and isinstance(each, Mapping):
            for key, inner in each.items():
                yield from _find_examples(inner, f"{place}/{name}/{escape(str(key))}")
        elif name not in _VALUES and not name.startswith("x-"):
            yield from _find_examples(each, f"{place}/{escape(name)}")


def _list_examples(examples: Any, place: str, schema: Any) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(examples, list):
        for number, example in enumerate(examples):
            yield f"{place}/{number}", schema, example
    elif isinstance(examples, Mapping) and place != "/components/examples":
        for name, example in examples.items():
            if isinstance(example, Mapping) and "value" in example:
                yield f"{place}/{escape(name)}/value", schema, example["value"]


def _load(operation: str, item: Input) -> Iterator[WrongExample]:
    """Yield the examples of an input's fields that do not load."""
    shape = item.shape
    walk = _walk(shape, ()) if isinstance(shape, Schema) else [((), shape)]
    for path, field in walk:
        for example in _examples_of(field):
            if isinstance(example, str) and not isinstance(field, fields.String) and item.location != "json":
                continue  # The text of a number or list; its spelling is not the field's affair.
            try:
                compile_loader(field, "json", coerce=item.coerce)(example)
            except ValidationError as error:
                place = ".".join((operation, item.location, *path))
                yield WrongExample(place=place, pointer="", declared=show(error.messages), got=show(example))


def _walk(schema: Schema, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Field[Any]]]:
    for name, field in schema.load_fields.items():
        yield (*path, name), field
        inner = field.inner if isinstance(field, fields.List) else field
        # A schema that holds itself has said everything at the first level.
        if isinstance(inner, fields.Nested) and name not in path:
            yield from _walk(inner.schema, (*path, name))


def _examples_of(field: Field[Any]) -> Iterable[Any]:
    metadata = field.metadata
    return metadata.get("examples") or ([metadata["example"]] if "example" in metadata else [])
