"""Interfaces of the audit trail: the outbox, where entries wait, and the database."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, Self

from shared.application.ports.commit import SnapshotDifference
from shared.application.ports.listed_sessions import (
    ListedSession,
    ListPosition,
    ListScope,
    ListSpan,
    SessionFilter,
)
from shared.domain.events import EventType
from shared.domain.session import Session
from shared.domain.units import Instant, Millis


@dataclass(frozen=True, slots=True)
class QueuedEntry:
    """An audit entry in the outbox: its shard, stream id, queuing time and JSON.

    `entry` is None where the stream holds something that is not an entry.
    """

    shard: str
    id: str
    queued_at: Instant
    entry: bytes | None


@dataclass(frozen=True, slots=True)
class SessionSnapshot:
    """A session's state after one event."""

    session: Session
    event: str
    occurred_at: Instant
    difference: SnapshotDifference | None = None
    """If it is set, participants that didn't change since another snapshot are missing."""

    @classmethod
    def of(cls, state: Session | SnapshotDifference, event: str, at: Instant) -> Self:
        """Return the snapshot with that state."""
        if isinstance(state, SnapshotDifference):
            return cls(state.core, event, at, state)
        return cls(state, event, at)

    def with_session(self, session: Session) -> Self:
        """Return the snapshot with all participants, which are those of `session`."""
        return replace(self, session=session, difference=None)

    @property
    def is_deletion(self) -> bool:
        """Whether the event deleted the session."""
        return self.event == EventType.SESSION_DELETED

    @property
    def can_change(self) -> bool:
        """Whether the session can still change: it is neither deleted nor in a final status."""
        return not (self.is_deletion or self.session.status.is_terminal)


WEBHOOK_CREATED = "webhook created"
"""The message on the outbox's channel when the workers of webhooks have entries to read."""


class NoWebhook(Exception):
    """No webhook exists, so the workers of webhooks don't read the outbox."""


class Outbox(Protocol):
    """A queue of audit entries for the database, in the order of creation within a shard.

    A snapshot that it returns has a `difference` only if the snapshot that this refers to doesn't
    wait in the outbox any more; see `AuditLog.completed`.
    """

    async def take(
        self, worker: str, most: int, most_bytes: int = ..., after: Mapping[str, str] = ...
    ) -> list[QueuedEntry]:
        """Return the oldest entries: at most `most` and `most_bytes` in all, but at least one.

        Shards on which another worker has the lease are skipped. Where `after` has a stream id for
        a shard, entries up to that id that were taken before are skipped. Entries stay in the
        outbox until they are settled or become dead letters, so none is lost if the worker dies.
        The workers of webhooks get `NoWebhook` if there is none.
        """

    async def is_empty(self) -> bool:
        """Return whether there are no entries at all. Raises `StoreUnavailable`."""

    async def renew(self, worker: str, shards: Iterable[str]) -> None:
        """Renew the leases on `shards` that `worker` holds."""

    async def settle(self, deliveries: Sequence[QueuedEntry]) -> None:
        """Remove entries that the database has stored."""

    async def move_to_dead_letters(self, delivery: QueuedEntry, reason: str) -> None:
        """Move an entry that can't be written to the dead letters."""

    async def entry(self, name: str, entry_id: str) -> SessionSnapshot | None:
        """Return the session `name` as a waiting entry has it; None if the entry has left.

        `entry_id` is the entry's stream id.
        """

    async def waiting(self, name: str) -> list[SessionSnapshot]:
        """Return the versions of one session that wait in the outbox, oldest first."""

    async def newest_versions_of(self, names: Collection[str]) -> dict[str, SessionSnapshot]:
        """Return the newest waiting version of each named session that has entries here."""

    async def newest(self, shards: Collection[str]) -> dict[str, SessionSnapshot]:
        """Return the newest waiting version of each session on `shards`, by session name."""


@dataclass(frozen=True, slots=True)
class AuditedEvent:
    """One event of the audit trail, without the session's state."""

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
class AuditConflict:
    """A version that could not be written, because the trail has it from another change."""

    session_id: str
    version: int
    tenant: str | None = None


@dataclass(frozen=True, slots=True)
class ExaminedSession:
    """A session in a list; `session` is None if it doesn't meet the conditions."""

    position: ListPosition
    session: ListedSession | None


class AuditLog(Protocol):
    """The database that keeps every change permanently.

    Parameters called `name` are session names. Every method raises `AuditUnavailable` when the
    database can't be reached or takes too long.
    """

    async def append(self, entries: Sequence[bytes]) -> list[AuditConflict]:
        """Write all of `entries` or none. Versions that exist already are left unchanged.

        Returns the versions that exist from another change. Raises `EntriesRefused` when the
        database refuses one of the entries.
        """

    async def events(
        self,
        name: str,
        after: int | None,
        limit: int,
        *,
        event: EventType | None = None,
        newest_first: bool = False,
    ) -> list[AuditedEvent]:
        """Return the events behind version `after` (None: all), at most `limit`.

        Oldest first those above it, or newest first those below it. With `event` only those of that
        type.
        """

    async def last(self, name: str) -> SessionSnapshot | None:
        """Return the newest version of a session."""

    async def newest_of(self, names: Collection[str]) -> dict[str, SessionSnapshot]:
        """Return the newest version of each named session that the trail has."""

    async def at_version(self, name: str, version: int) -> SessionSnapshot | None:
        """Return the session at `version`."""

    async def completed(self, snapshot: SessionSnapshot) -> SessionSnapshot | None:
        """Return the snapshot with all participants.

        None if the trail doesn't have the snapshot that its `difference` refers to. Snapshots that
        other methods return are complete; those that can't be completed are left out.
        """

    async def at_instant(self, name: str, at: Instant) -> SessionSnapshot | None:
        """Return the newest version of a session that was made at `at` or before."""

    async def sessions_with_wakeup(self, after: str | None, limit: int) -> list[Session]:
        """Return sessions that will change without a command, at most `limit`.

        They are ordered by tenant, then by id, and begin after the session named `after`.
        """

    async def names(self, after: str | None, limit: int) -> list[str]:
        """Return the names of all sessions, deleted ones included, at most `limit`.

        Same order as `sessions_with_wakeup`, beginning after the session named `after`. An empty
        list is the end.
        """

    async def newest_in(
        self, scope: ListScope, wanted: SessionFilter, span: ListSpan
    ) -> list[ExaminedSession]:
        """Return the sessions of this part of the list that weren't deleted, in their order."""

    async def ping(self) -> None:
        """Return when the database answers."""

    async def check(self) -> str | None:
        """Check, without writing anything, that the database accepts writes.

        Returns None, or the reason why some entries will fail. Raises `AuditUnavailable` with the
        reason when it accepts no writes.
        """

    async def close(self) -> None:
        """Close the connections."""
