"""Whether what is published reaches the connection that listens."""

import asyncio
from collections.abc import Awaitable, Callable

from shared.errors import StoreUnavailable

_EVERY_S = 0.5
_WITHIN_S = 1.0
_WITHIN_S_OF_A_CHANGE = 0.4


class Echo:
    """Publishes to a channel of its own twice a second, and notes what is heard of it.

    A server that has become a replica and lost its primary, or has left its cluster, keeps its
    connections and hears nothing any more; nothing else tells that from a quiet minute.
    """

    def __init__(self, channel: str, publish: Callable[[str], Awaitable[object]]) -> None:
        self.channel = channel
        self._publish = publish
        self._asked_at = float("-inf")
        self._published_at: float | None = None
        self._publishing: asyncio.Task[None] | None = None
        self._within_s = _WITHIN_S

    def begin(self) -> None:
        """Forget what was published before there was this connection."""
        self._published_at = None
        self._asked_at = asyncio.get_running_loop().time()

    def heard(self) -> None:
        """What was published last has arrived."""
        self._published_at = None
        self._within_s = _WITHIN_S

    def hurry(self) -> None:
        """Publish at once, and wait for 0.4 s only: changes go to another server from now on."""
        self._within_s = _WITHIN_S_OF_A_CHANGE
        self._begin_publishing()

    def is_missing(self) -> bool:
        """Whether something was published more than 1 s ago and not heard; goes on publishing."""
        now = asyncio.get_running_loop().time()
        if self._published_at is not None:
            return now - self._published_at > self._within_s
        if now - self._asked_at >= _EVERY_S:
            self._begin_publishing()
        return False

    def _begin_publishing(self) -> None:
        if self._publishing is None or self._publishing.done():
            self._asked_at = asyncio.get_running_loop().time()
            self._publishing = asyncio.create_task(self._say())

    async def _say(self) -> None:
        sent_at = asyncio.get_running_loop().time()
        self._published_at = sent_at
        try:
            await self._publish(self.channel)
        except StoreUnavailable:
            if self._published_at == sent_at:
                self._published_at = None
