"""The container's deadline loop: applies timeouts and warnings of all sessions when due."""

import asyncio
import logging
import math
import time
from collections.abc import Coroutine
from typing import Any, TypeVar

from shared.application.activity import Activity
from shared.application.due_changes import WakeupHandler
from shared.application.errors import StoreUnavailable
from shared.application.event_loop import wait_for_event
from shared.application.ports.metrics import Metrics
from shared.application.ports.session_store import SessionStore, ShardWakeups, Wakeup
from shared.application.store_clock import StoreClock
from shared.domain.units import Instant, Millis, after

_LEASE = Millis(1_000)
"""A claimed wake-up that isn't finished within this time can be claimed again."""

_BATCH = 100
_CONCURRENCY = 32
_MAX_SLEEP_S = 1.0
"""Limits the delay after a lost pub/sub message, while the instance is in use."""

_SOON_S = 600.0
"""An instance doesn't rest while a wake-up is due within this time."""

_NONE_IN = Millis(3_600_000)
"""Time until the next wake-up of a shard that has none."""

_RETRY_S = 0.2

_Result = TypeVar("_Result")

_log = logging.getLogger("synckairos.expire")


class DeadlineLoop:
    """Sleeps until the next wake-up of any session, then claims and handles all that are due.

    Several instances may run it: a claim gives each wake-up to one of them.
    """

    def __init__(
        self,
        store: SessionStore,
        wakeups: WakeupHandler,
        clock: StoreClock,
        metrics: Metrics,
        activity: Activity | None = None,
    ) -> None:
        self._store = store
        self._wakeups = wakeups
        self._clock = clock
        self._metrics = metrics
        self._activity = activity or Activity()
        self._sleeps_until = Instant(0)
        self._is_notified = asyncio.Event()
        self._activity.on_begin(self._is_notified.set)
        self._slots = asyncio.Semaphore(_CONCURRENCY)
        self._tasks: set[asyncio.Task[Any]] = set()

    def call(self, wake_at: bytes | None) -> None:
        """Wake the loop if a session is due earlier than it sleeps.

        `wake_at` is the session's wake-up, ms since the epoch; None if it is unknown.
        """
        if wake_at is None or int(wake_at) < self._sleeps_until:
            self._is_notified.set()

    async def run(self) -> None:
        """Handle wake-ups until cancelled; then finish those in progress."""
        try:
            while True:
                # Shielded: a wake-up that is claimed but not started would wait for its lease.
                await self._sleep(await asyncio.shield(self._start(self._start_due_wakeups())))
        finally:
            while self._tasks:
                await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _start_due_wakeups(self) -> float:
        """Start handling everything due; return the seconds until the next wake-up."""
        asked = time.monotonic()
        try:
            shards = await self._store.due_wakeups(_BATCH)
        except StoreUnavailable:
            return _RETRY_S
        read_at = (asked + time.monotonic()) / 2
        started = (self._start_shard(shard, read_at) for shard in shards)
        return min(await asyncio.gather(*started))

    async def _start_shard(self, shard: ShardWakeups, read_at: float) -> float:
        """Start handling what is due on one shard; return the seconds until its next wake-up.

        `read_at` is the monotonic time at which `shard` was read. The rest is counted from
        there, because each shard may have a different clock.
        """
        due = [wakeup for wakeup in shard.wakeups if wakeup.at <= shard.now]
        try:
            if due:
                await self._claim(due, shard.now)
        except StoreUnavailable:
            return _RETRY_S
        if len(due) == len(shard.wakeups) and due:
            return 0
        ahead = [wakeup.at for wakeup in shard.wakeups if wakeup.at > shard.now]
        next_in_ms = min(ahead, default=after(shard.now, _NONE_IN)) - shard.now
        return max(0.0, next_in_ms / 1000 - (time.monotonic() - read_at))

    async def _claim(self, due: list[Wakeup], now: Instant) -> None:
        was_due = {wakeup.name: wakeup.at for wakeup in due}
        for claimed in await self._store.claim(due, after(now, _LEASE)):
            self._start(self._wake(claimed, was_due[claimed.name]))

    def _start(self, work: Coroutine[Any, Any, _Result]) -> asyncio.Task[_Result]:
        """Start a task that `run` waits for before it ends."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _wake(self, claimed: Wakeup, was_due: Instant) -> None:
        async with self._slots:
            if await handle_claimed_wakeup(self._wakeups, claimed):
                self._metrics.observe_wakeup_lateness(max(0, self._clock.now() - was_due))

    async def _sleep(self, seconds: float) -> None:
        if seconds < _SOON_S:
            self._activity.note()
        seconds = min(seconds, self._activity.interval_s(_MAX_SLEEP_S))
        self._sleeps_until = Instant(self._clock.now() + math.ceil(seconds * 1000))
        await wait_for_event(self._is_notified, seconds)


async def handle_claimed_wakeup(wakeups: WakeupHandler, claimed: Wakeup) -> bool:
    """Handle a wake-up; return whether it succeeded. If not, it is retried after its claim ends."""
    try:
        await wakeups.handle_deadline(claimed)
    except StoreUnavailable:
        _log.debug("no store; will retry", extra={"session_id": claimed.name})
    except Exception:
        _log.exception("wake-up failed", extra={"session_id": claimed.name})
    else:
        return True
    return False
