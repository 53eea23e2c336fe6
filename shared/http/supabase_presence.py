"""The channels of Supabase Realtime's Presence that a client uses (docs/presence.md).

Each role has its own channel, because a client writes its presence itself, and a policy can compare
nothing but the channel's topic with the token. So the role that a reader sees comes from the token.
"""

from dataclasses import dataclass
from typing import Any

from shared.application.authorization import RIGHTS, Caller, Operation, Role
from shared.auth.claims import SUPABASE_PRESENCE_CLAIM, SUPABASE_ROLE_CLAIM


@dataclass(frozen=True, slots=True)
class SupabasePresence:
    """The presence of one caller in one session at Supabase.

    `claims` are those of the caller's token; `view` is the field `presence` of the API's
    Subscription.
    """

    claims: dict[str, str]
    view: dict[str, Any]


def supabase_presence_of(caller: Caller, session_name: str, *, reads: bool) -> SupabasePresence:
    """Return the channel on which the caller is shown.

    If the caller asks to read the presence (`reads`) and its role may, it also gets all channels.
    """
    role = caller.shown_role
    claims: dict[str, str] = {SUPABASE_ROLE_CLAIM: str(role)}
    view: dict[str, Any] = {"topic": presence_topic(session_name, role)}
    if caller.participant_id is not None:
        view["participant_id"] = caller.participant_id
    if reads and Operation.READ_PRESENCE in RIGHTS[role]:
        claims[SUPABASE_PRESENCE_CLAIM] = "read"
        view["topics"] = {str(each): presence_topic(session_name, each) for each in Role}
    return SupabasePresence(claims, view)


def presence_topic(session_name: str, role: Role) -> str:
    """Return the topic on which clients with that role are shown. The policies build it, too."""
    return f"session-presence:{role}:{session_name}"
