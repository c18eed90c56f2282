"""Policies and the objects that they decide about."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from marshmallow import fields

from ramekin import App, Request, Resource, Settings, accepts, returns
from ramekin.auth import Bearer, Policy, Principal, loads, policy, requires
from ramekin.errors import ContractError, DeclarationError
from ramekin.problems import Forbidden, NotFound, Problem
from ramekin.testing import Client

tokens = Bearer({name: Principal(name) for name in ("ada", "bob")}.get, name="tokens")
ORDERS = {1: {"id": 1, "customer": "ada", "total": 30}, 2: {"id": 2, "customer": "bob", "total": 10}}
NO_PAGES = Settings(openapi_path=None)


def find_order(order_id: int) -> Mapping[str, Any] | None:
    """Return an order."""
    return ORDERS.get(order_id)


async def find_order_later(order_id: int) -> Mapping[str, Any] | None:
    """Return an order as a database with an event loop does."""
    await asyncio.sleep(0)
    return ORDERS.get(order_id)


@policy(otherwise=NotFound)
def owns(principal: Principal[Any], order: Mapping[str, Any]) -> bool:
    """Tell whether an order is one's own."""
    return bool(order["customer"] == principal.id)


@policy(otherwise=NotFound)
async def owns_later(principal: Principal[Any], order: Mapping[str, Any]) -> bool:
    """Decide as somebody who has to ask first."""
    await asyncio.sleep(0)
    return bool(order["customer"] == principal.id)


@policy
async def is_somebody_later(principal: Principal[Any]) -> bool:
    """Ask somebody else."""
    await asyncio.sleep(0)
    return True


def serve(rule: Any, **objects: Any) -> Client:
    """Return a client of one order, with this rule and these loaders."""
    app = App("Orders", settings=NO_PAGES)

    @app.resource("/orders/<int:order_id>")
    @loads(**objects)
    @requires(tokens & rule)
    class OrderItem(Resource):
        @returns({"id": fields.Integer(), "total": fields.Integer()})
        def get(self, order_id: int, order: Any) -> Any:
            return order

        @accepts(json={"total": fields.Integer(required=True)})
        @returns(status=204)
        def put(self, order_id: int, json: Any) -> None: ...

    return Client(app)


def ask(client: Client, name: str, order_id: int) -> Any:
    """Return the answer to somebody who asks for an order."""
    return client.get(f"/orders/{order_id}", headers={"Authorization": f"Bearer {name}"})


@pytest.mark.parametrize("rule", [owns, owns_later, owns & owns_later, owns_later & is_somebody_later])
@pytest.mark.parametrize("find", [find_order, find_order_later])
def test_a_foreign_object_looks_absent(rule: Any, find: Any) -> None:
    """One's own object is answered; a foreign one by the very answer of one that is not there."""
    client = serve(rule, order=find)
    assert ask(client, "ada", 1).json == {"id": 1, "total": 30}
    foreign, absent = ask(client, "ada", 2).problem, ask(client, "ada", 3).problem
    for body in (foreign, absent):
        del body["instance"], body["request_id"]
    assert foreign == absent


def test_every_method_of_the_class_is_guarded() -> None:
    """A handler that does not take the object is guarded as well; faults of the input come first."""
    client = serve(owns, order=find_order)
    headers = {"Authorization": "Bearer ada"}
    found = [
        client.put(f"/orders/{number}", json=body, headers=headers).status
        for number, body in ((1, {"total": 1}), (2, {"total": 1}), (2, {}))
    ]
    assert found == [204, 404, 422]


def test_404_is_an_outcome_that_counts() -> None:
    """The router alone cannot answer it, so a test has to meet it."""
    from ramekin.testing.coverage import list_points

    (get, _) = serve(owns, order=find_order).site.operations
    assert list_points(get)["problem", "404 not-found"].exempt == ""


def test_a_policy_may_take_what_a_handler_may() -> None:
    """Path values, inputs, the request and the resource are given by name."""

    @policy
    def fits(resource: Resource, request: Request, order_id: int, json: Any) -> bool:
        return isinstance(resource, Resource) and request.method == "PUT" and json["total"] < order_id

    app = App("Any", settings=NO_PAGES)

    @app.resource("/orders/<int:order_id>")
    @requires(tokens & fits)
    class OrderItem(Resource):
        @accepts(json={"total": fields.Integer(required=True)})
        @returns(status=204)
        def put(self, order_id: int, json: Any) -> None: ...

    put = Client(app, headers={"Authorization": "Bearer ada"}).put
    assert [put("/orders/7", json={"total": total}).status for total in (6, 7)] == [204, 403]


def test_objects_are_loaded_in_turn() -> None:
    """A later loader can take what an earlier one loaded, and the resource with what its hooks opened."""

    class Stored(Resource):
        def before(self, request: Request) -> None:
            self.customers = {"ada": "Ada Lovelace"}

    app = App("Turn", settings=NO_PAGES)

    async def find_customer(resource: Any, order: Mapping[str, Any]) -> Any:
        return resource.customers.get(order["customer"])

    @app.resource("/orders/<int:order_id>/customer")
    @loads(order=find_order_later, customer=find_customer)
    class Customer(Stored):
        @returns(fields.String())
        def get(self, order_id: int, customer: str) -> str:
            return customer

    client = Client(app)
    found = [client.get(f"/orders/{number}/customer") for number in (1, 2, 3)]
    assert [one.status for one in found] == [200, 404, 404]
    assert found[0].json == "Ada Lovelace"


def test_loaders_of_several_levels() -> None:
    """What the levels load adds up; an inner loader takes the place of an outer one of its name."""
    app = App("Levels", settings=NO_PAGES)

    @app.resource("/<int:number>")
    @loads(first=lambda number: "outer")
    @loads(second=lambda first: first + "!")
    class Thing(Resource):
        @loads(first=lambda number: "inner")
        @returns(fields.String())
        def get(self, number: int, second: str) -> str:
            return second

    assert Client(app).get("/1").json == "inner!"


class Locked(Problem):
    """The order is locked."""

    status = 409


def test_a_policy_may_answer_with_a_problem_of_ones_own() -> None:
    """What is answered stands in the document."""
    client = serve(policy(lambda order: order["total"] < 20, otherwise=Locked), order=find_order)
    assert (ask(client, "ada", 1).problem["code"], ask(client, "ada", 2).status) == ("locked", 200)
    assert Locked in {outcome.problem for outcome in client.site.operations[0].outcomes}


def test_a_policy_by_hand() -> None:
    """An object that a handler finds by itself is judged by a call."""
    ada = Principal("ada")
    assert owns(principal=ada, order=ORDERS[1]) is True
    owns.enforce(principal=ada, order=ORDERS[1])
    with pytest.raises(NotFound):
        owns.enforce(principal=ada, order=ORDERS[2])


@pytest.mark.parametrize("judge", [owns, owns_later], ids=["plain", "async"])
def test_a_policy_by_hand_in_async_code(judge: Policy) -> None:
    """One that is awaited is judged by a call of its own, which takes plain ones, too."""
    asyncio.run(judge.enforce_async(principal=Principal("ada"), order=ORDERS[1]))
    with pytest.raises(NotFound):
        asyncio.run(judge.enforce_async(principal=Principal("ada"), order=ORDERS[2]))


@pytest.mark.parametrize("order", ORDERS.values(), ids=repr)
def test_an_async_policy_that_nobody_awaits_lets_nobody_through(order: Any) -> None:
    """A coroutine is true to Python; here it is an error before anything was let through."""
    with pytest.raises(ContractError, match=r"await owns_later.enforce_async\(…\)"):
        owns_later.enforce(principal=Principal("ada"), order=order)
    with pytest.raises(ContractError, match="has to be awaited"):
        bool(owns_later(principal=Principal("ada"), order=order))


def test_a_policy_that_hides_that_it_is_awaited_lets_nobody_through() -> None:
    """What counts is what the function returned; a future has nothing that could be closed."""
    hidden = policy(lambda order: Soon())
    with pytest.raises(ContractError, match="has to be awaited"):
        hidden.enforce(order=1)
    with pytest.raises(ContractError, match="has to be awaited"):
        bool(hidden(order=1))


def test_the_verdict_of_an_async_policy() -> None:
    """Awaited, it is what the function says."""

    async def ask_later() -> list[bool]:
        ada = Principal("ada")
        return [await owns_later(principal=ada, order=ORDERS[number]) for number in (1, 2)]  # type: ignore[misc]

    assert asyncio.run(ask_later()) == [True, False]


class Soon:
    """Something to be awaited that is no coroutine."""

    def __await__(self) -> Any:
        yield


@pytest.mark.parametrize("verdict", [None, 1, "yes", ()])
def test_a_verdict_that_is_none(verdict: Any) -> None:
    """A policy that says neither True nor False is a bug, and nobody passes it."""
    client = serve(policy(lambda order: verdict), order=find_order)
    with pytest.raises(ContractError, match="returns True or False"):
        ask(client, "ada", 1)


@pytest.mark.parametrize(
    ("declare", "message"),
    [
        (
            lambda: serve(policy(lambda oder: True), order=find_order),
            r"asks for oder; given are: .*order.*loads\(oder=…\)",
        ),
        (lambda: serve(owns, order=lambda custmer: None), "asks for custmer"),
        (lambda: serve(owns, order=lambda order: None), "asks for order"),
        (loads, "at least one function"),
        (lambda: loads(order=3), "takes a function, not 3"),  # type: ignore[arg-type]
        (lambda: loads(order=find_order)(loads(order=find_order)(serve)), r"@loads\(order=…\) stands twice"),
        (lambda: policy(3), "takes a function, not 3"),  # type: ignore[call-overload]
        (lambda: policy(lambda *names: True), "has a name"),
        (lambda: policy(otherwise=ValueError)(find_order), "subclass of ramekin.problems.Problem"),  # type: ignore[arg-type]
    ],
)
def test_functions_that_cannot_be_called(declare: Any, message: str) -> None:
    """A parameter that nothing gives is named at the start."""
    with pytest.raises(DeclarationError, match=message):
        declare()


def test_words_for_policies() -> None:
    """A policy is named after its function."""
    assert (repr(owns), owns.name) == ("<Policy owns>", "owns")
    assert serve(owns, order=find_order).site.operations[0].effects.access == "tokens & owns"
    assert Forbidden is policy(find_order).otherwise  # type: ignore[arg-type]
