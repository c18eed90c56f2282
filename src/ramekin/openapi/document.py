"""The OpenAPI document, made of operations by apispec.

Specification: OpenAPI 3.1.0 and 3.0.3, §4.8 and §4.7. A 3.0 document is the 3.1 document with its schemas lowered.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Sequence
from typing import Any, Literal

from apispec import APISpec

from ramekin.errors import DeclarationError
from ramekin.openapi.bodies import build_body
from ramekin.openapi.components import Components
from ramekin.openapi.info import Info
from ramekin.openapi.lowering import lower_schema, lower_schemas_in, lower_security
from ramekin.openapi.names import check_components
from ramekin.openapi.outcomes import Responses
from ramekin.openapi.sockets import build_socket
from ramekin.openapi.summaries import build_summary
from ramekin.openapi.values import to_json
from ramekin.operations import Operation
from ramekin.problems import ProblemFormat
from ramekin.routing import quote_path

Version = Literal["3.1", "3.0"]

_VERSIONS = {"3.1": "3.1.0", "3.0": "3.0.3"}
_FIRST_MEMBERS = ("openapi", "info", "servers", "security", "tags", "externalDocs", "paths", "components")


def build_document(
    operations: Sequence[Operation],
    info: Info,
    problem_format: ProblemFormat,
    *,
    version: Version = "3.1",
    prefix: str = "",
    modify: Sequence[Callable[[dict[str, Any]], None]] = (),
    sockets: Sequence[Operation] = (),
) -> dict[str, Any]:
    """Return the document of some operations, in plain JSON types.

    Args:
        operations: The operations; hidden ones are left out. Paths come in their order.
        info: What is said of the API as a whole.
        problem_format: How problems are answered.
        version: The version of OpenAPI.
        prefix: The path that the app is mounted under, for ``servers``.
        modify: Functions that change the finished document in place; the last word.
        sockets: The operations that open WebSocket connections; the extension ``x-websocket`` of a path item.

    Raises:
        DeclarationError: Two operations have one id or one place, two classes would be one component, or two security
            schemes of one name differ.
    """
    if version not in _VERSIONS:
        raise DeclarationError(f"OpenAPI version {version!r} is not written; expected one of: {', '.join(_VERSIONS)}.")
    shown = [operation for operation in operations if not operation.hidden]
    _check_unique(shown)
    shown_sockets = [socket for socket in sockets if not socket.hidden]
    check_components(shown)
    lowered = version == "3.0"
    spec = APISpec(
        info.title,
        info.version,
        _VERSIONS[version],
        info=_build_info(info, version),
        servers=[to_json(server) for server in info.servers] or [{"url": quote_path(prefix) or "/"}],
        security=[],
        **to_json(info.extensions),
        **({"externalDocs": to_json(info.external_docs)} if info.external_docs else {}),
    )
    for tag in _build_tags(shown, info):
        spec.tag(tag)
    components = Components(spec, lower_schema if lowered else lambda schema: schema)
    responses = Responses(components, problem_format)
    written = [(operation, _build_operation(operation, components, responses, lowered)) for operation in shown]
    talking = [(socket, build_socket(socket, components)) for socket in shown_sockets]
    components.settle([[item for _, item in written], responses.shared, [item for _, item in talking]])

    def finish(value: Any) -> Any:
        resolved = components.resolve(value)
        return lower_schemas_in(resolved) if lowered else resolved

    for name in sorted(responses.shared):
        spec.components.response(name, finish(responses.shared[name]))
    _add_security_schemes(spec, [*shown, *shown_sockets])
    for operation, item in written:
        finished = finish(item)
        for change in operation.effects.modify:
            change(finished, operation)
        spec.path(operation.path, operations={operation.method.lower(): finished})
    for operation, item in talking:
        spec.path(operation.path, operations={"x-websocket": finish(item)})
    document = _ordered(copy.deepcopy(spec.to_dict()), _FIRST_MEMBERS)
    document["info"] = _ordered(document["info"], ("title", "version", "summary"))
    for change_document in modify:
        change_document(document)
    return document


def _check_unique(operations: Sequence[Operation]) -> None:
    ids: dict[str, Operation] = {}
    places: dict[tuple[str, str], Operation] = {}
    for operation in operations:
        other = ids.setdefault(operation.id, operation)
        if other is not operation:
            raise DeclarationError(
                f"Both {other.where} and {operation.where} have the operation id {operation.id!r}; "
                "state another in one of them: @describe(operation_id=…), or another name= at registration."
            )
        other = places.setdefault((operation.path, operation.method), operation)
        if other is not operation:
            raise DeclarationError(
                f"Both {other.where} and {operation.where} are {operation.method} {operation.path} in the document; "
                "rename a variable of one rule, or hide one: @describe(hidden=True)."
            )


def _build_info(info: Info, version: Version) -> dict[str, Any]:
    licence = None if info.license is None else dict(info.license)
    if licence and version == "3.0":
        identifier = licence.pop("identifier", None)
        if identifier:
            licence["url"] = f"https://spdx.org/licenses/{identifier}.html"
    said = {
        "summary": info.summary if version == "3.1" else None,
        "description": info.description and inspect.cleandoc(info.description),
        "termsOfService": info.terms_of_service,
        "contact": info.contact,
        "license": licence,
    }
    return {name: to_json(value) for name, value in said.items() if value}


def _build_tags(operations: Sequence[Operation], info: Info) -> list[dict[str, Any]]:
    """Return the tag objects: those stated, in their order, then the others as they come."""
    tags: dict[str, dict[str, Any]] = {str(tag["name"]): to_json(tag) for tag in info.tags}
    for operation in operations:
        for name in operation.tags:
            tag = tags.setdefault(name, {"name": name})
            doc = inspect.cleandoc(operation.resource.__dict__.get("__doc__") or "")
            if doc and name == operation.resource.__name__:
                tag.setdefault("description", doc)
    for name, tag in tags.items():
        tag.setdefault("description", f"Operations of {name}.")
    return list(tags.values())


def _build_operation(
    operation: Operation, components: Components, responses: Responses, lowered: bool
) -> dict[str, Any]:
    item = build_summary(operation, components)
    body = build_body(operation, components)
    if body is not None:
        item["requestBody"] = body
    item["responses"] = responses.build(operation)
    if operation.effects.security is not None:
        item["security"] = to_json(operation.effects.security)
        if lowered:
            lower_security(item["security"], operation.effects.security_schemes)
    extensions: dict[str, Any] = to_json(operation.effects.documentation.extensions)
    return item | extensions


def _add_security_schemes(spec: APISpec, operations: Sequence[Operation]) -> None:
    stated: dict[str, tuple[Any, Operation]] = {}
    for operation in operations:
        for name, scheme in operation.effects.security_schemes.items():
            plain = to_json(scheme)
            other, first = stated.setdefault(name, (plain, operation))
            if other != plain:
                raise DeclarationError(
                    f"{first.where} and {operation.where} each state another security scheme named {name!r}; "
                    "expected one scheme for a name."
                )
    for name in sorted(stated):
        spec.components.security_scheme(name, stated[name][0])


def _ordered(members: dict[str, Any], first: Sequence[str]) -> dict[str, Any]:
    begin = {name: members[name] for name in first if name in members}
    return begin | {name: value for name, value in members.items() if name not in begin}
