"""Run uvicorn inside the caller's event loop."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from anyio import CancelScope

from infra.local.stop_accepting import stop_accepting

_GRACE_S = 1
# Longer than any client's idle time, so that the server never closes a connection in use.
_KEEP_ALIVE_S = 3600


class InLoopServer(uvicorn.Server):
    """Sets `there` once it accepts connections, and closes all connections on shutdown."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.there = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept connections."""
        await super().startup(sockets)
        self.there.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close all connections; abort those still busy after the grace period."""
        await stop_accepting(self.servers)
        await super().shutdown(sockets)
        for connection in list(self.server_state.connections):
            connection.transport.abort()


def bind_loopback(port: int | None = None) -> socket.socket:
    """Return a loopback socket bound to `port`, or to a free port. Raises `OSError` if taken."""
    # asyncio sets TCP_NODELAY only if the protocol is explicit; without it, replies take 40 ms.
    bound = socket.socket(proto=socket.IPPROTO_TCP)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(("127.0.0.1", port or 0))
    except OSError:
        bound.close()
        raise
    return bound


@asynccontextmanager
async def serve(app: Any, port: int | None = None) -> AsyncIterator[int]:
    """Serve the ASGI application `app` until the end of the block; yields the port."""
    with bind_loopback(port) as bound:
        config = uvicorn.Config(
            app,
            lifespan="off",
            ws="none",
            log_config=None,
            access_log=False,
            log_level="error",  # no warning for each WebSocket handshake, which is unsupported here
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=_KEEP_ALIVE_S,
            timeout_graceful_shutdown=_GRACE_S,
        )
        server = InLoopServer(config)
        serving = asyncio.create_task(server.serve([bound]))
        try:
            await server.there.wait()
            yield int(bound.getsockname()[1])
        finally:
            server.should_exit = True
            with CancelScope(shield=True):
                await serving
