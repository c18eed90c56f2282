"""A site: an app compiled with settings, immutable, ready for a gateway."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from ramekin.errors import RoutingError
from ramekin.methods import Fallback, Route
from ramekin.operations import SOCKET
from ramekin.outcomes import Responder
from ramekin.plans import Plan, compile_plan
from ramekin.routing import Router, quote_path
from ramekin.safeguards import Safeguards
from ramekin.steps import order_steps

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication
    from werkzeug.routing import BaseConverter

    from ramekin.failures import Failures
    from ramekin.hosts import TrustedHosts
    from ramekin.lifespans import Lifespan
    from ramekin.openapi.info import Info
    from ramekin.operations import Operation
    from ramekin.problems import ProblemFormat
    from ramekin.resources import Resource
    from ramekin.settings import Settings
    from ramekin.sockets.plans import SocketPlan
    from ramekin.steps import Step
    from ramekin.types import ASGIApplication

Modify = Callable[[dict[str, Any]], None]


def _trusted_hosts(settings: Settings) -> TrustedHosts | None:
    if not settings.trusted_hosts:
        return None
    from ramekin.hosts import LOOPBACK_HOSTS, TrustedHosts

    # The development server is asked as this machine, whatever the app is called in production.
    return TrustedHosts((*settings.trusted_hosts, *(LOOPBACK_HOSTS if settings.debug else ())))


class Site:
    """An app compiled with settings.

    Attributes:
        operations: Every operation of HTTP, in the order of registration; what all readers of the app read.
        sockets: Every operation that opens WebSocket connections.
        settings: The settings it was compiled with.
        info: What the document says of the API as a whole.
        problem_format: How problems are written.
        router: Finds routes by path.
        failures: Answers exceptions.
        fallback: Answers requests that match no operation.
        hosts: Judges the hosts that requests ask; None where any is taken.
        lifespan: What is set up before the first request in each worker.
    """

    def __init__(
        self,
        *,
        operations: Sequence[Operation],
        settings: Settings,
        info: Info,
        problem_format: ProblemFormat,
        failures: Failures,
        converters: Mapping[str, type[BaseConverter]],
        steps_of: Callable[[Operation], Iterable[Step]],
        outer_steps: Iterable[Step],
        modify: Sequence[Modify],
        lifespan: Lifespan,
    ) -> None:
        self.operations = tuple(operation for operation in operations if operation.method != SOCKET)
        self.sockets = tuple(operation for operation in operations if operation.method == SOCKET)
        self.settings = settings
        self.info = info
        self.problem_format = problem_format
        self.failures = failures
        self.hosts = _trusted_hosts(settings)
        self.lifespan = lifespan
        self._modify = tuple(modify)
        self._names: dict[type[Any], list[str]] = {}
        self._documents: dict[tuple[str, str], tuple[bytes, str]] = {}
        outer = list(outer_steps)
        responder = Responder(Safeguards(enabled=settings.security_headers))
        self.fallback = Fallback(order_steps(outer, "the app"), failures, settings, responder.to_head)
        by_name: dict[str, dict[str, Operation]] = {}
        for operation in operations:
            by_name.setdefault(operation.name, {})[operation.method] = operation
        rules: list[tuple[str, str, Route]] = []
        for name, methods in by_name.items():
            plans: dict[str, Plan] = {}
            socket: SocketPlan | None = None
            for method, operation in methods.items():
                steps = order_steps([*outer, *steps_of(operation)], operation.where)
                if method == SOCKET:
                    from ramekin.sockets.plans import SocketPlan

                    socket = SocketPlan(operation, steps, failures, settings, responder)
                else:
                    plans[method] = compile_plan(operation, steps, failures, settings, responder)
            any_operation = next(iter(methods.values()))
            rules.append((name, any_operation.rule, Route(plans, socket)))
            self._names.setdefault(any_operation.resource, []).append(name)
        self.router: Router[Route] = Router(rules, converters)
        #: The WSGI and the ASGI application, set by the app that assembles the site.
        self.wsgi: WSGIApplication
        self.asgi: ASGIApplication

    @property
    def shared(self) -> dict[str, Any]:
        """What the lifespan made, for all requests of this worker."""
        return self.lifespan.shared

    @property
    def names(self) -> Mapping[type[Resource], Sequence[str]]:
        """The names of each resource class's registrations."""
        return MappingProxyType(self._names)

    def find_name(self, target: type[Any] | str) -> str:
        """Return the name of the one registration of a resource class, or check a name.

        Raises:
            RoutingError: There is none, or there are several.
        """
        if isinstance(target, str):
            if not any(target in names for names in self._names.values()):
                raise RoutingError(f"No registration is named {target!r}; there are: {', '.join(self._all_names())}.")
            return target
        names = self._names.get(target)
        if not names:
            raise RoutingError(
                f"{getattr(target, '__name__', target)!s} is not registered; there are: {', '.join(self._all_names())}."
            )
        if len(names) > 1:
            raise RoutingError(
                f"{target.__name__} is registered as {' and '.join(names)}; give the name instead of the class."
            )
        return names[0]

    def _all_names(self) -> list[str]:
        return [name for names in self._names.values() for name in names]

    def build_path(self, script_name: str, target: type[Any] | str, values: Mapping[str, Any]) -> str:
        """Return the path of a resource with the mount prefix; see `ramekin.requests.Request.url_for`."""
        return quote_path(script_name) + self.router.build(self.find_name(target), values)

    def document(self, version: Literal["3.1", "3.0"] | None = None, prefix: str = "") -> dict[str, Any]:
        """Return the OpenAPI document, built anew.

        Args:
            version: The version of OpenAPI; the settings' when None.
            prefix: The path that the app is mounted under.

        Raises:
            DeclarationError: Two components or operations would have one name.
        """
        from ramekin.openapi.document import build_document

        return build_document(
            self.operations,
            self.info,
            self.problem_format,
            version=version or self.settings.openapi_version,
            prefix=prefix,
            modify=self._modify,
            sockets=self.sockets,
        )

    def document_bytes(self, prefix: str = "") -> tuple[bytes, str]:
        """Return the document as JSON, and its entity tag; built on first use, then kept."""
        key = self.settings.openapi_version, prefix
        found = self._documents.get(key)
        if found is None:
            import hashlib

            from ramekin import json

            body = json.encode(self.document(prefix=prefix))
            found = body, f'"{hashlib.sha256(body).hexdigest()[:32]}"'
            if len(self._documents) < 16:
                self._documents[key] = found
        return found
