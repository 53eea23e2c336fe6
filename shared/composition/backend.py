"""Builds the backend of one instance, for any store and audit database."""

from dataclasses import dataclass

from shared.audit.ports import AuditLog, Outbox
from shared.clock import StoreClock
from shared.composition.supabase_pushes import Pushes
from shared.current_state import CurrentState
from shared.domain.load import UNIT
from shared.history import History
from shared.ports import Announcer, OwnerLimits, SessionStore
from shared.readiness import Readiness
from shared.recall import Recall
from shared.recovery import Recovery
from shared.session_limits import Limits
from shared.session_service import SessionService
from shared.settings.settings import Settings
from shared.store.commits import Means
from shared.store.connection import Connection
from shared.store.keys import Keys
from shared.store.memory import RedisMemory
from shared.store.outbox import RedisOutbox
from shared.store.probe import StoreProbe
from shared.store.sessions import RedisSessionStore
from shared.wakeups import Wakeups


@dataclass(frozen=True, slots=True)
class Backend:
    """The components that endpoints and workers use.

    `audit` and `recovery` are None without an audit database, `pushes` without Supabase Realtime.
    """

    connection: Connection
    keys: Keys
    clock: StoreClock
    store: SessionStore
    outbox: Outbox
    audit: AuditLog | None
    recovery: Recovery | None
    service: SessionService
    wakeups: Wakeups
    history: History
    readiness: Readiness
    pushes: Pushes | None = None

    async def close(self) -> None:
        """Finish background pushes, and close all connections."""
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
    """Build the backend around `connection` and `audit`, without connecting anything.

    The `announcer` is notified of each commit, and with `sets_alarms` also of alarms to set.
    """
    keys = Keys(settings.store_shards)
    means = Means(
        publishes=settings.pubsub == "on",
        sets_alarms=sets_alarms,
        audits=audit is not None or _is_emptied_elsewhere(settings),
        remembers=audit is not None,
    )
    store = RedisSessionStore(
        connection,
        keys,
        clock,
        means=means,
        announcer=announcer,
    )
    outbox = RedisOutbox(connection, keys)
    recovery = None
    if audit:
        memory, is_on = RedisMemory(connection, keys), settings.recovery == "on"
        recovery = Recovery(store, memory, outbox, audit, is_on=is_on)
    state = CurrentState(store, recovery)
    return Backend(
        connection=connection,
        keys=keys,
        clock=clock,
        store=store,
        outbox=outbox,
        audit=audit,
        recovery=recovery,
        service=SessionService(store, state, Recall(store, outbox, audit), _limits(settings)),
        wakeups=Wakeups(store, state),
        history=History(store, outbox, audit),
        readiness=Readiness(StoreProbe(connection, keys), store, audit),
        pushes=pushes,
    )


def _is_emptied_elsewhere(settings: Settings) -> bool:
    """Return whether another process writes the outbox to an audit database.

    If none does and this process has no audit database either, the outbox would grow forever.
    """
    return settings.audit_worker == "off" or settings.audit_queue_url is not None


def _limits(settings: Settings) -> Limits:
    owner_limits = OwnerLimits(
        sessions=settings.max_sessions_per_caller,
        bytes=settings.max_bytes_per_caller,
        load=settings.max_automatic_load_per_caller * UNIT,
        written=settings.max_written_per_caller,
    )
    return Limits(owner_limits, settings.max_automatic_load_per_session)
