"""Pushes over Redis pub/sub: one connection an instance, one channel a session."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

from shared.errors import StoreUnavailable
from shared.realtime.listener import LOST, Listener, Push

_SUBSCRIBE_TIMEOUT_S = 1.5
_RETRY_S = 0.2
_PING_S = 5.0

_log = logging.getLogger("synckairos.pushes")


@dataclass
class _Topic:
    listeners: set[Listener] = field(default_factory=set)
    is_live: asyncio.Event = field(default_factory=asyncio.Event)
    has_gap: bool = False

    def interrupted(self) -> None:
        """The connection is down: what is published now goes unheard."""
        self.is_live.clear()
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
        """Give `push` to every listener."""
        for listener in self.listeners:
            listener.put(push)


class PushChannels:
    """Fans the pushes of one Redis connection out to the listeners of this instance."""

    def __init__(self, redis: Redis, channel_of: Callable[[str], str]) -> None:
        self._redis = redis
        self._channel_of = channel_of
        self._pubsub: PubSub | None = None
        self._topics: dict[str, _Topic] = {}
        self._handlers: dict[str, Callable[[bytes | None], None]] = {}

    def handle(self, channel: str, handler: Callable[[bytes | None], None]) -> None:
        """Call `handler` with each message of `channel`, or None when some may have been missed.

        To be said before `run`.
        """
        self._handlers[channel] = handler

    @asynccontextmanager
    async def listen(self, session_id: str) -> AsyncIterator[Listener]:
        """A listener that gets everything published of the session from now on.

        Raises `StoreUnavailable` when Redis doesn't confirm the subscription.
        """
        channel = self._channel_of(session_id)
        listener = Listener()
        topic = self._topics.get(channel)
        if topic is None:
            self._topics[channel] = topic = _Topic()
        topic.listeners.add(listener)
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
            except (RedisError, OSError) as error:
                _log.warning("pub/sub connection lost: %s", type(error).__name__)
                self._pubsub = None
                for topic in self._topics.values():
                    topic.interrupted()
                await asyncio.sleep(_RETRY_S)

    def close(self) -> None:
        """End every listener."""
        for topic in self._topics.values():
            for listener in topic.listeners:
                listener.close()

    async def _serve_connection(self) -> None:
        async with self._redis.pubsub() as pubsub:
            known = set(self._topics)
            await pubsub.subscribe(*self._handlers, *known)
            self._pubsub = pubsub
            if late := set(self._topics) - known:
                await pubsub.subscribe(*late)
            while message := await _next_message(pubsub):
                self._dispatch(message)

    def _dispatch(self, message: dict[str, Any]) -> None:
        channel = message["channel"].decode() if message["channel"] else ""
        if channel in self._handlers:
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
                if not topic.is_live.is_set() and self._pubsub:
                    await self._pubsub.subscribe(channel)
                await topic.is_live.wait()
        except (RedisError, OSError, TimeoutError) as error:
            raise StoreUnavailable from error

    async def _unsubscribe(self, channel: str) -> None:
        if self._pubsub:
            try:
                await self._pubsub.unsubscribe(channel)
            except (RedisError, OSError):
                _log.debug("unsubscribing failed; the next connection starts without it")


async def _next_message(pubsub: PubSub) -> dict[str, Any]:
    """The next message, a pong at the latest. Raises when Redis leaves a ping unanswered."""
    for _ in range(2):
        message: dict[str, Any] | None = await pubsub.get_message(timeout=_PING_S)
        if message is not None:
            return message
        await pubsub.ping()
    raise RedisConnectionError("no answer to a ping")
