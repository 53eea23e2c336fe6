"""What the audit trail needs from outside: a place to wait in, and a database for good."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from shared.domain.events import EventType
from shared.domain.session import Session
from shared.domain.units import Instant, Millis


@dataclass(frozen=True, slots=True)
class Delivery:
    """An audit entry on its way: where it waits, since when, and its JSON (None: not an entry)."""

    shard: str
    id: str
    queued_at: Instant
    entry: bytes | None


@dataclass(frozen=True, slots=True)
class Moment:
    """A session as one event left it."""

    session: Session
    event: str
    occurred_at: Instant

    @property
    def is_deletion(self) -> bool:
        """Whether the session was gone from here on."""
        return self.event == EventType.SESSION_DELETED

    @property
    def is_unfinished(self) -> bool:
        """Whether anything could still happen in the session."""
        return not (self.is_deletion or self.session.status.is_terminal)


class Outbox(Protocol):
    """Where audit entries wait for the database, in the order in which they were made."""

    async def take(
        self, worker: str, most: int, most_bytes: int = ..., after: Mapping[str, str] = ...
    ) -> list[Delivery]:
        """The oldest entries, at most `most` of them and `most_bytes` in all, but at least one.

        None of a shard while another worker has its lease, and only those behind the stream id that
        `after` has for the shard. What was taken stays in the outbox until it is settled or parked:
        a worker that dies loses nothing.
        """

    async def renew(self, worker: str, shards: Iterable[str]) -> None:
        """Go on holding the leases of `shards` that `worker` has."""

    async def settle(self, deliveries: Sequence[Delivery]) -> None:
        """Drop entries that the database has for good."""

    async def park(self, delivery: Delivery, reason: str) -> None:
        """Move an entry that can't be written to the dead letters."""

    async def entry(self, name: str, entry_id: str) -> Moment | None:
        """What waits of the session `name` under that id; None when it is settled or parked."""

    async def waiting(self, name: str) -> list[Moment]:
        """What waits of one session, oldest first."""

    async def newest_of(self, names: Collection[str]) -> dict[str, Moment]:
        """The newest version that waits of each of the sessions named, where one does."""

    async def newest(self, shards: Collection[str]) -> dict[str, Moment]:
        """The newest version that waits on these shards, by the session's name."""


@dataclass(frozen=True, slots=True)
class AuditedEvent:
    """One event of the audit trail, without the state it left."""

    version: int
    event: str
    occurred_at: Instant
    actor: str
    request_id: str | None
    participant_id: str | None
    group_id: str | None
    time_remaining_ms: Millis | None
    time_elapsed_ms: Millis | None
    cycle_number: int
    metadata: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Clash:
    """A version that the trail holds already, made by another change."""

    session_id: str
    version: int
    tenant: str | None = None


class AuditLog(Protocol):
    """The database that keeps every change for good.

    A session is asked for by its name. Every method raises `AuditUnavailable` when the database is
    away or takes too long.
    """

    async def append(self, entries: Sequence[bytes]) -> list[Clash]:
        """Write all of `entries` or none; what is there already is left as it is.

        Raises `EntriesRefused` when the database won't have one of them.
        """

    async def events(self, name: str, after: int, limit: int) -> list[AuditedEvent]:
        """The events with a version above `after`, oldest first, at most `limit`."""

    async def last(self, name: str) -> Moment | None:
        """The newest version of a session."""

    async def last_of(self, names: Collection[str]) -> dict[str, Moment]:
        """The newest version of each of the sessions named, where the trail has one."""

    async def at_version(self, name: str, version: int) -> Moment | None:
        """That version of a session."""

    async def at_instant(self, name: str, at: Instant) -> Moment | None:
        """The newest version of a session that was made at `at` or before."""

    async def waking(self, after: str | None, limit: int) -> list[Session]:
        """Sessions in which something will happen of itself, at most `limit`, in an order of the
        trail's own: by tenant, then by id. Those behind the one named `after`."""

    async def names(self, after: str | None, limit: int) -> list[str]:
        """Names of all sessions, deleted ones too, at most `limit`, in the same order: those behind
        the one named `after`. None are left where none is returned."""

    async def ping(self) -> None:
        """Return when the database answers."""

    async def check(self) -> str | None:
        """Return when the database takes writes: None, or what some entries will fail for.

        Nothing is written by this. Raises `AuditUnavailable` with the reason otherwise.
        """

    async def close(self) -> None:
        """Let its connections go."""
