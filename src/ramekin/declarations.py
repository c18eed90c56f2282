"""The declarations that everybody uses: accepts, returns, raises, limits, describe.

They stand on methods, on resource classes, or on the app; see `ramekin.operations` for how the levels merge.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, get_args

from marshmallow.fields import Field

from ramekin.errors import DeclarationError
from ramekin.limits import Limits
from ramekin.operations import (
    BODY_LOCATIONS,
    JSON_MEDIA_TYPE,
    Declaration,
    Documentation,
    Effects,
    Endpoint,
    Header,
    Input,
    Outcome,
)
from ramekin.problems import Problem
from ramekin.responses import BODILESS_STATUSES, InvalidHeader, check_header_name
from ramekin.schemas import resolve
from ramekin.types import Location, SchemaLike, Shape

if TYPE_CHECKING:
    from ramekin.operations import Operation

#: Header fields that follow from the declared content (RFC 9110 §8.3 and §8.6).
_CONTENT_FIELDS = frozenset({"content-type", "content-length"})
#: A media type (RFC 9110 §8.3.1), perhaps with parameters.
_MEDIA_TYPE = re.compile(
    r"[!#$%&'*+.^_`|~0-9A-Za-z-]+/[!#$%&'*+.^_`|~0-9A-Za-z-]+"
    r"(?:[ \t]*;[ \t]*[!#$%&'*+.^_`|~0-9A-Za-z-]+=(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+|\"[^\"\\\x00-\x1f\x7f]*\"))*"
)

_LOCATIONS: tuple[Location, ...] = get_args(Location)


class _Declared:
    """A schema-like as it was given; a schema once it is asked for, the same one for all registrations."""

    __slots__ = ("_given", "_shape")

    def __init__(self, given: SchemaLike) -> None:
        self._given = given
        self._shape: Shape | None = None

    def resolve(self, where: str, name: str) -> Shape:
        """Return the schema or field; a dict of fields becomes a schema of this name."""
        if self._shape is None:
            self._shape = resolve(self._given, where=where, name=name)
        return self._shape


class _Names:
    """Names for the schemas that stand in the declarations of one operation as dicts of fields."""

    __slots__ = ("_given", "_stem")

    def __init__(self, endpoint: Endpoint) -> None:
        self._stem = f"{endpoint.id[:1].upper()}{endpoint.id[1:]}"
        self._given: dict[str, int] = {}

    def make(self, suffix: str) -> str:
        """Return a name, numbered where another of the operation has it already."""
        self._given[suffix] = number = self._given.get(suffix, 0) + 1
        return f"{self._stem}{suffix}{'' if number == 1 else f'_{number}'}"


class _Accepted(NamedTuple):
    location: Location
    schema: _Declared
    required: bool
    coerce: bool
    media_types: tuple[str, ...]


class Accepts(Declaration):
    """The record of `accepts`: inputs, the outermost first."""

    def __init__(self, accepted: tuple[_Accepted, ...]) -> None:
        self.accepted = accepted

    def stack(self, below: Accepts) -> Accepts:
        """Unite two at one level; one ``json`` only."""
        if {item.location for item in self.accepted} & {item.location for item in below.accepted} & {"json"}:
            raise DeclarationError("@accepts(json=…) stands twice at one place; a request has one body.")
        return Accepts(below.accepted + self.accepted)

    def merge(self, outer: Accepts) -> Accepts:
        """Add the outer inputs; an inner ``json`` replaces the outer one."""
        has_json = any(item.location == "json" for item in self.accepted)
        kept = tuple(item for item in outer.accepted if not (has_json and item.location == "json"))
        return Accepts(kept + self.accepted)

    def effects(self, endpoint: Endpoint) -> Effects:
        """Read these inputs."""
        names = _Names(endpoint)
        return Effects(inputs=tuple(self._input(item, endpoint, names) for item in self.accepted))

    @staticmethod
    def _input(item: _Accepted, endpoint: Endpoint, names: _Names) -> Input:
        name = names.make("Request" if item.location == "json" else item.location.title())
        shape = item.schema.resolve(f"{endpoint.where}: accepts({item.location}=…)", name)
        if item.location != "json" and isinstance(shape, Field):
            raise DeclarationError(
                f"{endpoint.where}: accepts({item.location}=…) takes a schema or a dict of fields, not one field."
            )
        return Input(
            location=item.location,
            shape=shape,
            required=item.required,
            coerce=item.coerce,
            media_types=item.media_types,
        )


def accepts(
    *,
    query: SchemaLike | None = None,
    json: SchemaLike | None = None,
    form: SchemaLike | None = None,
    files: SchemaLike | None = None,
    headers: SchemaLike | None = None,
    cookies: SchemaLike | None = None,
    required: bool = True,
    coerce: bool = False,
    media_types: Iterable[str] | None = None,
) -> Accepts:
    """Declare what an operation reads; each location becomes the handler's parameter of that name.

    Args:
        query: Schema of the query parameters.
        json: Schema of the JSON body.
        form: Schema of the form fields of the body.
        files: Schema of the uploaded files of the body; its fields are `ramekin.fields.Upload`.
        headers: Schema of header fields, underscores read as hyphens.
        cookies: Schema of cookies.
        required: Whether a body has to be there; the parameter is None where it is not.
        coerce: Take what marshmallow takes (``"13"`` for an integer) and not only the documented type.
        media_types: The content types of the JSON body, in place of ``application/json`` and all ``+json`` types.

    Returns:
        A decorator for a method or a resource class, or a value for ``app.declare``.

    Raises:
        DeclarationError: No location is given, or options are given for a location that has none.
    """
    given: dict[Location, SchemaLike | None] = {
        "query": query,
        "json": json,
        "form": form,
        "files": files,
        "headers": headers,
        "cookies": cookies,
    }
    schemas = {location: schema for location, schema in given.items() if schema is not None}
    if not schemas:
        raise DeclarationError(f"accepts() takes at least one of {', '.join(_LOCATIONS)}.")
    if isinstance(media_types, str):
        raise DeclarationError(f"accepts(media_types=…) takes several media types, not the text {media_types!r}.")
    if media_types is not None and json is None:
        raise DeclarationError("accepts(media_types=…) goes with json=….")
    if not required and not schemas.keys() & set(BODY_LOCATIONS):
        raise DeclarationError("accepts(required=False) goes with a body; single parameters say so by their fields.")
    return Accepts(
        tuple(
            _Accepted(
                location, _Declared(schema), required, coerce, tuple(media_types or ()) if location == "json" else ()
            )
            for location, schema in schemas.items()
        )
    )


class _Returned(NamedTuple):
    schema: _Declared | None
    status: int
    headers: Mapping[str, Field[Any]]
    media_type: str
    description: str


class Returns(Declaration):
    """The record of `returns`: successes, the topmost first."""

    def __init__(self, returned: tuple[_Returned, ...]) -> None:
        self.returned = returned

    def stack(self, below: Returns) -> Returns:
        """Put these above those below."""
        return Returns(self.returned + below.returned)

    def effects(self, endpoint: Endpoint) -> Effects:
        """End in these successes."""
        names = _Names(endpoint)
        return Effects(outcomes=tuple(self._outcome(item, endpoint, names) for item in self.returned))

    @staticmethod
    def _outcome(item: _Returned, endpoint: Endpoint, names: _Names) -> Outcome:
        shape = None
        if item.schema is not None:
            name = names.make(f"Response{'' if item.status == 200 else item.status}")
            shape = item.schema.resolve(f"{endpoint.where}: returns(…)", name)
        return Outcome(
            status=item.status,
            shape=shape,
            media_type=None if shape is None else item.media_type,
            headers=tuple(_make_header(name, field) for name, field in item.headers.items()),
            description=item.description,
        )


def _make_header(name: str, field: Field[Any]) -> Header:
    from ramekin.inputs import header_name

    return Header(name=header_name(name), field=field)


def returns(
    schema: SchemaLike | None = None,
    status: int = 200,
    *,
    headers: Mapping[str, Field[Any]] | None = None,
    media_type: str = JSON_MEDIA_TYPE,
    description: str | None = None,
) -> Returns:
    """Declare a success; several stack, and a plain return value goes out under the topmost.

    Args:
        schema: What dumps the value; None says that there is no content.
        status: The status code, 200 to 399.
        headers: Header fields of the response, each a marshmallow field.
        media_type: The content's type; of others than JSON the handler returns text, bytes or an iterable of either.
        description: What the outcome means; the status phrase when None.

    Returns:
        A decorator for a method or a resource class, or a value for ``app.declare``.

    Raises:
        DeclarationError: The status is no success, or has no content but a schema; a header field or the media type
            cannot be sent, or the media type stands without a schema.
    """
    if type(status) is not int or not 200 <= status <= 399:
        raise DeclarationError(
            f"returns(status=…) takes a success from 200 to 399, not {status!r}; problems go in raises."
        )
    if schema is not None and status in BODILESS_STATUSES:
        raise DeclarationError(f"returns(status={status}) never has content, so it takes no schema.")
    if headers:
        _check_headers(headers)
    if media_type != JSON_MEDIA_TYPE:
        _check_media_type(media_type, has_schema=schema is not None)
    fixed = MappingProxyType(dict(headers or {}))
    declared = None if schema is None else _Declared(schema)
    return Returns((_Returned(declared, status, fixed, media_type, description or ""),))


def _check_headers(headers: Mapping[str, Field[Any]]) -> None:
    from ramekin.inputs import header_name

    spellings: dict[str, str] = {}
    for name, field in headers.items():
        if not isinstance(field, Field):
            raise DeclarationError(f"returns(headers=…): {name} has to be a marshmallow field, not {field!r}.")
        try:
            check_header_name(name)
        except InvalidHeader as error:
            raise DeclarationError(f"returns(headers=…): {error}") from None
        sent = header_name(name).lower()
        if sent in _CONTENT_FIELDS:
            raise DeclarationError(f"returns(headers=…): {name} follows from the content; say returns(media_type=…).")
        other = spellings.setdefault(sent, name)
        if other != name:
            raise DeclarationError(f"returns(headers=…): {other} and {name} are one header field.")


def _check_media_type(media_type: str, *, has_schema: bool) -> None:
    if not isinstance(media_type, str) or not _MEDIA_TYPE.fullmatch(media_type):
        raise DeclarationError(f"returns(media_type=…) takes a type such as 'text/csv', not {media_type!r}.")
    if not has_schema:
        raise DeclarationError(
            f"returns(media_type={media_type!r}) has no schema, which says that there is no content; "
            f"say returns(fields.String(), media_type={media_type!r})."
        )


class Raises(Declaration):
    """The record of `raises`: classes of problems."""

    def __init__(self, problems: tuple[type[Problem], ...]) -> None:
        self.problems = problems

    def stack(self, below: Raises) -> Raises:
        """Unite two at one level."""
        return Raises(tuple(dict.fromkeys(below.problems + self.problems)))

    def merge(self, outer: Raises) -> Raises:
        """Add the outer problems."""
        return self.stack(outer)

    def effects(self, endpoint: Endpoint) -> Effects:
        """End in these problems, too."""
        return Effects(problems=self.problems)


def raises(*problems: type[Problem]) -> Raises:
    """Declare the problems that an operation may end in, beside those that are implied.

    Raises:
        DeclarationError: Something given is no class of problem.
    """
    for problem in problems:
        if not (isinstance(problem, type) and issubclass(problem, Problem)):
            raise DeclarationError(f"raises(…) takes subclasses of ramekin.problems.Problem, not {problem!r}.")
    return Raises(problems)


class LimitsChange(Declaration):
    """The record of `limits`."""

    label = "limits"

    def __init__(self, changes: Mapping[str, int]) -> None:
        self.changes = changes

    def stack(self, below: LimitsChange) -> LimitsChange:
        """Unite two at one level."""
        return self.merge(below)

    def merge(self, outer: LimitsChange) -> LimitsChange:
        """Change the outer limits further."""
        return LimitsChange(MappingProxyType({**outer.changes, **self.changes}))

    def effects(self, endpoint: Endpoint) -> Effects:
        """Change these limits."""
        return Effects(limits=self.changes)


def limits(**changes: int) -> LimitsChange:
    """Declare limits of an operation that differ from the app's; the names are those of `ramekin.Limits`.

    Raises:
        DeclarationError: A name is no limit, or a value no positive integer.
    """
    Limits().changed(**changes)
    return LimitsChange(MappingProxyType(changes))


class Describe(Declaration):
    """The record of `describe`."""

    def __init__(
        self, documentation: Documentation, modify: tuple[Callable[[dict[str, Any], Operation], None], ...] = ()
    ) -> None:
        self.documentation = documentation
        self.modify = modify

    def stack(self, below: Describe) -> Describe:
        """Unite two at one level."""
        return self.merge(below)

    def merge(self, outer: Describe) -> Describe:
        """Say more than the outer levels."""
        return Describe(self.documentation.over(outer.documentation), outer.modify + self.modify)

    def effects(self, endpoint: Endpoint) -> Effects:
        """Document it so."""
        return Effects(documentation=self.documentation, modify=self.modify)


def describe(
    *,
    operation_id: str | None = None,
    summary: str | None = None,
    description: str | None = None,
    tags: Iterable[str] | None = None,
    deprecated: bool | None = None,
    hidden: bool | None = None,
    extensions: Mapping[str, Any] | None = None,
    modify: Callable[[dict[str, Any], Operation], None] | None = None,
) -> Describe:
    """Say in the document what names and docstrings do not.

    Args:
        operation_id: Its name in the document.
        summary: In place of the docstring's first line.
        description: In place of the rest of it; Markdown.
        tags: The groups it belongs to, in place of its resource.
        deprecated: Whether callers should leave it.
        hidden: Whether the document leaves it out; it is served all the same.
        extensions: Members of one's own, named ``x-…``.
        modify: Changes the finished operation object in place; the last word.

    Raises:
        DeclarationError: An extension is not named ``x-…``.
    """
    for name in extensions or {}:
        if not name.startswith("x-"):
            raise DeclarationError(f"describe(extensions=…): {name!r} has to begin with 'x-' (OpenAPI 3.1 §4.9).")
    if isinstance(tags, str):
        raise DeclarationError(f"describe(tags=…) takes several names, not the text {tags!r}.")
    return Describe(
        Documentation(
            operation_id=operation_id,
            summary=summary,
            description=description,
            tags=None if tags is None else tuple(tags),
            deprecated=deprecated,
            hidden=hidden,
            extensions=MappingProxyType(dict(extensions or {})),
        ),
        () if modify is None else (modify,),
    )
