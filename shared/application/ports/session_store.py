"""The session store: what the use cases need from it.

It needs nothing that plain HTTP can't do: no watched keys, no blocking calls, no connection state.
Failures of the store are raised as `StoreUnavailable`.
"""

from collections.abc import Sequence
from typing import Protocol

from shared.application.ports.commit import (
    UNLIMITED,
    Commit,
    CommitResult,
    IdempotencyKey,
    IdempotencyRecord,
    OwnerLimits,
    QuotaExceeded,
    StoredSession,
)
from shared.application.ports.data_loss import Epoch
from shared.application.ports.rate_limit import RateLimit, RateLimitState
from shared.application.ports.token_revocations import SessionToken
from shared.domain.units import Instant, Millis
from shared.domain.values import Value


class LoadResult(Value, frozen=True):
    """Result of a load: the store's time, the session and the idempotency record, if any.

    `is_deleted` distinguishes a deleted session from one that the store doesn't know. `alarm_at` is
    the instant of the last alarm that was set, past or future. `quotas` are the states of the
    counted limits, or empty if the store could not count. `epoch` is that of the session's shard,
    if it was requested and is known. `is_revoked` is that of the token that was to be checked.
    """

    now: Instant
    stored: StoredSession | None
    recorded: IdempotencyRecord | None = None
    is_deleted: bool = False
    alarm_at: Instant | None = None
    quotas: tuple[RateLimitState, ...] = ()
    epoch: Epoch | None = None
    is_revoked: bool = False


class BatchLoadResult(Value, frozen=True):
    """Several sessions in the requested order; `now` is the latest of their shards' times."""

    now: Instant
    sessions: list[LoadResult]
    quotas: tuple[RateLimitState, ...] = ()
    is_revoked: bool = False


class Wakeup(Value, frozen=True):
    """The instant at which to check the session `name` without a request."""

    name: str
    at: Instant


class ShardWakeups(Value, frozen=True):
    """The earliest wake-ups of one shard, in order, and the shard's time of the read."""

    now: Instant
    wakeups: tuple[Wakeup, ...]


class WaitingWork(Value, frozen=True):
    """What waits in the store: lost data to restore, and numbers of wake-ups (due now or later),
    of audit entries, of failed pushes, and of webhooks with messages of a session.

    `has_webhooks` says whether the workers of webhooks read the entries."""

    has_lost_data: bool
    wakeups: int
    entries: int
    pending_pushes: int
    webhooks: int = 0
    has_webhooks: bool = False


class StoreStatistics(Value, frozen=True):
    """Number of live sessions without test sessions, and state of the outbox.

    `outbox_age_ms` is the age of the oldest waiting audit entry, 0 if none waits; `oldest_at` is
    the instant at which that entry was queued.
    """

    live_sessions: int
    outbox_length: int
    outbox_age_ms: Millis
    dead_letters: int
    oldest_at: Instant | None = None


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
        limits: Sequence[RateLimit] = (),
        *,
        token: SessionToken | None = None,
        with_epoch: bool = False,
    ) -> LoadResult:
        """Load the session, the record for `key` and the time, in one round trip.

        Also count one request for each of `limits`, and check whether `token` is revoked;
        `with_epoch` also reads the epoch.
        """

    async def load_many(
        self,
        names: Sequence[str],
        limits: Sequence[RateLimit] = (),
        token: SessionToken | None = None,
    ) -> BatchLoadResult:
        """Load several sessions, count one request for each limit and check the token, in one round
        trip."""

    async def commit(self, commit: Commit) -> CommitResult:
        """Write all of `commit` or nothing, in one round trip."""

    async def remember(
        self,
        key: IdempotencyKey,
        record: bytes,
        owner: str | None = None,
        limits: OwnerLimits = UNLIMITED,
    ) -> bytes | QuotaExceeded:
        """Store `record` under `key` for 24 h unless it has one; return the stored record.

        Its bytes count for `owner` (as `limited_owner` names it), whose bytes `limits` bounds.
        For requests without a commit, because they change no session. One round trip.
        """

    async def due_wakeups(self, limit: int) -> list[ShardWakeups]:
        """Return the next wake-ups of each reachable shard, at most `limit` per shard.

        Raises `StoreUnavailable` if no shard can be reached.
        """

    async def claim(self, wakeups: Sequence[Wakeup], until: Instant) -> list[Wakeup]:
        """Postpone those wake-ups to `until` that haven't changed; return them: they are claimed.

        An unfinished claim expires at `until`, and the wake-up is due again.
        """

    async def release(self, claimed: Wakeup, at: Instant | None) -> None:
        """Set a claimed wake-up that led to no commit to `at`, or remove it if `at` is None."""

    async def reschedule_alarm(self, due: Wakeup, at: Instant) -> None:
        """Set an alarm for `at` to replace the one that went off, unless another is set."""

    async def waiting_work(self) -> WaitingWork:
        """Return what waits on all shards that can be reached, with one command for each.

        Raises `StoreUnavailable` if none can be.
        """

    async def statistics(self) -> StoreStatistics:
        """Return statistics for the metrics."""

    async def time(self) -> Instant:
        """Return the store's time, the only clock that sessions use."""
