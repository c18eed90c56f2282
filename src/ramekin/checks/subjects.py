"""What checks look at: the operations of the API itself, and the fields of their schemas."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from marshmallow import Schema, fields, validate
from marshmallow.fields import Field

if TYPE_CHECKING:
    from ramekin.operations import Operation
    from ramekin.sites import Site
    from ramekin.types import Shape

_OWN_PAGES = "ramekin.openapi"
#: More paths than this are counted in place of being named.
_NAMED = 5


def api_operations(site: Site) -> Iterator[Operation]:
    """Yield the operations of a site, WebSockets too, but those of its document and docs page."""
    return (operation for operation in (*site.operations, *site.sockets) if not is_own_page(operation))


def is_own_page(operation: Operation) -> bool:
    """Tell whether an operation shows the document or the docs page."""
    return operation.resource.__module__.startswith(_OWN_PAGES)


def is_guarded(operation: Operation) -> bool:
    """Tell whether an operation asks something of its callers; one that takes anonymous ones, too, does not."""
    said, security = operation.effects.access, operation.effects.security
    if said:  # A policy alone stands in no security requirement.
        return said != "public" and "anonymous" not in said.split(" | ")
    return bool(security) and all(bool(requirement) for requirement in security or ())


def security_schemes(site: Site) -> Mapping[str, Mapping[str, Any]]:
    """Return the security schemes of a site's operations by name."""
    operations = (*site.operations, *site.sockets)
    return {name: scheme for operation in operations for name, scheme in operation.effects.security_schemes.items()}


def walk_read_fields(operation: Operation) -> Iterator[tuple[str, Field[Any]]]:
    """Yield each field that a body of the request is loaded by, with its path, ``address.street``."""
    for item in operation.effects.inputs:
        if item.location in ("json", "form"):
            yield from _walk(item.shape, "", frozenset(), "dump_only")


def walk_written_fields(operation: Operation) -> Iterator[tuple[str, Field[Any]]]:
    """Yield each field that a success is dumped by, with its path."""
    for outcome in operation.successes:
        if outcome.shape is not None:
            yield from _walk(outcome.shape, "", frozenset(), "load_only")


def read_schemas(operation: Operation) -> Iterator[tuple[str, Schema]]:
    """Yield each schema that a body of the request is loaded by, with its path; the outermost has none."""
    for item in operation.effects.inputs:
        if item.location in ("json", "form"):
            if isinstance(item.shape, Schema):
                yield "", item.shape
            for path, field in _walk(item.shape, "", frozenset(), "dump_only"):
                if isinstance(field, fields.Nested):
                    yield path, field.schema


def _walk(shape: Shape, path: str, seen: frozenset[type[Any]], skipped: str) -> Iterator[tuple[str, Field[Any]]]:
    if isinstance(shape, Schema):
        if type(shape) in seen:  # A tree of itself.
            return
        for name, field in shape.fields.items():
            if not getattr(field, skipped):
                inner = f"{path}.{field.data_key or name}" if path else field.data_key or name
                yield from _walk(field, inner, seen | {type(shape)}, skipped)
        return
    yield path, shape
    if isinstance(shape, fields.Nested):
        yield from _walk(shape.schema, path, seen, skipped)
    elif isinstance(shape, fields.List):
        yield from _walk(shape.inner, f"{path}[]", seen, skipped)
    elif isinstance(shape, fields.Tuple):
        for number, item in enumerate(shape.tuple_fields):
            yield from _walk(item, f"{path}[{number}]", seen, skipped)
    elif isinstance(shape, fields.Dict) and shape.value_field is not None:
        yield from _walk(shape.value_field, f"{path}.*", seen, skipped)


def name_of(path: str) -> str:
    """Return the last name of a path, in lower case."""
    return path.rstrip("[]").rpartition(".")[2].lower()


def name_fields(site: Site, finds: Callable[[str, Field[Any]], bool], message: str) -> Iterator[tuple[Operation, str]]:
    """Yield each operation whose body has fields of a kind, with a message that names their paths.

    Args:
        site: The site.
        finds: Tells whether a field, of which it gets the path and itself, is of the kind.
        message: What comes before the paths.
    """
    for operation in api_operations(site):
        paths = list(dict.fromkeys(path for path, field in walk_read_fields(operation) if finds(path, field)))
        if paths:
            more = f" and {len(paths) - _NAMED} more" if len(paths) > _NAMED else ""
            named = ", ".join(path or "the body" for path in paths[:_NAMED])
            yield operation, f"{message}: {named}{more}."


def list_rules(field: Field[Any]) -> Iterator[Any]:
    """Yield the validators of a field, those that stand in another one, too."""
    for rule in field.validators:
        yield from rule.validators if isinstance(rule, validate.And) else (rule,)
