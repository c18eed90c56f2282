"""Checks of who may call what."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ramekin.checks.network import is_loopback
from ramekin.checks.registry import check
from ramekin.checks.subjects import api_operations, is_guarded, security_schemes
from ramekin.origins import SAFE_METHODS

if TYPE_CHECKING:
    from ramekin.operations import Operation
    from ramekin.sites import Site

#: Flows in which tokens or passwords pass through the client's hands (RFC 9700 §2.1.2 and §2.4).
_OLD_FLOWS = ("implicit", "password")
_FLOW_URLS = ("authorizationUrl", "tokenUrl", "refreshUrl")


@check(
    "RK301",
    "An operation says nothing of who may call it, and others do",
    severity="error",
    why="It is open to everybody. Most holes of this kind are forgotten decorators.",
    fix="Say who may call it, or that everybody may.",
)
def find_forgotten_rules(site: Site) -> Iterator[tuple[Operation, str]]:
    """Look for operations without a word on security, beside some that have one."""
    operations = list(api_operations(site))
    if any(operation.effects.security for operation in operations):
        for operation in operations:
            if operation.effects.security is None:
                yield operation, "It has no access rule."


@check(
    "RK302",
    "Everybody may change something",
    severity="warning",
    why="A program can call it as often as it likes: accounts, mails and orders by the thousand.",
    fix="Guard it, or silence this for what has to be open, such as the login, and limit how often it is called.",
)
def find_open_changes(site: Site) -> Iterator[tuple[Operation, str]]:
    """Look for unsafe operations that are open, in an API that guards others."""
    operations = list(api_operations(site))
    if any(is_guarded(operation) for operation in operations):
        for operation in operations:
            security = operation.effects.security
            if operation.method not in SAFE_METHODS and security is not None and not is_guarded(operation):
                yield operation, f"{operation.method} {operation.path} needs no credentials."


@check(
    "RK303",
    "Nothing guards an API that changes something",
    severity="warning",
    deploy=True,
    why="Whoever reaches the app can change everything in it.",
    fix="Say who may call what, or silence this where a gateway asks for credentials.",
)
def find_no_scheme(site: Site) -> Iterable[tuple[str, str]]:
    """Look for unsafe operations in an API without a security scheme."""
    changes = [operation.id for operation in api_operations(site) if operation.method not in SAFE_METHODS]
    if changes and not security_schemes(site):
        yield "the app", f"No operation wants credentials; among them {', '.join(changes[:3])}."


@check(
    "RK304",
    "Passwords travel with every request",
    severity="warning",
    deploy=True,
    why="HTTP Basic sends them as text; over plain HTTP anybody on the way reads them.",
    fix="Serve over HTTPS alone and state an https base_url, or take tokens.",
)
def find_plain_basic(site: Site) -> Iterator[tuple[str, str]]:
    """Look for HTTP Basic without a base URL over HTTPS."""
    for name, scheme in security_schemes(site).items():
        is_basic = scheme.get("type") == "http" and str(scheme.get("scheme")).lower() == "basic"
        if is_basic and not (site.settings.base_url or "").startswith("https:"):
            yield f"the security scheme {name}", "It is HTTP Basic, and base_url states no HTTPS."


@check(
    "RK305",
    "A key stands in the query",
    severity="warning",
    why="URLs are kept in logs, histories and Referer fields.",
    fix="Take the key from a header field.",
)
def find_query_keys(site: Site) -> Iterator[tuple[str, str]]:
    """Look for API keys in queries."""
    for name, scheme in security_schemes(site).items():
        if scheme.get("type") == "apiKey" and scheme.get("in") == "query":
            yield f"the security scheme {name}", f"It reads the query parameter {scheme.get('name')}."


@check(
    "RK306",
    "An authorization server is asked over plain HTTP",
    severity="error",
    deploy=True,
    why="Who sits in between gives out keys and tokens in its place.",
    fix="State https URLs.",
)
def find_plain_authorities(site: Site) -> Iterator[tuple[str, str]]:
    """Look for URLs of security schemes over HTTP elsewhere than on this machine."""
    for name, scheme in security_schemes(site).items():
        for url in _urls_of(scheme):
            if url.startswith("http://") and not is_loopback(url):
                yield f"the security scheme {name}", f"It names {url}."


def _urls_of(scheme: Mapping[str, Any]) -> Iterator[str]:
    yield str(scheme.get("openIdConnectUrl", ""))
    for flow in scheme.get("flows", {}).values():
        yield from (str(flow.get(name, "")) for name in _FLOW_URLS)


@check(
    "RK307",
    "An OAuth flow is used that is given up",
    severity="warning",
    why="In the implicit flow tokens stand in URLs, and in the password flow clients see passwords (RFC 9700).",
    fix="Use the authorization code flow with PKCE, or client credentials between programs.",
)
def find_old_flows(site: Site) -> Iterator[tuple[str, str]]:
    """Look for the implicit and the password flow."""
    for name, scheme in security_schemes(site).items():
        for flow in _OLD_FLOWS:
            if flow in scheme.get("flows", {}):
                yield f"the security scheme {name}", f"It offers the {flow} flow."


@check(
    "RK308",
    "An operation is hidden and open",
    severity="warning",
    why="Being left out of the document keeps nobody from calling it.",
    fix="Guard it, or show it.",
)
def find_hidden_doors(site: Site) -> Iterator[tuple[Operation, str]]:
    """Look for operations that the document leaves out, in an API that guards others."""
    operations = list(api_operations(site))
    if any(is_guarded(operation) for operation in operations):
        for operation in operations:
            if operation.hidden and not is_guarded(operation):
                yield operation, f"{operation.method} {operation.path} is hidden, and needs no credentials."
