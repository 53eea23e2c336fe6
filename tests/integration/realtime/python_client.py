"""Supabase's Python client, `realtime`."""

from realtime import AsyncRealtimeChannel, AsyncRealtimeClient, RealtimeSubscribeStates

from tests.integration.realtime.client import Client


class PythonClient(Client):
    """`realtime.AsyncRealtimeClient` in one channel."""

    _client: AsyncRealtimeClient
    _channel: AsyncRealtimeChannel

    async def join(self, *, private: bool) -> None:
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
                    "presence": None,
                }
            },
        )
        self._channel.on_broadcast("*", lambda payload: self._report(dict(payload)))
        await self._channel.subscribe(self._on_status)

    async def set_auth(self, token: str) -> None:
        """See `Client`."""
        await self._client.set_auth(token)

    async def leave(self) -> None:
        """See `Client`."""
        await self._channel.unsubscribe()

    async def close(self) -> None:
        """See `Client`."""
        await self._client.close()

    def _on_status(self, status: RealtimeSubscribeStates, error: Exception | None) -> None:
        self._report({"status": status.value, "reason": str(error) if error else None})
