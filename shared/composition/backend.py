"""Builds the backend of one instance, for any store and audit database."""

import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from shared.application.api_key_service import ApiKeyService
from shared.application.due_changes import WakeupHandler
from shared.application.history import AuditHistory, ReplayedStateReader
from shared.application.join_service import JoinService
from shared.application.ports.audit_log import AuditLog, Outbox
from shared.application.ports.commit import OwnerLimits
from shared.application.ports.notifier import Notifier
from shared.application.ports.presence import PresenceStore
from shared.application.ports.session_store import SessionStore
from shared.application.ports.token_revocations import TokenRevocations
from shared.application.readiness import Readiness
from shared.application.recovery import Recovery
from shared.application.rendered_pushes import RenderedPushes
from shared.application.session_limits import SessionLimits
from shared.application.session_list import SessionList
from shared.application.session_loader import SessionLoader
from shared.application.session_service import SessionService
from shared.application.store_clock import StoreClock
from shared.application.webhook_service import WebhookService
from shared.audit.supabase import SupabaseAuditLog
from shared.composition.supabase_pushes import SupabasePushes
from shared.composition.webhooks import Webhooks, build_webhooks
from shared.domain.automatic_load import UNIT
from shared.settings.settings import Settings
from shared.store.api_key_registry import RedisApiKeyRegistry
from shared.store.commit_script import CommitFeatures
from shared.store.connection import StoreConnection
from shared.store.data_loss import RedisDataLossDetector
from shared.store.join_codes import RedisJoinCodes
from shared.store.keys import StoreKeys
from shared.store.outbox import AUDIT, RedisOutbox
from shared.store.presence import RedisPresence
from shared.store.session_index import RedisSessionIndex
from shared.store.sessions import RedisSessionStore
from shared.store.token_revocations import RedisTokenRevocations
from shared.store.webhook_readers import WEBHOOKS
from shared.store.write_probe import StoreProbe

if TYPE_CHECKING:
    from postgrest import AsyncPostgrestClient


@dataclass(frozen=True, slots=True)
class Backend:
    """The components that endpoints and workers use.

    `audit` and `recovery` are None without an audit database, `pushes` without Supabase Realtime.
    """

    connection: StoreConnection
    keys: StoreKeys
    clock: StoreClock
    store: SessionStore
    outbox: Outbox
    audit: AuditLog | None
    recovery: Recovery | None
    service: SessionService
    sessions: SessionList
    joins: JoinService
    wakeups: WakeupHandler
    history: AuditHistory
    readiness: Readiness
    presence: PresenceStore
    revocations: TokenRevocations
    api_key_service: ApiKeyService
    webhooks: Webhooks
    webhook_service: WebhookService
    rendered: RenderedPushes
    pushes: SupabasePushes | None = None

    async def close(self) -> None:
        """Finish background pushes, and close all connections."""
        if self.pushes:
            await self.pushes.close()
        await self.webhooks.sender.close()
        await self.connection.close()
        if self.audit:
            await self.audit.close()


def build_backend(
    settings: Settings,
    connection: StoreConnection,
    audit: AuditLog | None,
    *,
    clock: StoreClock,
    certificates: ssl.SSLContext | None = None,
    notifier: Notifier | None = None,
    sets_alarms: bool = False,
    pushes: SupabasePushes | None = None,
) -> Backend:
    """Build the backend around `connection` and `audit`, without connecting anything.

    The `notifier` is notified of each commit, and with `sets_alarms` also of alarms to set.
    `certificates` are those that receivers of webhooks are checked with.
    """
    keys = StoreKeys(settings.store_shards)
    features = CommitFeatures(
        publishes=settings.pubsub == "on",
        sets_alarms=sets_alarms,
        audits=audit is not None or _is_emptied_elsewhere(settings),
        remembers=audit is not None,
    )
    rendered = RenderedPushes()
    store = RedisSessionStore(
        connection, keys, clock, features=features, notifier=notifier, rendered=rendered
    )
    outbox = RedisOutbox(connection, keys, AUDIT, other=WEBHOOKS)
    webhooks = build_webhooks(settings, connection, keys, certificates)
    recovery = None
    if audit:
        memory, is_on = RedisDataLossDetector(connection, keys), settings.recovery == "on"
        recovery = Recovery(store, memory, outbox, audit, is_on=is_on)
    state = SessionLoader(store, recovery)
    limits = _limits(settings)
    service = SessionService(store, state, ReplayedStateReader(store, outbox, audit), limits)
    return Backend(
        connection=connection,
        keys=keys,
        clock=clock,
        store=store,
        outbox=outbox,
        audit=audit,
        recovery=recovery,
        service=service,
        sessions=SessionList(RedisSessionIndex(connection, keys, clock), audit),
        joins=JoinService(RedisJoinCodes(connection, keys), service, store, limits),
        wakeups=WakeupHandler(store, state),
        history=AuditHistory(store, outbox, audit),
        readiness=Readiness(StoreProbe(connection, keys).fault, store, audit),
        presence=RedisPresence(connection, keys, clock),
        revocations=RedisTokenRevocations(connection, keys),
        api_key_service=ApiKeyService(RedisApiKeyRegistry(connection, keys), store),
        webhooks=webhooks,
        webhook_service=WebhookService(
            webhooks.registry,
            webhooks.queue,
            webhooks.sender,
            store,
            allows_http=webhooks.allows_http,
            has_events=features.audits,
        ),
        rendered=rendered,
        pushes=pushes,
    )


def supabase_audit_log(
    settings: Settings, connect: Callable[[str, str], Awaitable["AsyncPostgrestClient"]]
) -> SupabaseAuditLog | None:
    """Return the audit trail in Supabase if its URL and its secret key are configured."""
    if not (settings.supabase_url and settings.supabase_service_role_key):
        return None
    key = settings.supabase_service_role_key.get_secret_value()
    return SupabaseAuditLog(partial(connect, settings.supabase_url, key))


def _is_emptied_elsewhere(settings: Settings) -> bool:
    """Return whether another process writes the outbox to an audit database.

    If none does and this process has no audit database either, the outbox would grow forever.
    """
    return settings.audit_worker == "off" or settings.audit_queue_url is not None


def _limits(settings: Settings) -> SessionLimits:
    owner_limits = OwnerLimits(
        sessions=settings.max_sessions_per_caller,
        bytes=settings.max_bytes_per_caller,
        load=settings.max_automatic_load_per_caller * UNIT,
        written=settings.max_written_per_caller,
    )
    return SessionLimits(owner_limits, settings.max_automatic_load_per_session)
