"""The server's clock as this machine sees it. All in ms."""

import asyncio
from collections.abc import Awaitable, Callable

from synckairos.backoff import backoff
from synckairos.interval import Offsets, Sample
from synckairos.local import Local

_FIRST_ROUND, _ROUND = 8, 3
_CALM_MS = 1_500.0
"""Who starts is busy, and its first round trips are long: ask again when it is calm."""

_EVERY_MS = 30_000.0
_LOOK_MS = 1_000.0
"""How often to see whether the machine slept."""

_PARTED_MS = 250.0
_SLEW = 0.1
"""The part of its speed that a clock gives up which is ahead: shown time doesn't jump back."""


class ServerClock:
    """The local monotonic clock plus an offset, narrowed down by samples.

    `read` asks the server for its time in whole ms. It raises a `SyncKairosError` when it can't.
    """

    def __init__(self, read: Callable[[], Awaitable[float]], local: Local | None = None) -> None:
        self._read = read
        self._local = local or Local()
        self._offsets: Offsets | None = None
        self._ahead, self._ahead_since = 0.0, 0.0
        self._is_trusted = False
        self._epoch = 0
        self._gap = self._wall_gap()
        self._offset = self._gap
        self._keeping: asyncio.Task[None] | None = None
        self._round: asyncio.Task[None] | None = None
        self._callbacks: list[Callable[[], None]] = []
        self.round_trip_ms = float("inf")
        """The shortest so far."""

    def start(self) -> None:
        """Measure now and keep measuring."""
        if self._keeping is None or self._keeping.done():
            self._keeping = asyncio.create_task(self._keep())

    async def close(self) -> None:
        """Stop measuring."""
        tasks = [task for task in (self._keeping, self._round) if task]
        self._keeping = self._round = None
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def now(self) -> float:
        """The server's time, ms since the epoch; by the local wall clock until the first sample."""
        self._look()
        local = self._local.monotonic()
        return local + self._offset + self._ahead_at(local)

    @property
    def error_ms(self) -> float:
        """The most that `now()` can be off."""
        self._look()
        if self._offsets is None or not self._is_trusted:
            return float("inf")
        local = self._local.monotonic()
        return self._offsets.error_ms(local) + self._ahead_at(local)

    @property
    def offset_ms(self) -> float:
        """How far the server's clock is ahead of this machine's wall clock."""
        return self._offset - self._gap

    @property
    def is_synced(self) -> bool:
        """Whether there is a bound to the error."""
        self._look()
        return self._is_trusted

    def on_sync(self, callback: Callable[[], None]) -> None:
        """Call `callback` after each sample that changed something."""
        self._callbacks.append(callback)

    async def sync(self, samples: int = _ROUND) -> None:
        """Take a round of samples; one round at a time, whoever asks. Raises `SyncKairosError`."""
        if self._round is None or self._round.done():
            self._round = asyncio.create_task(self._take_round(samples))
        await asyncio.shield(self._round)

    def take(self, sample: Sample) -> None:
        """Take in one sample."""
        fresh = Offsets.of(sample, self._local.resolution_ms)
        shown, local = self.now(), self._local.monotonic()
        known = self._offsets if self._is_trusted else None
        both = known.narrowed(fresh, local) if known else None
        self._offsets = both or fresh
        self._offset = self._offsets.middle
        # Only who knew nothing, or was wrong, may step back.
        self._ahead = max(0.0, shown - (local + self._offset)) if both else 0.0
        self._ahead_since = local
        self._is_trusted = True
        self._gap = self._wall_gap()  # which the drift widens as well
        self.round_trip_ms = min(self.round_trip_ms, sample.round_trip_ms)
        for callback in self._callbacks:
            callback()

    async def _keep(self) -> None:
        rounds = failures = 0
        while True:
            try:
                await self.sync(_FIRST_ROUND if rounds < 2 or not self._is_trusted else _ROUND)
            except Exception:  # whatever it was: who stops measuring is wrong for good
                await self._local.sleep(backoff(failures))
                failures += 1
                continue
            failures = 0
            rounds += 1
            await self._rest(_CALM_MS if rounds == 1 else _EVERY_MS)

    async def _rest(self, duration: float) -> None:
        """Wait, but not on after the machine slept."""
        until = self._local.monotonic() + duration
        while self.is_synced and (left := until - self._local.monotonic()) > 0:
            await self._local.sleep(min(left, _LOOK_MS))

    async def _take_round(self, samples: int) -> None:
        for _ in range(samples):
            await self._measure()

    async def _measure(self) -> None:
        self._look()
        epoch, sent = self._epoch, self._local.monotonic()
        server_ms = await self._read()
        received = self._local.monotonic()
        self._look()
        if epoch == self._epoch:  # or else it was under way while the machine slept
            self.take(Sample(sent, server_ms, received))

    def _ahead_at(self, local: float) -> float:
        """What of a correction backwards is not made up for yet."""
        return max(0.0, self._ahead - _SLEW * (local - self._ahead_since))

    def _look(self) -> None:
        """Wall and monotonic clock parted: the machine slept, or somebody set its clock."""
        gap = self._wall_gap()
        if abs(gap - self._gap) > _PARTED_MS:
            self._is_trusted = False
            self._epoch += 1
            self._gap = gap
            if self._offsets is None:
                self._offset = gap

    def _wall_gap(self) -> float:
        return self._local.wall() - self._local.monotonic()
