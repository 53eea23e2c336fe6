"""Fault injection: message loss and reordering, outages and dropped connections."""

import asyncio
from collections.abc import Callable
from random import Random
from typing import Generic, Literal, TypeVar

_HOLD_S = 0.05

Outage = Literal["error", "hang"]


class Faults:
    """Faults of one project. May be changed at any time, from any thread.

    `loss` is the probability that a message isn't delivered to one subscriber, `reorder` the
    probability that it is delivered after the next one, or `hold_s` seconds late if none follows
    sooner. For the same seed of `random` and the same probabilities, the n-th delivery has the
    same fate. `rejects_sockets` rejects new WebSockets with 503. `limits_presence` ends channels
    that change their presence or would get that of others, as if the project's limit was exceeded.
    """

    def __init__(self) -> None:
        self.loss = 0.0
        self.reorder = 0.0
        self.hold_s = _HOLD_S
        self.random = Random(0)  # nosec B311
        self.rejects_sockets = False
        self.limits_presence = False
        self.failed_requests = 0
        """Number of HTTP requests that failed because of an outage."""
        self._outage: Outage | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._changed = asyncio.Event()
        self._drop: Callable[[], None] = lambda: None

    @property
    def outage(self) -> Outage | None:
        """The outage of the HTTP API: `error` answers 500; `hang` blocks requests until it changes.

        A request whose client disconnects while it hangs is not processed later.
        """
        return self._outage

    @outage.setter
    def outage(self, kind: Outage | None) -> None:
        self._outage = kind
        self._call(self._changed.set)

    def drop_connections(self) -> None:
        """Abort all WebSocket connections without a close frame."""
        self._call(self._drop)

    def attach(self, drop: Callable[[], None]) -> None:
        """Apply to the server of the running event loop; `drop` aborts its WebSockets."""
        self._loop, self._changed, self._drop = asyncio.get_running_loop(), asyncio.Event(), drop

    def detach(self) -> None:
        """Stop applying to the server; requests that hang fail."""
        self._loop = None
        self._changed.set()

    def should_drop(self) -> bool:
        """Decide whether to drop the next delivery."""
        return self.random.random() < self.loss

    def should_delay(self) -> bool:
        """Decide whether to deliver the next message after its successor."""
        return self.random.random() < self.reorder

    async def lets_through(self) -> bool:
        """Wait while the outage is `hang`; return whether there is no outage then."""
        while self._outage == "hang" and self._loop:
            self._changed.clear()
            await self._changed.wait()
        return self._outage is None

    def _call(self, function: Callable[[], None]) -> None:
        if loop := self._loop:
            loop.call_soon_threadsafe(function)


_Frame = TypeVar("_Frame", bound=str | bytes)


class FaultyDelivery(Generic[_Frame]):
    """Passes one subscriber's frames to `put`, in order unless faults are injected."""

    def __init__(self, faults: Faults, put: Callable[[_Frame], None]) -> None:
        self._faults = faults
        self._put = put
        self._held: _Frame | None = None
        self._timer: asyncio.TimerHandle | None = None

    def deliver(self, frame: _Frame) -> None:
        """Deliver a frame now, after the next one (at the latest after `hold_s`), or never."""
        if self._faults.should_drop():
            return
        if self._faults.should_delay() and self._held is None:
            self._held = frame
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(self._faults.hold_s, self._release)
            return
        self._put(frame)
        self._release()

    def end(self) -> None:
        """Drop a held frame."""
        if self._timer:
            self._timer.cancel()
        self._held = self._timer = None

    def _release(self) -> None:
        held = self._held
        self.end()
        if held is not None:
            self._put(held)
