"""Measures how late the event loop wakes up, which delays all requests and pushes."""

import asyncio
import time
from collections.abc import Callable

_INTERVAL_S = 0.1


class LoopLag:
    """Sleeps 0.1 s at a time, and passes to `observe` how late it was woken (ms)."""

    def __init__(self, observe: Callable[[float], None]) -> None:
        self._observe = observe

    async def run(self) -> None:
        """Measure until cancelled.

        An event loop that was blocked for a second counts as ten late samples, not one.
        """
        due = time.monotonic()
        while True:
            due += _INTERVAL_S
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            self._observe(max(0.0, (time.monotonic() - due) * 1000))
