"""Pushes the presence of sessions to clients of this instance that asked for it."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Protocol

from functions.container.live.coalesced import CoalescedCall
from functions.container.live.presence_reports import CHANGE_S, HEARTBEAT_S, interval_s
from shared.application import push_messages
from shared.application.errors import StoreUnavailable
from shared.application.ports.presence import Presence, PresenceStore
from shared.application.presence import seen
from shared.application.store_clock import StoreClock
from shared.domain.units import Instant
from shared.realtime.fan_out import SessionFanOut
from shared.realtime.listener import Listener, Push


class Channels(Protocol):
    """The part of the pub/sub connection that presence needs."""

    def handle(self, channel: str, handler: Callable[[bytes | None], None]) -> None:
        """Call `handler` with each message of `channel`, and with None on a new subscription."""

    def stop_handling(self, channel: str) -> None:
        """Unsubscribe from `channel`."""


class PresencePushes:
    """Reads the presence of each session that a client of this instance watches, and pushes it.

    It is read after each change, coalesced, and at intervals because the end of an instance that
    dies isn't announced. It is pushed if it differs, apart from `seen_at`.
    """

    def __init__(
        self,
        store: PresenceStore,
        channels: Channels,
        channel_of: Callable[[str], str],
        clock: StoreClock,
    ) -> None:
        self._store = store
        self._channels = channels
        self._channel_of = channel_of
        self._clock = clock
        self._watched: dict[str, _Watched] = {}
        self._is_watching = asyncio.Event()

    @contextmanager
    def watch(self, name: str, session_id: str, listener: Listener) -> Iterator[None]:
        """Push the presence of the session `name` to `listener` until the end of the block."""
        watched = self._watched.get(name)
        if watched is None:
            watched = _Watched(self._read, name, session_id)
            self._watched[name] = watched
            self._is_watching.set()
            self._channels.handle(self._channel_of(name), watched.changed)
        watched.fan_out.listeners.add(listener)
        watched.pushed = None  # the new listener needs it, too
        watched.changed()
        try:
            yield
        finally:
            watched.fan_out.listeners.discard(listener)
            if not watched.fan_out.listeners:
                self._stop_watching(name, watched)

    async def run(self) -> None:
        """Read the presence of all watched sessions at intervals, until cancelled."""
        try:
            while True:
                await self._is_watching.wait()
                await asyncio.sleep(HEARTBEAT_S)
                for watched in self._watched.values():
                    watched.changed()
        finally:
            for watched in self._watched.values():
                watched.call.cancel()

    def _stop_watching(self, name: str, watched: "_Watched") -> None:
        watched.call.cancel()
        del self._watched[name]
        if not self._watched:
            self._is_watching.clear()
        self._channels.stop_handling(self._channel_of(name))

    async def _read(self, watched: "_Watched") -> None:
        with suppress(StoreUnavailable):  # the next change or interval reads it again
            watched.push(await self._store.read(watched.name), self._clock.now())


class _Watched:
    """One session whose presence is pushed to the listeners of `fan_out`."""

    def __init__(
        self, read: "Callable[[_Watched], Awaitable[None]]", name: str, session_id: str
    ) -> None:
        self.name = name
        self.session_id = session_id
        self.fan_out = SessionFanOut(lambda _: None)
        self.pushed: Presence | None = None
        self._connected = 0
        self.call = CoalescedCall(lambda: read(self), lambda: interval_s(self._connected))

    def changed(self, _: bytes | None = None) -> None:
        """Read the presence soon."""
        self.call.note(CHANGE_S)

    def push(self, presence: Presence, now: Instant) -> None:
        """Push `presence` if it differs from what was pushed last."""
        compared = seen(presence, Instant(0))
        self._connected = presence.summary.connected
        if compared == self.pushed:
            return
        self.pushed = compared
        message = push_messages.presence_changed(self.session_id, now, presence)
        self.fan_out.deliver(Push(message.decode(), "PRESENCE"))
