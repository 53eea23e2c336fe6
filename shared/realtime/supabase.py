"""Pushes through Supabase Realtime, which holds the connections of all clients."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from weakref import WeakValueDictionary

from shared.errors import StoreUnavailable
from shared.metrics.ports import Metrics
from shared.ports import News
from shared.realtime.broadcasts import Broadcasts
from shared.realtime.lane import Lane, Load
from shared.realtime.listener import Push
from shared.realtime.pace import Pace
from shared.realtime.ports import OwedPushes, PushFailed
from shared.realtime.topics import topic_of

_NOTED_AT_ONCE = 4
"""However many pushes fail in one instant: most of the connections to the store are for changes."""

_WARNED_EVERY_S = 30.0
"""More of it is in the metrics; where everything fails, everything would be logged."""

_log = logging.getLogger("synckairos.pushes")


@dataclass(frozen=True, slots=True)
class Patience:
    """How long an announcement may take, s: until its request leaves, until that is answered, and
    until a failure is noted."""

    waiting_s: float = 0.5
    sending_s: float = 0.5
    noting_s: float = 1.0


class SupabasePublisher:
    """`Announcer` to those who follow a session.

    What couldn't be pushed is owed: a worker tells them later how the session stands then. Where
    no worker would look soon, `call_worker` calls one for a session that wasn't owed one already.
    """

    def __init__(
        self,
        broadcasts: Broadcasts,
        owed: OwedPushes,
        metrics: Metrics,
        *,
        rate: int,
        patience: Patience,
        call_worker: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._broadcasts = broadcasts
        self._owed = owed
        self._metrics = metrics
        self._patience = patience
        self._call_worker = call_worker
        self._pace = Pace(rate)
        self._lanes: WeakValueDictionary[str, Lane] = WeakValueDictionary()
        self._noting = asyncio.Semaphore(_NOTED_AT_ONCE)
        self._warned_at: dict[str, float] = {}

    async def announce(self, news: News) -> None:
        """See `Announcer`. Returns when its pushes, or newer ones in their place, have gone out, or
        are owed."""
        if not news.pushes:
            return
        try:
            await self.push(news.name, news.pushes)
        except PushFailed:
            await self._owe(news.name)

    async def push(self, name: str, messages: Sequence[bytes]) -> None:
        """Send `messages` to those who follow the session of that name. Raises `PushFailed`."""
        try:
            await self._lane_of(name).send([Push.of(message) for message in messages])
        except PushFailed as failure:
            self._warn("pushes fail for the time being: %s", failure)
            self._metrics.count_pushes("failed", len(messages))
            raise

    def reopen(self) -> None:
        """Forget every connection: those from before a snapshot lead nowhere."""
        self._broadcasts.reopen()

    async def close(self) -> None:
        """Let its connections go."""
        await self._broadcasts.close()

    def _lane_of(self, name: str) -> Lane:
        """The session's lane, which is there as long as somebody sends on it."""
        lane = self._lanes.get(name)
        if lane is None:
            carry = partial(self._carry, topic_of(name))
            self._lanes[name] = lane = Lane(self._pace, carry, self._patience.waiting_s)
        return lane

    async def _carry(self, topic: str, load: Load) -> None:
        began = time.monotonic()
        await self._broadcasts.send(topic, load.pushes)
        self._metrics.observe_push(len(load.pushes), (time.monotonic() - began) * 1000)
        if load.coalesced:
            self._metrics.count_pushes("coalesced", load.coalesced)

    async def _owe(self, name: str) -> None:
        is_owed = False
        with suppress(StoreUnavailable, TimeoutError):
            async with asyncio.timeout(self._patience.noting_s):
                async with self._noting:
                    is_new = await self._owed.add(name)
                is_owed = True
                if is_new and self._call_worker:
                    await self._call_worker()
        if not is_owed:
            self._warn("pushes are lost, and clients must close the gap; one is of %s", name)
            self._metrics.count_pushes("lost", 1)

    def _warn(self, text: str, detail: object) -> None:
        """Say so, but not each time."""
        now = time.monotonic()
        if now - self._warned_at.get(text, float("-inf")) > _WARNED_EVERY_S:
            _log.warning(text, detail)
            self._warned_at[text] = now
