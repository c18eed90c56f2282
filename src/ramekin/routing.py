"""Routing: Werkzeug's map, tables derived from it, URL building, and the one place where a rule becomes a template.

A request's path is looked up in tables made at start-up: whole static paths first, then segment by segment. They only
ever answer when the first choice at each segment leads to a route, which is Werkzeug's own first choice; whatever else
(several converters in a segment, ``path`` converters, redirects, nothing found) Werkzeug decides.

Specification: Werkzeug's routing rules; RFC 6570 level 1 as used by OpenAPI 3.1 §4.8.8 for path templates.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from operator import itemgetter
from types import MappingProxyType
from typing import Any, Generic, NamedTuple, TypeVar
from urllib.parse import quote, unquote

from werkzeug.exceptions import HTTPException
from werkzeug.routing import (
    AnyConverter,
    BaseConverter,
    BuildError,
    FloatConverter,
    IntegerConverter,
    Map,
    MapAdapter,
    PathConverter,
    RequestRedirect,
    Rule,
    UnicodeConverter,
    UUIDConverter,
    ValidationError,
)

from ramekin.errors import RoutingError
from ramekin.operations import PathParameter

RouteT = TypeVar("RouteT")

#: Greatest integer in a path: what fits 64 bits with a sign.
GREATEST_INTEGER = 2**63 - 1

_VARIABLE = re.compile(r"<(?:[a-zA-Z_][a-zA-Z0-9_]*(?:\(.*?\))?:)?([a-zA-Z_][a-zA-Z0-9_]*)>")
_WHOLE_SEGMENT = re.compile(r"<[^<>]*>")


class IntConverter(IntegerConverter):
    """``int``: ASCII digits that fit 64 bits; options as Werkzeug's."""

    regex = r"[0-9]{1,19}"

    def __init__(
        self,
        map: Map,  # Werkzeug's names
        fixed_digits: int = 0,
        min: int | None = None,
        max: int | None = None,
        signed: bool = False,
    ) -> None:
        least = -GREATEST_INTEGER - 1 if signed and min is None else min
        super().__init__(map, fixed_digits, least, GREATEST_INTEGER if max is None else max, signed)


class DecimalPointConverter(FloatConverter):
    """``float``: ASCII digits with a point between them; options as Werkzeug's."""

    regex = r"[0-9]+\.[0-9]+"

    def to_python(self, value: str) -> float:
        """Return the number, unless it is larger than a double can hold."""
        number: float = super().to_python(value)
        if number in (float("inf"), float("-inf")):
            raise ValidationError
        return number


CONVERTERS: Mapping[str, type[BaseConverter]] = {
    "default": UnicodeConverter,
    "string": UnicodeConverter,
    "any": AnyConverter,
    "path": PathConverter,
    "int": IntConverter,
    "float": DecimalPointConverter,
    "uuid": UUIDConverter,
}


class _RecordingRule(Rule):
    """A rule that tells its converters in order, and compiles what builds its URLs when the first one is built."""

    def __init__(self, string: str, **options: Any) -> None:
        super().__init__(string, **options)
        self.found: list[tuple[str, str, BaseConverter]] = []

    def get_converter(
        self, variable_name: str, converter_name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> BaseConverter:
        converter = super().get_converter(variable_name, converter_name, args, kwargs)
        self.found.append((variable_name, converter_name, converter))
        return converter

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        # Werkzeug compiles two functions for each rule at start-up, 0.5 ms; most rules never build a URL.
        return _build_with_query if append_unknown else _build_alone

    def forget_parts(self) -> None:
        """Free what the rule was entered into Werkzeug's matcher by: two kilobytes that nothing reads again."""
        self._parts = []

    def build_later(self, values: Mapping[str, Any], append_unknown: bool) -> tuple[str, str]:
        """Build a URL for the first time, having compiled what builds the next."""
        compiled = super()._compile_builder(append_unknown).__get__(self, None)
        if append_unknown:
            self._build_unknown = compiled
        else:
            self._build = compiled
        built: tuple[str, str] = compiled(**values)
        return built


def _build_with_query(rule: _RecordingRule, /, **values: Any) -> tuple[str, str]:
    return rule.build_later(values, append_unknown=True)


def _build_alone(rule: _RecordingRule, /, **values: Any) -> tuple[str, str]:
    return rule.build_later(values, append_unknown=False)


class ParsedRule(NamedTuple):
    """What a rule says.

    Attributes:
        rule: The rule as written.
        path: The path template, ``/books/{book_id}``.
        pattern: The template without names: two rules with the same pattern are one path to a reader of the document.
        parameters: Its variable parts, in order.
    """

    rule: str
    path: str
    pattern: str
    parameters: tuple[PathParameter, ...]


def parse_rule(rule: str, converters: Mapping[str, type[BaseConverter]], where: str) -> ParsedRule:
    """Read a rule.

    Args:
        rule: A Werkzeug rule, ``/books/<int:book_id>``.
        converters: Converter classes by name.
        where: How errors name the place.

    Raises:
        RoutingError: The rule does not parse, names an unknown converter, or has a variable twice.
    """
    bound = _bind(rule, Map(converters=converters), where)
    names = [name for name, _, _ in bound.found]
    if len(names) != len(set(names)):
        raise RoutingError(f"{where}: rule {rule!r} has a variable twice: {', '.join(names)}.")
    if "{" in _VARIABLE.sub("", rule) or "}" in _VARIABLE.sub("", rule):
        raise RoutingError(f"{where}: rule {rule!r} has a brace; variables are written <name> or <converter:name>.")
    merged = re.sub("/{2,}", "/", rule)
    return ParsedRule(
        rule=rule,
        path=_VARIABLE.sub(r"{\1}", merged),
        pattern=_VARIABLE.sub("{}", merged),
        parameters=tuple(
            PathParameter(name=name, converter=converter_name, schema=describe_converter(converter))
            for name, converter_name, converter in bound.found
        ),
    )


def _bind(rule: str, url_map: Map, where: str, endpoint: Any = None) -> _RecordingRule:
    if not str(rule).startswith("/"):
        raise RoutingError(f"{where}: a rule is text that begins with '/', not {rule!r}.")
    bound = _RecordingRule(rule, endpoint=endpoint)
    try:
        url_map.add(bound)
    except LookupError as error:
        known = ", ".join(sorted(set(url_map.converters) - {"default"}))
        raise RoutingError(f"{where}: rule {rule!r}: {error.args[0]}; the converters are: {known}.") from error
    except (ValueError, TypeError) as error:
        raise RoutingError(f"{where}: rule {rule!r} does not parse: {error}") from error
    return bound


def describe_converter(converter: BaseConverter) -> Mapping[str, Any]:
    """Return what a converter takes, as JSON Schema; a converter of one's own says it in ``json_schema``."""
    stated: Mapping[str, Any] | None = getattr(converter, "json_schema", None)
    if stated is not None:
        return stated
    if isinstance(converter, IntegerConverter):
        low = converter.min if converter.min is not None else (None if converter.signed else 0)
        return _describe_number("integer", low, converter.max)
    if isinstance(converter, FloatConverter):
        low = converter.min if converter.min is not None else (None if converter.signed else 0)
        return _describe_number("number", low, converter.max)
    if isinstance(converter, UUIDConverter):
        return {"type": "string", "format": "uuid"}
    if isinstance(converter, AnyConverter):
        return {"type": "string", "enum": sorted(converter.items)}
    if isinstance(converter, UnicodeConverter):
        length = re.search(r"\{(\d+)(,?)(\d*)\}$", converter.regex)
        shortest, comma, longest = length.groups() if length else ("1", ",", "")
        longest = longest if comma else shortest
        return {"type": "string", "minLength": int(shortest)} | ({"maxLength": int(longest)} if longest else {})
    return {"type": "string", "minLength": 1}


@lru_cache(maxsize=256)
def _describe_number(kind: str, low: float | None, high: float | None) -> Mapping[str, Any]:
    bounds = {"minimum": low, "maximum": high}
    return {"type": kind} | {name: bound for name, bound in bounds.items() if bound is not None}


#: What many have in common that have nothing.
NOTHING: Mapping[str, Any] = MappingProxyType({})


class NoRoute(Exception):
    """No rule fits the path."""


class MovedTo(Exception):
    """The path has to be asked for in another form, `path`, percent-encoded and below the mount prefix."""

    #: Nothing answers here, whatever the method.
    plans: Mapping[str, Any] = NOTHING
    quick: Mapping[str, Any] = NOTHING

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


class _Node(Generic[RouteT]):
    """One place in the table of segments."""

    __slots__ = ("convert", "delegate", "dynamic", "leaf", "static")

    def __init__(self) -> None:
        #: What follows on a segment. Most nodes are leaves, which share an empty one.
        self.static: Mapping[str, _Node[RouteT]] = NOTHING
        #: Tests of a segment in Werkzeug's order, with the regular expression and weight that they come from.
        self.dynamic: tuple[tuple[Callable[[str], Any], _Node[RouteT], tuple[int, str]], ...] = ()
        #: Whether Werkzeug has a transition here that this table does not know.
        self.delegate = False
        self.leaf: RouteT | None = None
        self.convert: tuple[tuple[str, Callable[[str], Any]], ...] = ()

    def follow(self, segment: str) -> _Node[RouteT]:
        """Return the node behind a static segment, made where there is none."""
        if not isinstance(self.static, dict):
            self.static = {}
        following: _Node[RouteT] = self.static.setdefault(segment, _Node())
        return following


class _Shape(Generic[RouteT]):
    """The routes of rules that have their variables at the same places.

    Attributes:
        pick: Takes the static segments out of all segments, as the key of ``routes``.
        routes: Routes by static segments, with what reads each variable: name, place, kind.
    """

    __slots__ = ("order", "pick", "routes")

    def __init__(self, order: tuple[bool, ...]) -> None:
        self.order = order
        static = [place for place, variable in enumerate(order) if not variable]
        self.pick = itemgetter(*static)
        self.routes: dict[Any, tuple[RouteT, tuple[tuple[str, int, bool], ...]]] = {}


class Router(Generic[RouteT]):
    """Finds routes by path and paths by route.

    Args:
        rules: Each rule with its name and route.
        converters: Converter classes by name.

    Attributes:
        static: Routes of rules without variables, by whole path.
    """

    def __init__(
        self, rules: Iterable[tuple[str, str, RouteT]], converters: Mapping[str, type[BaseConverter]] = CONVERTERS
    ) -> None:
        self.static: dict[str, RouteT] = {}
        self._root: _Node[RouteT] = _Node()
        self._routes: dict[str, RouteT] = {}
        #: Shapes by number of segments, in the order in which Werkzeug would come to them.
        self._shapes: dict[int, list[_Shape[RouteT]]] = {}
        self._converters: dict[str, list[tuple[str, str, BaseConverter]]] = {}
        url_map = Map(converters=converters, redirect_defaults=False)
        for name, rule, route in rules:
            self._routes[name] = route
            bound = _bind(rule, url_map, name, name)
            bound.forget_parts()
            self._converters[name] = bound.found
            self._add(bound, route)
        # `Map.bind` would load Python's tables for international host names, a megabyte, for a name that says nothing.
        self._adapter = MapAdapter(
            url_map,
            server_name="localhost",
            script_name="/",
            subdomain="",
            url_scheme="http",
            path_info="",
            default_method="GET",
        )
        if _has_one_way(self._root):
            self._add_shapes(self._root, ("",))

    def _add(self, bound: _RecordingRule, route: RouteT) -> None:
        rule = re.sub("/{2,}", "/", bound.rule)
        if not bound.found and rule.isascii():  # A gateway may hand over other paths undecoded.
            self.static.setdefault(rule, route)
        converters = iter(bound.found)
        node = self._root
        convert: list[tuple[str, Callable[[str], Any]]] = []
        for segment in rule[1:].split("/"):
            if "<" not in segment:
                node = node.follow(segment)
                continue
            name, _, converter = next(converters)
            if not _WHOLE_SEGMENT.fullmatch(segment) or not converter.part_isolating:
                node.delegate = True
                return
            node = _child(node, converter)
            convert.append((name, _conversion(converter)))
        if node.leaf is None:
            node.leaf, node.convert = route, tuple(convert)

    def _add_shapes(self, node: _Node[RouteT], segments: tuple[str | None, ...]) -> None:
        """Enter the routes below a node whose variables are plain integers or strings into the shapes."""
        if (
            node.leaf is not None
            and node.convert
            and all(convert in (_to_text, _to_int) for _, convert in node.convert)
        ):
            order = tuple(segment is None for segment in segments)
            shapes = self._shapes.setdefault(len(order), [])
            shape = next((present for present in shapes if present.order == order), None)
            if shape is None:
                shape = _Shape(order)
                shapes.append(shape)
                shapes.sort(key=lambda present: present.order)
            places = [place for place, variable in enumerate(order) if variable]
            variables = zip(node.convert, places, strict=True)
            shape.routes[shape.pick(segments)] = (
                node.leaf,
                tuple((name, place, convert is _to_int) for (name, convert), place in variables),
            )
        for segment, following in node.static.items():
            self._add_shapes(following, (*segments, segment))
        for _, following, _ in node.dynamic:
            self._add_shapes(following, (*segments, None))

    def find(self, path: str) -> tuple[RouteT, dict[str, Any]]:
        """Return the route of a decoded path, and its values.

        Raises:
            NoRoute: No rule fits.
            MovedTo: A rule fits another form of the path.
        """
        segments = path.split("/")
        for shape in self._shapes.get(len(segments), ()):
            found = shape.routes.get(shape.pick(segments))
            if found is not None:
                route, variables = found
                values: dict[str, Any] = {}
                for name, place, is_integer in variables:
                    segment = segments[place]
                    if is_integer:
                        # Eighteen digits always fit; what is longer is judged below.
                        if len(segment) > 18 or not (segment.isdigit() and segment.isascii()):
                            break
                        values[name] = int(segment)
                    elif segment and "\x00" not in segment:
                        values[name] = segment
                    else:
                        break
                else:
                    return route, values
        return self._find_by_segment(path)

    def _find_by_segment(self, path: str) -> tuple[RouteT, dict[str, Any]]:
        if "\x00" in path:
            raise NoRoute
        node = self._root
        values: list[str] = []
        for segment in path[1:].split("/"):
            child = node.static.get(segment)
            if child is None:
                if node.delegate:
                    return self._ask_werkzeug(path)
                for test, following, _ in node.dynamic:
                    if test(segment):
                        values.append(segment)
                        child = following
                        break
                else:
                    return self._ask_werkzeug(path)
            node = child
        if node.leaf is None:
            return self._ask_werkzeug(path)
        try:
            return node.leaf, {
                name: convert(value) for (name, convert), value in zip(node.convert, values, strict=True)
            }
        except ValidationError:
            raise NoRoute from None

    def _ask_werkzeug(self, path: str) -> tuple[RouteT, dict[str, Any]]:
        try:
            name, values = self._adapter.match(path)
        except RequestRedirect as redirect:
            # Only the path is taken: a redirect never names a host, nor begins with two slashes.
            moved = "/" + redirect.new_url.removeprefix("http://localhost").lstrip("/")
            raise MovedTo(moved) from None
        except HTTPException:
            raise NoRoute from None
        return self._routes[name], dict(values)

    def build(self, name: str, values: Mapping[str, Any]) -> str:
        """Return the path of a registration, percent-encoded; values that the rule does not name become the query.

        Raises:
            RoutingError: A value is missing, or does not fit its converter.
        """
        try:
            path: str = self._adapter.build(name, dict(values))
        except BuildError as error:
            needed = ", ".join(sorted(error.suggested.arguments)) if error.suggested else "of its rule"
            given = ", ".join(sorted(values)) or "none"
            raise RoutingError(f"url_for({name}) needs the values {needed}; given: {given}.") from error
        except (ValueError, TypeError) as error:
            raise RoutingError(f"url_for({name}): a value does not fit its converter: {error}") from error
        for variable, _, converter in self._converters[name]:
            if not _leads_back(converter, values[variable]):
                raise RoutingError(f"url_for({name}): the value of {variable} does not fit its converter.")
        return path


def _leads_back(converter: BaseConverter, value: Any) -> bool:
    """Tell whether a value, written into a path, is read from it again; Werkzeug writes ``/`` and ``-5`` anywhere."""
    text = unquote(converter.to_url(value))
    try:
        return re.fullmatch(converter.regex, text) is not None and converter.to_python(text) is not None
    except ValueError:
        return False


def _has_one_way(node: _Node[Any], *, is_listed: bool = True) -> bool:
    """Tell whether no place below a node has several converters, or what only Werkzeug knows.

    Then Werkzeug's first match is the one with a static segment at the first place where two matches differ, so
    that whole shapes can be tried in that order.

    Args:
        node: The node.
        is_listed: Whether a static path that goes on from here in ASCII is among `Router.static`.
    """
    return (
        not node.delegate
        and len(node.dynamic) <= 1
        and not (node.dynamic and node.static and (not is_listed or _has_unlisted(node.static)))
        and all(_has_one_way(child, is_listed=is_listed and key.isascii()) for key, child in node.static.items())
        and all(_has_one_way(child) for _, child, _ in node.dynamic)
    )


def _has_unlisted(static: Mapping[str, _Node[Any]]) -> bool:
    """Tell whether static segments lead to answers that no shape lists, before which a variable's must not come.

    These are redirects to a last slash, and static paths that are not in ASCII.
    """
    return any(
        not segment.isascii()
        or "" in node.static
        or _has_unlisted(node.static)
        or any(_has_unlisted({"": child}) for _, child, _ in node.dynamic)
        for segment, node in static.items()
    )


def _child(node: _Node[RouteT], converter: BaseConverter) -> _Node[RouteT]:
    """Return the node behind a converter, shared by converters of one expression and weight as Werkzeug shares it."""
    key = (converter.weight, converter.regex)
    for _, following, present in node.dynamic:
        if present == key:
            return following
    following = _Node[RouteT]()
    entry = (re.compile(f"(?:{converter.regex})").fullmatch, following, key)
    node.dynamic = tuple(sorted((*node.dynamic, entry), key=lambda each: each[2][0]))
    return following


def _conversion(converter: BaseConverter) -> Callable[[str], Any]:
    """Return what turns a segment into its value; Werkzeug's own method where it does more than this."""
    if type(converter) is UnicodeConverter and converter.regex == "[^/]{1,}":
        return _to_text
    if (
        type(converter) is IntConverter
        and not converter.fixed_digits
        and converter.min is None
        and converter.max == GREATEST_INTEGER
    ):
        return _to_int
    return converter.to_python


def _to_text(segment: str) -> str:
    return segment


def _to_int(segment: str) -> int:
    value = int(segment)
    if value > GREATEST_INTEGER:
        raise ValidationError
    return value


def quote_path(path: str) -> str:
    """Percent-encode a decoded path (RFC 3986 §3.3)."""
    return quote(path, safe="/!$&'()*+,:;=@~-._")
