"""A pub/sub connection (Redis pub/sub in RESP2)."""

import asyncio
import logging
from collections.abc import Callable, Iterable

from hiredis import ReplyError

from shared.store.connection import Reply
from shared.store.redis.encoding import pack
from shared.store.redis.pipeline import PipelinedConnection

MessageHandler = Callable[[bytes, str, bytes], None]
"""Called with the kind (`subscribe` or `message`), the channel and the message."""

_KINDS = (b"subscribe", b"message")
_PING = pack(("PING",))

_log = logging.getLogger("synckairos.redis")


class Subscriber:
    """Subscriptions on a dedicated connection, which isn't opened again when it breaks.

    `handler` is called from the read callback, so it must return quickly. If it raises, or Redis
    refuses a channel, the error is logged and the connection ends.
    """

    def __init__(self, link: PipelinedConnection, handler: MessageHandler) -> None:
        self._link = link
        self._handler = handler
        link.hear = self._handle

    @property
    def ended(self) -> "asyncio.Future[None]":
        """Future that is done once the connection has ended."""
        return self._link.ended

    @property
    def heard_at(self) -> float:
        """Time of the last incoming bytes, by the event loop's clock, in s."""
        return self._link.heard_at

    def subscribe(self, channels: Iterable[str]) -> None:
        """Subscribe to `channels`; Redis confirms each. Raises `ConnectionError`."""
        self._send("SUBSCRIBE", channels)

    def unsubscribe(self, channels: Iterable[str]) -> None:
        """Unsubscribe from `channels`. Raises `ConnectionError`."""
        self._send("UNSUBSCRIBE", channels)

    def ping(self) -> None:
        """Send a ping, so that the server answers. Raises `ConnectionError`."""
        self._link.say(_PING)

    async def close(self) -> None:
        """Close the connection, and wait until its socket is closed."""
        await self._link.close()

    def _send(self, command: str, channels: Iterable[str]) -> None:
        if names := tuple(channels):
            self._link.say(pack((command, *names)))

    def _handle(self, reply: Reply) -> None:
        try:
            if type(reply) is list and reply[0] in _KINDS:
                self._handler(reply[0], reply[1].decode(), reply[2])
            elif type(reply) is ReplyError:
                _log.warning("Redis refuses a subscription: %s", reply)
                self._link.abort()
        except Exception:
            _log.exception("a pub/sub message could not be handled")
            self._link.abort()
