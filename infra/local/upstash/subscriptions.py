"""Channels as server-sent events."""

import asyncio
from asyncio import FIRST_COMPLETED, ensure_future
from collections.abc import AsyncIterator, Mapping
from typing import Any

from redis.asyncio.client import PubSub

from infra.local.upstash.backend import Backend
from infra.local.upstash.refusals import Command, Refused, name_of

_NAMES = frozenset({"SUBSCRIBE", "PSUBSCRIBE"})


def is_subscription(command: Command) -> bool:
    """Whether the words of a path ask for a stream rather than for a reply."""
    return name_of(command) in _NAMES


class Subscriptions:
    """What is listened to through one endpoint, until that ends."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._ended = asyncio.Event()

    async def open(self, command: Command) -> AsyncIterator[str]:
        """The events of the channels, or patterns, that the command names.

        Raises `Refused`, and `RedisError` where Redis can't be reached.
        """
        name, *channels = command
        if not any(channels):
            raise Refused(400, f"ERR wrong number of arguments for '{name.decode()}' command")
        listener = self._backend.listener()
        subscribe = listener.subscribe if name_of(command) == "SUBSCRIBE" else listener.psubscribe
        await subscribe(*channels)
        return self._events(listener)

    def end(self) -> None:
        """Close every stream; called in the endpoint's own loop."""
        self._ended.set()

    async def _events(self, listener: PubSub) -> AsyncIterator[str]:
        ended = ensure_future(self._ended.wait())
        try:
            while message := await _first(listener, ended):
                yield _event(message)
        finally:
            ended.cancel()
            await listener.aclose()  # type: ignore[no-untyped-call] # redis-py's own


async def _first(listener: PubSub, ended: "asyncio.Future[Any]") -> Mapping[str, Any] | None:
    """The next message, or None at the end."""
    arrival = ensure_future(listener.get_message(timeout=None))
    try:
        await asyncio.wait({arrival, ended}, return_when=FIRST_COMPLETED)
        return arrival.result() if arrival.done() else None
    finally:
        arrival.cancel()


def _event(message: Mapping[str, Any]) -> str:
    """Such as `data: message,chat,hello`; a line break inside stays one, as the format has it."""
    parts = (message["type"], message["pattern"], message["channel"], message["data"])
    line = ",".join(_text(part) for part in parts if part is not None)
    return "".join(f"data: {part}\n" for part in line.splitlines() or [""]) + "\n"


def _text(part: str | bytes | int) -> str:
    return part.decode(errors="replace") if isinstance(part, bytes) else str(part)
