"""The OpenAPI document of an app, and the page that shows it.

`info` and `names` are light; `document` imports apispec, and is imported when a document is asked for.

Specification: OpenAPI 3.1.0 and 3.0.3; JSON Schema 2020-12.
"""

from __future__ import annotations
