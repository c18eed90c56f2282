"""WebSockets as a client meets them: messages, refusals, limits and ends."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import timedelta
from types import FunctionType
from typing import Any

import pytest
from marshmallow import Schema, fields, validate

from ramekin import App, Limits, Reply, Request, Resource, Settings, accepts, limits, raises, returns
from ramekin.contract import Contract, ContractBreach
from ramekin.errors import ContractError, DeclarationError
from ramekin.operations import Declaration, Effects, Endpoint, Operation
from ramekin.problems import NotFound, ServiceUnavailable, Unauthorized
from ramekin.sockets import InvalidMessage, Socket, SocketClosed, conversations, messages, sockets
from ramekin.steps import Exchange, Phase, Step
from ramekin.testing import CallError, Client, ResultError, SocketRefused
from ramekin.testing import sockets as client_sockets
from ramekin.testing.errors import ProtocolError

NO_PAGES = Settings(openapi_path=None, docs_path=None)
TRACE: ContextVar[str] = ContextVar("trace", default="")


class Said(Schema):
    """What somebody said."""

    text = fields.String(required=True, validate=validate.Length(max=100))


Handle = Callable[[Socket], Any]


async def echo(socket: Socket) -> None:
    """Send back what comes."""
    async for message in socket:
        await socket.send(message)


def make_app(handle: Handle = echo, *more: Declaration, **declared: Any) -> App:
    """Return an app with one WebSocket, handled by a function."""
    app = App("Socket", settings=NO_PAGES)
    app.declare(*more)
    declared = {"receives": Said, "sends": Said} | declared

    @app.resource("/rooms/<name>")
    class Room(Resource):
        @messages(**declared)
        @raises(NotFound)
        async def websocket(self, socket: Socket, name: str) -> None:
            """Talk in a room."""
            if name == "none":
                raise NotFound("There is no such room.")
            await handle(socket)

    return app


def refusal(client: Client, path: str = "/rooms/tea", **options: Any) -> dict[str, Any]:
    """Return the problem that a request for a connection is answered by."""
    with pytest.raises(SocketRefused) as refused, client.websocket(path, **options):
        pass
    return refused.value.result.problem


def closing(client: Client, talk: Callable[[Any], object]) -> tuple[int, str]:
    """Return code and reason of the close that follows on what a client says."""
    with client.websocket("/rooms/tea") as socket:
        talk(socket)
        with pytest.raises(SocketClosed) as closed:
            socket.receive()
    return closed.value.code, closed.value.reason


# -- Messages ----------------------------------------------------------------------------------------------------------


def test_messages_go_both_ways() -> None:
    """What comes is loaded, what goes is dumped; the end of the handler ends the connection normally."""

    async def answer_once(socket: Socket) -> None:
        message = await socket.receive()
        await socket.send({"text": message["text"].upper()})

    with Client(make_app(answer_once)).websocket("/rooms/tea") as socket:
        socket.send({"text": "hello"})
        assert socket.receive() == {"text": "HELLO"}
        with pytest.raises(SocketClosed) as closed:
            socket.receive()
        assert (closed.value.code, str(closed.value)) == (1000, "1000")
        with pytest.raises(CallError, match="is closed"):
            socket.receive()
        with pytest.raises(CallError, match="is closed"):
            socket.send({})


def test_a_handler_may_say_nothing() -> None:
    """One that returns at once has accepted and closed the connection."""

    async def nothing(socket: Socket) -> None: ...

    assert closing(Client(make_app(nothing)), lambda socket: None) == (1000, "")


def test_a_handler_closes_with_a_code_of_its_own() -> None:
    """The reason is cut to what a close frame can carry; closing again does nothing; what follows learns of it."""

    async def close(socket: Socket) -> None:
        await socket.close(4001, "é" * 100)
        await socket.close(4002)
        with pytest.raises(SocketClosed):
            await socket.send({"text": "late"})
        assert (socket.close_code, len(socket.close_reason)) == (4001, 61)

    assert closing(Client(make_app(close)), lambda socket: None) == (4001, "é" * 61)


@pytest.mark.parametrize("code", [999, 1004, 1005, 1006, 1015, 2999, 5000])
def test_codes_that_no_frame_may_have_are_refused(code: int) -> None:
    """RFC 6455 §7.4 reserves them."""

    async def close(socket: Socket) -> None:
        await socket.close(code)

    with pytest.raises(ValueError, match="is no close code"), Client(make_app(close)).websocket("/rooms/tea"):
        pass


@pytest.mark.parametrize(
    ("talk", "expected"),
    [
        (lambda socket: socket.send({"text": 5}), (1008, "/text: Not a valid string.")),
        (lambda socket: socket.send([]), (1008, "/: Invalid input type.")),
        (lambda socket: socket.send({"text": "x", "more": 1}), (1008, "/more: Unknown field.")),
        (lambda socket: socket.send_text("{"), (1007, "The JSON text ends too early.")),
        (lambda socket: socket.send_text('{"text": NaN}'), (1007, "NaN and Infinity are no JSON (byte 9).")),
        (
            lambda socket: socket.send_text("[" * 65 + "]" * 65),
            (1007, "Arrays and objects are nested more than 64 deep."),
        ),
        (
            lambda socket: socket.send_text('{"text":"a","text":"b"}'),
            (1007, "The key 'text' stands twice in one object."),
        ),
        (lambda socket: socket.send_text(f"[{'1' * 65}]"), (1007, "A number has more than 64 digits.")),
        (lambda socket: socket.send_text(f'"{"é" * 32_768}"'), (1009, "A message may have at most 65536 bytes.")),
        (lambda socket: socket.send_bytes(b'{"text":"x"}'), (1003, "Messages are text, not binary.")),
    ],
)
def test_bad_messages_close_the_connection(talk: Any, expected: tuple[int, str]) -> None:
    """Each kind has its code, and a reason that repeats no value."""
    assert closing(Client(make_app()), talk) == expected


def test_a_handler_may_answer_bad_messages_itself() -> None:
    """What is wrong says so with its faults; the next message may be right."""

    async def explain(socket: Socket) -> None:
        try:
            await socket.receive()
        except InvalidMessage as invalid:
            await socket.send({"text": f"{invalid.code} {invalid.errors[0]['pointer']}"})
        await socket.send(await socket.receive())

    with Client(make_app(explain)).websocket("/rooms/tea") as socket:
        socket.send({"text": None})
        assert socket.receive() == {"text": "1008 /text"}
        socket.send({"text": "right"})
        assert socket.receive() == {"text": "right"}


@pytest.mark.parametrize("message", [{"text": "é" * 6}, {"bytes": b"x" * 11}])
def test_a_message_that_is_too_long_is_the_last(message: dict[str, Any]) -> None:
    """A limit is no matter of the handler's: the connection is closed as it arrives, whatever the handler does."""
    codes: list[int] = []

    async def go_on(socket: Socket) -> None:
        await socket.accept()
        while socket.close_code is None:
            await asyncio.sleep(0)
        with pytest.raises(SocketClosed) as closed:
            await socket.receive()
        codes.append(closed.value.code)

    client = Client(make_app(go_on, limits(message_bytes=10)))

    def talk(socket: Any) -> None:
        (socket.send_text if "text" in message else socket.send_bytes)(*message.values())

    assert closing(client, talk) == (1009, "A message may have at most 10 bytes.")
    assert codes == [1009]


@pytest.mark.parametrize(("size", "count"), [(1, 16), (6, 2), (10, 1)])
def test_messages_that_nobody_takes_close_the_connection(
    monkeypatch: pytest.MonkeyPatch, size: int, count: int
) -> None:
    """Few wait, and few bytes, and not for long: behind them the client's leaving would not be noticed."""
    monkeypatch.setattr(sockets, "STALL_SECONDS", 0.01)
    monkeypatch.setattr(conversations, "LEAVE_SECONDS", 0.01)
    log: list[str] = []

    async def wait(socket: Socket) -> None:
        try:
            await socket.accept()
            await asyncio.Event().wait()
        finally:
            log.append("closed")

    def talk(socket: Any) -> None:
        for _ in range(count):
            socket.send_text("x" * size)

    client = Client(make_app(wait, limits(message_bytes=10 if size > 1 else 100)))
    assert closing(client, talk) == (1013, "Messages are not taken.")
    assert log == ["closed"]


def test_a_client_is_patient_while_its_messages_are_taken() -> None:
    """A handler that takes them one by one makes room for the next, and gets all."""
    taken: list[str] = []

    async def take(socket: Socket) -> None:
        async for message in socket:
            for _ in range(3):
                await asyncio.sleep(0)
            taken.append(message["text"])

    with Client(make_app(take, limits(message_bytes=20))).websocket("/rooms/tea") as socket:
        for number in range(40):
            socket.send({"text": str(number)})
    assert taken == [*map(str, range(40))]


def test_limits_hold_for_messages() -> None:
    """The app's own limits are obeyed."""
    settings = NO_PAGES.changed(limits=Limits(json_depth=1))
    client = Client(make_app(), settings=settings)
    assert closing(client, lambda socket: socket.send_text("[[]]"))[0] == 1007


def test_only_declared_messages_are_taken_and_sent() -> None:
    """A client of a socket that receives nothing is closed when it speaks; a handler that declares none sends none."""

    async def wait(socket: Socket) -> None:
        await socket.send({"text": "first"})
        await asyncio.Event().wait()

    with Client(make_app(wait, receives=None)).websocket("/rooms/tea") as socket:
        assert socket.receive() == {"text": "first"}
        socket.send_text("hello")
        with pytest.raises(SocketClosed, match="1008 No messages are taken"):
            socket.receive()

    async def receive(socket: Socket) -> None:
        await socket.receive()

    client = Client(make_app(receive, receives=None))
    with pytest.raises(ContractError, match="declares none: messages"), client.websocket("/rooms/tea"):
        pass


@pytest.mark.parametrize(("declared", "value"), [({"sends": None}, {"text": "x"}), ({}, ["x"])])
def test_what_is_not_declared_is_not_sent(declared: dict[str, Any], value: Any) -> None:
    """It is a bug of the handler, answered by 1011 and shown in tests."""

    async def send(socket: Socket) -> None:
        await socket.receive()
        await socket.send(value)

    app = make_app(send, **declared)
    assert closing(Client(app, raise_exceptions=False), lambda socket: socket.send({"text": "x"})) == (1011, "")
    with pytest.raises(ContractError):
        closing(Client(app), lambda socket: socket.send({"text": "x"}))


def test_sent_messages_are_held_against_the_document() -> None:
    """The test client judges what the app sends by what the document says."""

    async def lack(socket: Socket) -> None:
        await socket.receive()
        await socket.send({})

    with Client(make_app(lack)).websocket("/rooms/tea") as socket:
        socket.send({"text": "x"})
        with pytest.raises(ContractBreach, match=r"websocketRoom 101: body at '/text': declared a required member"):
            socket.receive()
    with Client(make_app(lack), contract=False).websocket("/rooms/tea") as socket:
        socket.send({"text": "x"})
        assert socket.receive() == {}


# -- Opening -----------------------------------------------------------------------------------------------------------


def test_a_problem_before_the_first_word_answers_the_request() -> None:
    """Until it talks, a handler refuses as any method does."""
    problem = refusal(Client(make_app()), "/rooms/none")
    assert (problem["status"], problem["detail"]) == (404, "There is no such room.")


def test_a_bug_before_the_first_word_is_a_500() -> None:
    """It is logged, answered and, in tests, shown."""

    async def fail(socket: Socket) -> None:
        raise RuntimeError("bug")

    assert refusal(Client(make_app(fail), raise_exceptions=False))["status"] == 500
    with pytest.raises(RuntimeError, match="bug"), Client(make_app(fail)).websocket("/rooms/tea"):
        pass


@pytest.mark.parametrize(("path", "status"), [("/nowhere", 404), ("/plain", 404)])
def test_where_there_is_no_socket_there_is_nothing(path: str, status: int) -> None:
    """Neither an unknown path nor a resource of HTTP opens a connection."""
    app = make_app()

    @app.resource("/plain")
    class Plain(Resource):
        @returns(status=204)
        def get(self) -> None: ...

    assert refusal(Client(app), path)["status"] == status


def test_a_request_without_upgrade_is_told_what_to_do() -> None:
    """Under ASGI it is asked to upgrade; WSGI cannot, and says why. Other methods are not there."""
    app = make_app()
    told = Client(app, protocol="asgi").get("/rooms/tea")
    assert (told.status, told.headers["Upgrade"], told.headers["Connection"]) == (426, "websocket", "upgrade")
    told = Client(app, protocol="wsgi").get("/rooms/tea", headers={"Upgrade": "websocket"})
    assert (told.status, "Serve the app under ASGI" in told.problem["detail"]) == (501, True)
    assert Client(app).post("/rooms/tea").status == 405


def test_a_method_get_beside_a_socket_is_served() -> None:
    """One path may be both; each protocol finds its own."""
    app = App("Both", settings=NO_PAGES)

    @app.resource("/feed")
    class Feed(Resource):
        @returns(Said)
        def get(self) -> Any:
            return {"text": "got"}

        @messages(sends=Said)
        async def websocket(self, socket: Socket) -> None:
            await socket.send({"text": "sent"})

    client = Client(app)
    assert client.get("/feed").json == {"text": "got"}
    with client.websocket("/feed") as socket:
        assert socket.receive() == {"text": "sent"}


def test_a_page_of_another_site_is_refused() -> None:
    """A browser's cookies come with the request from whatever page, so that the page has to be one's own."""
    client = Client(make_app())
    assert refusal(client, headers={"Origin": "https://evil.example"})["code"] == "foreign-origin"
    with client.websocket("/rooms/tea", headers={"Origin": "http://localhost"}):
        pass
    with Client(make_app(trusted_origins=["https://a.example"])).websocket(
        "/rooms/tea", headers={"Origin": "https://a.example"}
    ):
        pass


@pytest.mark.parametrize(("offered", "chosen"), [(["v1", "v2"], "v2"), (["v1"], "v1"), (["v3"], None), ([], None)])
def test_the_best_subprotocol_is_chosen(offered: list[str], chosen: str | None) -> None:
    """The server's order decides; where none fits, none is chosen, and the client may close."""

    async def tell(socket: Socket) -> None:
        await socket.send({"text": str(socket.subprotocol)})

    client = Client(make_app(tell, subprotocols=["v2", "v1"]))
    with client.websocket("/rooms/tea", subprotocols=offered) as socket:
        assert socket.subprotocol == chosen
        assert socket.receive() == {"text": str(chosen)}


def test_a_handler_chooses_the_subprotocol() -> None:
    """It may have another one than the best, of those that both sides know, until the connection is open."""

    async def choose(socket: Socket) -> None:
        for name in ("v1", "v9"):
            with pytest.raises(ContractError, match="is not declared and offered"):
                await socket.accept(name)
        await socket.accept("v2")
        await socket.accept("v2")
        await socket.accept()
        with pytest.raises(ContractError, match="is open with the subprotocol 'v2'"):
            await socket.accept("v3")

    app = make_app(choose, subprotocols=["v3", "v2", "v1"])
    with Client(app).websocket("/rooms/tea", subprotocols=["v2", "v3", "v9"]) as socket:
        assert socket.subprotocol == "v2"


@pytest.mark.parametrize("says_so", [True, False])
def test_a_handler_that_has_nothing_to_say_is_connected(monkeypatch: pytest.MonkeyPatch, says_so: bool) -> None:
    """It accepts, or waits for something else for a while; its client's leaving ends it at once."""
    monkeypatch.setattr(conversations, "ACCEPT_SECONDS", 1000 if says_so else 0.01)
    log: list[str] = []

    async def wait(socket: Socket) -> None:
        try:
            if says_so:
                await socket.accept()
            await asyncio.Event().wait()
        finally:
            log.append("closed")

    with Client(make_app(wait, receives=None)).websocket("/rooms/tea"):
        assert log == []
    assert log == ["closed"]


def test_a_client_that_left_before_it_was_accepted_is_noticed() -> None:
    """What a server raises where it cannot accept is a closed connection."""
    codes: list[int] = []

    async def talk(socket: Socket) -> None:
        try:
            await socket.accept()
        except SocketClosed as closed:
            codes.append(closed.code)

    async def serve() -> None:
        async def receive() -> Any:
            return {"type": "websocket.connect"}

        async def lose(message: Any) -> None:
            raise OSError

        await make_app(talk).asgi({"type": "websocket", "path": "/rooms/tea", "headers": []}, receive, lose)

    asyncio.run(serve())
    assert codes == [1006]


@dataclass(frozen=True)
class Token(Declaration):
    """Wants a token, and notes each of its parts."""

    log: list[str]
    blocking: bool

    def effects(self, endpoint: Endpoint) -> Effects:
        return Effects(
            problems=(Unauthorized,), security=({"token": ()},), security_schemes={"token": {"type": "http"}}
        )

    def steps(self, operation: Operation, settings: Settings) -> Iterable[Step]:
        def enter(exchange: Exchange) -> None:
            self.log.append("enter")
            if exchange.request.header("authorization") != "Bearer x":
                raise Unauthorized(headers={"WWW-Authenticate": "Bearer"})
            TRACE.set("authenticated")

        def leave(exchange: Exchange, reply: Reply[Any]) -> Reply[Any]:
            self.log.append(f"leave {reply.status}")
            reply.headers.set("X-Seen", "yes")
            return reply

        def close(exchange: Exchange) -> None:
            self.log.append(f"close {exchange.error}")

        yield Step(phase=Phase.ADMIT, name="token", enter=enter, leave=leave, close=close, blocking=self.blocking)


@pytest.mark.parametrize("blocking", [True, False])
def test_steps_stand_around_the_connection(blocking: bool) -> None:
    """They admit or refuse it, see the answer that opens it, and are closed after its last message."""
    log: list[str] = []

    async def tell(socket: Socket) -> None:
        await socket.send({"text": TRACE.get()})
        await socket.receive()

    client = Client(make_app(tell, Token(log, blocking)))
    assert refusal(client)["status"] == 401
    assert log == ["enter"]
    with client.websocket("/rooms/tea", headers={"Authorization": "Bearer x"}) as socket:
        assert socket.receive() == {"text": "authenticated"}
        assert socket.headers["X-Seen"] == "yes"
        assert log == ["enter", "enter", "leave 101"]
    assert log == ["enter", "enter", "leave 101", "close None"]


def test_a_teardown_sees_the_exception_of_a_handler() -> None:
    """A bug in the midst of a conversation is logged, closes it with 1011 and is what teardown gets."""
    seen: list[str] = []

    async def fail(socket: Socket) -> None:
        await socket.receive()
        raise KeyError("late")

    app = make_app(fail)

    @app.teardown
    def end(request: Request, error: Exception | None) -> None:
        seen.append(type(error).__name__)

    client = Client(app, raise_exceptions=False)
    assert closing(client, lambda socket: socket.send({"text": "x"})) == (1011, "")
    assert seen == ["KeyError"]


def test_a_problem_in_a_conversation_closes_it() -> None:
    """One of the client's is a breach of policy, named by its code; one of the server's is a failure."""

    async def refuse(socket: Socket) -> None:
        message = await socket.receive()
        raise NotFound if message["text"] == "x" else ServiceUnavailable

    client = Client(make_app(refuse), raise_exceptions=False)
    assert closing(client, lambda socket: socket.send({"text": "x"})) == (1008, "not-found")
    assert closing(client, lambda socket: socket.send({"text": "y"})) == (1011, "")


@pytest.mark.parametrize(
    ("kind", "close", "seen"),
    [
        (KeyError, (1008, "not-found"), "NoneType"),
        (IndexError, (1011, ""), "NoneType"),
        (ValueError, (1008, ""), "NoneType"),
        (TypeError, (1011, ""), "RuntimeError"),
    ],
)
def test_handlers_of_exceptions_are_asked_in_a_conversation(kind: Any, close: tuple[int, str], seen: str) -> None:
    """Their problem closes it as one of the handler's would; one that fails itself is a bug, and what teardown gets."""
    ends: list[str] = []

    async def fail(socket: Socket) -> None:
        await socket.receive()
        raise kind

    app = make_app(fail)
    app.exception_handler(KeyError)(lambda error, request: NotFound())
    app.exception_handler(ValueError)(lambda error, request: Reply(status=409))

    @app.exception_handler(IndexError)
    async def answer(error: Exception, request: Request) -> ServiceUnavailable:
        await asyncio.sleep(0)
        return ServiceUnavailable()

    @app.exception_handler(TypeError)
    def break_off(error: Exception, request: Request) -> NotFound:
        raise RuntimeError("in the handler")

    @app.teardown
    def end(request: Request, error: Exception | None) -> None:
        ends.append(type(error).__name__)

    client = Client(app, raise_exceptions=False)
    assert closing(client, lambda socket: socket.send({"text": "x"})) == close
    assert ends == [seen]


def test_what_is_no_exception_closes_a_conversation(caplog: pytest.LogCaptureFixture) -> None:
    """Nobody is asked about it; it is logged, and the connection closed as one that failed."""

    class Halt(BaseException):
        """Says to stop."""

    async def fail(socket: Socket) -> None:
        await socket.receive()
        raise Halt

    assert closing(Client(make_app(fail)), lambda socket: socket.send({"text": "x"})) == (1011, "")
    assert "Unhandled Halt" in caplog.text


def test_a_hook_may_answer_in_place_of_the_connection() -> None:
    """What is no opening is answered over HTTP, and the handler that had begun is ended."""
    ends: list[str] = []

    async def talk(socket: Socket) -> None:
        try:
            await socket.receive()
        finally:
            ends.append("ended")

    app = make_app(talk)

    @app.after
    def close(request: Request, reply: Reply[Any]) -> Reply[Any]:
        return Reply(status=204).finish_empty()

    with pytest.raises(SocketRefused) as refused, Client(app).websocket("/rooms/tea"):
        pass
    assert (refused.value.result.status, refused.value.result.content) == (204, b"")
    assert ends == ["ended"]


def test_inputs_come_with_the_connection() -> None:
    """Query, headers and cookies are loaded and refused as those of any operation."""
    app = App("Inputs", settings=NO_PAGES)

    @app.resource("/feed")
    class Feed(Resource):
        @accepts(query={"n": fields.Integer(required=True)}, cookies={"user": fields.String(required=True)})
        @messages(sends={"n": fields.Integer(), "user": fields.String()})
        async def websocket(self, socket: Socket, query: Any, cookies: Any) -> None:
            await socket.send(query | cookies)

    client = Client(app)
    client.set_cookie("user", "ada")
    with client.websocket("/feed", query={"n": 3}) as socket:
        assert socket.receive() == {"n": 3, "user": "ada"}
    with client.websocket("/feed?n=3", cookies={"user": "bob"}) as socket:
        assert socket.receive() == {"n": 3, "user": "bob"}
    assert refusal(client, "/feed", query={"n": "x"})["errors"][0]["pointer"] == "/n"


# -- The end -----------------------------------------------------------------------------------------------------------


def leaving(app: App) -> None:
    """Open a connection and leave it."""
    with Client(app).websocket("/rooms/tea") as socket:
        socket.close(1001, "bye")
        socket.close()


def test_iteration_ends_when_the_client_leaves() -> None:
    """What was sent before is still taken, and what follows the loop runs."""
    log: list[Any] = []

    async def collect(socket: Socket) -> None:
        log.extend([message["text"] async for message in socket])
        await asyncio.sleep(0)
        log.append((socket.close_code, socket.close_reason))

    with Client(make_app(collect)).websocket("/rooms/tea") as socket:
        for number in range(40):
            socket.send({"text": str(number)})
        socket.close(4000, "done")
    assert log == [*map(str, range(40)), (4000, "done")]


def test_receive_raises_when_the_client_leaves() -> None:
    """A handler that lets it pass ends without a fault."""
    log: list[str] = []

    async def wait(socket: Socket) -> None:
        try:
            await socket.receive()
        finally:
            log.append("closed")

    leaving(make_app(wait))
    assert log == ["closed"]


@pytest.mark.parametrize("receives", [Said, None])
def test_a_handler_that_does_not_notice_is_cancelled(monkeypatch: pytest.MonkeyPatch, receives: Any) -> None:
    """One that waits for something else is ended some seconds after its client, one that never receives at once."""
    monkeypatch.setattr(conversations, "LEAVE_SECONDS", 0.01)
    log: list[str] = []

    async def wait(socket: Socket) -> None:
        await socket.send({"text": "here"})
        try:
            await asyncio.Event().wait()
        finally:
            log.append("closed")

    with Client(make_app(wait, receives=receives)).websocket("/rooms/tea") as socket:
        socket.receive()
    assert log == ["closed"]


def test_a_handler_that_closes_may_take_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """It knows that the connection is closed, so that nothing has to tell it."""
    monkeypatch.setattr(conversations, "LEAVE_SECONDS", 0)
    log: list[str] = []

    async def close(socket: Socket) -> None:
        await socket.close()
        for _ in range(5):
            await asyncio.sleep(0)
        log.append("cleaned up")

    assert closing(Client(make_app(close)), lambda socket: None) == (1000, "")
    assert log == ["cleaned up"]


def test_send_raises_once_the_client_has_left() -> None:
    """Servers say so by an error, which is the same to a handler as a close."""
    log: list[int | None] = []

    async def talk(socket: Socket) -> None:
        async for _ in socket:
            pass
        try:
            await socket.send({"text": "x"})
        except SocketClosed as closed:
            log.append(closed.code)

    leaving(make_app(talk))
    assert log == [1001]


def test_a_broken_connection_is_a_closed_one() -> None:
    """What a server raises of a lost client is the code 1006."""

    async def lose(message: Any) -> None:
        raise OSError

    async def talk() -> Socket:
        socket = Socket(lambda: None, lose, make_codec(), [])  # type: ignore[arg-type, return-value]
        socket.note_accepted()
        with pytest.raises(SocketClosed, match="1006"):
            await socket.send({"text": "x"})
        socket.note_closed(1000, "late")
        return socket

    async def listen() -> Socket:
        async def receive() -> Any:
            raise OSError

        socket = Socket(receive, lose, make_codec(), [])
        await socket.start_reading()
        return socket

    assert asyncio.run(talk()).close_code == 1006
    assert asyncio.run(listen()).close_code == 1006


def make_codec() -> Any:
    """Return what loads and dumps the messages of the app."""
    (route, _) = make_app().compile().router.find("/rooms/tea")
    return route.socket.codec if route.socket else None


def test_a_client_that_says_nothing_is_closed_where_that_is_declared() -> None:
    """The time runs while the handler waits for a message."""
    app = make_app(idle=timedelta(milliseconds=1))
    assert closing(Client(app), lambda socket: None) == (1008, "Nothing was sent for too long.")


def test_a_handler_that_is_cancelled_by_itself_is_closed() -> None:
    """What cancels itself has failed."""

    async def cancel(socket: Socket) -> None:
        await socket.receive()
        raise asyncio.CancelledError

    assert closing(Client(make_app(cancel)), lambda socket: socket.send({"text": "x"}))[0] == 1011


@pytest.mark.parametrize("blocking", [True, False])
def test_a_server_that_goes_down_ends_the_conversation(blocking: bool) -> None:
    """The task of a connection that is cancelled ends its handler, closes with 1012 and runs what is to be closed."""
    log: list[str] = []

    async def wait(socket: Socket) -> None:
        try:
            await socket.receive()
        finally:
            log.append("handler")

    app = make_app(wait, Token(log, blocking))

    async def serve() -> list[dict[str, Any]]:
        said: list[dict[str, Any]] = []
        heard: asyncio.Queue[Any] = asyncio.Queue()
        accepted = asyncio.Event()

        async def send(message: Any) -> None:
            said.append(message)
            accepted.set()

        heard.put_nowait({"type": "websocket.connect"})
        scope = {"type": "websocket", "path": "/rooms/tea", "headers": [(b"authorization", b"Bearer x")]}
        connection = asyncio.ensure_future(app.asgi(scope, heard.get, send))
        await asyncio.wait({connection, asyncio.create_task(accepted.wait())}, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.sleep(0)
        connection.cancel()
        with pytest.raises(asyncio.CancelledError):
            await connection
        assert asyncio.all_tasks() == {asyncio.current_task()}
        return said

    said = asyncio.run(serve())
    assert [message["type"] for message in said] == ["websocket.accept", "websocket.close"]
    assert said[1]["code"] == 1012
    assert log == ["enter", "leave 101", "handler", "close None"]


@pytest.mark.parametrize(("scheme", "kind"), [("wss", "websocket.close"), ("ws", "websocket.accept")])
def test_an_open_page_may_not_talk_over_an_encrypted_connection(scheme: str, kind: str) -> None:
    """The connection says whether it is encrypted."""

    async def serve() -> list[str]:
        said: list[str] = []

        async def receive() -> Any:
            return {"type": "websocket.connect" if not said else "websocket.disconnect"}

        async def send(message: Any) -> None:
            said.append(message["type"])

        async def nothing(socket: Socket) -> None: ...

        headers = [(b"host", b"a.example"), (b"origin", b"http://a.example")]
        scope = {"type": "websocket", "path": "/rooms/tea", "headers": headers, "scheme": scheme}
        await make_app(nothing).asgi(scope, receive, send)
        return said

    assert asyncio.run(serve())[0] == kind


def test_the_lifespan_comes_before_the_first_connection() -> None:
    """Where the server does not begin it, the connection does."""

    async def tell(socket: Socket) -> None:
        await socket.send({"text": shared["text"]})

    app = make_app(tell)
    shared: dict[str, Any] = {}

    @app.lifespan
    def set_up(given: dict[str, Any]) -> None:
        shared["text"] = "ready"

    with Client(app).websocket("/rooms/tea") as socket:
        assert socket.receive() == {"text": "ready"}


def test_a_server_without_the_extension_is_told_to_refuse() -> None:
    """It answers 403 of its own."""

    async def serve() -> list[Any]:
        said: list[Any] = []

        async def receive() -> Any:
            return {"type": "websocket.connect"}

        async def send(message: Any) -> None:
            said.append(message)

        await make_app().asgi({"type": "websocket", "path": "/nowhere", "headers": []}, receive, send)
        return said

    assert asyncio.run(serve()) == [{"type": "websocket.close", "code": 1008}]


def test_a_connection_has_one_record_in_the_access_log(caplog: pytest.LogCaptureFixture) -> None:
    """It is written at the end."""
    with caplog.at_level(logging.INFO, "ramekin.access"):
        leaving(make_app())
    (record,) = caplog.records
    assert record.getMessage().startswith("GET '/rooms/tea' 101 ")
    assert record.__dict__["operation"] == "websocketRoom"


# -- Declaring ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "takes receives=…, sends=… or both"),
        ({"sends": Said, "subprotocols": "v1"}, "takes several names, not the text 'v1'"),
        ({"sends": Said, "trusted_origins": "*"}, "takes several origins, not the text"),
        ({"sends": Said, "subprotocols": ["a b"]}, "'a b' is no token"),
        ({"sends": Said, "trusted_origins": ["a.example"]}, "takes origins as browsers send them"),
        ({"receives": Said, "idle": 5}, "takes a timedelta longer than none, not 5"),
        ({"receives": Said, "idle": timedelta(0)}, "takes a timedelta longer than none"),
        ({"sends": Said, "idle": timedelta(1)}, "goes with receives"),
    ],
)
def test_a_declaration_that_cannot_be_served_is_refused(arguments: dict[str, Any], message: str) -> None:
    """What cannot be meant is refused where it stands."""
    with pytest.raises(DeclarationError, match=message):
        messages(**arguments)


async def talk(self: Any, socket: Socket) -> None:
    """Talk."""


def talk_plainly(self: Any, socket: Socket) -> None:
    """Talk."""


async def talk_to_nobody(self: Any) -> None:
    """Talk."""


async def talk_with_body(self: Any, socket: Socket, json: Any) -> None:
    """Talk."""


@pytest.mark.parametrize(
    ("method", "declared", "message"),
    [
        (talk, [], "declares no messages"),
        (talk_plainly, [messages(sends=Said)], "has to be async def"),
        (talk_to_nobody, [messages(sends=Said)], "has to take the parameter socket"),
        (talk, [messages(sends=Said), returns(Said)], "declares @returns"),
        (talk_with_body, [messages(sends=Said), accepts(json=Said)], "accepts a body"),
        (talk, [messages(sends=Said), messages(sends=Said)], "stands twice"),
    ],
)
def test_a_method_that_cannot_be_served_is_refused(method: Any, declared: list[Any], message: str) -> None:
    """Faults of a method show at its registration, with a reason."""

    def copy(self: Any) -> None: ...

    def declare() -> None:
        fresh = FunctionType(method.__code__, method.__globals__, method.__name__)
        for declaration in declared:
            declaration(fresh)
        App("Refused").add_resource("/", type("Refused", (Resource,), {"websocket": fresh}))

    with pytest.raises(DeclarationError, match=message):
        declare()


def test_messages_belong_to_a_socket() -> None:
    """On a method of HTTP they mean nothing."""
    with pytest.raises(DeclarationError, match="@messages goes on a method websocket"):

        @App("Refused").resource("/")
        class Refused(Resource):
            @messages(sends=Said)
            @returns(status=204)
            def get(self) -> None: ...


def test_the_document_has_sockets_as_an_extension() -> None:
    """The path item says what an operation object would, and the schemas of both directions."""
    app = make_app(echo, Token([], False), subprotocols=["v1"])
    for version in ("3.1", "3.0"):
        document = app.compile().document(version)
        item = document["paths"]["/rooms/{name}"]["x-websocket"]
        assert (item["operationId"], item["summary"], item["security"]) == (
            "websocketRoom",
            "Talk in a room",
            [{"token": []}],
        )
        assert item["receives"] == {"schema": {"$ref": "#/components/schemas/SaidInput"}}
        assert item["sends"] == {"schema": {"$ref": "#/components/schemas/Said"}}
        assert item["subprotocols"] == ["v1"]
        assert document["components"]["securitySchemes"] == {"token": {"type": "http"}}
    assert [socket.id for socket in app.compile().sockets] == ["websocketRoom"]
    assert app.compile().operations == ()


def test_a_socket_that_the_document_hides_is_held_to_its_schema() -> None:
    """What is hidden is described for the check alone."""
    app = make_app()
    site = app.compile()
    hidden = site.sockets[0].changed(hidden=True)
    site.sockets = (hidden,)
    assert "paths" not in site.document() or site.document()["paths"] == {}
    assert [breach.pointer for breach in Contract(site).check_message("websocketRoom", {})] == ["/text"]


@pytest.mark.parametrize("contract", ["log", "raise"])
def test_an_app_that_checks_itself_serves_sockets(contract: Any) -> None:
    """The document has no response for a connection, so there is nothing to hold it against."""
    with Client(make_app(), settings=NO_PAGES.changed(contract=contract)).websocket("/rooms/tea") as socket:
        socket.send({"text": "x"})
        assert socket.receive() == {"text": "x"}


# -- The client of tests -----------------------------------------------------------------------------------------------


def run_asgi(*said: Any) -> Client:
    """Return a client of an app in whose place something else says messages, or raises."""

    async def serve(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        for message in said:
            if isinstance(message, Exception):
                raise message
            await send(message)

    app = make_app()
    app.asgi = serve
    return Client(app)


ACCEPT = {"type": "websocket.accept"}


def test_an_app_that_keeps_no_protocol_is_noticed() -> None:
    """Middleware around an app can be the cause."""
    with pytest.raises(ProtocolError, match="before it accepted"), run_asgi({"type": "websocket.send"}).websocket("/"):
        pass
    with pytest.raises(ProtocolError, match="without closing"):
        hear()
    with pytest.raises(ResultError, match="what is no JSON"):
        hear({"type": "websocket.send", "text": "{"})
    with pytest.raises(ResultError, match="where a text was expected"):
        hear({"type": "websocket.send", "bytes": b"x"})
    with pytest.raises(RuntimeError, match="at the end"), run_asgi(ACCEPT, RuntimeError("at the end")).websocket("/"):
        pass


def hear(*said: Any) -> None:
    """Receive one message of what an app says once it has accepted."""
    with run_asgi(ACCEPT, *said).websocket("/") as socket:
        socket.receive()


def test_a_test_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """An app that says nothing for long fails the test that listens."""
    monkeypatch.setattr(client_sockets, "WAIT_SECONDS", 0.01)
    with (
        Client(make_app()).websocket("/rooms/tea") as socket,
        pytest.raises(ResultError, match="nothing for 0"),
    ):
        socket.receive()


def test_a_refusal_without_an_answer_is_a_403() -> None:
    """That is what servers make of it."""
    with pytest.raises(SocketRefused) as refused, run_asgi({"type": "websocket.close"}).websocket("/"):
        pass
    assert refused.value.result.status == 403


def test_messages_that_are_not_declared_break_the_contract() -> None:
    """What comes from middleware is judged as well."""
    app = make_app(sends=None)
    (breach,) = Contract(app.compile()).check_message("websocketRoom", {})
    assert breach.declared == "no message"
