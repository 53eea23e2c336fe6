"""One transport on its way to being live, and while it is."""

import asyncio
from collections.abc import Callable

from synckairos.states import Message, Subscription
from synckairos.transports.base import Down, Silent, Transport, Turned

_GREETS_WITHIN_S = 3.0


class Attempt:
    """Follows by `transport` until it fails or is closed."""

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
        """Return when it is live. Raises what it failed with, or `Silent` if it takes too long."""
        greeted = asyncio.create_task(self._greeted.wait())
        try:
            await asyncio.wait(
                {greeted, self.ended}, timeout=_GREETS_WITHIN_S, return_when="FIRST_COMPLETED"
            )
            if self.is_live:
                return
            if self.ended.done():
                raise _failure(self.ended.exception())
            raise Silent("No greeting came")
        finally:
            greeted.cancel()

    async def close(self) -> None:
        """End it, and see it end."""
        self.ended.cancel()
        await asyncio.gather(self.ended, return_exceptions=True)


def _failure(error: BaseException | None) -> Exception:
    """What a transport failed with; one that fails in a way of its own is just as much down."""
    return error if isinstance(error, Down | Turned) else Down(repr(error))
