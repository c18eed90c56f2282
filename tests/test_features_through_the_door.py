"""Features made of public names alone: whatever is to come has to fit through the same door.

Each is small but real: a declaration with its effects on the contract, and steps around the handler.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

import pytest
from marshmallow import Schema, fields, validate

from ramekin import App, Limits, Reply, Resource, Settings, accepts, raises, returns
from ramekin.operations import Codec, Declaration, Effects, Endpoint, Header, Input, Operation, Outcome
from ramekin.problems import (
    BadRequest,
    Conflict,
    Forbidden,
    NotFound,
    PreconditionFailed,
    PreconditionRequired,
    Problem,
    Unauthorized,
    ValidationFailed,
)
from ramekin.schemas import resolve
from ramekin.steps import Exchange, Phase, Step
from ramekin.testing import Client

NO_PAGES = Settings(openapi_path=None, docs_path=None)


# -- Authentication: phase ADMIT ---------------------------------------------------------------------------------------
TOKENS: Mapping[str, tuple[str, frozenset[str]]] = {
    "tok-ada": ("ada", frozenset({"read", "write"})),
    "tok-bob": ("bob", frozenset({"read"})),
}


@dataclass(frozen=True)
class Requires(Declaration):
    """Bearer tokens (RFC 6750) with scopes; the inner level adds scopes to the outer one's."""

    scopes: frozenset[str] = frozenset()

    def merge(self, outer: Self) -> Self:
        return replace(self, scopes=self.scopes | outer.scopes)

    def effects(self, endpoint: Endpoint) -> Effects:
        return Effects(
            problems=(Unauthorized, Forbidden),
            security=({"bearer": tuple(sorted(self.scopes))},),
            security_schemes={"bearer": {"type": "http", "scheme": "bearer"}},
            provides={"principal": lambda exchange: exchange.state["principal"]},
        )

    def steps(self, operation: Operation, settings: Settings) -> Iterable[Step]:
        yield Step(phase=Phase.ADMIT, name="authentication", enter=self.authenticate)

    def authenticate(self, exchange: Exchange) -> None:
        scheme, _, token = (exchange.request.header("authorization") or "").partition(" ")
        if scheme.lower() != "bearer" or token not in TOKENS:
            raise Unauthorized(headers={"WWW-Authenticate": 'Bearer realm="shelf"'})
        name, granted = TOKENS[token]
        if not self.scopes <= granted:
            raise Forbidden(headers={"WWW-Authenticate": 'Bearer error="insufficient_scope"'})
        exchange.state["principal"] = name


@pytest.fixture
def guarded() -> Client:
    """An app whose every operation wants a token, one of them a scope too."""
    app = App("Guarded", settings=NO_PAGES)
    app.declare(Requires())

    @app.resource("/notes")
    class Notes(Resource):
        @returns(fields.String())
        def get(self, principal: str) -> str:
            return f"of {principal}"

        @Requires(frozenset({"write"}))
        @accepts(json={"text": fields.String(required=True)})
        @returns(status=204)
        def post(self, json: Any) -> None: ...

    return Client(app)


def test_authentication_comes_before_all_faults_of_the_request(guarded: Client) -> None:
    """401 and 403 come before 406, 415, 413 and 422, and after 404 and 405."""
    bad: dict[str, Any] = {"content": b"{", "content_type": "text/plain"}
    ada = {"Authorization": "Bearer tok-ada"}
    assert guarded.post("/notes", headers={"Accept": "text/html"}, **bad).status == 401
    assert guarded.post("/notes", headers={"Authorization": "Bearer tok-bob"}, **bad).status == 403
    assert guarded.post("/notes", headers=ada, **bad).status == 415
    assert guarded.post("/notes", headers=ada, json={}).status == 422
    assert (guarded.put("/notes").status, guarded.get("/nowhere").status) == (405, 404)


def test_authentication_provides_the_principal(guarded: Client) -> None:
    """A handler that takes the provided parameter gets it; one that does not runs without."""
    result = guarded.get("/notes", headers={"Authorization": "Bearer tok-bob"})
    assert result.json == "of bob"
    assert guarded.post("/notes", json={"text": "x"}, headers={"Authorization": "Bearer tok-ada"}).status == 204


def test_authentication_guards_head(guarded: Client) -> None:
    """The check stands on the operation, so HEAD passes through it."""
    assert guarded.head("/notes").status == 401


def test_authentication_stands_in_the_contract(guarded: Client) -> None:
    """Security, schemes and both problems are part of the operation and its document."""
    get, post = guarded.site.operations
    assert get.effects.security == ({"bearer": ()},)
    assert post.effects.security == ({"bearer": ("write",)},)
    document = guarded.site.document()
    assert document["components"]["securitySchemes"]["bearer"] == {"type": "http", "scheme": "bearer"}
    assert {"401", "403"} <= document["paths"]["/notes"]["get"]["responses"].keys()


# -- Entity tags: phases WIRE and VALUE --------------------------------------------------------------------------------
def tag_of(content: bytes) -> str:
    """Return a strong entity tag."""
    return f'"{hashlib.sha256(content).hexdigest()[:16]}"'


@dataclass(frozen=True)
class Tagged(Declaration):
    """Entity tags from the final bytes; 304 for a client that has them (RFC 9110 §13.1.2)."""

    def effects(self, endpoint: Endpoint) -> Effects:
        return Effects(
            outcomes=(Outcome(status=304, implied=True),),
            response_headers=(Header(name="ETag", field=fields.String()),),
        )

    def steps(self, operation: Operation, settings: Settings) -> Iterable[Step]:
        yield Step(phase=Phase.WIRE, name="etag", leave=self.compare)

    def compare(self, exchange: Exchange, reply: Reply[Any]) -> Reply[Any]:
        if reply.problem is not None or not isinstance(reply.body, bytes):
            return reply
        tag = tag_of(reply.body)
        reply.headers.set("ETag", tag)
        if exchange.request.header("if-none-match") != tag:
            return reply
        return Reply[Any](status=304, headers={"ETag": tag}).finish_empty()


@dataclass(frozen=True)
class Guarded(Declaration):
    """Writes that have to name the version they change (RFC 9110 §13.1.1); the resource says what there is."""

    def effects(self, endpoint: Endpoint) -> Effects:
        shape = resolve({"if-match": fields.String()}, where=endpoint.where, name=f"{endpoint.id}IfMatch")
        return Effects(
            problems=(PreconditionFailed, PreconditionRequired),
            inputs=(Input(location="headers", shape=shape, for_handler=False),),
        )

    def steps(self, operation: Operation, settings: Settings) -> Iterable[Step]:
        yield Step(phase=Phase.VALUE, name="if-match", enter=self.check)

    def check(self, exchange: Exchange) -> None:
        given = exchange.arguments["headers"].get("if-match")
        if given is None:
            raise PreconditionRequired
        if given != tag_of(json.dumps(exchange.resource.current(), separators=(",", ":")).encode()):
            raise PreconditionFailed


@pytest.fixture
def tagged() -> Client:
    """One document with versions."""
    state = {"n": 1}
    app = App("Tagged", settings=NO_PAGES)

    @app.resource("/thing")
    class Thing(Resource):
        def current(self) -> dict[str, int]:
            return state

        @returns({"n": fields.Integer()})
        @Tagged()
        def get(self) -> dict[str, int]:
            return state

        @Guarded()
        @accepts(json={"n": fields.Integer(required=True)})
        @returns(status=204)
        def put(self, json: dict[str, int]) -> None:
            state.update(json)

    return Client(app)


def test_an_entity_tag_spares_the_content(tagged: Client) -> None:
    """A client that has the bytes gets 304 without content; HEAD has the same tag."""
    first = tagged.get("/thing")
    again = tagged.get("/thing", headers={"If-None-Match": first.headers["ETag"]})
    assert (first.status, again.status, again.content) == (200, 304, b"")
    assert (again.headers["ETag"], "Content-Type" in again.headers) == (first.headers["ETag"], False)
    assert tagged.head("/thing").headers["ETag"] == first.headers["ETag"]


def test_a_feature_outcome_is_never_the_default(tagged: Client) -> None:
    """Outcomes that a feature adds follow the declared ones, wherever its decorator stands."""
    operation = tagged.site.operations[0]
    assert [outcome.status for outcome in operation.successes] == [200, 304]
    assert all(header.name == "ETag" for outcome in operation.successes for header in outcome.headers)


def test_a_write_names_the_version_it_changes(tagged: Client) -> None:
    """428 without a tag, 412 with another, 204 with the right one, and the old one is gone."""
    tag = tagged.get("/thing").headers["ETag"]
    answers = [
        tagged.put("/thing", json={"n": 2}, headers=headers).status
        for headers in ({}, {"If-Match": '"other"'}, {"If-Match": tag}, {"If-Match": tag})
    ]
    assert answers == [428, 412, 204, 412]


def test_conditions_are_checked_after_the_input(tagged: Client) -> None:
    """Phase VALUE sees loaded arguments only."""
    assert tagged.put("/thing", json={"n": "x"}).status == 422


# -- Idempotency keys: phase STORE -------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Idempotent(Declaration):
    """The answer to a request, kept under its key and given again."""

    store: dict[str, Any] = field(default_factory=dict)

    def effects(self, endpoint: Endpoint) -> Effects:
        shape = resolve({"idempotency-key": fields.String()}, where=endpoint.where, name=f"{endpoint.id}Key")
        return Effects(inputs=(Input(location="headers", shape=shape, for_handler=False),), problems=(Conflict,))

    def steps(self, operation: Operation, settings: Settings) -> Iterable[Step]:
        yield Step(phase=Phase.STORE, name="idempotency", enter=self.replay, leave=self.keep, close=self.release)

    def replay(self, exchange: Exchange) -> Reply[Any] | None:
        key = exchange.request.header("idempotency-key")
        if key is None:
            return None
        body, stored = self.store.setdefault(key, (exchange.request.body, None))
        if body != exchange.request.body:
            raise ValidationFailed(detail="This key belongs to another body.")
        if stored is None:
            exchange.state["key"] = key
            return None
        status, headers, content = stored
        reply: Reply[Any] = Reply(status=status, headers=[*headers, ("Idempotent-Replayed", "true")])
        reply.body, reply.finished = content, True
        return reply

    def keep(self, exchange: Exchange, reply: Reply[Any]) -> Reply[Any]:
        key = exchange.state.get("key")
        if key is not None and reply.problem is None:
            self.store[key] = exchange.request.body, (reply.status, list(reply.headers), reply.body)
        return reply

    def release(self, exchange: Exchange) -> None:
        key = exchange.state.get("key")
        if key is not None and self.store[key][1] is None:
            del self.store[key]


def test_an_idempotency_key_has_one_effect() -> None:
    """The second request of a key gets the stored answer, marked; another body is refused; a failure is not kept."""
    added: list[str] = []
    app = App("Once", settings=NO_PAGES)

    @app.resource("/orders")
    class Orders(Resource):
        @Idempotent()
        @accepts(json={"item": fields.String(required=True)})
        @returns({"number": fields.Integer()}, status=201)
        def post(self, json: dict[str, str]) -> Reply[dict[str, int]]:
            added.append(json["item"])
            return Reply({"number": len(added)}, headers={"Location": f"/orders/{len(added)}"})

    client = Client(app, headers={"Idempotency-Key": "k1"})
    assert client.post("/orders", json={"item": 3}).status == 422
    first, second = (client.post("/orders", json={"item": "dish"}) for _ in range(2))
    assert (first.json, first.headers["Location"]) == (second.json, second.headers["Location"])
    assert ("Idempotent-Replayed" in first.headers, second.headers["Idempotent-Replayed"]) == (False, "true")
    assert client.post("/orders", json={"item": "cup"}).status == 422
    assert added == ["dish"]


# -- Transactions: phase VALUE, closed after the stream ----------------------------------------------------------------
@dataclass(frozen=True)
class Transactional(Declaration):
    """A unit of work from the loaded arguments to the last byte; failures roll it back."""

    log: list[str] = field(default_factory=list)

    def effects(self, endpoint: Endpoint) -> Effects:
        return Effects(provides={"work": lambda exchange: self.log})

    def steps(self, operation: Operation, settings: Settings) -> Iterable[Step]:
        yield Step(phase=Phase.VALUE, name="work", enter=self.begin, leave=self.note, close=self.end)

    def begin(self, exchange: Exchange) -> None:
        self.log.append("begin")

    def note(self, exchange: Exchange, reply: Reply[Any]) -> Reply[Any]:
        exchange.state["failed"] = reply.problem is not None
        return reply

    def end(self, exchange: Exchange) -> None:
        self.log.append("rollback" if exchange.error or exchange.state["failed"] else "commit")


@pytest.fixture
def work() -> list[str]:
    """What a transaction did."""
    return []


@pytest.fixture
def transactional(work: list[str]) -> Client:
    """An app whose operations run in one unit of work each."""
    app = App("Works", settings=NO_PAGES)

    @app.resource("/jobs/<how>")
    class Work(Resource):
        @Transactional(work)
        @raises(NotFound)
        @returns(fields.String(), media_type="text/plain")
        def get(self, how: str, work: list[str]) -> Iterator[str]:
            if how == "problem":
                raise NotFound
            return self.stream(how, work)

        def stream(self, how: str, work: list[str]) -> Iterator[str]:
            try:
                if how == "early":
                    raise RuntimeError(how)
                yield "one"
                if how == "late":
                    raise RuntimeError(how)
                yield "two"
            finally:
                work.append("stream over")

    return Client(app, raise_exceptions=False)


@pytest.mark.parametrize(
    ("how", "status", "log"),
    [
        ("well", 200, ["begin", "stream over", "commit"]),
        ("problem", 404, ["begin", "rollback"]),
        ("early", 500, ["begin", "stream over", "rollback"]),
    ],
)
def test_a_transaction_outlives_the_stream(
    transactional: Client, work: list[str], how: str, status: int, log: list[str]
) -> None:
    """A unit of work ends after the last byte, and is rolled back after problems and bugs."""
    result = transactional.get(f"/jobs/{how}")
    assert (result.status, work) == (status, log)


def test_a_stream_that_breaks_off_rolls_back(transactional: Client, work: list[str]) -> None:
    """An exception after the first byte reaches the server and the closing steps."""
    with pytest.raises(RuntimeError, match="late"):
        transactional.get("/jobs/late")
    assert work == ["begin", "stream over", "rollback"]


def test_a_client_that_leaves_ends_the_work(transactional: Client, work: list[str]) -> None:
    """When the response is given up the generator is closed first, then the work."""
    result = transactional.get("/jobs/well", stream=True)
    chunks = result.iter()
    assert (next(chunks), work) == (b"one", ["begin"])
    result.close()
    assert work == ["begin", "stream over", "commit"]


def test_head_of_a_stream_ends_the_work(transactional: Client, work: list[str]) -> None:
    """HEAD closes the stream unsent, and the work after it."""
    assert transactional.head("/jobs/well").status == 200
    assert work == ["begin", "stream over", "commit"]


# -- Pagination: phase VALUE changes value and header fields -----------------------------------------------------------
class PageQuery(Schema):
    page = fields.Integer(load_default=1, validate=validate.Range(min=1))
    page_size = fields.Integer(load_default=2, validate=validate.Range(1, 100))


@dataclass(frozen=True)
class Paginated(Declaration):
    """Pages of a list: a query of its own, the page cut from the value, Link and X-Total on the response."""

    def effects(self, endpoint: Endpoint) -> Effects:
        optional = fields.String(metadata={"optional": True})
        return Effects(
            inputs=(Input(location="query", shape=PageQuery(), for_handler=False),),
            response_headers=(Header(name="X-Total", field=fields.Integer()), Header(name="Link", field=optional)),
        )

    def steps(self, operation: Operation, settings: Settings) -> Iterable[Step]:
        yield Step(phase=Phase.VALUE, name="pages", enter=self.take, leave=self.cut)

    def take(self, exchange: Exchange) -> None:
        query = exchange.arguments["query"]
        exchange.state["page"] = query.pop("page"), query.pop("page_size")

    def cut(self, exchange: Exchange, reply: Reply[Any]) -> Reply[Any]:
        if reply.problem is not None:
            return reply
        page, size = exchange.state["page"]
        values = reply.value
        reply.value = values[(page - 1) * size : page * size]
        reply.headers.set("X-Total", len(values))
        if page * size < len(values):
            reply.headers.set("Link", f'<{exchange.request.path}?page={page + 1}&page_size={size}>; rel="next"')
        return reply


@pytest.fixture
def pages() -> Client:
    """Two lists, one with a query of its handler's own."""
    app = App("Pages", settings=NO_PAGES)

    @app.resource("/all")
    class All(Resource):
        @Paginated()
        @returns(fields.List(fields.Integer()))
        def get(self) -> list[int]:
            return [1, 2, 3]

    @app.resource("/from")
    class From(Resource):
        @Paginated()
        @accepts(query={"least": fields.Integer(load_default=0)})
        @returns(fields.List(fields.Integer()))
        def get(self, query: dict[str, int]) -> list[int]:
            assert query.keys() == {"least"}
            return [value for value in range(10) if value >= query["least"]]

    return Client(app)


def test_a_page_is_cut_from_the_value(pages: Client) -> None:
    """The feature changes value and header fields before they are dumped, and its query is not the handler's."""
    first, second = pages.get("/all"), pages.get("/all?page=2")
    assert (first.json, second.json) == ([1, 2], [3])
    assert first.headers["Link"] == '</all?page=2&page_size=2>; rel="next"'
    assert (second.headers["X-Total"], "Link" in second.headers) == ("3", False)


def test_the_queries_of_handler_and_feature_are_one(pages: Client) -> None:
    """The union of both is what is accepted; faults of both come together."""
    assert pages.get("/from?least=8&page_size=1").json == [8]
    result = pages.get("/from?least=x&page=0&other=1")
    assert {error["pointer"] for error in result.problem["errors"]} == {"/least", "/page", "/other"}


def test_a_page_stands_in_the_document(pages: Client) -> None:
    """Parameters and header fields of the feature are documented."""
    operation = pages.site.document()["paths"]["/all"]["get"]
    assert {parameter["name"] for parameter in operation["parameters"]} == {"page", "page_size"}
    assert operation["responses"]["200"]["headers"].keys() == {"X-Total", "Link"}


# -- Merge patch: a codec of another media type ------------------------------------------------------------------------
def load_merge_patch(body: bytes, limits: Limits) -> Any:
    """Read lines of ``name=value``, an empty value taking a member away: no JSON, so that the codec is seen to work."""
    try:
        pairs = [line.split("=", 1) for line in body.decode().splitlines()]
        return {name: value or None for name, value in pairs}
    except ValueError:
        raise BadRequest("Lines of name=value are expected.") from None


@dataclass(frozen=True)
class Patches(Declaration):
    """One more media type for the json input."""

    def effects(self, endpoint: Endpoint) -> Effects:
        return Effects(codecs=(Codec(media_type="application/x-lines", load=load_merge_patch),))


@pytest.fixture
def patched() -> Client:
    """A resource that is patched in two media types."""
    app = App("Patched", settings=NO_PAGES)

    @app.resource("/thing")
    class Thing(Resource):
        @Patches()
        @accepts(json={"a": fields.String(allow_none=True, validate=validate.Length(max=3)), "b": fields.String()})
        @returns(fields.Raw())
        def patch(self, json: dict[str, Any]) -> Any:
            return json

    return Client(app)


def test_a_codec_reads_its_media_type(patched: Client) -> None:
    """What the codec makes of the bytes is judged by the same schema; JSON is taken as before."""
    assert patched.patch("/thing", content=b"a=\nb=2", content_type="application/x-lines").json == {"a": None, "b": "2"}
    assert patched.patch("/thing", json={"a": None}).json == {"a": None}
    assert patched.patch("/thing", content=b"a=long", content_type="application/x-lines").status == 422
    assert patched.patch("/thing", content=b"nothing", content_type="application/x-lines").status == 400


def test_a_codec_is_offered_and_documented(patched: Client) -> None:
    """Accept-Patch and the document name the media type."""
    expected = "application/json, application/x-lines"
    assert patched.options("/thing").headers["Accept-Patch"] == expected
    assert patched.patch("/thing", content=b"", content_type="a/b").headers["Accept-Patch"] == expected
    content = patched.site.document()["paths"]["/thing"]["patch"]["requestBody"]["content"]
    assert content.keys() == {"application/json", "application/x-lines"}


# -- CORS: phase OUTER, around unmatched requests too ------------------------------------------------------------------
@dataclass(frozen=True)
class Cors(Declaration):
    """Cross-origin requests of exact origins (Fetch §3.2)."""

    origins: frozenset[str]

    def outer_steps(self, settings: Settings) -> Iterable[Step]:
        yield Step(phase=Phase.OUTER, name="cors", enter=self.answer_preflight, leave=self.allow)

    def answer_preflight(self, exchange: Exchange) -> Reply[Any] | None:
        request = exchange.request
        wanted = request.header("access-control-request-method")
        if request.method != "OPTIONS" or wanted is None:
            return None
        return Reply[Any](status=204, headers={"Access-Control-Allow-Methods": wanted}).finish_empty()

    def allow(self, exchange: Exchange, reply: Reply[Any]) -> Reply[Any]:
        origin = exchange.request.header("origin")
        reply.headers.add_token("Vary", "Origin")
        if origin in self.origins:
            reply.headers.set("Access-Control-Allow-Origin", origin)
        return reply


def cors_app() -> App:
    """An app that allows one origin."""
    app = App("Crossed", settings=NO_PAGES)
    app.declare(Cors(frozenset({"https://shop.example"})))

    @app.resource("/thing")
    class Thing(Resource):
        @returns(fields.String())
        def get(self) -> str:
            return "thing"

        @accepts(json={"n": fields.Integer()})
        @returns(status=204)
        def post(self, json: Any) -> None:
            raise RuntimeError

    return app


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/thing", 200),
        ("HEAD", "/thing", 200),
        ("GET", "/nowhere", 404),
        ("DELETE", "/thing", 405),
        ("POST", "/thing", 500),
        ("OPTIONS", "/nowhere", 404),
    ],
)
def test_an_outer_step_stands_around_everything(method: str, path: str, status: int) -> None:
    """The fields stand on every answer, matched or not, a 500 too."""
    app = cors_app()
    body: dict[str, Any] = {"json": {"n": 1}} if method == "POST" else {}
    client = Client(app, raise_exceptions=False, headers={"Origin": "https://shop.example"})
    result = client.request(method, path, **body)
    assert result.status == status
    assert result.headers["Access-Control-Allow-Origin"] == "https://shop.example"
    assert result.headers["Vary"] == "Origin"


@pytest.mark.parametrize(
    "origin", ["null", "https://shop.example.evil", "http://shop.example", "https://shop.example:1"]
)
def test_other_origins_get_no_field(origin: str) -> None:
    """An origin that is not on the list gets Vary only."""
    result = Client(cors_app()).get("/thing", headers={"Origin": origin})
    assert ("Access-Control-Allow-Origin" in result.headers, result.headers["Vary"]) == (False, "Origin")


def test_a_preflight_is_answered_before_the_routes_own_options() -> None:
    """An outer step may answer where no operation matches."""
    headers = {"Origin": "https://shop.example", "Access-Control-Request-Method": "POST"}
    result = Client(cors_app()).options("/thing", headers=headers)
    assert (result.status, result.headers["Access-Control-Allow-Methods"]) == (204, "POST")
    assert "Allow" not in result.headers


# -- Tracing: phase OUTER ----------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Traced(Declaration):
    """A span for each request, with the clock passed in."""

    clock: Callable[[], int]
    spans: list[tuple[str | None, int, bool]]

    def outer_steps(self, settings: Settings) -> Iterable[Step]:
        yield Step(phase=Phase.OUTER, name="trace", enter=self.begin, leave=self.mark, close=self.end)

    def begin(self, exchange: Exchange) -> None:
        exchange.state["began"] = self.clock()

    def mark(self, exchange: Exchange, reply: Reply[Any]) -> Reply[Any]:
        reply.headers.set("Server-Timing", f"app;dur={self.clock() - exchange.state['began']}")
        return reply

    def end(self, exchange: Exchange) -> None:
        operation = None if exchange.operation is None else exchange.operation.id
        self.spans.append((operation, self.clock() - exchange.state["began"], exchange.error is not None))


def test_a_trace_spans_each_request() -> None:
    """A span begins before anything else, ends after the last byte and knows operation and error."""
    spans: list[tuple[str | None, int, bool]] = []
    ticks = iter(range(100))
    app = App("Traced", settings=NO_PAGES)
    app.declare(Traced(lambda: next(ticks), spans))

    @app.resource("/<what>")
    class Thing(Resource):
        @returns(fields.String())
        def get(self, what: str) -> str:
            return {"known": "thing"}[what]

    client = Client(app, raise_exceptions=False)
    timings = [client.get(path).headers["Server-Timing"] for path in ("/known", "/unknown", "/a/b")]
    assert timings == ["app;dur=1"] * 3
    assert spans == [("getThing", 2, False), ("getThing", 2, True), (None, 2, False)]


# -- Together ----------------------------------------------------------------------------------------------------------
def test_features_stand_together_in_phase_order() -> None:
    """Steps of several features run by phase, whatever the order of their decorators."""
    order: list[str] = []

    @dataclass(frozen=True)
    class Marks(Declaration):
        def steps(self, operation: Operation, settings: Settings) -> Iterable[Step]:
            for phase in reversed(Phase):
                yield Step(phase=phase, name=phase.name, enter=self.note(phase.name), close=self.note(f"/{phase.name}"))

        def note(self, word: str) -> Callable[[Exchange], None]:
            return lambda exchange: order.append(word)

    app = App("Ordered", settings=NO_PAGES)

    @app.resource("/")
    class Root(Resource):
        @Marks()
        @returns(status=204)
        def get(self) -> None:
            order.append("handler")

    Client(app).get("/")
    inward = ["OUTER", "ADMIT", "WIRE", "STORE", "VALUE"]
    assert order == [*inward, "handler", *(f"/{name}" for name in reversed(inward))]


def test_only_what_was_entered_is_closed() -> None:
    """A step whose enter fails is not closed, those around it are; each leave sees the problem as a reply."""
    seen: list[Any] = []

    class Refused(Problem):
        status = 409

    def refuse(exchange: Exchange) -> None:
        raise Refused

    def leave(exchange: Exchange, reply: Reply[Any]) -> Reply[Any]:
        seen.append(type(reply.problem))
        return reply

    @dataclass(frozen=True)
    class Refusing(Declaration):
        def steps(self, operation: Operation, settings: Settings) -> Iterable[Step]:
            yield Step(phase=Phase.VALUE, name="around", leave=leave, close=lambda _: seen.append("around"))
            yield Step(phase=Phase.VALUE, name="refusing", enter=refuse, close=lambda _: seen.append("refusing"))

    app = App("Refusing", settings=NO_PAGES)

    @app.resource("/")
    class Root(Resource):
        @Refusing()
        @raises(Refused)
        @returns(status=204)
        def get(self) -> None: ...

    assert Client(app).get("/").status == 409
    assert seen == [Refused, "around"]
