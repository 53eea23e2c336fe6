"""Run the endpoint on a loopback port, in a separate thread."""

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from infra.local.ports import free_port
from infra.local.upstash.endpoint import RestEndpoint
from infra.local.upstash.request_log import RequestLog
from infra.local.upstash.tokens import AccessTokens

_HOST = "127.0.0.1"
_KEEP_ALIVE_S = 300  # longer than clients keep idle connections
_GRACE_S = 1
_START_TIMEOUT_S = 10.0


class LocalUpstash:
    """One endpoint for the Redis at `redis_url`. Keeps its port when stopped and restarted."""

    def __init__(
        self,
        redis_url: str,
        port: int | None = None,
        around: Callable[[ASGIApp], ASGIApp] | None = None,
    ) -> None:
        self.requests = RequestLog()
        self.connections = 0
        """Number of TCP connections accepted so far."""
        self._redis_url = redis_url
        self._port = port or free_port()
        self._around = around or (lambda app: app)
        self._tokens = AccessTokens()
        self._server: _Server | None = None

    @property
    def url(self) -> str:
        """The value for `UPSTASH_REDIS_REST_URL`."""
        return f"http://{_HOST}:{self._port}"

    @property
    def token(self) -> str:
        """The value for `UPSTASH_REDIS_REST_TOKEN`; restarts don't change it."""
        return self._tokens.full

    @property
    def read_only_token(self) -> str:
        """The token that allows only read commands."""
        return self._tokens.read_only

    @property
    def is_running(self) -> bool:
        """Whether the server is running."""
        return self._server is not None

    def start(self) -> None:
        """Start and wait until ready. Raises `OSError` if the port is taken."""
        if self._server is None:
            endpoint = RestEndpoint(self._redis_url, self._tokens, self.requests)
            listening = socket.create_server((_HOST, self._port))
            self._server = _Server(endpoint, self._around(endpoint.app), self._count)
            self._server.start(listening)

    def stop(self) -> None:
        """Stop accepting and close all connections; pending requests get a second to finish."""
        if self._server is not None:
            self._server.stop()
            self._server = None

    def _count(self) -> None:
        self.connections += 1


@contextmanager
def local_upstash(
    redis_url: str,
    *,
    port: int | None = None,
    around: Callable[[ASGIApp], ASGIApp] | None = None,
) -> Iterator[LocalUpstash]:
    """Run an endpoint until the end of the block; enter the block once it is ready.

    `around` wraps the ASGI application, for example to inject faults. The endpoint's `requests`
    records what it has received.
    """
    upstash = LocalUpstash(redis_url, port, around)
    upstash.start()
    try:
        yield upstash
    finally:
        upstash.stop()


class _Server(uvicorn.Server):
    """uvicorn in a thread, where it installs no signal handlers."""

    def __init__(
        self, endpoint: RestEndpoint, app: ASGIApp, on_connection: Callable[[], None]
    ) -> None:
        config = uvicorn.Config(
            app,
            http=_counting(on_connection),
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=_KEEP_ALIVE_S,
            timeout_graceful_shutdown=_GRACE_S,
        )
        super().__init__(config)
        self._endpoint = endpoint
        self._ready = threading.Event()

    def start(self, listening: socket.socket) -> None:
        """Start serving on the socket `listening`."""
        self._thread = threading.Thread(target=self.run, args=([listening],), daemon=True)
        self._thread.start()
        if not self._ready.wait(_START_TIMEOUT_S):
            raise TimeoutError("The local Upstash endpoint didn't start.")

    def stop(self) -> None:
        """Stop and wait for the end of the thread."""
        self.should_exit = True
        self._thread.join()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept connections."""
        await super().startup(sockets)
        self._ready.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Finish pending requests; end the event streams, which would never finish."""
        self._endpoint.end_streams()
        await super().shutdown(sockets)
        await self._endpoint.close()


def _counting(on_connection: Callable[[], None]) -> type[asyncio.Protocol]:
    class Counting(HttpToolsProtocol):
        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # uvicorn's own
            on_connection()
            super().connection_made(transport)

    return Counting
