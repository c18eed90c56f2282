"""The settings of one test: those of the app with some changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ramekin.errors import RamekinError
from ramekin.settings import Settings
from ramekin.testing.errors import CallError


def change_settings(settings: Settings, changes: Mapping[str, Any] | Settings) -> Settings:
    """Return settings with some changed; ``extra`` and ``limits`` keep what is not named.

    Args:
        settings: The settings of the app.
        changes: The changes by name, or other settings as a whole.

    Raises:
        CallError: One is no setting, or has a value that is none of its own.
    """
    if isinstance(changes, Settings):
        return changes
    given = dict(changes)
    try:
        if isinstance(given.get("extra"), Mapping):
            given["extra"] = {**settings.extra, **given["extra"]}
        if isinstance(given.get("limits"), Mapping):
            given["limits"] = settings.limits.changed(**given["limits"])
        return settings.changed(**given)
    except (TypeError, RamekinError) as error:
        raise CallError(f"The settings of this test cannot be used: {error}") from error
