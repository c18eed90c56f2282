"""What a check is, what it finds, and the table of all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from ramekin.errors import DeclarationError
from ramekin.records import Record

if TYPE_CHECKING:
    from ramekin.operations import Operation
    from ramekin.sites import Site

Severity: TypeAlias = Literal["error", "warning"]
#: What a check finds: the operation or the setting, and what is wrong with it.
Found: TypeAlias = "tuple[Operation | str, str]"
Find: TypeAlias = "Callable[[Site], Iterable[Found]]"

#: Every check by its id, in the order of their ids once all modules are imported.
CHECKS: dict[str, Check] = {}


class Check(Record, frozen=True):
    """One thing that may be wrong with an app.

    Attributes:
        id: Its number, which stays: ``RK101``.
        title: What is wrong, in one line.
        severity: ``error`` for what is wrong whatever was meant, ``warning`` for what may be meant.
        is_for_deployment: Whether it counts in production only.
        why: What comes of it.
        fix: What to do.
        find: Yields each place of a site where it is so.
    """

    id: str
    title: str
    severity: Severity
    is_for_deployment: bool
    why: str
    fix: str
    find: Callable[..., Iterable[Any]]


class Finding(Record, frozen=True):
    """One place where a check found something.

    Attributes:
        check: The check.
        where: The operation with its class, or the setting.
        message: What is wrong there.
        operation: The operation's id; None where it is no operation.
    """

    check: Check
    where: str
    message: str
    operation: str | None = None


def check(
    id: str, title: str, *, severity: Severity, why: str, fix: str, deploy: bool = False
) -> Callable[[Find], Find]:
    """Enter the function below as a check; see `Check` for the arguments.

    Raises:
        DeclarationError: The id is taken.
    """

    def register(find: Find) -> Find:
        if id in CHECKS:
            raise DeclarationError(f"The check {id} is there already: {CHECKS[id].title}")
        CHECKS[id] = Check(id=id, title=title, severity=severity, is_for_deployment=deploy, why=why, fix=fix, find=find)
        return find

    return register


def make_finding(check: Check, found: Found) -> Finding:
    """Return what a check found as a record."""
    place, message = found
    if isinstance(place, str):
        return Finding(check=check, where=place, message=message)
    return Finding(check=check, where=f"{place.id} ({place.where})", message=message, operation=place.id)
