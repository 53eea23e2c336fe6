"""Subscription of a live connection to the pushes of a session."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from functions.container.live.connection import LiveConnection
from functions.container.live.connection_limit import ConnectionLimit
from shared.application.authorization import Authorization
from shared.http.request import Components
from shared.observability.prometheus import PrometheusMetrics
from shared.realtime.redis import RedisFanOut


@dataclass(frozen=True, slots=True)
class LiveConnections:
    """The parts that live connections need."""

    components: Components
    channels: RedisFanOut
    sockets: ConnectionLimit
    metrics: PrometheusMetrics

    @asynccontextmanager
    async def conversation(
        self, authorization: Authorization, session_id: str
    ) -> AsyncIterator[LiveConnection]:
        """Subscribe to all pushes of a session until the end of the block.

        Raises `RateLimitExceeded` and `StoreUnavailable`.
        """
        quota, components = authorization.rate_limit, self.components
        quota.finish()
        one_more = self.sockets.reserve(quota.counter, is_address=quota.is_shared)
        with one_more, self.metrics.sockets.track_inprogress():
            async with self.channels.listen(authorization.store_name(session_id)) as listener:
                talk = LiveConnection(
                    session_id, authorization, components.service, components.clock, listener
                )
                try:
                    yield talk
                finally:
                    talk.end()
