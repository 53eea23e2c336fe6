"""The server's clock, estimated on this machine. All in ms."""

import asyncio
from collections.abc import Awaitable, Callable

from synckairos.backoff import backoff
from synckairos.offset_interval import OffsetInterval, Sample
from synckairos.platform import Platform
from synckairos.timing import (
    CLOCK_JUMP_MS,
    FIRST_ROUND_SAMPLES,
    ROUND_EVERY_MS,
    ROUND_SAMPLES,
    SECOND_ROUND_MS,
    SLEEP_CHECK_MS,
    SLEW,
)


class ServerClock:
    """The local monotonic clock plus an offset, narrowed down by samples.

    `read` returns the server's time in whole ms and raises a `SyncKairosError` on failure.
    """

    def __init__(
        self, read: Callable[[], Awaitable[float]], platform: Platform | None = None
    ) -> None:
        self._read = read
        self._platform = platform or Platform()
        self._interval: OffsetInterval | None = None
        self._ahead, self._ahead_since = 0.0, 0.0
        self._is_trusted = False
        self._is_from_server = False  # or else the offset is that of the local wall clock
        self._epoch = 0
        self._gap = self._wall_gap()
        self._offset = self._gap
        self._measuring: asyncio.Task[None] | None = None
        self._round: asyncio.Task[None] | None = None
        self._callbacks: list[Callable[[], None]] = []
        self.round_trip_ms = float("inf")
        """The shortest round trip so far."""

    def start(self) -> None:
        """Measure now and keep measuring."""
        if self._measuring is None or self._measuring.done():
            self._measuring = asyncio.create_task(self._measure_repeatedly())

    async def close(self) -> None:
        """Stop measuring."""
        tasks = [task for task in (self._measuring, self._round) if task]
        self._measuring = self._round = None
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def now(self) -> float:
        """Return the server's time, ms since the epoch.

        Until the first sample it is estimated from the newest state (see `note_server_time`);
        before any state it is the local wall clock's.
        """
        self._check_for_sleep()
        local = self._platform.monotonic()
        return local + self._offset + self._ahead_at(local)

    @property
    def error_ms(self) -> float:
        """Upper bound of the error of `now()`; infinite while it is unknown."""
        self._check_for_sleep()
        if self._interval is None or not self._is_trusted:
            return float("inf")
        local = self._platform.monotonic()
        return self._interval.error_ms(local) + self._ahead_at(local)

    @property
    def offset_ms(self) -> float:
        """The server's clock minus this machine's wall clock."""
        return self._offset - self._gap

    @property
    def is_synced(self) -> bool:
        """Whether `error_ms` is known."""
        self._check_for_sleep()
        return self._is_trusted

    def on_sync(self, callback: Callable[[], None]) -> None:
        """Call `callback` after each sample that is used."""
        self._callbacks.append(callback)

    async def sync(self, samples: int = ROUND_SAMPLES) -> None:
        """Take a round of samples, or wait for the current round. Raises `SyncKairosError`."""
        if self._round is None or self._round.done():
            self._round = asyncio.create_task(self._take_round(samples))
        await asyncio.shield(self._round)

    def note_server_time(self, server_ms: float) -> None:
        """Record that a message that the server wrote at `server_ms` has just arrived.

        So the server's time is that or later. Used only while the clock isn't synced. A message
        that took longer than an earlier one changes nothing, so the time doesn't jump back.
        """
        shown, local = self.now(), self._platform.monotonic()
        offset = server_ms - local
        if self._is_trusted or (self._is_from_server and offset <= self._offset):
            return
        self._offset = offset
        self._slew_from(shown if self._is_from_server else float("-inf"), local)
        self._is_from_server = True

    def take(self, sample: Sample) -> None:
        """Apply one sample."""
        fresh = OffsetInterval.of(sample, self._platform.resolution_ms)
        shown, local = self.now(), self._platform.monotonic()
        known = self._interval if self._is_trusted else None
        combined = known.narrowed(fresh, local) if known else None
        # Step back only if the shown time was wrong.
        is_possible = combined is not None or shown - local <= fresh.highest(local)
        self._interval = combined or fresh
        self._offset = self._interval.middle
        self._slew_from(shown if is_possible else float("-inf"), local)
        self._is_trusted = self._is_from_server = True
        self._gap = self._wall_gap()  # drift changes it as well
        self.round_trip_ms = min(self.round_trip_ms, sample.round_trip_ms)
        for callback in self._callbacks:
            callback()

    async def _measure_repeatedly(self) -> None:
        rounds = failures = 0
        while True:
            try:
                await self.sync(
                    FIRST_ROUND_SAMPLES if rounds < 2 or not self._is_trusted else ROUND_SAMPLES
                )
            except Exception:  # any error: a clock that isn't measured stays wrong
                await self._platform.sleep(backoff(failures))
                failures += 1
                continue
            failures = 0
            rounds += 1
            await self._wait(SECOND_ROUND_MS if rounds == 1 else ROUND_EVERY_MS)

    async def _wait(self, duration: float) -> None:
        """Wait, but return early if the machine slept."""
        until = self._platform.monotonic() + duration
        while self.is_synced and (left := until - self._platform.monotonic()) > 0:
            await self._platform.sleep(min(left, SLEEP_CHECK_MS))

    async def _take_round(self, samples: int) -> None:
        for _ in range(samples):
            await self._measure()

    async def _measure(self) -> None:
        self._check_for_sleep()
        epoch, sent = self._epoch, self._platform.monotonic()
        server_ms = await self._read()
        received = self._platform.monotonic()
        self._check_for_sleep()
        if epoch == self._epoch:  # otherwise the machine slept during the request
            self.take(Sample(sent, server_ms, received))

    def _slew_from(self, shown: float, local: float) -> None:
        """Let the shown time go on from `shown` if it is ahead of the offset's time."""
        self._ahead, self._ahead_since = max(0.0, shown - local - self._offset), local

    def _ahead_at(self, local: float) -> float:
        """Return the rest of a backward correction that is still being slewed."""
        return max(0.0, self._ahead - SLEW * (local - self._ahead_since))

    def _check_for_sleep(self) -> None:
        """Distrust the estimate if the wall clock moved: the machine slept, or it was set."""
        gap = self._wall_gap()
        if abs(gap - self._gap) > CLOCK_JUMP_MS:
            self._is_trusted = False
            self._epoch += 1
            self._gap = gap
            if not self._is_from_server:
                self._offset = gap

    def _wall_gap(self) -> float:
        return self._platform.wall() - self._platform.monotonic()
