"""The pushes of one session on their way out: one request at a time."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from shared.realtime.listener import Push
from shared.realtime.pace import Pace
from shared.realtime.ports import PushFailed

_MOST_AT_ONCE = 20
"""After a long outage one commit may leave a hundred messages, with the whole state in half."""


@dataclass(eq=False, slots=True)
class Load:
    """What one request carries, for all who have put something into it."""

    pushes: list[Push] = field(default_factory=list)
    coalesced: int = 0
    """States that gave way to a newer one."""
    has_arrived: bool = False

    def put(self, pushes: Sequence[Push]) -> None:
        """Add `pushes` behind the others; in a burst only the newest state stays."""
        is_burst = bool(self.pushes) or len(pushes) > _MOST_AT_ONCE
        self.pushes.extend(pushes)
        if is_burst:
            kept = _with_newest_state(self.pushes)
            self.coalesced += len(self.pushes) - len(kept)
            self.pushes = kept


class Lane:
    """Sends a load at a time; what comes meanwhile is the next, however much that is.

    Who comes first carries it for all: no task of its own does, so there is none to look after.
    """

    def __init__(
        self, pace: Pace, carry: Callable[[Load], Awaitable[None]], patience_s: float
    ) -> None:
        self._pace = pace
        self._carry = carry
        self._patience_s = patience_s
        self._is_free = asyncio.Lock()
        self._next = Load()

    async def send(self, pushes: Sequence[Push]) -> None:
        """Return when `pushes`, or newer states in their place, have arrived.

        Raises `PushFailed`, when their load fails or doesn't leave in time.
        """
        load = self._next
        load.put(pushes)
        try:
            async with asyncio.timeout(self._patience_s) as waiting, self._is_free:
                if load is self._next:
                    async with self._pace.turn():
                        waiting.reschedule(None)  # how long the way takes is the carrier's affair
                        await self._depart()
        except TimeoutError:
            raise PushFailed("too many are waiting") from None
        if not load.has_arrived:
            raise PushFailed("it left with others, and failed with them")

    async def _depart(self) -> None:
        load, self._next = self._next, Load()
        self._pace.pay(len(load.pushes))
        await self._carry(load)
        load.has_arrived = True


def _with_newest_state(pushes: Sequence[Push]) -> list[Push]:
    """`pushes` in their order, of those that carry a state only the last of the newest version."""
    newest = max((p for p in pushes[::-1] if p.version), key=lambda p: p.version or 0, default=None)
    return [push for push in pushes if push.version is None or push is newest]
