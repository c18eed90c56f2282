"""Which pages of other origins may call the API.

Specification: Fetch §3.3 (CORS protocol).
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from ramekin.errors import SettingsError
from ramekin.settings.values import HeaderName, Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class CORS:
    """Which pages of other origins may call the API from a browser, and what they may read; no page by default.

    Which methods and header fields a page may use follows from the declarations of each operation.

    Attributes:
        origins: The origins, each exactly as a browser sends it, such as ``https://shop.example``; ``("*",)`` for all.
        credentials: Whether their requests may carry cookies and what else the browser adds by itself.
        allow_headers: Header fields that they may send, beside those that operations declare.
        expose_headers: Header fields that they may read, beside those that operations declare.
        max_age_seconds: How long a browser may remember what it was allowed.

    Raises:
        SettingsError: A value cannot be, or every origin would be trusted with credentials.
    """

    origins: tuple[Origin, ...] = ()
    credentials: bool = False
    allow_headers: tuple[HeaderName, ...] = ()
    expose_headers: tuple[HeaderName, ...] = ()
    max_age_seconds: int = 600

    def __post_init__(self) -> None:
        values: dict[str, Any] = {item.name: getattr(self, item.name) for item in fields(self)}
        if all(values[item.name] is item.default for item in fields(self)):
            return
        from ramekin.settings.schema import derive_schema, flatten_messages

        messages = derive_schema(CORS).validate(values)
        if messages:
            lines = [f"cors.{'.'.join(key)}: {text}" for key, text in flatten_messages(messages)]
            raise SettingsError("\n".join(lines))
        for name in ("origins", "allow_headers", "expose_headers"):
            object.__setattr__(self, name, tuple(values[name]))
        self._check_origins()

    def _check_origins(self) -> None:
        if "*" not in self.origins:
            return
        if len(self.origins) > 1:
            raise SettingsError("cors.origins names '*' beside others; say '*' alone, or leave it out.")
        if self.credentials:
            raise SettingsError(
                "cors.origins is '*' and cors.credentials is on: any page could act for whoever visits it. "
                "Name the origins, or switch credentials off."
            )
