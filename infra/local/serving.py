"""Run uvicorn inside the caller's event loop, or in a thread of its own."""

import asyncio
import socket
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager
from typing import Any, Self

import uvicorn
from anyio import CancelScope
from anyio.from_thread import BlockingPortal, start_blocking_portal
from starlette.types import ASGIApp
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from infra.local.ports import free_port
from infra.local.stop_accepting import stop_accepting

_GRACE_S = 1
# Longer than any client's idle time, so that the server never closes a connection in use.
_KEEP_ALIVE_S = 3600


class InLoopServer(uvicorn.Server):
    """Sets `ready` once it accepts connections, and closes all connections on shutdown."""

    def __init__(self, config: uvicorn.Config, port: int) -> None:
        super().__init__(config)
        self.port = port
        self.ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept connections."""
        await super().startup(sockets)
        self.ready.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close all connections; abort those still busy after the grace period."""
        await stop_accepting(self.servers)
        await super().shutdown(sockets)
        for connection in list(self.server_state.connections):
            connection.transport.abort()

    def abort_websockets(self) -> None:
        """Abort all WebSockets without a close frame."""
        for connection in list(self.server_state.connections):
            if isinstance(connection, WebSocketsSansIOProtocol):
                connection.transport.abort()


class RestartableServer(ABC):
    """A server in its own thread, on a loopback port that it keeps when it is restarted."""

    def __init__(self) -> None:
        self._port = free_port()
        self._running: tuple[ExitStack, BlockingPortal] | None = None

    @property
    def url(self) -> str:
        """The server's URL."""
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Start, unless it runs, and wait until ready. Raises `OSError` if the port is taken."""
        if self._running is None:
            with ExitStack() as stack:
                portal = stack.enter_context(
                    start_blocking_portal(backend_options={"use_uvloop": True})
                )
                stack.enter_context(portal.wrap_async_context_manager(self._serve()))
                self._running = stack.pop_all(), portal

    def stop(self) -> None:
        """Close the port and all connections; pending requests get a second to finish."""
        if self._running:
            stack, _ = self._running
            stack.close()
            self._running = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _call(self, function: Callable[[], None]) -> None:
        """Call `function` in the event loop of the thread, if the server runs."""
        if self._running:
            _, portal = self._running
            portal.call(function)

    @abstractmethod
    def _serve(self) -> AbstractAsyncContextManager[None]:
        """Return the server's context in the event loop of the thread."""


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
async def serve(
    app: ASGIApp, port: int | None = None, **options: Any
) -> AsyncIterator[InLoopServer]:
    """Serve `app` until the end of the block, with more `options` of uvicorn."""
    with bind_loopback(port) as bound:
        config = uvicorn.Config(
            app,
            lifespan="off",
            log_config=None,
            access_log=False,
            log_level="error",  # no warning for each WebSocket handshake where there are none
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=_KEEP_ALIVE_S,
            timeout_graceful_shutdown=_GRACE_S,
            **({"ws": "none"} | options),
        )
        server = InLoopServer(config, int(bound.getsockname()[1]))
        serving = asyncio.create_task(server.serve([bound]))
        try:
            await server.ready.wait()
            yield server
        finally:
            server.should_exit = True
            with CancelScope(shield=True):
                await serving
