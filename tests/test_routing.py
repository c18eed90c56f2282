"""Rules, the tables made from them, and the building of paths."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote, urlsplit
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from werkzeug.exceptions import NotFound
from werkzeug.routing import BaseConverter, Map, RequestRedirect, Rule

from ramekin.errors import RoutingError
from ramekin.routing import CONVERTERS, GREATEST_INTEGER, MovedTo, NoRoute, Router, parse_rule, quote_path

IDENTIFIER = "6f6b1c9e-1111-4222-8333-0123456789ab"


class CountryConverter(BaseConverter):
    """Two lower-case letters, handed on in capitals."""

    regex = "[a-z]{2}"
    json_schema = {"type": "string", "pattern": "^[a-z]{2}$"}

    def to_python(self, value: str) -> str:
        return value.upper()

    def to_url(self, value: str) -> str:
        return str(value).lower()


class ListConverter(BaseConverter):
    """Any number of segments."""

    regex = ".*?"
    part_isolating = False


OWN = {**CONVERTERS, "country": CountryConverter, "list": ListConverter}


def make_router(*rules: str) -> Router[str]:
    """Return a router whose routes are the rules themselves."""
    return Router([(rule, rule, rule) for rule in rules], OWN)


def find(router: Router[str], path: str) -> Any:
    """Look a path up as a gateway does: the route and its values, None, or the path of the redirect."""
    static = router.static.get(path)
    if static is not None:
        return static, {}
    try:
        return router.find(path)
    except NoRoute:
        return None
    except MovedTo as moved:
        return unquote(moved.path)


def find_by_werkzeug(rules: list[str], path: str) -> Any:
    """Look a path up by Werkzeug's own matching, to the same kinds of answer."""
    url_map = Map([Rule(rule, endpoint=rule) for rule in rules], converters=OWN, redirect_defaults=False)
    try:
        endpoint, values = url_map.bind("localhost").match(path)
    except NotFound:
        return None
    except RequestRedirect as redirect:
        return "/" + unquote(urlsplit(redirect.new_url).path).lstrip("/")
    return endpoint, dict(values)


# -- Werkzeug decides -------------------------------------------------------------------------------------------------

SEGMENTS = [
    *("a", "b", "é", "a-<int:{}>", "<{}>", "<{}>", "<int:{}>", "<int:{}>", "<int(signed=True):{}>"),
    *("<int(min=1, max=5):{}>", "<int(fixed_digits=2):{}>", "<float:{}>", "<string(length=2):{}>"),
    *("<string(minlength=2, maxlength=3):{}>", "<any(a, b):{}>", "<uuid:{}>", "<country:{}>", "<path:{}>", "<list:{}>"),
]
VALUES = [
    *("", "a", "a", "b", "é", "1", "7", "01", "12", "-1", "1.5", "zz", "abc", "a-1", "A", "a\n", "\n", "١", "a b", "%"),
    *(IDENTIFIER, str(GREATEST_INTEGER), str(GREATEST_INTEGER + 1), "1" * 18, "1" * 20, "|", "?", "\\"),
]


def make_rule(segments: list[str], slash: bool) -> str:
    """Join segments to a rule, its variables numbered."""
    named = [segment.replace("{}", f"v{number}") for number, segment in enumerate(segments)]
    return "/" + "/".join(named) + ("/" if slash and named else "")


def kind(rule: str) -> str:
    """Return what an app tells rules apart by: two of one kind conflict at registration."""
    return re.sub(r"<[^>]*>", "<>", rule)


def rule_sets(segments: list[str]) -> st.SearchStrategy[list[str]]:
    rules = st.builds(make_rule, st.lists(st.sampled_from(segments), max_size=3), st.booleans())
    return st.lists(rules, min_size=1, max_size=6, unique_by=kind)


def requests(rules: list[str]) -> st.SearchStrategy[str]:
    """Return paths of any segments, and paths that come close to a rule."""
    anything = st.lists(st.sampled_from(VALUES), min_size=1, max_size=5).map(lambda parts: "/" + "/".join(parts))
    filled = st.builds(
        lambda rule, values: re.sub(r"<[^>]*>", lambda _: values.pop(), rule),
        st.sampled_from(rules),
        st.lists(st.sampled_from(VALUES), min_size=4, max_size=4),
    )
    changes = [
        lambda path: path,
        lambda path: path + "/",
        lambda path: path.rstrip("/") or "/",
        lambda path: "/" + path,
    ]
    return anything | st.builds(lambda path, change: change(path), filled, st.sampled_from(changes))


@settings(max_examples=150)
@given(rule_sets(SEGMENTS), st.data())
def test_tables_answer_as_werkzeug(rules: list[str], data: st.DataObject) -> None:
    """For any rules and any path the router finds what Werkzeug finds: route, values, redirect or nothing."""
    router = make_router(*rules)

    for path in data.draw(st.lists(requests(rules), min_size=1, max_size=12)):
        assert find(router, path) == find_by_werkzeug(rules, path), path


def test_a_static_path_comes_first_behind_other_characters() -> None:
    """A static path that is not in ASCII stands before a variable in its last segment."""
    rules = ["/é/a/a", "/é/a/<v2>"]
    assert find(make_router(*rules), "/é/a/a") == find_by_werkzeug(rules, "/é/a/a") == ("/é/a/a", {})


@settings(max_examples=200)
@given(rule_sets(["a", "b", "é", "<{}>", "<int:{}>"]), st.data())
def test_tables_of_plain_rules_answer_as_werkzeug(rules: list[str], data: st.DataObject) -> None:
    """The same holds for rules of plain strings and integers, which most tables are made for."""
    router = make_router(*rules)

    for path in data.draw(st.lists(requests(rules), min_size=1, max_size=12)):
        assert find(router, path) == find_by_werkzeug(rules, path), path


@pytest.mark.parametrize(
    ("rules", "path", "found"),
    [
        (["/a/", "/<x>"], "/a", "/a/"),
        (["/<x>/b/", "/<x>/<y>"], "/1/b", "/1/b/"),
        (["/a/<x>/", "/<y>/c"], "/a/c", "/a/c/"),
        (["/é", "/<x>"], "/é", ("/é", {})),
        (["/a/<int:x>", "/<y>/b"], "/a/b", ("/<y>/b", {"y": "a"})),
        (["/a", "/a/"], "/a", ("/a", {})),
        (["/<x>", "/<y>"], "/a", ("/<x>", {"x": "a"})),
    ],
)
def test_tables_keep_werkzeugs_order(rules: list[str], path: str, found: object) -> None:
    """Where several rules could answer, the one of Werkzeug's choice does."""
    assert find_by_werkzeug(rules, path) == found
    assert find(make_router(*rules), path) == found


# -- Values -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("segment", "value"),
    [
        ("0", 0),
        ("007", 7),
        (str(2**63 - 1), 2**63 - 1),
        (str(2**63), None),
        ("1" * 18, int("1" * 18)),
        ("9" * 19, None),
        ("1" * 20, None),
        ("-1", None),
        ("+1", None),
        ("1.0", None),
        ("1_0", None),
        ("٣", None),
        ("１", None),
        ("1\n", None),
        (" 1", None),
        ("", None),
    ],
)
def test_int_takes_ascii_digits_within_64_bits(segment: str, value: int | None) -> None:
    """A path's `int` is `[0-9]{1,19}` up to 2⁶³−1; anything else is not found."""
    found = find(make_router("/books/<int:book_id>"), f"/books/{segment}")

    assert found == (None if value is None else ("/books/<int:book_id>", {"book_id": value}))


@pytest.mark.parametrize(
    ("rule", "path", "value"),
    [
        ("/<x>", "/é", "é"),
        ("/<string(length=2):x>", "/ab", "ab"),
        ("/<string(length=2):x>", "/abc", None),
        ("/<any(red, 'light blue'):x>", "/light blue", "light blue"),
        ("/<any(red, blue):x>", "/green", None),
        ("/<path:x>", "/a/b/c", "a/b/c"),
        ("/<path:x>/edit", "/a/b/edit", "a/b"),
        ("/<float:x>", "/1.5", 1.5),
        ("/<float:x>", "/1", None),
        ("/<float:x>", f"/{'9' * 400}.0", None),
        ("/<float(signed=True):x>", f"/-{'9' * 400}.0", None),
        ("/<float:x>", "/١.٥", None),
        ("/<float(signed=True):x>", "/-1.5", -1.5),
        ("/<int(signed=True):x>", "/-5", -5),
        ("/<int(min=3, max=5):x>", "/6", None),
        ("/<int(fixed_digits=3):x>", "/007", 7),
        ("/<int(fixed_digits=3):x>", "/7", None),
        ("/<uuid:x>", f"/{IDENTIFIER}", UUID(IDENTIFIER)),
        ("/<uuid:x>", "/no-uuid", None),
        ("/<country:x>", "/fi", "FI"),
        ("/<country:x>", "/fin", None),
        ("/<list:x>", "/a/b", "a/b"),
        ("/v<int:x>.json", "/v12.json", 12),
    ],
)
def test_converters_read_their_values(rule: str, path: str, value: object) -> None:
    """Each converter of Werkzeug, and one of one's own, reads its value or lets nothing be found."""
    assert find(make_router(rule), path) == (None if value is None else (rule, {"x": value}))


@pytest.mark.parametrize("path", ["/a\x00", "/\x00", "/a/\x00b", "/files/\x00/x"])
def test_nul_is_not_found(path: str) -> None:
    """A NUL in a path is found by no rule, however wide."""
    assert find(make_router("/<x>", "/a/<y>", "/files/<path:z>"), path) is None


# -- Slashes ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/shelf/", ("/shelf/", {})),
        ("/shelf", "/shelf/"),
        ("/book", ("/book", {})),
        ("/book/", None),
        ("//shelf", "/shelf/"),
        ("/shelf//", "/shelf/"),
        ("/a//b", "/a/b"),
        ("/é", "/é/"),
    ],
)
def test_slashes_follow_werkzeugs_rules(path: str, found: object) -> None:
    """A missing last slash is a redirect, one too many is not found, and doubled slashes are merged."""
    assert find(make_router("/shelf/", "/book", "/a/b", "/é/"), path) == found


@pytest.mark.parametrize("path", ["//evil.example", "///evil.example", "//evil.example/", "/\\evil.example"])
def test_redirect_never_leaves_the_host(path: str) -> None:
    """A redirect is a path that begins with one slash, whatever was asked for."""
    with pytest.raises(MovedTo) as moved:
        make_router("/<x>/").find(path.rstrip("/"))

    assert re.match(r"/(?![/\\])", moved.value.path)


# -- Templates --------------------------------------------------------------------------------------------------------


def test_rule_becomes_a_path_template() -> None:
    """A rule becomes a path template, its variables in order."""
    parsed = parse_rule("/users/<name>//posts/<int:number>.<any(json, xml):kind>", OWN, "here")

    assert parsed.path == "/users/{name}/posts/{number}.{kind}"
    assert [(item.name, item.converter) for item in parsed.parameters] == [
        ("name", "default"),
        ("number", "int"),
        ("kind", "any"),
    ]


@pytest.mark.parametrize(
    ("variable", "schema"),
    [
        ("<x>", {"type": "string", "minLength": 1}),
        ("<string(length=2):x>", {"type": "string", "minLength": 2, "maxLength": 2}),
        ("<string(minlength=2, maxlength=5):x>", {"type": "string", "minLength": 2, "maxLength": 5}),
        ("<string(minlength=2):x>", {"type": "string", "minLength": 2}),
        ("<int:x>", {"type": "integer", "minimum": 0, "maximum": 2**63 - 1}),
        ("<int(min=3, max=5):x>", {"type": "integer", "minimum": 3, "maximum": 5}),
        ("<int(signed=True):x>", {"type": "integer", "minimum": -(2**63), "maximum": 2**63 - 1}),
        ("<float:x>", {"type": "number", "minimum": 0}),
        ("<float(signed=True):x>", {"type": "number"}),
        ("<float(max=2):x>", {"type": "number", "minimum": 0, "maximum": 2}),
        ("<uuid:x>", {"type": "string", "format": "uuid"}),
        ("<any(red, blue):x>", {"type": "string", "enum": ["blue", "red"]}),
        ("<path:x>", {"type": "string", "minLength": 1}),
        ("<country:x>", {"type": "string", "pattern": "^[a-z]{2}$"}),
    ],
)
def test_converters_say_what_they_take(variable: str, schema: object) -> None:
    """Each converter says in JSON Schema what it takes; one of one's own says it in `json_schema`."""
    assert parse_rule(f"/{variable}", OWN, "here").parameters[0].schema == schema


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("books", "here: a rule is text that begins with '/', not 'books'."),
        (7, "here: a rule is text that begins with '/', not 7."),
        (
            "/<integer:x>",
            "here: rule '/<integer:x>': the converter 'integer' does not exist; the converters are: any, ",
        ),
        ("/<x>/<x>", "here: rule '/<x>/<x>' has a variable twice: x, x."),
        ("/{x}", "here: rule '/{x}' has a brace; variables are written <name> or <converter:name>."),
        ("/<x", "here: rule '/<x' does not parse: "),
        ("/<string(size=1):x>", "here: rule '/<string(size=1):x>' does not parse: "),
    ],
)
def test_rules_that_do_not_parse_are_refused(rule: Any, message: str) -> None:
    """A rule that does not parse is refused with its text, the place and what was expected."""
    with pytest.raises(RoutingError) as refused:
        parse_rule(rule, OWN, "here")

    assert str(refused.value).startswith(message)


# -- Building ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "values", "path"),
    [
        ("/books", {}, "/books"),
        ("/books/<int:x>", {"x": 7}, "/books/7"),
        ("/books/<x>", {"x": "a b+ä?"}, "/books/a%20b+%C3%A4%3F"),
        ("/<path:x>", {"x": "a/b c"}, "/a/b%20c"),
        ("/<uuid:x>", {"x": UUID(IDENTIFIER)}, f"/{IDENTIFIER}"),
        ("/<country:x>", {"x": "FI"}, "/fi"),
        ("/books", {"page": 2, "tag": ["a", "b&c"]}, "/books?page=2&tag=a&tag=b%26c"),
        ("/books/<int(fixed_digits=3):x>", {"x": 7}, "/books/007"),
    ],
)
def test_paths_are_built_with_the_values(rule: str, values: dict[str, Any], path: str) -> None:
    """Values are percent-encoded into their places, and what the rule does not name becomes the query."""
    assert make_router(rule).build(rule, values) == path


def test_missing_values_are_named() -> None:
    """A path that lacks a value is refused with what is needed and what was given."""
    with pytest.raises(RoutingError, match=r"needs the values book_id, page; given: book_id\."):
        make_router("/<int:book_id>/<int:page>").build("/<int:book_id>/<int:page>", {"book_id": 1})


@pytest.mark.parametrize(
    ("rule", "value"),
    [
        ("/<int:x>", "seven"),
        ("/<int:x>", None),
        ("/<int:x>", -5),
        ("/<int:x>", 2**63),
        ("/<int(min=1):x>", 0),
        ("/<any(a, b):x>", "c"),
        ("/<float:x>", "x"),
        ("/<x>", ""),
        ("/<x>", "a/b"),
        ("/<string(length=2):x>", "abc"),
        ("/<country:x>", "Finland"),
    ],
)
def test_values_have_to_fit(rule: str, value: object) -> None:
    """A value that its converter cannot write is refused."""
    with pytest.raises(RoutingError):
        make_router(rule).build(rule, {"x": value})


@given(st.text(st.characters(codec="utf-8", exclude_characters="/\x00"), min_size=1), st.integers(0, GREATEST_INTEGER))
def test_built_paths_lead_back(text: str, number: int) -> None:
    """A path that was built leads to the route and values that it was built from."""
    router = make_router("/shelves/<name>/books/<int:number>")

    path = router.build("/shelves/<name>/books/<int:number>", {"name": text, "number": number})

    assert find(router, unquote(path)) == ("/shelves/<name>/books/<int:number>", {"name": text, "number": number})


def test_quoted_path_keeps_what_a_path_may_hold() -> None:
    """A path is percent-encoded but for what RFC 3986 lets stand in one."""
    assert quote_path("/a b/ä;x=1,2:@~%?#") == "/a%20b/%C3%A4;x=1,2:@~%25%3F%23"
