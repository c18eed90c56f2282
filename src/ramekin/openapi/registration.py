"""The document and the docs page as resources of an app."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ramekin.resources import Resource


def list_resources(openapi_path: str | None, docs_path: str | None) -> list[tuple[str, str, type[Resource]]]:
    """Return name, rule and class of each resource that serves the document and the docs page.

    Args:
        openapi_path: Where the document stands; nowhere when None.
        docs_path: Where the docs page stands; nowhere when None, or when there is no document to show.
    """
    if openapi_path is None:
        return []
    from ramekin.openapi.pages import DocsAsset, DocsPage, DocumentResource

    found: list[tuple[str, str, type[Resource]]] = [("openapi", openapi_path, DocumentResource)]
    if docs_path is not None:
        found.append(("docs", docs_path, DocsPage))
        found.append(("docs-asset", f"{docs_path.rstrip('/')}/assets/<version>/<name>", DocsAsset))
    return found
