"""Fault injection: message loss and reordering, outages and dropped connections."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Literal

_HOLD_S = 0.05

Outage = Literal["error", "hang"]


@dataclass(frozen=True, slots=True)
class _Server:
    loop: asyncio.AbstractEventLoop
    changed: asyncio.Event
    drop: Callable[[], None]


class Faults:
    """Faults of one project. May be changed at any time, from any thread.

    `loss` is the probability that a message isn't delivered to one subscriber, `reorder` the
    probability that it is delivered after the next one, or `hold_s` seconds late if none follows
    sooner. For the same seed and probabilities, the n-th delivery has the same fate.
    `rejects_sockets` rejects new WebSockets with 503.
    """

    def __init__(self, seed: int = 0) -> None:
        self.loss = 0.0
        self.reorder = 0.0
        self.hold_s = _HOLD_S
        self.rejects_sockets = False
        self.failed_requests = 0
        """Number of HTTP requests that failed because of an outage."""
        self._seed = seed
        self._random = Random(seed)  # nosec B311
        self._outage: Outage | None = None
        self._server: _Server | None = None

    @property
    def outage(self) -> Outage | None:
        """The outage of the HTTP API: `error` answers 500; `hang` blocks requests until it changes.

        A request whose client disconnects while it hangs is not processed later.
        """
        return self._outage

    @outage.setter
    def outage(self, kind: Outage | None) -> None:
        self._outage = kind
        if server := self._server:
            server.loop.call_soon_threadsafe(server.changed.set)

    @property
    def seed(self) -> int:
        """The random seed; setting it restarts the sequence."""
        return self._seed

    @seed.setter
    def seed(self, number: int) -> None:
        self._seed = number
        self._random.seed(number)

    def drop_connections(self) -> None:
        """Abort all WebSocket connections without a close frame."""
        if server := self._server:
            server.loop.call_soon_threadsafe(server.drop)

    def attach(self, drop: Callable[[], None]) -> None:
        """Apply to the server of the running event loop; `drop` aborts its WebSockets."""
        self._server = _Server(asyncio.get_running_loop(), asyncio.Event(), drop)

    def detach(self) -> None:
        """Stop applying to the server; requests that hang fail."""
        server, self._server = self._server, None
        if server:
            server.changed.set()

    def should_drop(self) -> bool:
        """Decide whether to drop the next delivery."""
        return self._random.random() < self.loss

    def should_delay(self) -> bool:
        """Decide whether to deliver the next message after its successor."""
        return self._random.random() < self.reorder

    async def lets_through(self) -> bool:
        """Wait while the outage is `hang`; return whether there is no outage then."""
        while self._outage == "hang" and (server := self._server):
            server.changed.clear()
            await server.changed.wait()
        return self._outage is None
