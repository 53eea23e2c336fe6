"""The HTTP server of one instance."""

from collections.abc import Callable
from socket import socket
from typing import Any, Literal

import uvicorn

from functions.connections.http import HttpConnection
from functions.connections.websocket import SocketConnection
from shared import logging
from shared.settings import Settings

_PING_S = 15.0
_MAX_FRAME_BYTES = 64 * 1024
_GRACE_S = 5


class Server(uvicorn.Server):
    """uvicorn, which says when it is there and lets live connections end before it waits."""

    on_ready: Callable[[], None] | None = None
    on_stop: Callable[[], None] | None = None

    async def startup(self, sockets: list[socket] | None = None) -> None:
        """Accept connections."""
        await super().startup(sockets)
        if self.started and self.on_ready:
            self.on_ready()

    async def shutdown(self, sockets: list[socket] | None = None) -> None:
        """Finish what is being answered; what would go on for ever is told to end first."""
        if self.on_stop:
            self.on_stop()
        await super().shutdown(sockets)


def server_of(app: Any, settings: Settings, lifespan: Literal["on", "off"] = "on") -> Server:
    """A server of `app`, as `settings` ask for it; logging is set up as well."""
    logging.configure(settings.log_level)
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        http=type("Http", (HttpConnection,), {"timeout_s": settings.client_timeout_s}),
        ws=type("Socket", (SocketConnection,), {"timeout_s": settings.client_timeout_s}),
        lifespan=lifespan,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        ws_ping_interval=_PING_S,
        ws_ping_timeout=_PING_S,
        ws_max_size=_MAX_FRAME_BYTES,
        ws_per_message_deflate=False,
        timeout_graceful_shutdown=_GRACE_S,
    )
    return Server(config)
