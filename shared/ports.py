"""What the service needs from the outside world, named by that need.

A port promises nothing that plain HTTP couldn't do: no watched keys, no blocking calls, no state
of a connection. Errors of the outside world come as `StoreUnavailable`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from shared.domain.events import Change, EventType
from shared.domain.session import Session
from shared.domain.units import Instant, Millis

Revision = str
"""Names one write of a session: the operation id of the commit that made it."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A session as the store holds it."""

    session: Session
    revision: Revision


@dataclass(frozen=True, slots=True)
class Answer:
    """What a caller is told: HTTP status, the version it names, and the JSON body."""

    status: int
    body: bytes
    version: int | None = None
    location: str | None = None


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """A caller's `Idempotency-Key` within its `scope`, and the `fingerprint` of its request."""

    scope: str
    key: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class RecordedAnswer:
    """The first answer to an idempotent request."""

    fingerprint: str
    answer: Answer


@dataclass(frozen=True, slots=True)
class Loaded:
    """One load: the store's time, the session if there is one, the answer given before if any.

    `is_deleted` tells a session that was deleted from one that the store doesn't know of.
    """

    now: Instant
    stored: Stored | None
    recorded: RecordedAnswer | None = None
    is_deleted: bool = False


@dataclass(frozen=True, slots=True)
class Origin:
    """Who asked for a change, in which request; for the audit trail."""

    actor: str
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class Commit:
    """Everything that one accepted change writes, in one atomic step.

    `expected` is the revision it builds on (None: no such session yet), `session` what is stored
    from now on (None: only that there was one), `operation_id` makes a repeated commit harmless.
    A session that is over has no `wake_at`; a live one has at least the instant at which it will
    be forgotten.
    """

    session_id: str
    expected: Revision | None
    operation_id: str
    session: Session | None
    retention_ms: Millis
    wake_at: Instant | None
    changes: Sequence[Change] = ()
    origin: Origin = Origin("system")
    pushes: Sequence[bytes] = ()
    key: IdempotencyKey | None = None
    answer: Answer | None = None


@dataclass(frozen=True, slots=True)
class Committed:
    """It was written, now or by an earlier try of the same commit."""


@dataclass(frozen=True, slots=True)
class AnsweredBefore:
    """Another request with the same idempotency key was faster; nothing was written."""

    recorded: RecordedAnswer


@dataclass(frozen=True, slots=True)
class Superseded:
    """The session is no longer what the commit builds on; nothing was written."""

    stored: Stored | None


CommitResult = Committed | AnsweredBefore | Superseded


@dataclass(frozen=True, slots=True)
class Wakeup:
    """When a session must next be looked at, though nobody asks."""

    session_id: str
    at: Instant


@dataclass(frozen=True, slots=True)
class Agenda:
    """The earliest wake-ups, soonest first, and the store's time when they were read."""

    now: Instant
    wakeups: tuple[Wakeup, ...]


@dataclass(frozen=True, slots=True)
class Census:
    """How many sessions are live, and how the outbox stands.

    `outbox_age_ms` is how long the oldest audit entry has waited, 0 where none waits.
    """

    live_sessions: int
    outbox_length: int
    outbox_age_ms: Millis
    dead_letters: int


class SessionStore(Protocol):
    """Where sessions live between two requests."""

    def creation_scope(self, key: str, session_id: str | None) -> str:
        """The scope of `key` for a creation: one for all, where the store can commit that."""

    def new_session_id(self, scope: str | None) -> str:
        """A fresh id, of a session that can be committed with an idempotency key of `scope`."""

    async def load(self, session_id: str, key: IdempotencyKey | None = None) -> Loaded:
        """The session, the recorded answer for `key` and the time, in one round trip."""

    async def load_many(self, session_ids: Sequence[str]) -> tuple[Instant, list[Loaded]]:
        """Several sessions, all at that time, in one round trip."""

    async def commit(self, commit: Commit) -> CommitResult:
        """Write all of `commit` or nothing, in one round trip."""

    async def agenda(self, limit: int) -> Agenda:
        """The next wake-ups, at most `limit` of each shard."""

    async def claim(self, wakeups: Sequence[Wakeup], until: Instant) -> list[Wakeup]:
        """Put those off to `until` that still stand as given; returns them: they are ours."""

    async def release(self, claimed: Wakeup, at: Instant | None) -> None:
        """Set a claimed wake-up that led to no commit to `at`, or drop it (None)."""

    async def census(self) -> Census:
        """Figures for the metrics."""

    async def time(self) -> Instant:
        """The store's time, which is the only time there is."""

    async def is_whole(self) -> bool:
        """Whether nothing was lost since the last recovery; False for a store that is new."""

    async def begin_recovery(self, by: str) -> bool:
        """Whether `by` may bring back what was lost; to be asked again while it goes on.

        Others wait meanwhile, but not for one from whom nothing is heard.
        """

    async def end_recovery(self, by: str) -> None:
        """Call the store whole, unless it lost its memory again since `by` began."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """An audit entry on its way: where it waits, since when, and its JSON (None: not an entry)."""

    shard: str
    id: str
    queued_at: Instant
    entry: bytes | None


class Outbox(Protocol):
    """Where audit entries wait for the database, in the order in which they were made."""

    async def take(self, worker: str, limit: int) -> list[Delivery]:
        """The oldest entries, at most `limit` of each shard; none while another worker is at it.

        What was taken stays in the outbox until it is settled or parked: a worker that dies
        loses nothing.
        """

    async def settle(self, deliveries: Sequence[Delivery]) -> None:
        """Drop entries that the database has for good."""

    async def park(self, delivery: Delivery, reason: str) -> None:
        """Move an entry that can't be written to the dead letters."""

    async def waiting(self, session_id: str) -> list["Moment"]:
        """What waits of one session, oldest first."""

    async def newest(self) -> dict[str, "Moment"]:
        """The newest version that waits, by session."""


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


@dataclass(frozen=True, slots=True)
class Clash:
    """A version that the trail holds already, made by another change."""

    session_id: str
    version: int


class AuditLog(Protocol):
    """The database that keeps every change for good.

    Every method raises `AuditUnavailable` when the database is away or takes too long.
    """

    async def append(self, entries: Sequence[bytes]) -> list[Clash]:
        """Write all of `entries` or none; what is there already is left as it is.

        Raises `EntriesRefused` when the database won't have one of them.
        """

    async def events(self, session_id: str, after: int, limit: int) -> list[AuditedEvent]:
        """The events with a version above `after`, oldest first, at most `limit`."""

    async def last(self, session_id: str) -> Moment | None:
        """The newest version of a session."""

    async def at_version(self, session_id: str, version: int) -> Moment | None:
        """That version of a session."""

    async def at_instant(self, session_id: str, at: Instant) -> Moment | None:
        """The newest version of a session that was made at `at` or before."""

    async def waking(self, after: str | None, limit: int) -> list[Session]:
        """Sessions in which something will happen of itself, by id, those above `after`."""

    async def ping(self) -> None:
        """Return when the database answers."""

    async def close(self) -> None:
        """Let its connections go."""
