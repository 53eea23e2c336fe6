"""Who somebody is: API keys and JWTs of the project."""

import time
from dataclasses import dataclass
from typing import Any

import jwt
from jwt import types

from infra.local.realtime.options import Options
from infra.local.realtime.refusals import (
    has_expired,
    is_malformed,
    lacks_claims,
    signature_is_wrong,
)
from infra.local.supabase import PUBLISHABLE_KEY, SECRET_KEY

API_KEY_PREFIX = "sb_"
_NEVER_S = 2**32
_KEYS = {SECRET_KEY: "service_role", PUBLISHABLE_KEY: "anon"}

# Realtime looks at no other claim than `exp`.
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
    """A role of Postgres."""
    expires_at_s: float
    """When it ends, s since the epoch."""
    claims: dict[str, Any]

    @property
    def remaining_s(self) -> float:
        """How long it still holds, s; not above zero when it is over."""
        return self.expires_at_s - time.time()


class Tokens:
    """Reads what the project's secret, or a key that was imported into it, has signed."""

    def __init__(self, options: Options) -> None:
        self._secret = options.jwt_secret
        self._keys = {str(key["kid"]): jwt.PyJWK(dict(key)) for key in options.signing_keys}

    def identify(self, token: str | None) -> Identity:
        """Whose it is: an API key's or a JWT's. Raises `Refused`."""
        if token in _KEYS:
            role = _KEYS[token]
            return Identity(role, _NEVER_S, {"role": role, "exp": _NEVER_S})
        identity = _identity(self._claims(token or ""))
        if identity.remaining_s <= 0:
            raise has_expired(-int(identity.remaining_s))
        return identity

    def _claims(self, token: str) -> dict[str, Any]:
        try:
            header = jwt.get_unverified_header(token)
            key = self._keys.get(header.get("kid", ""))
            if key:
                algorithms, secret = [key.algorithm_name], _public(key)
            else:
                algorithms, secret = ["HS256"], self._secret
            claims: dict[str, Any] = jwt.decode(token, secret, algorithms, options=_CHECKS)
        except (jwt.InvalidSignatureError, jwt.InvalidAlgorithmError):
            raise signature_is_wrong() from None
        except jwt.PyJWTError:
            raise is_malformed() from None
        return claims


def _public(key: jwt.PyJWK) -> Any:
    return key.key.public_key() if hasattr(key.key, "public_key") else key.key


def _identity(claims: dict[str, Any]) -> Identity:
    role, expires_at_s = claims.get("role"), claims.get("exp")
    if not (isinstance(role, str) and isinstance(expires_at_s, int | float)):
        raise lacks_claims()
    if not isinstance(claims.get("iat", 0), int | float):
        raise is_malformed()
    return Identity(role, float(expires_at_s), claims)
