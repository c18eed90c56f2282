"""The app: registering, conflicts, freezing, compiling, and two apps beside one another."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Barrier
from typing import TYPE_CHECKING, Any

import pytest
from marshmallow import Schema, fields
from werkzeug.routing import BaseConverter
from werkzeug.test import Client as WerkzeugClient

from ramekin import App, Reply, Request, Resource, Settings, accepts, describe, raises, returns
from ramekin.errors import DeclarationError, FrozenError, RoutingError
from ramekin.operations import Declaration, Effects, Endpoint, Operation
from ramekin.problems import Conflict, NotFound, ProblemDetails
from ramekin.steps import Exchange, Phase, Step
from ramekin.testing import Client

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


TEXT = {"text": fields.String(required=True)}


class Thing(Resource):
    """One thing."""

    @returns(TEXT)
    def get(self, **values: Any) -> dict[str, str]:
        """Show it."""
        return {"text": str(values)}


def make_app(**resources: type[Resource]) -> App:
    """Return an app with resources under the paths of their names."""
    app = App("Test")
    for name, resource in resources.items():
        app.add_resource(f"/{name}", resource, name=name)
    return app


# -- Registering ------------------------------------------------------------------------------------------------------


def test_decorator_and_call_register_alike() -> None:
    """A class is registered by the decorator or by the call, and the decorator returns the class itself."""
    app = App("Test")

    decorated = app.resource("/one", name="One")(Thing)
    app.add_resource("/two", Thing, name="Two")

    assert decorated is Thing
    assert [operation.id for operation in app.compile().operations[:2]] == ["getOne", "getTwo"]


def test_decorator_needs_its_rule() -> None:
    """The decorator without its parentheses is refused, where it would otherwise register nothing in silence."""
    with pytest.raises(RoutingError, match=r"@app\.resource takes a rule, such as '/books', not <class .*Thing'>"):
        App("Test").resource(Thing)  # type: ignore[arg-type]


def test_registering_writes_nothing_on_the_class() -> None:
    """A registration leaves no trace on its class, so that it can be registered again and in another app."""
    before = dict(vars(Thing))

    make_app(one=Thing, two=Thing).compile()
    make_app(one=Thing).compile()

    assert dict(vars(Thing)) == before


def test_class_registered_twice_answers_under_both_names() -> None:
    """A class that is registered twice answers under both rules, each with operations of its own."""
    client = Client(make_app(first=Thing, second=Thing))

    assert client.get("/first").status == client.get("/second").status == 200
    assert client.get("/openapi.json").json["paths"].keys() == {"/first", "/second"}


class NoMethod(Resource):
    """Has no method."""


class WithInit(Resource):
    """Makes itself."""

    def __init__(self) -> None: ...

    @returns(status=204)
    def get(self) -> None: ...


class StaticMethod(Resource):
    """Has a method that is none."""

    get = 7


class Static(Resource):
    """Has a function for a method."""

    @staticmethod
    @returns(status=204)
    def get() -> None: ...


class WithoutSelf(Resource):
    """Has a method that takes nothing."""

    @returns(status=204)
    def get() -> None: ...  # type: ignore[misc]


class Undeclared(Resource):
    """Declares no success."""

    def get(self) -> None: ...


class WithoutParameter(Resource):
    """Takes not what it is given."""

    @accepts(query=TEXT, json=TEXT)
    @returns(status=204)
    def post(self, query: Any) -> None: ...


class WithUnknownParameter(Resource):
    """Asks for what nobody gives."""

    @accepts(query=TEXT)
    @returns(status=204)
    def get(self, query: Any, user: Any, page: int = 1) -> None: ...


class PositionalOnly(Resource):
    """Takes its parameters by position."""

    @accepts(query=TEXT)
    @returns(status=204)
    def get(self, query: Any, /) -> None: ...


HERE = __name__


@pytest.mark.parametrize(
    ("resource", "message"),
    [
        (dict, "A registration takes a subclass of ramekin.Resource, not <class 'dict'>."),
        ("Thing", "A registration takes a subclass of ramekin.Resource, not 'Thing'."),
        (NoMethod, f"{HERE}.NoMethod has no method; a resource defines at least one of get, head, post, "),
        (
            WithInit,
            (
                f"{HERE}.WithInit defines __init__ or __new__; "
                "an instance is made for each request, from the request alone."
            ),
        ),
        (StaticMethod, f"{HERE}.StaticMethod.get has to be a plain method, not int."),
        (
            Undeclared,
            f"{HERE}.Undeclared.get declares no success; put @returns(Schema) on it, or @returns(status=204) ",
        ),
        (
            WithoutParameter,
            f"{HERE}.WithoutParameter.post has to take the parameters it is given: json (of accepts(json=…)).",
        ),
        (
            WithUnknownParameter,
            f"{HERE}.WithUnknownParameter.get asks for user, which neither the rule nor a declaration gives; ",
        ),
        (
            PositionalOnly,
            f"{HERE}.PositionalOnly.get has positional-only parameters; everything is passed by name.",
        ),
    ],
)
def test_unfit_resource_is_refused_at_registration(resource: Any, message: str) -> None:
    """A resource that cannot be served is refused at registration, which says what and where."""
    app = App("Test")

    with pytest.raises(DeclarationError) as refused:
        app.add_resource("/things", resource)

    assert str(refused.value).startswith(message)


def test_path_value_has_to_be_taken() -> None:
    """A handler takes the values of its rule by their names."""

    class Item(Resource):
        @returns(status=204)
        def get(self) -> None: ...

    with pytest.raises(
        DeclarationError, match=r"Item\.get has to take the parameters it is given: item_id \(of the rule\)"
    ):
        App("Test").add_resource("/items/<int:item_id>", Item)


def test_path_value_named_like_an_input_is_refused() -> None:
    """A variable of the rule and an input cannot be one parameter."""

    class Item(Resource):
        @accepts(query=TEXT)
        @returns(status=204)
        def get(self, query: Any) -> None: ...

    with pytest.raises(DeclarationError, match=r"query is both a part of the rule and an input; rename the part"):
        App("Test").add_resource("/items/<query>", Item)


@pytest.mark.parametrize("name", ["", "two words", "7th", "a/b", "ä"])
def test_name_is_a_word(name: str) -> None:
    """The name of a registration is a word, for it becomes part of operation ids."""
    with pytest.raises(DeclarationError, match="a registration's name is a word of letters, digits"):
        App("Test").add_resource("/things", Thing, name=name)


@pytest.mark.parametrize("rule", ["things", "/<integer:x>", "/<x>/<x>", "/{x}", "/<x", 7])
def test_rule_that_does_not_parse_is_refused(rule: Any) -> None:
    """A rule that does not parse is refused at registration, which says for which class."""
    with pytest.raises(RoutingError, match=rf"^{HERE}\.Thing: "):
        App("Test").add_resource(rule, Thing)


@pytest.mark.parametrize("rule", ["/things/<int:x>", "/things/<y>", "/things//<x>"])
def test_rules_of_one_path_conflict(rule: str) -> None:
    """Two rules that readers of the document could not tell apart conflict, whatever their converters."""
    app = App("Test")
    app.add_resource("/things/<x>", Thing, name="First")

    with pytest.raises(RoutingError) as refused:
        app.add_resource(rule, Thing, name="Second")

    assert str(refused.value) == (
        f"{HERE}.Thing at {rule!r} conflicts with {HERE}.Thing at '/things/<x>': "
        "to readers of the document both are one path."
    )


def test_rules_that_differ_by_a_slash_do_not_conflict() -> None:
    """A rule with a last slash is another path than the one without."""
    app = App("Test")
    app.add_resource("/a", Thing, name="Without")
    app.add_resource("/a/", Thing, name="With")
    client = Client(app)

    assert client.get("/a").status == client.get("/a/").status == 200


def test_names_conflict() -> None:
    """A name is given once; the error says where it was and what to do."""
    app = App("Test")
    app.add_resource("/one", Thing)

    with pytest.raises(RoutingError) as refused:
        app.add_resource("/two", Thing)

    assert str(refused.value) == (
        f"{HERE}.Thing at '/two' would be named 'Thing' like {HERE}.Thing at '/one'; give one of them a name=."
    )


def test_refused_registration_leaves_nothing() -> None:
    """A registration that was refused can be made again, mended."""
    app = App("Test")
    with pytest.raises(DeclarationError):
        app.add_resource("/things", Undeclared, name="Things")

    app.add_resource("/things", Thing, name="Things")

    assert Client(app).get("/things").status == 200


def test_own_converter_serves_and_is_documented() -> None:
    """A converter of one's own reads values for handlers and says in the document what it takes."""

    class Country(BaseConverter):
        regex = "[a-z]{2}"
        json_schema = {"type": "string", "pattern": "^[a-z]{2}$"}

        def to_python(self, value: str) -> str:
            return value.upper()

    app = App("Test", converters={"country": Country})
    app.add_resource("/<country:code>", Thing)
    client = Client(app)

    assert client.get("/fi").json == {"text": "{'code': 'FI'}"}
    assert client.get("/FI").status == 404
    [parameter] = client.get("/openapi.json").json["paths"]["/{code}"]["get"]["parameters"]
    assert parameter["schema"] == {"type": "string", "pattern": "^[a-z]{2}$"}


# -- Across registrations ---------------------------------------------------------------------------------------------


def test_operation_ids_conflict_at_compile() -> None:
    """Two operations of one id are refused when the app is compiled, with both places named."""

    class Other(Resource):
        @describe(operation_id="getThing")
        @returns(status=204)
        def get(self) -> None: ...

    app = App("Test")
    app.add_resource("/things", Thing)
    app.add_resource("/others", Other)

    with pytest.raises(
        DeclarationError, match=rf"Other\.get and {HERE}\.Thing\.get both have the operation id 'getThing'"
    ):
        app.compile()


@pytest.mark.parametrize("hidden", [False, True])
def test_components_of_one_name_conflict_at_compile(hidden: bool) -> None:
    """Two schema classes of one name are refused when the app is compiled, unless the document has one of them only."""

    def make(kind: type[fields.Field[Any]]) -> type[Schema]:
        class BookSchema(Schema):
            number = kind()

        return BookSchema

    class One(Resource):
        @returns(make(fields.Integer))
        def get(self) -> Any: ...

    class Other(Resource):
        @describe(hidden=hidden)
        @returns(make(fields.String))
        def get(self) -> Any: ...

    app = App("Test")
    app.add_resource("/one", One)
    app.add_resource("/other", Other)

    if hidden:
        app.compile()
    else:
        with pytest.raises(DeclarationError, match=r"BookSchema and .*BookSchema would be the component 'Book'"):
            app.compile()


@pytest.mark.parametrize("path", ["/openapi.json", "/docs"])
def test_resource_in_the_place_of_the_document_is_refused(path: str) -> None:
    """A resource cannot stand where the document or the docs page stands; they can be moved or left out."""
    app = App("Test")
    app.add_resource(path, Thing)

    with pytest.raises(RoutingError, match=rf"conflicts with {HERE}\.Thing at '{path}'"):
        app.compile()

    moved = Settings(openapi_path="/api.json", docs_path="/api")
    assert WerkzeugClient(app.compile(moved).wsgi).get(path).status_code == 200


@pytest.mark.parametrize("find", [lambda late: late, lambda late: late.get, lambda late: late.__base__])
def test_declaring_after_registration_is_refused_at_compile(find: Callable[[Any], Any]) -> None:
    """What is declared on a class, method or base class after the registration is noticed, and said where."""

    class Base(Resource): ...

    class Late(Base):
        @returns(status=204)
        def get(self) -> None: ...

    app = App("Test")
    app.add_resource("/late", Late)
    raises(NotFound)(find(Late))

    with pytest.raises(DeclarationError, match=r"Late\.get was declared on after its registration at '/late'"):
        app.compile()


def test_declaration_of_the_app_holds_for_earlier_registrations() -> None:
    """What the app declares holds for all its operations, those registered before too."""
    app = make_app(thing=Thing)

    app.declare(raises(Conflict))

    assert app.compile().operations[0].effects.problems == (Conflict,)


def test_app_declares_declarations_only() -> None:
    """The app's `declare` takes declarations, and says what it was given instead."""
    with pytest.raises(DeclarationError, match=r"app\.declare takes declarations such as raises\(…\), not "):
        App("Test").declare(NotFound)  # type: ignore[arg-type]


# -- Freezing ---------------------------------------------------------------------------------------------------------


def freeze_by_request(app: App) -> None:
    WerkzeugClient(app).get("/")


@pytest.mark.parametrize("freeze", [App.compile, freeze_by_request])
def test_compiled_app_refuses_changes(freeze: Any) -> None:
    """After the first request, or after compiling, every change is refused by name."""
    app = App("Bookshop")
    freeze(app)

    changes: list[Any] = [
        lambda: app.add_resource("/things", Thing),
        lambda: app.resource("/things")(Thing),
        lambda: app.declare(raises(NotFound)),
        lambda: app.before(lambda request: None),
        lambda: app.after(lambda request, reply: None),
        lambda: app.teardown(lambda request, error: None),
        lambda: app.exception_handler(ValueError)(lambda error, request: Conflict()),
        lambda: app.modify_document(lambda document: None),
    ]
    for change in changes:
        with pytest.raises(
            FrozenError, match=r"^Bookshop: .* has to come before the first request; the app is compiled"
        ):
            change()


def test_app_is_compiled_once() -> None:
    """Without settings of one's own the app has one site."""
    app = make_app(thing=Thing)

    assert app.compile() is app.compile()


def test_other_settings_make_another_site() -> None:
    """With settings of one's own another site is made, and the app stays open."""
    app = make_app(thing=Thing)

    site = app.compile(Settings(openapi_path=None))
    app.add_resource("/more", Thing, name="More")

    assert WerkzeugClient(site.wsgi).get("/openapi.json").status_code == 404
    assert WerkzeugClient(site.wsgi).get("/more").status_code == 404
    assert Client(app).get("/more").status == Client(app).get("/openapi.json").status == 200


@dataclass(frozen=True)
class Counting(Declaration):
    """Counts how often its operations are compiled."""

    counts: list[str]

    def steps(self, operation: Operation, settings: Settings) -> Iterable[Step]:
        """Count."""
        self.counts.append(operation.id)
        return ()


def test_first_requests_at_once_compile_once() -> None:
    """Of many first requests at once each is answered, and the app is compiled once."""
    counts: list[str] = []
    app = App("Test")
    app.add_resource("/things", type("Things", (Thing,), {}))
    app.declare(Counting(counts))
    barrier = Barrier(16)

    def ask(_: int) -> int:
        barrier.wait()
        return WerkzeugClient(app).get("/things").status_code

    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(ask, range(16))) == [200] * 16
    assert counts.count("getThings") == 1


def test_faults_found_at_the_first_request_are_found_again() -> None:
    """An app that cannot be compiled says so at every request, and not only at the first one."""
    app = App("Test")
    app.add_resource("/docs", Thing)

    for _ in range(2):
        with pytest.raises(RoutingError):
            WerkzeugClient(app).get("/")


# -- Beside one another -----------------------------------------------------------------------------------------------


def test_two_apps_do_not_touch() -> None:
    """Two apps in one process share nothing: rules, declarations, hooks, handlers, settings."""
    one, other = make_app(thing=Thing), make_app(other=Thing)
    one.declare(raises(Conflict))

    @one.after
    def mark(request: Request, reply: Reply[Any]) -> None:
        reply.headers.set("X-App", "one")

    assert Client(one).get("/thing").headers["X-App"] == "one"
    assert "X-App" not in Client(other).get("/other").headers
    assert Client(other).get("/thing").status == 404
    assert "409" in Client(one).get("/openapi.json").json["paths"]["/thing"]["get"]["responses"]
    assert "409" not in Client(other).get("/openapi.json").json["paths"]["/other"]["get"]["responses"]


def test_middleware_goes_around_wsgi() -> None:
    """Plain WSGI middleware is put around `app.wsgi`, and the app itself stays what is served."""

    def shout(inner: WSGIApplication) -> WSGIApplication:
        def serve(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            environ["PATH_INFO"] = environ["PATH_INFO"].lower()
            return inner(environ, start_response)

        return serve

    app = make_app(thing=Thing)
    app.wsgi = shout(app.wsgi)

    for _ in range(2):
        assert WerkzeugClient(app).get("/THING").status_code == 200


def test_a_subclass_may_stand_around_what_servers_call() -> None:
    """A method ``__call__`` of one's own is called, and reaches the app's."""
    called = []

    class Counting(App):
        def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            called.append(environ["PATH_INFO"])
            return super().__call__(environ, start_response)

    app = Counting("Counted")
    app.add_resource("/thing", Thing)

    for _ in range(2):
        assert WerkzeugClient(app).get("/thing").status_code == 200
    assert called == ["/thing", "/thing"]


def test_document_is_changed_by_its_app() -> None:
    """Functions of the app change the finished document, in the order of registration."""
    app = make_app(thing=Thing)
    app.modify_document(lambda document: document.update({"x-order": [1]}))
    app.modify_document(lambda document: document["x-order"].append(2))

    assert Client(app).get("/openapi.json").json["x-order"] == [1, 2]


def test_document_can_be_guarded() -> None:
    """Declarations for the document and its page hold for them, and for nothing else."""

    @dataclass(frozen=True)
    class Closed(Declaration):
        """Is found by nobody."""

        def effects(self, endpoint: Endpoint) -> Effects:
            """Say so."""
            return Effects(problems=(NotFound,))

        def steps(self, operation: Operation, settings: Settings) -> Iterable[Step]:
            """Refuse."""

            def refuse(exchange: Exchange) -> None:
                raise NotFound

            yield Step(phase=Phase.ADMIT, name="closed", enter=refuse)

    app = App("Test", docs_declarations=[Closed()])
    app.add_resource("/things", Thing)
    client = Client(app)

    assert client.get("/openapi.json").status == client.get("/docs").status == 404
    assert client.get("/things").status == 200


# -- Exception handlers -----------------------------------------------------------------------------------------------


def test_exception_handlers_are_for_exceptions() -> None:
    """A handler is registered for classes of exceptions, each of them once."""
    app = App("Test")

    with pytest.raises(DeclarationError, match="takes at least one class"):
        app.exception_handler()
    with pytest.raises(DeclarationError):
        app.exception_handler("ValueError")  # type: ignore[arg-type]
    with pytest.raises(DeclarationError):
        app.exception_handler(KeyboardInterrupt)  # type: ignore[arg-type]

    app.exception_handler(ValueError)(lambda error, request: Conflict())
    with pytest.raises(DeclarationError, match="ValueError has a handler already"):
        app.exception_handler(ValueError)


def test_representation_says_what_it_is() -> None:
    """An app shows its title, version and number of resources."""
    assert repr(make_app(thing=Thing)) == "<App 'Test' 0.1.0: 1 resources>"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"title": 5}, "App(title=…) takes text, not 5."),
        ({"version": 1.0}, "App(version=…) takes text, not 1.0."),
        ({"version": None}, "App(version=…) takes text, not None."),
        ({"summary": b"x"}, "App(summary=…) takes text, not b'x'."),
        ({"contact": "me"}, "App(contact=…) takes a mapping with name, url, email, not 'me'."),
        ({"license": "MIT"}, "App(license=…) takes a mapping with name, not 'MIT'."),
        ({"external_docs": ["x"]}, "App(external_docs=…) takes a mapping with url, not ['x']."),
        ({"servers": "/api"}, "App(servers=…) takes several mappings, not '/api'."),
        ({"servers": {"url": "/"}}, "App(servers=…) takes several mappings, not {'url': '/'}."),
        ({"servers": ["/api"]}, "App(servers=…) takes several mappings {'url': …}, not '/api'."),
        ({"tags": 5}, "App(tags=…) takes several mappings, not 5."),
        ({"tags": ["books"]}, "App(tags=…) takes several mappings {'name': …}, not 'books'."),
        ({"settings": {"debug": True}}, "App(settings=…) takes ramekin.Settings, not {'debug': True}."),
        ({"docs_declarations": [5]}, "App(docs_declarations=…) takes declarations such as raises(…), not 5."),
    ],
)
def test_an_argument_of_the_wrong_kind_is_refused(given: dict[str, Any], said: str) -> None:
    """The error says what was given, what is expected and where."""
    with pytest.raises(DeclarationError) as refused:
        App(**{"title": "Kinds", **given})
    assert str(refused.value) == said


@pytest.mark.parametrize(("given", "lacks"), [(object(), "media_type, schema, body"), (ProblemDetails, "is a class")])
def test_a_problem_format_is_judged_at_once(given: Any, lacks: str) -> None:
    """What cannot write problems is refused before the first problem."""
    with pytest.raises(DeclarationError, match=lacks):
        App("Format", problem_format=given)


def test_a_change_while_the_app_is_compiled_is_refused_not_lost() -> None:
    """A thread that registers in the middle of another's first compile gets a FrozenError."""
    app, compiling, tried = App("Race"), Barrier(2), Barrier(2)

    class Waiting(Declaration):
        def outer_steps(self, settings: Settings) -> Iterable[Step]:
            compiling.wait(10)
            tried.wait(10)
            return ()

    app.declare(Waiting())
    with ThreadPoolExecutor() as pool:
        compiled = pool.submit(app.compile)
        compiling.wait(10)
        for change in (lambda: app.add_resource("/things", Thing), lambda: app.before(lambda request: None)):
            with pytest.raises(FrozenError, match="has to come before the first request"):
                change()
        tried.wait(10)
        assert all(operation.name != "Thing" for operation in compiled.result().operations)


def test_a_compile_that_fails_leaves_the_app_open() -> None:
    """What was wrong can be mended."""
    app = App("Mended")

    class Failing(Declaration):
        def outer_steps(self, settings: Settings) -> Iterable[Step]:
            raise DeclarationError("Not yet.")

    app.declare(Failing())
    with pytest.raises(DeclarationError, match="Not yet"):
        app.compile()
    app.add_resource("/things", Thing)


@pytest.mark.parametrize("declared", [False, True])
def test_a_path_value_may_be_named_by_a_keyword(declared: bool) -> None:
    """A method with ``**values`` takes path values of any name, beside what it declares or alone."""

    @accepts(json={"a": fields.Integer()})
    @returns(fields.Raw())
    def post(self: Resource, **values: Any) -> Any:
        return values

    @returns(fields.Raw())
    def post_nothing(self: Resource, **values: Any) -> Any:
        return values

    app = App("Keywords")
    app.resource("/ways/<int:from>")(type("Ways", (Resource,), {"post": post if declared else post_nothing}))

    expected = {"from": 5, "json": {"a": 1}} if declared else {"from": 5}
    assert Client(app).post("/ways/5", json={"a": 1} if declared else None).json == expected
