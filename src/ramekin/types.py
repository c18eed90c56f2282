"""Names for the types that several modules share."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any, Literal, TypeAlias

from marshmallow import Schema
from marshmallow.fields import Field

#: Where an input of an operation comes from, and the name of the handler's parameter for it.
Location: TypeAlias = Literal["query", "json", "form", "files", "headers", "cookies"]

#: What a declaration takes where it wants a schema: a Schema class, an instance, a dict of fields, or one field.
SchemaLike: TypeAlias = type[Schema] | Schema | Mapping[str, Field[Any]] | Field[Any]

#: What a schema-like becomes: a Schema instance, or one field.
Shape: TypeAlias = Schema | Field[Any]

# ASGI 3.0, as `asgiref.typing` has it in full; nothing here needs more.
Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
ASGIApplication: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]
