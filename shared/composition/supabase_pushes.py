"""Builds pushes through Supabase Realtime from settings."""

import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import httpx

from shared.application.notifiers import BackgroundNotifier
from shared.application.ports.metrics import Metrics
from shared.application.ports.notifier import Notifier
from shared.application.ports.pending_pushes import PendingPushes
from shared.application.store_clock import StoreClock
from shared.realtime.broadcast_client import BroadcastClient
from shared.realtime.supabase import PushTimeouts, SupabasePublisher
from shared.settings.settings import Settings
from shared.store.connection import StoreConnection
from shared.store.keys import StoreKeys
from shared.store.pending_pushes import RedisPendingPushes

IN_BACKGROUND = PushTimeouts()
AWAITED = PushTimeouts(queue_s=0.1, request_s=0.5, note_s=0.25)
"""Timeouts where a change waits for its push; short, so that a slow push doesn't look like an
unavailable store."""


@dataclass(frozen=True, slots=True)
class SupabasePushes:
    """The publisher, its pending pushes, and the notifier that passes commits to it."""

    publisher: SupabasePublisher
    pending: PendingPushes
    notifier: Notifier

    async def close(self) -> None:
        """Finish background pushes, and close the connections."""
        if isinstance(self.notifier, BackgroundNotifier):
            await self.notifier.drain()
        await self.publisher.close()


def build_supabase_pushes(
    settings: Settings,
    connection: StoreConnection,
    clock: StoreClock,
    metrics: Metrics,
    certificates: ssl.SSLContext | None = None,
    *,
    in_background: bool = False,
    wake_worker: Callable[[], Awaitable[None]] | None = None,
) -> SupabasePushes | None:
    """Build pushes, or return None if no Supabase project with its secret key is configured.

    Without `in_background`, changes wait for their pushes. `wake_worker` calls the worker that
    sends failed pushes again.
    """
    url, key = settings.supabase_url, settings.supabase_service_role_key
    if not (settings.pushes_to_supabase and url and key):
        return None
    timeouts = IN_BACKGROUND if in_background else AWAITED
    certificates = certificates or httpx.create_ssl_context()
    pending = RedisPendingPushes(connection, StoreKeys(settings.store_shards), clock)
    publisher = SupabasePublisher(
        BroadcastClient(url, key.get_secret_value(), certificates, timeouts.request_s),
        pending,
        metrics,
        rate=settings.realtime_rate_limit,
        timeouts=timeouts,
        wake_worker=wake_worker,
    )
    return SupabasePushes(
        publisher, pending, BackgroundNotifier(publisher) if in_background else publisher
    )
