"""The HTTP server of one instance."""

import asyncio
import os
import signal
import time
from collections.abc import Callable
from socket import socket
from types import FrameType
from typing import Any, Final, Literal

import uvicorn

from functions.connections.admission import Admission
from functions.connections.http import HttpConnection
from functions.connections.websocket import SocketConnection
from shared import logging
from shared.settings import Settings

_PING_S = 15.0
_MAX_FRAME_BYTES = 64 * 1024
GRACE_S = 5
_ACCEPTED_AT_ONCE = 8
_KEEP_ALIVE_S = 75
"""Longer than proxies keep a connection idle, a minute mostly: were it we who close it, the next
request could be on its way already, and no proxy may send a POST twice."""


QUIET: Final[dict[str, Any]] = {
    "log_config": None,
    "access_log": False,
    "server_header": False,
    "proxy_headers": False,
}
"""For a server that says nothing by itself, and believes no proxy."""


class Server(uvicorn.Server):
    """uvicorn, which says when it is there, and leaves before it stops.

    Told to end by SIGTERM it goes on serving for `drain_s`, so that a proxy can notice that it
    leaves: no answer keeps its connection, and `on_leave` is called with the seconds left. Any
    other signal, or a second one, stops it at once.
    """

    drain_s = 0.0
    connections: type[HttpConnection]
    on_ready: Callable[[], None] | None = None
    on_leave: Callable[[float], None] | None = None
    on_stop: Callable[[], None] | None = None
    _is_told_to_leave = False
    _stops_at: float | None = None

    async def startup(self, sockets: list[socket] | None = None) -> None:
        """Accept connections."""
        await super().startup(sockets)
        if self.started:
            await self._accept_faster()
        if self.started and self.on_ready:
            self.on_ready()

    async def _accept_faster(self) -> None:
        """Accept several connections in each round of the event loop, not one.

        libuv takes one connection for each listening descriptor in a round (since version 1.45).
        While rounds are long, thousands of new connections would wait for seconds, so every
        listening socket gets more descriptors.
        """
        loop = asyncio.get_running_loop()
        listening = [sock.fileno() for server in self.servers for sock in server.sockets]
        for fileno in listening * (_ACCEPTED_AT_ONCE - 1):
            another = socket(fileno=os.dup(fileno))
            accepting = await loop.create_server(
                self._connection, sock=another, backlog=self.config.backlog
            )
            self.servers.append(accepting)

    def _connection(self) -> HttpConnection:
        return self.connections(
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )

    async def shutdown(self, sockets: list[socket] | None = None) -> None:
        """Finish what is being answered; what would go on for ever is told to end first."""
        if self.on_stop:
            self.on_stop()
        await super().shutdown(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Leave, or stop; what a signal interrupts must not be disturbed, so no more than that."""
        if sig == signal.SIGTERM and self.drain_s and not self._is_told_to_leave:
            self._is_told_to_leave = True
        else:
            super().handle_exit(sig, frame)

    async def on_tick(self, counter: int) -> bool:
        """What uvicorn does ten times a second; whether to stop."""
        if self._is_told_to_leave and self._stops_at is None:
            self._stops_at = time.monotonic() + self.drain_s
            self._leave()
        if self._stops_at and time.monotonic() >= self._stops_at:
            self.should_exit = True
        return await super().on_tick(counter)

    def _leave(self) -> None:
        self.connections.is_last = True
        for connection in self.server_state.connections:
            if isinstance(connection, HttpConnection):
                connection.end_with_answer()
        if self.on_leave:
            self.on_leave(self.drain_s)


def server_of(
    app: Any,
    settings: Settings,
    lifespan: Literal["on", "off"] = "on",
    count_shed: Callable[[], None] = lambda: None,
) -> Server:
    """A server of `app`, as `settings` ask for it; logging is set up as well.

    `count_shed` is called for each request that is refused because there are too many.
    """
    logging.configure(settings.log_level)
    own = {
        "timeout_s": settings.client_timeout_s,
        "admission": Admission(count_shed),
        "cors_origins": settings.cors_origins,
    }
    connections = type("Http", (HttpConnection,), own)
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        http=connections,
        ws=type("Socket", (SocketConnection,), {"timeout_s": settings.client_timeout_s}),
        lifespan=lifespan,
        **QUIET,
        ws_ping_interval=_PING_S,
        ws_ping_timeout=_PING_S,
        ws_max_size=_MAX_FRAME_BYTES,
        ws_per_message_deflate=False,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=GRACE_S,
    )
    instance = Server(config)
    instance.connections = connections
    instance.drain_s = settings.drain_s
    return instance
