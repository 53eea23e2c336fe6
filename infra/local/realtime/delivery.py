"""The last stretch of a message's way, to one subscriber; there it may be lost or overtaken."""

import asyncio
from collections.abc import Callable

from infra.local.realtime.mischief import Mischief

Encoded = str | bytes


class Delivery:
    """Hands frames to `put`, in order unless there is mischief."""

    def __init__(self, mischief: Mischief, put: Callable[[Encoded], None]) -> None:
        self._mischief = mischief
        self._put = put
        self._held: Encoded | None = None
        self._timer: asyncio.TimerHandle | None = None

    def deliver(self, frame: Encoded) -> None:
        """Hand it over, now or later or never."""
        if self._mischief.is_lost():
            return
        if self._mischief.is_held() and self._held is None:
            self._held = frame
            hold_s = self._mischief.hold_s
            self._timer = asyncio.get_running_loop().call_later(hold_s, self._release)
            return
        self._put(frame)
        self._release()

    def end(self) -> None:
        """Forget what is held back."""
        if self._timer:
            self._timer.cancel()
        self._held = self._timer = None

    def _release(self) -> None:
        held = self._held
        self.end()
        if held is not None:
            self._put(held)
