"""The files of the docs page: Swagger UI as the `offapi` package carries it, and the script that starts it.

`offapi` is never imported: its import reads every bundle that it has, of which one is wanted here.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from ramekin.records import Record

if TYPE_CHECKING:
    from pathlib import Path

SCRIPT = "text/javascript"
STYLE = "text/css"

#: Starts Swagger UI on the page's one element. The layout without the top bar asks for no other document, and no
#: validator is asked about this one.
START_SCRIPT = """\
"use strict";
addEventListener("DOMContentLoaded", () => {
  const page = document.getElementById("docs");
  SwaggerUIBundle({
    domNode: page,
    url: new URL(page.dataset.document, document.baseURI).href,
    presets: [SwaggerUIBundle.presets.apis],
    layout: "BaseLayout",
    validatorUrl: null,
    deepLinking: true,
    displayRequestDuration: true,
    defaultModelsExpandDepth: 0,
  });
});
"""

_BUNDLED = {"swagger-ui.js": ("swagger_bundle.js", SCRIPT), "swagger-ui.css": ("swagger_style.css", STYLE)}


class Asset(Record, frozen=True):
    """One file: its media type, and its content on request."""

    media_type: str
    path: Path | None = None

    def read(self) -> bytes:
        """Return the content."""
        return START_SCRIPT.encode() if self.path is None else self.path.read_bytes()


class Assets(Record, frozen=True):
    """The files of the page by name, and a version that tells their content."""

    version: str
    files: dict[str, Asset]


@cache
def find_assets() -> Assets | None:
    """Return the files of the page, or None where `offapi` is not installed."""
    import hashlib
    from importlib.util import find_spec
    from pathlib import Path

    spec = find_spec("offapi")
    if spec is None or not spec.submodule_search_locations:
        return None
    folder = Path(spec.submodule_search_locations[0])
    files = {
        name: Asset(media_type=media_type, path=folder / bundled) for name, (bundled, media_type) in _BUNDLED.items()
    }
    if not all(asset.path and asset.path.is_file() for asset in files.values()):
        return None
    files["start.js"] = Asset(media_type=SCRIPT)
    digest = hashlib.sha256(b"".join(asset.read() for asset in files.values()))
    return Assets(version=digest.hexdigest()[:12], files=files)
