"""Tokens of every kind, good and bad."""

import time
from datetime import UTC, datetime
from typing import Any

import jwt

SECRET = "3f9c2b7d51e84a06bb1f7c20d94e6a85c7d3e1f0a94b6d28e07c5f13ba82d96e"
WRONG_SECRET = "00112233445566778899aabbccddeeff0011"

WITH_AUTHENTICATION = {"JWT_SECRET": SECRET}
"""Settings of a service that asks for tokens."""

HOUR = 3600


def claims(role: str, sub: str | None = None, lifetime_s: float = HOUR, **more: Any) -> Any:
    """The claims of a token for `role`; None leaves one out."""
    said = {"role": role, "sub": sub, "exp": time.time() + lifetime_s, **more}
    return {name: value for name, value in said.items() if value is not None}


def signed(said: Any, *, key: Any = SECRET, algorithm: str = "HS256", **header: str | None) -> str:
    """A token with these claims."""
    return jwt.encode(said, key, algorithm, headers=dict(header))


def service(**more: Any) -> str:
    """A backend's."""
    return signed(claims("service", "backend", **more))


def host(sub: str = "alice", **more: Any) -> str:
    """One who creates sessions."""
    return signed(claims("host", sub, **more))


def participant(session_id: str, participant_id: str, **more: Any) -> str:
    """One of those who take part."""
    named: Any = {"session_id": session_id, "participant_id": participant_id, **more}
    return signed(claims("participant", None, **named))


def spectator(session_id: str, **more: Any) -> str:
    """One who watches."""
    return signed(claims("spectator", "viewer", session_id=session_id, **more))


def subscription_token(session_id: str) -> str:
    """Good for live pushes alone."""
    said = claims("spectator", "viewer", session_id=session_id, iss="synckairos")
    return signed(said, typ="synckairos-subscription+jwt")


def bearer(token: str | None) -> dict[str, str]:
    """The header that carries it."""
    return {"Authorization": f"Bearer {token}"} if token else {}


def claims_of(token: str) -> Any:
    """The claims of one of ours."""
    return jwt.decode(token, SECRET, ["HS256"], options={"verify_aud": False})


def format_timestamp(seconds: int) -> str:
    """An instant as the API writes it."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
