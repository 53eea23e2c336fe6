"""The one place that wires everything together."""

from dataclasses import dataclass

from redis.asyncio import Redis

from shared.clock import StoreClock
from shared.metrics import Metrics
from shared.ports import SessionStore
from shared.session_service import SessionService
from shared.settings import Settings
from shared.store.keys import Keys
from shared.store.redis import RedisSessionStore, connect


@dataclass(frozen=True, slots=True)
class Backend:
    """The parts of one instance."""

    redis: Redis
    clock: StoreClock
    store: SessionStore
    service: SessionService
    metrics: Metrics


def assemble(settings: Settings) -> Backend:
    """The parts as `settings` ask for them; nothing is connected yet."""
    redis = connect(settings.redis_url)
    clock = StoreClock()
    store = RedisSessionStore(redis, Keys(settings.store_shards), clock)
    return Backend(redis, clock, store, SessionService(store), Metrics())
