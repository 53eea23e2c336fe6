"""Subscription of a live connection to the pushes of a session, limited per caller."""

from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from secrets import token_hex

from functions.container.live.connection import LiveConnection
from functions.container.live.presence_pushes import PresencePushes
from functions.container.live.presence_reports import PresenceEntry, PresenceReports
from shared.application import push_messages
from shared.application.authorization import Authorization, Caller, Operation, authorize
from shared.application.errors import Forbidden, RateLimitExceeded
from shared.application.ports.presence import Connection, LiveTransport
from shared.http.request import Components
from shared.observability.prometheus import PrometheusMetrics
from shared.realtime.listener import Listener, Push
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
    reports: PresenceReports
    presence: PresencePushes

    @asynccontextmanager
    async def subscribe(
        self,
        authorization: Authorization,
        session_id: str,
        transport: LiveTransport,
        *,
        takes_differences: bool,
        with_presence: bool = False,
    ) -> AsyncIterator[LiveConnection]:
        """Subscribe to all pushes of a session until the end of the block.

        With `takes_differences`, pushes have the difference of the state where there is one.
        `with_presence` adds `PRESENCE`. A caller who has no right to it gets an `ERROR` message
        instead, and all other pushes. Raises `RateLimitExceeded` and `StoreUnavailable`.
        """
        rate_limit, components = authorization.rate_limit, self.components
        name = authorization.store_name(session_id)
        rate_limit.finish()
        one_more = self.sockets.reserve(rate_limit.counter, is_address=rate_limit.is_shared)
        with one_more, self.metrics.sockets.track_inprogress():
            async with self.channels.listen(name, takes_differences=takes_differences) as listener:
                connection = LiveConnection(
                    session_id,
                    authorization,
                    components.service,
                    components.clock,
                    listener,
                    components.access_control.require_unrevoked,
                    self._presence_entry(authorization.caller, name, transport),
                )
                watching: AbstractContextManager[None] = nullcontext()
                if with_presence and self._may_watch(authorization, session_id, listener):
                    watching = self.presence.watch(name, session_id, listener)
                try:
                    with watching:
                        yield connection
                finally:
                    connection.end()

    def _presence_entry(self, caller: Caller, name: str, transport: LiveTransport) -> PresenceEntry:
        connection = Connection(
            connection_id=token_hex(8),
            role=caller.shown_role,
            transport=transport,
            connected_at=self.components.clock.now(),
            participant_id=caller.participant_id,
        )
        return PresenceEntry(self.reports, name, connection)

    def _may_watch(self, authorization: Authorization, session_id: str, listener: Listener) -> bool:
        """Return whether the caller may read the presence; if not, send it the error."""
        caller = replace(authorization.caller, role=authorization.caller.shown_role)
        try:
            authorize(caller, Operation.READ_PRESENCE, session_id, authorization.rate_limit)
        except Forbidden as error:
            now = self.components.clock.now()
            listener.put(Push.of(push_messages.error(now, error.code, error.message)))
            return False
        return True
