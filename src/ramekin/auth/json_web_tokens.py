"""JSON Web Tokens that somebody else issues, checked by PyJWT; needs ``ramekin[jwt]``.

Specification: RFC 7519; RFC 8725 (best current practices), which the refusals follow; RFC 9068 for access tokens.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeAlias

from ramekin.auth.arguments import pass_request
from ramekin.auth.bearer import REFUSED, Bearer, CompiledCheck, finish
from ramekin.auth.credentials import BadCredentials
from ramekin.auth.key_sets import KeySet, fits
from ramekin.auth.principals import UNSTATED, Principal, grant
from ramekin.coroutines import is_async
from ramekin.errors import DeclarationError
from ramekin.problems import ServiceUnavailable

if TYPE_CHECKING:
    from ramekin.auth.schemes import Found
    from ramekin.requests import Request
    from ramekin.settings import Settings

LoadClaims: TypeAlias = "Callable[[Mapping[str, Any]], Found] | Callable[[Mapping[str, Any], Request], Found]"

_SYMMETRIC = frozenset({"HS256", "HS384", "HS512"})
_ASYMMETRIC = frozenset(
    {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "ES256K", "EdDSA"}
)


class JWT(Bearer):
    """JSON Web Tokens of an issuer (RFC 7519), checked as RFC 8725 says.

    Signature, ``exp``, ``nbf``, ``iat``, ``iss`` and ``aud`` are checked; ``exp`` has to be there. The algorithms are
    those given, whatever a token says; ``none`` is never one.

    Args:
        key: A public key in PEM, a `KeySet`, or the shared secret where the algorithms are HMAC's.
        algorithms: The algorithms that are taken: HMAC's, or those of public keys, never of both kinds.
        issuer: What ``iss`` has to be; None takes any.
        audience: What ``aud`` has to name, which is this API; None takes tokens without one only.
        load: Takes the claims, and the ``request`` if it likes, and returns the `Principal`, or None where there is
            none; may be ``async def``. Without it, ``sub`` is the principal's id.
        leeway: How far clocks may be apart.
        scopes_claim: The claim that lists the scopes: text with spaces, or a list.
        name: Its name in the document.
        realm: The realm of its challenge.
        description: What the document says of it.

    Raises:
        DeclarationError: PyJWT is not installed, an algorithm is unknown or of another kind than the key, or the secret
            is shorter than its algorithm wants.

    Example:
        >>> tokens = JWT(KeySet("https://login.example/keys"), algorithms=["RS256"], issuer="https://login.example",
        ...              audience="https://api.example")
    """

    default_name = "jwt"

    def __init__(
        self,
        key: str | KeySet,
        *,
        algorithms: Collection[str],
        issuer: str | None,
        audience: str | None,
        load: LoadClaims | None = None,
        leeway: timedelta = timedelta(0),
        scopes_claim: str = "scope",
        name: str | None = None,
        realm: str = "api",
        description: str = "",
    ) -> None:
        super().__init__(_never, name=name, realm=realm, description=description, bearer_format="JWT")
        self._algorithms = _check_algorithms(algorithms)
        self._find_key = _compile_find_key(key, self._algorithms)
        #: Whether the header of a token has nothing to choose.
        self._has_one_key = len(self._algorithms) == 1 and not isinstance(key, KeySet)
        if isinstance(key, KeySet):
            self.problems = (ServiceUnavailable,)
        self.blocking = isinstance(key, KeySet) or (load is not None and not is_async(load))
        self._load = pass_request(load or _load_subject)
        self._scopes_claim = scopes_claim
        self._options: dict[str, Any] = {
            "issuer": issuer,
            "audience": audience,
            "leeway": leeway,
            "options": {"require": ["exp", *([] if load else ["sub"])]},
        }

    def compile_check(self, settings: Settings) -> CompiledCheck:
        """Return what checks a token."""
        from jwt import PyJWTError, decode, get_unverified_header

        algorithms, find_key, options, load = self._algorithms, self._find_key, self._options, self._load
        only = find_key(None, next(iter(algorithms))) if self._has_one_key else None

        def choose(token: str) -> tuple[Any, str]:
            header = get_unverified_header(token)
            algorithm: Any = header.get("alg")
            key = find_key(header.get("kid"), algorithm) if algorithm in algorithms else None
            if key is None:
                raise BadCredentials(REFUSED)
            return key, algorithm

        def check(request: Request, token: str) -> Found:
            try:
                if only is None:
                    key, algorithm = choose(token)
                    claims: dict[str, Any] = decode(token, key, algorithms=[algorithm], **options)
                else:
                    claims = decode(token, only, algorithms=[*algorithms], **options)
            except (PyJWTError, ValueError, TypeError, OverflowError, RecursionError):
                raise BadCredentials(REFUSED) from None
            return finish(load(request, claims), lambda principal: grant(principal, self._read_scopes(claims), claims))

        return check

    def _read_scopes(self, claims: Mapping[str, Any]) -> Collection[str]:
        said = claims.get(self._scopes_claim)
        if said is None:
            return UNSTATED
        if isinstance(said, str):
            return frozenset(said.split())
        return frozenset(scope for scope in said if isinstance(scope, str)) if isinstance(said, list) else frozenset()


FindKey: TypeAlias = Callable[[Any, str], Any]


def _check_algorithms(given: Collection[str]) -> frozenset[str]:
    known = _SYMMETRIC | _ASYMMETRIC
    if isinstance(given, str) or not given or not known.issuperset(given):
        raise DeclarationError(f"JWT(algorithms=…) takes some of {', '.join(sorted(known))}, not {given!r}.")
    algorithms = frozenset(given)
    if algorithms & _SYMMETRIC and algorithms & _ASYMMETRIC:
        # RFC 8725 §2.1: a token signed by HMAC with the public key would pass.
        raise DeclarationError("JWT(algorithms=…) takes HMAC's algorithms or those of public keys, never both.")
    return algorithms


def _compile_find_key(key: str | KeySet, algorithms: frozenset[str]) -> FindKey:
    """Return what finds the key for a key id and an algorithm."""
    try:
        import jwt
    except ImportError:
        raise DeclarationError("JWT needs PyJWT: pip install 'ramekin[jwt]'.") from None
    if isinstance(key, KeySet):
        if algorithms & _SYMMETRIC:
            raise DeclarationError("A KeySet has public keys; JWT(algorithms=…) names those of HMAC.")
        return _compile_find_in(key)
    if not isinstance(key, str):
        raise DeclarationError(f"JWT takes a key as text, or a KeySet, not {type(key).__name__}.")
    prepared = {name: _prepare(jwt, key, name) for name in algorithms}
    return lambda key_id, algorithm: prepared[algorithm]


def _compile_find_in(keys: KeySet) -> FindKey:
    def find(key_id: Any, algorithm: str) -> Any:
        key = keys.find(key_id if isinstance(key_id, str) else None)
        return key.key if key is not None and fits(key, algorithm) else None

    return find


def _prepare(jwt: Any, key: str, algorithm: str) -> Any:
    """Return a key as PyJWT takes it."""
    if algorithm in _SYMMETRIC:
        least = int(algorithm[2:]) // 8
        if "-----BEGIN" in key:
            raise DeclarationError(f"JWT: {algorithm} takes a secret; this is a key in PEM.")
        if len(key.encode()) < least:
            raise DeclarationError(f"JWT: {algorithm} takes a secret of {least} bytes or more (RFC 7518 §3.2).")
    try:
        prepared = jwt.get_algorithm_by_name(algorithm).prepare_key(key)
    except (jwt.PyJWTError, ValueError, TypeError, NotImplementedError) as error:
        raise DeclarationError(f"JWT: the key is none for {algorithm}: {error}") from None
    return prepared.public_key() if hasattr(prepared, "private_bytes") else prepared


def _load_subject(claims: Mapping[str, Any]) -> Principal[Any]:
    return Principal(claims["sub"])


def _never(token: str) -> None:
    """Stand where another scheme has its function; `JWT.compile_check` makes one for each app."""
