"""Our own client libraries, which come back by themselves over whatever they follow by."""

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
    """One client, which follows some sessions."""

    client: Driver
    ids: Sequence[str]

    async def open(self) -> None:
        """Have it follow all of its sessions, and wait for their states."""
        for session_id in self.ids:
            await self.client.opened(session_id)

    @property
    def away_s(self) -> list[float]:
        """How long each of its connections was gone."""
        return [gap for session_id in self.ids for gap in self._gaps(session_id)]

    def _gaps(self, session_id: str) -> list[float]:
        gaps: list[float] = []
        gone_at: float | None = None
        was_live = False
        for line in self.client.events(session_id, "connection"):
            is_live = line["detail"]["status"] == "live"
            if was_live and not is_live:
                gone_at = line["at"]
            elif is_live and gone_at is not None:
                gaps.append((line["at"] - gone_at) / 1000)
                gone_at = None
            was_live = is_live
        return gaps

    async def require(self, final: dict[str, dict[str, Any]]) -> None:
        """Assert that it shows every session as the service does, each clock included."""
        for session_id in self.ids:
            await self._until(session_id, final[session_id]["version"])
            _require_same_clocks(await self.client.report(session_id), final[session_id])

    async def _until(self, session_id: str, version: int) -> None:
        seen = 0
        while (await self.client.report(session_id))["version"] < version:
            seen += 1
            await self.client.until_event(session_id, "update", seen)


def _require_same_clocks(report: dict[str, Any], state: dict[str, Any]) -> None:
    assert report["version"] == state["version"]
    for player in state["participants"]:
        told, seen = player["time_remaining_ms"], report["remaining"][player["participant_id"]]
        if player["is_active"]:
            told, seen = told + state["server_time_ms"], seen + report["now"]
        assert abs(seen - told) <= report["errorMs"] + _ROUNDING_MS


@asynccontextmanager
async def libraries(url: str, ids: Sequence[str]) -> AsyncIterator[list[Library]]:
    """Each library over each transport that the container has, following all of `ids`."""
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
