"""Pushes over Redis pub/sub: one connection an instance, one channel a session."""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

from shared.errors import StoreUnavailable
from shared.realtime.echo import Echo
from shared.realtime.listener import CLOSED, LOST, Listener, Push

_SUBSCRIBE_TIMEOUT_S = 1.5
_RETRY_S = 0.2
_PING_S = 0.3
_PINGS = 4
"""A connection that says nothing for 1.2 s, pings included, is replaced."""

_STAY, _GO = 0.4, 0.4
"""Parts of the time in which listeners are sent away: before the first, from first to last."""

_AT_ONCE = 16

_SLICE = 64
"""Listeners that are given a push in one turn of the loop."""

_MOST_DUE = 32
"""Pushes that wait for their turn; where more come, the oldest don't wait for other turns."""

_BROKEN = (RedisError, OSError, RuntimeError, AttributeError)
"""What using a connection raises that broke under another task: the last two come from what is
below the client, which writes to a transport that is closed, or to none."""

_log = logging.getLogger("synckairos.pushes")


@dataclass
class _Topic:
    observe: Callable[[Push], None]
    listeners: set[Listener] = field(default_factory=set)
    is_live: asyncio.Event = field(default_factory=asyncio.Event)
    has_gap: bool = False
    is_asked_for: bool = False
    """Whether the subscription was sent on this connection; a second one would look like a gap."""
    _due: deque[tuple[Push, tuple[Listener, ...]]] = field(default_factory=deque)
    _delivery: asyncio.Task[None] | None = None

    def interrupted(self) -> None:
        """The connection is down: what is published now goes unheard."""
        self.is_live.clear()
        self.is_asked_for = False
        self.has_gap = True

    def confirmed(self) -> None:
        """Redis has the subscription: what is published from here on is heard.

        A second confirmation means that the client library has quietly made a new connection;
        what was published between the two went unheard.
        """
        if self.has_gap or self.is_live.is_set():
            self.deliver(LOST)
        self.has_gap = False
        self.is_live.set()

    def deliver(self, push: Push) -> None:
        """Give `push` to every listener there is, in its turn behind the pushes before it."""
        self._due.append((push, tuple(self.listeners)))
        while len(self._due) > _MOST_DUE:
            self._deliver_some()
        if self._delivery is None and not self._deliver_some():
            self._delivery = asyncio.create_task(self._deliver_all())

    def catch_up(self) -> None:
        """Give everybody what is due to them, before somebody is told of the end."""
        while self._due:
            self._deliver_some()

    def _deliver_some(self) -> bool:
        """One slice of what is due; whether that was the last."""
        push, listeners = self._due.popleft()
        for listener in listeners[:_SLICE]:
            listener.put(push)
        if len(listeners) > _SLICE:
            self._due.appendleft((push, listeners[_SLICE:]))
        elif listeners and push.at is not None:
            # Behind the writers that were just woken.
            asyncio.get_running_loop().call_soon(self.observe, push)
        return not self._due

    async def _deliver_all(self) -> None:
        """The rest, slice by slice: each wakes so many writers, and others want to be served."""
        await asyncio.sleep(0)
        while self._due:
            self._deliver_some()
            await asyncio.sleep(0)
        self._delivery = None


class PushChannels:
    """Fans the pushes of one Redis connection out to the listeners of this instance.

    `open_client` gives a client of a server on which everything published can be heard; it is asked
    for each new connection, since that server may be another one by then. Where the `echo` stays
    away, the connection is replaced. `observe` is called with each push once all listeners of its
    session have it, `broken` whenever the connection is lost.
    """

    def __init__(
        self,
        open_client: Callable[[], Awaitable[Redis]],
        channel_of: Callable[[str], str],
        observe: Callable[[Push], None] = lambda _: None,
        broken: Callable[[], None] = lambda: None,
        echo: Echo | None = None,
    ) -> None:
        self._open_client = open_client
        self._echo = echo
        self._channel_of = channel_of
        self._observe = observe
        self._broken = broken
        self._pubsub: PubSub | None = None
        self._topics: dict[str, _Topic] = {}
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
        Raises `StoreUnavailable` when Redis doesn't confirm the subscription.
        """
        channel = self._channel_of(name)
        listener = Listener()
        topic = self._topics.get(channel)
        if topic is None:
            self._topics[channel] = topic = _Topic(self._observe)
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
                await self._unsubscribe(channel)

    async def run(self) -> None:
        """Keep the connection up, for as long as the instance lives."""
        while True:
            try:
                await self._serve_connection()
            except Exception as error:  # whatever it is, without this loop nobody hears anything
                surprise = not isinstance(error, _BROKEN)
                _log.warning("pub/sub connection lost: %s", type(error).__name__, exc_info=surprise)
                self._broken()
                self._pubsub = None
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
        client = await self._open_client()
        try:
            async with client.pubsub() as pubsub:
                await self._serve(pubsub)
        finally:
            self._pubsub = None
            await client.aclose()

    async def _serve(self, pubsub: PubSub) -> None:
        own = [self._echo.channel] if self._echo else []
        await pubsub.subscribe(*own, *self._handlers, *self._unasked())
        self._pubsub = pubsub
        if self._echo:
            self._echo.begin()
        if late := self._unasked():
            await pubsub.subscribe(*late)
        while message := await _next_message(pubsub):
            self._dispatch(message)
            if self._echo and self._echo.is_missing():
                raise RedisConnectionError("what is published is not heard here")

    def _unasked(self) -> list[str]:
        """The channels to subscribe to, each of which is asked for but once."""
        unasked = [channel for channel, topic in self._topics.items() if not topic.is_asked_for]
        for channel in unasked:
            self._topics[channel].is_asked_for = True
        return unasked

    def _dispatch(self, message: dict[str, Any]) -> None:
        channel = message["channel"].decode() if message["channel"] else ""
        if self._echo and channel == self._echo.channel:
            if message["type"] == "message":
                self._echo.heard()
        elif channel in self._handlers:
            if message["type"] in ("message", "subscribe"):
                self._handlers[channel](message["data"] if message["type"] == "message" else None)
        elif topic := self._topics.get(channel):
            if message["type"] == "subscribe":
                topic.confirmed()
            elif message["type"] == "message":
                topic.deliver(Push.of(message["data"]))

    async def _ensure_live(self, channel: str, topic: _Topic) -> None:
        try:
            async with asyncio.timeout(_SUBSCRIBE_TIMEOUT_S):
                if self._pubsub and not topic.is_asked_for:
                    topic.is_asked_for = True
                    with suppress(*_BROKEN):  # the next connection starts with it
                        await self._pubsub.subscribe(channel)
                await topic.is_live.wait()
        except TimeoutError as error:
            raise StoreUnavailable from error

    async def _unsubscribe(self, channel: str) -> None:
        if self._pubsub:
            with suppress(*_BROKEN):  # the next connection starts without it
                await self._pubsub.unsubscribe(channel)


async def _next_message(pubsub: PubSub) -> dict[str, Any]:
    """The next message, a pong at the latest. Raises when Redis leaves pings unanswered."""
    for _ in range(_PINGS):
        message: dict[str, Any] | None = await pubsub.get_message(timeout=_PING_S)
        if message is not None:
            return message
        await pubsub.ping()
    raise RedisConnectionError("no answer to pings")
