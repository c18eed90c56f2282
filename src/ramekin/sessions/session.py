"""The session of one request: a mapping that is read on first use, and kept at the end where it has changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, MutableMapping
from hashlib import sha256
from typing import Any, NamedTuple, Protocol, TypeVar

from ramekin import json
from ramekin.errors import ContractError
from ramekin.limits import Limits

ValueT = TypeVar("ValueT")

#: What a session holds was put there by the app, and checked then.
_UNLIMITED = Limits().changed(json_nodes=2**31, json_depth=512, number_digits=100_000)


class Loaded(NamedTuple):
    """A session that came with a request.

    Attributes:
        data: Its values, as JSON.
        subject: Whose it is.
        created_at: When it began, in seconds since 1970.
        expires_at: When it ends, in seconds since 1970.
        id: Its id; empty where no store keeps it.
    """

    data: bytes
    subject: str | None
    created_at: float
    expires_at: float
    id: str = ""


class Home(Protocol):
    """Where sessions are kept, as far as a session asks."""

    def new_id(self) -> str:
        """Return an id for a new session; empty where it needs none."""

    def check_size(self, data: dict[str, Any], subject: str | None) -> None:
        """Refuse a session that is too large to be kept."""


class Session(MutableMapping[str, Any]):
    """What is remembered of a client, by name; the values are those of JSON.

    It is read on first use. At the end of the request it is kept if it has changed, in its nested values too, unless
    the answer is a server error. An answer that it was used for is marked ``Vary: Cookie`` and
    ``Cache-Control: private``.

    Attributes:
        touched: Whether it was used, if only to see whether there is one.
    """

    __slots__ = ("_closed", "_data", "_ended", "_guard", "_home", "_id", "_load", "_loaded", "_subject", "touched")

    def __init__(self, home: Home, load: Callable[[], Loaded | None], guard: Callable[[], None]) -> None:
        """Make the session of a request.

        Args:
            home: Where it will be kept.
            load: Reads what came with the request.
            guard: Raises where this request may not change a session.
        """
        self._home = home
        self._load = load
        self._guard = guard
        self._loaded: Loaded | None = None
        self._data: dict[str, Any] = {}
        self._subject: str | None = None
        self._id = ""
        self._ended = False
        self._closed = False
        self.touched = False

    # -- Reading ------------------------------------------------------------------------------------------------------

    def _read(self) -> dict[str, Any]:
        if not self.touched:
            self._check_open("used")
            self._loaded = loaded = self._load()
            self.touched = True  # Not before it was read: a store that fails is asked again.
            if loaded is not None:
                self._data = decode_data(loaded.data)
                self._subject, self._id = loaded.subject, loaded.id
        return self._data

    @property
    def subject(self) -> str | None:
        """Whose session it is, as `renew` was told; None while nobody has logged in."""
        self._read()
        return self._subject

    @property
    def is_new(self) -> bool:
        """Whether the request brought no session that is good."""
        self._read()
        return self._loaded is None

    @property
    def key(self) -> str | None:
        """The name by which the store knows it, for ``store.revoke``; None while no store does."""
        self._read()
        return hash_id(self._id) if self._id else None

    def get_as(self, name: str, kind: type[ValueT]) -> ValueT | None:
        """Return a value if it is of this type, and None otherwise: what older code has put there is no surprise.

        Example:
            >>> session["visits"] = 3
            >>> session.get_as("visits", int), session.get_as("visits", str)
            (3, None)
        """
        value = self._read().get(name)
        return value if type(value) is kind else None

    def __getitem__(self, name: str) -> Any:
        return self._read()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._read())

    def __len__(self) -> int:
        return len(self._read())

    # -- Changing -----------------------------------------------------------------------------------------------------

    def _change(self) -> dict[str, Any]:
        data = self._read()
        self._check_open("changed")
        self._guard()
        return data

    def _check_open(self, what: str) -> None:
        if self._closed:
            raise ContractError(f"The session was {what} when the head of the response was on its way.")

    def __setitem__(self, name: str, value: Any) -> None:
        """Set a value.

        Raises:
            ContractError: The name is no text, JSON cannot carry the value or would bring it back as another one, or
                the session becomes too large for a cookie.
            CrossOrigin: 403, the request was sent by a page of another origin.
        """
        if not isinstance(name, str):
            raise ContractError(f"The names in a session are text, not {name!r}.")
        check_data({name: value})
        changed = {**self._change(), name: value}
        self._home.check_size(changed, self._subject)
        self._data = changed

    def __delitem__(self, name: str) -> None:
        del self._change()[name]

    def renew(self, *, subject: str | None = None, keep: Iterable[str] = ()) -> None:
        """Begin a fresh session in the place of this one: at login, and whenever somebody may do more than before.

        Its id is new, the old one is revoked where a store keeps it, and whoever knew it has nothing.

        Args:
            subject: Whose it is from now on, such as ``str(user.id)``; ``store.revoke_all`` ends all of a subject's.
            keep: Names of the values that are carried over.

        Raises:
            ContractError: The subject is no text, or too long for a cookie.
            CrossOrigin: 403, the request was sent by a page of another origin.
        """
        if subject is not None and (not isinstance(subject, str) or not subject):
            raise ContractError(f"session.renew(subject=…) takes a text such as str(user.id), not {subject!r}.")
        data = self._change()
        kept = {name: data[name] for name in keep if name in data}
        self._home.check_size(kept, subject)
        self._data = kept
        self._subject = subject
        self._ended = True
        self._id = self._home.new_id()

    def clear(self) -> None:
        """End the session: nothing of it is left, whoever it belonged to; the cookie is cleared."""
        self._change()
        self._data, self._subject, self._id, self._ended = {}, None, "", True

    def __repr__(self) -> str:
        return f"<Session with {len(self._data)} values>" if self.touched else "<Session, not read>"


class Snapshot(NamedTuple):
    """A session at the end of a request.

    Attributes:
        came: The one that came with the request.
        ended: Whether that is over.
        data: The values, as JSON.
        subject: Whose it is.
        id: Its id; empty where no store keeps it, or no request has brought it and it was not renewed.
    """

    came: Loaded | None
    ended: bool
    data: bytes
    subject: str | None
    id: str

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to keep."""
        return self.subject is None and self.data == b"{}"


def close_session(session: Session) -> None:
    """Let nothing be changed from now on, nor read that was not before."""
    session._closed = True


def take_snapshot(session: Session) -> Snapshot:
    """Return a session as it is.

    Raises:
        ContractError: JSON cannot carry a value, or would bring it back as another one.
    """
    came = session._loaded
    data = json.encode(session._data)
    if came is None or data != came.data:
        check_data(session._data)
    return Snapshot(came, session._ended, data, session._subject, session._id)


def fill_session(session: Session, loaded: Loaded | None) -> None:
    """Give a session what came with the request, read ahead of its first use."""
    session._load = lambda: loaded


def check_data(data: dict[str, Any]) -> None:
    """Refuse values that would not come back as they are.

    Raises:
        ContractError: JSON cannot carry one of them, or would bring it back as another one.
    """
    back = decode_data(json.encode(data))
    if back != data:
        name = next(name for name in data if back[name] != data[name])
        raise ContractError(
            f"session[{name!r}] holds a {type(data[name]).__name__} that JSON would bring back as another value; "
            "put text, numbers, true, false, null, lists and dicts with names of text there."
        )


def decode_data(data: bytes) -> dict[str, Any]:
    """Return the values of a session."""
    decoded: dict[str, Any] = json.decode(data, _UNLIMITED)
    return decoded


def hash_id(id: str) -> str:
    """Return the key of a session in its store, from which nobody gets back to the id."""
    return sha256(id.encode()).hexdigest()
