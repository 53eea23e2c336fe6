"""How many messages may leave an instance, however many sessions they are of."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

_AT_ONCE = 32
"""Requests. The HTTP client would take more and queue them, at a cost that grows with the square
of their number: a thousand would hold up everything else for seconds."""


class Pace:
    """A token bucket: `rate` messages a second in the long run, and as many at once; 0 is no limit.

    Who has the turn may send more than is left, and those behind wait for longer. Only so many have
    the turn at the same time. Nothing runs while nobody waits.
    """

    def __init__(
        self,
        rate: int,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._rate = rate
        self._clock = clock
        self._sleep = sleep
        self._left = float(rate)
        self._measured_at = clock()
        self._queue = asyncio.Lock()
        self._slots = asyncio.Semaphore(_AT_ONCE)

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """A turn, in the order of asking; what goes then is to be paid at once."""
        async with self._slots:
            await self._filled()
            yield

    def pay(self, messages: int) -> None:
        """Take so many out of the bucket; others wait until it is filled again."""
        if self._rate:
            self._left = self._refilled() - messages

    async def _filled(self) -> None:
        """Return when one more message may go."""
        if self._rate:
            async with self._queue:
                while (missing := 1 - self._refilled()) > 0:
                    await self._sleep(missing / self._rate)

    def _refilled(self) -> float:
        now = self._clock()
        gained = max(0.0, now - self._measured_at) * self._rate
        self._left = min(float(self._rate), self._left + gained)
        self._measured_at = now
        return self._left
