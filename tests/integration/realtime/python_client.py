"""Supabase's Python client, `realtime`."""

from typing import Any

from realtime import AsyncRealtimeChannel, AsyncRealtimeClient, RealtimeSubscribeStates

from tests.integration.realtime.client import Client, Report

_EVENTS = ("STATE_UPDATE", "STATE_SYNC", "TIME_EXPIRED", "TIME_WARNING", "SESSION_DELETED", "mark")


class PythonClient(Client):
    """`realtime.AsyncRealtimeClient` in one channel."""

    _client: AsyncRealtimeClient
    _channel: AsyncRealtimeChannel

    async def join(self, *, private: bool, presence: bool) -> None:
        """See `Client`."""
        url = f"{self._subscription['url']}/realtime/v1"
        self._client = AsyncRealtimeClient(url, self._subscription["key"], auto_reconnect=False)
        if token := self._subscription.get("token"):
            await self._client.set_auth(token)
        self._channel = self._client.channel(
            self._subscription["topic"],
            {
                "config": {
                    "private": private,
                    "broadcast": {"ack": False, "self": False},
                    "presence": {"key": "", "enabled": presence},
                }
            },
        )
        for event in _EVENTS:
            self._channel.on_broadcast(event, lambda payload: self._report(dict(payload)))
        if presence:
            self._channel.on_presence_join(self._on_presence_join)
        await self._channel.subscribe(self._on_status)

    async def set_auth(self, token: str) -> None:
        """See `Client`."""
        await self._client.set_auth(token)

    async def send(self, event: str, payload: Report) -> None:
        """See `Client`."""
        await self._channel.send_broadcast(event, payload)

    async def track(self, state: Report) -> None:
        """See `Client`."""
        await self._channel.track(state)

    async def leave(self) -> None:
        """See `Client`."""
        await self._channel.unsubscribe()

    async def close(self) -> None:
        """See `Client`."""
        await self._client.close()

    def _on_status(self, status: RealtimeSubscribeStates, error: Exception | None) -> None:
        self._report({"status": status.value, "reason": str(error) if error else None})

    def _on_presence_join(self, key: str, _: list[Any], states: list[Any]) -> None:
        self._report({"presence": "join", "key": key, "states": states})
