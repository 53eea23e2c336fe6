"""A publisher with all that belongs to it, on a Redis and a Realtime of the test's own."""

from dataclasses import dataclass, field, replace
from typing import Any

from redis.asyncio import Redis

from infra.local.supabase import SECRET_KEY
from shared.clock import StoreClock
from shared.composition.supabase_pushes import Pushes
from shared.domain.events import Change, EventType
from shared.domain.session import Session
from shared.domain.units import Instant
from shared.metrics.ports import PushFate
from shared.observability.prometheus import PrometheusMetrics
from shared.ports import Committed, News
from shared.realtime.broadcasts import Broadcasts
from shared.realtime.messages import pushes
from shared.realtime.supabase import Patience, SupabasePublisher
from shared.representation import encoded_view
from shared.store.keys import Keys
from shared.store.owed_pushes import RedisOwedPushes
from shared.store.sessions import RedisSessionStore
from tests.support.api import CERTIFICATES
from tests.support.broadcast_server import BroadcastServer
from tests.support.native_redis import native_connection_of
from tests.support.scenarios import commit_of

KEYS = Keys(2)
IN_TIME = Patience(waiting_s=10, sending_s=10, noting_s=10)
"""For a machine that is busy, where nothing is to be late."""


@dataclass
class Desk:
    """One instance that pushes."""

    redis: Redis
    server: BroadcastServer
    key: str = SECRET_KEY
    rate: int = 0
    patience: Patience = IN_TIME
    keys: Keys = KEYS
    calls: list[str] = field(default_factory=list)
    """How often a worker was called."""

    def __post_init__(self) -> None:
        self.connection = native_connection_of(self.redis)
        self.clock = StoreClock()
        self.store = RedisSessionStore(self.connection, self.keys, self.clock)
        self.owed = RedisOwedPushes(self.connection, self.keys, self.clock)
        self.metrics = PrometheusMetrics()
        self.publisher = SupabasePublisher(
            Broadcasts(self.server.url, self.key, CERTIFICATES, self.patience.sending_s),
            self.owed,
            self.metrics,
            rate=self.rate,
            patience=self.patience,
            call_worker=self._call,
        )
        self.pushes = Pushes(self.publisher, self.owed, self.publisher)

    async def commit(self, change: Change, expected: str | None = None) -> str:
        """Have the store know what `change` has led to, and nobody else; returns the revision."""
        commit = replace(commit_of(change), expected=expected, session=_left_by(change))
        assert await self.store.commit(commit) == Committed()
        return commit.operation_id

    async def names_owed(self) -> list[str]:
        """The sessions that are owed a push, whenever it is due."""
        return sorted(await self._scores())

    async def let_a_second_pass(self) -> None:
        """What is owed is due now, as often as it was tried."""
        for name, score in (await self._scores()).items():
            key = self.keys.owed_pushes(self.keys.shard_of(name))
            await self.redis.zadd(key, {name: 1024 + score % 1024})

    def counted(self, name: str) -> float:
        """A figure of the metrics."""
        return self.metrics.registry.get_sample_value(f"synckairos_push_{name}") or 0

    def fate(self, fate: PushFate) -> float:
        """How many pushes had that one."""
        return self.counted(f"{fate}_total")

    async def _scores(self) -> dict[str, int]:
        scores: dict[str, int] = {}
        for shard in self.keys.all_shards:
            key = self.keys.owed_pushes(shard)
            owed: Any = await self.redis.zrange(key, 0, -1, withscores=True)
            scores |= {name.decode(): int(score) for name, score in owed}
        return scores

    async def _call(self) -> None:
        self.calls.append("called")


def _left_by(change: Change) -> Session | None:
    return None if change.type is EventType.SESSION_DELETED else change.session


def news_of(change: Change) -> News:
    """What is announced of a change."""
    session, now = change.session, Instant(change.occurred_at)
    return News(session.name, pushes=pushes([change], now, encoded_view(session, now)))
