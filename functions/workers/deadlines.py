"""The container's deadline loop: what happens of itself happens at its instant."""

import asyncio
import math
import time
from collections.abc import Coroutine
from typing import Any, TypeVar

from functions.workers.waking import wake
from shared.clock import StoreClock
from shared.domain.units import Instant, Millis, after
from shared.errors import StoreUnavailable
from shared.metrics.ports import Metrics
from shared.ports import Agenda, SessionStore, Wakeup
from shared.wakeups import Wakeups

_LEASE = Millis(1_000)
"""After this long a claimed wake-up that nobody finished is anyone's again."""

_BATCH = 100
_AT_ONCE = 32
_LONGEST_SLEEP_S = 1.0
"""Bounds the harm of a lost pub/sub message."""

_RETRY_S = 0.2

_Result = TypeVar("_Result")


class DeadlineLoop:
    """Sleeps until the next wake-up of any session, claims what is due and does it.

    Any number of instances may run it: a claim gives each wake-up to one of them.
    """

    def __init__(
        self, store: SessionStore, wakeups: Wakeups, clock: StoreClock, metrics: Metrics
    ) -> None:
        self._store = store
        self._wakeups = wakeups
        self._clock = clock
        self._metrics = metrics
        self._sleeps_until = Instant(0)
        self._is_called = asyncio.Event()
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._work: set[asyncio.Task[Any]] = set()

    def call(self, wake_at: bytes | None) -> None:
        """Some session will wake earlier than all others, at `wake_at` (ms; None: any time)."""
        if wake_at is None or int(wake_at) < self._sleeps_until:
            self._is_called.set()

    async def run(self) -> None:
        """Work for as long as the instance lives, and finish what was begun when it ends."""
        try:
            while True:
                # Whole or not at all: what is claimed but not begun would wait for its lease.
                await self._sleep(await asyncio.shield(self._kept(self._begin_what_is_due())))
        finally:
            while self._work:
                await asyncio.gather(*self._work, return_exceptions=True)

    async def _begin_what_is_due(self) -> float:
        """Start work on everything due; returns the seconds until the next."""
        self._is_called.clear()
        asked = time.monotonic()
        try:
            agendas = await self._store.agendas(_BATCH)
        except StoreUnavailable:
            return _RETRY_S
        read_at = (asked + time.monotonic()) / 2
        return min(await asyncio.gather(*(self._begin(agenda, read_at) for agenda in agendas)))

    async def _begin(self, agenda: Agenda, read_at: float) -> float:
        """Start work on what is due on one shard; returns the seconds until the next.

        `read_at` is the local time at which the agenda was read. What is left is counted from
        there: each shard may have a clock of its own.
        """
        due = [wakeup for wakeup in agenda.wakeups if wakeup.at <= agenda.now]
        try:
            if due:
                await self._claim(due, agenda.now)
        except StoreUnavailable:
            return _RETRY_S
        if len(due) == len(agenda.wakeups) and due:
            return 0
        ahead = [wakeup.at for wakeup in agenda.wakeups if wakeup.at > agenda.now]
        next_in_ms = min(ahead, default=after(agenda.now, Millis(60_000))) - agenda.now
        return max(0.0, next_in_ms / 1000 - (time.monotonic() - read_at))

    async def _claim(self, due: list[Wakeup], now: Instant) -> None:
        was_due = {wakeup.name: wakeup.at for wakeup in due}
        for claimed in await self._store.claim(due, after(now, _LEASE)):
            self._kept(self._wake(claimed, was_due[claimed.name]))

    def _kept(self, work: Coroutine[Any, Any, _Result]) -> asyncio.Task[_Result]:
        """Begun, and finished whatever comes."""
        task = asyncio.create_task(work)
        self._work.add(task)
        task.add_done_callback(self._work.discard)
        return task

    async def _wake(self, claimed: Wakeup, was_due: Instant) -> None:
        async with self._slots:
            if await wake(self._wakeups, claimed):
                self._metrics.observe_lateness(max(0, self._clock.now() - was_due))

    async def _sleep(self, seconds: float) -> None:
        seconds = min(seconds, _LONGEST_SLEEP_S)
        self._sleeps_until = Instant(self._clock.now() + math.ceil(seconds * 1000))
        try:
            async with asyncio.timeout(seconds):
                await self._is_called.wait()
        except TimeoutError:
            return
