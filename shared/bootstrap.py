"""The one place that wires everything together."""

from dataclasses import dataclass

from redis.asyncio import Redis

from shared.audit.ports import AuditLog, Outbox
from shared.audit.postgres import PostgresAuditLog
from shared.audit.supabase import SupabaseAuditLog
from shared.clock import StoreClock
from shared.history import History
from shared.metrics import Metrics
from shared.ports import SessionStore
from shared.recovery import Recovery
from shared.session_service import SessionService
from shared.settings import Settings
from shared.store.keys import Keys
from shared.store.redis import RedisSessionStore, connect
from shared.store.redis_memory import RedisMemory
from shared.store.redis_outbox import RedisOutbox


@dataclass(frozen=True, slots=True)
class Backend:
    """The parts of one instance; without an audit database there is nothing to recover from."""

    redis: Redis
    clock: StoreClock
    store: SessionStore
    outbox: Outbox
    audit: AuditLog | None
    recovery: Recovery | None
    service: SessionService
    history: History
    metrics: Metrics

    async def close(self) -> None:
        """Let every connection go."""
        await self.redis.aclose()
        if self.audit:
            await self.audit.close()


def assemble(settings: Settings) -> Backend:
    """The parts as `settings` ask for them; nothing is connected yet."""
    redis = connect(settings.redis_url)
    clock = StoreClock()
    keys = Keys(settings.store_shards)
    store = RedisSessionStore(redis, keys, clock)
    outbox = RedisOutbox(redis, keys)
    audit = audit_log(settings)
    recovery = None
    if audit and settings.recovery == "on":
        recovery = Recovery(store, RedisMemory(redis, keys), outbox, audit)
    return Backend(
        redis=redis,
        clock=clock,
        store=store,
        outbox=outbox,
        audit=audit,
        recovery=recovery,
        service=SessionService(store, recovery),
        history=History(store, outbox, audit),
        metrics=Metrics(),
    )


def audit_log(settings: Settings) -> AuditLog | None:
    """The audit trail that `settings` name, if any."""
    if settings.database_url:
        return PostgresAuditLog(settings.database_url.get_secret_value())
    if settings.supabase_url and settings.supabase_service_role_key:
        key = settings.supabase_service_role_key.get_secret_value()
        return SupabaseAuditLog(settings.supabase_url, key)
    return None
