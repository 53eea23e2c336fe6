"""Presence: which clients are connected to a session, and how well (docs/presence.md)."""

import heapq
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Final, TypeVar, get_args

from shared.application.authorization import Role
from shared.application.ports.presence import Connection, LiveTransport, Presence, PresenceSummary
from shared.application.session_view import timestamp
from shared.domain.units import Instant, Millis
from shared.domain.values import replace

_K = TypeVar("_K")

ERROR_BOUNDS_MS: Final = (10, 20, 40, 100, 250, 1_000)
"""The summary counts the connections whose clock is exact to within each of these."""

MOST_LISTED: Final = 100
"""Connections of a session that are listed; the summary counts all."""

_RANKS: Final[dict[str, int]] = {Role.PARTICIPANT: 1, Role.SPECTATOR: 2}
"""Order of the list by role; every other role comes first."""


def presence_of(connections: Sequence[Connection]) -> Presence:
    """Return the presence of a session with these connections."""
    errors = [one.error_ms for one in connections if one.error_ms is not None]
    summary = PresenceSummary(
        connected=len(connections),
        measured=len(errors),
        roles=dict(Counter(str(one.role) for one in connections)),
        within_ms={
            bound: count for bound in ERROR_BOUNDS_MS if (count := sum(e <= bound for e in errors))
        },
    )
    return Presence(_listed(connections), summary)


def total_presence(parts: Sequence[Presence]) -> Presence:
    """Return the presence of a session from that of each instance."""
    summaries = [part.summary for part in parts]
    summary = PresenceSummary(
        connected=sum(one.connected for one in summaries),
        measured=sum(one.measured for one in summaries),
        roles=_sum(one.roles for one in summaries),
        within_ms=_sum(one.within_ms for one in summaries),
    )
    return Presence(_listed(one for part in parts for one in part.connections), summary)


def seen(presence: Presence, at: Instant) -> Presence:
    """Return the presence of an instance that held its connections `at` that instant."""
    connections = (replace(one, seen_at=max(one.connected_at, at)) for one in presence.connections)
    return replace(presence, connections=tuple(connections))


def error_class(error_ms: Millis | None) -> int:
    """Return how many bounds of the summary a clock's error exceeds; -1 if it is unknown."""
    return -1 if error_ms is None else sum(error_ms > bound for bound in ERROR_BOUNDS_MS)


def presence_view(session_id: str, presence: Presence) -> dict[str, Any]:
    """Return the presence as the API shows it."""
    summary = presence.summary
    return {
        "session_id": session_id,
        "transports": list(get_args(LiveTransport)),
        "connections": [_connection_view(one) for one in presence.connections],
        "summary": {
            "connected": summary.connected,
            "measured": summary.measured,
            "roles": {role: summary.roles.get(role, 0) for role in Role},
            "within_ms": {str(one): summary.within_ms.get(one, 0) for one in ERROR_BOUNDS_MS},
        },
    }


def _connection_view(connection: Connection) -> dict[str, Any]:
    view = {
        "connection_id": connection.connection_id,
        "role": connection.role,
        "participant_id": connection.participant_id,
        "transport": connection.transport,
        "connected_at": timestamp(connection.connected_at),
        "seen_at": timestamp(connection.seen_at),
        "round_trip_ms": connection.round_trip_ms,
        "error_ms": connection.error_ms,
    }
    return {name: value for name, value in view.items() if value is not None}


def _listed(connections: Iterable[Connection]) -> tuple[Connection, ...]:
    """Return the connections to list: those who run the session, participants, then spectators.

    Within a role, the earliest come first.
    """
    return tuple(
        heapq.nsmallest(
            MOST_LISTED,
            connections,
            key=lambda one: (_RANKS.get(one.role, 0), one.connected_at, one.connection_id),
        )
    )


def _sum(counts: Iterable[dict[_K, int]]) -> dict[_K, int]:
    total: Counter[_K] = Counter()
    for one in counts:
        total.update(one)
    return dict(total)
