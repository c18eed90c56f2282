"""The responses of an operation, one for each status, and the problems that many operations share.

Specification: OpenAPI 3.1 §4.8.17 (response object), §4.8.21 (header object); RFC 9457 for problems.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from marshmallow import Schema

from ramekin.openapi.components import Components
from ramekin.openapi.converter import Mode
from ramekin.operations import JSON_MEDIA_TYPE, Operation, Outcome
from ramekin.problems import Problem, ProblemFormat

_TOLD_BY_THE_HEADER = ("description", "deprecated")


class Responses:
    """Writes response objects, and keeps those that operations share.

    Args:
        components: Where schemas become components.
        problem_format: How problems are answered.

    Attributes:
        shared: Response objects by name, one for each problem that stands alone in a status.
    """

    def __init__(self, components: Components, problem_format: ProblemFormat) -> None:
        self._components = components
        self._format = problem_format
        self._references: dict[type[Problem], dict[str, Any]] = {}
        self.shared: dict[str, dict[str, Any]] = {}

    def build(self, operation: Operation) -> dict[str, Any]:
        """Return the response objects of an operation by status, in the order of the statuses."""
        statuses = sorted({outcome.status for outcome in operation.outcomes})
        return {
            str(status): self._build_status([one for one in operation.outcomes if one.status == status])
            for status in statuses
        }

    def _build_status(self, outcomes: list[Outcome]) -> dict[str, Any]:
        problems = [outcome.problem for outcome in outcomes if outcome.problem is not None]
        if len(outcomes) == len(problems) == 1:
            return self._share(problems[0])
        response: dict[str, Any] = {"description": _describe(outcomes)}
        headers = self._build_headers(outcomes)
        if headers:
            response["headers"] = headers
        content = self._build_content(outcomes)
        if problems:
            content[self._format.media_type] = {"schema": self._any_of(problems)}
        if content:
            response["content"] = content
        return response

    def _build_content(self, outcomes: list[Outcome]) -> dict[str, Any]:
        converter = self._components.converter(Mode("read"))
        content: dict[str, Any] = {}
        for outcome in outcomes:
            if outcome.shape is not None:
                schema = converter.convert_shape(outcome.shape)
                described = schema if outcome.items is None else outcome.items.describe(schema)
                content[outcome.media_type or JSON_MEDIA_TYPE] = {"schema": described}
        return content

    def _build_headers(self, outcomes: list[Outcome]) -> dict[str, Any]:
        """Return the headers of all outcomes of a status; one is required where each of them has it."""
        converter = self._components.converter(Mode("read", "headers"))
        found: dict[str, Any] = {}
        for outcome in outcomes:
            for header in outcome.headers:
                schema = converter.convert_field(header.field)
                told = {name: schema.pop(name) for name in _TOLD_BY_THE_HEADER if name in schema}
                required = all(header.name in _required_headers(each) for each in outcomes)
                found.setdefault(header.name, {**told, "required": required, "schema": schema})
        return found

    def _share(self, problem: type[Problem]) -> dict[str, Any]:
        name = problem.__name__
        self.shared[name] = {
            "description": problem.title,
            "content": {self._format.media_type: {"schema": self._schema_of(problem)}},
        }
        return {"$ref": f"#/components/responses/{name}"}

    def _any_of(self, problems: list[type[Problem]]) -> dict[str, Any]:
        found: list[dict[str, Any]] = []
        for problem in problems:
            schema = self._schema_of(problem)
            if schema not in found:
                found.append(schema)
        return found[0] if len(found) == 1 else {"anyOf": found}

    def _schema_of(self, problem: type[Problem]) -> dict[str, Any]:
        if problem not in self._references:
            schema = self._format.schema(problem)
            # A class that from_dict has made is made anew each time; its problem is what lasts.
            generated = type(schema).__module__ == Schema.__module__
            reference = self._components.reference(schema, Mode("read"), origin=problem if generated else None)
            self._references[problem] = reference
        return self._references[problem]


def _required_headers(outcome: Outcome) -> set[str]:
    return {header.name for header in outcome.headers if header.required}


def _describe(outcomes: list[Outcome]) -> str:
    """Return what the outcomes of one status mean; never empty, as OpenAPI demands."""
    problems = [outcome.problem for outcome in outcomes if outcome.problem is not None]
    said = [outcome.description for outcome in outcomes if outcome.description]
    said += [f"`{problem.code}`: {problem.title}" if len(problems) > 1 else problem.title for problem in problems]
    said = list(dict.fromkeys(said)) or [_phrase(outcomes[0].status)]
    return said[0] if len(said) == 1 else "\n".join(f"- {one}" for one in said)


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return f"Status {status}"
