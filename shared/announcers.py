"""Announcers that combine other announcers or run them in the background."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from shared.ports import Announcer, News
from shared.tasks import end

_DRAIN_S = 3.0
"""Longer than any announcement takes. A process that stops is given 10 s."""


@dataclass(frozen=True, slots=True)
class Together:
    """Passes news to all `announcers` concurrently."""

    announcers: Sequence[Announcer]

    async def announce(self, news: News) -> None:
        """See `Announcer`. Takes as long as the slowest announcer."""
        await asyncio.gather(*(announcer.announce(news) for announcer in self.announcers))


class InBackground:
    """Passes news with pushes to `announcer` in background tasks.

    Each announcement is bounded in time, so no more tasks pile up than a few seconds bring.
    """

    def __init__(self, announcer: Announcer) -> None:
        self._announcer = announcer
        self._tasks: set[asyncio.Task[None]] = set()

    async def announce(self, news: News) -> None:
        """See `Announcer`. The announcements of one session begin in order."""
        if news.pushes:
            task = asyncio.create_task(self._announcer.announce(news))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def drain(self, patience_s: float = _DRAIN_S) -> None:
        """Wait for all announcements; after `patience_s` seconds cancel the remaining ones."""
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=patience_s)
            await end(late)
