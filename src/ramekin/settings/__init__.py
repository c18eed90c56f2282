"""The settings of an app: one validated, frozen object, and how it is loaded.

`Settings` states each name, type and default once; the marshmallow schema that judges what a mapping, a TOML file or
the environment says is derived from it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ramekin.settings.cors import CORS
from ramekin.settings.record import Settings

if TYPE_CHECKING:
    from ramekin.settings.loading import load_settings
    from ramekin.settings.sources import Environment, Source, TomlFile

__all__ = ["CORS", "Environment", "Settings", "Source", "TomlFile", "load_settings"]


def __getattr__(name: str) -> Any:
    """Import what loads settings when it is asked for; an app without them does not pay for it."""
    if name == "load_settings":
        from ramekin.settings.loading import load_settings

        return load_settings
    if name in __all__:
        from ramekin.settings import sources

        return getattr(sources, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
