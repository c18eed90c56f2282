"""JSON Web Tokens that somebody else issues, checked by PyJWT; needs ``ramekin[jwt]``.

Specification: RFC 7519; RFC 8725 (best current practices), which the refusals follow; RFC 9068 for access tokens.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Callable, Collection, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeAlias

from ramekin.auth.arguments import pass_request
from ramekin.auth.bearer import REFUSED, Bearer, CompiledCheck, finish
from ramekin.auth.credentials import BadCredentials
from ramekin.auth.key_sets import RSA_BITS, KeySet, fits, is_weak
from ramekin.auth.principals import UNSTATED, Principal, grant
from ramekin.coroutines import is_async
from ramekin.errors import DeclarationError
from ramekin.problems import ServiceUnavailable

if TYPE_CHECKING:
    from ramekin.auth.schemes import Found
    from ramekin.requests import Request
    from ramekin.settings import Settings

LoadClaims: TypeAlias = "Callable[[Mapping[str, Any]], Found] | Callable[[Mapping[str, Any], Request], Found]"

_TIMES = ("exp", "nbf", "iat")
_SYMMETRIC = frozenset({"HS256", "HS384", "HS512"})
_ASYMMETRIC = frozenset(
    {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "ES256K", "EdDSA"}
)


class JWT(Bearer):
    """JSON Web Tokens of an issuer (RFC 7519), checked as RFC 8725 says.

    Signature, ``exp``, ``nbf``, ``iat``, ``iss`` and ``aud`` are checked; ``exp`` has to be there. The algorithms are
    those given, whatever a token says; ``none`` is never one. A token is refused, too, where a time is no number, where
    ``sub`` is empty, where it is of another type, and where it is spelt with padding or unused bits.

    Args:
        key: A public key in PEM, a `KeySet`, or the shared secret where the algorithms are HMAC's.
        algorithms: The algorithms that are taken: HMAC's, or those of public keys, never of both kinds.
        issuer: What ``iss`` has to be; None takes any.
        audience: What ``aud`` has to name, which is this API; None takes tokens without one only.
        load: Takes the claims, and the ``request`` if it likes, and returns the `Principal`, or None where there is
            none; may be ``async def``. Without it, ``sub`` is the principal's id.
        leeway: How far clocks may be apart.
        scopes_claim: The claim that lists the scopes: text with spaces, or a list; anything else, null too, is none.
        types: What ``typ`` in the head of a token may be, such as ``at+jwt`` (RFC 9068 §2.1); ``JWT``, ``at+jwt`` or
            nothing when None. Where it is stated, it has to be there.
        name: Its name in the document.
        realm: The realm of its challenge.
        description: What the document says of it.

    Raises:
        DeclarationError: PyJWT is not installed, an algorithm is unknown or of another kind than the key, or the secret
            is shorter than its algorithm wants, or the RSA key than 2,048 bits.

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
        types: Collection[str] | None = None,
        name: str | None = None,
        realm: str = "api",
        description: str = "",
    ) -> None:
        super().__init__(_never, name=name, realm=realm, description=description, bearer_format="JWT")
        self._algorithms = _check_algorithms(algorithms)
        self._find_key = _compile_find_key(key, self._algorithms)
        self._types = _check_types(types)
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
        from jwt import PyJWTError, decode_complete, get_unverified_header

        algorithms, find_key, options, load = self._algorithms, self._find_key, self._options, self._load
        types = self._types
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
                    read = decode_complete(token, key, algorithms=[algorithm], **options)
                else:
                    read = decode_complete(token, only, algorithms=[*algorithms], **options)
            except (PyJWTError, ValueError, TypeError, OverflowError, RecursionError):
                raise BadCredentials(REFUSED) from None
            claims: dict[str, Any] = read["payload"]
            if not (_is_of(types, read["header"]) and _is_spelt_once(token, read["signature"]) and _are_sound(claims)):
                raise BadCredentials(REFUSED)
            return finish(load(request, claims), lambda principal: grant(principal, self._read_scopes(claims), claims))

        return check

    def _read_scopes(self, claims: Mapping[str, Any]) -> Collection[str]:
        if self._scopes_claim not in claims:
            return UNSTATED
        said = claims[self._scopes_claim]
        if isinstance(said, str):
            return frozenset(said.split())
        return frozenset(scope for scope in said if isinstance(scope, str)) if isinstance(said, list) else frozenset()


def _is_of(types: frozenset[str | None], header: Mapping[str, Any]) -> bool:
    """Tell whether a token is of one of these types (RFC 8725 §3.11)."""
    said = header.get("typ")
    if said is None:
        return "typ" not in header and None in types
    # RFC 7515 §4.1.9: a media type, of which "application/" may be left out.
    return isinstance(said, str) and said.lower().removeprefix("application/") in types


def _is_spelt_once(token: str, signature: bytes) -> bool:
    """Tell whether a signature is spelt as RFC 7515 §2 says: without padding, and with no bit but its own."""
    return token.rpartition(".")[2].encode() == urlsafe_b64encode(signature).rstrip(b"=")


def _are_sound(claims: Mapping[str, Any]) -> bool:
    """Tell whether times are numbers and a subject names somebody (RFC 7519 §2 and §4.1)."""
    times = [claims[name] for name in _TIMES if name in claims]
    return all(isinstance(one, int | float) and not isinstance(one, bool) for one in times) and (
        "sub" not in claims or claims["sub"] != ""
    )


def _check_types(given: Collection[str] | None) -> frozenset[str | None]:
    if given is None:
        return frozenset({"jwt", "at+jwt", None})
    if isinstance(given, str) or not given or not all(isinstance(one, str) and one for one in given):
        raise DeclarationError(f"JWT(types=…) takes several types such as 'at+jwt', not {given!r}.")
    return frozenset(one.lower().removeprefix("application/") for one in given)


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
    if is_weak(prepared):
        raise DeclarationError(f"JWT: {algorithm} takes an RSA key of {RSA_BITS} bits or more (RFC 7518 §3.3).")
    return prepared.public_key() if hasattr(prepared, "private_bytes") else prepared


def _load_subject(claims: Mapping[str, Any]) -> Principal[Any]:
    return Principal(claims["sub"])


def _never(token: str) -> None:
    """Stand where another scheme has its function; `JWT.compile_check` makes one for each app."""
