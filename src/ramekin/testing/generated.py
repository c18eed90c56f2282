"""Tests generated from the document: schemathesis in the same process, each answer held against the contract, too.

It needs the extra ``ramekin[generated]``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, TypeAlias

from werkzeug.http import HTTP_STATUS_CODES

from ramekin.testing.client import Client
from ramekin.testing.errors import CallError
from ramekin.testing.settings import change_settings

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    from ramekin.app import App
    from ramekin.settings import Settings

#: Header fields for every request, or what gives them anew for each case.
Headers: TypeAlias = Mapping[str, str] | Callable[[], Mapping[str, str]]
#: What schemathesis does for each operation: the document's examples, boundary values one by one, and random ones.
PHASES = ("examples", "coverage", "fuzzing")


def generate_cases(
    app: App,
    *,
    settings: Mapping[str, Any] | Settings | None = None,
    headers: Headers | None = None,
    around: Callable[[], AbstractContextManager[object]] = nullcontext,
    exclude: Collection[str] = (),
    max_examples: int = 50,
    seed: int | None = None,
    phases: Collection[str] = PHASES,
) -> Callable[..., None]:
    """Return a test that pytest collects as one test for each operation, with many generated cases.

    Valid and invalid requests are made from the document. Each answer passes the checks of schemathesis and the check
    of the contract, and counts in the coverage of the contract. Every case has a client of its own, without cookies;
    what the app keeps outlives a case, unless ``around`` takes it back.

    Args:
        app: The app.
        settings: Settings that differ from the app's own and from those of the fixture ``ramekin_settings``.
        headers: Header fields for every request, such as credentials; a function is asked for them before each case.
        around: Returns a context manager that is entered before each case and left after it, such as a transaction
            that is rolled back.
        exclude: Ids of the operations to leave out; none is left out that is not named.
        max_examples: Most random cases for each operation.
        seed: Makes every run the same; each is another when None.
        phases: What is done for each operation, of ``examples``, ``coverage`` and ``fuzzing``.

    Raises:
        CallError: An id or a phase is unknown.

    Example:
        >>> test_contract = generate_cases(app, headers={"Authorization": "Bearer of-the-tests"})
    """
    import pytest

    _check_names("exclude", exclude, [operation.id for operation in app.compile(app.settings).operations])
    _check_names("phases", phases, PHASES)
    schema = _load_schema(app, max_examples, seed, phases)
    if exclude:
        schema = schema.exclude(operation_id=list(exclude))

    # Since pytest 9.1 the ids of schemathesis's tests lack their operations unless there is a parameter beside.
    @schema.parametrize()  # type: ignore[untyped-decorator]
    @pytest.mark.parametrize("api", [app.info.title])
    def test(case: Any, ramekin_settings: Mapping[str, Any] | Settings, api: str) -> None:
        __tracebackhide__ = True
        changed = change_settings(change_settings(app.settings, ramekin_settings), settings or {})
        with around():
            given = headers() if callable(headers) else headers
            client = Client(app, settings=changed, contract=True, validate=False)
            with _reached_in_process(case.operation.schema, _forward_to(client)) as forward:
                case.call_and_validate(app=forward, headers=dict(given or {}))

    return test  # type: ignore[no-any-return]


def _check_names(argument: str, given: Iterable[str], known: Collection[str]) -> None:
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise CallError(
            f"generate_cases({argument}=…) has {', '.join(map(repr, unknown))}; there are: {', '.join(known)}."
        )


def _load_schema(app: App, max_examples: int, seed: int | None, phases: Collection[str]) -> Any:
    """Return the document as schemathesis reads it, at the root: the prefix of a mount is not there in tests."""
    import schemathesis
    from schemathesis.config import HealthCheck, SchemathesisConfig

    document = {**app.compile(app.settings).document("3.1"), "servers": [{"url": "/"}]}
    # The fixture `ramekin_settings` may give something new to each test, while the cases of a test share it.
    config = SchemathesisConfig(seed=seed, suppress_health_check=[HealthCheck.all])
    project = config.projects.default
    project.generation.update(max_examples=max_examples, deterministic=seed is not None, database="none")
    project.phases.update(phases=list(phases))
    return schemathesis.openapi.from_dict(document, config=config)


@contextmanager
def _reached_in_process(schema: Any, app: WSGIApplication) -> Iterator[WSGIApplication]:
    """Have the checks of a case reach the app, too: some send requests of their own, without credentials.

    While cases are made the schema has no app, whose code would be searched for values.
    """
    schema.app = app
    try:
        yield app
    finally:
        schema.app = None


def _forward_to(client: Client) -> WSGIApplication:
    """Return a WSGI application that sends each request through a client, so that it is checked and counted."""

    def forward(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        from urllib.parse import quote

        sent = {name: value for name, value in environ.items() if name.startswith("HTTP_") and name != "HTTP_HOST"}
        sent |= {name: environ[name] for name in ("CONTENT_TYPE", "CONTENT_LENGTH", "QUERY_STRING") if name in environ}
        content = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        path = quote(environ["PATH_INFO"].encode("latin-1"))
        result = client.request(environ["REQUEST_METHOD"], path, content=content, environ=sent)
        start_response(f"{result.status} {HTTP_STATUS_CODES.get(result.status, 'Unknown')}", list(result.headers))
        return [result.content]

    return forward
