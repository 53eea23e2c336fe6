"""Maps the claims of a verified token to its caller."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from shared.application.authorization import Caller, Role
from shared.application.errors import Unauthenticated
from shared.application.ports.token_revocations import SessionToken
from shared.domain.ids import UUID, normalized_id
from shared.domain.session import session_name
from shared.domain.units import Instant

SUBJECT = re.compile(r"[\x21-\x7e]{1,255}")
TENANT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")

SUPABASE_SESSION_CLAIM = "sync_session"
"""Claim of a token for Supabase Realtime: the name of the only session it may subscribe to.

Such tokens may be signed with the same key as tokens for this service, so any token with this
claim is refused here."""

SUPABASE_ROLE_CLAIM = "sync_role"
"""Claim of a token for Supabase Realtime: the role with which its bearer may be shown in the
session's presence."""

SUPABASE_PRESENCE_CLAIM = "sync_presence"
"""Claim of a token for Supabase Realtime: `read` if its bearer may read the session's presence."""

PARENT_CLAIM = "made_with"
"""Claim of a subscription token: `jti` and `iat` of the token that it was made with, if that is for
one session. Both are revoked together."""

KEY_CLAIM = "made_with_key"
"""Claim of a subscription token: the id of the API key that it was made with."""

EXACT_CLAIM = "iat_exact"
"""Claim of a token that this service made: its `iat` is by the store's clock, as revocations are.

The `iat` of a backend may be up to `LEEWAY_S` later than the token was issued."""

LEEWAY_S = 30
"""Tolerated difference between the clocks of a token's issuer and of this instance, s."""

TOKEN_ID = re.compile(r"[A-Za-z0-9._~-]{1,64}")

_OF_ONE_SESSION = frozenset({Role.COHOST, Role.PARTICIPANT, Role.SPECTATOR})

_ROLES = {str(role): role for role in Role} | {"authenticated": Role.HOST}
"""Roles by claim; Supabase Auth gives every signed-in user the role `authenticated`: a host."""


def caller_from(claims: Mapping[str, Any], *, is_subscription: bool = False) -> Caller:
    """Return the caller of these claims; `is_subscription` if they are a subscription token's.

    Raises `Unauthenticated` for missing or invalid claims.
    """
    if SUPABASE_SESSION_CLAIM in claims:
        raise Unauthenticated("The token is only for Supabase Realtime")
    role = _ROLES.get(str(claims.get("role")))
    if role is None:
        raise Unauthenticated(f"The token's role must be one of: {', '.join(Role)}")
    session_id = participant_id = None
    if role in _OF_ONE_SESSION:
        session_id = _required(claims, "session_id", UUID).lower()
    if role is Role.PARTICIPANT:
        participant_id = _participant_in(claims)
    tenant, token = _tenant_in(claims), None
    identity = claims.get(PARENT_CLAIM) if is_subscription else claims
    if session_id is not None and identity is not None:
        token = _token(identity, session_name(session_id, tenant))
    return Caller(
        role=role,
        subject=_subject_in(claims, role) or _default_subject(role, participant_id),
        tenant=tenant,
        session_id=session_id,
        participant_id=participant_id,
        expires_at=_expiry(claims),
        token=token,
        key_id=claims.get(KEY_CLAIM) if is_subscription else None,
    )


def follower_from(claims: Mapping[str, Any]) -> Caller:
    """Return the caller of a subscription token: a spectator, and the role that it follows for.

    Raises `Unauthenticated` for missing or invalid claims.
    """
    role = _ROLES.get(str(claims.get("follows_for")))
    participant_id = _participant_in(claims) if role is Role.PARTICIPANT else None
    caller = caller_from(claims, is_subscription=True)
    return replace(caller, follows_for=role, participant_id=participant_id)


def _token(claims: Mapping[str, Any], name: str) -> SessionToken:
    """Return the token for the session `name` that has these claims.

    A `jti` in another form than this service's is ignored, so such a token is only revoked together
    with all others of the session. A backend's clock may be fast by as much as is tolerated, so its
    token counts as issued that much earlier: otherwise it could survive a revocation of all.
    """
    token_id = claims.get("jti")
    ahead_s = 0 if claims.get(EXACT_CLAIM) is True else LEEWAY_S
    try:
        issued_at = Instant(round((float(claims.get("iat", 0)) - ahead_s) * 1000))
    except OverflowError:
        raise Unauthenticated("The token's claim iat is too large") from None
    is_known = isinstance(token_id, str) and TOKEN_ID.fullmatch(token_id)
    return SessionToken(name, token_id if is_known else None, max(issued_at, Instant(0)))


def _expiry(claims: Mapping[str, Any]) -> float:
    try:
        return float(claims["exp"])
    except OverflowError:
        raise Unauthenticated("The token's claim exp is too large") from None


def _participant_in(claims: Mapping[str, Any]) -> str:
    value = claims.get("participant_id")
    if value is None:
        raise Unauthenticated("The token must have the claim participant_id")
    participant_id = normalized_id(value) if isinstance(value, str) else None
    if participant_id is None:
        raise Unauthenticated("The token's claim participant_id has an invalid format")
    return participant_id


def _subject_in(claims: Mapping[str, Any], role: Role) -> str | None:
    """Return `sub`, or None if it is absent.

    In tokens for one session it may be a participant's id, so it is not limited to ASCII.
    """
    value = claims.get("sub")
    if role in _OF_ONE_SESSION and isinstance(value, str) and normalized_id(value) is not None:
        return value
    return _optional(claims, "sub", SUBJECT)


def _default_subject(role: Role, participant_id: str | None) -> str:
    """Return the subject of a token without `sub`.

    Hosts must have one: all hosts without would own each other's sessions.
    """
    if role is Role.HOST:
        raise Unauthenticated("A host's token must have the claim sub")
    return participant_id or str(role)


def _tenant_in(claims: Mapping[str, Any]) -> str | None:
    """Return the tenant; only the Supabase project itself can write `app_metadata`."""
    if "tenant" in claims:
        return _optional(claims, "tenant", TENANT)
    metadata = claims.get("app_metadata")
    return _optional(metadata, "tenant", TENANT) if isinstance(metadata, dict) else None


def _required(claims: Mapping[str, Any], name: str, form: re.Pattern[str]) -> str:
    value = _optional(claims, name, form)
    if value is None:
        raise Unauthenticated(f"The token must have the claim {name}")
    return value


def _optional(claims: Mapping[str, Any], name: str, form: re.Pattern[str]) -> str | None:
    value = claims.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or not form.fullmatch(value):
        raise Unauthenticated(f"The token's claim {name} has an invalid format")
    return value
