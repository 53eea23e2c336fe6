"""Supabase Realtime, through Supabase's Python client (the extra `realtime`)."""

import asyncio
import logging
from contextlib import suppress
from typing import Any

from websockets.exceptions import ConnectionClosed, InvalidHandshake

from synckairos.api_types import Message, Subscription, TransportName
from synckairos.clock import ServerClock
from synckairos.timing import SUPABASE_CONNECT_TIMEOUT_MS
from synckairos.transports.interface import Disconnected, Listener
from synckairos.transports.supabase_presence import SupabasePresence

_log = logging.getLogger("synckairos")


class Supabase:
    """See `Transport`. Each session has its own connection, because a token is for one session."""

    kind: TransportName = "supabase"

    def __init__(self, subscription: Subscription, session_id: str, clock: ServerClock) -> None:
        self._subscription = subscription
        self._id = session_id
        self._clock = clock
        self._client: Any = None

    async def follow(self, listener: Listener) -> None:
        """See `Transport`."""
        ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._client = client = _client(self._subscription)
        presence: asyncio.Task[None] | None = None
        try:
            await self._join(listener, ended)
            presence = self._take_part(listener, ended)
            raise Disconnected(await ended)
        except (OSError, ConnectionClosed, InvalidHandshake, TimeoutError) as error:
            raise Disconnected(str(error)) from error
        finally:
            self._client = None
            if presence:
                presence.cancel()
                await asyncio.gather(presence, return_exceptions=True)
            with suppress(OSError, ConnectionClosed):
                await client.close()

    async def ping(self) -> None:
        """See `Transport`."""

    async def resync(self) -> None:
        """See `Transport`."""

    async def renew(self, subscription: Subscription) -> None:
        """See `Transport`."""
        if self._client:
            await self._client.set_auth(subscription["token"])

    async def _join(self, listener: Listener, ended: "asyncio.Future[str]") -> None:
        def changed(status: str, error: Exception | None) -> None:
            if status == "SUBSCRIBED":
                listener.live()
            else:
                _end(ended, f"{status}: {error}")

        subscription = self._subscription
        await self._client.set_auth(subscription["token"])
        config = {"private": True, "broadcast": {"ack": False, "self": False}}
        channel = self._client.channel(subscription["topic"], {"config": config})
        channel.on_broadcast("*", lambda heard: _tell(listener, ended, heard["payload"]))
        await channel.subscribe(changed)

    def _take_part(
        self, listener: Listener, ended: "asyncio.Future[str]"
    ) -> asyncio.Task[None] | None:
        """Take part in the session's presence, unless the service has none there."""
        topics = self._subscription.get("presence")
        if topics is None or ended.done():
            return None

        def report(message: Message) -> None:
            _tell(listener, ended, message)

        presence = SupabasePresence(self._client, self._id, topics, self._clock, report)
        return asyncio.create_task(presence.run())


def _tell(listener: Listener, ended: "asyncio.Future[str]", message: Message) -> None:
    """Pass a message on. An error ends the connection: it would silently end a background task."""
    try:
        listener.message(message)
    except Exception as error:
        _end(ended, repr(error))


def _end(ended: "asyncio.Future[str]", reason: str) -> None:
    if not ended.done():
        ended.set_result(reason)


def _client(subscription: Subscription) -> Any:
    """Create a client that doesn't reconnect itself, since a new connection needs a new token."""
    try:
        from realtime import AsyncRealtimeClient
    except ImportError as error:
        reason = "Supabase Realtime needs an extra package: pip install synckairos[realtime]"
        _log.warning("%s. Polling until then", reason)
        raise Disconnected(reason) from error
    url = f"{subscription['url'].rstrip('/')}/realtime/v1"
    timeout_s = int(SUPABASE_CONNECT_TIMEOUT_MS / 1000)
    return AsyncRealtimeClient(url, subscription["key"], auto_reconnect=False, timeout=timeout_s)
