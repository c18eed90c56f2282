from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from marshmallow import fields
from werkzeug.routing import BaseConverter

from ramekin import App, Reply, Request, Resource, Settings, accepts, describe, returns
from ramekin.auth import JWT, Bearer, KeySet, Principal, anonymous, policy, requires
from ramekin.fields import Upload
from ramekin.operations import Declaration, Effects, Endpoint, Operation
from ramekin.problems import Gone, Unauthorized
from ramekin.steps import Exchange, Phase, Step
from ramekin.testing import CallError, Client, exercise_implied
from ramekin.testing.coverage import list_points

NUMBER = {"number": fields.Integer()}


class Queries(Resource):
    @accepts(query=NUMBER)
    @returns(NUMBER)
    def get(self, query: Any) -> Any:
        return {"number": 1}


class Headers(Resource):
    @accepts(headers=NUMBER)
    @returns(NUMBER)
    def get(self, headers: Any) -> Any:
        return headers


class Cookies(Resource):
    @accepts(cookies=NUMBER)
    @returns(NUMBER)
    def get(self, cookies: Any) -> Any:
        return cookies


class Bodies(Resource):
    @accepts(json=NUMBER)
    @returns(NUMBER)
    def post(self, json: Any) -> Any:
        return json

    @accepts(json=fields.List(fields.Integer()), required=False, headers=NUMBER)
    @returns(status=204)
    def put(self, json: Any, headers: Any) -> None: ...

    @accepts(form=NUMBER)
    @returns(NUMBER)
    def patch(self, form: Any) -> Any:
        return form


class Files(Resource):
    @accepts(files={"cover": Upload(required=True)})
    @returns(status=204)
    def post(self, files: Any) -> None: ...


class Texts(Resource):
    @accepts(query={"text": fields.String()})
    @returns({"text": fields.String(metadata={"optional": True})})
    def get(self, query: Any) -> Any:
        return query


class Anything(Resource):
    @accepts(json=fields.Raw(allow_none=True))
    @returns(status=204)
    def post(self, json: Any) -> None: ...


class Path(Resource):
    @returns(status=200, schema=NUMBER)
    def get(self, **values: Any) -> Any:
        return {"number": 1}

    @describe(hidden=True)
    @returns(status=204)
    def delete(self, **values: Any) -> None: ...


def met(client: Client) -> dict[str, set[int]]:
    """Return the statuses that were met, by operation."""
    found: dict[str, set[int]] = {}
    for exercise in client.exercises:
        found.setdefault(exercise.operation, set()).add(exercise.status)
    return found


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        (Queries, {"getQueries": {400, 406, 422}}),
        (Headers, {"getHeaders": {406, 422}}),
        (Cookies, {"getCookies": {400, 406, 422}}),
        (
            Bodies,
            {
                "postBodies": {400, 406, 413, 415, 422},
                "putBodies": {400, 413, 415, 422},
                "patchBodies": {400, 406, 413, 415, 422},
            },
        ),
        (Files, {"postFiles": {400, 413, 415, 422}}),
        (Texts, {"getTexts": {400, 406, 422}}),
    ],
)
def test_implied_outcomes_are_met(resource: type[Resource], expected: dict[str, set[int]]) -> None:
    """Each implied outcome that a request can reach is met, wherever the operation reads from."""
    app = App("Implied")
    app.add_resource("/", resource)
    client = Client(app)

    exercise_implied(client)

    assert met(client) == expected


def test_schema_that_takes_everything_is_no_error() -> None:
    """Where nothing is invalid, no 422 comes, and the coverage says so."""
    app = App("Anything")
    app.add_resource("/", Anything)
    client = Client(app)

    exercise_implied(client)

    assert met(client) == {"postAnything": {204, 400, 413, 415}}


@pytest.mark.parametrize(
    "rule",
    [
        "/<value>",
        "/<string(length=3):value>",
        "/<string(minlength=5, maxlength=6):value>",
        "/<int:value>",
        "/<int(min=5):value>",
        "/<float:value>",
        "/<uuid:value>",
        "/<any(red, green):value>",
        "/<path:value>",
        "/<int:one>/of/<two>",
    ],
)
def test_paths_are_made_of_any_converter(rule: str) -> None:
    """A path is made for each converter, and hidden operations are left alone."""
    app = App("Paths")
    app.add_resource(rule, Path)
    client = Client(app)

    exercise_implied(client)

    assert met(client) == {"getPath": {406}}


class Even(BaseConverter):
    regex = "[02468]+"

    def to_url(self, value: Any) -> str:
        if int(value) % 2:
            raise ValueError("odd")
        return str(value)


def test_path_values_may_be_stated() -> None:
    """Where no path can be made, the error asks for its values, and they are taken."""
    app = App("Paths", converters={"even": Even})
    app.add_resource("/<even:value>", Path)
    client = Client(app)

    with pytest.raises(CallError, match=r"no path of getPath \(/<even:value>\).*path_values="):
        exercise_implied(client)
    exercise_implied(client, path_values={"value": 2})

    assert met(client) == {"getPath": {406}}


def test_operations_are_left_out_by_id() -> None:
    """An operation is left out where it is named, and a name that is none is an error."""
    app = App("Out")
    app.add_resource("/queries", Queries)
    app.add_resource("/headers", Headers)
    client = Client(app)

    exercise_implied(client, exclude={"getHeaders"})

    assert set(met(client)) == {"getQueries"}
    with pytest.raises(CallError, match="no operation has the id getNothing"):
        exercise_implied(client, exclude={"getNothing"})


def test_outcomes_that_do_not_come_are_listed() -> None:
    """An operation that answers by something else than it implies fails, and every such answer is listed."""
    app = App("Guarded")
    app.add_resource("/queries", Queries)

    @app.before
    def guard(request: Request) -> Reply[Any] | None:
        if request.header("authorization") is None:
            raise Unauthorized
        return None

    with pytest.raises(AssertionError) as raised:
        exercise_implied(Client(app, contract=False))

    text = str(raised.value)
    assert "getQueries: 400 bad-request expected, <Result GET /queries answered 401" in text
    assert "getQueries: 406 not-acceptable expected" in text
    exercise_implied(Client(app, headers={"Authorization": "Bearer x"}))


@dataclass(frozen=True)
class Token(Declaration):
    """Asks for a token, as a feature would."""

    alternatives: tuple[Mapping[str, tuple[str, ...]], ...]

    def effects(self, endpoint: Endpoint) -> Effects:
        return Effects(problems=(Unauthorized,), security=self.alternatives)

    def steps(self, operation: Operation, settings: Settings) -> Iterable[Step]:
        def enter(exchange: Exchange) -> None:
            if all(self.alternatives) and exchange.request.header("authorization") is None:
                raise Unauthorized(headers={"WWW-Authenticate": "Bearer"})

        return [Step(phase=Phase.ADMIT, name="token", enter=enter)]


@pytest.mark.parametrize(
    ("alternatives", "expected"),
    [(({"token": ()},), {400, 401, 406, 422}), (({"token": ()}, {}), {400, 406, 422})],
)
def test_missing_credentials_are_tried(
    alternatives: tuple[Mapping[str, tuple[str, ...]], ...], expected: set[int]
) -> None:
    """An operation with a security scheme is asked without the client's credentials; those may be optional."""
    app = App("Guarded")
    app.declare(Token(alternatives))
    app.add_resource("/queries", Queries)
    client = Client(app, headers={"Authorization": "Bearer x"})

    exercise_implied(client)

    assert met(client) == {"getQueries": expected}


def guarded(*, optional: bool = False) -> App:
    """Return an app of which one operation needs credentials, one a scope, and one what a policy says."""
    scheme = Bearer({"ada": Principal("ada", {"write"})}.get)
    app = App("Guarded", settings=Settings(openapi_path=None))

    @app.resource("/")
    @requires(scheme | anonymous if optional else scheme)
    class Thing(Resource):
        @returns(NUMBER)
        def get(self) -> Any:
            return {"number": 1}

        @requires(scopes=["write"])
        @returns(status=204)
        def post(self) -> None: ...

        @requires(policy(lambda principal: principal is None or principal.id == "ada", otherwise=Gone))
        @returns(status=204)
        def delete(self) -> None: ...

    return app


@pytest.mark.parametrize("optional", [False, True])
def test_missing_credentials_and_scopes(optional: bool) -> None:
    """401 is met without credentials, or by bad ones where they are optional; 403 by somebody without scopes."""
    client = Client(guarded(optional=optional), headers={"Authorization": "Bearer ada"})
    exercise_implied(client)
    assert met(client) == {"getThing": {401, 406}, "postThing": {401, 403}, "deleteThing": {401}}


def test_somebody_who_acts_has_credentials_to_lose() -> None:
    """A client that acts as a principal meets the same."""
    client = Client(guarded()).as_principal(Principal("ada", {"write"}))
    exercise_implied(client)
    assert met(client) == {"getThing": {401, 406}, "postThing": {401, 403}, "deleteThing": {401}}


def test_what_a_policy_answers_counts() -> None:
    """401 and 403 count where they can be met, and so does the answer of a policy, which a test of one's own meets."""
    client = Client(guarded())
    missing = {}
    for operation in client.site.operations:
        points = list_points(operation)
        missing[operation.id] = {name for (kind, name), point in points.items() if kind == "problem" and point.missing}
    assert missing == {
        "getThing": {"401 unauthorized", "406 not-acceptable"},
        "postThing": {"401 unauthorized", "403 forbidden"},
        "deleteThing": {"401 unauthorized", "410 gone"},
    }
    assert client.as_principal(Principal("eve")).delete("/").status == 410


def test_a_service_that_is_away_counts_not() -> None:
    """No request has the keys of an issuer be away."""
    scheme = JWT(KeySet("keys.json"), algorithms=["RS256"], issuer=None, audience=None)
    app = App("Away", settings=Settings(openapi_path=None))

    @app.resource("/")
    @requires(scheme)
    class Thing(Resource):
        @returns(status=204)
        def get(self) -> None: ...

    assert list_points(Client(app).site.operations[0])["problem", "503 service-unavailable"].exempt
