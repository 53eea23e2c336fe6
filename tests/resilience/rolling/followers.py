"""WebSocket clients that reconnect, and how long they are offline."""

import asyncio
import json
import time
from dataclasses import dataclass, field
from typing import Any

from synckairos.backoff import backoff
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

_GOING_AWAY = 1001
_TIMEOUT_S = 30.0


@dataclass
class Follower:
    """One client of one session. It reconnects after the client libraries' backoff."""

    url: str
    session_id: str
    version: int = 0
    state: dict[str, Any] = field(default_factory=dict)
    codes: list[int] = field(default_factory=list)
    """Close codes of its connections."""
    offline_s: list[float] = field(default_factory=list)
    """Seconds from the end of each connection to the first state on the next one."""
    _updated: asyncio.Event = field(default_factory=asyncio.Event)
    _disconnected_at: float | None = None
    _socket: ClientConnection | None = None
    _is_over: bool = False

    async def follow(self) -> None:
        """Follow the session until `end` is called."""
        address = f"{self.url.replace('http', 'ws')}/ws?sessionId={self.session_id}&sync=1"
        while not self._is_over:
            try:
                async with connect(address, ping_interval=None, max_queue=None) as socket:
                    await self._receive(socket)
            except (InvalidHandshake, OSError, ConnectionClosed) as error:
                self._on_disconnect(error)
            await asyncio.sleep(backoff(0) / 1000)

    async def end(self) -> None:
        """Close the connection and don't reconnect."""
        self._is_over = True
        if self._socket:
            await self._socket.close()

    async def wait_for_version(self, version: int) -> None:
        """Wait until the follower has that version or a later one."""
        async with asyncio.timeout(_TIMEOUT_S):
            while self.version < version:
                self._updated.clear()
                await self._updated.wait()

    async def _receive(self, socket: ClientConnection) -> None:
        self._socket = socket
        async for text in socket:
            message = json.loads(text)
            if state := message.get("state"):
                self._update(message["type"], state)
        raise ConnectionClosed(socket.protocol.close_rcvd, None)

    def _update(self, kind: str, state: dict[str, Any]) -> None:
        if self._disconnected_at and kind == "STATE_SYNC":
            self.offline_s.append(time.monotonic() - self._disconnected_at)
            self._disconnected_at = None
        if state["version"] >= self.version:
            self.version, self.state = state["version"], state
        self._updated.set()

    def _on_disconnect(self, error: Exception) -> None:
        if self._is_over:
            return
        if isinstance(error, ConnectionClosed):
            self.codes.append(error.rcvd.code if error.rcvd else 1006)
        self._disconnected_at = self._disconnected_at or time.monotonic()

    @property
    def was_told_to_reconnect(self) -> bool:
        """Whether every connection was closed with the code for a restart (1001, going away)."""
        return set(self.codes) <= {_GOING_AWAY}
