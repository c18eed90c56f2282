"""What the document says alike of every operation, over HTTP or a WebSocket: its name, words, groups and parameters.

Specification: OpenAPI 3.1 §4.8.10 (operation object).
"""

from __future__ import annotations

from typing import Any

from ramekin.openapi.components import Components
from ramekin.openapi.parameters import build_parameters
from ramekin.operations import Operation


def build_summary(operation: Operation, components: Components) -> dict[str, Any]:
    """Return the first members of an operation object."""
    item: dict[str, Any] = {
        "operationId": operation.id,
        "summary": operation.summary,
        "description": operation.description,
    }
    if operation.tags:
        item["tags"] = list(operation.tags)
    if operation.deprecated:
        item["deprecated"] = True
    parameters = build_parameters(operation, components)
    if parameters:
        item["parameters"] = parameters
    return item
