"""The parts of one instance, whatever products are behind them."""

from dataclasses import dataclass

from shared.audit.ports import AuditLog, Outbox
from shared.clock import StoreClock
from shared.history import History
from shared.ports import Announcer, SessionStore
from shared.pushes import Pushes
from shared.readiness import Readiness
from shared.recovery import Recovery
from shared.session_service import SessionService
from shared.settings import Settings
from shared.store.connection import Connection
from shared.store.keys import Keys
from shared.store.memory import RedisMemory
from shared.store.outbox import RedisOutbox
from shared.store.probe import StoreProbe
from shared.store.sessions import RedisSessionStore


@dataclass(frozen=True, slots=True)
class Backend:
    """What endpoints and workers use; without an audit database nothing can be recovered, and
    without `pushes` clients are not told by Supabase Realtime."""

    connection: Connection
    keys: Keys
    clock: StoreClock
    store: SessionStore
    outbox: Outbox
    audit: AuditLog | None
    recovery: Recovery | None
    service: SessionService
    history: History
    readiness: Readiness
    pushes: Pushes | None = None

    async def close(self) -> None:
        """Finish what goes on in the background, and let every connection go."""
        if self.pushes:
            await self.pushes.close()
        await self.connection.close()
        if self.audit:
            await self.audit.close()


def assemble(
    settings: Settings,
    connection: Connection,
    audit: AuditLog | None,
    *,
    clock: StoreClock,
    announcer: Announcer | None = None,
    sets_alarms: bool = False,
    pushes: Pushes | None = None,
) -> Backend:
    """The parts around `connection` and `audit`; nothing is connected yet.

    The `announcer` is told of each commit, also of alarms to set where the store `sets_alarms`.
    """
    keys = Keys(settings.store_shards)
    publishes = settings.pubsub == "on"
    store = RedisSessionStore(
        connection,
        keys,
        clock,
        publishes=publishes,
        announcer=announcer,
        sets_alarms=sets_alarms,
    )
    outbox = RedisOutbox(connection, keys)
    recovery = None
    if audit:
        memory, is_on = RedisMemory(connection, keys), settings.recovery == "on"
        recovery = Recovery(store, memory, outbox, audit, is_on=is_on)
    return Backend(
        connection=connection,
        keys=keys,
        clock=clock,
        store=store,
        outbox=outbox,
        audit=audit,
        recovery=recovery,
        service=SessionService(store, recovery, settings.max_sessions_per_caller),
        history=History(store, outbox, audit),
        readiness=Readiness(StoreProbe(connection, keys), store, audit),
        pushes=pushes,
    )
