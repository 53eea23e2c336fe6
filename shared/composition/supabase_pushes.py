"""Builds pushes through Supabase Realtime from settings."""

import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from shared.announcers import InBackground
from shared.clock import StoreClock
from shared.metrics.ports import Metrics
from shared.ports import Announcer
from shared.realtime.broadcasts import Broadcasts
from shared.realtime.ports import OwedPushes
from shared.realtime.supabase import Patience, SupabasePublisher
from shared.settings.settings import Settings
from shared.store.connection import Connection
from shared.store.keys import Keys
from shared.store.owed_pushes import RedisOwedPushes

IN_BACKGROUND = Patience()
AWAITED = Patience(waiting_s=0.1, sending_s=0.5, noting_s=0.25)
"""Timeouts where a change waits for its push; short, so that a slow push doesn't look like an
unavailable store."""


@dataclass(frozen=True, slots=True)
class Pushes:
    """The publisher, its pending pushes, and the announcer that passes commits to it."""

    publisher: SupabasePublisher
    owed: OwedPushes
    announcer: Announcer

    async def close(self) -> None:
        """Finish background pushes, and close the connections."""
        if isinstance(self.announcer, InBackground):
            await self.announcer.drain()
        await self.publisher.close()


def supabase_pushes(
    settings: Settings,
    connection: Connection,
    clock: StoreClock,
    metrics: Metrics,
    certificates: ssl.SSLContext,
    *,
    in_background: bool = False,
    call_worker: Callable[[], Awaitable[None]] | None = None,
) -> Pushes | None:
    """Build pushes, or return None if no Supabase project with its secret key is configured.

    Without `in_background`, changes wait for their pushes. `call_worker` calls the worker that
    sends failed pushes again.
    """
    url, key = settings.supabase_url, settings.supabase_service_role_key
    if not (settings.pushes_to_supabase and url and key):
        return None
    patience = IN_BACKGROUND if in_background else AWAITED
    owed = RedisOwedPushes(connection, Keys(settings.store_shards), clock)
    publisher = SupabasePublisher(
        Broadcasts(url, key.get_secret_value(), certificates, patience.sending_s),
        owed,
        metrics,
        rate=settings.realtime_rate_limit,
        patience=patience,
        call_worker=call_worker,
    )
    return Pushes(publisher, owed, InBackground(publisher) if in_background else publisher)
