"""What the document says of the API as a whole.

Specification: OpenAPI 3.1 §4.8.2 (info object), §4.8.5 (server object), §4.8.22 (tag object).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from ramekin.errors import DeclarationError
from ramekin.records import Record

_LICENSE_MEMBERS = {"name", "identifier", "url"}


class Info(Record, frozen=True):
    """Title, version and people behind an API.

    Attributes:
        title: The name of the API.
        version: The version of the API, not of OpenAPI.
        summary: One line; OpenAPI 3.1 only.
        description: Markdown.
        terms_of_service: A URL.
        contact: ``name``, ``url``, ``email``.
        license: ``name``, and either an SPDX ``identifier`` (OpenAPI 3.1 only) or a ``url``.
        servers: Server objects, in place of the one made of the mount prefix.
        tags: Tag objects, in the order in which they are shown; over those made of resources, by name.
        external_docs: ``url`` and ``description`` of further documentation.
        extensions: Members of one's own at the root of the document, named ``x-…``.

    Raises:
        DeclarationError: A member is of the wrong kind or not one that OpenAPI knows, or an extension is not named
            ``x-…``.
    """

    title: str
    version: str
    summary: str | None = None
    description: str | None = None
    terms_of_service: str | None = None
    contact: Mapping[str, Any] | None = None
    license: Mapping[str, Any] | None = None
    servers: tuple[Mapping[str, Any], ...] = ()
    tags: tuple[Mapping[str, Any], ...] = ()
    external_docs: Mapping[str, Any] | None = None
    extensions: Mapping[str, Any] = MappingProxyType({})

    def __post_init__(self) -> None:
        self._check_kinds()
        for name in self.extensions:
            if not name.startswith("x-"):
                raise DeclarationError(f"App(extensions=…): {name!r} has to begin with 'x-' (OpenAPI 3.1 §4.9).")
        for tag in self.tags:
            if not tag.get("name"):
                raise DeclarationError(f"App(tags=…): a tag has a name; expected {{'name': …}}, not {dict(tag)!r}.")
        for server in self.servers:
            if not server.get("url"):
                raise DeclarationError(
                    f"App(servers=…): a server has a url; {{'url': …}} expected, not {dict(server)!r}."
                )
        if self.license is not None:
            _check_license(self.license)

    def _check_kinds(self) -> None:
        for name in ("title", "version"):
            _check_kind(name, getattr(self, name), str, "text")
        for name in ("summary", "description", "terms_of_service"):
            _check_kind(name, getattr(self, name), str | None, "text")
        for name, members in (("contact", "name, url, email"), ("license", "name"), ("external_docs", "url")):
            _check_kind(name, getattr(self, name), Mapping | None, f"a mapping with {members}")
        for name, member in (("servers", "url"), ("tags", "name")):
            for each in getattr(self, name):
                _check_kind(name, each, Mapping, f"several mappings {{{member!r}: …}}")


def _check_kind(name: str, given: Any, kind: Any, expected: str) -> None:
    if not isinstance(given, kind):
        raise DeclarationError(f"App({name}=…) takes {expected}, not {given!r}.")


def _check_license(given: Mapping[str, Any]) -> None:
    own = {name for name in given if not name.startswith("x-")}
    if "name" not in own or not own <= _LICENSE_MEMBERS:
        raise DeclarationError(f"App(license=…) takes name, and identifier or url, not {dict(given)!r}.")
    if {"identifier", "url"} <= own:
        raise DeclarationError("App(license=…) takes identifier or url, not both (OpenAPI 3.1 §4.8.4).")
