"""Resources: classes whose methods are the HTTP methods of one thing.

Specification: RFC 9110 §9 for the methods.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from ramekin.requests import Request
    from ramekin.responses import Reply
    from ramekin.sessions import Session


class Resource:
    """The base class of resources; a new instance answers each request.

    A subclass defines methods named ``get``, ``head``, ``post``, ``put``, ``patch``, ``delete`` or ``options``; each
    declares its successes with `ramekin.returns`. A method ``websocket`` declares its messages with
    `ramekin.sockets.messages`. Everything but the request arrives as a parameter, by name.

    Attributes:
        request: The request that is answered.
    """

    __slots__ = ("__dict__", "request")

    request: Request  # Set by what makes an instance; to call a method for that would take longer than all the rest.

    @property
    def principal(self) -> Any:
        """Who the request is from; see `Request.principal`."""
        return self.request.principal

    @property
    def session(self) -> Session:
        """What the app remembers of this client, where it has declared `ramekin.sessions.sessions`."""
        return self.request.session

    def url_for(self, target: type[Any] | str, /, **values: Any) -> str:
        """Return the path of a resource with the mount prefix, never a host; see `Request.url_for`."""
        return self.request.url_for(target, **values)

    def before(self, request: Request) -> Reply[Any] | Coroutine[Any, Any, Reply[Any] | None] | None:
        """Run before the method, its inputs loaded; a Reply is answered in its place."""

    def after(self, request: Request, reply: Reply[Any]) -> Reply[Any] | Coroutine[Any, Any, Reply[Any] | None] | None:
        """Run after the method with its reply, problems too; a Reply returned takes its place."""

    def teardown(self, request: Request, error: Exception | None) -> Coroutine[Any, Any, None] | None:
        """Run after the last byte, with the unhandled exception if there was one; always, once ``before`` ran."""
