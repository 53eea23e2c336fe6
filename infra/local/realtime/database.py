"""Broadcast from the database: messages that SQL sends with `realtime.send()`."""

import asyncio
import logging

import psycopg
from psycopg import AsyncConnection

from infra.local.realtime.messages import Broadcast
from infra.local.realtime.policies import Policies
from infra.local.realtime.topics import TopicRegistry

_CHANNEL = "realtime_messages"
_RETRY_S = 0.2

_log = logging.getLogger("infra.local.realtime")


class SqlBroadcasts:
    """Publishes the messages committed to `realtime.messages`, in commit order."""

    def __init__(self, database_url: str, policies: Policies, topics: TopicRegistry) -> None:
        self._database_url = database_url
        self._policies = policies
        self._topics = topics
        self.listens = asyncio.Event()

    async def run(self) -> None:
        """Publish until cancelled. Messages committed while disconnected are lost."""
        while True:
            try:
                await self._listen()
            except psycopg.Error as error:
                _log.warning("Postgres is unavailable: %s", error)
            await asyncio.sleep(_RETRY_S)

    async def _listen(self) -> None:
        connecting = AsyncConnection.connect(self._database_url, autocommit=True)
        async with await connecting as connection:
            await connection.execute(f"listen {_CHANNEL}")
            self.listens.set()
            async for notice in connection.notifies():
                await self._publish(notice.payload)

    async def _publish(self, message_id: str) -> None:
        if message := await self._policies.message(message_id):
            topic, event, payload, private = message
            meta = {"id": message_id}
            self._topics.publish(
                Broadcast(topic, event, payload, bool(private), meta=meta, prefers_binary=True)
            )
