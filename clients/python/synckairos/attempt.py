"""One transport, while it connects and while it is live."""

import asyncio
from collections.abc import Callable

from synckairos.states import Message, Subscription
from synckairos.transports.base import Down, Silent, Transport, Turned

_GREETS_WITHIN_S = 3.0


class Attempt:
    """Runs `transport` until it fails or is closed."""

    def __init__(
        self, transport: Transport, subscription: Subscription, hear: Callable[[Message], None]
    ) -> None:
        self.transport = transport
        self.subscription = subscription
        self.is_live = False
        self._hear = hear
        self._greeted = asyncio.Event()
        self.ended = asyncio.create_task(transport.follow(self))

    def live(self) -> None:
        """See `Hearer`."""
        self.is_live = True
        self._greeted.set()

    def message(self, message: Message) -> None:
        """See `Hearer`."""
        self._hear(message)

    async def greeted(self) -> None:
        """Wait until the transport is live. Raises its failure, or `Silent` on timeout."""
        greeted = asyncio.create_task(self._greeted.wait())
        try:
            await asyncio.wait(
                {greeted, self.ended}, timeout=_GREETS_WITHIN_S, return_when="FIRST_COMPLETED"
            )
            if self.is_live:
                return
            if self.ended.done():
                raise _failure(self.ended.exception())
            raise Silent(f"Not connected within {_GREETS_WITHIN_S:g} s")
        finally:
            greeted.cancel()

    async def close(self) -> None:
        """Cancel the transport and wait until it has stopped."""
        self.ended.cancel()
        await asyncio.gather(self.ended, return_exceptions=True)


def _failure(error: BaseException | None) -> Exception:
    """Return the transport's failure; an unexpected exception counts as `Down`."""
    return error if isinstance(error, Down | Turned) else Down(repr(error))
