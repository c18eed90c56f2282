"""The source of the function that loads one object of a schema: what `Schema._deserialize` does, spelt out.

The function takes the data and returns ``(result, errors)``; errors is None when there are none. Each field is tried
inline; what cannot be decided there goes to the field's element loader.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from marshmallow import EXCLUDE, INCLUDE, RAISE, Schema, fields, missing
from marshmallow.exceptions import SCHEMA
from marshmallow.fields import Field
from marshmallow.utils import set_value

from ramekin.schemas.checks import make_check
from ramekin.schemas.elements import Element, conditions_of, plain_element
from ramekin.schemas.recipes import Recipe, Step, find_recipe, fixed_message, loads_plainly

#: Gives a field's element loader.
ElementFinder = Callable[["Field[Any]", "Recipe | None", "dict[str, Any]"], Element]


class LoadSource:
    """Collects the source and the constants of one load function.

    Args:
        schema: The schema.
        partial: The partial option, already settled.
        unknown: The unknown option, already settled.
        find_element: Gives the element loader of a field.
    """

    def __init__(self, schema: Schema, partial: Any, unknown: str, find_element: ElementFinder) -> None:
        self.schema = schema
        self.partial = partial
        self.unknown = unknown
        self.find_element = find_element
        self.lines: list[str] = []
        self.namespace: dict[str, Any] = {"missing": missing, "make": schema.dict_class, "set_value": set_value}

    def build(self) -> tuple[str, dict[str, Any]]:
        """Return the source text and its namespace."""
        kind = "{}" if self.schema.dict_class is dict else "make()"
        self.namespace["load_other"] = self._other_loader()
        self.lines = [
            "def load(data):",
            " if type(data) is not dict: return load_other(data)",
            f" ret = {kind}",
            " errors = None",
            " n = 0",
        ]
        for index, (name, field) in enumerate(self.schema.load_fields.items()):
            self._add_field(index, name, field)
        self._add_unknown()
        self.lines.append(" return ret, errors")
        return "\n".join(self.lines), self.namespace

    def _other_loader(self) -> Callable[[Any], tuple[Any, Any]]:
        """Return what loads data that is not exactly a dict: marshmallow itself."""
        from marshmallow.error_store import ErrorStore

        schema, partial, unknown = self.schema, self.partial, self.unknown

        def load_other(data: Any) -> tuple[Any, Any]:
            store = ErrorStore()  # type: ignore[no-untyped-call]
            result = schema._deserialize(data, error_store=store, many=False, partial=partial, unknown=unknown)  # type: ignore[arg-type]
            return result, store.errors or None

        return load_other

    def _add_field(self, index: int, name: str, field: Field[Any]) -> None:
        key = name if field.data_key is None else field.data_key
        target = field.attribute or name
        options = self._options_of(name)
        recipe = find_recipe(field)
        self.namespace[f"key_{index}"] = key
        if recipe is None:
            element = self.find_element(field, None, options)
            self.namespace |= {f"element_{index}": element, f"cold_{index}": _cold(element, key, target)}
        else:
            self._put_cold(f"cold_{index}", lambda: _cold(self.find_element(field, recipe, options), key, target))
        body = self._inline(index, field, recipe, target) or [f"errors = cold_{index}(v, data, ret, errors)"]
        body = [f"  {line}" for line in body]
        absent = ["  n += 1", *(f"  {line}" for line in self._missing(index, name, field, key, target, options))]
        if f"required_{index}" in self.namespace:
            # It is nearly always there, and a try that succeeds costs nothing.
            self.lines += [f" try: v = data[{key!r}]", " except KeyError:", *absent, " else:", *body]
        else:
            self.lines += [f" if {key!r} in data:", f"  v = data[{key!r}]", *body, " else:", *absent]

    def _put_cold(self, name: str, make: Callable[[], Callable[..., Any]]) -> None:
        """Name a function that is made with its first call: most values never need it."""
        namespace = self.namespace

        def load_first(*arguments: Any) -> Any:
            namespace[name] = make()
            return namespace[name](*arguments)

        namespace[name] = load_first

    def _options_of(self, name: str) -> dict[str, Any]:
        if isinstance(self.partial, tuple):
            prefix = f"{name}."
            return {"partial": [each[len(prefix) :] for each in self.partial if each.startswith(prefix)]}
        return {} if self.partial is None else {"partial": self.partial}

    def _store(self, target: str, value: str) -> str:
        return f"set_value(ret, {target!r}, {value})" if "." in target else f"ret[{target!r}] = {value}"

    def _missing(
        self, index: int, name: str, field: Field[Any], key: str, target: str, options: dict[str, Any]
    ) -> list[str]:
        if self.partial is True or (isinstance(self.partial, tuple) and name in self.partial):
            return ["pass"]
        if not loads_plainly(field) and not _misses_plainly(field):
            self.namespace[f"absent_{index}"] = _cold(plain_element(field, options), key, target)
            return [f"errors = absent_{index}(missing, data, ret, errors)"]
        if field.required:
            return self._required(index, field, key, target, options)
        default = field.load_default
        if default is missing:
            return ["pass"]
        self.namespace[f"default_{index}"] = default
        if not callable(default):
            return [self._store(target, f"default_{index}")]
        return [f"x = default_{index}()", "if x is not missing:", f" {self._store(target, 'x')}"]

    def _required(self, index: int, field: Field[Any], key: str, target: str, options: dict[str, Any]) -> list[str]:
        message = fixed_message(field, "required")
        if message is None:
            self.namespace[f"absent_{index}"] = _cold(plain_element(field, options), key, target)
            return [f"errors = absent_{index}(missing, data, ret, errors)"]
        self.namespace[f"required_{index}"] = message
        return ["if errors is None: errors = {}", f"errors[{key!r}] = [required_{index}]"]

    def _inline(self, index: int, field: Field[Any], recipe: Recipe | None, target: str) -> list[str]:
        if recipe is not None:
            return self._inline_recipe(index, field, recipe, target)
        if is_plain_list(field):
            return self._inline_list(index, field, target)
        if isinstance(field, fields.Nested) and getattr(self.namespace[f"element_{index}"], "nested", False):
            return self._inline_nested(index, target)
        return []

    def _inline_nested(self, index: int, target: str) -> list[str]:
        namespace, name, element = self.namespace, f"nest_{index}", self.namespace[f"element_{index}"]

        def load_first(value: Any) -> tuple[Any, Any]:
            # From the second value on, the function that loads the nested schema is called without a detour.
            outcome: tuple[Any, Any] = element(value)
            namespace[name] = element.direct or element
            return outcome

        namespace[name] = load_first
        store = self._store(target, "x")
        return [
            "if type(v) is dict:",
            f" x, m = {name}(v)",
            " if m is None:",
            f"  {store}",
            " else:",
            "  if errors is None: errors = {}",
            f"  errors[key_{index}] = m",
            f"  if x: {store}",
            "else:",
            f" errors = cold_{index}(v, data, ret, errors)",
        ]

    def _inline_recipe(self, index: int, field: Field[Any], recipe: Recipe, target: str) -> list[str]:
        names = self._add_constants(index, {**recipe.constants, "others": recipe.others})
        lines: list[str] = []
        word = "if"
        for step in recipe.steps:
            lines += self._inline_step(index, field, step, names, target, word)
            word = "elif"
        if field.allow_none:
            lines += ["elif v is None:", f" {self._store(target, 'None')}"]
        lines += self._inline_faults(index, field, recipe, names)
        return [*lines, "else:", f" errors = cold_{index}(v, data, ret, errors)"]

    def _inline_faults(self, index: int, field: Field[Any], recipe: Recipe, names: dict[str, str]) -> list[str]:
        """Return the branches for faults whose one message is known from the condition alone."""
        lines: list[str] = []
        step = recipe.steps[0]
        conditions = conditions_of(field, step.value_type)
        if len(recipe.steps) == len(conditions) == 1 and conditions[0] is not None and step.result == "{v}":
            self.namespace[f"failed_{index}"] = conditions[0].messages
            lines += [f"elif {step.condition.format(v='v', **names)}:", " if errors is None: errors = {}"]
            lines.append(f" errors[key_{index}] = failed_{index}[:]")
        if recipe.message is not None and recipe.refusal:
            self.namespace[f"invalid_{index}"] = recipe.message
            lines += [f"elif {recipe.refusal.format(v='v', **names)}:", " if errors is None: errors = {}"]
            lines.append(f" errors[key_{index}] = [invalid_{index}]")
        return lines

    def _inline_step(
        self, index: int, field: Field[Any], step: Step, names: dict[str, str], target: str, word: str
    ) -> list[str]:
        condition = step.condition.format(v="v", **names)
        result = step.result.format(v="v", **names)
        conditions = conditions_of(field, step.value_type)
        cold = f"errors = cold_{index}(v, data, ret, errors)"
        if None not in conditions and not step.may_fail:
            # The validators judge the converted value, not the text or number that it came from.
            judged = "v" if step.result == "{v}" else "x"
            tests = [
                each.source.format(x=judged, **self._add_constants(f"{index}_{number}", each.constants))
                for number, each in enumerate(conditions)
                if each is not None
            ]
            if judged == "v" or not tests:
                return [f"{word} {' and '.join([condition, *tests])}:", f" {self._store(target, result)}"]
            lines = [f"{word} {condition}:", f" x = {result}", f" if {' and '.join(tests)}: {self._store(target, 'x')}"]
            return [*lines, f" else: {cold}"]
        lines = [f"{word} {condition}:"]
        good = [self._store(target, "x")]
        if conditions:
            check = f"check_{index}_{step.value_type.__name__}"
            self.namespace[check] = make_check(field.validators, conditions)
            good = [f"m = {check}(x)", "if m is None:", f" {good[0]}", "else:"]
            good += [" if errors is None: errors = {}", f" errors[key_{index}] = m"]
        if not step.may_fail:
            return [*lines, f" x = {result}", *(f" {line}" for line in good)]
        lines += [" try:", f"  x = {result}", " except ValueError:", f"  {cold}", " else:"]
        return [*lines, *(f"  {line}" for line in good)]

    def _inline_list(self, index: int, field: Any, target: str) -> list[str]:
        recipe = find_recipe(field.inner)
        conditions = [*conditions_of(field, list)]
        if recipe is None or None in conditions:
            return []
        step = recipe.steps[0]
        inner = conditions_of(field.inner, step.value_type)
        if step.may_fail or step.result != "{v}" or None in inner:
            return []
        names = self._add_constants(index, recipe.constants)
        test = step.condition.format(v="y", **names)
        for number, each in enumerate(inner):
            constants = self._add_constants(f"{index}_{number}", each.constants)  # type: ignore[union-attr]
            test += f" and {each.source.format(x='y', **constants)}"  # type: ignore[union-attr]
        whole = "type(v) is list"
        for each in conditions:
            whole += f" and {each.source.format(x='v')}"  # type: ignore[union-attr]
        cold = f"errors = cold_{index}(v, data, ret, errors)"
        return [
            f"if {whole}:",
            " for y in v:",
            f"  if not ({test}):",
            f"   {cold}",
            "   break",
            f" else: {self._store(target, 'v[:]')}",
            f"else: {cold}",
        ]

    def _add_constants(self, suffix: Any, constants: dict[str, Any]) -> dict[str, str]:
        names = {name: f"{name}_{suffix}" for name in constants}
        self.namespace |= {names[name]: value for name, value in constants.items()}
        return names

    def _add_unknown(self) -> None:
        count = len(self.schema.load_fields)
        keys = {name if each.data_key is None else each.data_key for name, each in self.schema.load_fields.items()}
        self.namespace |= {"keys": keys, "unknown_message": self.schema.error_messages["unknown"]}
        if self.unknown == EXCLUDE:
            return
        self.lines.append(f" if len(data) + n != {count}:")
        self.lines.append("  for key in set(data) - keys:")
        if self.unknown == INCLUDE:
            self.lines.append("   ret[key] = data[key]")
        elif self.unknown == RAISE:
            self.lines += ["   if errors is None: errors = {}", "   errors[key] = [unknown_message]"]
        else:
            self.lines.append("   pass")


def can_build(schema: Schema) -> bool:
    """Tell whether the source says what marshmallow would do: no two fields share a key, none is named as a schema."""
    keys = [name if field.data_key is None else field.data_key for name, field in schema.load_fields.items()]
    return len(keys) == len(set(keys)) and SCHEMA not in keys and all(type(key) is str for key in keys)


def _cold(element: Element, key: str, target: str) -> Callable[[Any, Any, Any, Any], Any]:
    """Return what loads a value by the element loader and stores the outcome in the result and the errors."""
    dotted = "." in target

    def load_cold(value: Any, data: Any, ret: Any, errors: Any) -> Any:
        loaded, messages = element(value, key, data)
        if messages is not None:
            if errors is None:
                errors = {}
            errors[key] = messages
            if not loaded:
                return errors
        if loaded is missing:
            return errors
        if dotted:
            set_value(ret, target, loaded)
        else:
            ret[target] = loaded
        return errors

    return load_cold


def _misses_plainly(field: Field[Any]) -> bool:
    """Tell whether a missing value is handled by marshmallow's own code, whatever the rest of the field does."""
    cls: Any = type(field)
    own = ("deserialize", "_validate_missing", "make_error")
    return all(getattr(cls, each) is getattr(Field, each) and each not in field.__dict__ for each in own)


def is_plain_list(field: Field[Any]) -> bool:
    """Tell whether a field loads a list as marshmallow's own does, and refuses null."""
    cls: Any = type(field)
    return (
        isinstance(field, fields.List)
        and cls._deserialize is fields.List._deserialize
        and "_deserialize" not in field.__dict__
        and not field.allow_none
        and loads_plainly(field)
    )
