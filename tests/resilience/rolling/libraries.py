"""SyncKairos's client libraries, which reconnect over WebSocket and server-sent events."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.local import npm
from tests.clients.driving import JAVASCRIPT, PYTHON, Driver, driver
from tests.conftest import missing

_JAVASCRIPT = Path(__file__).parents[3] / "clients" / "js"
_TRANSPORTS = ("websocket", "sse")
_ROUNDING_MS = 2


@dataclass
class Library:
    """A client that follows several sessions."""

    client: Driver
    ids: Sequence[str]

    async def open(self) -> None:
        """Follow all sessions and wait for their states."""
        for session_id in self.ids:
            await self.client.opened(session_id)

    @property
    def offline_s(self) -> list[float]:
        """Seconds from the end of each connection until the client was live again."""
        return [gap for session_id in self.ids for gap in self._offline_s(session_id)]

    def _offline_s(self, session_id: str) -> list[float]:
        gaps: list[float] = []
        disconnected_at: float | None = None
        was_live = False
        for line in self.client.events(session_id, "connection"):
            is_live = line["detail"]["status"] == "live"
            if was_live and not is_live:
                disconnected_at = line["at"]
            elif is_live and disconnected_at is not None:
                gaps.append((line["at"] - disconnected_at) / 1000)
                disconnected_at = None
            was_live = is_live
        return gaps

    async def assert_shows(self, final: dict[str, dict[str, Any]]) -> None:
        """Assert that the client shows every session in its final state, including the clocks."""
        for session_id in self.ids:
            await self._wait_for_version(session_id, final[session_id]["version"])
            _assert_same_clocks(await self.client.report(session_id), final[session_id])

    async def _wait_for_version(self, session_id: str, version: int) -> None:
        seen = 0
        while (await self.client.report(session_id))["version"] < version:
            seen += 1
            await self.client.until_event(session_id, "update", seen)


def _assert_same_clocks(report: dict[str, Any], state: dict[str, Any]) -> None:
    assert report["version"] == state["version"]
    for player in state["participants"]:
        expected, shown = player["time_remaining_ms"], report["remaining"][player["participant_id"]]
        if player["is_active"]:
            expected, shown = expected + state["server_time_ms"], shown + report["now"]
        assert abs(shown - expected) <= report["errorMs"] + _ROUNDING_MS


@asynccontextmanager
async def libraries(url: str, ids: Sequence[str]) -> AsyncIterator[list[Library]]:
    """Run each library over each transport of the container; each client follows all of `ids`."""
    if not npm.is_node_installed():
        missing("Node")
    await asyncio.to_thread(npm.npm_install, _JAVASCRIPT)
    async with AsyncExitStack() as stack:
        clients = [
            await stack.enter_async_context(driver(command, url, transport=transport))
            for command in (PYTHON, JAVASCRIPT)
            for transport in _TRANSPORTS
        ]
        followed = [Library(client, ids) for client in clients]
        await asyncio.gather(*(library.open() for library in followed))
        yield followed
