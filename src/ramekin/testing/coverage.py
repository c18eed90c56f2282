"""Coverage of the contract: what each operation declares, and which of it a test run has exercised.

A *point* is one thing that an operation declares and a test can meet: a success (status and media type), a problem
(status and code), a parameter of query, header or cookie that some request carries. Path parameters are left out: every
request has them.

Most implied outcomes count, for a request can reach them. Those that no request reaches on purpose are *exempt*: they
are shown, and stand in no percentage. `exemption` says which, and why.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal, TypeAlias
from weakref import WeakSet

from marshmallow.validate import Equal

from ramekin.inputs import header_name
from ramekin.inputs.names import load_names
from ramekin.problems import BadRequest, InternalServerError, NotAcceptable, NotFound, ServiceUnavailable

if TYPE_CHECKING:
    from marshmallow import Schema

    from ramekin.contract import Exercise
    from ramekin.operations import Operation, Outcome
    from ramekin.sites import Site
    from ramekin.types import Location

Kind: TypeAlias = Literal["success", "problem", "parameter"]

#: What the JSON report is; a report of another number is not merged.
FORMAT = 1
#: Most tests that are named beside one point.
NAMED_TESTS = 3

_PLACES: Mapping[Location, str] = {"query": "query", "headers": "header", "cookies": "cookie"}


@dataclass(slots=True)
class Point:
    """One thing that an operation declares.

    Attributes:
        kind: What it is.
        name: Status and media type, status and code, or location and name.
        exempt: Why it does not count; empty where it does.
        count: How many exchanges met it.
        tests: The first tests that did.
    """

    kind: Kind
    name: str
    exempt: str = ""
    count: int = 0
    tests: list[str] = field(default_factory=list)

    @property
    def missing(self) -> bool:
        """Whether it counts and was not met."""
        return not self.exempt and not self.count

    def add(self, count: int, tests: Iterable[str]) -> None:
        """Note exchanges that met it."""
        self.count += count
        for test in tests:
            if len(self.tests) < NAMED_TESTS and test and test not in self.tests:
                self.tests.append(test)


class _Tally:
    """Sums over points; what holds them says which."""

    __slots__ = ()

    def all_points(self) -> Iterator[Point]:
        raise NotImplementedError

    @property
    def counted(self) -> int:
        """How many points count."""
        return sum(not point.exempt for point in self.all_points())

    @property
    def covered(self) -> int:
        """How many of those that count were met."""
        return sum(not point.exempt and point.count > 0 for point in self.all_points())

    @property
    def percent(self) -> float:
        """What part of the points that count was met, with one decimal; only all of them make 100."""
        return 1000 * self.covered // self.counted / 10 if self.counted else 100.0

    @property
    def missing(self) -> list[Point]:
        """The points that count and were not met."""
        return [point for point in self.all_points() if point.missing]


@dataclass(slots=True)
class OperationCoverage(_Tally):
    """One operation and its points, by kind and name."""

    id: str
    method: str
    path: str
    summary: str
    points: dict[tuple[Kind, str], Point] = field(default_factory=dict)

    def all_points(self) -> Iterator[Point]:
        """Return its points, in the order of the declarations."""
        return iter(self.points.values())

    def find(self, exercise: Exercise) -> Iterator[Point]:
        """Yield the points that an exchange meets."""
        if exercise.status >= 400:
            yield from self._find_outcome("problem", exercise.status, exercise.code)
        else:
            yield from self._find_outcome("success", exercise.status, exercise.media_type)
        for location, name in exercise.parameters:
            point = self.points.get(("parameter", f"{location} {name}"))
            if point is not None:
                yield point

    def _find_outcome(self, kind: Kind, status: int, detail: str | None) -> Iterator[Point]:
        """Yield the point of this status and code or media type; without these, the only one of the status."""
        point = self.points.get((kind, _name(status, detail))) or self.points.get((kind, str(status)))
        if point is None and detail is None:
            prefix = f"{status} "
            of_status = [
                point for point in self.points.values() if point.kind == kind and point.name.startswith(prefix)
            ]
            point = of_status[0] if len(of_status) == 1 else None
        if point is not None:
            yield point


@dataclass(slots=True)
class APICoverage(_Tally):
    """One API, known by its title and version, and its operations by their ids."""

    title: str
    version: str
    operations: dict[str, OperationCoverage] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Title and version."""
        return f"{self.title} {self.version}"

    def all_points(self) -> Iterator[Point]:
        """Return the points of all its operations."""
        return (point for operation in self.operations.values() for point in operation.all_points())


class Coverage(_Tally):
    """What the contracts of some APIs declare, and what of it was exercised.

    Sites of one title and version are one API: an app and the same app with other settings are not told apart.

    Attributes:
        apis: The APIs by title and version.
    """

    def __init__(self) -> None:
        self.apis: dict[tuple[str, str], APICoverage] = {}
        self._sites: WeakSet[Site] = WeakSet()
        self._lock = Lock()

    def all_points(self) -> Iterator[Point]:
        """Return the points of all APIs."""
        return (point for api in self.apis.values() for point in api.all_points())

    def declare(self, site: Site) -> None:
        """Take up what the operations of a site declare; hidden ones have no contract."""
        if site in self._sites:
            return
        self._sites.add(site)
        key = site.info.title, site.info.version
        api = self.apis.setdefault(key, APICoverage(*key))
        codes = _states_codes(site)
        for operation in site.operations:
            if not operation.hidden:
                fresh = OperationCoverage(operation.id, operation.method, operation.path, operation.summary)
                points = api.operations.setdefault(operation.id, fresh).points
                for place, point in list_points(operation, codes=codes).items():
                    points.setdefault(place, point)

    def record(self, site: Site, exercise: Exercise) -> None:
        """Note an exchange; this is an observer of the test client."""
        test = os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" (")[0]
        with self._lock:
            self.declare(site)
            operation = self.apis[site.info.title, site.info.version].operations.get(exercise.operation)
            for point in operation.find(exercise) if operation is not None else ():
                point.add(1, [test])

    def keep(self, key: tuple[str, str]) -> None:
        """Leave out every API but that of this title and version."""
        self.apis = {known: api for known, api in self.apis.items() if known == key}

    # -- From process to process --------------------------------------------------------------------------------------

    def dump(self) -> dict[str, Any]:
        """Return everything in JSON's types: the JSON report."""
        return {"format": FORMAT, **_sums(self), "apis": [_dump_api(api) for api in self.apis.values()]}

    def merge(self, report: Mapping[str, Any], *, declared: bool = False) -> None:
        """Add what another process exercised, as it was dumped.

        Args:
            report: What `dump` returned there.
            declared: Whether its declarations are those of this run. If not, what an API that is known here does not
                declare any more is left out.

        Raises:
            ValueError: It is no report, or one of another format.
        """
        try:
            if report["format"] != FORMAT:
                raise ValueError(f"is of format {report['format']}, not {FORMAT}")
            for api in report["apis"]:
                self._merge_api(api, declared)
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError("is no report of contract coverage") from error

    def _merge_api(self, data: Mapping[str, Any], declared: bool) -> None:
        key = data["title"], data["version"]
        grows = declared or key not in self.apis
        api = self.apis.setdefault(key, APICoverage(*key))
        for item in data["operations"]:
            if grows:
                fresh = OperationCoverage(item["id"], item["method"], item["path"], item["summary"])
                points = api.operations.setdefault(item["id"], fresh).points
            elif item["id"] in api.operations:
                points = api.operations[item["id"]].points
            else:
                continue
            for told in item["points"]:
                place = told["kind"], told["name"]
                if grows:
                    points.setdefault(place, Point(*place, told["exempt"]))
                if place in points:
                    points[place].add(told["count"], told["tests"])


def list_points(operation: Operation, *, codes: bool = True) -> dict[tuple[Kind, str], Point]:
    """Return what an operation declares, by kind and name; problems in the order of their statuses.

    Args:
        operation: The operation.
        codes: Whether its problems state their codes. Where they do not, those of one status are one point.
    """
    statuses = [] if codes else [outcome.status for outcome in operation.outcomes if outcome.problem is not None]
    points = [_outcome_point(operation, outcome, statuses.count(outcome.status) > 1) for outcome in operation.outcomes]
    # Where problems share a point, one that counts comes last and stays.
    points.sort(key=lambda point: (point.name, not point.exempt) if point.kind == "problem" else ("", True))
    for location, place in _PLACES.items():
        for item in operation.inputs_at(location):
            shape: Schema = item.shape  # type: ignore[assignment]  # no bare field there
            names = (header_name(name) if location == "headers" else name for name in load_names(shape))
            points += (Point("parameter", f"{place} {name}") for name in names)
    return {(point.kind, point.name): point for point in points}


def _outcome_point(operation: Operation, outcome: Outcome, is_shared: bool) -> Point:
    if outcome.problem is None:
        return Point("success", _name(outcome.status, outcome.media_type))
    name = _name(outcome.status, None if is_shared else outcome.problem.code)
    return Point("problem", name, exemption(operation, outcome))


def _states_codes(site: Site) -> bool:
    """Tell whether the site's format of problems fixes the code of each, so that an answer says which it is."""
    declared = site.problem_format.schema(InternalServerError).fields
    return any(
        (each.data_key or name) == "code" and any(isinstance(rule, Equal) for rule in each.validators)
        for name, each in declared.items()
    )


def exemption(operation: Operation, outcome: Outcome) -> str:
    """Return why an outcome does not count, or nothing where it does; what is declared by hand always counts."""
    if not outcome.implied:
        return ""
    if outcome.problem is InternalServerError:
        return "a bug answers it, and no request"
    if outcome.problem is ServiceUnavailable:
        return "what it depends on answers it by being away, and no request"
    if outcome.problem is NotFound and NotFound not in operation.effects.implied_problems:
        return "the router answers it, before there is an operation"
    if outcome.problem is NotAcceptable and not any(success.media_type for success in operation.successes):
        return "it answers without content, so every Accept fits"
    if outcome.problem is BadRequest and not (
        operation.has_body or operation.inputs_at("query") or operation.inputs_at("cookies")
    ):
        return "it reads nothing that could be malformed"
    return ""


def _name(status: int, detail: str | None) -> str:
    return f"{status} {detail}" if detail else str(status)


def _sums(tally: _Tally) -> dict[str, Any]:
    return {"covered": tally.covered, "counted": tally.counted, "percent": tally.percent}


def _dump_api(api: APICoverage) -> dict[str, Any]:
    operations = [
        {
            "id": operation.id,
            "method": operation.method,
            "path": operation.path,
            "summary": operation.summary,
            **_sums(operation),
            "points": [
                {
                    "kind": point.kind,
                    "name": point.name,
                    "exempt": point.exempt,
                    "count": point.count,
                    "tests": list(point.tests),
                }
                for point in operation.all_points()
            ],
        }
        for operation in api.operations.values()
    ]
    return {"title": api.title, "version": api.version, **_sums(api), "operations": operations}
