"""Gives the pushes of one session to all of its listeners at this instance."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from shared.realtime.listener import LOST, Listener, Push

SLICE = 64
"""Listeners that are given a push in one turn of the loop."""

MOST_DUE = 32
"""Pushes that wait for their turn; where more come, the oldest don't wait for other turns."""


@dataclass
class Topic:
    """The listeners of one session, and whether their subscription is confirmed.

    `observe` is called with each push once all listeners have it.
    """

    observe: Callable[[Push], None]
    listeners: set[Listener] = field(default_factory=set)
    is_live: asyncio.Event = field(default_factory=asyncio.Event)
    has_gap: bool = False
    is_asked_for: bool = False
    """Whether the subscription was sent on this connection; a second one would look like a gap."""
    _due: deque[tuple[Push, tuple[Listener, ...]]] = field(default_factory=deque)
    _is_scheduled: bool = False

    def interrupted(self) -> None:
        """The connection is down: what is published now goes unheard."""
        self.is_live.clear()
        self.is_asked_for = False
        self.has_gap = True

    def confirmed(self) -> None:
        """Redis has the subscription: what is published from here on is heard.

        The first of two confirmations is of an earlier subscription that was ended in between:
        what was published between the two went unheard.
        """
        if self.has_gap or self.is_live.is_set():
            self.deliver(LOST)
        self.has_gap = False
        self.is_live.set()

    def deliver(self, push: Push) -> None:
        """Give `push` to every listener there is, in its turn behind the pushes before it."""
        self._due.append((push, tuple(self.listeners)))
        while len(self._due) > MOST_DUE:
            self._deliver_some()
        if not self._is_scheduled:
            self._go_on()

    def catch_up(self) -> None:
        """Give everybody what is due to them, before somebody is told of the end."""
        while self._due:
            self._deliver_some()

    def _go_on(self) -> None:
        """One slice now and the others in later turns: each has sockets to write to."""
        if self._due:
            self._deliver_some()
        self._is_scheduled = bool(self._due)
        if self._is_scheduled:
            asyncio.get_running_loop().call_soon(self._go_on)

    def _deliver_some(self) -> None:
        """One slice of the oldest push that is due."""
        push, listeners = self._due.popleft()
        for listener in listeners[:SLICE]:
            listener.put(push)
        if len(listeners) > SLICE:
            self._due.appendleft((push, listeners[SLICE:]))
        elif listeners and push.at is not None:
            # Behind the writers that were just woken.
            asyncio.get_running_loop().call_soon(self.observe, push)
