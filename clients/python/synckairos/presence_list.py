"""The presence of a session, made from what its clients show at Supabase (docs/presence.md)."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, cast, get_args

from synckairos.api_types import timestamp_ms, timestamp_of
from synckairos.measurement import MOST_MS
from synckairos.presence import Presence, PresenceRole, PresentConnection

_BOUNDS_MS = (10, 20, 40, 100, 250, 1_000)
"""The summary counts the clocks that are exact to within each of these."""

_ROLES: tuple[PresenceRole, ...] = get_args(PresenceRole)
_RANKS = {"participant": 1, "spectator": 2}
_MOST_LISTED = 100
_MOST_ID_LENGTH = 255


@dataclass(frozen=True, slots=True)
class Shown:
    """A client that is shown: the role of its channel, its key there, and what it says."""

    role: PresenceRole
    key: str
    said: dict[str, Any]


def presence_of(session_id: str, shown: Iterable[Shown], now: int) -> Presence:
    """Return the presence of a session; `now` is the server's time, ms since the Unix epoch.

    The role is that of the channel, and so of the client's token. Everything else is what the
    client says: a value that isn't valid is left out.
    """
    found = sorted((_connection(one, now) for one in shown), key=_place)
    errors = [one["error_ms"] for one in found if "error_ms" in one]
    roles = [one["role"] for one in found]
    return {
        "session_id": session_id,
        "transports": ["supabase"],
        "connections": found[:_MOST_LISTED],
        "summary": {
            "connected": len(found),
            "measured": len(errors),
            "roles": {role: roles.count(role) for role in _ROLES},
            "within_ms": {str(ms): sum(one <= ms for one in errors) for ms in _BOUNDS_MS},
        },
    }


def error_class(error_ms: int | None) -> int:
    """Return how many bounds of the summary a clock's error exceeds; -1 if it is unknown."""
    return -1 if error_ms is None else sum(error_ms > bound for bound in _BOUNDS_MS)


def _connection(shown: Shown, now: int) -> PresentConnection:
    said = shown.said
    connection: dict[str, Any] = {
        "connection_id": shown.key,
        "role": shown.role,
        "transport": "supabase",
        "connected_at": timestamp_of(_instant(said.get("connected_at"), now)),
        "seen_at": timestamp_of(now),
    }
    if shown.role == "participant" and _is_id(said.get("participant_id")):
        connection["participant_id"] = said["participant_id"]
    values = {name: said.get(name) for name in ("round_trip_ms", "error_ms")}
    connection |= {name: value for name, value in values.items() if _is_ms(value)}
    return cast(PresentConnection, connection)


def _place(connection: PresentConnection) -> tuple[int, str, str]:
    """Those who run the session come first, then participants, then spectators."""
    rank = _RANKS.get(connection["role"], 0)
    return rank, connection["connected_at"], connection["connection_id"]


def _instant(value: Any, now: int) -> int:
    """Return an instant from 1970 to now, which also stands for an invalid one."""
    try:
        return max(0, min(timestamp_ms(value), now))
    except (TypeError, ValueError, OverflowError):
        return now


def _is_ms(value: Any) -> bool:
    return type(value) is int and 0 <= value <= MOST_MS


def _is_id(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _MOST_ID_LENGTH
