"""Subscription of a live connection to the pushes of a session, limited per caller."""

from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

from functions.container.live.connection import LiveConnection
from shared.application.authorization import Authorization
from shared.application.errors import RateLimitExceeded
from shared.http.request import Components
from shared.observability.prometheus import PrometheusMetrics
from shared.realtime.redis import RedisFanOut

_RETRY_AFTER_S = 60


class ConnectionLimit:
    """Counts the open WebSockets and event streams of each caller."""

    def __init__(self, most_per_caller: int, most_per_address: int) -> None:
        self._most_per_caller = most_per_caller
        self._most_per_address = most_per_address
        self._open: Counter[str] = Counter()

    @contextmanager
    def reserve(self, caller: str, *, is_address: bool = False) -> Iterator[None]:
        """Count a connection until the end of the block.

        `is_address` means that `caller` is an IP address, which many clients may share. Raises
        `RateLimitExceeded` when the limit is reached.
        """
        most = self._most_per_address if is_address else self._most_per_caller
        if self._open[caller] >= most:
            message = f"Too many requests for live connections: at most {most} at once are allowed"
            raise RateLimitExceeded(message, _RETRY_AFTER_S)
        self._open[caller] += 1
        try:
            yield
        finally:
            self._open[caller] -= 1
            if not self._open[caller]:
                del self._open[caller]


@dataclass(frozen=True, slots=True)
class LiveConnections:
    """The parts that live connections need."""

    components: Components
    channels: RedisFanOut
    sockets: ConnectionLimit
    metrics: PrometheusMetrics

    @asynccontextmanager
    async def subscribe(
        self, authorization: Authorization, session_id: str, *, takes_differences: bool
    ) -> AsyncIterator[LiveConnection]:
        """Subscribe to all pushes of a session until the end of the block.

        With `takes_differences`, pushes have the difference of the state where there is one.
        Raises `RateLimitExceeded` and `StoreUnavailable`.
        """
        rate_limit, components = authorization.rate_limit, self.components
        rate_limit.finish()
        one_more = self.sockets.reserve(rate_limit.counter, is_address=rate_limit.is_shared)
        with one_more, self.metrics.sockets.track_inprogress():
            name = authorization.store_name(session_id)
            async with self.channels.listen(name, takes_differences=takes_differences) as listener:
                connection = LiveConnection(
                    session_id, authorization, components.service, components.clock, listener
                )
                try:
                    yield connection
                finally:
                    connection.end()
