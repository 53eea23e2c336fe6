"""What goes wrong between Supabase and those who use it, as tests ask for it."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Literal

_HOLD_S = 0.05

Outage = Literal["error", "hang"]


@dataclass(frozen=True, slots=True)
class _Attached:
    """The server that it happens to."""

    loop: asyncio.AbstractEventLoop
    changed: asyncio.Event
    drop: Callable[[], None]


class Mischief:
    """May be changed at any time, from any thread.

    `loss` is the probability that a message doesn't reach one subscriber, `reorder` that it comes
    after the next one, or `hold_s` seconds late where none follows sooner. What happens to the
    n-th delivery depends on the seed alone. With `refuses_sockets` nobody gets a new one.
    """

    def __init__(self, seed: int = 0) -> None:
        self.loss = 0.0
        self.reorder = 0.0
        self.hold_s = _HOLD_S
        self.refuses_sockets = False
        self.hindered = 0
        """How many requests have come to nothing so far, by an outage."""
        self._seed = seed
        self._dice = Random(seed)  # nosec B311
        self._outage: Outage | None = None
        self._attached: _Attached | None = None

    @property
    def outage(self) -> Outage | None:
        """What HTTP does: answers with 500 (`error`), or not before this changes (`hang`).

        A request whose client gives it up while it hangs is not served any more.
        """
        return self._outage

    @outage.setter
    def outage(self, kind: Outage | None) -> None:
        self._outage = kind
        if attached := self._attached:
            attached.loop.call_soon_threadsafe(attached.changed.set)

    @property
    def seed(self) -> int:
        """What the dice began with; to set it is to begin anew."""
        return self._seed

    @seed.setter
    def seed(self, number: int) -> None:
        self._seed = number
        self._dice.seed(number)

    def drop_connections(self) -> None:
        """Cut every socket that there is, as a network does: nobody says goodbye."""
        if attached := self._attached:
            attached.loop.call_soon_threadsafe(attached.drop)

    def attach(self, drop: Callable[[], None]) -> None:
        """Happen to the server of this event loop, whose sockets `drop` cuts."""
        self._attached = _Attached(asyncio.get_running_loop(), asyncio.Event(), drop)

    def detach(self) -> None:
        """Happen to nobody; who hangs is let go unserved."""
        attached, self._attached = self._attached, None
        if attached:
            attached.changed.set()

    def is_lost(self) -> bool:
        """Whether the next delivery is."""
        return self._dice.random() < self.loss

    def is_held(self) -> bool:
        """Whether the next delivery lets another one pass."""
        return self._dice.random() < self.reorder

    async def lets_through(self) -> bool:
        """Wait as long as HTTP hangs; whether the request is to be served then."""
        while self._outage == "hang" and (attached := self._attached):
            attached.changed.clear()
            await attached.changed.wait()
        return self._outage is None
