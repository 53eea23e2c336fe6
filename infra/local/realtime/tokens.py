"""Verify API keys and JWTs of the project."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jwt
from jwt import types

from infra.local.supabase import JWT_SECRET, PUBLISHABLE_KEY, SECRET_KEY

API_KEY_PREFIX = "sb_"
_NEVER_S = 2**32
_API_KEY_ROLES = {SECRET_KEY: "service_role", PUBLISHABLE_KEY: "anon"}

# The only registered claim that Realtime checks is `exp`, and `identify` checks it.
_CHECKS: types.Options = {
    "verify_aud": False,
    "verify_exp": False,
    "verify_iat": False,
    "verify_iss": False,
    "verify_jti": False,
    "verify_nbf": False,
    "verify_sub": False,
}


class RealtimeError(Exception):
    """Realtime's error `code` and its text, `reason`."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(f"{code}: {reason}")
        self.code = code
        self.reason = reason


class TokenExpired(RealtimeError):
    """The token expired `ago_s` seconds ago."""

    def __init__(self, ago_s: int) -> None:
        super().__init__("InvalidJWTToken", f"Token has expired {ago_s} seconds ago")


@dataclass(frozen=True, slots=True)
class Identity:
    """The bearer of a token."""

    role: str
    """The Postgres role."""
    expires_at_s: int
    """Whole seconds since the epoch."""
    claims: dict[str, Any]

    @property
    def remaining_s(self) -> float:
        """Seconds until the token expires; zero or less if it has expired."""
        return self.expires_at_s - time.time()


class TokenVerifier:
    """Verifies tokens by the project's JWT secret and the public keys imported into it (JWKs)."""

    def __init__(self, signing_keys: Sequence[Mapping[str, Any]] = ()) -> None:
        self._keys = {str(key["kid"]): jwt.PyJWK(dict(key)) for key in signing_keys}

    def identify(self, token: str | None) -> Identity:
        """Return the identity of an API key or a JWT. Raises `RealtimeError`."""
        if api_role := _API_KEY_ROLES.get(token or ""):
            return Identity(api_role, _NEVER_S, {"role": api_role, "exp": _NEVER_S})
        if not token or token.startswith(API_KEY_PREFIX):
            raise RealtimeError("Unauthorized", "Invalid API key")
        claims = self._claims(token)
        role, expires_at_s = claims.get("role"), claims.get("exp")
        if not (isinstance(role, str) and isinstance(expires_at_s, int | float)):
            reason = "Fields `role` and `exp` are required in JWT"
            raise RealtimeError("InvalidJWTToken", reason)
        identity = Identity(role, int(expires_at_s), claims)
        if identity.remaining_s <= 0:
            raise TokenExpired(int(time.time()) - identity.expires_at_s)
        return identity

    def _claims(self, token: str) -> dict[str, Any]:
        try:
            key = self._keys.get(jwt.get_unverified_header(token).get("kid", ""))
            algorithm, secret = (key.algorithm_name, key.key) if key else ("HS256", JWT_SECRET)
            claims: dict[str, Any] = jwt.decode(token, secret, [algorithm], options=_CHECKS)
        except (jwt.InvalidSignatureError, jwt.InvalidAlgorithmError):
            reason = "Failed to validate JWT signature"
            raise RealtimeError("JwtSignatureError", reason) from None
        except jwt.PyJWTError:
            reason = "The token provided is not a valid JWT"
            raise RealtimeError("MalformedJWT", reason) from None
        return claims
