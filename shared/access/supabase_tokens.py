"""Tokens for Supabase Realtime, which lets their bearer listen to one session and do nothing else.

The project's own policies on `realtime.messages` read the claim `SUPABASE_SESSION`.
"""

import time
from dataclasses import dataclass
from typing import Any

import jwt

from shared.access.claims import SUPABASE_SESSION

_ROLE = "authenticated"
"""A role of Postgres, which every Supabase project has."""


@dataclass(frozen=True, slots=True)
class SupabaseTokens:
    """Signs with the project's JWT secret (HS256), or with a key imported into it (ES256)."""

    key: Any
    algorithm: str
    key_id: str | None = None

    @classmethod
    def by_secret(cls, secret: str) -> "SupabaseTokens":
        """With the project's legacy secret."""
        return cls(secret, "HS256")

    @classmethod
    def by_signing_key(cls, jwk: str) -> "SupabaseTokens":
        """With a private JWK, known to the project by its `kid`. Raises `ValueError`."""
        try:
            key = jwt.PyJWK.from_json(jwk)
        except jwt.PyJWTError as error:
            raise ValueError(f"not a key that can sign: {error}") from None
        return cls(key.key, "ES256", key.key_id)

    def mint(self, session_name: str, until: float) -> tuple[str, int]:
        """A token to listen to the session of that name, and when it ends: s since the epoch.

        It ends at `until` at the latest (s since the epoch).
        """
        issued_at, expires_at = int(time.time()), int(until)
        claims = {
            "role": _ROLE,
            "iat": issued_at,
            "exp": expires_at,
            SUPABASE_SESSION: session_name,
        }
        headers = {"kid": self.key_id} if self.key_id else None
        return jwt.encode(claims, self.key, self.algorithm, headers=headers), expires_at
