"""The presence of a session: who is connected, and how well (docs/presence.md)."""

from typing import Literal, NotRequired, TypedDict

PresenceRole = Literal["service", "host", "cohost", "participant", "spectator"]
"""The role of a client that is connected."""

LiveTransport = Literal["websocket", "sse", "supabase"]
"""A transport whose clients are shown in a presence."""


class PresentConnection(TypedDict):
    """A live connection of a client to a session.

    `round_trip_ms` and `error_ms` (of its clock) are absent until the client has sent them.
    """

    connection_id: str
    role: PresenceRole
    participant_id: NotRequired[str]
    transport: LiveTransport
    connected_at: str
    seen_at: str
    round_trip_ms: NotRequired[int]
    error_ms: NotRequired[int]


class PresenceSummary(TypedDict):
    """Counts of all connections, of those whose client has sent its `error_ms`, and by role.

    `within_ms` says how many have an `error_ms` of at most 10, 20, 40, 100, 250 and 1000 ms.
    """

    connected: int
    measured: int
    roles: dict[str, int]
    within_ms: dict[str, int]


class Presence(TypedDict):
    """Who is connected to a session; at most 100 connections are listed.

    `transports` are those whose connections are counted: `supabase`, or the service's own.
    """

    session_id: str
    transports: list[LiveTransport]
    connections: list[PresentConnection]
    summary: PresenceSummary
