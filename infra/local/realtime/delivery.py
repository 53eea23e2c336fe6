"""Deliver frames to one subscriber, with injected loss and reordering."""

import asyncio
from collections.abc import Callable

from infra.local.realtime.faults import Faults

Encoded = str | bytes


class FaultyDelivery:
    """Passes frames to `put`, in order unless faults are injected."""

    def __init__(self, mischief: Faults, put: Callable[[Encoded], None]) -> None:
        self._mischief = mischief
        self._put = put
        self._held: Encoded | None = None
        self._timer: asyncio.TimerHandle | None = None

    def deliver(self, frame: Encoded) -> None:
        """Deliver a frame now, after the next one (at the latest after `hold_s`), or never."""
        if self._mischief.should_drop():
            return
        if self._mischief.should_delay() and self._held is None:
            self._held = frame
            hold_s = self._mischief.hold_s
            self._timer = asyncio.get_running_loop().call_later(hold_s, self._release)
            return
        self._put(frame)
        self._release()

    def end(self) -> None:
        """Drop a held frame."""
        if self._timer:
            self._timer.cancel()
        self._held = self._timer = None

    def _release(self) -> None:
        held = self._held
        self.end()
        if held is not None:
            self._put(held)
