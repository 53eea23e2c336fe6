"""Presence at Supabase Realtime: shows this client, and reads who else is shown."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any, cast

from websockets.exceptions import ConnectionClosed

from synckairos.api_types import Message, SupabasePresenceTopics, timestamp_of
from synckairos.backoff import spread
from synckairos.clock import ServerClock
from synckairos.measurement import measurement_of
from synckairos.presence import PresenceRole
from synckairos.presence_list import Shown, error_class, presence_of
from synckairos.timing import (
    PRESENCE_AGAIN_MS,
    PRESENCE_EVERY_MS,
    PRESENCE_GATHER_MS,
    PRESENCE_RETRY_MS,
    PRESENCE_SECOND_MS,
)


class SupabasePresence:
    """Shows a client in the session's presence, and reads that if the subscription allows it.

    It uses channels of its own: Supabase may end one of them because of its limits for presence,
    and the pushes go on. `client` is Supabase's; `report` is called with each `PRESENCE`.
    """

    def __init__(
        self,
        client: Any,
        session_id: str,
        topics: SupabasePresenceTopics,
        clock: ServerClock,
        report: Callable[[Message], None],
    ) -> None:
        self._client = client
        self._id = session_id
        self._own_topic = topics["topic"]
        self._participant_id = topics.get("participant_id")
        self._read = topics.get("topics", {})
        self._clock = clock
        self._report = report
        self._since = timestamp_of(clock.now())
        self._joined: dict[str, Any] = {}
        self._changed = asyncio.Event()

    async def run(self) -> None:
        """Take part until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for topic in {self._own_topic, *self._read.values()}:
                tasks.create_task(self._keep_joined(topic))
            if self._read:
                tasks.create_task(self._report_changes())

    async def _keep_joined(self, topic: str) -> None:
        """Join a channel. One that is refused or ends is joined again later."""
        while True:
            with suppress(OSError, ConnectionClosed, TimeoutError):
                await self._join(topic)
            self._changed.set()
            await asyncio.sleep(spread(PRESENCE_RETRY_MS) / 1000)

    async def _join(self, topic: str) -> None:
        """Be in a channel until it ends."""
        ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def note(status: str, error: Exception | None) -> None:
            if status != "SUBSCRIBED" and not ended.done():
                ended.set_result(None)

        config = {
            "private": True,
            "broadcast": {"ack": False, "self": False},
            "presence": {"key": "", "enabled": True},
        }
        channel = self._client.channel(topic, {"config": config})
        if self._read:
            channel.on_presence_sync(self._changed.set)
        try:
            await channel.subscribe(note)
            self._joined[topic] = channel
            if topic == self._own_topic:
                await self._show(channel, ended)
            await ended
        finally:
            self._joined.pop(topic, None)
        await channel.unsubscribe()

    async def _show(self, channel: Any, ended: "asyncio.Future[None]") -> None:
        """Say how exact the clock is, and again when that has changed noticeably."""
        whose = {"participant_id": self._participant_id} if self._participant_id else {}
        said: int | None = None
        delay_ms = PRESENCE_SECOND_MS
        while not ended.done():
            measured = measurement_of(self._clock)
            exactness = error_class(measured.get("error_ms"))
            if exactness != said:
                await channel.track({**whose, "connected_at": self._since, **measured})
                said = exactness
            await asyncio.wait([ended], timeout=delay_ms / 1000)
            delay_ms = PRESENCE_AGAIN_MS

    async def _report_changes(self) -> None:
        """Report once for all changes within a second."""
        while True:
            await self._changed.wait()
            await asyncio.sleep(PRESENCE_GATHER_MS / 1000)
            self._changed.clear()
            now = round(self._clock.now())
            presence = presence_of(self._id, self._shown(), now)
            self._report(
                {
                    "type": "PRESENCE",
                    "sessionId": self._id,
                    "timestamp": now,
                    "presence": presence,
                }
            )
            await asyncio.sleep((PRESENCE_EVERY_MS - PRESENCE_GATHER_MS) / 1000)

    def _shown(self) -> list[Shown]:
        return [
            Shown(cast(PresenceRole, role), key, dict(said))
            for role, topic in self._read.items()
            if topic in self._joined
            for key, entries in self._joined[topic].presence_state().items()
            for said in entries
        ]
