"""Compiled loading: for a schema, a function with the results of `Schema.load`, many times faster.

What the compiler does not know, marshmallow does: a field of another kind deserializes itself, a schema that overrides
the steps of loading loads itself. Nested schemas are compiled when they are first needed, and equal ones once, so
that input can never decide how many there are.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, TypeAlias

from marshmallow import Schema, ValidationError, fields
from marshmallow.decorators import POST_LOAD, PRE_LOAD, VALIDATES, VALIDATES_SCHEMA
from marshmallow.error_store import ErrorStore
from marshmallow.exceptions import SCHEMA
from marshmallow.fields import Field

from ramekin.limits import Limits
from ramekin.schemas.copies import Identity, nesting_key
from ramekin.schemas.elements import (
    Element,
    NestedElement,
    list_element,
    mapping_element,
    nested_element,
    plain_element,
    recipe_element,
    tuple_element,
)
from ramekin.schemas.load_source import LoadSource, can_build
from ramekin.schemas.molds import Read, compile_mold
from ramekin.schemas.plainness import handles_errors, load_hooks, loads_by_steps, nests_plainly
from ramekin.schemas.recipes import Recipe, find_recipe, loads_plainly
from ramekin.schemas.sources import compile_function
from ramekin.schemas.watching import Watch, watched
from ramekin.types import Shape

#: Loads data and returns the result and the errors, None if there are none.
Run: TypeAlias = Callable[[Any], "tuple[Any, Any]"]
Load: TypeAlias = Callable[..., Any]

#: Most combinations of options that are compiled for one schema; beyond, marshmallow loads.
_MOST_VARIANTS = 32

_lock = threading.RLock()


def compile_load(schema: Schema, *, shape: Shape | None = None) -> Load:
    """Return a function with the signature and the results of ``schema.load``.

    The schema itself is not changed, and must not be from now on, nor its fields, their validators and nested schemas.
    A change of the schema or its fields is noticed; one inside a validator or a nested schema is not, and may be in
    vain.

    Args:
        schema: Any schema instance.
        shape: What must not change, if the schema is a private copy of it.

    Returns:
        The function, safe to call from threads. It raises what ``schema.load`` raises, and
        `ramekin.errors.FrozenError` when it notices that the schema was changed.

    Example:
        >>> from marshmallow import fields
        >>> load = compile_load(Schema.from_dict({"age": fields.Integer()})())
        >>> load({"age": 3})
        {'age': 3}
    """
    if not loads_by_steps(schema):
        return schema.load
    variants = _Variants(schema)
    usual_many, usual_partial = schema.many, schema.partial
    default = variants.find(usual_many, usual_partial, schema.unknown) if _knows(usual_partial) else None
    watch = Watch(schema if shape is None else shape)
    calls_to_look = 0

    # Options that are named one by one make no dict for a call without any.
    def load(data: Any, *, many: Any = None, partial: Any = None, unknown: Any = None) -> Any:
        nonlocal calls_to_look
        calls_to_look -= 1
        if calls_to_look < 0:
            calls_to_look = watch.look()
        if default is None or many is not None or partial is not None or unknown is not None:
            return variants.load(data, many=many, partial=partial, unknown=unknown)
        result, errors = default(data)
        if errors is None:
            return result
        raise _error(schema, errors, data, result, usual_many, usual_partial)

    return load


def compile_run(schema: Schema, *, shape: Shape) -> Run:
    """Return a function of data that returns the result and the messages, None if there are none.

    It does what `compile_load` does, and raises nothing where that raises a ValidationError.

    Args:
        schema: Any schema instance.
        shape: What must not change: the schema, or what it is a private copy of.
    """
    many, partial = schema.many, schema.partial
    if not loads_by_steps(schema) or not _knows(partial):
        return _runs_itself(schema, many, partial, schema.unknown)
    run = _with_handler(schema, _Variants(schema).find(many, partial, schema.unknown), many, partial)
    return watched(Watch(shape).look, run)


def compile_body_run(
    schema: Schema, limits: Limits, *, look: Callable[[], int], tell: Callable[[Any], Any], other: Read
) -> Read | None:
    """Return what loads a body in C, None for a schema that this cannot be proved of.

    Args:
        schema: Any schema instance.
        limits: What the body must keep to.
        look: Looks whether the schema was changed, and returns how many calls may pass before the next look.
        tell: Makes the faults of the messages of a ``post_load`` hook.
        other: Loads the bodies of which it is not sure.

    Returns:
        A function that returns ``(loaded, None)`` as `compile_run` does for the decoded body, or ``(None, faults)``.
    """
    if not load_hooks(schema):
        return compile_mold(schema, limits, look=look, other=other)
    run = _with_hooks(schema, lambda result: (result, None), schema.many, schema.partial, schema.unknown)

    def finish(result: Any) -> tuple[Any, Any]:
        loaded, messages = run(result)
        return (loaded, None) if messages is None else (None, tell(messages))

    return compile_mold(schema, limits, look=look, other=other, finish=finish)


def compile_field_run(field: Field[Any]) -> Run:
    """Return a function of a value that returns the result and the messages, for a field that belongs to no schema."""
    element = _Unit().find_element(field)
    return lambda value: element(value, None, None)


def compile_field_load(field: Field[Any]) -> Load:
    """Return a function of a value with the results of ``field.deserialize``, for a field that belongs to no schema."""
    run = compile_field_run(field)

    def load(value: Any) -> Any:
        loaded, messages = run(value)
        if messages is None:
            return loaded
        raise ValidationError(messages, valid_data=loaded)

    return load


def _error(schema: Schema, errors: Any, data: Any, result: Any, many: bool, partial: Any) -> BaseException:
    error = ValidationError(errors, data=data, valid_data=result)
    schema.handle_error(error, data, many=many, partial=partial)
    return error


def _knows(partial: Any) -> bool:
    return partial is None or type(partial) in (bool, list, tuple, set, frozenset)


def _runs_itself(schema: Schema, many: Any, partial: Any, unknown: Any) -> Run:
    """Return the run of a schema that loads itself."""

    def run(data: Any) -> tuple[Any, Any]:
        try:
            return schema.load(data, many=many, partial=partial, unknown=unknown), None
        except ValidationError as error:
            return error.valid_data, error.messages

    return run


class _Variants:
    """The runs of one schema, one for each combination of options, compiled when it is first used."""

    __slots__ = ("_made", "_schema", "_unit")

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._unit = _Unit()
        self._made: dict[Any, Run] = {}

    def find(self, many: Any, partial: Any, unknown: Any) -> Run:
        """Return the run for options that are all settled."""
        shown = partial if partial is None or type(partial) is bool else tuple(partial)
        key = (many, type(partial), shown, unknown)
        if key not in self._made:
            if len(self._made) >= _MOST_VARIANTS:
                return _runs_itself(self._schema, many, partial, unknown)
            self._made[key] = self._unit.run(self._schema, many, partial, unknown)
        return self._made[key]

    def load(self, data: Any, *, many: bool | None = None, partial: Any = None, unknown: Any = None) -> Any:
        """Load data with any options."""
        schema = self._schema
        many = schema.many if many is None else bool(many)
        unknown = schema.unknown if unknown is None else unknown
        partial = schema.partial if partial is None else partial
        if not _knows(partial):
            return schema.load(data, many=many, partial=partial, unknown=unknown)
        result, errors = self.find(many, partial, unknown)(data)
        if errors is None:
            return result
        raise _error(schema, errors, data, result, many, partial)


class _Unit:
    """What is compiled together: a schema, its variants and its nested schemas."""

    __slots__ = ("_runs",)

    def __init__(self) -> None:
        self._runs: dict[Any, Run] = {}

    def run(self, schema: Schema, many: Any, partial: Any, unknown: Any) -> Run:
        """Return the run of a schema, its hooks included; errors are those before `Schema.handle_error`."""
        settled = tuple(partial) if type(partial) in (list, set, frozenset) else partial
        if not can_build(schema) or (many and not schema.opts.index_errors):
            one = None
        else:
            source, namespace = LoadSource(schema, settled, unknown, self._find_element).build()
            one = compile_function(source, "load", namespace)
        plain = _plain_run(schema, one, many, partial, unknown)
        return _with_hooks(schema, plain, many, partial, unknown)

    def find_element(self, field: Field[Any]) -> Element:
        """Return the element loader of a field that belongs to no schema."""
        return self._inner(field, {})

    def _find_element(self, field: Field[Any], recipe: Recipe | None, options: dict[str, Any]) -> Element:
        """Return the element loader of a field."""
        if recipe is not None:
            return recipe_element(field, recipe, options)
        if not loads_plainly(field):
            return plain_element(field, options)
        cls: Any = type(field)
        own = field.__dict__.get("_deserialize")
        if own is None and isinstance(field, fields.List) and cls._deserialize is fields.List._deserialize:
            return list_element(field, lambda: self._inner(field.inner, options), options)
        if own is None and isinstance(field, fields.Tuple) and cls._deserialize is fields.Tuple._deserialize:
            return tuple_element(field, lambda: [self._inner(each, options) for each in field.tuple_fields], options)
        if own is None and isinstance(field, fields.Mapping) and cls._deserialize is fields.Mapping._deserialize:
            return mapping_element(field, lambda: self._pair(field, options), options)
        if isinstance(field, fields.Nested) and nests_plainly(field):
            return self._nested(field, options)
        return plain_element(field, options)

    def _inner(self, field: Field[Any], options: dict[str, Any]) -> Element:
        """Return the element loader of a field within another."""
        return self._find_element(field, find_recipe(field), options)

    def _pair(self, field: fields.Mapping[Any], options: dict[str, Any]) -> tuple[Element | None, Element | None]:
        """Return the element loaders of keys and values."""
        key, value = field.key_field, field.value_field
        return (
            None if key is None else self._inner(key, options),
            None if value is None else self._inner(value, options),
        )

    def _nested(self, field: fields.Nested, options: dict[str, Any]) -> Element:
        """Return the loader of a Nested field; its schema is compiled with the first value."""
        return NestedElement(lambda: self._make_nested(field, options))

    def _make_nested(self, field: fields.Nested, options: dict[str, Any]) -> tuple[Element, Run | None]:
        own = field.__dict__.get("_deserialize")
        with _lock:
            key: Any = nesting_key(field) if own is None else Identity(own.settle())
            schema = field.schema
            partial: Any = options.get("partial")
            partial = schema.partial if partial is None else partial
            if not loads_by_steps(schema) or not _knows(partial) or schema.many != bool(schema.many or field.many):
                return plain_element(field, options), None
            unknown = schema.unknown if field.unknown is None else field.unknown
            shown = tuple(partial) if type(partial) in (list, tuple, set, frozenset) else partial
            key = (key, type(partial), shown, unknown)
            if key not in self._runs:
                made = self.run(schema, schema.many, partial, unknown)
                self._runs[key] = _with_handler(schema, made, schema.many, partial)
            run = self._runs[key]
            direct = None if schema.many or field.validators else run
            return nested_element(field, run, options, many=bool(schema.many)), direct


def _with_handler(schema: Schema, run: Run, many: Any, partial: Any) -> Run:
    """Return a run after which an overridden `Schema.handle_error` is called."""
    if not handles_errors(schema):
        return run

    def run_and_handle(data: Any) -> tuple[Any, Any]:
        result, errors = run(data)
        if errors is None:
            return result, None
        error: Any = _error(schema, errors, data, result, many, partial)
        return error.valid_data, error.messages

    return run_and_handle


def _plain_run(schema: Schema, one: Run | None, many: Any, partial: Any, unknown: Any) -> Run:
    """Return the run of a schema without its hooks."""
    if one is not None and not many:
        return one
    if one is not None:
        return _many_run(schema, one)

    def run(data: Any) -> tuple[Any, Any]:
        store = ErrorStore()  # type: ignore[no-untyped-call]
        result = schema._deserialize(data, error_store=store, many=many, partial=partial, unknown=unknown)
        return result, store.errors or None

    return run


def _many_run(schema: Schema, one: Run) -> Run:
    from marshmallow.utils import is_sequence_but_not_string

    def run(data: Any) -> tuple[Any, Any]:
        if type(data) is not list and not is_sequence_but_not_string(data):
            return [], {SCHEMA: [schema.error_messages["type"]]}
        results = []
        errors: dict[int, Any] | None = None
        for index, each in enumerate(data):
            result, found = one(each)
            results.append(result)
            if found is not None:
                if errors is None:
                    errors = {}
                errors[index] = found
        return results, errors

    return run


def _with_hooks(schema: Schema, plain: Run, many: Any, partial: Any, unknown: Any) -> Run:
    """Return the run of a schema with its hooks, as `Schema._do_load` calls them."""
    hooks = schema._hooks
    tags = {tag for tag in (PRE_LOAD, VALIDATES, VALIDATES_SCHEMA, POST_LOAD) if hooks.get(tag)}
    if not tags:
        return plain
    if tags == {POST_LOAD}:
        return _with_post_load(schema, plain, many, partial, unknown)
    options = {"many": many, "partial": partial, "unknown": unknown}

    def run(data: Any) -> tuple[Any, Any]:
        processed = data
        if PRE_LOAD in tags:
            try:
                processed = schema._invoke_load_processors(PRE_LOAD, data, original_data=data, **options)
            except ValidationError as error:
                return None, error.normalized_messages()  # type: ignore[no-untyped-call]
        result, errors = plain(processed)
        store = ErrorStore()  # type: ignore[no-untyped-call]
        store.errors = {} if errors is None else errors
        if VALIDATES in tags:
            schema._invoke_field_validators(error_store=store, data=result, many=many)
        if VALIDATES_SCHEMA in tags:
            told = {"error_store": store, "data": result, "original_data": data, "field_errors": bool(store.errors)}
            schema._invoke_schema_validators(pass_collection=True, **told, **options)
            schema._invoke_schema_validators(pass_collection=False, **told, **options)
        if not store.errors and POST_LOAD in tags:
            try:
                return schema._invoke_load_processors(POST_LOAD, result, original_data=data, **options), None
            except ValidationError as error:
                return result, error.normalized_messages()  # type: ignore[no-untyped-call]
        return result, store.errors or None

    return run


def _with_post_load(schema: Schema, plain: Run, many: Any, partial: Any, unknown: Any) -> Run:
    """Return the run of a schema with post_load hooks only; one hook for single objects is called directly."""
    hooks = schema._hooks[POST_LOAD]
    options = {"many": many, "partial": partial, "unknown": unknown}
    single = len(hooks) == 1 and not hooks[0][1] and not many and not hooks[0][2].get("pass_original")
    name = hooks[0][0]

    def run(data: Any) -> tuple[Any, Any]:
        result, errors = plain(data)
        if errors is not None:
            return result, errors
        try:
            if single:
                return getattr(schema, name)(result, many=many, partial=partial, unknown=unknown), None
            return schema._invoke_load_processors(POST_LOAD, result, original_data=data, **options), None
        except ValidationError as error:
            return result, error.normalized_messages()  # type: ignore[no-untyped-call]

    return run
