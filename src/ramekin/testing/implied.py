"""Requests that meet the implied outcomes of every operation, so that no test has to spell them out.

Specification: RFC 9110 §15.5.1 (400), §15.5.2 (401), §15.5.4 (403), §15.5.7 (406), §15.5.14 (413), §15.5.16 (415),
§15.5.21 (422).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from ramekin import problems
from ramekin.arguments import content_types
from ramekin.errors import RoutingError
from ramekin.inputs import header_name
from ramekin.inputs.names import load_names
from ramekin.testing.coverage import exemption
from ramekin.testing.errors import CallError

if TYPE_CHECKING:
    from ramekin.operations import Operation, PathParameter
    from ramekin.problems import Problem
    from ramekin.testing.client import Client
    from ramekin.types import Location

_UNKNOWN_TYPE = "application/x-unknown"
_UNKNOWN_NAME = "no-such-name"
#: Security schemes whose tokens stand in ``Authorization`` without saying so.
_BEARER_TYPES = ("oauth2", "openIdConnect")
#: What hardly any field takes.
_ODD_TEXT = "~"


#: Who sends a request; the client itself where it is None.
Caller: TypeAlias = Literal["nobody", "without scopes"] | None


@dataclass(frozen=True, slots=True)
class _Attempt:
    """Options of requests, one of which should be answered by this problem.

    ``sure`` says that the first has to be; otherwise it depends on what the schemas take. The ``caller`` is nobody, or
    somebody without rights, in place of the client's own.
    """

    problem: type[Problem]
    requests: tuple[Mapping[str, Any], ...]
    sure: bool = True
    caller: Caller = None


def exercise_implied(
    client: Client, *, exclude: Collection[str] = (), path_values: Mapping[str, Any] | None = None
) -> None:
    """Send to each operation the requests that its implied outcomes answer, and see that they do.

    They are malformed, of an unknown media type, too long, not acceptable, invalid, sent with a session or the like by
    a page of another origin, without credentials or from somebody without scopes: 400, 415, 413, 406, 422, 403, 401 and
    403. All but the last three have to pass the operation's authentication, so the client carries credentials, or acts
    as a principal. What a policy refuses is left to tests of your own. Ramekin refuses them before a handler runs; only
    where a schema takes whatever is sent can a request that should be invalid reach the handler.

    Args:
        client: The client, made with ``contract=True`` so that each answer is checked and counted.
        exclude: Ids of operations to leave out.
        path_values: Path values by name, where a value made from the path parameter's schema does not do.

    Raises:
        AssertionError: An operation answers one of them by something else.
        CallError: An id is that of no operation, or no path can be made.

    Example:
        >>> def test_implied_outcomes(client):
        ...     exercise_implied(client)
    """
    unknown = sorted(set(exclude) - {operation.id for operation in client.site.operations})
    if unknown:
        raise CallError(f"exercise_implied(exclude=…): no operation has the id {', '.join(unknown)}.")
    wrong: list[str] = []
    for operation in client.site.operations:
        if not operation.hidden and operation.id not in exclude:
            path = _build_path(client, operation, path_values or {})
            for attempt in _list_attempts(operation):
                wrong += _send(client, operation, path, attempt)
    if wrong:
        raise AssertionError("Implied outcomes that did not come:\n" + "\n".join(wrong))


def _send(client: Client, operation: Operation, path: str, attempt: _Attempt) -> Iterator[str]:
    """Send requests until one is answered by the problem; yield what is wrong where none is that has to be."""
    expected = attempt.problem.status
    result = None
    if attempt.caller is not None:
        from ramekin.auth import Principal

        client = client.as_principal(None if attempt.caller == "nobody" else Principal("nobody"))
    for options in attempt.requests:
        result = client.request(operation.method, path, **options)
        result.close()
        if result.status == expected:
            return
    if result is not None and attempt.sure:
        yield f"  {operation.id}: {expected} {attempt.problem.code} expected, {result!r}"


def _build_path(client: Client, operation: Operation, given: Mapping[str, Any]) -> str:
    values = {
        part.name: given[part.name] if part.name in given else _make_value(part) for part in operation.path_parameters
    }
    try:
        return client.site.router.build(operation.name, values)
    except RoutingError as error:
        raise CallError(
            f"exercise_implied: no path of {operation.id} ({operation.rule}) could be made: {error} "
            "State its values: exercise_implied(client, path_values={…})."
        ) from error


def _make_value(part: PathParameter) -> Any:
    """Return a value that the schema of a path parameter allows."""
    schema = part.schema
    if schema.get("enum"):
        return schema["enum"][0]
    if schema.get("format") == "uuid":
        return "00000000-0000-4000-8000-000000000000"
    if schema.get("type") in ("integer", "number"):
        smallest = schema.get("minimum", 1)
        return smallest if schema["type"] == "integer" else float(smallest)
    return "x" * max(1, int(schema.get("minLength", 1)))


def _list_attempts(operation: Operation) -> Iterator[_Attempt]:
    """Yield what meets the implied problems of an operation, in the order in which they are answered."""
    for outcome in operation.outcomes:
        make = None if outcome.problem is None else _ATTEMPTS.get(outcome.problem)
        if make is None or exemption(operation, outcome):
            continue
        # Whoever declares one of the others by hand answers it by hand, too; a security scheme answers 401 by itself.
        if outcome.implied or (outcome.problem is problems.Unauthorized and operation.effects.security):
            yield make(operation)


def _unauthorized(operation: Operation) -> _Attempt:
    schemes = operation.effects.security_schemes.values()
    fields = {scheme["name"] for scheme in schemes if scheme.get("in") == "header"}
    without = {"Authorization": None, "Cookie": "", **dict.fromkeys(fields)}
    if all(operation.effects.security or ()):
        return _Attempt(problems.Unauthorized, ({"headers": without},), caller="nobody")
    # An empty alternative lets everybody in who has no credentials; bad ones are refused.
    bad = [{name: _ODD_TEXT} for name in fields]
    bad += [{"Authorization": f"{scheme['scheme']} {_ODD_TEXT}"} for scheme in schemes if scheme["type"] == "http"]
    bad += [{"Authorization": f"Bearer {_ODD_TEXT}"} for scheme in schemes if scheme["type"] in _BEARER_TYPES]
    requests = tuple({"headers": {**without, **one}} for one in bad)
    return _Attempt(problems.Unauthorized, requests, sure=False, caller="nobody")


def _forbidden(operation: Operation) -> _Attempt:
    needed = all(any(one.values()) for one in operation.effects.security or ())
    return _Attempt(problems.Forbidden, ({},), sure=needed, caller="without scopes")


def _cross_origin(operation: Operation) -> _Attempt:
    from ramekin.sessions import Sessions

    cookies = [said.cookie for said in operation.declarations if isinstance(said, Sessions)]
    names = {name for cookie in cookies for name in (cookie.base, cookie.name)}
    schemes = operation.effects.security_schemes.values()
    names |= {scheme["name"] for scheme in schemes if scheme.get("in") == "cookie"}
    headers = {"Cookie": "; ".join(f"{name}=x" for name in sorted(names)), "Sec-Fetch-Site": "cross-site"}
    if any(scheme.get("scheme") == "basic" for scheme in schemes):
        headers["Authorization"] = "Basic eDp4"
    return _Attempt(problems.CrossOrigin, ({"headers": headers},))


def _not_acceptable(operation: Operation) -> _Attempt:
    return _Attempt(problems.NotAcceptable, ({"headers": {"Accept": _UNKNOWN_TYPE}},))


def _unsupported_type(operation: Operation) -> _Attempt:
    return _Attempt(problems.UnsupportedMediaType, ({"content": b"?", "content_type": _UNKNOWN_TYPE},))


def _too_large(operation: Operation) -> _Attempt:
    # The length that is announced decides, before a byte is read; so none of the others has to be made.
    options = {
        "content": b"?",
        "content_type": content_types(operation)[0],
        "environ": {"CONTENT_LENGTH": str(operation.body_bytes + 1)},
    }
    return _Attempt(problems.ContentTooLarge, (options,))


def _malformed(operation: Operation) -> _Attempt:
    limits = operation.limits
    if operation.has_body:
        # The content ends before the length that was announced: broken in every media type.
        cut_off = {"content": b"{", "content_type": content_types(operation)[0], "environ": {"CONTENT_LENGTH": "2"}}
        return _Attempt(problems.BadRequest, (cut_off,))
    if operation.inputs_at("query"):
        return _Attempt(problems.BadRequest, ({"query": "&".join(["x=1"] * (limits.query_fields + 1))},))
    return _Attempt(problems.BadRequest, ({"headers": {"Cookie": "; ".join(["x=1"] * (limits.cookie_fields + 1))}},))


def _invalid(operation: Operation) -> _Attempt:
    return _Attempt(problems.ValidationFailed, tuple(_list_invalid(operation)), sure=False)


def _list_invalid(operation: Operation) -> Iterator[Mapping[str, Any]]:
    """Yield requests with a fault in one location, those first that hardly any schema takes."""
    if operation.inputs_at("json"):
        content_type = next((name for name in content_types(operation) if "*" not in name), "application/json")
        values: tuple[Any, ...] = (True, _ODD_TEXT, [], {_UNKNOWN_NAME: True})
        yield from ({"json": value, "content_type": content_type} for value in values)
    elif operation.has_body:
        yield {"form": {_UNKNOWN_NAME: _ODD_TEXT}} | ({"files": {}} if operation.inputs_at("files") else {})
    if operation.inputs_at("query"):
        yield {"query": {_UNKNOWN_NAME: _ODD_TEXT}}
        for name in _list_names(operation, "query"):
            yield {"query": [(name, _ODD_TEXT), (name, _ODD_TEXT)]}
    for name in _list_names(operation, "headers"):
        yield {"headers": {header_name(name): _ODD_TEXT}}
    for name in _list_names(operation, "cookies"):
        yield {"cookies": {name: _ODD_TEXT}}


def _list_names(operation: Operation, location: Location) -> list[str]:
    return [name for item in operation.inputs_at(location) for name in load_names(item.shape)]  # type: ignore[arg-type]


_ATTEMPTS = {
    problems.Unauthorized: _unauthorized,
    problems.Forbidden: _forbidden,
    problems.CrossOrigin: _cross_origin,
    problems.NotAcceptable: _not_acceptable,
    problems.UnsupportedMediaType: _unsupported_type,
    problems.ContentTooLarge: _too_large,
    problems.BadRequest: _malformed,
    problems.ValidationFailed: _invalid,
}
