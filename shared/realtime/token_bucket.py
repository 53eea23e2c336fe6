"""Rate limit of an instance's messages to Supabase, over all sessions."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

_MAX_REQUESTS = 32
"""Concurrent requests. The HTTP client queues further ones at a cost that is quadratic in their
number: a thousand would block the event loop for seconds."""


class TokenBucket:
    """A token bucket of size `rate` that refills by `rate` tokens per second; 0 means no limit.

    A sender may take more tokens than are left; later senders wait longer then. A message takes as
    many tokens as `price` returns. At most 32 senders have their turn at the same time. There is no
    timer while no sender waits.
    """

    def __init__(
        self,
        rate: int,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        price: Callable[[], float] = lambda: 1.0,
    ) -> None:
        self._rate = rate
        self._clock = clock
        self._sleep = sleep
        self._price = price
        self._paused_until = float("-inf")
        self._tokens = float(rate)
        self._refilled_at = clock()
        self._queue = asyncio.Lock()
        self._slots = asyncio.Semaphore(_MAX_REQUESTS)

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for a turn, first come, first served. Call `pay` inside, before sending."""
        async with self._slots:
            await self._token()
            yield

    def pay(self, messages: int) -> None:
        """Take the tokens for `messages` out of the bucket, even if fewer are left."""
        if self._rate:
            self._tokens = self._refill() - messages * self._price()

    def pause(self, seconds: float) -> None:
        """Begin no turn for that time, in s."""
        self._paused_until = self._clock() + seconds

    async def _token(self) -> None:
        """Wait until the bucket has a token."""
        if self._rate:
            async with self._queue:
                while (wait_s := self._wait_s()) > 0:
                    await self._sleep(wait_s)

    def _wait_s(self) -> float:
        """Return the time until the next turn, in s."""
        return max((1 - self._refill()) / self._rate, self._paused_until - self._clock())

    def _refill(self) -> float:
        now = self._clock()
        gained = max(0.0, now - self._refilled_at) * self._rate
        self._tokens = min(float(self._rate), self._tokens + gained)
        self._refilled_at = now
        return self._tokens
