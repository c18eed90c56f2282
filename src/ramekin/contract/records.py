"""What the check of the contract says: breaches, and the exchanges that kept the contract.

Specification: RFC 6901 (JSON Pointer).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias

#: What part of the contract was broken.
Kind: TypeAlias = Literal["status", "media-type", "header", "body", "problem", "request"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Breach:
    """One place where a response, or a request that should be valid, is not what the document says.

    Attributes:
        operation: The operation's id.
        status: The status of the response; 0 where the request is at fault.
        kind: What part of the contract was broken. ``problem`` is a code that the operation does not declare;
            a problem whose members are wrong breaks ``body``.
        pointer: JSON Pointer to the fault: into the content for ``body`` and ``problem``, to the name of the field for
            ``header`` and ``media-type``, to location and place (``/json/title``) for ``request``; empty for a status.
        declared: What the document says.
        got: What came; at most 200 characters of it.
    """

    operation: str
    status: int
    kind: Kind
    pointer: str
    declared: str
    got: str

    def __str__(self) -> str:
        where = f"{self.operation} {self.status}" if self.status else f"{self.operation} request"
        return f"{where}: {self.kind} at {self.pointer!r}: declared {self.declared}; got {self.got}"


class ContractBreach(AssertionError):
    """A response is not what its operation declares, or a request that should be valid is not.

    Attributes:
        breaches: Every breach that was found.
    """

    def __init__(self, breaches: Iterable[Breach]) -> None:
        self.breaches: tuple[Breach, ...] = tuple(breaches)
        super().__init__("\n".join(str(breach) for breach in self.breaches))


@dataclass(frozen=True, slots=True, kw_only=True)
class Exercise:
    """One exchange that kept the contract, as coverage counts it.

    Attributes:
        operation: The operation's id; that of GET for an answer to HEAD.
        status: The status of the response.
        code: The code of the problem, if it is one.
        media_type: The media type of the response as the document names it; None without content.
        parameters: Location (``path``, ``query``, ``header``, ``cookie``) and name of each declared parameter that the
            request had.
    """

    operation: str
    status: int
    code: str | None
    media_type: str | None
    parameters: frozenset[tuple[str, str]]
