"""Pushes over Redis pub/sub: one connection an instance, one channel a session."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from typing import Protocol

from shared.errors import StoreUnavailable
from shared.realtime.echo import Echo
from shared.realtime.fan_out import Topic
from shared.realtime.listener import CLOSED, Listener, Push

_SUBSCRIBE_TIMEOUT_S = 1.5
_RETRY_S = 0.2
_LOOK_S = 0.1
_PING_AFTER_LOOKS = 3
_LOST_AFTER_LOOKS = 12
_DEAF_AFTER_LOOKS = 2
"""A connection on which nothing comes for 0.3 s is sent a ping, and after 1.2 s it is replaced. It
is also replaced when an echo is missing twice. Looks are counted, not seconds: bytes may be unread
because this process itself stood still."""

_STAY, _GO = 0.4, 0.4
"""Parts of the time in which listeners are sent away: before the first, from first to last."""

_AT_ONCE = 16

_log = logging.getLogger("synckairos.pushes")


class Subscriber(Protocol):
    """A connection for pub/sub. Its methods raise `ConnectionError` once it has ended."""

    @property
    def ended(self) -> "asyncio.Future[None]":
        """Done once nothing more will be heard."""

    @property
    def heard_at(self) -> float:
        """When bytes came last, by the loop's clock, s."""

    def subscribe(self, channels: Iterable[str]) -> None:
        """Hear `channels` too; each is confirmed."""

    def unsubscribe(self, channels: Iterable[str]) -> None:
        """Hear `channels` no more."""

    def ping(self) -> None:
        """Make the server say something."""

    async def close(self) -> None:
        """Close the connection."""


Handler = Callable[[bytes, str, bytes], None]
"""Called with the kind (`subscribe` or `message`), the channel and the message."""


class PushChannels:
    """Fans the pushes of one Redis connection out to the listeners of this instance.

    `open_subscriber` opens a connection to a server on which everything published can be heard,
    which may be another server each time. Where the `echo` stays away, the connection is replaced.
    `observe` is called with each push once all listeners of its session have it, `broken` whenever
    the connection is lost.

    Pushes are given out while the bytes from Redis are being read: no task lies between.
    """

    def __init__(
        self,
        open_subscriber: Callable[[Handler], Awaitable[Subscriber]],
        channel_of: Callable[[str], str],
        observe: Callable[[Push], None] = lambda _: None,
        broken: Callable[[], None] = lambda: None,
        echo: Echo | None = None,
    ) -> None:
        self._open_subscriber = open_subscriber
        self._echo = echo
        self._channel_of = channel_of
        self._observe = observe
        self._broken = broken
        self._subscriber: Subscriber | None = None
        self._topics: dict[str, Topic] = {}
        self._handlers: dict[str, Callable[[bytes | None], None]] = {}
        self._is_closed = False

    def handle(self, channel: str, handler: Callable[[bytes | None], None]) -> None:
        """Call `handler` with each message of `channel`, or None when some may have been missed.

        To be said before `run`.
        """
        self._handlers[channel] = handler

    @asynccontextmanager
    async def listen(self, name: str) -> AsyncIterator[Listener]:
        """A listener that gets everything published of the session of that name from now on.

        After `close` it gets nothing but the end.
        Raises `StoreUnavailable` when Redis doesn't confirm the subscriber.
        """
        channel = self._channel_of(name)
        listener = Listener()
        topic = self._topics.get(channel)
        if topic is None:
            self._topics[channel] = topic = Topic(self._observe)
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
        """Keep the connection up, for as long as the instance lives."""
        while True:
            try:
                await self._serve_connection()
            except Exception as error:  # whatever it is, without this loop nobody hears anything
                _log.warning("pub/sub connection lost: %s", error or type(error).__name__)
                self._broken()
                for topic in self._topics.values():
                    topic.interrupted()
                await asyncio.sleep(_RETRY_S)

    def close(self) -> None:
        """End every listener, and each that comes late."""
        self._is_closed = True
        for topic in self._topics.values():
            topic.deliver(CLOSED)

    async def send_away(self, seconds: float) -> None:
        """End every listener within `seconds`, one after the other.

        Not before a proxy had time to notice that they are to go elsewhere, and not all at once,
        for where they go to somebody is served as well. `close` ends those who come meanwhile.
        """
        await asyncio.sleep(seconds * _STAY)
        leaving = [(topic, one) for topic in self._topics.values() for one in topic.listeners]
        for place, (topic, listener) in enumerate(leaving):
            topic.catch_up()
            listener.close()
            if place % _AT_ONCE == _AT_ONCE - 1:
                await asyncio.sleep(seconds * _GO * _AT_ONCE / len(leaving))

    async def _serve_connection(self) -> None:
        """Hear what is published until the connection ends. Always raises."""
        subscriber = await self._open_subscriber(self._hear)
        try:
            own = [self._echo.channel] if self._echo else []
            subscriber.subscribe([*own, *self._handlers, *self._unasked()])
            self._subscriber = subscriber
            if self._echo:
                self._echo.begin()
            await self._watch(subscriber)
        finally:
            self._subscriber = None
            await subscriber.close()

    async def _watch(self, subscriber: Subscriber) -> None:
        """Raise `ConnectionError` as soon as the connection has ended or is of no use."""
        silent_looks = deaf_looks = 0
        heard_at = subscriber.heard_at
        while True:
            await asyncio.wait([subscriber.ended], timeout=_LOOK_S)
            if subscriber.ended.done():
                raise ConnectionError("Redis closed the connection")
            heard_before, heard_at = heard_at, subscriber.heard_at
            silent_looks = 0 if heard_at > heard_before else silent_looks + 1
            if silent_looks >= _LOST_AFTER_LOOKS:
                raise ConnectionError("Redis leaves pings unanswered")
            if silent_looks and silent_looks % _PING_AFTER_LOOKS == 0:
                subscriber.ping()
            deaf_looks = deaf_looks + 1 if self._echo and self._echo.is_missing() else 0
            if deaf_looks >= _DEAF_AFTER_LOOKS:
                raise ConnectionError("what is published is not heard here")

    def _unasked(self) -> list[str]:
        """The channels to subscribe to, each of which is asked for but once."""
        unasked = [channel for channel, topic in self._topics.items() if not topic.is_asked_for]
        for channel in unasked:
            self._topics[channel].is_asked_for = True
        return unasked

    def _hear(self, kind: bytes, channel: str, message: bytes) -> None:
        is_message = kind == b"message"
        if topic := self._topics.get(channel):
            if is_message:
                topic.deliver(Push.of(message))
            else:
                topic.confirmed()
        elif channel in self._handlers:
            self._handlers[channel](message if is_message else None)
        elif self._echo and channel == self._echo.channel and is_message:
            self._echo.heard()

    async def _ensure_live(self, channel: str, topic: Topic) -> None:
        try:
            async with asyncio.timeout(_SUBSCRIBE_TIMEOUT_S):
                if self._subscriber and not topic.is_asked_for:
                    topic.is_asked_for = True
                    with suppress(ConnectionError):  # the next connection starts with it
                        self._subscriber.subscribe([channel])
                await topic.is_live.wait()
        except TimeoutError as error:
            raise StoreUnavailable from error

    def _unsubscribe(self, channel: str) -> None:
        if self._subscriber:
            with suppress(ConnectionError):  # the next connection starts without it
                self._subscriber.unsubscribe([channel])
