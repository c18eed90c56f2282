"""The app: registers resources, compiles them to a site, and is the WSGI callable. It owns no HTTP logic."""

from __future__ import annotations

import gc
import inspect
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from threading import Lock
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from ramekin.declarations import Accepts
from ramekin.errors import DeclarationError, FrozenError, RoutingError
from ramekin.hooks import After, AppHooks, Before, Teardown, resource_steps
from ramekin.openapi.info import Info
from ramekin.operations import (
    METHODS,
    SOCKET,
    Declaration,
    Declarations,
    Endpoint,
    Operation,
    build_operation,
    read_declarations,
    stack_declaration,
)
from ramekin.problems import ProblemDetails, ProblemFormat
from ramekin.resources import Resource
from ramekin.routing import CONVERTERS, ParsedRule, parse_rule
from ramekin.settings import Settings
from ramekin.steps import Phase, Step

if TYPE_CHECKING:
    from datetime import timedelta

    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment
    from werkzeug.routing import BaseConverter

    from ramekin.failures import ExceptionHandler
    from ramekin.lifespans import Setup
    from ramekin.limits import Limits
    from ramekin.responses import Reply
    from ramekin.signing import Signer
    from ramekin.sites import Modify, Site
    from ramekin.steps import Exchange
    from ramekin.types import ASGIApplication, Receive, Scope, Send

ResourceT = TypeVar("ResourceT", bound=type[Resource])
FunctionT = TypeVar("FunctionT", bound=Callable[..., Any])

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
#: The method of a resource class that WebSocket connections are handled by.
_SOCKET = SOCKET.lower()


class _Registration(NamedTuple):
    """A resource class bound to a rule.

    ``snapshot`` is what was declared on it then; ``own`` is what the app says of its own pages, None for others.
    """

    rule: ParsedRule
    resource: type[Resource]
    name: str
    own: Declarations | None
    snapshot: tuple[tuple[str, tuple[Declarations, ...]], ...]

    @property
    def where(self) -> str:
        return f"{self.resource.__module__}.{self.resource.__qualname__}"


class App:
    """An API: resources under rules, and what holds for all of them.

    The app is a WSGI application. It is compiled at its first request or by `compile`, and refuses changes afterwards.

    Args:
        title: The API's name.
        version: The API's version.
        summary: One line about it.
        description: More about it, in Markdown.
        terms_of_service: A URL.
        contact: OpenAPI contact object: ``name``, ``url``, ``email``.
        license: OpenAPI licence object: ``name`` and ``identifier`` or ``url``.
        servers: OpenAPI server objects; the mount prefix when empty.
        tags: OpenAPI tag objects, to order and describe the groups.
        external_docs: OpenAPI external documentation object.
        extensions: Members of one's own for the document, named ``x-…``.
        settings: How it behaves; `Settings()` when None.
        problem_format: How problems are written; RFC 9457 when None.
        converters: Converters for rules by name, beside Werkzeug's.
        docs_declarations: Declarations for the document and the docs page, to guard them.

    Raises:
        DeclarationError: An argument is of the wrong kind.

    Example:
        >>> app = App("Bookshop", version="1.0.0")
    """

    # A server that calls an app finds in this slot what it calls: a method would cost each request a call more.
    __slots__ = ("__call__", "__dict__", "__weakref__")

    if TYPE_CHECKING:

        def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            """Answer a WSGI request (PEP 3333)."""

    def __init__(
        self,
        title: str,
        *,
        version: str = "0.1.0",
        summary: str | None = None,
        description: str | None = None,
        terms_of_service: str | None = None,
        contact: Mapping[str, Any] | None = None,
        license: Mapping[str, Any] | None = None,
        servers: Iterable[Mapping[str, Any]] = (),
        tags: Iterable[Mapping[str, Any]] = (),
        external_docs: Mapping[str, Any] | None = None,
        extensions: Mapping[str, Any] | None = None,
        settings: Settings | None = None,
        problem_format: ProblemFormat | None = None,
        converters: Mapping[str, type[BaseConverter]] | None = None,
        docs_declarations: Iterable[Declaration] = (),
    ) -> None:
        self.info = Info(
            title=title,
            version=version,
            summary=summary,
            description=description,
            terms_of_service=terms_of_service,
            contact=contact,
            license=license,
            servers=_list_objects("servers", servers),
            tags=_list_objects("tags", tags),
            external_docs=external_docs,
            extensions=MappingProxyType(dict(extensions or {})),
        )
        if settings is not None:
            _check_settings(settings, "App(settings=…)")
        self.settings = settings or Settings()
        if problem_format is not None:
            _check_format(problem_format)
        self._problem_format = problem_format
        self._converters = {**CONVERTERS, **(converters or {})}
        self._docs_level: Declarations = {}
        for declaration in docs_declarations:
            _check_declaration(declaration, "App(docs_declarations=…)")
            self._docs_level = stack_declaration(self._docs_level, declaration)
        self._registrations: dict[str, _Registration] = {}
        self._patterns: dict[str, _Registration] = {}
        #: What each registration was built of when it was checked, and the operations that came of it.
        self._built: dict[str, tuple[Declarations, Limits, tuple[Operation, ...]]] = {}
        self._level: Declarations = {}
        self._hooks = AppHooks()
        self._handlers: dict[type[Exception], ExceptionHandler] = {}
        self._modify: list[Modify] = []
        self._site: Site | None = None
        #: Held while the one site is made, so that one thread makes it.
        self._lock = Lock()
        #: Whether that has begun; read and set, like what is registered, under a lock that nothing waits for long.
        self._frozen = False
        self._changing = Lock()
        self._setups: list[Setup] = []
        self._serve: WSGIApplication = self._serve_first
        self.wsgi = self._serve_site
        #: The ASGI application, to be wrapped in the same way.
        self.asgi: ASGIApplication = _make_asgi(self)
        #: The key of an environ or scope that leads through the middleware to another site of this app, as the test
        #: client does.
        self.site_key: str = f"ramekin.site.{id(self)}"

    # -- Registering --------------------------------------------------------------------------------------------------

    def resource(self, rule: str, *, name: str | None = None) -> Callable[[ResourceT], ResourceT]:
        """Register the resource class below under a rule; the outermost decorator.

        Args:
            rule: A Werkzeug rule, such as ``/books/<int:book_id>``.
            name: The registration's name; the class's own when None.

        Raises:
            DeclarationError: The class or one of its methods cannot be served as it is declared.
            RoutingError: The rule does not parse or conflicts with another, or the name is taken.
            FrozenError: The app is compiled.
        """
        if not isinstance(rule, str):
            # Without parentheses the decorator would be given the class, and nothing would be registered.
            raise RoutingError(f"@app.resource takes a rule, such as '/books', not {rule!r}.")

        def register(resource: ResourceT) -> ResourceT:
            self.add_resource(rule, resource, name=name)
            return resource

        return register

    def add_resource(self, rule: str, resource: type[Resource], *, name: str | None = None) -> None:
        """Register a resource class under a rule; see `resource`."""
        registration = self._read(rule, resource, name)
        operations = self._build_operations(registration, self.settings.limits)
        with self._change("registering a resource"):
            self._check_conflict(registration)
            self._built[registration.name] = (self._level, self.settings.limits, operations)
            self._registrations[registration.name] = registration
            self._patterns[registration.rule.pattern] = registration

    def _check_conflict(self, new: _Registration) -> None:
        old = self._registrations.get(new.name)
        if old is not None:
            raise RoutingError(
                f"{new.where} at {new.rule.rule!r} would be named {new.name!r} like {old.where} at {old.rule.rule!r}; "
                "give one of them a name=."
            )
        old = self._patterns.get(new.rule.pattern)
        if old is not None:
            raise RoutingError(
                f"{new.where} at {new.rule.rule!r} conflicts with {old.where} at {old.rule.rule!r}: "
                "to readers of the document both are one path."
            )

    def _read(
        self, rule: str, resource: type[Resource], name: str | None, own: Declarations | None = None
    ) -> _Registration:
        if not (inspect.isclass(resource) and issubclass(resource, Resource)):
            raise DeclarationError(f"A registration takes a subclass of ramekin.Resource, not {resource!r}.")
        where = f"{resource.__module__}.{resource.__qualname__}"
        if resource.__init__ is not object.__init__ or resource.__new__ is not object.__new__:
            raise DeclarationError(
                f"{where} defines __init__ or __new__; an instance is made for each request, from the request alone."
            )
        name = resource.__name__ if name is None else name
        if not _NAME.fullmatch(name):
            raise DeclarationError(
                f"{where}: a registration's name is a word of letters, digits, '.', '_', '-', not {name!r}."
            )
        handlers = {verb: getattr(resource, verb) for verb in (*METHODS, _SOCKET) if hasattr(resource, verb)}
        if not handlers:
            known = ", ".join((*METHODS, _SOCKET))
            raise DeclarationError(f"{where} has no method; a resource defines at least one of {known}.")
        for verb in handlers:
            written = inspect.getattr_static(resource, verb)
            if not inspect.isfunction(written):
                raise DeclarationError(f"{where}.{verb} has to be a plain method, not {type(written).__name__}.")
        snapshot = tuple((verb, read_declarations(resource, handler)) for verb, handler in handlers.items())
        return _Registration(parse_rule(rule, self._converters, where), resource, name, own, snapshot)

    def _endpoints(self, registration: _Registration) -> Iterable[tuple[Endpoint, tuple[Declarations, ...]]]:
        outer: tuple[Declarations, ...] = (self._level,)
        if registration.own is not None:
            # The document and the docs page read nothing, whatever the API's own operations read.
            outer = ({kind: said for kind, said in self._level.items() if kind is not Accepts}, registration.own)
        for verb, levels in registration.snapshot:
            endpoint = Endpoint(
                id=f"{verb}{registration.name[:1].upper()}{registration.name[1:]}",
                method=verb.upper(),
                rule=registration.rule.rule,
                path=registration.rule.path,
                path_parameters=registration.rule.parameters,
                resource=registration.resource,
                name=registration.name,
                handler=getattr(registration.resource, verb),
                where=f"{registration.where}.{verb}",
            )
            yield endpoint, (*outer, *levels)

    def _build_operations(self, registration: _Registration, limits: Limits) -> tuple[Operation, ...]:
        return tuple(build_operation(endpoint, levels, limits) for endpoint, levels in self._endpoints(registration))

    def _find_operations(self, registration: _Registration, limits: Limits) -> tuple[Operation, ...]:
        """Return the operations of a registration as they were checked, unless something changed since."""
        level, known_limits, operations = self._built.get(registration.name, ({}, limits, ()))
        if level is self._level and known_limits == limits and registration.own is None:
            return operations
        return self._build_operations(registration, limits)

    def declare(self, *declarations: Declaration) -> None:
        """Declare something for all operations of the app.

        It holds for the document and the docs page, too, but for what `accepts` says.

        Raises:
            DeclarationError: What is given is no declaration, or contradicts one given before.
            FrozenError: The app is compiled.
        """
        for declaration in declarations:
            _check_declaration(declaration, "app.declare")
            with self._change("declaring"):
                self._level = stack_declaration(self._level, declaration)

    # -- Hooks --------------------------------------------------------------------------------------------------------

    def before(self, function: Before) -> Before:
        """Run a function before each request, matched or not; a Reply that it returns is answered at once."""
        with self._change("adding a hook"):
            self._hooks = AppHooks((*self._hooks.before, function), self._hooks.after, self._hooks.teardown)
        return function

    def after(self, function: After) -> After:
        """Run a function with each request and its reply, problems too; a Reply that it returns takes its place."""
        with self._change("adding a hook"):
            self._hooks = AppHooks(self._hooks.before, (*self._hooks.after, function), self._hooks.teardown)
        return function

    def teardown(self, function: Teardown) -> Teardown:
        """Run a function after the last byte of each response, always, with the unhandled exception if any."""
        with self._change("adding a hook"):
            self._hooks = AppHooks(self._hooks.before, self._hooks.after, (*self._hooks.teardown, function))
        return function

    def lifespan(self, function: FunctionT) -> FunctionT:
        """Set something up in each worker before its first request, and take it down after its last.

        The function takes a dict, which requests find as `Request.shared`. What stands before its ``yield`` sets up,
        what stands after it takes down; a function without one only sets up, one that returns a context manager has it
        entered and left. It may be plain or ``async def``. What is set up last is taken down first.

        Raises:
            DeclarationError: It does not take one argument.
        """
        from ramekin.lifespans import as_setup

        self._add_setup(as_setup(function))
        return function

    def on_start(self, function: FunctionT) -> FunctionT:
        """Run a function, plain or async, in each worker before its first request; it takes `Request.shared`."""
        return self.lifespan(function)

    def on_stop(self, function: FunctionT) -> FunctionT:
        """Run a function, plain or async, in each worker after its last request; it takes `Request.shared`."""
        from ramekin.lifespans import as_takedown

        self._add_setup(as_takedown(function))
        return function

    def _add_setup(self, setup: Setup) -> None:
        with self._change("adding to the lifespan"):
            self._setups.append(setup)

    def exception_handler(self, *kinds: type[Exception]) -> Callable[[FunctionT], FunctionT]:
        """Register a function that turns exceptions of these classes, or of subclasses, into problems or replies.

        The function takes the exception and the request. The class nearest in the exception's order wins; `Problem` and
        Werkzeug's ``HTTPException`` can be registered like any other.

        Raises:
            DeclarationError: What is given is no class of exception, or has a handler already.
        """
        if not kinds:
            raise DeclarationError("app.exception_handler takes at least one class of exceptions.")
        for kind in kinds:
            if not (inspect.isclass(kind) and issubclass(kind, Exception)):
                raise DeclarationError(f"app.exception_handler takes classes of exceptions, not {kind!r}.")
            if kind in self._handlers:
                raise DeclarationError(f"{kind.__name__} has a handler already.")

        def register(function: FunctionT) -> FunctionT:
            with self._change("adding an exception handler"):
                self._handlers.update(dict.fromkeys(kinds, function))
            return function

        return register

    def modify_document(self, function: Modify) -> Modify:
        """Have a function change the finished OpenAPI document in place; the last word on any part of it."""
        with self._change("changing the document"):
            self._modify.append(function)
        return function

    # -- Signing ------------------------------------------------------------------------------------------------------

    def signer(self, purpose: str, *, max_age: timedelta) -> Signer:
        """Return what signs tokens, values and links for one purpose, with the keys of the settings.

        Args:
            purpose: What it signs for, such as ``password-reset``; what one purpose has signed no other one reads.
            max_age: How long a signature is accepted.

        Raises:
            SettingsError: The settings have no ``secret_key``, the purpose is empty, or ``max_age`` is less than a
                second.
        """
        from ramekin.signing import Signer

        return Signer.of(self.settings, purpose, max_age=max_age)

    @property
    def wsgi(self) -> WSGIApplication:
        """The WSGI application that calling the app calls; wrap it by ``app.wsgi = Middleware(app.wsgi)``."""
        return self._wsgi

    @wsgi.setter
    def wsgi(self, application: WSGIApplication) -> None:
        self._wsgi = application
        App.__call__.__set__(self, application)  # type: ignore[attr-defined]  # A subclass may have a method.

    # -- Compiling and serving ----------------------------------------------------------------------------------------

    def compile(self, settings: Settings | None = None) -> Site:
        """Make the site that answers requests.

        Without settings of one's own it is made once and the app refuses changes afterwards; with them another site is
        made, as tests do.

        Raises:
            DeclarationError: Registrations contradict one another, or a class was declared on after its registration.
            RoutingError: The document or docs page has the path of a resource.
        """
        if settings is not None:
            _check_settings(settings, "app.compile(…)")
            return self._build(settings)
        if self._site is None:
            with self._lock:
                if self._site is None:
                    site = self._build_frozen()
                    self._serve = site.wsgi
                    if self.wsgi == self._serve_site:
                        self.wsgi = site.wsgi
                    self._site = site
        return self._site

    def start(self) -> None:
        """Compile, and set up what `lifespan` says, now instead of at the first request under WSGI.

        It is for the hook that a WSGI server runs in each new worker, so that what fails there fails the worker. ASGI
        servers say by themselves when to set up.

        Raises:
            BaseException: Whatever compiling or a function of the lifespan raises.
        """
        self.compile().lifespan.start_here()

    def stop(self) -> None:
        """Take down what was set up in this process, now instead of at its end under WSGI.

        Raises:
            BaseException: Whatever a function of the lifespan raises.
        """
        self.compile().lifespan.stop_here()

    def _build_frozen(self) -> Site:
        """Make the one site; changes are refused from here on, unless it cannot be made."""
        with self._changing:
            self._frozen = True
        try:
            return self._build(self.settings)
        except BaseException:
            self._frozen = False
            raise

    def _build(self, settings: Settings) -> Site:
        # Nothing of what is made here is garbage; looking for some would double the time of a large app.
        collects = gc.isenabled()
        gc.disable()
        try:
            return self._build_site(settings)
        finally:
            if collects:
                gc.enable()

    def _build_site(self, settings: Settings) -> Site:
        # What compiles is imported by the first app that is: a program that only reads declarations needs none of it.
        from ramekin.failures import Failures
        from ramekin.lifespans import Lifespan
        from ramekin.openapi.names import check_components
        from ramekin.sites import Site
        from ramekin.wsgi import compile_wsgi

        operations: list[Operation] = []
        for registration in self._registrations.values():
            _check_unchanged(registration)
            operations += self._find_operations(registration, settings.limits)
        for kind in dict.fromkeys(type(said) for operation in operations for said in operation.declarations):
            kind.check_operations(operations)
        for registration in self._own_registrations(settings):
            operations += self._find_operations(registration, settings.limits)
        _check_ids(operations)
        check_components(operations)
        problem_format = self._problem_format or ProblemDetails(settings.problem_base_uri)
        site = Site(
            operations=operations,
            settings=settings,
            info=self.info,
            problem_format=problem_format,
            failures=Failures(self._handlers, problem_format),
            converters=self._converters,
            steps_of=lambda operation: _steps_of(operation, settings),
            outer_steps=self._outer_steps(settings),
            modify=self._modify,
            lifespan=Lifespan(self._setups),
        )
        site.wsgi = site.lifespan.surround(compile_wsgi(site))
        site.asgi = _compile_asgi_on_use(site)
        return site

    def _own_registrations(self, settings: Settings) -> Sequence[_Registration]:
        """Return the registrations of the document and the docs page."""
        from ramekin.openapi.registration import list_resources

        own = [
            self._read(rule, resource, name, self._docs_level)
            for name, rule, resource in list_resources(settings.openapi_path, settings.docs_path)
        ]
        for registration in own:
            self._check_conflict(registration)
        return own

    def _outer_steps(self, settings: Settings) -> list[Step]:
        steps = list(self._hooks.outer_steps(settings))
        for declaration in self._level.values():
            steps += declaration.outer_steps(settings)
        if settings.contract != "off":
            from ramekin.contract.steps import contract_step

            steps.insert(0, contract_step(settings.contract))
        if settings.cors.origins:
            from ramekin.cors import cors_step

            steps.insert(0, cors_step(settings))
        if settings.hsts_seconds is not None:
            from ramekin.safeguards import hsts_step

            steps.insert(0, hsts_step(settings.hsts_seconds))
        if settings.request_id_header is not None:
            steps.insert(0, _echo_request_id(settings.request_id_header))
        return steps

    def _serve_site(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        site = environ.get(self.site_key)
        return (self._serve if site is None else site.wsgi)(environ, start_response)

    def _serve_first(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        return self.compile().wsgi(environ, start_response)

    @contextmanager
    def _change(self, what: str) -> Iterator[None]:
        """Let a change in before the app is compiled, and none afterwards.

        Raises:
            FrozenError: The app is compiled, or being compiled.
        """
        with self._changing:
            if self._frozen:
                raise FrozenError(
                    f"{self.info.title}: {what} has to come before the first request; the app is compiled."
                )
            yield

    def __repr__(self) -> str:
        return f"<App {self.info.title!r} {self.info.version}: {len(self._registrations)} resources>"


def _make_asgi(app: App) -> ASGIApplication:
    """Return the ASGI application of an app: a coroutine function, by which servers tell the version of ASGI."""

    async def asgi(scope: Scope, receive: Receive, send: Send) -> None:
        site = scope.get(app.site_key) or app.compile()
        await site.asgi(scope, receive, send)

    return asgi


def _compile_asgi_on_use(site: Site) -> ASGIApplication:
    """Return what compiles the ASGI application of a site at its first connection; many apps never have one."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        from ramekin.asgi import compile_asgi

        site.asgi = compile_asgi(site)
        await site.asgi(scope, receive, send)

    return serve


def _list_objects(name: str, given: Iterable[Mapping[str, Any]]) -> tuple[Mapping[str, Any], ...]:
    if isinstance(given, str | Mapping) or not isinstance(given, Iterable):
        raise DeclarationError(f"App({name}=…) takes several mappings, not {given!r}.")
    return tuple(given)


def _check_settings(given: object, where: str) -> None:
    if not isinstance(given, Settings):
        raise DeclarationError(f"{where} takes ramekin.Settings, not {given!r}.")


def _check_format(given: object) -> None:
    missing = [name for name in ("schema", "body") if not callable(getattr(given, name, None))]
    if not isinstance(getattr(given, "media_type", None), str):
        missing.insert(0, "media_type")
    if missing or isinstance(given, type):
        raise DeclarationError(
            f"App(problem_format=…) takes an object with media_type, schema() and body(), not {given!r}"
            + (f", which lacks {', '.join(missing)}." if missing else ", which is a class.")
        )


def _check_declaration(given: object, where: str) -> None:
    if not isinstance(given, Declaration):
        raise DeclarationError(f"{where} takes declarations such as raises(…), not {given!r}.")


def _check_unchanged(registration: _Registration) -> None:
    for verb, levels in registration.snapshot:
        now = read_declarations(registration.resource, getattr(registration.resource, verb))
        if len(now) != len(levels) or any(one is not other for one, other in zip(now, levels, strict=True)):
            raise DeclarationError(
                f"{registration.where}.{verb} was declared on after its registration at {registration.rule.rule!r}; "
                "@app.resource has to be the outermost decorator."
            )


def _check_ids(operations: Iterable[Operation]) -> None:
    seen: dict[str, Operation] = {}
    for operation in operations:
        other = seen.setdefault(operation.id, operation)
        if other is not operation:
            raise DeclarationError(
                f"{operation.where} and {other.where} both have the operation id {operation.id!r}; "
                "give one of them describe(operation_id=…) or its registration a name=."
            )


def _steps_of(operation: Operation, settings: Settings) -> Iterable[Step]:
    for declaration in operation.declarations:
        yield from declaration.steps(operation, settings)
    yield from resource_steps(operation.resource)


def _echo_request_id(header: str) -> Step:
    def echo(exchange: Exchange, reply: Reply[Any]) -> Reply[Any]:
        reply.headers.set(header, exchange.request.id)
        return reply

    return Step(phase=Phase.OUTER, name="request-id", leave=echo)
