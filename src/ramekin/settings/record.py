"""The settings themselves: each name, type and default stands here, once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields, replace
from functools import cache
from types import MappingProxyType
from typing import Any, Literal

from ramekin.errors import SettingsError
from ramekin.limits import Limits
from ramekin.settings.cors import CORS
from ramekin.settings.values import (
    AbsolutePath,
    AbsoluteURI,
    BaseURL,
    HeaderName,
    HostPattern,
    ProxyCount,
    SecretKey,
    SilencedCheck,
)


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
        secret_key: What tokens, links, values and sessions are signed with: 32 random bytes as text, 16 characters at
            least. Left out of ``repr``, as the next one is.
        secret_key_fallbacks: Older keys, which are read and never sign, so that a key can be replaced.
        base_url: Where clients find the root of the app, such as ``https://api.example.com``; absolute URLs are made
            of it.
        trusted_hosts: The hosts that the app answers for, without ports, ``*.example.com`` for all below
            ``example.com``; requests for others are refused with 400. Any host when empty; with ``debug`` this machine,
            too.
        trusted_proxies: How many proxies stand before the app. From that many, the address of the client, scheme, host
            and mount prefix are taken from ``X-Forwarded-For``, ``-Proto``, ``-Host`` and ``-Prefix``; 0 reads none.
        cors: Which pages of other origins may call the API.
        security_headers: Send the header fields that keep browsers from making more of an answer than it is.
        hsts_seconds: How long browsers are to use HTTPS alone (``Strict-Transport-Security``, on answers over HTTPS);
            not said when None.
        silenced_checks: What ``ramekin check`` is not to report, each with its reason, such as
            ``RK204 getBooks: There are never more than ten.``
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
    secret_key: SecretKey | None = field(default=None, repr=False)
    secret_key_fallbacks: tuple[SecretKey, ...] = field(default=(), repr=False)
    base_url: BaseURL | None = None
    trusted_hosts: tuple[HostPattern, ...] = ()
    trusted_proxies: ProxyCount = 0
    cors: CORS = field(default_factory=CORS)
    security_headers: bool = True
    hsts_seconds: int | None = None
    silenced_checks: tuple[SilencedCheck, ...] = ()
    asgi_threads: int = 40
    extra: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}), repr=False)

    def __post_init__(self) -> None:
        if not isinstance(self.limits, Limits):
            raise SettingsError(f"Settings.limits must be a Limits, not {self.limits!r}.")
        if not isinstance(self.cors, CORS):
            raise SettingsError(f"Settings.cors must be a CORS, not {self.cors!r}.")
        if not isinstance(self.extra, Mapping):
            raise SettingsError("Settings.extra must be a mapping.")
        # What was left at its default is right, so an app without settings of its own pays nothing.
        given = {item.name: getattr(self, item.name) for item in fields(self) if item.default is not MISSING}
        changed = {name: value for name, value in given.items() if value is not _defaults()[name]}
        if changed:
            _check_values(changed)
        for name in ("trusted_hosts", "silenced_checks", "secret_key_fallbacks"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        if self.secret_key_fallbacks and self.secret_key is None:
            raise SettingsError("secret_key_fallbacks are older keys, which only read; secret_key has to sign.")
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
