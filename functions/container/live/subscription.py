"""Subscription of a live connection to the pushes of a session."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from functions.container.live.connection import LiveConnection
from functions.container.live.connection_limit import ConnectionLimit
from shared.access.permits import Permit
from shared.http.parts import Parts
from shared.observability.prometheus import PrometheusMetrics
from shared.realtime.redis import PushChannels


@dataclass(frozen=True, slots=True)
class LiveConnections:
    """The parts that live connections need."""

    parts: Parts
    channels: PushChannels
    sockets: ConnectionLimit
    metrics: PrometheusMetrics

    @asynccontextmanager
    async def conversation(self, permit: Permit, session_id: str) -> AsyncIterator[LiveConnection]:
        """Subscribe to all pushes of a session until the end of the block.

        Raises `RateLimitExceeded` and `StoreUnavailable`.
        """
        quota, parts = permit.allowance, self.parts
        quota.settle()
        one_more = self.sockets.one_more(quota.caller, is_address=quota.is_shared)
        with one_more, self.metrics.sockets.track_inprogress():
            async with self.channels.listen(permit.name_of(session_id)) as listener:
                talk = LiveConnection(session_id, permit, parts.service, parts.clock, listener)
                try:
                    yield talk
                finally:
                    talk.end()
