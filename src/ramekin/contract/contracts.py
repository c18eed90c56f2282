"""The contract of one site: what its document says of every operation, ready to be held against exchanges.

The document is that of OpenAPI 3.1, whichever version is served: 3.0 says the same in fewer words. What the document
hides, such as the page at ``/docs``, is described for the check alone.

Specification: OpenAPI 3.1 §4.8.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, cast

from ramekin.contract.closing import Schemas
from ramekin.contract.judges import Fault, Judge, compile_judge
from ramekin.contract.records import Breach, Exercise
from ramekin.contract.requests import Body, Parameter, Requests
from ramekin.contract.responses import Content, HeaderCheck, MediaType, Response, Responses, join_fields
from ramekin.contract.texts import compile_parse, find_type
from ramekin.operations import SOCKET
from ramekin.responses import is_json

if TYPE_CHECKING:
    from ramekin.operations import ItemFormat, Operation
    from ramekin.sites import Site


class Contract:
    """Holds responses and requests against the document of a site.

    What the document says of an operation is compiled when the operation is first met.

    Args:
        site: The site.
        compiled: Whether the compiled validator of JSON Schema decides; where it is installed when None.
    """

    def __init__(self, site: Site, *, compiled: bool | None = None) -> None:
        # Not the site itself, so that contracts can be kept for as long as their sites live.
        self._info = site.info
        self._problem_format = site.problem_format
        self._operations = {operation.id: operation for operation in (*site.operations, *site.sockets)}
        self._document = _Document(site.document("3.1"))
        self._compiled = compiled
        self._responses: dict[str, Responses] = {}
        self._messages: dict[str, Judge | None] = {}
        self._requests: dict[str, Requests] = {}

    def check_response(
        self,
        operation_id: str | None,
        *,
        method: str,
        status: int,
        headers: Iterable[tuple[str, str]],
        content: bytes | None,
    ) -> list[Breach]:
        """Return what a response breaks.

        Args:
            operation_id: The operation that answered; None where none did, of which the document says nothing.
            method: The method of the request.
            status: The status.
            headers: The header fields.
            content: The content; None where it is not to be looked at, as with streams.
        """
        if operation_id is None:
            return []
        found = self._responses.get(operation_id) or self._compile_responses(operation_id)
        return found.check(method=method, status=status, headers=headers, content=content)

    def watch_items(
        self, operation_id: str, *, status: int, headers: Iterable[tuple[str, str]]
    ) -> Callable[[bytes], list[Breach]] | None:
        """Return what finds the breaches in the next bytes of a stream of items; None where none is declared.

        Args:
            operation_id: The operation that answered.
            status: The status.
            headers: The header fields.
        """
        found = self._responses.get(operation_id) or self._compile_responses(operation_id)
        return found.watch(status, join_fields(headers).get("content-type"))

    def check_message(self, operation_id: str, value: Any) -> list[Breach]:
        """Return what a message breaks that a WebSocket client was sent.

        Args:
            operation_id: The operation that opened the connection.
            value: What the JSON of the message stands for.
        """
        if operation_id not in self._messages:
            document, item = self._find(self._operations[operation_id])
            sends = item.get("sends")
            schema = None if sends is None else document.schemas.stand_alone(sends["schema"], closed=True)
            self._messages[operation_id] = None if schema is None else self._judge(schema)
        judge = self._messages[operation_id]
        faults = [Fault("", "no message", "")] if judge is None else judge(value)
        return [
            Breach(
                operation=operation_id,
                status=101,
                kind="body",
                pointer=fault.pointer,
                declared=fault.declared,
                got=fault.got,
            )
            for fault in faults
        ]

    def check_request(
        self, operation_id: str, *, query_string: str, headers: Iterable[tuple[str, str]], content: bytes
    ) -> list[Breach]:
        """Return what makes a request invalid; its path has been matched before.

        Args:
            operation_id: The operation that it is for.
            query_string: The query string as it stands in the URL.
            headers: The header fields; ``Content-Type`` says what the content is.
            content: The content, empty where there is none.
        """
        found = self._requests.get(operation_id) or self._compile_requests(operation_id)
        return found.check(query_string=query_string, fields=join_fields(headers), content=content)

    def describe_exercise(
        self,
        operation_id: str,
        *,
        status: int,
        headers: Iterable[tuple[str, str]],
        content: bytes | None,
        query_string: str,
        request_headers: Iterable[tuple[str, str]],
    ) -> Exercise:
        """Return an exchange that kept the contract, as coverage counts it.

        The arguments are those of `check_response` and `check_request`.
        """
        responses = self._responses.get(operation_id) or self._compile_responses(operation_id)
        requests = self._requests.get(operation_id) or self._compile_requests(operation_id)
        media_type, code = responses.describe(status, join_fields(headers).get("content-type"), content)
        return Exercise(
            operation=operation_id,
            status=status,
            code=code,
            media_type=media_type,
            parameters=requests.list_sent(query_string, join_fields(request_headers)),
        )

    # -- Compiling ----------------------------------------------------------------------------------------------------

    def _compile_responses(self, operation_id: str) -> Responses:
        operation = self._operations[operation_id]
        document, item = self._find(operation)
        by_status = {
            str(status): self._compile_response(document, document.resolve(response), _list_formats(operation, status))
            for status, response in item.get("responses", {}).items()
        }
        found = self._responses[operation_id] = Responses(operation=operation_id, by_status=by_status)
        return found

    def _compile_requests(self, operation_id: str) -> Requests:
        document, item = self._find(self._operations[operation_id])
        given = [document.resolve(parameter) for parameter in item.get("parameters", ())]
        body = document.resolve(item.get("requestBody"))
        contents = {} if body is None else body.get("content", {})
        found = self._requests[operation_id] = Requests(
            operation=operation_id,
            parameters=tuple(self._compile_parameter(document, each) for each in given),
            is_query_closed=_closes_query(self._operations[operation_id]),
            credentials=frozenset(document.list_credentials()),
            body=None
            if body is None
            else Body(
                required=bool(body.get("required")),
                contents=tuple(self._compile_body(document, name, each) for name, each in contents.items()),
            ),
        )
        return found

    def _find(self, operation: Operation) -> tuple[_Document, dict[str, Any]]:
        """Return what a document says of an operation: the emitted one, or one of its own for what that leaves out."""
        item = self._document.find(operation)
        if item is not None:
            return self._document, item
        from ramekin.openapi.document import build_document

        shown = [operation.changed(hidden=False)]
        if operation.method == SOCKET:
            alone = _Document(build_document([], self._info, self._problem_format, sockets=shown))
        else:
            alone = _Document(build_document(shown, self._info, self._problem_format))
        return alone, cast("dict[str, Any]", alone.find(operation))

    def _compile_response(
        self, document: _Document, response: Mapping[str, Any], formats: Mapping[str, ItemFormat]
    ) -> Response:
        headers = [
            self._compile_header(document, name, document.resolve(header))
            for name, header in response.get("headers", {}).items()
        ]
        contents = [
            self._compile_content(document, name, content, formats.get(name))
            for name, content in response.get("content", {}).items()
        ]
        return Response(contents=tuple(contents), headers=tuple(headers))

    def _compile_header(self, document: _Document, name: str, header: Mapping[str, Any]) -> HeaderCheck:
        schema = document.schemas.stand_alone(header.get("schema", {}), closed=False)
        return HeaderCheck(
            name=name,
            required=bool(header.get("required")),
            parse=compile_parse(schema),
            judge=self._judge(schema) if schema else None,
            declared=find_type(schema) and f"of type {find_type(schema)}",
        )

    def _compile_content(
        self, document: _Document, name: str, content: Mapping[str, Any], items: ItemFormat | None
    ) -> Content:
        media_type, schema = MediaType.parse(name), content.get("schema")
        if schema is not None and items is not None:
            judge = self._judge(document.schemas.stand_alone(items.find_schema(schema), closed=True))
            return Content(name=name, media_type=media_type, judge=judge, make_reader=items.make_reader)
        if schema is None or not is_json(name):
            return Content(name=name, media_type=media_type, judge=None)
        codes = None
        if media_type.essence == self._problem_format.media_type:
            codes = self._compile_codes(document, schema)
        judge = self._judge(document.schemas.stand_alone(schema, closed=True))
        return Content(name=name, media_type=media_type, judge=judge, codes=codes)

    def _compile_codes(self, document: _Document, schema: Mapping[str, Any]) -> Mapping[str, Judge] | None:
        """Return the judge of each problem by its code, or None where the format of problems states no codes."""
        found: dict[str, Judge] = {}
        for one in schema.get("anyOf", [schema]):
            alone = document.schemas.stand_alone(one, closed=True)
            code = alone.get("properties", {}).get("code", {}).get("const")
            if not isinstance(code, str):
                return None
            found[code] = self._judge(alone)
        return found

    def _compile_parameter(self, document: _Document, parameter: Mapping[str, Any]) -> Parameter:
        schema = document.schemas.stand_alone(parameter.get("schema", {}), closed=False)
        return Parameter(
            name=parameter["name"],
            location=parameter["in"],
            required=bool(parameter.get("required")),
            explode=bool(parameter.get("explode", parameter["in"] in ("query", "cookie"))),
            schema=schema,
            judge=self._judge(schema),
        )

    def _compile_body(self, document: _Document, name: str, content: Mapping[str, Any]) -> Content:
        schema = document.schemas.stand_alone(content.get("schema", {}), closed=False)
        judge = self._judge(schema) if is_json(name) else None
        return Content(name=name, media_type=MediaType.parse(name), judge=judge)

    def _judge(self, schema: Any) -> Judge:
        return compile_judge(schema, compiled=self._compiled)


def _list_formats(operation: Operation, status: str) -> Mapping[str, ItemFormat]:
    """Return the formats of the item streams of a status by media type."""
    return {
        outcome.media_type: outcome.items
        for outcome in operation.successes
        if outcome.items is not None and outcome.media_type and str(outcome.status) == str(status)
    }


class _Document:
    """A document to look things up in."""

    def __init__(self, content: Mapping[str, Any]) -> None:
        self._content = content
        self.schemas = Schemas(content)

    def find(self, operation: Operation) -> dict[str, Any] | None:
        """Return the operation object at an operation's path and method, with the parameters of its path item."""
        path_item = self.resolve(self._content.get("paths", {}).get(operation.path, {}))
        item = path_item.get("x-websocket" if operation.method == SOCKET else operation.method.lower())
        if item is None:
            return None
        return {**item, "parameters": [*path_item.get("parameters", ()), *item.get("parameters", ())]}

    def list_credentials(self) -> Iterator[str]:
        """Yield the names in a query that security schemes read."""
        for scheme in self._content.get("components", {}).get("securitySchemes", {}).values():
            if self.resolve(scheme).get("in") == "query":
                yield self.resolve(scheme)["name"]

    def resolve(self, value: Any) -> Any:
        """Return what stands for a value: what it refers to within the document, or itself."""
        while isinstance(value, Mapping) and str(value.get("$ref", "")).startswith("#/"):
            found: Any = self._content
            for part in _parts(value["$ref"]):
                found = found[part]
            value = found
        return value


def _parts(reference: str) -> Iterator[str]:
    for part in reference.removeprefix("#/").split("/"):
        yield part.replace("~1", "/").replace("~0", "~")


def _closes_query(operation: Operation) -> bool:
    """Tell whether a query may have the declared names only; a document has no word for it."""
    shapes = [item.shape for item in operation.inputs_at("query")]
    return all(getattr(shape, "unknown", "raise") == "raise" for shape in shapes)
