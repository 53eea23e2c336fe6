"""Tokens for Supabase Realtime, which allow only to subscribe to one session.

The project's row-level security policies on `realtime.messages` check the claim
`SUPABASE_SESSION_CLAIM`, and for the presence `SUPABASE_ROLE_CLAIM` and `SUPABASE_PRESENCE_CLAIM`.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jwt

from shared.auth.claims import SUPABASE_SESSION_CLAIM

_ROLE = "authenticated"
"""A Postgres role that every Supabase project has."""


@dataclass(frozen=True, slots=True)
class SupabaseTokenSigner:
    """Signs tokens with the project's JWT secret (HS256) or a key imported into it (ES256)."""

    key: Any
    algorithm: str
    key_id: str | None = None

    @classmethod
    def from_secret(cls, secret: str) -> "SupabaseTokenSigner":
        """Sign with the project's legacy JWT secret."""
        return cls(secret, "HS256")

    @classmethod
    def from_jwk(cls, jwk: str) -> "SupabaseTokenSigner":
        """Sign with a private JWK, whose `kid` the project knows. Raises `ValueError`."""
        try:
            key = jwt.PyJWK.from_json(jwk)
        except jwt.PyJWTError as error:
            raise ValueError(f"not a valid JWK: {error}") from None
        return cls(key.key, "ES256", key.key_id)

    def issue(
        self, session_name: str, until: float, more_claims: Mapping[str, str]
    ) -> tuple[str, int]:
        """Return a token for the session of that name, and its expiry (s since the Unix epoch).

        It expires at `until` (s since the Unix epoch), rounded down, and has `more_claims`.
        """
        issued_at, expires_at = int(time.time()), int(until)
        claims = dict(more_claims) | {
            "role": _ROLE,
            "iat": issued_at,
            "exp": expires_at,
            SUPABASE_SESSION_CLAIM: session_name,
        }
        headers = {"kid": self.key_id} if self.key_id else None
        return jwt.encode(claims, self.key, self.algorithm, headers=headers), expires_at
