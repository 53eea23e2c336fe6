"""One transport, while it connects and while it is live."""

import asyncio
from collections.abc import Callable

from synckairos.states import Message, Subscription
from synckairos.transports.base import Disconnected, Rejected, TimedOut, Transport

_CONNECT_TIMEOUT_S = 3.0


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
        waiting = asyncio.create_task(self._live.wait())
        try:
            await asyncio.wait(
                {waiting, self.ended}, timeout=_CONNECT_TIMEOUT_S, return_when="FIRST_COMPLETED"
            )
            if self.is_live:
                return
            if self.ended.done():
                raise _failure(self.ended.exception())
            raise TimedOut(f"Not connected within {_CONNECT_TIMEOUT_S:g} s")
        finally:
            waiting.cancel()

    async def close(self) -> None:
        """Cancel the transport and wait until it has stopped."""
        self.ended.cancel()
        await asyncio.gather(self.ended, return_exceptions=True)


def _failure(error: BaseException | None) -> Exception:
    """Return the transport's failure; an unexpected exception counts as `Disconnected`."""
    return error if isinstance(error, Disconnected | Rejected) else Disconnected(repr(error))
