"""A connection on which messages of channels are heard (Redis pub/sub in RESP2)."""

import asyncio
import logging
from collections.abc import Callable, Iterable

from hiredis import ReplyError

from shared.store.connection import Reply
from shared.store.redis.link import Link
from shared.store.redis.requests import pack

Handler = Callable[[bytes, str, bytes], None]
"""Called with the kind (`subscribe` or `message`), the channel and the message."""

_KINDS = (b"subscribe", b"message")
_PING = pack(("PING",))

_log = logging.getLogger("synckairos.redis")


class Subscriber:
    """Channels of one server, on a connection of their own. It isn't opened again when it breaks.

    `handler` is called while the bytes are being read, so it must not take long. Where it raises
    an exception, or Redis refuses a channel, that is logged and the connection ends.
    """

    def __init__(self, link: Link, handler: Handler) -> None:
        self._link = link
        self._handler = handler
        link.hear = self._hear

    @property
    def ended(self) -> "asyncio.Future[None]":
        """Done once nothing more will be heard."""
        return self._link.ended

    @property
    def heard_at(self) -> float:
        """When bytes came last, by the loop's clock, s."""
        return self._link.heard_at

    def subscribe(self, channels: Iterable[str]) -> None:
        """Hear `channels` too; Redis confirms each of them. Raises `ConnectionError`."""
        self._say("SUBSCRIBE", channels)

    def unsubscribe(self, channels: Iterable[str]) -> None:
        """Hear `channels` no more. Raises `ConnectionError`."""
        self._say("UNSUBSCRIBE", channels)

    def ping(self) -> None:
        """Make the server say something. Raises `ConnectionError`."""
        self._link.say(_PING)

    async def close(self) -> None:
        """Close the connection, and wait until its socket is closed."""
        await self._link.close()

    def _say(self, command: str, channels: Iterable[str]) -> None:
        if named := tuple(channels):
            self._link.say(pack((command, *named)))

    def _hear(self, reply: Reply) -> None:
        try:
            if type(reply) is list and reply[0] in _KINDS:
                self._handler(reply[0], reply[1].decode(), reply[2])
            elif type(reply) is ReplyError:
                _log.warning("Redis refuses a subscription: %s", reply)
                self._link.abort()
        except Exception:
            _log.exception("a message of a channel could not be handled")
            self._link.abort()
