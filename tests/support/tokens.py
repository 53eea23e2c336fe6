"""Access tokens of all roles, valid and invalid."""

import time
from datetime import UTC, datetime
from typing import Any

import jwt

SECRET = "3f9c2b7d51e84a06bb1f7c20d94e6a85c7d3e1f0a94b6d28e07c5f13ba82d96e"
WRONG_SECRET = "00112233445566778899aabbccddeeff0011"

WITH_AUTHENTICATION = {"JWT_SECRET": SECRET}
"""Settings of a service that requires tokens."""

HOUR = 3600


def claims(role: str, sub: str | None = None, lifetime_s: float = HOUR, **more: Any) -> Any:
    """Return the claims of a token for `role`, without those that are None."""
    given = {"role": role, "sub": sub, "exp": time.time() + lifetime_s, **more}
    return {name: value for name, value in given.items() if value is not None}


def signed(
    payload: Any, *, key: Any = SECRET, algorithm: str = "HS256", **header: str | None
) -> str:
    """Return a signed token with the claims in `payload`."""
    return jwt.encode(payload, key, algorithm, headers=dict(header))


def service(**more: Any) -> str:
    """Return a token of a backend."""
    return signed(claims("service", "backend", **more))


def host(sub: str = "alice", **more: Any) -> str:
    """Return a token of a host, who creates sessions."""
    return signed(claims("host", sub, **more))


def cohost(session_id: str, **more: Any) -> str:
    """Return a token of a host of one session."""
    return signed(claims("cohost", "helper", session_id=session_id, **more))


def participant(session_id: str, participant_id: str, **more: Any) -> str:
    """Return a token of a participant."""
    scope: Any = {"session_id": session_id, "participant_id": participant_id, **more}
    return signed(claims("participant", None, **scope))


def spectator(session_id: str, **more: Any) -> str:
    """Return a token of a spectator."""
    return signed(claims("spectator", "viewer", session_id=session_id, **more))


def subscription_token(session_id: str) -> str:
    """Return a token that is valid for live pushes only."""
    payload = claims("spectator", "viewer", session_id=session_id, iss="synckairos")
    return signed(payload, typ="synckairos-subscription+jwt")


def bearer(token: str | None) -> dict[str, str]:
    """Return the `Authorization` header for `token`; none if it is None."""
    return {"Authorization": f"Bearer {token}"} if token else {}


def claims_of(token: str) -> Any:
    """Return the claims of a token that is signed with `SECRET`."""
    return jwt.decode(token, SECRET, ["HS256"], options={"verify_aud": False})


def format_timestamp(seconds: int) -> str:
    """Format `seconds` since 1970 as the API does."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
