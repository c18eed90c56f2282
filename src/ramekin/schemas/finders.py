"""Faults found straight: for a schema, a function that looks through data and tells all its faults, without messages.

It tells what loading the data and looking through marshmallow's messages would tell, in a fifth of the time, for what
is wrong most often: members that are missing, of another type, or refused by marshmallow's own validators. Where it
meets anything else, it finds nothing, and loading decides. No code of a user's may be called by it, or be due.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from marshmallow import Schema, fields
from marshmallow.decorators import POST_LOAD
from marshmallow.fields import Field

from ramekin.schemas.checks import Condition, is_pure, make_check
from ramekin.schemas.elements import compile_function, conditions_of
from ramekin.schemas.faults import POINTER_CHARACTERS, Fault, escape_name
from ramekin.schemas.load_source import can_build, is_plain_list
from ramekin.schemas.plainness import handles_errors, loads_by_steps, nested_schema, nests_plainly
from ramekin.schemas.recipes import Recipe, Step, find_recipe, fixed_message, loads_plainly

#: Returns the faults of data; None, or no faults, where that is not for it to say.
Find: TypeAlias = Callable[[Any], "list[Fault] | None"]

#: Longest part of a pointer that is known beforehand; indexes stand between.
_MOST_CHARACTERS = POINTER_CHARACTERS - 60

_UNSURE = ["return None"]


def compile_finder(schema: Schema, tell: Callable[[str, Any], Fault]) -> Find | None:
    """Return what finds the faults of data that a strict schema loads, None for a schema that it cannot be made for.

    Args:
        schema: The schema.
        tell: Makes the fault of a pointer and a message.
    """
    if any(each and tag != POST_LOAD for tag, each in schema._hooks.items()):
        return None
    source = _FinderSource(tell)
    make = source.several if schema.many else source.schema
    lines = make(schema, schema.partial, "data", "", ())
    return None if lines is None else source.compile(lines)


class _FinderSource:
    """Collects the source of the function. A place is a JSON Pointer in the form of an f-string, its indexes in braces.

    Args:
        tell: Makes the fault of a pointer and a message.
    """

    def __init__(self, tell: Callable[[str, Any], Fault]) -> None:
        self.tell = tell
        self.names = 0
        self.namespace: dict[str, Any] = {"tell": tell}

    def compile(self, lines: Sequence[str]) -> Find:
        """Return the function."""
        source = "\n ".join(["def find(data):", "found = []", "add = found.append", *lines, "return found"])
        return compile_function(source, "find", self.namespace)  # type: ignore[no-any-return]  # Made of source.

    def _name(self, kind: str, value: Any = None) -> str:
        self.names += 1
        name = f"{kind}{self.names}"
        self.namespace[name] = value
        return name

    def _add(self, place: str, message: Any) -> str:
        """Return the line that tells a message, which is None where it is not the same for every value."""
        if message is None:
            return "return None"
        if "{" in place:
            return f"add(tell(f{place!r}, {self._name('message', message)}))"
        return f"add({self._name('fault', self.tell(place, message))})"

    def schema(self, schema: Schema, partial: Any, v: str, place: str, path: tuple[Any, ...]) -> list[str] | None:
        """Return the lines that look through an object named v."""
        plain = loads_by_steps(schema) and can_build(schema) and not handles_errors(schema)
        if not plain or partial not in (None, False, True) or type(schema) in path:
            return None
        missing = self._name("n")
        lines = [f"if type({v}) is not dict: return None", f"{missing} = 0"]
        for name, given in schema.load_fields.items():
            key = name if given.data_key is None else given.data_key
            below = f"{place}/{escape_name(key)}"
            x = self._name("x")
            looks = self._value(given, x, partial, below, (*path, type(schema)))
            is_due = callable(given.load_default) and partial is not True
            if looks is None or is_due or len(below) > _MOST_CHARACTERS or {"{", "}"} & {*key}:
                return None
            absent = [f" {missing} += 1"]
            if given.required and partial is not True:
                absent.append(f" {self._add(below, fixed_message(given, 'required'))}")
            # That one is missing is a common fault, for which an exception would cost more than all the rest.
            lines += [f"if {key!r} in {v}:", f" {x} = {v}[{key!r}]", *_indent(looks), "else:", *absent]
        # Unknown members are told after all others, if they are.
        return [*lines, f"if len({v}) + {missing} != {len(schema.load_fields)}: return None"]

    def several(self, schema: Schema, partial: Any, v: str, place: str, path: tuple[Any, ...]) -> list[str] | None:
        """Return the lines that look through a list of objects named v."""
        item, index = self._name("x"), self._name("i")
        looks = self.schema(schema, partial, item, f"{place}/{{{index}}}", (*path, list))
        if looks is None or not schema.opts.index_errors:
            return None
        head = [f"if type({v}) is not list: return None", f"for {index}, {item} in enumerate({v}):"]
        return [*head, *_indent(looks)]

    def _value(self, given: Field[Any], v: str, partial: Any, place: str, path: tuple[Any, ...]) -> list[str] | None:
        """Return the lines that look at a value named v."""
        recipe, looks = find_recipe(given), None
        value_type = recipe.steps[0].value_type if recipe is not None else list
        if not all(is_pure(each, value_type) for each in given.validators):
            return None
        if recipe is not None:
            looks = self._scalar(given, recipe, v, place)
        elif is_plain_list(given):
            looks = self._list(given, v, partial, place, path)
        elif (
            isinstance(given, fields.Nested) and loads_plainly(given) and nests_plainly(given) and not given.validators
        ):
            looks = self._nested(given, v, partial, place, path)
        if looks is None:
            return None
        null = "pass" if given.allow_none else self._add(place, fixed_message(given, "null"))
        return [f"if {v} is None: {null}", *looks]

    def _scalar(self, given: Field[Any], recipe: Recipe, v: str, place: str) -> list[str]:
        names = {name: self._name(name, value) for name, value in recipe.constants.items()}
        invalid = self._add(place, recipe.message)
        lines = []
        for step in recipe.steps:
            lines += [
                f"elif {step.condition.format(v=v, **names)}:",
                *_indent(self._step(given, step, names, v, place)),
            ]
        if recipe.refused != "False":
            lines += [f"elif {recipe.refused.format(v=v, **names)}: {invalid}"]
        return [*lines, "else: return None"]

    def _step(self, given: Field[Any], step: Step, names: dict[str, str], v: str, place: str) -> list[str]:
        """Return the lines that convert a value and have its validators judge it."""
        judged = v if step.result == "{v}" else self._name("y")
        convert = f"{judged} = {step.result.format(v=v, **names)}"
        judge = self._judge(given.validators, conditions_of(given, step.value_type), judged, place)
        if step.may_fail:
            invalid = self._add(place, find_recipe(given).message)  # type: ignore[union-attr]  # It has one.
            return [f"try: {convert}", f"except ValueError: {invalid}", *(["else:", *_indent(judge)] if judge else [])]
        return [*([] if judged == v else [convert]), *judge] or ["pass"]

    def _judge(self, validators: list[Any], conditions: list[Condition | None], v: str, place: str) -> list[str]:
        """Return the lines in which validators judge a value, each of them."""
        lines = []
        for validator, condition in zip(validators, conditions, strict=True):
            if condition is None:
                check = self._name("check", make_check([validator], [None]))
                lines.append(f"for m in {check}({v}) or (): add(tell(f{place!r}, m))")
            else:
                names = {name: self._name(name, value) for name, value in condition.constants.items()}
                lines.append(f"if not ({condition.source.format(x=v, **names)}):")
                lines += [f" {self._add(place, message)}" for message in condition.messages]
        return lines

    def _list(self, given: Any, v: str, partial: Any, place: str, path: tuple[Any, ...]) -> list[str] | None:
        item, index, before = self._name("x"), self._name("i"), self._name("n")
        looks = self._value(given.inner, item, partial, f"{place}/{{{index}}}", (*path, list))
        if looks is None:
            return None
        judge = self._judge(given.validators, conditions_of(given, list), v, place)
        lines = [f"{before} = len(found)", f"for {index}, {item} in enumerate({v}):", *_indent(looks)]
        if judge:  # A list is judged when all its items are good.
            lines += [f"if len(found) == {before}:", *_indent(judge)]
        return [f"elif type({v}) is list:", *_indent(lines), "else: return None"]

    def _nested(self, given: Any, v: str, partial: Any, place: str, path: tuple[Any, ...]) -> list[str] | None:
        schema = nested_schema(given)
        if any(schema._hooks.values()) or schema.many != bool(schema.many or given.many):
            return None
        make = self.several if schema.many else self.schema
        looks = make(schema, schema.partial if partial is None else partial, v, place, path)
        return None if looks is None else ["else:", *_indent(looks)]


def _indent(lines: Sequence[str]) -> list[str]:
    return [f" {line}" for line in lines]
