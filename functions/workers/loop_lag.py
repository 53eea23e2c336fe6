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
        """Look for as long as the instance lives.

        A loop that stood still for a second is ten looks that came too late, not one.
        """
        due = time.monotonic()
        while True:
            due += _INTERVAL_S
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            self._observe(max(0.0, (time.monotonic() - due) * 1000))
