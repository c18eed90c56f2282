"""WebSocket operations in the document: an extension of the path item, for OpenAPI has no word for them.

Specification: OpenAPI 3.1 §4.8.9 (path item object), §4.9 (specification extensions).
"""

from __future__ import annotations

from typing import Any

from ramekin.openapi.components import Components
from ramekin.openapi.converter import Mode
from ramekin.openapi.summaries import build_summary
from ramekin.openapi.values import to_json
from ramekin.operations import Operation


def build_socket(operation: Operation, components: Components) -> dict[str, Any]:
    """Return what the document says of a WebSocket operation.

    What an operation object has means the same here; ``receives`` is of what clients send, ``sends`` of what they are
    sent.
    """
    item = build_summary(operation, components)
    if operation.effects.security is not None:
        item["security"] = to_json(operation.effects.security)
    dialog = operation.effects.dialog
    if dialog is not None:
        if dialog.subprotocols:
            item["subprotocols"] = list(dialog.subprotocols)
        for name, shape, mode in (("receives", dialog.receives, Mode("write")), ("sends", dialog.sends, Mode("read"))):
            if shape is not None:
                item[name] = {"schema": components.converter(mode).convert_shape(shape)}
    extensions: dict[str, Any] = to_json(operation.effects.documentation.extensions)
    return item | extensions
