"""An HTTP server inside our own event loop."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from anyio import CancelScope

from infra.local.accepting import stop_accepting

_GRACE_S = 1
# Longer than any client waits between two requests: a connection must not close under it.
_KEEP_ALIVE_S = 3600


class Server(uvicorn.Server):
    """`there` is set as soon as it accepts connections; when it ends, all of them are closed."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.there = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept connections."""
        await super().startup(sockets)
        self.there.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close every connection, those that are still busy after the time of grace too."""
        await stop_accepting(self.servers)
        await super().shutdown(sockets)
        for connection in list(self.server_state.connections):
            connection.transport.abort()


def listener(port: int | None = None) -> socket.socket:
    """A loopback socket on `port`, or on a free one. Raises `OSError` when it is taken."""
    # Without its protocol being named, asyncio leaves Nagle's algorithm on: 40 ms for each answer.
    bound = socket.socket(proto=socket.IPPROTO_TCP)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(("127.0.0.1", port or 0))
    except OSError:
        bound.close()
        raise
    return bound


@asynccontextmanager
async def served(app: Any, port: int | None = None) -> AsyncIterator[int]:
    """Serve `app` to the end of the block; gives the port."""
    with listener(port) as bound:
        config = uvicorn.Config(
            app,
            lifespan="off",
            ws="none",
            log_config=None,
            access_log=False,
            log_level="error",  # else it complains of each WebSocket, which no gateway here takes
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=_KEEP_ALIVE_S,
            timeout_graceful_shutdown=_GRACE_S,
        )
        server = Server(config)
        serving = asyncio.create_task(server.serve([bound]))
        try:
            await server.there.wait()
            yield int(bound.getsockname()[1])
        finally:
            server.should_exit = True
            with CancelScope(shield=True):
                await serving
