"""The developer's mistakes: what was declared or configured wrongly, raised before anything is served.

    RamekinError            any of them
    ├── DeclarationError    a declaration, resource or registration that cannot be served as it is written
    ├── RoutingError        a rule that does not parse, or two that conflict
    ├── SettingsError       a setting with a bad value; names its key and its source
    ├── FrozenError         a change after the app was compiled
    └── ContractError       a handler that did what its declaration excludes (answered by a 500)

HTTP problems, which clients see, are another tree: `ramekin.problems`.
"""

from __future__ import annotations


class RamekinError(Exception):
    """A mistake of the developer's: says what was given, what was expected and where."""


class DeclarationError(RamekinError):
    """A declaration, resource or registration cannot be served as it is written."""


class RoutingError(RamekinError):
    """A rule does not parse, names no known converter, or conflicts with another rule."""


class SettingsError(RamekinError):
    """A setting has a bad value; the message names its key and its source."""


class FrozenError(RamekinError):
    """Something was registered or declared after the app was compiled."""


class ContractError(RamekinError):
    """A handler did what its declaration excludes: an undeclared status, a value no codec can carry."""
