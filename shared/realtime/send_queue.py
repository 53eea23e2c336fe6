"""Send queue for the pushes of one session: one request at a time."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from shared.application.ports.pending_pushes import PushFailed
from shared.realtime.listener import Push
from shared.realtime.token_bucket import TokenBucket

_BURST_SIZE = 20
"""Above this, older states are dropped. After a long outage one commit may have a hundred messages,
half of them with the whole state."""


@dataclass(eq=False, slots=True)
class PushBatch:
    """The pushes of one request, collected from several callers."""

    pushes: list[Push] = field(default_factory=list)
    coalesced: int = 0
    """Number of states dropped in favour of a newer one."""
    has_arrived: bool = False

    def put(self, pushes: Sequence[Push]) -> None:
        """Append `pushes`. In a burst only the newest state is kept."""
        is_burst = bool(self.pushes) or len(pushes) > _BURST_SIZE
        self.pushes.extend(pushes)
        if is_burst:
            kept = _with_newest_state(self.pushes)
            self.coalesced += len(self.pushes) - len(kept)
            self.pushes = kept


class SendQueue:
    """Sends one batch at a time; pushes that come meanwhile form the next batch.

    The first caller of a batch sends it for all callers, so no background task is needed.
    """

    def __init__(
        self,
        pace: TokenBucket,
        send_batch: Callable[[PushBatch], Awaitable[None]],
        timeout_s: float,
    ) -> None:
        self._pace = pace
        self._send_batch = send_batch
        self._timeout_s = timeout_s
        self._sending = asyncio.Lock()
        self._next = PushBatch()

    async def send(self, pushes: Sequence[Push]) -> None:
        """Return when `pushes`, or newer states in their place, are sent.

        Raises `PushFailed` when the request fails or can't begin within `timeout_s` seconds.
        """
        batch = self._next
        batch.put(pushes)
        try:
            async with asyncio.timeout(self._timeout_s) as waiting, self._sending:
                if batch is self._next:
                    async with self._pace.turn():
                        waiting.reschedule(None)  # `send_batch` has a time limit of its own
                        await self._flush()
        except TimeoutError:
            raise PushFailed("too many pushes are waiting") from None
        if not batch.has_arrived:
            raise PushFailed("the request that carried it failed")

    async def _flush(self) -> None:
        batch, self._next = self._next, PushBatch()
        self._pace.pay(len(batch.pushes))
        await self._send_batch(batch)
        batch.has_arrived = True


def _with_newest_state(pushes: Sequence[Push]) -> list[Push]:
    """Return `pushes` in order, without states other than the last one of the newest version."""
    newest = max((p for p in pushes[::-1] if p.version), key=lambda p: p.version or 0, default=None)
    return [push for push in pushes if push.version is None or push is newest]
