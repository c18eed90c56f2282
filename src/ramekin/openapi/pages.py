"""The resources that serve the document and the docs page.

The page asks its own origin for everything, runs no inline script, and works under any prefix because its URLs are
relative.

Specification: RFC 9110 §8.8.3 and §13.1.2 (entity tags, If-None-Match); CSP Level 3.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING, Any, Protocol, cast

from marshmallow import fields

from ramekin.declarations import describe, raises, returns
from ramekin.openapi.assets import SCRIPT, STYLE, Assets, find_assets
from ramekin.problems import NotFound
from ramekin.resources import Resource
from ramekin.responses import Reply

if TYPE_CHECKING:
    from ramekin.openapi.info import Info
    from ramekin.settings import Settings

#: Everything from this origin and nothing inline; Swagger UI's style sheet has its icons as data URLs.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_PAGE_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}
#: Icons are asked for by every browser; this one answers without a request.
_PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" href="data:,">
{head}</head>
<body>
{body}</body>
</html>
"""
_SWAGGER_HEAD = """\
<link rel="stylesheet" href="{assets}/swagger-ui.css">
<script src="{assets}/swagger-ui.js" defer></script>
<script src="{assets}/start.js" defer></script>
"""
_SWAGGER_BODY = """\
<div id="docs" data-document="{document}"></div>
<noscript><p>This page needs JavaScript. <a href="{document}">The document itself</a> does not.</p></noscript>
"""
_PLAIN_BODY = """\
<h1>{title}</h1>
<p><a href="{document}">The OpenAPI document</a> of this API is here.</p>
<p>To see it as a page, install what renders it: <code>pip install "ramekin[docs]"</code>.</p>
"""


class _DocumentedSite(Protocol):
    """What these resources ask of the compiled app."""

    settings: Settings
    info: Info

    def document_bytes(self, prefix: str = "") -> tuple[bytes, str]:
        """Return the document as JSON, and its entity tag."""
        ...


def matches_any(if_none_match: str | None, etag: str) -> bool:
    """Tell whether ``If-None-Match`` names an entity tag, by weak comparison (RFC 9110 §8.8.3.2)."""
    if if_none_match is None:
        return False
    from werkzeug.http import parse_etags

    return if_none_match.strip() == "*" or parse_etags(if_none_match).contains_weak(etag.strip('"'))


def _finished(content: bytes | None, status: int, media_type: str | None, headers: Mapping[str, str]) -> Reply[Any]:
    """Return a reply whose bytes are ready."""
    kind = {} if media_type is None else {"Content-Type": media_type}
    reply: Reply[Any] = Reply(status=status, headers={**kind, **headers}, media_type=media_type)
    reply.body = content
    reply.finished = True
    return reply


@describe(hidden=True)
class DocumentResource(Resource):
    """The OpenAPI document."""

    @returns(fields.Dict())
    @returns(status=304)
    def get(self) -> Reply[Any]:
        """Show the document."""
        site = cast("_DocumentedSite", self.request.site)
        content, etag = site.document_bytes(self.request.script_name)
        headers = {"ETag": etag, "Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"}
        if matches_any(self.request.header("if-none-match"), etag):
            return _finished(None, 304, None, headers)
        return _finished(content, 200, "application/json", headers)


@describe(hidden=True)
class DocsPage(Resource):
    """The docs page."""

    @returns(fields.String(), media_type="text/html")
    def get(self) -> Reply[str]:
        """Show the docs page."""
        site = cast("_DocumentedSite", self.request.site)
        settings = site.settings
        page = render_page(site.info.title, settings.docs_path or "/", settings.openapi_path or "/", find_assets())
        return Reply(page, headers=_PAGE_HEADERS)


def render_page(title: str, docs_path: str, openapi_path: str, assets: Assets | None) -> str:
    """Return the page as HTML.

    Args:
        title: The API's title.
        docs_path: The path of the page, below the mount prefix.
        openapi_path: The path of the document, below the mount prefix.
        assets: The files that render it, or None for a page that only links to the document.
    """
    folder = posixpath.dirname(docs_path)
    document = escape(posixpath.relpath(openapi_path, folder), quote=True)
    shown = escape(title, quote=True)
    if assets is None:
        return _PAGE.format(title=shown, head="", body=_PLAIN_BODY.format(title=shown, document=document))
    files = escape(posixpath.relpath(f"{docs_path.rstrip('/')}/assets/{assets.version}", folder), quote=True)
    body = _SWAGGER_BODY.format(document=document)
    return _PAGE.format(title=shown, head=_SWAGGER_HEAD.format(assets=files), body=body)


@describe(hidden=True)
@raises(NotFound)
class DocsAsset(Resource):
    """A script or style sheet of the docs page."""

    @returns(fields.String(), media_type=SCRIPT)
    @returns(fields.String(), media_type=STYLE)
    @returns(status=304)
    def get(self, version: str, name: str) -> Reply[Any]:
        """Show one file; its version stands in its URL, so it never changes."""
        assets = find_assets()
        if assets is None or version != assets.version or name not in assets.files:
            raise NotFound("There is no such file.")
        asset, etag = assets.files[name], f'"{version}-{name}"'
        headers = {
            "ETag": etag,
            "Cache-Control": "max-age=31536000, immutable",
            "X-Content-Type-Options": "nosniff",
            "Cross-Origin-Resource-Policy": "same-origin",
        }
        if matches_any(self.request.header("if-none-match"), etag):
            return Reply(status=304, headers=headers)
        return Reply(asset.read(), headers=headers, media_type=asset.media_type)
