"""From the claims of a token that is good to the caller it names."""

import re
from collections.abc import Mapping
from typing import Any

from shared.access.callers import Caller, Role
from shared.errors import Unauthenticated

_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_SUBJECT = re.compile(r"[\x21-\x7e]{1,255}")
_TENANT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")

SUPABASE_SESSION = "sync_session"
"""The claim of a token for Supabase Realtime: the name of the one session it may listen to. It is
signed with a key that may also be that of tokens for us, so none that has it is for us."""

_ROLES = {str(role): role for role in Role} | {"authenticated": Role.HOST}
"""Supabase Auth calls everybody who has signed in `authenticated`: such a user is a host."""


def caller_from(claims: Mapping[str, Any]) -> Caller:
    """The caller that `claims` name. Raises `Unauthenticated` where they name none."""
    if SUPABASE_SESSION in claims:
        raise Unauthenticated("The token is for Supabase Realtime alone")
    role = _ROLES.get(str(claims.get("role")))
    if role is None:
        raise Unauthenticated("The token's role must be service, host, participant or spectator")
    session_id = participant_id = None
    if role in (Role.PARTICIPANT, Role.SPECTATOR):
        session_id = _needed(claims, "session_id", _UUID).lower()
    if role is Role.PARTICIPANT:
        participant_id = _needed(claims, "participant_id", _UUID).lower()
    return Caller(
        role=role,
        subject=_given(claims, "sub", _SUBJECT) or _subject_of(role, participant_id),
        tenant=_tenant_in(claims),
        session_id=session_id,
        participant_id=participant_id,
        expires_at=_end_of(claims),
    )


def _end_of(claims: Mapping[str, Any]) -> float:
    try:
        return float(claims["exp"])
    except OverflowError:
        raise Unauthenticated("The token ends later than there is time") from None


def _subject_of(role: Role, participant_id: str | None) -> str:
    """Whom a token without `sub` names; a host must be named, or all would own the same."""
    if role is Role.HOST:
        raise Unauthenticated("A host's token needs the claim sub")
    return participant_id or str(role)


def _tenant_in(claims: Mapping[str, Any]) -> str | None:
    """The tenant; Supabase's `app_metadata` is what only the project itself can write."""
    if "tenant" in claims:
        return _given(claims, "tenant", _TENANT)
    metadata = claims.get("app_metadata")
    return _given(metadata, "tenant", _TENANT) if isinstance(metadata, dict) else None


def _needed(claims: Mapping[str, Any], name: str, form: re.Pattern[str]) -> str:
    value = _given(claims, name, form)
    if value is None:
        raise Unauthenticated(f"The token needs the claim {name}")
    return value


def _given(claims: Mapping[str, Any], name: str, form: re.Pattern[str]) -> str | None:
    value = claims.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or not form.fullmatch(value):
        raise Unauthenticated(f"The token's claim {name} is not in a form that is taken here")
    return value
