"""Announcers made of others."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from shared.ports import Announcer, News
from shared.tasks import end

_DRAIN_S = 3.0
"""Longer than any announcement takes; a process that stops is given 10 s."""


@dataclass(frozen=True, slots=True)
class Together:
    """Tells all of `announcers` at once."""

    announcers: Sequence[Announcer]

    async def announce(self, news: News) -> None:
        """See `Announcer`. Takes as long as the slowest."""
        await asyncio.gather(*(announcer.announce(news) for announcer in self.announcers))


class InBackground:
    """Hands news of pushes on to `announcer`, for which nobody waits.

    They pile up no higher than a few seconds do, for each announcement is bounded.
    """

    def __init__(self, announcer: Announcer) -> None:
        self._announcer = announcer
        self._going_on: set[asyncio.Task[None]] = set()

    async def announce(self, news: News) -> None:
        """See `Announcer`. Those of one session begin in the order in which they come."""
        if news.pushes:
            task = asyncio.create_task(self._announcer.announce(news))
            self._going_on.add(task)
            task.add_done_callback(self._going_on.discard)

    async def drain(self, patience_s: float = _DRAIN_S) -> None:
        """Return when everything has been said, or after `patience_s` without what has not."""
        if self._going_on:
            _, late = await asyncio.wait(self._going_on, timeout=patience_s)
            await end(late)
