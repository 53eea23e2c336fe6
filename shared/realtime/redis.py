"""Pushes over Redis pub/sub: one connection per instance, one channel per session."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from typing import Protocol

from shared.application.activity import Activity
from shared.application.errors import StoreUnavailable
from shared.application.event_loop import wait_for_event
from shared.application.outage_log import OutageLog
from shared.application.rendered_pushes import RenderedPushes
from shared.realtime.delivery_check import DeliveryCheck
from shared.realtime.fan_out import SessionFanOut
from shared.realtime.listener import CLOSED, Listener, Push

_SUBSCRIBE_TIMEOUT_S = 1.5
_RETRY_S = 0.2
_CHECK_INTERVAL_S = 0.1
_PING_AFTER_CHECKS = 3
_LOST_AFTER_CHECKS = 12
_SILENT_CHECKS_AFTER_REST = 6
_DEAF_AFTER_CHECKS = 2
"""A connection without incoming bytes gets a ping every 0.3 s and is replaced after 1.2 s. It is
also replaced if the echo is missing in two checks. Checks are counted instead of seconds, because
bytes stay unread while this process itself is suspended. A resting instance checks once a minute;
when its use begins, it pings at once and replaces the connection after 0.6 s."""

_DELAY_SHARE, _SPREAD_SHARE = 0.4, 0.4
"""Shares of the time to close all listeners: before the first, and from the first to the last."""

_CLOSED_AT_ONCE = 16

_log = logging.getLogger("synckairos.pushes")


class SubscriberConnection(Protocol):
    """A pub/sub connection. Its methods raise `ConnectionError` once it has ended."""

    @property
    def ended(self) -> "asyncio.Future[None]":
        """Future that is done once the connection has ended."""

    @property
    def heard_at(self) -> float:
        """Time of the last incoming bytes, by the event loop's clock, in s."""

    def subscribe(self, channels: Iterable[str]) -> None:
        """Subscribe to `channels`; Redis confirms each."""

    def unsubscribe(self, channels: Iterable[str]) -> None:
        """Unsubscribe from `channels`."""

    def ping(self) -> None:
        """Send a ping, so that the server answers."""

    async def close(self) -> None:
        """Close the connection."""


Handler = Callable[[bytes, str, bytes], None]
"""Called with the kind (`subscribe` or `message`), the channel and the message."""

ReadUpdate = Callable[[str, str], Awaitable[bytes | None]]
"""Takes a session's name and a difference, and reads the whole state (`StateReader.update`)."""


class RedisFanOut:
    """Fans the pushes of one Redis connection out to the listeners of this instance.

    `open_subscriber` opens a connection to a server that receives all published messages; it may be
    another server each time. If the `echo` is missing, the connection is replaced. `observe` is
    called with each push after all listeners of its session got it, `broken` whenever the
    connection is lost. A difference becomes a whole state for listeners who take no differences:
    from `rendered` if this instance made the change, else `read_update` reads it.

    Pushes are delivered directly from the read callback, without a task in between.
    """

    def __init__(
        self,
        open_subscriber: Callable[[Handler], Awaitable[SubscriberConnection]],
        channel_of: Callable[[str], str],
        observe: Callable[[Push], None] = lambda _: None,
        broken: Callable[[], None] = lambda: None,
        echo: DeliveryCheck | None = None,
        activity: Activity | None = None,
        rendered: RenderedPushes | None = None,
        read_update: ReadUpdate | None = None,
    ) -> None:
        self._open_subscriber = open_subscriber
        self._echo = echo
        self._activity = activity or Activity()
        self._use_begins = asyncio.Event()
        self._activity.on_begin(self._use_begins.set)
        self._channel_of = channel_of
        self._observe = observe
        self._broken = broken
        self._rendered = rendered or RenderedPushes()
        self._rendered.wants = self._has_readers
        self._read_update = read_update
        self._subscriber: SubscriberConnection | None = None
        self._topics: dict[str, SessionFanOut] = {}
        self._handlers: dict[str, Callable[[bytes | None], None]] = {}
        self._is_closed = False
        self._outages = OutageLog(_log)

    def handle(self, channel: str, handler: Callable[[bytes | None], None]) -> None:
        """Call `handler` with each message of `channel`, and with None on each new subscription.

        Messages may have been missed before a new subscription.
        """
        self._handlers[channel] = handler
        if self._subscriber:
            with suppress(ConnectionError):  # the next connection subscribes to it
                self._subscriber.subscribe([channel])

    def stop_handling(self, channel: str) -> None:
        """Ignore all further messages of `channel`."""
        del self._handlers[channel]
        self._unsubscribe(channel)

    @asynccontextmanager
    async def listen(
        self, name: str, *, takes_differences: bool = False
    ) -> AsyncIterator[Listener]:
        """Yield a listener that gets all pushes of the session `name` from now on.

        After `close` it gets only `CLOSED`. Raises `StoreUnavailable` if Redis doesn't confirm the
        subscription within 1.5 s.
        """
        self._activity.note()
        channel = self._channel_of(name)
        listener = Listener(takes_differences=takes_differences)
        topic = self._topics.get(channel)
        if topic is None:
            self._topics[channel] = topic = self._topic_of(name)
        topic.listeners.add(listener)
        if self._is_closed:
            listener.close()
        try:
            await self._ensure_live(channel, topic)
            yield listener
        finally:
            topic.listeners.discard(listener)
            if not topic.listeners and self._topics.get(channel) is topic:
                del self._topics[channel]
                self._unsubscribe(channel)

    async def run(self) -> None:
        """Keep a connection open until cancelled."""
        while True:
            try:
                await self._serve_connection()
            except Exception as error:  # this loop must survive every error: all pushes need it
                reason = str(error) or type(error).__name__
                self._outages.begin(f"pub/sub connection lost: {reason}", "pub/sub works again")
                self._broken()
                for topic in self._topics.values():
                    topic.on_connection_lost()
                await asyncio.sleep(_RETRY_S)

    def close(self) -> None:
        """End all listeners, and those that come later."""
        self._is_closed = True
        for topic in self._topics.values():
            topic.deliver(CLOSED)

    async def drain(self, seconds: float) -> None:
        """End all present listeners within `seconds`, spread over the time.

        The first one ends only after a proxy had time to see that this instance is draining. They
        don't end all at once, so that the reconnects don't overload the other instances. `close`
        ends listeners that come meanwhile.
        """
        await asyncio.sleep(seconds * _DELAY_SHARE)
        leaving = [(topic, one) for topic in self._topics.values() for one in topic.listeners]
        for place, (topic, listener) in enumerate(leaving):
            topic.flush()
            listener.close()
            if place % _CLOSED_AT_ONCE == _CLOSED_AT_ONCE - 1:
                await asyncio.sleep(seconds * _SPREAD_SHARE * _CLOSED_AT_ONCE / len(leaving))

    def _has_readers(self, name: str) -> bool:
        """Whether a listener of the session takes no differences."""
        topic = self._topics.get(self._channel_of(name))
        return topic is not None and not all(one.takes_differences for one in topic.listeners)

    def _topic_of(self, name: str) -> SessionFanOut:
        read = self._read_update
        if read is None:
            return SessionFanOut(self._observe, name=name)

        async def read_state(difference: Push) -> Push | None:
            message = await read(name, difference.text)
            return Push.of(message) if message else None

        return SessionFanOut(self._observe, read_state, name)

    async def _serve_connection(self) -> None:
        """Deliver messages until the connection ends. Always raises."""
        subscriber = await self._open_subscriber(self._deliver)
        try:
            own = [self._echo.channel] if self._echo else []
            subscriber.ended.add_done_callback(lambda _: self._use_begins.set())
            subscriber.subscribe([*own, *self._handlers, *self._unsubscribed()])
            self._subscriber = subscriber
            if self._echo:
                self._echo.begin()
            else:
                self._outages.end()
            await self._watch(subscriber)
        finally:
            self._subscriber = None
            await subscriber.close()

    async def _watch(self, subscriber: SubscriberConnection) -> None:
        """Raise `ConnectionError` as soon as the connection has ended or delivers nothing."""
        silent_checks = deaf_checks = 0
        heard_at = subscriber.heard_at
        while True:
            if self._topics:
                self._activity.note()
            is_checked = not silent_checks and not (self._echo and self._echo.is_pending)
            if is_checked and self._activity.is_resting and await self._rest():
                silent_checks = _SILENT_CHECKS_AFTER_REST
                subscriber.ping()
            await asyncio.wait([subscriber.ended], timeout=_CHECK_INTERVAL_S)
            if subscriber.ended.done():
                raise ConnectionError("Redis closed the connection")
            heard_before, heard_at = heard_at, subscriber.heard_at
            silent_checks = 0 if heard_at > heard_before else silent_checks + 1
            if silent_checks >= _LOST_AFTER_CHECKS:
                raise ConnectionError("Redis doesn't answer pings")
            if silent_checks and silent_checks % _PING_AFTER_CHECKS == 0:
                subscriber.ping()
            deaf_checks = deaf_checks + 1 if self._echo and self._echo.is_missing() else 0
            if deaf_checks >= _DEAF_AFTER_CHECKS:
                raise ConnectionError("published messages don't arrive on this connection")

    async def _rest(self) -> bool:
        """Wait until the next check of a resting instance; return whether its use begins before."""
        return await wait_for_event(self._use_begins, self._activity.interval_s(0))

    def _unsubscribed(self) -> list[str]:
        """Return the channels that aren't subscribed to yet, and mark them as subscribed."""
        channels = [channel for channel, topic in self._topics.items() if not topic.is_subscribed]
        for channel in channels:
            self._topics[channel].is_subscribed = True
        return channels

    def _deliver(self, kind: bytes, channel: str, message: bytes) -> None:
        is_message = kind == b"message"
        if topic := self._topics.get(channel):
            if is_message:
                push = Push.of(message)
                whole = self._rendered.take(topic.name, message) if push.is_difference else None
                topic.deliver(push, push.with_state(whole) if whole else None)
            else:
                topic.confirmed()
        elif channel in self._handlers:
            self._activity.note()
            self._handlers[channel](message if is_message else None)
        elif self._echo and channel == self._echo.channel and is_message:
            self._echo.heard()
            self._outages.end()

    async def _ensure_live(self, channel: str, topic: SessionFanOut) -> None:
        try:
            async with asyncio.timeout(_SUBSCRIBE_TIMEOUT_S):
                if self._subscriber and not topic.is_subscribed:
                    topic.is_subscribed = True
                    with suppress(ConnectionError):  # the next connection subscribes to it
                        self._subscriber.subscribe([channel])
                await topic.is_live.wait()
        except TimeoutError as error:
            raise StoreUnavailable from error

    def _unsubscribe(self, channel: str) -> None:
        if self._subscriber:
            with suppress(ConnectionError):  # the next connection doesn't subscribe to it
                self._subscriber.unsubscribe([channel])
