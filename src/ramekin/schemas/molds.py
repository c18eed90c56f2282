"""Bodies that the codec reads and validates in C, where the result is proved to be marshmallow's.

A mold is a struct type of the codec's with the members that a schema loads, and as much of their validators as the
codec knows. It takes a body that fits in less than half the time that reading and loading take one after the other. A
generated function makes of the mold what marshmallow would return; a body that does not fit, or of which that is not
sure, is left to the compiled schema, which tells what is wrong with it. Nothing is called twice that could tell:
validators of a user's own, and hooks but ``post_load``, mean that a schema has no mold.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from marshmallow import Schema, fields, missing
from marshmallow.decorators import POST_LOAD
from marshmallow.fields import Field

from ramekin.json import (
    ABSENT,
    NUMBER_TO_ZERO,
    UNFIT,
    can_name,
    compile_filler,
    constrain,
    count_quotes,
    make_mold,
    sample_numbers,
)
from ramekin.limits import Limits
from ramekin.schemas.checks import codec_choices, codec_constraints, is_pure, make_check
from ramekin.schemas.load_source import can_build, is_plain_list
from ramekin.schemas.plainness import handles_errors, load_hooks, loads_by_steps, nested_schema, nests_plainly
from ramekin.schemas.recipes import Recipe, find_recipe, loads_plainly
from ramekin.schemas.sources import MOST_NESTED, compile_closure

#: Loads a body and returns ``(loaded, None)``, or ``(None, faults)``.
Read: TypeAlias = Callable[[bytes], "tuple[Any, Any]"]

#: Most bodies in a row that are left at once, after some that could not be taken.
_MOST_RESTS = 63

#: Fields whose values are text or numbers in JSON, which are converted.
_CONVERTED = (fields.DateTime, fields.Date, fields.Time, fields.UUID, fields.Enum, fields.Decimal)


def compile_mold(
    schema: Schema,
    limits: Limits,
    *,
    look: Callable[[], int],
    other: Read,
    finish: Callable[[Any], tuple[Any, Any]] | None = None,
) -> Read | None:
    """Return what loads a body by a schema, None for a schema that has no mold.

    Args:
        schema: A schema that is strict, or not; the codec takes less than either.
        limits: What the body must keep to.
        look: Looks whether the schema was changed, and returns how many calls may pass before the next look.
        other: Loads the bodies that the mold does not take.
        finish: Makes of what the schema's fields have loaded what is returned, for a schema with ``post_load`` hooks.
    """
    source = _MoldSource(min(limits.json_depth, MOST_NESTED))
    whole = source.add_root(schema)
    if whole is None:
        return None
    source.namespace |= {"look": look, "other": other, "finish": finish}
    return source.compile(whole, limits)


@dataclass(slots=True)
class _Made:
    """What was made of a schema or a field.

    Attributes:
        annotation: What the codec fills.
        result: The expression of what is loaded.
        quotes: How many quotes its text usually has; where it has others, the lines say so.
        lines: What proves and converts the values.
        build: What builds the result, once all is proved.
    """

    annotation: Any
    result: str
    quotes: int = 0
    lines: list[str] = field(default_factory=list)
    build: list[str] = field(default_factory=list)

    def built(self) -> list[str]:
        """Return all lines."""
        return [*self.lines, *self.build]


class _MoldSource:
    """Collects the source of the function that makes of a mold what marshmallow returns.

    It counts the quotes that a text of these members has, in ``q``. A member given twice, or one that the mold does not
    have, has more quotes in the text than in what was read; so equal counts prove that there was none.
    """

    def __init__(self, most_depth: int) -> None:
        self.most_depth = most_depth
        self.numbers = False
        self.names = 0
        self.namespace: dict[str, Any] = {
            "ABSENT": ABSENT,
            "missing": missing,
            "count_quotes": count_quotes,
            "NUMBER_TO_ZERO": NUMBER_TO_ZERO,
            "UNFIT": UNFIT,
        }

    def compile(self, whole: _Made, limits: Limits) -> Read:
        """Return the function, given what was made of the schema.

        Where body after body does not fit, to try costs more than it saves: after one that did not, others are left
        untried, and the more the more did not; the fewer once some of these turn out to be good.
        """
        stride, run = sample_numbers(limits.number_digits)
        self.namespace |= {"fill": compile_filler(whole.annotation), "run": run}
        guards = [f"len(body) > {2 * limits.json_nodes}"]
        if self.numbers:
            # It is written out, as in `ramekin.json.decode`, because a call takes half as long as the search.
            guards.append(
                f"len(body) > {limits.number_digits} and body[::{stride}].translate(NUMBER_TO_ZERO).find(run) >= 0"
            )
        lines = [
            "calls_to_look = calls_to_rest = misses = 0",
            "def leave(body):",
            " nonlocal calls_to_rest, misses",
            f" calls_to_rest = misses = min(2 * misses + 1, {_MOST_RESTS})",
            " return other(body)",
            "def read(body):",
            " nonlocal calls_to_look, calls_to_rest, misses",
            " if calls_to_rest > 0:",  # Threads that count together may count one too many.
            "  calls_to_rest -= 1",
            "  outcome = other(body)",
            "  if outcome[1] is None: calls_to_rest //= 8",
            "  return outcome",
            " calls_to_look -= 1",
            " if calls_to_look < 0: calls_to_look = look()",
            *(f" if {each}: return leave(body)" for each in guards),
            " try: v = fill(body)",
            " except UNFIT: return leave(body)",
            f" q = {whole.quotes}",
            *(f" {line}" for line in whole.lines),
            # An escaped quote opens or closes nothing.
            " if (count_quotes(body) if 92 in body else body.count(34)) != q: return leave(body)",
            " if misses: misses = 0",
            *(f" {line}" for line in whole.build),
            f" return {whole.result}, None" if self.namespace["finish"] is None else f" return finish({whole.result})",
        ]
        read: Read = compile_closure(lines, "read", self.namespace)
        return read

    def add_root(self, schema: Schema) -> _Made | None:
        """Add a schema that a body is loaded by."""
        hooks = load_hooks(schema)
        if hooks and (hooks.keys() != {POST_LOAD} or not _are_blind(hooks[POST_LOAD]) or handles_errors(schema)):
            return None
        if schema.many:
            return self._several(schema, schema.partial, "v", ())
        return self._schema(schema, schema.partial, "v", ())

    def _new_name(self, kind: str) -> str:
        self.names += 1
        return f"{kind}{self.names}"

    def _constant(self, kind: str, value: Any) -> str:
        name = self._new_name(kind)
        self.namespace[name] = value
        return name

    def _schema(self, schema: Schema, partial: Any, v: str, path: tuple[Any, ...]) -> _Made | None:
        """Return what makes the result of a mold named v, by a schema with its partial option settled."""
        targets = [each.attribute or name for name, each in schema.load_fields.items()]
        plain = loads_by_steps(schema) and can_build(schema) and schema.dict_class is dict and bool(targets)
        if not plain or partial not in (None, False, True) or type(schema) in path or len(path) >= self.most_depth:
            return None
        if any("." in each for each in targets) or len({*targets}) < len(targets):
            return None
        whole, members = _Made(None, self._new_name("r")), []
        shown: list[str] | None = []  # The members that the result has always, up to the first that it may lack.
        for number, (name, given) in enumerate(schema.load_fields.items()):
            key, target = name if given.data_key is None else given.data_key, given.attribute or name
            x = self._new_name("x")
            made = self._value(given, x, partial, (*path, type(schema))) if can_name(key) else None
            if made is None:
                return None
            optional = partial is True or not given.required
            members.append((key, made.annotation, optional))
            whole.lines.append(f"{x} = {v}.m{number}")
            default = missing if partial else given.load_default
            if callable(default) and path and optional:
                return None  # It might be called again, if what follows is not proved.
            condition = self._add_member(whole, made, x, default if optional else None, optional=optional)
            if condition is None and shown is not None:
                shown.append(f"{target!r}: {x}")
                continue
            if shown is not None:
                whole.build.append(f"{whole.result} = {{{', '.join(shown)}}}")
                shown = None
            if callable(default) and optional:
                whole.build.append(f"if {x} is ABSENT: {x} = {self._constant('default', default)}()")
            whole.build.append(f"{condition or ''}{whole.result}[{target!r}] = {x}")
        if shown is not None:
            whole.build.append(f"{whole.result} = {{{', '.join(shown)}}}")
        whole.annotation = make_mold(members)
        return whole

    def _add_member(self, whole: _Made, made: _Made, x: str, default: Any, *, optional: bool) -> str | None:
        """Add the lines that make x of a member; return the condition for the result to have it, None for always."""
        lines = [*made.built(), *([] if made.result == x else [f"{x} = {made.result}"])]
        whole.quotes += made.quotes + 2
        if not optional:
            whole.lines += lines
            return None
        has_value = not callable(default) and default is not missing
        whole.lines += [f"if {x} is ABSENT:", f" q -= {made.quotes + 2}"]
        whole.lines += [f" {x} = {self._constant('default', default)}"] if has_value else []
        whole.lines += ["else:", *(f" {line}" for line in lines)] if lines else []
        if has_value:
            return None
        return f"if {x} is not {'ABSENT' if default is missing else 'missing'}: "

    def _value(self, given: Field[Any], x: str, partial: Any, path: tuple[Any, ...]) -> _Made | None:
        """Return what makes the result of a field's value named x, which is there."""
        made = self._value_not_null(given, x, partial, path)
        if made is None or not given.allow_none:
            return made
        lines = [*made.built(), *([] if made.result == x else [f"{x} = {made.result}"])]
        lines = ["else:", *(f" {line}" for line in lines)] if lines else []
        return _Made(made.annotation | None, x, made.quotes, [f"if {x} is None: q -= {made.quotes}", *lines])

    def _value_not_null(self, given: Field[Any], x: str, partial: Any, path: tuple[Any, ...]) -> _Made | None:
        recipe = find_recipe(given)
        value_type = recipe.steps[0].value_type if recipe is not None else list
        if not all(is_pure(each, value_type) for each in given.validators):
            return None
        if recipe is not None:
            return (
                self._converted(given, recipe, x) if isinstance(given, _CONVERTED) else self._scalar(given, recipe, x)
            )
        if is_plain_list(given):
            return self._list(given, x, partial, path)
        if _is_plain_mapping(given):
            return self._mapping(given, x, partial, path)
        if isinstance(given, fields.Nested) and loads_plainly(given) and nests_plainly(given) and not given.validators:
            return self._nested(given, x, partial, path)
        return None

    def _scalar(self, given: Field[Any], recipe: Recipe, x: str) -> _Made | None:
        """Return what makes the result of a value that is loaded as it is."""
        kind = recipe.steps[0].value_type
        if kind not in (str, int, float, bool):
            return None
        self.numbers = self.numbers or kind in (int, float)
        made = _Made(kind, x, 2 if kind is str else 0)
        self._add_validators(made, given.validators, kind)
        return made

    def _converted(self, given: Field[Any], recipe: Recipe, x: str) -> _Made:
        """Return what makes the result of text or numbers that stand for something else."""
        names = {name: self._constant(name, value) for name, value in recipe.constants.items()}
        is_one = len(recipe.steps) == 1
        made = _Made(recipe.steps[0].given if is_one else int | float, x)
        made.quotes = 2 if made.annotation is str else 0
        self.numbers = self.numbers or made.annotation is not str
        for step in recipe.steps:
            condition = step.test if is_one else step.condition  # The codec gives nothing but the one type.
            convert = [f"{x} = {step.result.format(v=x, **names)}"]
            if step.may_fail:
                convert = [f"try: {convert[0]}", "except ValueError: return leave(body)"]
            test = f"{'elif' if made.lines else 'if'} {condition.format(v=x, **names)}:"
            made.lines += [test, *(f" {line}" for line in convert)] if condition else convert
        if made.lines[0].startswith("if "):
            made.lines.append("else: return leave(body)")
        self._add_validators(made, given.validators, recipe.steps[0].value_type)
        return made

    def _add_validators(self, made: _Made, validators: list[Any], kind: type) -> None:
        """Have the codec judge a value as far as it can; the lines judge the rest."""
        constraints: dict[str, Any] = {}
        for each in validators:
            known = codec_constraints(each, kind)
            choices = codec_choices(each, kind)
            if choices is not None and len(validators) == 1:
                made.annotation = choices
            elif known is not None and not constraints:
                constraints = known
            else:
                check = self._constant("check", make_check([each], [None]))
                made.lines.append(f"if {check}({made.result}) is not None: return leave(body)")
        if constraints:
            made.annotation = constrain(made.annotation, constraints)

    def _list(self, given: Any, x: str, partial: Any, path: tuple[Any, ...]) -> _Made | None:
        item, path = self._new_name("x"), (*path, list)
        made = None if len(path) > self.most_depth else self._value(given.inner, item, partial, path)
        if made is None:
            return None
        whole = self._loop(made, item, x)
        self._add_validators(whole, given.validators, list)
        return whole

    def _mapping(self, given: Any, x: str, partial: Any, path: tuple[Any, ...]) -> _Made | None:
        key, item, path = self._new_name("k"), self._new_name("x"), (*path, dict)
        made = None if len(path) > self.most_depth else self._value(given.value_field, item, partial, path)
        if made is None:
            return None
        whole = _Made(dict[str, made.annotation], x)  # type: ignore[name-defined]  # A type made at run time.
        whole.lines.append(f"q += {made.quotes + 2} * len({x})")
        if made.built() or made.result != item:
            result = self._new_name("r")
            whole.lines += [f"{result} = {{}}", f"for {key}, {item} in {x}.items():"]
            whole.lines += [*(f" {line}" for line in made.built()), f" {result}[{key}] = {made.result}"]
            whole.lines.append(f"{x} = {result}")
        return whole

    def _nested(self, given: Any, x: str, partial: Any, path: tuple[Any, ...]) -> _Made | None:
        schema = nested_schema(given)
        if load_hooks(schema) or schema.many != bool(schema.many or given.many):
            return None
        make = self._several if schema.many else self._schema
        return make(schema, schema.partial if partial is None else partial, x, path)

    def _several(self, schema: Schema, partial: Any, x: str, path: tuple[Any, ...]) -> _Made | None:
        """Return what makes the result of a list of molds named x."""
        item = self._new_name("x")
        made = self._schema(schema, partial, item, (*path, list))
        return None if made is None else self._loop(made, item, x)

    def _loop(self, made: _Made, item: str, x: str) -> _Made:
        """Return what makes the result of a list named x, given what is made of its items."""
        whole = _Made(list[made.annotation], x)  # type: ignore[name-defined]  # A type made at run time.
        if made.quotes:
            whole.lines.append(f"q += {made.quotes} * len({x})")
        if made.built() or made.result != item:
            result = self._new_name("r")
            whole.lines += [f"{result} = []", f"for {item} in {x}:", *(f" {line}" for line in made.built())]
            whole.lines += [f" {result}.append({made.result})", f"{x} = {result}"]
        return whole


def _is_plain_mapping(given: Any) -> bool:
    """Tell whether a field loads a dict of any texts as marshmallow's own does, its values by one field."""
    return (
        isinstance(given, fields.Mapping)
        and type(given)._deserialize is fields.Mapping._deserialize
        and "_deserialize" not in given.__dict__
        and loads_plainly(given)
        and given.mapping_type is dict
        and given.value_field is not None
        and (given.key_field is None or _takes_all_text(given.key_field))
        and not given.validators
    )


def _takes_all_text(given: Field[Any]) -> bool:
    return type(given) is fields.String and find_recipe(given) is not None and not given.validators


def _are_blind(hooks: list[tuple[str, bool, dict[str, Any]]]) -> bool:
    """Tell whether hooks see nothing but what was loaded."""
    return not any(options.get("pass_original") for _, _, options in hooks)
