"""Checks that published messages arrive on the pub/sub connection of this instance."""

import asyncio
from collections.abc import Awaitable, Callable

from shared.application.errors import StoreUnavailable

_INTERVAL_S = 0.5
_TIMEOUT_S = 1.0
_TIMEOUT_AFTER_CHANGE_S = 0.4


class DeliveryCheck:
    """Publishes to a channel of its own, twice a second at most, and checks that it comes back.

    A server that has become a replica and lost its primary, or has left its cluster, keeps its
    connections but receives no messages. Without this check that looks like an idle channel.
    """

    def __init__(self, channel: str, publish: Callable[[str], Awaitable[object]]) -> None:
        self.channel = channel
        self._publish = publish
        self._asked_at = float("-inf")
        self._published_at: float | None = None
        self._publishing: asyncio.Task[None] | None = None
        self._timeout_s = _TIMEOUT_S

    @property
    def is_pending(self) -> bool:
        """Whether the last message has not arrived yet."""
        return self._published_at is not None

    def begin(self) -> None:
        """Start anew on a fresh connection; forget messages published before it."""
        self._published_at = None
        self._asked_at = asyncio.get_running_loop().time()

    def heard(self) -> None:
        """Note that the last message has arrived."""
        self._published_at = None
        self._timeout_s = _TIMEOUT_S

    def check_now(self) -> None:
        """Publish at once and allow 0.4 s only, because commands go to another server now."""
        self._timeout_s = _TIMEOUT_AFTER_CHANGE_S
        self._begin_publishing()

    def is_missing(self) -> bool:
        """Whether the last message is overdue: after 1 s, or 0.4 s after `check_now`.

        Publishes the next message when it is time to.
        """
        now = asyncio.get_running_loop().time()
        if self._published_at is not None:
            return now - self._published_at > self._timeout_s
        if now - self._asked_at >= _INTERVAL_S:
            self._begin_publishing()
        return False

    def _begin_publishing(self) -> None:
        if self._publishing is None or self._publishing.done():
            self._asked_at = asyncio.get_running_loop().time()
            self._publishing = asyncio.create_task(self._publish_once())

    async def _publish_once(self) -> None:
        sent_at = asyncio.get_running_loop().time()
        self._published_at = sent_at
        try:
            await self._publish(self.channel)
        except StoreUnavailable:
            if self._published_at == sent_at:
                self._published_at = None
