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

from functions.container.connections.admission import AdmissionControl
from functions.container.connections.http import HttpConnection
from functions.container.connections.websocket import WebSocketConnection
from shared.observability import logging
from shared.settings.settings import Settings

_PING_S = 15.0
_MAX_FRAME_BYTES = 64 * 1024
GRACEFUL_SHUTDOWN_S = 5
_ACCEPTED_AT_ONCE = 8
_KEEP_ALIVE_S = 75
"""Seconds; longer than most proxies keep an idle connection (60 s), so that the proxy closes it.
If the server closed it, a request could already be on its way, and a proxy can't resend a POST."""


UVICORN_OPTIONS: Final[dict[str, Any]] = {
    "log_config": None,
    "access_log": False,
    "server_header": False,
    "proxy_headers": False,
}
"""uvicorn options: no logging of its own, no `Server` header, no trust in proxy headers."""


class Server(uvicorn.Server):
    """uvicorn's server, with a callback when it is ready and a drain period before it stops.

    After SIGTERM it serves for another `drain_s` seconds, so that a proxy can take it out of
    rotation: each response closes its connection, and `on_leave` is called with `drain_s`. Any
    other signal, or a second SIGTERM, stops it at once.
    """

    drain_s = 0.0
    connections: type[HttpConnection]
    on_ready: Callable[[], None] | None = None
    on_leave: Callable[[float], None] | None = None
    on_stop: Callable[[], None] | None = None
    _is_draining = False
    _stops_at: float | None = None

    async def startup(self, sockets: list[socket] | None = None) -> None:
        """Accept connections, then call `on_ready`."""
        await super().startup(sockets)
        if self.started:
            await self._duplicate_listeners()
        if self.started and self.on_ready:
            self.on_ready()

    async def _duplicate_listeners(self) -> None:
        """Duplicate each listening socket, to accept several connections per event loop iteration.

        libuv accepts one connection per listening descriptor and iteration (since version 1.45).
        While iterations are long, thousands of new connections would wait for seconds.
        """
        loop = asyncio.get_running_loop()
        listening = [sock.fileno() for server in self.servers for sock in server.sockets]
        for fileno in listening * (_ACCEPTED_AT_ONCE - 1):
            duplicate = socket(fileno=os.dup(fileno))
            server = await loop.create_server(
                self._connection, sock=duplicate, backlog=self.config.backlog
            )
            self.servers.append(server)

    def _connection(self) -> HttpConnection:
        return self.connections(
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )

    async def shutdown(self, sockets: list[socket] | None = None) -> None:
        """Finish the requests in progress; call `on_stop` first, to end open-ended connections."""
        if self.on_stop:
            self.on_stop()
        await super().shutdown(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin draining, or stop.

        Only sets a flag, as a signal handler may interrupt any code; `on_tick` does the rest.
        """
        if sig == signal.SIGTERM and self.drain_s and not self._is_draining:
            self._is_draining = True
        else:
            super().handle_exit(sig, frame)

    async def on_tick(self, counter: int) -> bool:
        """Handle a pending drain; uvicorn calls this ten times a second. Return whether to stop."""
        if self._is_draining and self._stops_at is None:
            self._stops_at = time.monotonic() + self.drain_s
            self._drain()
        if self._stops_at and time.monotonic() >= self._stops_at:
            self.should_exit = True
        return await super().on_tick(counter)

    def _drain(self) -> None:
        self.connections.is_last = True
        for connection in self.server_state.connections:
            if isinstance(connection, HttpConnection):
                connection.close_after_response()
        if self.on_leave:
            self.on_leave(self.drain_s)


def build_server(
    app: Any,
    settings: Settings,
    lifespan: Literal["on", "off"] = "on",
    count_shed: Callable[[], None] = lambda: None,
) -> Server:
    """Set up logging and build the server of `app` that `settings` describe.

    `count_shed` is called for each request that is refused because of overload.
    """
    logging.configure_logging(settings.log_level)
    own = {
        "timeout_s": settings.client_timeout_s,
        "admission": AdmissionControl(count_shed),
        "cors_origins": settings.cors_origins,
    }
    connections = type("Http", (HttpConnection,), own)
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        http=connections,
        ws=type("Socket", (WebSocketConnection,), {"timeout_s": settings.client_timeout_s}),
        lifespan=lifespan,
        **UVICORN_OPTIONS,
        ws_ping_interval=_PING_S,
        ws_ping_timeout=_PING_S,
        ws_max_size=_MAX_FRAME_BYTES,
        ws_per_message_deflate=False,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=GRACEFUL_SHUTDOWN_S,
    )
    instance = Server(config)
    instance.connections = connections
    instance.drain_s = settings.drain_s
    return instance
