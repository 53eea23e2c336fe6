"""Interface of the store of presence."""

from typing import Literal, Protocol

from shared.domain.units import Instant, Millis
from shared.domain.values import Value

LiveTransport = Literal["websocket", "sse"]
"""A transport whose connections the service counts. Those at Supabase are known only there."""


class Connection(Value, frozen=True):
    """One live connection of a client to a session.

    `round_trip_ms` and `error_ms`, the maximum error of the client's clock, are what the client
    last said; None if it hasn't said them. `seen_at` is the instant at which the instance last
    confirmed that it holds the connection.
    """

    connection_id: str
    role: str
    transport: LiveTransport
    connected_at: Instant
    participant_id: str | None = None
    round_trip_ms: Millis | None = None
    error_ms: Millis | None = None
    seen_at: Instant = Instant(0)


class PresenceSummary(Value, frozen=True):
    """Counts of connections: all, those whose client has said its error, and two divisions.

    `within_ms` has, for some bounds, how many errors are at most as large.
    """

    connected: int
    measured: int
    roles: dict[str, int]
    within_ms: dict[int, int]


class Presence(Value, frozen=True):
    """The connections of a session, in one instance or in all; a limited number is listed."""

    connections: tuple[Connection, ...]
    summary: PresenceSummary


class PresenceStore(Protocol):
    """The connections of all instances, by session. Every method raises `StoreUnavailable`.

    An instance that hasn't called `keep_alive` for a minute counts as dead, and so do its
    connections.
    """

    async def write(self, name: str, instance: str, presence: Presence | None) -> None:
        """Replace the connections that `instance` has to the session `name`; None if it has none.

        Announces the change on the session's presence channel.
        """

    async def keep_alive(self, instance: str) -> bool:
        """Confirm that `instance` still holds its connections.

        Returns False if the store didn't know the instance: its connections may be lost then.
        """

    async def forget(self, instance: str) -> None:
        """Remove all connections of `instance`, which stops."""

    async def read(self, name: str) -> Presence:
        """Return the connections to the session `name` of all instances that are alive."""
