"""Sockets that come back when they are told to, and how long that takes them."""

import asyncio
import json
import time
from dataclasses import dataclass, field
from typing import Any

from synckairos.backoff import backoff
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

_GOING_AWAY = 1001
_PATIENCE_S = 10.0


@dataclass
class Follower:
    """One client of one session, which waits before it comes back as our libraries do."""

    url: str
    session_id: str
    version: int = 0
    state: dict[str, Any] = field(default_factory=dict)
    codes: list[int] = field(default_factory=list)
    """With which its connections were closed."""
    away_s: list[float] = field(default_factory=list)
    """From the end of each connection to the state that the next one began with."""
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _gone_at: float | None = None
    _socket: ClientConnection | None = None
    _is_over: bool = False

    async def follow(self) -> None:
        """Follow until the end is asked for."""
        address = f"{self.url.replace('http', 'ws')}/ws?sessionId={self.session_id}&sync=1"
        while not self._is_over:
            try:
                async with connect(address, ping_interval=None, max_queue=None) as socket:
                    await self._hear(socket)
            except (InvalidHandshake, OSError, ConnectionClosed) as error:
                self._gone(error)
            await asyncio.sleep(backoff(0) / 1000)

    async def end(self) -> None:
        """Hang up, and don't come back."""
        self._is_over = True
        if self._socket:
            await self._socket.close()

    async def until(self, version: int) -> None:
        """Return when that version is known."""
        async with asyncio.timeout(_PATIENCE_S):
            while self.version < version:
                self._news.clear()
                await self._news.wait()

    async def _hear(self, socket: ClientConnection) -> None:
        self._socket = socket
        async for text in socket:
            message = json.loads(text)
            if state := message.get("state"):
                self._take(message["type"], state)
        raise ConnectionClosed(socket.protocol.close_rcvd, None)

    def _take(self, kind: str, state: dict[str, Any]) -> None:
        if self._gone_at and kind == "STATE_SYNC":
            self.away_s.append(time.monotonic() - self._gone_at)
            self._gone_at = None
        if state["version"] >= self.version:
            self.version, self.state = state["version"], state
        self._news.set()

    def _gone(self, error: Exception) -> None:
        if self._is_over:
            return
        if isinstance(error, ConnectionClosed):
            self.codes.append(error.rcvd.code if error.rcvd else 1006)
        self._gone_at = self._gone_at or time.monotonic()

    @property
    def was_told(self) -> bool:
        """Whether each of its connections was closed with the word to come back."""
        return set(self.codes) <= {_GOING_AWAY}
