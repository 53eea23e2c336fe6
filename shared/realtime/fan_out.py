"""Delivers the pushes of one session to all of its listeners in this instance."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from shared.application.errors import StoreUnavailable
from shared.realtime.listener import GAP, Listener, Push
from shared.realtime.whole_states import ReadState, WholeStates

LISTENERS_PER_ITERATION = 64
"""Number of listeners that get a push in one iteration of the event loop."""

MAX_QUEUED_PUSHES = 32
"""Most pushes in the queue. Beyond that the oldest are delivered at once."""


async def _read_nothing(_: Push) -> Push | None:
    raise StoreUnavailable


@dataclass
class SessionFanOut:
    """The listeners of one session, and the state of its Redis subscription.

    `observe` is called with each push after all listeners got it. `read_state` reads the whole
    state for those who take no differences; without it they read it themselves, as after a gap.
    `name` is the session's store name.
    """

    observe: Callable[[Push], None]
    read_state: ReadState = _read_nothing
    name: str = ""
    listeners: set[Listener] = field(default_factory=set)
    is_live: asyncio.Event = field(default_factory=asyncio.Event)
    has_gap: bool = False
    is_subscribed: bool = False
    """Whether the subscription was sent on this connection; a second one would look like a gap."""
    _queue: deque[tuple[Push, tuple[Listener, ...], bool]] = field(default_factory=deque)
    """Pushes, to whom they go, and whether they are observed then."""
    _is_scheduled: bool = False
    _whole_states: WholeStates | None = None

    def on_connection_lost(self) -> None:
        """Note that the connection is down, so pushes may be missed."""
        self.is_live.clear()
        self.is_subscribed = False
        self.has_gap = True

    def confirmed(self) -> None:
        """Note that Redis confirmed the subscription, and tell listeners of a gap before it.

        A second confirmation means that the session was unsubscribed and subscribed again. Pushes
        published between the two confirmations were missed.
        """
        if self.has_gap or self.is_live.is_set():
            self.deliver(GAP)
        self.has_gap = False
        self.is_live.set()

    def deliver(self, push: Push, whole: Push | None = None) -> None:
        """Queue `push` for all present listeners, behind earlier pushes, and begin to deliver.

        If `push` is a difference, `whole` is the same push with the whole state, if that is known.
        Otherwise the state is read for those listeners who take no differences.
        """
        listeners, states = tuple(self.listeners), self._whole_states
        if not push.is_difference and not (states and states.is_waiting):
            self._enqueue(push, listeners)
            return
        readers = tuple([one for one in listeners if not one.takes_differences])
        others = tuple([one for one in listeners if one.takes_differences])
        self._enqueue(push, others, is_observed=not readers)
        if states is None:
            self._whole_states = states = WholeStates(self.read_state, self._enqueue)
        if whole and not states.is_waiting:
            self._enqueue(whole, readers)
        elif readers:
            states.put(whole or push, readers)

    def flush(self) -> None:
        """Deliver all queued pushes at once, for instance before a listener is closed."""
        if self._whole_states:
            self._whole_states.flush()
        while self._queue:
            self._deliver_slice()

    def _enqueue(
        self, push: Push, listeners: tuple[Listener, ...], *, is_observed: bool = True
    ) -> None:
        self._queue.append((push, listeners, is_observed))
        while len(self._queue) > MAX_QUEUED_PUSHES:
            self._deliver_slice()
        if not self._is_scheduled:
            self._deliver_next()

    def _deliver_next(self) -> None:
        """Deliver one slice per loop iteration, because each listener has a socket to write to."""
        if self._queue:
            self._deliver_slice()
        self._is_scheduled = bool(self._queue)
        if self._is_scheduled:
            asyncio.get_running_loop().call_soon(self._deliver_next)

    def _deliver_slice(self) -> None:
        """Deliver the oldest queued push to up to `LISTENERS_PER_ITERATION` listeners."""
        push, listeners, is_observed = self._queue.popleft()
        for listener in listeners[:LISTENERS_PER_ITERATION]:
            listener.put(push)
        if len(listeners) > LISTENERS_PER_ITERATION:
            rest = listeners[LISTENERS_PER_ITERATION:]
            self._queue.appendleft((push, rest, is_observed))
        elif listeners and is_observed and push.at is not None:
            # Run after the listeners that `put` has just woken.
            asyncio.get_running_loop().call_soon(self.observe, push)
