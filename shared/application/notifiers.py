"""Notifiers that combine other notifiers or run them in the background."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from shared.application.event_loop import cancel_and_wait
from shared.application.ports.notifier import CommitNotification, Notifier

_DRAIN_S = 3.0
"""Longer than any notification takes. A process that stops is given 10 s."""


@dataclass(frozen=True, slots=True)
class CompositeNotifier:
    """Passes news to all `notifiers` concurrently."""

    notifiers: Sequence[Notifier]

    async def notify(self, news: CommitNotification) -> None:
        """See `Notifier`. Takes as long as the slowest notifier."""
        await asyncio.gather(*(notifier.notify(news) for notifier in self.notifiers))


class BackgroundNotifier:
    """Passes news with pushes to `notifier` in background tasks.

    Each notification is bounded in time, so no more tasks pile up than a few seconds bring.
    """

    def __init__(self, notifier: Notifier) -> None:
        self._notifier = notifier
        self._tasks: set[asyncio.Task[None]] = set()

    async def notify(self, news: CommitNotification) -> None:
        """See `Notifier`. The notifications of one session begin in order."""
        if news.pushes:
            task = asyncio.create_task(self._notifier.notify(news))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def drain(self, timeout_s: float = _DRAIN_S) -> None:
        """Wait for all notifications; after `timeout_s` seconds cancel the remaining ones."""
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=timeout_s)
            await cancel_and_wait(late)
