"""The check of the contract in a running app, for staging: a step around every answer."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Literal, cast

from ramekin.contract.contracts import Contract
from ramekin.contract.judges import check_installed
from ramekin.contract.records import Breach, ContractBreach
from ramekin.operations import SOCKET
from ramekin.steps import Exchange, Phase, Step

if TYPE_CHECKING:
    from ramekin.requests import Request
    from ramekin.responses import Reply
    from ramekin.sites import Site

_LOGGER = logging.getLogger("ramekin.contract")


def contract_step(mode: Literal["log", "raise"]) -> Step:
    """Return the step that holds every answer of an operation against the document.

    Streams and the messages of WebSockets are sent on unread. It stands inside what other outer steps add to a
    response.

    Args:
        mode: ``log`` writes a record of each breach to the logger ``ramekin.contract``; ``raise`` raises
            `ContractBreach`, which is answered by a 500 and logged as any bug. The texts of neither have what came.

    Raises:
        RamekinError: ``ramekin[testing]`` is not installed.
    """
    check_installed()
    contracts: list[Contract] = []

    def check(exchange: Exchange, reply: Reply[Any]) -> list[Breach]:
        operation = exchange.operation
        if operation is None or operation.method == SOCKET:
            return []
        if not contracts:
            contracts.append(Contract(cast("Site", exchange.request.site)))
        content = b"" if reply.body is None else reply.body
        return contracts[0].check_response(
            operation.id,
            method=operation.method,
            status=reply.status or 200,
            headers=reply.headers.pairs,
            content=content if isinstance(content, bytes) else None,
        )

    def leave_or_raise(exchange: Exchange, reply: Reply[Any]) -> Reply[Any]:
        breaches = check(exchange, reply)
        if breaches:
            error = ContractBreach(breaches)
            # It is logged with its text, as any bug is; what came is in its `breaches`.
            error.args = ("\n".join(_describe(breach) for breach in breaches),)
            raise error
        return reply

    def leave_and_log(exchange: Exchange, reply: Reply[Any]) -> Reply[Any]:
        try:
            for breach in check(exchange, reply):
                _log(breach, exchange.request)
        except Exception:  # The app answers as it would without the check.
            _LOGGER.exception("The contract of %r cannot be checked.", reply)
        return reply

    return Step(phase=Phase.OUTER, name="contract", leave=leave_or_raise if mode == "raise" else leave_and_log)


def _log(breach: Breach, request: Request) -> None:
    _LOGGER.warning(
        "%s",
        _describe(breach),
        extra={"breach": breach, "operation": breach.operation, "request_id": request.id},
    )


def _describe(breach: Breach) -> str:
    """Return a breach in words that leave out what came: it may be somebody's data, and stands in the record alone."""
    return f"{breach.operation} {breach.status}: {breach.kind} at {breach.pointer!r}, declared {breach.declared}"
