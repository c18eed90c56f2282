"""Element loaders: one field's value loaded without raising.

An element loader takes ``(value, attr, data)`` as `Field.deserialize` does and returns ``(loaded, messages)``: messages
is None for a good value; for a bad one, loaded is what marshmallow calls ``valid_data``. A value is deserialized once,
and every validator runs once, as under marshmallow.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from marshmallow import ValidationError
from marshmallow.error_store import copy_containers
from marshmallow.fields import Field

from ramekin.schemas.checks import Check, Condition, inline_condition, make_check
from ramekin.schemas.recipes import Recipe, Step, fixed_message
from ramekin.schemas.sources import compile_function

Element: TypeAlias = Callable[[Any, "str | None", Any], "tuple[Any, Any]"]


def plain_element(field: Field[Any], options: dict[str, Any]) -> Element:
    """Return the loader that lets the field itself deserialize.

    Args:
        field: Any field.
        options: Passed on to `Field.deserialize`: the partial option.
    """
    deserialize = field.deserialize

    def load(value: Any, attr: str | None, data: Any) -> tuple[Any, Any]:
        try:
            return deserialize(value, attr, data, **options), None
        except ValidationError as error:
            return error.valid_data, copy_containers(error.messages)  # type: ignore[no-untyped-call]

    return load


def conditions_of(field: Field[Any], value_type: type) -> list[Condition | None]:
    """Return the inline condition of each validator of a field, for values of a type."""
    return [inline_condition(each, value_type) for each in field.validators]


def recipe_element(field: Field[Any], recipe: Recipe, options: dict[str, Any]) -> Element:
    """Return the loader of a field with a recipe, messages included."""
    null = fixed_message(field, "null")
    namespace: dict[str, Any] = {**recipe.constants, "others": recipe.others}
    namespace.update(plain=plain_element(field, options), null=null, message=recipe.message)
    lines = ["def load(v, attr, data):", " if v is None:"]
    lines.append(
        "  return None, None"
        if field.allow_none
        else "  return None, [null]"
        if null
        else "  return plain(v, attr, data)"
    )
    names = {name: name for name in namespace}
    for index, step in enumerate(recipe.steps):
        check = make_check(field.validators, conditions_of(field, step.value_type))
        namespace[f"check_{index}"] = check
        lines += _step_lines(step, f"check_{index}" if check else "", names)
    if recipe.message is not None and recipe.refusal:
        lines += [f" if {recipe.refusal.format(v='v', **names)}:", "  return None, [message]"]
    lines.append(" return plain(v, attr, data)")
    return compile_function("\n".join(lines), "load", namespace)  # type: ignore[no-any-return]


def _step_lines(step: Step, check: str, names: dict[str, str]) -> list[str]:
    lines = [f" if {step.condition.format(v='v', **names)}:"]
    result = step.result.format(v="v", **names)
    if step.may_fail:
        lines += ["  try:", f"   x = {result}", "  except ValueError:"]
        lines += ["   return plain(v, attr, data) if message is None else (None, [message])"]
    else:
        lines.append(f"  x = {result}")
    if check:
        return [*lines, f"  m = {check}(x)", "  return (x, None) if m is None else (None, m)"]
    return [*lines, "  return x, None"]


def list_element(field: Any, make_inner: Callable[[], Element], options: dict[str, Any]) -> Element:
    """Return the loader of a List field whose items have a loader, which is made with the first item."""
    plain = plain_element(field, options)
    made: list[tuple[Element, Check | None]] = []

    def load(value: Any, attr: str | None, data: Any) -> tuple[Any, Any]:
        if type(value) is not list:
            return plain(value, attr, data)
        if not made:
            made.append((make_inner(), make_check(field.validators, conditions_of(field, list))))
        inner, check = made[0]
        result: list[Any] = []
        errors: dict[int, Any] | None = None
        for index, each in enumerate(value):
            loaded, messages = inner(each, None, None)
            if messages is None:
                result.append(loaded)
                continue
            if loaded is not None:
                result.append(loaded)
            if errors is None:
                errors = {}
            errors[index] = messages
        return _checked(result, errors, check)

    return load


def tuple_element(field: Any, make_items: Callable[[], list[Element]], options: dict[str, Any]) -> Element:
    """Return the loader of a Tuple field whose items have loaders, which are made with the first value."""
    plain = plain_element(field, options)
    made: list[tuple[list[Element], Check | None]] = []

    def load(value: Any, attr: str | None, data: Any) -> tuple[Any, Any]:
        if type(value) is not list:
            return plain(value, attr, data)
        if not made:
            made.append((make_items(), make_check(field.validators, conditions_of(field, tuple))))
        items, check = made[0]
        if len(value) != len(items):
            return plain(value, attr, data)
        result: list[Any] = []
        errors: dict[int, Any] = {}
        for index, (item, each) in enumerate(zip(items, value, strict=True)):
            loaded, messages = item(each, None, None)
            if messages is None or loaded is not None:
                result.append(loaded)
            if messages is not None:
                errors[index] = messages
        return _checked(result, errors, None) if errors else _checked(tuple(result), None, check)

    return load


def mapping_element(
    field: Any, make_pair: Callable[[], tuple[Element | None, Element | None]], options: dict[str, Any]
) -> Element:
    """Return the loader of a Dict field whose keys and values have loaders, which are made with the first value."""
    plain = plain_element(field, options)
    made: list[tuple[Element | None, Element | None, Check | None]] = []

    def load(value: Any, attr: str | None, data: Any) -> tuple[Any, Any]:
        if type(value) is not dict:
            return plain(value, attr, data)
        if not made:
            made.append((*make_pair(), make_check(field.validators, conditions_of(field, dict))))
        key_element, value_element, check = made[0]
        errors: dict[Any, dict[str, Any]] = {}
        keys = value if key_element is None else _load_keys(value, key_element, errors)
        result = field.mapping_type()
        for key, each in value.items():
            loaded, messages = (each, None) if value_element is None else value_element(each, None, None)
            if messages is not None:
                errors.setdefault(key, {})["value"] = messages
            if key in keys and (messages is None or loaded is not None):
                result[key if key_element is None else keys[key]] = loaded
        return _checked(result, errors or None, check)

    return load


def _load_keys(value: dict[Any, Any], element: Element, errors: dict[Any, dict[str, Any]]) -> dict[Any, Any]:
    keys = {}
    for key in value:
        loaded, messages = element(key, None, None)
        if messages is None:
            keys[key] = loaded
        else:
            errors.setdefault(key, {})["key"] = messages
    return keys


class NestedElement:
    """The loader of a Nested field, made with the first value, so that recursive schemas end.

    Attributes:
        direct: What loads a dict with nothing else to do, once that is known.
    """

    __slots__ = ("_element", "_make", "direct")
    nested = True

    def __init__(self, make: Callable[[], tuple[Element, Callable[[Any], tuple[Any, Any]] | None]]) -> None:
        self._make = make
        self._element: Element | None = None
        self.direct: Callable[[Any], tuple[Any, Any]] | None = None

    def __call__(self, value: Any, attr: str | None = None, data: Any = None) -> tuple[Any, Any]:
        """Load a value."""
        if self._element is None:
            self._element, self.direct = self._make()
        return self._element(value, attr, data)


def nested_element(
    field: Any, run: Callable[[Any], tuple[Any, Any]], options: dict[str, Any], *, many: bool
) -> Element:
    """Return the loader of a Nested field by what loads its schema.

    Args:
        field: The field.
        run: Loads a value by the nested schema and returns result and errors.
        options: The partial option.
        many: Whether the schema loads a list.
    """
    plain = plain_element(field, options)
    check = make_check(field.validators, conditions_of(field, list if many else dict))
    allow_none = field.allow_none

    def load(value: Any, attr: str | None, data: Any) -> tuple[Any, Any]:
        if value is None:
            return (None, None) if allow_none else plain(value, attr, data)
        if many and type(value) is not list:
            return plain(value, attr, data)
        result, errors = run(value)
        return _checked(result, errors, check)

    return load


def _checked(result: Any, errors: Any, check: Check | None) -> tuple[Any, Any]:
    if errors is not None:
        return result, errors
    if check is not None:
        messages = check(result)
        if messages is not None:
            return None, messages
    return result, None
