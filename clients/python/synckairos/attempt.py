"""One transport, while it connects and while it is live."""

import asyncio
from collections.abc import Callable

from synckairos.api_types import Message, Subscription
from synckairos.timing import CONNECT_TIMEOUT_MS, SUPABASE_CONNECT_TIMEOUT_MS
from synckairos.transports.interface import Disconnected, Rejected, TimedOut, Transport


class Attempt:
    """Runs `transport` until it fails or is closed."""

    def __init__(
        self,
        transport: Transport,
        subscription: Subscription,
        on_message: Callable[[Message], None],
    ) -> None:
        self.transport = transport
        self.subscription = subscription
        self.is_live = False
        self._on_message = on_message
        self._live = asyncio.Event()
        self.ended = asyncio.create_task(transport.follow(self))

    def live(self) -> None:
        """See `Listener`."""
        self.is_live = True
        self._live.set()

    def message(self, message: Message) -> None:
        """See `Listener`."""
        self._on_message(message)

    async def wait_live(self) -> None:
        """Wait until the transport is live. Raises its failure, or `TimedOut` on timeout."""
        is_supabase = self.transport.kind == "supabase"
        timeout_ms = SUPABASE_CONNECT_TIMEOUT_MS if is_supabase else CONNECT_TIMEOUT_MS
        waiting = asyncio.create_task(self._live.wait())
        try:
            await asyncio.wait(
                {waiting, self.ended}, timeout=timeout_ms / 1000, return_when="FIRST_COMPLETED"
            )
            if self.is_live:
                return
            if self.ended.done():
                raise _failure(self.ended.exception())
            raise TimedOut(f"Not connected within {timeout_ms / 1000:g} s")
        finally:
            waiting.cancel()

    @property
    def retry_after_ms(self) -> float:
        """Minimum delay before the next attempt; known once the transport has ended."""
        if not self.ended.done() or self.ended.cancelled():
            return 0.0
        error = self.ended.exception()
        return error.retry_after_ms if isinstance(error, Disconnected) else 0.0

    async def close(self) -> None:
        """Cancel the transport and wait until it has stopped."""
        self.ended.cancel()
        await asyncio.gather(self.ended, return_exceptions=True)


def _failure(error: BaseException | None) -> Exception:
    """Return the transport's failure; an unexpected exception counts as `Disconnected`."""
    return error if isinstance(error, Disconnected | Rejected) else Disconnected(repr(error))
