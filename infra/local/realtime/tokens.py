"""Verify API keys and JWTs of the project."""

import time
from dataclasses import dataclass
from typing import Any

import jwt
from jwt import types

from infra.local.realtime.errors import (
    invalid_signature,
    malformed_jwt,
    missing_claims,
    token_expired,
)
from infra.local.realtime.options import RealtimeOptions
from infra.local.supabase import PUBLISHABLE_KEY, SECRET_KEY

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


@dataclass(frozen=True, slots=True)
class Identity:
    """The bearer of a token."""

    role: str
    """The Postgres role."""
    expires_at_s: float
    """Seconds since the epoch."""
    claims: dict[str, Any]

    @property
    def remaining_s(self) -> float:
        """Seconds until the token expires; zero or less if it has expired."""
        return self.expires_at_s - time.time()


class TokenVerifier:
    """Verifies tokens by the project's JWT secret and its imported signing keys."""

    def __init__(self, options: RealtimeOptions) -> None:
        self._secret = options.jwt_secret
        self._keys = {str(key["kid"]): jwt.PyJWK(dict(key)) for key in options.signing_keys}

    def identify(self, token: str | None) -> Identity:
        """Return the identity of an API key or a JWT. Raises `RealtimeError`."""
        if token in _API_KEY_ROLES:
            role = _API_KEY_ROLES[token]
            return Identity(role, _NEVER_S, {"role": role, "exp": _NEVER_S})
        identity = _identity(self._claims(token or ""))
        if identity.remaining_s <= 0:
            raise token_expired(-int(identity.remaining_s))
        return identity

    def _claims(self, token: str) -> dict[str, Any]:
        try:
            header = jwt.get_unverified_header(token)
            key = self._keys.get(header.get("kid", ""))
            if key:
                algorithms, secret = [key.algorithm_name], _verification_key(key)
            else:
                algorithms, secret = ["HS256"], self._secret
            claims: dict[str, Any] = jwt.decode(token, secret, algorithms, options=_CHECKS)
        except (jwt.InvalidSignatureError, jwt.InvalidAlgorithmError):
            raise invalid_signature() from None
        except jwt.PyJWTError:
            raise malformed_jwt() from None
        return claims


def _verification_key(key: jwt.PyJWK) -> Any:
    return key.key.public_key() if hasattr(key.key, "public_key") else key.key


def _identity(claims: dict[str, Any]) -> Identity:
    role, expires_at_s = claims.get("role"), claims.get("exp")
    if not (isinstance(role, str) and isinstance(expires_at_s, int | float)):
        raise missing_claims()
    if not isinstance(claims.get("iat", 0), int | float):
        raise malformed_jwt()
    return Identity(role, float(expires_at_s), claims)
