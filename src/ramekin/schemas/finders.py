"""Faults found straight: for a schema, a function that looks through a body and tells all its faults, without messages.

It tells what reading the body, loading it and looking through marshmallow's messages would tell, in a fifth of the
time, for what is wrong most often: members that are missing, of another type, or refused by marshmallow's own
validators. Where it meets anything else, it finds nothing, and reading and loading decide. No code of a user's may be
called by it, or be due.

Looking through all that was read proves in passing what reading proves by itself: nothing is nested deeper than the
schema is, no number is longer than may be, and no member stands twice, since a text with one more than was read has
more quotes (as in `ramekin.schemas.molds`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

from marshmallow import Schema, fields
from marshmallow.decorators import POST_LOAD
from marshmallow.fields import Field

from ramekin.json import (
    ABSENT,
    NUMBER_TO_ZERO,
    UNFIT,
    can_name,
    compile_decode,
    compile_filler,
    count_quotes,
    make_mold,
    sample_numbers,
)
from ramekin.limits import Limits
from ramekin.schemas.checks import Condition, is_pure, make_check
from ramekin.schemas.elements import conditions_of
from ramekin.schemas.faults import POINTER_CHARACTERS, Fault, escape_name
from ramekin.schemas.load_source import can_build, is_plain_list
from ramekin.schemas.plainness import handles_errors, load_hooks, loads_by_steps, nested_schema, nests_plainly
from ramekin.schemas.recipes import Recipe, Step, find_recipe, fixed_message, loads_plainly
from ramekin.schemas.sources import MOST_NESTED, compile_closure, indent

#: Returns the faults of a body; None, or no faults, where that is not for it to say.
Find: TypeAlias = Callable[[bytes], "list[Fault] | None"]

#: Most items of a list whose faults are kept to be told again.
_MOST_TOLD = 64

#: Integers with fewer digits than this are not too long, whatever the limit is; most limits are higher.
_SHORT_DIGITS = 15


def compile_finder(
    schema: Schema, tell: Callable[[str, Any], Fault], limits: Limits, *, unique_keys: bool = True
) -> Find | None:
    """Return what finds the faults of a body that a strict schema loads, None for one that it cannot be made for.

    Args:
        schema: The schema.
        tell: Makes the fault of a pointer and a message.
        limits: What the body must keep to.
        unique_keys: Whether an object that names one member twice is left to reading.
    """
    if load_hooks(schema).keys() - {POST_LOAD}:
        return None
    source = _FinderSource(tell, limits)
    make = source.several if schema.many else source.schema
    looks = make(schema, schema.partial, "data", "", ())
    return None if looks is None else source.compile(looks, unique_keys=unique_keys)


class _Looks(NamedTuple):
    """How what a schema or a field loads is looked at.

    Attributes:
        annotation: What the codec fills with it.
        branches: Conditions, each with what is to be done where it holds; an empty one always holds.
        quotes: How many quotes its text usually has; where it has others, the lines say so.
        good: How many of the branches are for good values.
    """

    annotation: Any
    branches: list[tuple[str, list[str]]]
    quotes: int
    good: int = 0

    def lines(self) -> list[str]:
        """Return the branches as lines."""
        lines: list[str] = []
        for condition, inner in self.branches:
            if not condition:
                lines += ["else:", *indent(inner)] if lines else inner
            else:
                lines += [f"{'elif' if lines else 'if'} {condition}:", *indent(inner)]
        return lines


class _FinderSource:
    """Collects the source of the function. A place is a JSON Pointer in the form of an f-string, its indexes in braces.

    The codec fills structs that take any value for a member, or none. The function has in ``q`` how many quotes a text
    of what it sees has, and notes in ``w`` that it saw a number which may be too long.

    Args:
        tell: Makes the fault of a pointer and a message.
        limits: What the body must keep to.
    """

    def __init__(self, tell: Callable[[str, Any], Fault], limits: Limits) -> None:
        self.tell = tell
        self.limits = limits
        self.most_depth = min(limits.json_depth, MOST_NESTED)
        self.sees_all = True
        self.names = 0
        self.namespace: dict[str, Any] = {"tell": tell, "ABSENT": ABSENT}

    def compile(self, looks: _Looks, *, unique_keys: bool) -> Find:
        """Return the function."""
        digits = self.limits.number_digits
        stride, run = sample_numbers(digits)
        self.namespace |= {
            "fill": compile_filler(looks.annotation),
            "UNFIT": UNFIT,
            "decode": compile_decode(self.limits, unique_keys=unique_keys),
            "NUMBER_TO_ZERO": NUMBER_TO_ZERO,
            "run": run,
            "count_quotes": count_quotes,
        }
        end = [f"if w and body[::{stride}].translate(NUMBER_TO_ZERO).find(run) >= 0: return None"]
        if unique_keys:
            end.append("if (count_quotes(body) if 92 in body else body.count(34)) != q: return None")
        lines = [
            "def find(body):",
            f" if len(body) > {2 * self.limits.json_nodes}: return None",
            *([] if self.sees_all else [" decode(body)"]),
            " try: data = fill(body)",
            " except UNFIT: return None",
            " found = []",
            " add = found.append",
            f" q, w = {looks.quotes}, False",
            *indent(looks.lines()),
            *(indent(end) if self.sees_all else []),
            " return found",
        ]
        find: Find = compile_closure(lines, "find", self.namespace)
        return find

    def _name(self, kind: str, value: Any = None) -> str:
        self.names += 1
        name = f"{kind}{self.names}"
        self.namespace[name] = value
        return name

    def _fits(self, place: str) -> bool:
        """Tell whether a place is a pointer that is told whole, whatever its indexes are."""
        index = len(str(self.limits.json_nodes))
        return len(place) + index * place.count("{") <= POINTER_CHARACTERS

    def _add(self, place: str, message: Any) -> str:
        """Return the line that tells a message, which is None where it is not the same for every value."""
        if message is None:
            return "return None"
        indexes = place.count("{")
        if indexes == 0:
            return f"add({self._name('fault', self.tell(place, message))})"
        if indexes == 1:
            index = place[place.index("{") + 1 : place.index("}")]
            told: dict[int, Fault] = {}
            known, tell = self._name("told", told), self._name("tell", self._tell_item(place, index, message, told))
            return f"add({known}[{index}] if {index} in {known} else {tell}({index}))"
        return f"add(tell(f{place!r}, {self._name('message', message)}))"

    def _tell_item(self, place: str, name: str, message: Any, told: dict[int, Fault]) -> Callable[[int], Fault]:
        """Return what makes the fault of an item of a list, given its index, and keeps it to be told again."""
        tell = self.tell

        def tell_item(index: int) -> Fault:
            fault = tell(place.format_map({name: index}), message)
            if len(told) < _MOST_TOLD:
                told[index] = fault
            return fault

        return tell_item

    def schema(self, schema: Schema, partial: Any, v: str, place: str, path: tuple[Any, ...]) -> _Looks | None:
        """Return how an object named v is looked through."""
        plain = loads_by_steps(schema) and can_build(schema) and not handles_errors(schema) and schema.load_fields
        deep = type(schema) in path or len(path) >= self.most_depth
        if not plain or partial not in (None, False, True) or deep:
            return None
        lines, members, quotes = [], [], 0
        for number, (name, given) in enumerate(schema.load_fields.items()):
            key = name if given.data_key is None else given.data_key
            below = f"{place}/{escape_name(key)}"
            is_due = callable(given.load_default) and partial is not True
            if is_due or not self._fits(below) or {"{", "}"} & {*key} or not can_name(key):
                return None
            x = self._name("x")
            looks = self._value(given, x, partial, below, (*path, type(schema)))
            if looks is None:
                return None
            absent = [f"q -= {looks.quotes + 2}"]
            if given.required and partial is not True:
                absent.append(self._add(below, fixed_message(given, "required")))
            # What is told of any value follows on what is told of good ones.
            looks.branches.insert(looks.good, (f"{x} is ABSENT", absent))
            lines += [f"{x} = {v}.m{number}", *looks.lines()]
            members.append((key, looks.annotation, True))
            quotes += looks.quotes + 2
        return _Looks(make_mold(members), [("", lines)], quotes)

    def several(self, schema: Schema, partial: Any, v: str, place: str, path: tuple[Any, ...]) -> _Looks | None:
        """Return how a list of objects named v is looked through."""
        item, index = self._name("x"), self._name("i")
        looks = self.schema(schema, partial, item, f"{place}/{{{index}}}", (*path, list))
        if looks is None or not schema.opts.index_errors:
            return None
        lines = [f"q += {looks.quotes} * len({v})", f"for {index}, {item} in enumerate({v}):", *indent(looks.lines())]
        return _Looks(list[looks.annotation], [("", lines)], 0)  # type: ignore[name-defined]  # Made at run time.

    def _value(self, given: Field[Any], v: str, partial: Any, place: str, path: tuple[Any, ...]) -> _Looks | None:
        """Return how a value named v is looked at."""
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
        null = [*_less(looks.quotes), "pass" if given.allow_none else self._add(place, fixed_message(given, "null"))]
        looks.branches.insert(looks.good, (f"{v} is None", null))
        return looks

    def _scalar(self, given: Field[Any], recipe: Recipe, v: str, place: str) -> _Looks:
        takes_all = recipe.steps[0].value_type is object and recipe.steps[0].given is None
        self.sees_all = self.sees_all and not takes_all
        quotes = 2 if recipe.steps[0].given is str else 0
        names = {name: self._name(name, value) for name, value in recipe.constants.items()}
        invalid = self._add(place, recipe.message)
        branches = []
        for step in recipe.steps:
            judge = self._step(given, recipe, step, names, v, place)
            lines = [*self._notice(step.given, v, quotes), *judge]
            branches.append((step.condition.format(v=v, **names), lines or ["pass"]))
        if recipe.refused:
            noticed = self._notice(recipe.steps[0].given, v, quotes)
            branches.append((recipe.refusal.format(v=v, **names), [*noticed, invalid]))
        elif recipe.others:
            # Arrays and objects are left to loading, so that all that is in the body is seen.
            if str in recipe.others:
                branches.append((f"type({v}) is str", [*_less(quotes - 2), invalid]))
            if scalars := recipe.others - {str, list, dict}:
                branches.append(
                    (f"type({v}) in {self._name('others', scalars)}", [*_less(quotes), "w = True", invalid])
                )
        return _Looks(Any, [*branches, ("", ["return None"])], quotes, 0 if takes_all else len(recipe.steps))

    def _notice(self, given: type | None, v: str, quotes: int) -> list[str]:
        """Return the lines for the quotes and the digits of a value of a type."""
        if given is str:
            return _less(quotes - 2)
        if given is int:
            most = 10 ** min(_SHORT_DIGITS, self.limits.number_digits)
            return [*_less(quotes), f"if not {-most} < {v} < {most}: w = True"]
        return [*_less(quotes), *(["w = True"] if given is float else [])]

    def _step(
        self, given: Field[Any], recipe: Recipe, step: Step, names: dict[str, str], v: str, place: str
    ) -> list[str]:
        """Return the lines that convert a value and have its validators judge it."""
        judged = v if step.result == "{v}" else self._name("y")
        convert = f"{judged} = {step.result.format(v=v, **names)}"
        judge = self._judge(given.validators, conditions_of(given, step.value_type), judged, place)
        if step.may_fail:
            invalid = self._add(place, recipe.message)
            return [f"try: {convert}", f"except ValueError: {invalid}", *(["else:", *indent(judge)] if judge else [])]
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

    def _list(self, given: Any, v: str, partial: Any, place: str, path: tuple[Any, ...]) -> _Looks | None:
        item, index, before = self._name("x"), self._name("i"), self._name("n")
        looks, below = None, f"{place}/{{{index}}}"
        if len(path) < self.most_depth and self._fits(below):
            looks = self._value(given.inner, item, partial, below, (*path, list))
        if looks is None:
            return None
        judge = self._judge(given.validators, conditions_of(given, list), v, place)
        lines = [f"q += {looks.quotes} * len({v})", f"for {index}, {item} in enumerate({v}):", *indent(looks.lines())]
        if judge:  # A list is judged when all its items are good.
            lines = [f"{before} = len(found)", *lines, f"if len(found) == {before}:", *indent(judge)]
        # Where the codec fills a list, what is no list does not fit.
        filled = list[looks.annotation] | None  # type: ignore[name-defined]  # Made at run time.
        return _Looks(filled, [("", lines)], 0)

    def _nested(self, given: Any, v: str, partial: Any, place: str, path: tuple[Any, ...]) -> _Looks | None:
        schema = nested_schema(given)
        if load_hooks(schema) or schema.many != bool(schema.many or given.many):
            return None
        make = self.several if schema.many else self.schema
        looks = make(schema, schema.partial if partial is None else partial, v, place, path)
        return None if looks is None else looks._replace(annotation=looks.annotation | None)


def _less(quotes: int) -> list[str]:
    """Return the line for a value that has so many quotes less than is usual; none where it has as many."""
    return [] if quotes == 0 else [f"q -= {quotes}"] if quotes > 0 else [f"q += {-quotes}"]
