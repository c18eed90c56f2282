"""The contract of one site: what its document says of every operation, ready to be held against exchanges."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from ramekin.contract.records import Breach, Exercise

if TYPE_CHECKING:
    from ramekin.sites import Site


class Contract:
    """Holds responses and requests against the document of a site.

    What the document says of an operation is compiled when the operation is first met.

    Args:
        site: The site.
    """

    def __init__(self, site: Site) -> None:
        self.site = site

    def check_response(
        self,
        operation_id: str | None,
        *,
        method: str,
        status: int,
        headers: Iterable[tuple[str, str]],
        content: bytes | None,
    ) -> list[Breach]:
        """Return what a response breaks.

        Args:
            operation_id: The operation that answered; None where none did, of which the document says nothing.
            method: The method of the request.
            status: The status.
            headers: The header fields.
            content: The content; None where it is not to be looked at, as with streams.
        """
        raise NotImplementedError

    def check_request(
        self,
        operation_id: str,
        *,
        path_values: dict[str, str],
        query_string: str,
        headers: Iterable[tuple[str, str]],
        content: bytes,
    ) -> list[Breach]:
        """Return what makes a request invalid."""
        raise NotImplementedError

    def describe_exercise(
        self,
        operation_id: str,
        *,
        status: int,
        headers: Iterable[tuple[str, str]],
        content: bytes | None,
        query_string: str,
        request_headers: Iterable[tuple[str, str]],
    ) -> Exercise:
        """Return an exchange as coverage counts it."""
        raise NotImplementedError
