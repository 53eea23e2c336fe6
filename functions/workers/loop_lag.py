"""How late the event loop is: everybody who waits for anything waits for that as well."""

import asyncio
import time
from collections.abc import Callable

_INTERVAL_S = 0.1


class LoopLag:
    """Sleeps over and over, and tells `observe` how late it was woken, ms."""

    def __init__(self, observe: Callable[[float], None]) -> None:
        self._observe = observe

    async def run(self) -> None:
        """Look for as long as the instance lives."""
        while True:
            due = time.monotonic() + _INTERVAL_S
            await asyncio.sleep(_INTERVAL_S)
            self._observe(max(0.0, (time.monotonic() - due) * 1000))
