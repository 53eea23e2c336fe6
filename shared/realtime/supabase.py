"""Pushes through Supabase Realtime, which has the connections to the clients."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from weakref import WeakValueDictionary

from shared.application.errors import StoreUnavailable
from shared.application.ports.metrics import Metrics
from shared.application.ports.notifier import CommitNotification
from shared.application.ports.pending_pushes import PendingPushes, PushFailed
from shared.application.push_messages import topic_name
from shared.realtime.broadcast_client import BroadcastClient, TooManyMessages
from shared.realtime.listener import Push
from shared.realtime.message_price import MessagePrice
from shared.realtime.send_queue import PushBatch, SendQueue
from shared.realtime.token_bucket import TokenBucket

_NOTED_AT_ONCE = 4
"""Failed pushes that are noted concurrently; the store's connections are mainly for changes."""

_WARNED_EVERY_S = 30.0
"""Limits the log during an outage. The metrics count every failure."""

_PAUSE_S = 5.0
"""After a refusal for the message rate. Supabase's average changes every 5 s."""

_log = logging.getLogger("synckairos.pushes")


@dataclass(frozen=True, slots=True)
class PushTimeouts:
    """Time limits of a notification, in s: for waiting until its request is sent, for the request,
    and for noting a failure in the store."""

    queue_s: float = 0.5
    request_s: float = 0.5
    note_s: float = 1.0


class SupabasePublisher:
    """`Notifier` that pushes to a session's followers.

    It may take `rate` of the project's messages per second; 0 means that there is no limit.
    Failed pushes are noted in `pending`, and a worker sends the session's then current state later.
    `wake_worker` starts such a worker; it is called for sessions that weren't noted before, and is
    None where a worker runs anyway.
    """

    def __init__(
        self,
        broadcasts: BroadcastClient,
        pending: PendingPushes,
        metrics: Metrics,
        *,
        rate: int,
        timeouts: PushTimeouts,
        wake_worker: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._broadcasts = broadcasts
        self._pending = pending
        self._metrics = metrics
        self._timeouts = timeouts
        self._call_worker = wake_worker
        self._price = MessagePrice(rate)
        self._pace = TokenBucket(rate, price=self._price.current)
        self._queues: WeakValueDictionary[str, SendQueue] = WeakValueDictionary()
        self._noting = asyncio.Semaphore(_NOTED_AT_ONCE)
        self._warned_at: dict[str, float] = {}

    async def notify(self, news: CommitNotification) -> None:
        """See `Notifier`. Returns when the pushes, or newer ones instead, are sent or noted."""
        if not news.pushes:
            return
        try:
            await self.push(news.name, [push.whole for push in news.pushes])
        except PushFailed:
            await self._note_failed(news.name)

    async def push(self, name: str, messages: Sequence[bytes]) -> None:
        """Send `messages` to the followers of the session `name`. Raises `PushFailed`."""
        try:
            await self._queue_of(name).send([Push.of(message) for message in messages])
        except PushFailed as failure:
            self._warn("pushes to Supabase fail: %s", failure)
            self._metrics.count_pushes("failed", len(messages))
            raise

    def reopen(self) -> None:
        """Drop all connections: those made before a process snapshot are dead."""
        self._broadcasts.reopen()

    async def close(self) -> None:
        """Close the connections."""
        await self._broadcasts.close()

    def _queue_of(self, name: str) -> SendQueue:
        """Return the session's queue, which exists only while a caller sends on it."""
        queue = self._queues.get(name)
        if queue is None:
            send_batch = partial(self._send_batch, topic_name(name))
            self._queues[name] = queue = SendQueue(self._pace, send_batch, self._timeouts.queue_s)
        return queue

    async def _send_batch(self, topic: str, batch: PushBatch) -> None:
        began = time.monotonic()
        try:
            rate = await self._broadcasts.send(topic, batch.pushes)
        except TooManyMessages:
            self._pace.pause(_PAUSE_S)
            raise
        self._price.observe(len(batch.pushes), rate)
        self._metrics.observe_push(len(batch.pushes), (time.monotonic() - began) * 1000)
        if batch.coalesced:
            self._metrics.count_pushes("coalesced", batch.coalesced)

    async def _note_failed(self, name: str) -> None:
        is_noted = False
        with suppress(StoreUnavailable, TimeoutError):
            async with asyncio.timeout(self._timeouts.note_s):
                async with self._noting:
                    is_new = await self._pending.add(name)
                is_noted = True
                if is_new and self._call_worker:
                    await self._call_worker()
        if not is_noted:
            self._warn("pushes are lost and won't be retried, for example for session %s", name)
            self._metrics.count_pushes("lost", 1)

    def _warn(self, text: str, detail: object) -> None:
        """Log a warning, but each `text` at most every 30 s."""
        now = time.monotonic()
        if now - self._warned_at.get(text, float("-inf")) > _WARNED_EVERY_S:
            _log.warning(text, detail)
            self._warned_at[text] = now
