"""Interfaces of the session store and its announcers, and the values that they exchange.

They need nothing that plain HTTP can't do: no watched keys, no blocking calls, no connection
state. Failures of the store are raised as `StoreUnavailable`.
"""

from collections.abc import Collection, Hashable, Mapping, Sequence
from typing import Literal, Protocol

from shared.domain.events import Change, Expiry
from shared.domain.frozen import dataclass
from shared.domain.session import Session
from shared.domain.units import Instant, Millis

Revision = str
"""Identifies one write of a session: the operation id of its commit."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A session as the store holds it."""

    session: Session
    revision: Revision


@dataclass(frozen=True, slots=True)
class Answer:
    """A response as it was sent: HTTP status, JSON body, session version and `Location`."""

    status: int
    body: bytes
    version: int | None = None
    location: str | None = None


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """An `Idempotency-Key`, unique within `scope`, and the `fingerprint` of its request."""

    scope: str
    key: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class RecordedAnswer:
    """Record of an idempotent request, from which its first response can be made again.

    `fingerprint` is that of the request, which led to `version` of the session `name` (None: the
    session of the request), or removed the session (`version` is None). The response showed the
    session `at` that instant; `expiry` is that of the clock that a switch ended. `entry_id`
    identifies the version's audit entry in the outbox. `session` is the version itself, if it is
    stored here. `answer` is the whole response, as version 2.0.0 recorded it; if it is set, only
    it and the `fingerprint` are used.
    """

    fingerprint: str
    name: str | None = None
    version: int | None = None
    at: Instant = Instant(0)
    expiry: Expiry | None = None
    entry_id: str = ""
    session: Session | None = None
    answer: Answer | None = None


@dataclass(frozen=True, slots=True)
class OwnerLimits:
    """Limits of one owner; None means unlimited.

    `sessions`: live sessions. `bytes`: bytes in the store. `load`: load of all running sessions,
    in the unit of `shared.domain.load`. `written`: bytes of sessions and audit entries written in
    one minute.
    """

    sessions: int | None = None
    bytes: int | None = None
    load: int | None = None
    written: int | None = None


UNLIMITED = OwnerLimits()


@dataclass(frozen=True, slots=True)
class Limit:
    """A rate limit: at most `most` (1 or more) requests of `counter` within `window_ms`.

    The window slides approximately, because the counter doesn't store each instant.
    """

    counter: str
    most: int
    window_ms: Millis


@dataclass(frozen=True, slots=True)
class Quota:
    """State of a limit after one more request; requests above the limit are not counted.

    `frees_in_ms` is the time until the next request is allowed or, if it is allowed already, until
    the current window ends.
    """

    limit: Limit
    is_exceeded: bool
    remaining: int
    frees_in_ms: Millis


Epoch = tuple[str, Hashable]
"""A marker of a shard, and the connection by which it was read.

While both stay the same, the shard has lost no data. The marker is lost together with the data.
The connection changes when another server takes over, which may lack the last changes that its
predecessor acknowledged.
"""


@dataclass(frozen=True, slots=True)
class Loaded:
    """Result of a load: the store's time, the session and the idempotency record, if any.

    `is_deleted` distinguishes a deleted session from one that the store doesn't know. `alarm_at` is
    the instant of the last alarm that was set, past or future. `quotas` are the states of the
    counted limits, or empty if the store could not count. `epoch` is that of the session's shard,
    if it was requested and is known.
    """

    now: Instant
    stored: Stored | None
    recorded: RecordedAnswer | None = None
    is_deleted: bool = False
    alarm_at: Instant | None = None
    quotas: tuple[Quota, ...] = ()
    epoch: Epoch | None = None


@dataclass(frozen=True, slots=True)
class LoadedMany:
    """Several sessions in the requested order; `now` is the latest of their shards' times."""

    now: Instant
    sessions: list[Loaded]
    quotas: tuple[Quota, ...] = ()


@dataclass(frozen=True, slots=True)
class Origin:
    """Actor and request id of a change, for the audit trail."""

    actor: str
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class Commit:
    """Everything that one accepted change writes, in one atomic step.

    `name` is `Session.name`, `expected` the revision on which the change is based (None: no session
    yet), `session` the new state (None: only a tombstone). `operation_id` makes a repeated commit
    harmless.
    `wake_at` is None for an ended session; for a live one it is at the latest the end of its
    retention. `alarm_at` is the next flag fall or warning, if any.
    The stored bytes and the `load` count against the limits of the session's `owner`. A commit that
    adds to them is refused if it would exceed `owner_may_hold`.
    With a `key`, an idempotency record is written too.
    """

    name: str
    expected: Revision | None
    operation_id: str
    session: Session | None
    retention_ms: Millis
    wake_at: Instant | None
    now: Instant
    alarm_at: Instant | None = None
    changes: Sequence[Change] = ()
    origin: Origin = Origin("system")
    pushes: Sequence[bytes] = ()
    key: IdempotencyKey | None = None
    owner: str | None = None
    owner_may_hold: OwnerLimits = UNLIMITED
    load: int = 0


@dataclass(frozen=True, slots=True)
class Committed:
    """The commit was written, now or by an earlier attempt."""


@dataclass(frozen=True, slots=True)
class AnsweredBefore:
    """A request with the same idempotency key was committed before; nothing was written."""

    recorded: RecordedAnswer


@dataclass(frozen=True, slots=True)
class Superseded:
    """The session is no longer at the expected revision; nothing was written."""

    stored: Stored | None


@dataclass(frozen=True, slots=True)
class OwnerHoldsEnough:
    """The owner would exceed one of its limits; nothing was written."""

    of: Literal["sessions", "bytes", "load", "written"]


CommitResult = Committed | AnsweredBefore | Superseded | OwnerHoldsEnough


@dataclass(frozen=True, slots=True)
class Wakeup:
    """The instant at which to check the session `name` without a request."""

    name: str
    at: Instant


@dataclass(frozen=True, slots=True)
class Agenda:
    """The earliest wake-ups of one shard, in order, and the shard's time of the read."""

    now: Instant
    wakeups: tuple[Wakeup, ...]


@dataclass(frozen=True, slots=True)
class Census:
    """Number of live sessions, and state of the outbox.

    `outbox_age_ms` is the age of the oldest waiting audit entry, 0 if none waits; `oldest_at` is
    the instant at which that entry was queued.
    """

    live_sessions: int
    outbox_length: int
    outbox_age_ms: Millis
    dead_letters: int
    oldest_at: Instant | None = None


@dataclass(frozen=True, slots=True)
class News:
    """News of a commit: an alarm to set, an outbox that is no longer empty.

    `pushes` are the messages for the session's subscribers, in order.
    """

    name: str
    alarm_at: Instant | None = None
    fills_outbox: bool = False
    pushes: Sequence[bytes] = ()


class Announcer(Protocol):
    """Passes news to services that can't listen to the store."""

    async def announce(self, news: News) -> None:
        """Pass `news` on, in bounded time. Never fails, because the commit is already written."""


class SessionStore(Protocol):
    """Stores sessions between requests."""

    def creation_scope(self, key: str, name: str | None) -> str:
        """Return the scope of idempotency key `key` for creating a session.

        It is common to all creations if the store can commit that together with session `name`.
        """

    def new_session_id(self, scope: str | None, tenant: str | None) -> str:
        """Return a new id for a session that can be committed with a key of `scope`."""

    async def load(
        self,
        name: str,
        key: IdempotencyKey | None = None,
        limits: Sequence[Limit] = (),
        *,
        with_epoch: bool = False,
    ) -> Loaded:
        """Load the session, the record for `key` and the time, in one round trip.

        Also count one request for each of `limits`; `with_epoch` also reads the epoch.
        """

    async def load_many(self, names: Sequence[str], limits: Sequence[Limit] = ()) -> LoadedMany:
        """Load several sessions and count one request for each limit, in one round trip."""

    async def commit(self, commit: Commit) -> CommitResult:
        """Write all of `commit` or nothing, in one round trip."""

    async def remember(self, key: IdempotencyKey, record: bytes) -> bytes:
        """Store `record` under `key` for 24 h unless it has one; return the stored record.

        For requests without a commit, because they change no session. One round trip.
        """

    async def agendas(self, limit: int) -> list[Agenda]:
        """Return the next wake-ups of each reachable shard, at most `limit` per shard.

        Raises `StoreUnavailable` if no shard can be reached.
        """

    async def claim(self, wakeups: Sequence[Wakeup], until: Instant) -> list[Wakeup]:
        """Postpone those wake-ups to `until` that haven't changed; return them: they are claimed.

        An unfinished claim expires at `until`, and the wake-up is due again.
        """

    async def release(self, claimed: Wakeup, at: Instant | None) -> None:
        """Set a claimed wake-up that led to no commit to `at`, or remove it if `at` is None."""

    async def rearm(self, rung: Wakeup, at: Instant) -> None:
        """Set an alarm for `at` to replace the one that went off, unless another is set."""

    async def census(self) -> Census:
        """Return statistics for the metrics."""

    async def time(self) -> Instant:
        """Return the store's time, the only clock that sessions use."""


class Memory(Protocol):
    """Detects shards of the store that have lost their data, and coordinates their recovery."""

    def shard_of(self, name: str) -> str:
        """Return the shard of the session `name`."""

    async def lost(self) -> list[str]:
        """Return the shards that have lost their data since the last recovery, or are new.

        Unreachable shards are left out. Raises `StoreUnavailable` if no shard can be reached.
        """

    async def begin_recovery(self, by: str, shards: Collection[str]) -> list[str]:
        """Lease `shards` to `by` for recovery; return those that it holds.

        Repeat the call during the recovery: the lease of a silent instance expires, so that
        another one can take over.
        """

    async def end_recovery(self, by: str, shards: Collection[str]) -> None:
        """Mark `shards` as recovered, which begins a new epoch.

        A shard that lost its data again since `by` began is not marked.
        """

    async def epochs(self) -> Mapping[str, Epoch]:
        """Return the epoch of each shard.

        Leaves out shards that have lost their data, or whose connection doesn't tell when another
        server takes over. Raises `StoreUnavailable`.
        """
