"""Sessions as credentials: whoever has logged in is the principal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from ramekin.auth.arguments import pass_request
from ramekin.auth.schemes import Scheme
from ramekin.coroutines import is_async
from ramekin.errors import DeclarationError

if TYPE_CHECKING:
    from ramekin.auth.schemes import Found
    from ramekin.requests import Request
    from ramekin.sessions import Sessions

LoadSubject: TypeAlias = "Callable[[str], Found] | Callable[[str, Request], Found]"


class SessionCookie(Scheme):
    """The session of a browser, whose subject is the principal.

    ``session.renew(subject=…)`` at login says whose it is. A session that has ended, was changed or belongs to nobody
    any more counts as none. Requests of other origins are refused by the sessions themselves.

    Args:
        load: Takes the subject of a session, and the ``request`` if it likes, and returns the `Principal`, or None
            where there is none any more; may be ``async def``.
        declared: The sessions that the app declares.
        name: Its name in the document.
        realm: The realm of its challenge.
        description: What the document says of it.

    Raises:
        DeclarationError: What is given are no sessions.

    Example:
        >>> browser = sessions(max_age=timedelta(days=14))
        >>> app.declare(browser)
        >>> session = SessionCookie(find_customer, browser)
    """

    default_name = "session"
    challenge_name = "Cookie"
    refuses = False
    ambient = True
    varies = None  # The session marks each answer that it was used for.

    def __init__(
        self,
        load: LoadSubject,
        declared: Sessions,
        *,
        name: str | None = None,
        realm: str = "api",
        description: str = "",
    ) -> None:
        from ramekin.sessions import Sessions  # Whoever has no sessions does not load them.

        super().__init__(name=name, realm=realm, description=description)
        if not isinstance(declared, Sessions):
            raise DeclarationError(f"SessionCookie takes the sessions(…) that the app declares, not {declared!r}.")
        self._load = pass_request(load)
        self._cookie = declared.cookie
        self.trusted_origins = declared.trusted_origins
        self.blocking = not is_async(load)

    def authenticate(self, request: Request) -> Found:
        """Return whose session a request carries."""
        subject = request.session.subject
        return None if subject is None else self._load(request, subject)

    def is_carried(self, request: Request) -> bool:
        """Tell whether a request carries the cookie."""
        return bool(self._cookie.find(request))

    def document(self) -> Mapping[str, Any]:
        """Return the security scheme object; on this machine the cookie is named without its prefix."""
        return {"type": "apiKey", "in": "cookie", "name": self._cookie.name}
