"""Pub/Sub subscriptions as server-sent events."""

import asyncio
from asyncio import FIRST_COMPLETED, ensure_future
from collections.abc import AsyncIterator, Mapping
from typing import Any

from redis.asyncio.client import PubSub

from infra.local.upstash.backend import RedisBackend
from infra.local.upstash.errors import Command, RequestError, name_of

_NAMES = frozenset({"SUBSCRIBE", "PSUBSCRIBE"})


def is_subscription(command: Command) -> bool:
    """Whether the command opens an event stream."""
    return name_of(command) in _NAMES


class EventStreams:
    """The event streams of one endpoint."""

    def __init__(self, backend: RedisBackend) -> None:
        self._backend = backend
        self._ended = asyncio.Event()

    async def open(self, command: Command) -> AsyncIterator[str]:
        """Subscribe to the command's channels or patterns and return their events.

        Raises `RequestError` if it names none, and `RedisError` if Redis is unreachable.
        """
        name, *channels = command
        if not any(channels):
            raise RequestError(400, f"ERR wrong number of arguments for '{name.decode()}' command")
        listener = self._backend.listener()
        subscribe = listener.subscribe if name_of(command) == "SUBSCRIBE" else listener.psubscribe
        await subscribe(*channels)
        return self._events(listener)

    def end(self) -> None:
        """End all streams. Call it in the endpoint's event loop."""
        self._ended.set()

    async def _events(self, listener: PubSub) -> AsyncIterator[str]:
        ended = ensure_future(self._ended.wait())
        try:
            while message := await _next_message(listener, ended):
                yield _event(message)
        finally:
            ended.cancel()
            await listener.aclose()  # type: ignore[no-untyped-call] # redis-py has no annotation


async def _next_message(listener: PubSub, ended: "asyncio.Future[Any]") -> Mapping[str, Any] | None:
    """Return the next message, or `None` once the streams have ended."""
    received = ensure_future(listener.get_message(timeout=None))
    try:
        await asyncio.wait({received, ended}, return_when=FIRST_COMPLETED)
        return received.result() if received.done() else None
    finally:
        received.cancel()


def _event(message: Mapping[str, Any]) -> str:
    """Return the event, such as `data: message,chat,hello`, with one `data:` line per text line."""
    parts = (message["type"], message["pattern"], message["channel"], message["data"])
    line = ",".join(_text(part) for part in parts if part is not None)
    return "".join(f"data: {part}\n" for part in line.splitlines() or [""]) + "\n"


def _text(part: str | bytes | int) -> str:
    return part.decode(errors="replace") if isinstance(part, bytes) else str(part)
