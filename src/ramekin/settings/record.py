"""The settings themselves: each name, type and default stands here, once.

Specification: RFC 3986 §3 for `problem_base_uri`; RFC 9110 §5.6.2 for the token in `request_id_header`.
"""

from __future__ import annotations

import string
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields, replace
from functools import cache
from types import MappingProxyType
from typing import Annotated, Any, Literal, TypeAlias

from marshmallow import ValidationError

from ramekin.errors import SettingsError
from ramekin.limits import Limits

_TOKEN = frozenset(string.ascii_letters + string.digits + "!#$%&'*+-.^_`|~")
_SCHEME = frozenset(string.ascii_letters + string.digits + "+-.")
_PATH = frozenset(string.ascii_letters + string.digits + "-._~!$&'()*+,;=:@/%")
_URI = _PATH | frozenset("?#[]")


def _check_header_name(value: str) -> None:
    if not value or not _TOKEN.issuperset(value):
        raise ValidationError("Must be the name of a header field, such as X-Request-ID.")


def _check_path(value: str) -> None:
    if not value.startswith("/") or value.startswith("//") or not _PATH.issuperset(value):
        raise ValidationError("Must be a path that begins with one '/', such as /docs.")


def _check_absolute_uri(value: str) -> None:
    scheme, colon, rest = value.partition(":")
    complete = bool(colon) and bool(rest.strip("/")) and scheme[:1].isalpha()
    if not complete or not _SCHEME.issuperset(scheme) or not _URI.issuperset(rest):
        raise ValidationError("Must be an absolute URI, such as https://example.com/problems/.")


# What a type leaves open stands beside it: the derived schema takes these as its validators.
HeaderName: TypeAlias = Annotated[str, _check_header_name]
AbsolutePath: TypeAlias = Annotated[str, _check_path]
AbsoluteURI: TypeAlias = Annotated[str, _check_absolute_uri]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How an app behaves where its code does not say.

    Attributes:
        debug: Show traces of unhandled exceptions, in the development server only.
        propagate_exceptions: Let unhandled exceptions through to the server or test client instead of answering 500;
            implied by ``debug``.
        limits: What a request may cost; an operation may declare its own.
        problem_base_uri: What the ``type`` of problems begins with; ``about:blank`` when None.
        request_id_header: The header that a trusted proxy sets to a request's id, echoed in the response; ids are
            random when None.
        access_log: Send one record per request to the logger ``ramekin.access``.
        unique_keys: Refuse JSON objects with a repeated key.
        request_gzip: Take request bodies packed by gzip; the limits count what they unpack to.
        openapi_version: Version of the document that is served.
        openapi_path: Where the document is served; nowhere when None.
        docs_path: Where the docs page is served; nowhere when None.
        contract: Whether every response is held against the document: not at all; with a record for each breach to the
            logger ``ramekin.contract``; or with a breach answered by a 500. For staging; it needs ``ramekin[testing]``.
        asgi_threads: Most threads of a worker that run plain functions under ASGI.
        extra: The app's own settings, which ``repr`` leaves out because secrets may be among them.

    Raises:
        SettingsError: A value is none of its setting's.
    """

    debug: bool = False
    propagate_exceptions: bool = False
    limits: Limits = field(default_factory=Limits)
    problem_base_uri: AbsoluteURI | None = None
    request_id_header: HeaderName | None = None
    access_log: bool = True
    unique_keys: bool = True
    request_gzip: bool = False
    openapi_version: Literal["3.1", "3.0"] = "3.1"
    openapi_path: AbsolutePath | None = "/openapi.json"
    docs_path: AbsolutePath | None = "/docs"
    contract: Literal["off", "log", "raise"] = "off"
    asgi_threads: int = 40
    extra: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}), repr=False)

    def __post_init__(self) -> None:
        if not isinstance(self.limits, Limits):
            raise SettingsError(f"Settings.limits must be a Limits, not {self.limits!r}.")
        if not isinstance(self.extra, Mapping):
            raise SettingsError("Settings.extra must be a mapping.")
        # What was left at its default is right, so an app without settings of its own pays nothing.
        given = {item.name: getattr(self, item.name) for item in fields(self) if item.default is not MISSING}
        changed = {name: value for name, value in given.items() if value is not _defaults()[name]}
        if changed:
            _check_values(changed)
        if self.openapi_path is not None and self.openapi_path == self.docs_path:
            raise SettingsError(f"openapi_path and docs_path are both {self.docs_path!r}; each needs its own.")

    def changed(self, **changes: Any) -> Settings:
        """Return these settings with some values replaced."""
        return replace(self, **changes)


@cache
def _defaults() -> dict[str, Any]:
    return {item.name: item.default for item in fields(Settings)}


def _check_values(values: Mapping[str, Any]) -> None:
    from ramekin.settings.schema import derive_schema, flatten_messages

    messages = derive_schema(Settings).validate(values, partial=True)
    if messages:
        raise SettingsError("\n".join(f"Settings.{'.'.join(key)}: {text}" for key, text in flatten_messages(messages)))
