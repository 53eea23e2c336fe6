"""A publisher with its store, owed pushes and metrics, on a Redis and a Realtime of the test."""

from dataclasses import dataclass, field
from typing import Any

from redis.asyncio import Redis

from infra.local.supabase import SECRET_KEY
from shared.application.ports.commit import Committed
from shared.application.ports.metrics import PushOutcome
from shared.application.ports.notifier import CommitNotification
from shared.application.push_messages import pushes
from shared.application.shown_state import ShownState
from shared.application.store_clock import StoreClock
from shared.composition.supabase_pushes import SupabasePushes
from shared.domain.events import EventType, SessionChange
from shared.domain.session import Session
from shared.domain.units import Instant
from shared.domain.values import replace
from shared.observability.prometheus import PrometheusMetrics
from shared.realtime.broadcast_client import BroadcastClient
from shared.realtime.supabase import PushTimeouts, SupabasePublisher
from shared.store.keys import StoreKeys
from shared.store.pending_pushes import RedisPendingPushes
from shared.store.sessions import RedisSessionStore
from tests.support.api import CERTIFICATES
from tests.support.broadcast_server import BroadcastServer
from tests.support.native_redis import native_connection_of
from tests.support.scenarios import commit_of

KEYS = StoreKeys(2)
LONG_TIMEOUTS = PushTimeouts(queue_s=10, request_s=10, note_s=10)
"""Long enough that no timeout ends, even on a busy machine."""


@dataclass
class PushHarness:
    """One instance that pushes."""

    redis: Redis
    server: BroadcastServer
    key: str = SECRET_KEY
    rate: int = 0
    patience: PushTimeouts = LONG_TIMEOUTS
    keys: StoreKeys = KEYS
    calls: list[str] = field(default_factory=list)
    """One entry per call of the worker."""

    def __post_init__(self) -> None:
        self.connection = native_connection_of(self.redis)
        self.clock = StoreClock()
        self.store = RedisSessionStore(self.connection, self.keys, self.clock)
        self.owed = RedisPendingPushes(self.connection, self.keys, self.clock)
        self.metrics = PrometheusMetrics()
        self.publisher = SupabasePublisher(
            BroadcastClient(self.server.url, self.key, CERTIFICATES, self.patience.request_s),
            self.owed,
            self.metrics,
            rate=self.rate,
            timeouts=self.patience,
            wake_worker=self._record_call,
        )
        self.pushes = SupabasePushes(self.publisher, self.owed, self.publisher)

    async def commit(self, change: SessionChange, expected: str | None = None) -> str:
        """Commit `change` to the store without announcing it; return the revision."""
        commit = replace(commit_of(change), expected=expected, session=_session_after(change))
        assert await self.store.commit(commit) == Committed()
        return commit.operation_id

    async def owed_names(self) -> list[str]:
        """Return the names of all sessions that are owed a push, due or not."""
        return sorted(await self._scores())

    async def make_owed_due(self) -> None:
        """Make all owed pushes due now; keep the number of attempts of each."""
        for name, score in (await self._scores()).items():
            key = self.keys.pending_pushes(self.keys.shard_of(name))
            await self.redis.zadd(key, {name: 1024 + score % 1024})

    def metric(self, name: str) -> float:
        """Return the value of the metric `synckairos_push_{name}`."""
        return self.metrics.registry.get_sample_value(f"synckairos_push_{name}") or 0

    def pushes_with_fate(self, fate: PushOutcome) -> float:
        """Return how many pushes had that fate."""
        return self.metric(f"{fate}_total")

    async def _scores(self) -> dict[str, int]:
        scores: dict[str, int] = {}
        for shard in self.keys.all_shards:
            key = self.keys.pending_pushes(shard)
            owed: Any = await self.redis.zrange(key, 0, -1, withscores=True)
            scores |= {name.decode(): int(score) for name, score in owed}
        return scores

    async def _record_call(self) -> None:
        self.calls.append("called")


def _session_after(change: SessionChange) -> Session | None:
    return None if change.type is EventType.SESSION_DELETED else change.session


def news_of(change: SessionChange) -> CommitNotification:
    """Return the news that announces `change`."""
    session, now = change.session, Instant(change.occurred_at)
    return CommitNotification(session.name, pushes=pushes([change], now, ShownState(session, now)))
