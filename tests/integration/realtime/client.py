"""Common interface of Supabase's clients in tests."""

import asyncio
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

_TIMEOUT_S = 30.0

Report = dict[str, Any]


class Client(ABC):
    """A client in one channel. The kind of a report is its first key: `event` or `status`."""

    def __init__(self, subscription: Mapping[str, Any]) -> None:
        self._subscription = subscription
        self._reports: defaultdict[str, asyncio.Queue[Report]] = defaultdict(asyncio.Queue)

    async def next(self, kind: str) -> Report:
        """Wait for the next report of that kind."""
        async with asyncio.timeout(_TIMEOUT_S):
            return await self._reports[kind].get()

    async def until_status(self, status: str) -> None:
        """Wait until the channel has that status."""
        while (await self.next("status"))["status"] != status:
            pass

    async def next_message(self, kind: str) -> Report:
        """Wait for SyncKairos's next message and assert that it has that type."""
        report = await self.next("event")
        assert report["event"] == report["payload"]["type"] == kind, report
        payload: Report = report["payload"]
        return payload

    async def message_of_version(self, version: int) -> Report:
        """Wait for the first message with a state of that version or a later one.

        Pushes go out in the background: those from before a client joined may still reach it.
        """
        while (payload := (await self.next("event"))["payload"])["state"]["version"] < version:
            pass
        return dict(payload)

    @abstractmethod
    async def join(self, *, private: bool) -> None:
        """Request to join the channel with the subscription's token."""

    @abstractmethod
    async def set_auth(self, token: str) -> None:
        """Replace the token."""

    @abstractmethod
    async def leave(self) -> None:
        """Leave the topic."""

    @abstractmethod
    async def close(self) -> None:
        """Disconnect and release the client's resources."""

    def _report(self, report: Report) -> None:
        self._reports[next(iter(report))].put_nowait(report)
