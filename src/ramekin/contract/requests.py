"""The requests of one operation as its document has them.

Of a form the fields are not read: its media type is checked, and the operation itself judges the rest.

Specification: OpenAPI 3.1 §4.8.12 (parameter object), §4.8.13 (request body object).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from ramekin import json
from ramekin.contract.judges import Fault, Judge, escape, show
from ramekin.contract.records import Breach
from ramekin.contract.responses import UNLIMITED, Content, MediaType
from ramekin.contract.texts import compile_parse, find_type, read_object

#: What a pointer calls each location, as the faults of a problem do.
_LOCATIONS = {"query": "query", "header": "headers", "cookie": "cookies", "path": "path"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One declared parameter; ``location`` is ``path``, ``query``, ``header`` or ``cookie``."""

    name: str
    location: str
    required: bool
    explode: bool
    schema: Any
    judge: Judge

    @property
    def key(self) -> str:
        """Its name as it is looked up; that of a header field in lower case."""
        return self.name.lower() if self.location == "header" else self.name

    def is_in(self, given: Mapping[str, list[str]]) -> bool:
        """Tell whether it was sent, an object by names in brackets."""
        if self.key in given:
            return True
        return find_type(self.schema) == "object" and any(name.startswith(f"{self.name}[") for name in given)

    def check(self, given: Mapping[str, list[str]]) -> Iterator[Fault]:
        """Yield what is wrong with it; an object that does not say how its texts are read is left to the operation."""
        texts = given.get(self.key)
        if texts is not None:
            yield from self.judge(self._parse(texts))
        elif self.is_in(given):
            yield from self._check_object(given)
        elif self.required:
            yield Fault("", "a required parameter", "nothing")

    def _check_object(self, given: Mapping[str, list[str]]) -> list[Fault]:
        try:
            faults, others = (
                self.judge(read_object(self.schema, self.name, given, split=split)) for split in (False, True)
            )
        except LookupError:
            return []
        return faults if others else []

    def _parse(self, texts: list[str]) -> Any:
        if find_type(self.schema) == "array" and self.explode:
            item = compile_parse(self.schema.get("items"))
            return [item(text) for text in texts]
        # Several where one is declared are a list, which the judge refuses.
        return compile_parse(self.schema)(texts[0]) if len(texts) == 1 else texts


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """The declared request body."""

    required: bool
    contents: tuple[Content, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Requests:
    """What is declared of an operation's requests.

    Attributes:
        operation: The operation's id.
        parameters: Every parameter.
        is_query_closed: Whether the query may have no other names.
        body: The body; None where none is read.
        credentials: The names in a query that the security schemes of the document read.
    """

    operation: str
    parameters: tuple[Parameter, ...]
    is_query_closed: bool
    body: Body | None
    credentials: frozenset[str]

    def check(self, *, query_string: str, fields: Mapping[str, str], content: bytes) -> list[Breach]:
        """Return what makes a request invalid; see `ramekin.contract.Contract.check_request`."""
        faults = [*self._check_parameters(query_string, fields), *self._check_body(fields, content)]
        return [
            Breach(
                operation=self.operation,
                status=0,
                kind="request",
                pointer=fault.pointer,
                declared=fault.declared,
                got=fault.got,
            )
            for fault in faults
        ]

    def list_sent(self, query_string: str, fields: Mapping[str, str]) -> frozenset[tuple[str, str]]:
        """Return location and name of the parameters that a request had."""
        given = _read_given(query_string, fields)
        return frozenset(
            (one.location, one.name)
            for one in self.parameters
            if one.location == "path" or one.is_in(given.get(one.location, {}))
        )

    def _check_parameters(self, query_string: str, fields: Mapping[str, str]) -> Iterator[Fault]:
        given = _read_given(query_string, fields)
        for one in self.parameters:
            if one.location == "path":
                continue
            for fault in one.check(given[one.location]):
                yield Fault(f"/{_LOCATIONS[one.location]}/{escape(one.name)}{fault.pointer}", fault.declared, fault.got)
        if self.is_query_closed:
            names = self.credentials | {one.name for one in self.parameters if one.location == "query"}
            for name, texts in given["query"].items():
                if name.partition("[")[0] not in names and name not in names:
                    yield Fault(f"/query/{escape(name)}", "no such parameter", show(texts[0]))

    def _check_body(self, fields: Mapping[str, str], content: bytes) -> Iterator[Fault]:
        if self.body is None:
            if content:
                yield Fault("", "no request body", show(content[:800].decode("utf-8", "replace")))
            return
        content_type = fields.get("content-type")
        if not content and content_type is None:
            if self.body.required:
                yield Fault("", "a request body", "nothing")
            return
        media_type = MediaType.parse(content_type or "")
        found = next((one for one in self.body.contents if media_type.fits(one.media_type)), None)
        found = found or next((one for one in self.body.contents if media_type.essence == one.media_type.essence), None)
        if found is None:
            names = ", ".join(one.name for one in self.body.contents)
            yield Fault("/headers/Content-Type", names, content_type or "nothing")
        elif found.judge is not None:
            yield from _check_json(found.judge, content)


def _check_json(judge: Judge, content: bytes) -> Iterator[Fault]:
    try:
        value = json.decode(content, UNLIMITED)
    except json.JSONError as error:
        yield Fault("/json", "JSON", error.detail)
        return
    for fault in judge(value):
        yield Fault(f"/json{fault.pointer}", fault.declared, fault.got)


def _read_given(query_string: str, fields: Mapping[str, str]) -> dict[str, dict[str, list[str]]]:
    """Return the texts of each name by location."""
    from werkzeug.sansio.http import parse_cookie

    return {
        "query": _group(parse_qsl(query_string, keep_blank_values=True)),
        "header": {name: [value] for name, value in fields.items()},
        "cookie": _group(parse_cookie(fields.get("cookie")).items(multi=True)),
    }


def _group(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return found
