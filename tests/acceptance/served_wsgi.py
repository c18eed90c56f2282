"""The same app for a WSGI server that tells no worker that it starts: importing it sets up."""

from __future__ import annotations

from served import app  # type: ignore[import-not-found]  # It stands beside this file, where the server is run.

__all__ = ["app"]

app.start()
