"""Schemes: how a request shows who it is from. The base class of all of them, and of one's own.

Specification: RFC 9110 §11 (HTTP authentication); OpenAPI 3.1 §4.8.27 (security scheme object).
"""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from ramekin.auth.principals import Principal
from ramekin.auth.requirements import Alternative, Requirement, check_scopes
from ramekin.coroutines import is_async
from ramekin.errors import DeclarationError

if TYPE_CHECKING:
    from ramekin.auth.credentials import ErrorCode
    from ramekin.problems import Problem
    from ramekin.requests import Request
    from ramekin.settings import Settings

#: Who it is, or None; at once or once it is awaited.
Found: TypeAlias = "Principal[Any] | Awaitable[Principal[Any] | None] | None"

#: The name of a component (OpenAPI 3.1 §4.8.7).
_NAME = re.compile(r"[A-Za-z0-9._-]+")
#: What a quoted string can hold as it is (RFC 9110 §5.6.4).
_QUOTABLE = re.compile(r"[\t !#-\[\]-~]*")


class Scheme(Requirement):
    """How a request shows who it is from; the base class of all schemes, and of one's own.

    A subclass says who is authenticated, and how the document describes it. A scheme is a requirement:
    ``requires(keys)`` asks for it, ``keys("books:write")`` for scopes besides.

    Args:
        name: Its name in the document and in ``ramekin routes``; the class's own when None.
        realm: The realm of its challenge (RFC 9110 §11.5).
        description: What the document says of it, in Markdown.

    Raises:
        DeclarationError: The name or realm cannot be sent.

    Example:
        >>> class Badges(Scheme):
        ...     default_name = "badges"
        ...
        ...     def authenticate(self, request):
        ...         badge = request.header("x-badge")
        ...         return None if badge is None else Principal(badge)
        ...
        ...     def document(self):
        ...         return {"type": "apiKey", "in": "header", "name": "X-Badge"}
    """

    #: What it is called where no name is given.
    default_name: ClassVar[str]
    #: The authentication scheme that its challenge names; None where it makes none.
    challenge_name: ClassVar[str | None] = None
    #: Problems beside 401 and 403 that it ends in by itself.
    problems: tuple[type[Problem], ...] = ()
    #: Whether bad credentials are refused; otherwise they count as none.
    refuses: bool = True
    #: Fields of the request, beside ``Authorization``, that it reads: the answers of its operations vary with them, and
    #: are marked so that no shared cache keeps them. None marks nothing, for credentials that caches know by themselves
    #: (``Authorization``: RFC 9111 §3.5).
    varies: tuple[str, ...] | None = ()
    #: Whether it may wait other than by awaiting: for a database, a server, the hash of a password.
    blocking: bool = True
    #: Whether browsers send its credentials by themselves, whoever's page has made the request, as they do cookies and
    #: passwords. Unsafe requests that carry them from another origin are then refused: 403 ``cross-origin``.
    ambient: bool = False
    #: Other origins whose pages may send unsafe requests with such credentials.
    trusted_origins: frozenset[str] = frozenset()

    def __init__(self, *, name: str | None = None, realm: str = "api", description: str = "") -> None:
        kind = type(self).__name__
        self.name = getattr(self, "default_name", kind.lower()) if name is None else name
        if not isinstance(self.name, str) or not _NAME.fullmatch(self.name):
            raise DeclarationError(f"{kind}(name=…) is a word of letters, digits, '.', '_' and '-', not {name!r}.")
        if not isinstance(realm, str) or not _QUOTABLE.fullmatch(realm):
            raise DeclarationError(f"{kind}(realm=…) is ASCII text without quotes or backslashes, not {realm!r}.")
        self.realm = realm
        self.description = description
        if is_async(self.authenticate):
            self.blocking = False

    @abstractmethod
    def authenticate(self, request: Request) -> Found:
        """Return who a request is from, or None where it carries no credentials of this scheme.

        It may be ``async def``.

        Raises:
            BadCredentials: 401, there are credentials, and they are not accepted.
        """

    def is_carried(self, request: Request) -> bool:
        """Tell whether a request carries credentials of this scheme, good or bad; asked where it is ``ambient``.

        A subclass that does not say it has every request count as one.
        """
        return True

    @abstractmethod
    def document(self) -> Mapping[str, Any]:
        """Return the security scheme object of OpenAPI; the description is added to it."""

    def compile(self, settings: Settings) -> Callable[[Request], Found]:
        """Return what authenticates requests of an app with these settings; `authenticate` by default.

        Raises:
            SettingsError: They lack what this scheme needs.
        """
        return self.authenticate

    def challenge(self, error: ErrorCode | None = None, scopes: frozenset[str] = frozenset()) -> str | None:
        """Return its challenge for ``WWW-Authenticate`` (RFC 9110 §11.6.1), or None where it makes none.

        Args:
            error: What was wrong with the credentials; None where there were none.
            scopes: The scopes that were lacking.
        """
        return None if self.challenge_name is None else f'{self.challenge_name} realm="{self.realm}"'

    def check_scopes(self, scopes: frozenset[str]) -> None:
        """Refuse scopes that it never grants.

        Raises:
            DeclarationError: It knows all its scopes, and one is none of them.
        """

    def __call__(self, *scopes: str) -> Requirement:
        """Return the requirement of this scheme with these scopes."""
        for scope in scopes:
            if not isinstance(scope, str):
                raise DeclarationError(
                    f"{self.name}(…) takes scopes, not {scope!r}. On a method or class stands @requires({self.name})."
                )
        return Requirement.of(Alternative(grants={self: check_scopes(scopes, f"{self.name}(…)")}))

    def list_alternatives(self) -> tuple[Alternative, ...]:
        """Return itself, without scopes."""
        return (Alternative(grants={self: frozenset()}),)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}>"
