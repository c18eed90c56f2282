"""Operations: frozen records of what the declarations say, and the door that declarations come through.

The request path, the document, the contract checks and the command line all read `Operation`s; none of them reads
declarations or another reader. A `Declaration` is one thing said about an operation; the levels (app, class, method)
are merged here, and their `Effects` become the record.

Specification: OpenAPI 3.1 §4.8.10 (operation object), for the terms.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import reduce
from itertools import chain
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeAlias, TypeVar

from marshmallow.fields import Field

from ramekin import problems
from ramekin.coroutines import is_async
from ramekin.errors import DeclarationError
from ramekin.limits import Limits
from ramekin.problems import Problem
from ramekin.records import Record
from ramekin.responses import BODILESS_STATUSES
from ramekin.steps import Exchange, Step
from ramekin.types import Location, Shape

if TYPE_CHECKING:
    from ramekin.settings import Settings

TargetT = TypeVar("TargetT", bound=Callable[..., Any])

#: The methods of a resource class, in the order in which they are listed.
METHODS = ("get", "head", "post", "put", "patch", "delete", "options")
#: Locations that make up a request's body.
BODY_LOCATIONS: tuple[Location, ...] = ("json", "form", "files")
#: What stands in the place of the method where an operation opens a WebSocket connection.
SOCKET = "WEBSOCKET"
JSON_MEDIA_TYPE = "application/json"

_RECORD = "__ramekin_declarations__"
_EMPTY: Mapping[Any, Any] = MappingProxyType({})


class PathParameter(Record, frozen=True):
    """One variable part of a rule.

    Attributes:
        name: The handler's parameter.
        converter: The name of its converter in the rule, such as ``int``.
        schema: What it takes, as JSON Schema.
    """

    name: str
    converter: str
    schema: Mapping[str, Any]


class Input(Record, frozen=True):
    """One schema of one location.

    Attributes:
        location: Where it is read from, and the name of the handler's parameter.
        shape: The schema that loads it, or one field.
        required: Whether a body has to be there; other locations say so by their fields.
        coerce: Whether marshmallow's lenient types are taken.
        media_types: The content types of a body; empty for the location's own.
        for_handler: Whether the handler gets it as a parameter. A feature's own input goes without: its steps find the
            loaded values in ``exchange.arguments`` from phase VALUE on, beside the handler's where a handler's input
            has the same location.
    """

    location: Location
    shape: Shape
    required: bool = True
    coerce: bool = False
    media_types: tuple[str, ...] = ()
    for_handler: bool = True


class Header(Record, frozen=True):
    """One header field of a response; ``field.metadata["optional"]`` says that it may be missing."""

    name: str
    field: Field[Any]

    @property
    def required(self) -> bool:
        """Whether every response of the outcome has it."""
        return not self.field.metadata.get("optional", False)


#: Takes the next bytes of a stream, and gives the JSON texts of the items that are complete with them.
ReadItems: TypeAlias = Callable[[bytes], list[bytes]]


class ItemFormat(Record, frozen=True):
    """How items follow one another in content that is a stream of them.

    Attributes:
        compile: From what writes one item as JSON to what makes the content of what a handler returns.
        describe: From an item's schema in the document to that of the whole content.
        find_schema: From the schema of the whole content to that of an item.
        make_reader: Makes what reads the items of one stream.
    """

    compile: Callable[[Callable[[Any], Any]], Callable[[Any], Any]]
    describe: Callable[[dict[str, Any]], dict[str, Any]]
    find_schema: Callable[[Mapping[str, Any]], Any]
    make_reader: Callable[[], ReadItems]


class Outcome(Record, frozen=True):
    """One way in which an operation may end.

    Attributes:
        status: The status code.
        shape: The schema that dumps the content, or one field; None where there is no content, and for problems.
        items: How the items follow one another, each of which ``shape`` dumps; None where it dumps the whole content.
        media_type: The content's type; None where there is no content, and for problems.
        headers: The header fields that come with it.
        description: What it means; the status phrase or the problem's title when empty.
        problem: The class of problem, for failures.
        implied: Whether it follows from the declarations instead of standing in one.
    """

    status: int
    shape: Shape | None = None
    items: ItemFormat | None = None
    media_type: str | None = None
    headers: tuple[Header, ...] = ()
    description: str = ""
    problem: type[Problem] | None = None
    implied: bool = False


class Codec(Record, frozen=True):
    """How the bytes of one media type become a raw value for the ``json`` input, beside JSON itself.

    ``load`` raises `ramekin.problems.Problem` for bytes that it cannot read.
    """

    media_type: str
    load: Callable[[bytes, Limits], Any]


class Documentation(Record, frozen=True):
    """What the document says of an operation; None is not said at this level."""

    operation_id: str | None = None
    summary: str | None = None
    description: str | None = None
    tags: tuple[str, ...] | None = None
    deprecated: bool | None = None
    hidden: bool | None = None
    extensions: Mapping[str, Any] = _EMPTY

    def over(self, outer: Documentation) -> Documentation:
        """Return this with what it leaves unsaid taken from ``outer``."""
        said = {
            name: value
            for name in ("operation_id", "summary", "description", "tags", "deprecated", "hidden")
            if (value := getattr(self, name)) is not None
        }
        if not said and not self.extensions:
            return outer
        return outer.changed(**said, extensions=MappingProxyType({**outer.extensions, **self.extensions}))


class Dialog(Record, frozen=True):
    """What travels over a WebSocket connection.

    Attributes:
        receives: The schema that loads what clients send; None where they may send nothing.
        sends: The schema that dumps what they are sent; None where that is nothing.
        subprotocols: The subprotocols, the best first.
        idle_seconds: How long a client may send nothing; None for ever.
    """

    receives: Shape | None = None
    sends: Shape | None = None
    subprotocols: tuple[str, ...] = ()
    idle_seconds: float | None = None


class Effects(Record, frozen=True):
    """What one declaration means for one operation: its part of the contract.

    Attributes:
        inputs: What it reads from the request.
        outcomes: Successes, the topmost first; those that a feature adds are ``implied`` and come last.
        problems: Failures, by class.
        implied_problems: Failures that follow from it without being declared, by class.
        response_headers: Header fields on every success.
        security: Alternatives of OpenAPI security requirements; None says nothing, ``()`` says public.
        security_schemes: OpenAPI security scheme objects by name.
        access: Who may call it, in words for people; empty says nothing.
        provides: Handler parameters by name, and what makes their value once the inputs are loaded, for handlers that
            take them.
        codecs: Further media types of the ``json`` input.
        limits: Limits to change, by name.
        dialog: What travels over the connection that it opens; None for operations of HTTP.
        documentation: What the document says.
        modify: Functions that change the finished operation object of the document in place.
    """

    inputs: tuple[Input, ...] = ()
    outcomes: tuple[Outcome, ...] = ()
    problems: tuple[type[Problem], ...] = ()
    implied_problems: tuple[type[Problem], ...] = ()
    response_headers: tuple[Header, ...] = ()
    security: tuple[Mapping[str, tuple[str, ...]], ...] | None = None
    security_schemes: Mapping[str, Mapping[str, Any]] = _EMPTY
    access: str = ""
    provides: Mapping[str, Callable[[Exchange], Any]] = _EMPTY
    codecs: tuple[Codec, ...] = ()
    limits: Mapping[str, int] = _EMPTY
    dialog: Dialog | None = None
    documentation: Documentation = Documentation()
    modify: tuple[Callable[[dict[str, Any], Operation], None], ...] = ()


class Endpoint(Record, frozen=True):
    """One method of one registered resource: what a declaration is asked about.

    Attributes:
        id: Its name in the document and in logs, such as ``getBookItem``.
        method: The HTTP method, in capitals.
        rule: The rule as registered, ``/books/<int:book_id>``.
        path: The rule as a path template, ``/books/{book_id}``.
        path_parameters: The variable parts of the rule, in order.
        resource: The resource class.
        name: The registration's name.
        handler: The function in the class.
        where: How errors name it.
    """

    id: str
    method: str
    rule: str
    path: str
    path_parameters: tuple[PathParameter, ...]
    resource: type[Any]
    name: str
    handler: Callable[..., Any]
    where: str


class Operation(Endpoint, frozen=True):
    """One operation of the API, in full; what every reader reads.

    Attributes:
        effects: The effects of all its declarations in one; its ``inputs``, ``security`` and so on.
        outcomes: Every way in which it may end: declared successes, declared problems, implied ones.
        limits: What a request for it may cost.
        body_bytes: The most bytes that its body may have.
        summary: One line from the docstring.
        description: The rest of the docstring, in Markdown; the summary where there is none.
        tags: Names of its groups; the resource's own by default.
        deprecated: Whether callers should leave it.
        hidden: Whether the document leaves it out.
        declarations: The merged declarations, one of each type.
    """

    effects: Effects
    outcomes: tuple[Outcome, ...]
    limits: Limits
    body_bytes: int
    summary: str
    description: str
    tags: tuple[str, ...]
    deprecated: bool
    hidden: bool
    declarations: tuple[Declaration, ...]

    @property
    def successes(self) -> tuple[Outcome, ...]:
        """The declared successes, the topmost first."""
        return self.effects.outcomes

    def inputs_at(self, location: Location) -> tuple[Input, ...]:
        """Return the inputs of one location, those of outer levels first."""
        return tuple(item for item in self.effects.inputs if item.location == location)

    @property
    def has_body(self) -> bool:
        """Whether it reads a body."""
        return any(item.location in BODY_LOCATIONS for item in self.effects.inputs)

    @property
    def is_streaming(self) -> bool:
        """Whether it answers with a stream, as far as can be told before it has answered."""
        return inspect.isasyncgenfunction(self.handler) or any(outcome.items for outcome in self.successes)


class Declaration:
    """One thing said about operations, on a method, a class or the app; the base class of all of them.

    A subclass is a frozen dataclass. It is used as a decorator, which records it and returns its target unchanged, or
    given to ``app.declare``.
    """

    #: What errors call it; the class name in lower case when not stated.
    label: ClassVar[str] = "declaration"

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "label" not in cls.__dict__:
            cls.label = cls.__name__.lower()

    def __call__(self, target: TargetT) -> TargetT:
        """Record this on a method or resource class, and return it as it is."""
        if not inspect.isclass(target) and not inspect.isfunction(target):
            raise DeclarationError(
                f"@{self.label} goes on a method or a resource class, below @app.resource, not on {target!r}."
            )
        record_declaration(target, self)
        return target

    def stack(self, below: Self) -> Self:
        """Return what this says above ``below`` at the same level.

        Raises:
            DeclarationError: It may stand once only.
        """
        raise DeclarationError(f"@{self.label} stands twice at one place; it may stand once.")

    def merge(self, outer: Self) -> Self:
        """Return what this says over ``outer``, the merged declaration of the levels outside; this alone by default."""
        return self

    def effects(self, endpoint: Endpoint) -> Effects:
        """Return its part of the contract of an operation."""
        return Effects()

    def steps(self, operation: Operation, settings: Settings) -> Iterable[Step]:
        """Return what it does around each request for an operation."""
        return ()

    def outer_steps(self, settings: Settings) -> Iterable[Step]:
        """Return what it does around requests that match no operation (404, 405, OPTIONS); for the app's level."""
        return ()

    @classmethod
    def check_operations(cls, operations: Sequence[Operation]) -> None:
        """Refuse operations that contradict one another, when an app that has such a declaration is compiled.

        Args:
            operations: Those of the app's resources, without its document and docs page.

        Raises:
            DeclarationError: They do.
        """


Declarations = Mapping[type[Declaration], Declaration]


def record_declaration(target: Any, declaration: Declaration) -> None:
    """Write a declaration on a function or class, above those that stand there."""
    below: Declarations = target.__dict__.get(_RECORD, _EMPTY)
    setattr(target, _RECORD, MappingProxyType(stack_declaration(below, declaration)))


def stack_declaration(below: Declarations, declaration: Declaration) -> dict[type[Declaration], Declaration]:
    """Return the declarations of one level with another on top."""
    kind = type(declaration)
    return {**below, kind: declaration.stack(below[kind]) if kind in below else declaration}


def read_declarations(resource: type[Any], handler: Callable[..., Any]) -> tuple[Declarations, ...]:
    """Return what stands on a class, by its method resolution order, and on a method: the outermost level first."""
    levels = [vars(cls)[_RECORD] for cls in reversed(resource.__mro__) if _RECORD in vars(cls)]
    return (*levels, getattr(handler, _RECORD, _EMPTY))


def merge_levels(levels: Iterable[Declarations]) -> tuple[Declaration, ...]:
    """Merge levels of declarations, the outermost first, to one declaration of each type."""
    merged: dict[type[Declaration], Declaration] = {}
    for level in levels:
        for kind, declaration in level.items():
            merged[kind] = declaration.merge(merged[kind]) if kind in merged else declaration
    return tuple(merged.values())


def build_operation(endpoint: Endpoint, levels: Iterable[Declarations], limits: Limits) -> Operation:
    """Make the record of one operation.

    Args:
        endpoint: The method of the resource.
        levels: Its declarations, the outermost level first.
        limits: The app's limits.

    Raises:
        DeclarationError: The declarations contradict one another or do not fit the handler.
    """
    declarations = merge_levels(levels)
    effects = combine_effects([declaration.effects(endpoint) for declaration in declarations])
    if endpoint.method == SOCKET:
        _check_socket(endpoint, effects)
    _check_inputs(endpoint, effects)
    _check_outcomes(endpoint, effects)
    _check_signature(endpoint, effects)
    said = effects.documentation
    summary, description = _split_docstring(endpoint.handler)
    summary = (summary if said.summary is None else said.summary) or _sentence(endpoint)
    description = (description if said.description is None else said.description) or summary
    own_limits = limits.changed(**effects.limits) if effects.limits else limits
    has_files = any(item.location == "files" for item in effects.inputs)
    return Operation(
        id=said.operation_id or endpoint.id,
        method=endpoint.method,
        rule=endpoint.rule,
        path=endpoint.path,
        path_parameters=endpoint.path_parameters,
        resource=endpoint.resource,
        name=endpoint.name,
        handler=endpoint.handler,
        where=endpoint.where,
        effects=effects,
        outcomes=_all_outcomes(endpoint, effects),
        limits=own_limits,
        body_bytes=own_limits.multipart_bytes if has_files else own_limits.body_bytes,
        summary=summary,
        description=description,
        tags=(endpoint.resource.__name__,) if said.tags is None else said.tags,
        deprecated=bool(said.deprecated),
        hidden=bool(said.hidden),
        declarations=declarations,
    )


def combine_effects(parts: Iterable[Effects]) -> Effects:
    """Unite the effects of several declarations; the last word on documentation and limits counts."""
    parts = list(parts)
    said = (part.documentation for part in parts)
    headers = tuple(chain.from_iterable(part.response_headers for part in parts))
    outcomes = _declared_first(tuple(chain.from_iterable(part.outcomes for part in parts)))
    if headers:
        outcomes = tuple(outcome.changed(headers=outcome.headers + headers) for outcome in outcomes)
    return Effects(
        inputs=tuple(chain.from_iterable(part.inputs for part in parts)),
        outcomes=outcomes,
        problems=tuple(dict.fromkeys(chain.from_iterable(part.problems for part in parts))),
        implied_problems=tuple(dict.fromkeys(chain.from_iterable(part.implied_problems for part in parts))),
        response_headers=headers,
        security=reduce(_all_of, (part.security for part in parts), None),
        security_schemes=_united(part.security_schemes for part in parts),
        access=" & ".join(part.access for part in parts if part.access),
        provides=_united(part.provides for part in parts),
        codecs=tuple(chain.from_iterable(part.codecs for part in parts)),
        limits=_united(part.limits for part in parts),
        dialog=next((part.dialog for part in reversed(parts) if part.dialog is not None), None),
        documentation=reduce(lambda outer, inner: inner.over(outer), said, Documentation()),
        modify=tuple(chain.from_iterable(part.modify for part in parts)),
    )


def _united(parts: Iterable[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Return the items of several mappings, the last word counting."""
    united = {name: value for part in parts for name, value in part.items()}
    return MappingProxyType(united) if united else _EMPTY


def _declared_first(outcomes: tuple[Outcome, ...]) -> tuple[Outcome, ...]:
    """Return outcomes with those that features add at the end, unless they are declared as well."""
    declared = [outcome for outcome in outcomes if not outcome.implied]
    known = {(outcome.status, outcome.media_type) for outcome in declared}
    added = {(outcome.status, outcome.media_type): outcome for outcome in outcomes if outcome.implied}
    return (*declared, *(outcome for key, outcome in added.items() if key not in known))


def _all_of(
    first: tuple[Mapping[str, tuple[str, ...]], ...] | None, second: tuple[Mapping[str, tuple[str, ...]], ...] | None
) -> tuple[Mapping[str, tuple[str, ...]], ...] | None:
    """Join two lists of alternatives: each of the first has to hold together with one of the second."""
    if not first or not second:
        return second if first is None else first if second is None else first or second
    return tuple({**one, **other} for one in first for other in second)


def _check_inputs(endpoint: Endpoint, effects: Effects) -> None:
    by_location: dict[Location, list[Any]] = {}
    for item in effects.inputs:
        by_location.setdefault(item.location, []).append(item.shape)
    if "json" in by_location and by_location.keys() & {"form", "files"}:
        raise DeclarationError(
            f"{endpoint.where} accepts json beside form or files; a request has one body. "
            "A JSON part of a multipart body is a Nested field of form."
        )
    by_location.pop("json", None)
    if by_location:
        from ramekin.inputs import check_shapes

        for location, shapes in by_location.items():
            check_shapes(location, shapes, endpoint.where)


def _check_socket(endpoint: Endpoint, effects: Effects) -> None:
    if effects.dialog is None:
        raise DeclarationError(f"{endpoint.where} declares no messages; put @messages(receives=…, sends=…) on it.")
    if not is_async(endpoint.handler):
        raise DeclarationError(
            f"{endpoint.where} has to be async def: it waits for its client for as long as that stays, "
            "and a plain method would hold a thread all the while."
        )
    if any(item.location in BODY_LOCATIONS for item in effects.inputs):
        raise DeclarationError(f"{endpoint.where} accepts a body; a request that opens a WebSocket has none.")
    if any(outcome.status != 101 for outcome in effects.outcomes):
        raise DeclarationError(f"{endpoint.where} declares @returns; a WebSocket answers by messages alone.")
    if not takes_parameter(endpoint.handler, "socket"):
        raise DeclarationError(f"{endpoint.where} has to take the parameter socket, which it talks through.")


def _check_outcomes(endpoint: Endpoint, effects: Effects) -> None:
    if all(outcome.implied for outcome in effects.outcomes):
        raise DeclarationError(
            f"{endpoint.where} declares no success; put @returns(Schema) on it, or @returns(status=204) for no content."
        )
    seen = set()
    for outcome in effects.outcomes:
        key = outcome.status, outcome.media_type
        if key in seen:
            raise DeclarationError(f"{endpoint.where} declares {outcome.status} {outcome.media_type or ''} twice.")
        seen.add(key)
    _check_problems(endpoint, effects)


def _check_problems(endpoint: Endpoint, effects: Effects) -> None:
    if not effects.problems and not effects.implied_problems:
        return
    known: dict[tuple[int, str], type[Problem]] = {}
    for problem in (*effects.problems, *_implied_problems(endpoint, effects)):
        other = known.setdefault((problem.status, problem.code), problem)
        if other is not problem:
            raise DeclarationError(
                f"{endpoint.where} may end in {_name(other)} and in {_name(problem)}, which both have status "
                f"{problem.status} and code {problem.code!r}; state another code in one of them."
            )


def _name(cls: type[Any]) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"


def _named_parameters(handler: Callable[..., Any], where: str) -> list[inspect.Parameter]:
    """Return a handler's parameters but the resource itself."""
    parameters = list(inspect.signature(handler).parameters.values())
    if not parameters or parameters[0].kind in (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.VAR_KEYWORD):
        raise DeclarationError(f"{where} has to take the resource itself as its first parameter, self.")
    if any(parameter.kind is parameter.POSITIONAL_ONLY for parameter in parameters[1:]):
        raise DeclarationError(f"{where} has positional-only parameters; everything is passed by name.")
    return parameters[1:]


def _check_signature(endpoint: Endpoint, effects: Effects) -> None:
    handler, where = endpoint.handler, endpoint.where
    given: dict[str, str] = {parameter.name: "the rule" for parameter in endpoint.path_parameters}
    given |= {item.location: f"accepts({item.location}=…)" for item in effects.inputs if item.for_handler}
    clashes = sorted(
        {parameter.name for parameter in endpoint.path_parameters} & {item.location for item in effects.inputs}
    )
    if clashes:
        raise DeclarationError(
            f"{where}: {', '.join(clashes)} is both a part of the rule and an input; rename the part."
        )
    parameters = _named_parameters(handler, where)
    takes = {
        parameter.name
        for parameter in parameters
        if parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    }
    needs = {
        parameter.name
        for parameter in parameters
        if parameter.default is parameter.empty
        and parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
    }
    if not any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
        missing = [f"{name} (of {origin})" for name, origin in given.items() if name not in takes]
        if missing:
            raise DeclarationError(f"{where} has to take the parameters it is given: {', '.join(missing)}.")
    unknown = sorted(needs - given.keys() - effects.provides.keys())
    if unknown:
        raise DeclarationError(
            f"{where} asks for {', '.join(unknown)}, which neither the rule nor a declaration gives; "
            f"given are: {', '.join((*given, *effects.provides)) or 'none'}."
        )


def takes_parameter(handler: Callable[..., Any], name: str) -> bool:
    """Tell whether a handler takes a parameter of this name."""
    parameters = inspect.signature(handler).parameters
    return name in parameters or any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values())


def _all_outcomes(endpoint: Endpoint, effects: Effects) -> tuple[Outcome, ...]:
    declared = [_problem_outcome(problem, implied=False) for problem in effects.problems]
    implied = [
        _problem_outcome(problem, implied=True)
        for problem in dict.fromkeys(_implied_problems(endpoint, effects))
        if problem not in effects.problems
    ]
    return (*effects.outcomes, *declared, *implied)


def _problem_outcome(problem: type[Problem], *, implied: bool) -> Outcome:
    """Return the outcome of a problem, the same record for all operations that end in it."""
    key = problem, implied
    if key not in _PROBLEM_OUTCOMES:
        _PROBLEM_OUTCOMES[key] = Outcome(status=problem.status, problem=problem, implied=implied)
    return _PROBLEM_OUTCOMES[key]


_PROBLEM_OUTCOMES: dict[tuple[type[Problem], bool], Outcome] = {}


def _implied_problems(endpoint: Endpoint, effects: Effects) -> Iterable[type[Problem]]:
    yield problems.BadRequest
    yield from effects.implied_problems
    if endpoint.path_parameters:
        yield problems.NotFound
    yield problems.NotAcceptable
    if any(item.location in BODY_LOCATIONS for item in effects.inputs):
        yield problems.ContentTooLarge
        yield problems.UnsupportedMediaType
    if effects.inputs:
        yield problems.ValidationFailed
    yield problems.InternalServerError


def _split_docstring(handler: Callable[..., Any]) -> tuple[str, str]:
    """Return the first line of a docstring and what follows it."""
    doc = inspect.cleandoc(handler.__doc__ or "")
    first, _, rest = doc.partition("\n")
    return first.strip().removesuffix("."), rest.strip()


def _sentence(endpoint: Endpoint) -> str:
    """Return a summary for an operation that has no docstring."""
    return f"{endpoint.method.capitalize()} {endpoint.path}"


def is_bodiless(outcome: Outcome) -> bool:
    """Tell whether a response of this outcome never has content."""
    return outcome.status in BODILESS_STATUSES or (outcome.shape is None and outcome.problem is None)
