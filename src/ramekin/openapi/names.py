"""The names of components, and the check that no two classes share one; without apispec, for `App.compile`.

A component is named after its schema class without ``Schema`` at the end. `class Meta: component = "Name"` says
otherwise, for that class alone. What differs from the class as it stands (other fields, another direction) is added to
the name, so that a name says what is in it and does not change when operations are added.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from marshmallow import Schema, fields

from ramekin.errors import DeclarationError
from ramekin.operations import Operation
from ramekin.types import Shape

#: Most names of fields that a component's name lists.
LISTED_FIELDS = 4

_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9._-]")


def component_name(cls: type[Schema]) -> str:
    """Return the name of a schema class in the document."""
    meta = cls.__dict__.get("Meta")
    stated = vars(meta).get("component") if meta is not None else None
    name: str = stated or cls.__name__.removesuffix("Schema") or cls.__name__
    return _NOT_IN_NAMES.sub("_", name)


def check_components(operations: Iterable[Operation]) -> None:
    """Check that no two schema classes or problems of the documented operations have one name.

    Raises:
        DeclarationError: Two do; the message names both, and the way to tell them apart.
    """
    shown = [operation for operation in operations if not operation.hidden]
    owners: dict[str, type[Any]] = {}
    seen: set[object] = set()
    for operation in shown:
        shapes = [item.shape for item in operation.effects.inputs]
        shapes += [outcome.shape for outcome in operation.outcomes if outcome.shape is not None]
        for cls in _classes(shapes, seen):
            if owners.setdefault(component_name(cls), cls) is not cls:
                raise name_clash(component_name(cls), where(owners[component_name(cls)]), where(cls))
    problems: dict[str, type[Any]] = {}
    for operation in shown:
        for outcome in operation.outcomes:
            problem = outcome.problem
            if problem is not None and problems.setdefault(problem.__name__, problem) is not problem:
                raise name_clash(problem.__name__, where(problems[problem.__name__]), where(problem), problem=True)


def name_clash(name: str, first: str, second: str, *, problem: bool = False) -> DeclarationError:
    """Return the error of two classes of one name."""
    way_out = "rename one of them" if problem else "state another name in one of them: class Meta: component = 'Name'"
    return DeclarationError(f"Both {first} and {second} would be the component {name!r} of the document; {way_out}.")


def where(cls: type[Any]) -> str:
    """Return how errors name a class."""
    return f"{cls.__module__}.{cls.__qualname__}"


def _classes(shapes: Iterable[Shape], seen: set[object]) -> Iterator[type[Schema]]:
    for shape in shapes:
        if isinstance(shape, Schema):
            here = (type(shape), frozenset(shape.fields))
            if here not in seen:
                seen.add(here)
                yield type(shape)
                yield from _classes(shape.fields.values(), seen)
        elif isinstance(shape, fields.Pluck):
            yield from _classes([shape.schema.fields[shape.field_name]], seen)
        elif isinstance(shape, fields.Nested):
            yield from _classes([shape.schema], seen)
        else:
            yield from _classes(inner_fields(shape), seen)


def inner_fields(field: fields.Field[Any]) -> tuple[fields.Field[Any], ...]:
    """Return the fields that a container field is made of."""
    if isinstance(field, fields.List):
        return (field.inner,)
    if isinstance(field, fields.Tuple):
        return tuple(field.tuple_fields)
    if isinstance(field, fields.Mapping):
        return tuple(inner for inner in (field.key_field, field.value_field) if inner)
    return ()


def variant_name(
    schema: Schema, *, write: bool, partial: bool | frozenset[str], unknown: str | None, coerce: bool
) -> str:
    """Return the name of a schema as it stands: the class's, and what differs from it.

    Args:
        schema: The schema.
        write: Whether it is what clients send; else it is what they get.
        partial: What need not be sent, beyond what the fields say.
        unknown: What becomes of unknown members, where that is not what the class says.
        coerce: Whether marshmallow's lenient types are taken.
    """
    name = component_name(type(schema)) + _fields_part(schema, write=write)
    if not write:
        return name
    if partial is not True and partial:
        name += "WithOptional" + _listed(_in_order(partial, schema))
    if unknown is not None:
        name += {"include": "Open", "exclude": "Tolerant"}.get(unknown, "Closed")
    if coerce:
        name += "Coerced"
    if partial is True:
        return name + "Patch"
    return name if name.endswith(("Input", "Request")) else name + "Input"


def _fields_part(schema: Schema, *, write: bool) -> str:
    """Return what says which fields of the class stand in the schema, empty for all."""
    every = _class_fields(schema, write=write)
    kept = [name for name in every if name in (schema.load_fields if write else schema.dump_fields)]
    removed = [name for name in every if name not in kept]
    nested_kept, nested_removed = _nested_changes(schema, kept)
    removed += nested_removed
    if not removed and not nested_kept:
        return ""
    if nested_kept or (len(kept) <= len(removed) and not nested_removed):
        whole = [name for name in kept if not any(one.startswith(f"{name}.") for one in nested_kept)]
        return _listed(whole + nested_kept)
    return "Without" + _listed(removed)


def _class_fields(schema: Schema, *, write: bool) -> list[str]:
    """Return the names of the fields that the class itself loads or dumps."""
    declared: Mapping[str, fields.Field[Any]] = type(schema)._declared_fields
    names = [name for name in schema.declared_fields if name not in schema.opts.exclude]
    if schema.opts.fields:
        names = [name for name in names if name in schema.opts.fields]
    barred = set(schema.opts.dump_only if write else schema.opts.load_only)
    flag = "dump_only" if write else "load_only"
    return [name for name in names if name not in barred and not (name in declared and getattr(declared[name], flag))]


def _nested_changes(schema: Schema, kept: Iterable[str]) -> tuple[list[str], list[str]]:
    """Return the dotted names that the schema keeps and removes of nested schemas, beyond what the class says."""
    declared: Mapping[str, fields.Field[Any]] = type(schema)._declared_fields
    more_kept, more_removed = [], []
    for name in kept:
        now, once = _innermost(schema.fields[name]), _innermost(declared.get(name))
        if isinstance(now, fields.Nested) and isinstance(once, fields.Nested):
            if now.only is not None and set(now.only) != set(once.only or ()):
                more_kept += [f"{name}.{inner}" for inner in sorted(now.only)]
            more_removed += [f"{name}.{inner}" for inner in sorted(set(now.exclude or ()) - set(once.exclude or ()))]
    return more_kept, more_removed


def _innermost(field: fields.Field[Any] | None) -> fields.Field[Any] | None:
    while isinstance(field, fields.List):
        field = field.inner
    return field


def _in_order(names: Collection[str], schema: Schema) -> list[str]:
    known = [name for name in schema.declared_fields if name in names]
    return known + sorted(set(names) - set(known))


def _listed(names: list[str]) -> str:
    """Return names as one word, the last ones counted where there are too many."""
    if len(names) > LISTED_FIELDS:
        return _listed(names[: LISTED_FIELDS - 1]) + f"And{len(names) - LISTED_FIELDS + 1}More"
    words = [word for name in names for word in re.split(r"[^A-Za-z0-9]+", name) if word]
    return "".join(word[:1].upper() + word[1:] for word in words)
