"""The endpoint on a loopback port, in a thread of its own."""

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from infra.local.ports import free_port
from infra.local.upstash.endpoint import Endpoint
from infra.local.upstash.record import Record
from infra.local.upstash.tokens import Tokens

_HOST = "127.0.0.1"
_KEEP_ALIVE_S = 300  # longer than clients keep an idle connection
_GRACE_S = 1
_START_TIMEOUT_S = 10.0


class LocalUpstash:
    """One endpoint on `redis_url`; it may be stopped and started again, on the same port."""

    def __init__(
        self,
        redis_url: str,
        port: int | None = None,
        around: Callable[[ASGIApp], ASGIApp] | None = None,
    ) -> None:
        self.requests = Record()
        self.connections = 0
        """How many TCP connections clients have opened so far."""
        self._redis_url = redis_url
        self._port = port or free_port()
        self._around = around or (lambda app: app)
        self._tokens = Tokens()
        self._server: _Server | None = None

    @property
    def url(self) -> str:
        """What `UPSTASH_REDIS_REST_URL` is to be."""
        return f"http://{_HOST}:{self._port}"

    @property
    def token(self) -> str:
        """What `UPSTASH_REDIS_REST_TOKEN` is to be; a restart doesn't change it."""
        return self._tokens.full

    @property
    def read_only_token(self) -> str:
        """The token of those who may only read."""
        return self._tokens.read_only

    @property
    def is_running(self) -> bool:
        """Whether it listens."""
        return self._server is not None

    def start(self) -> None:
        """Start it and wait until it answers. Raises `OSError` where the port is taken."""
        if self._server is None:
            endpoint = Endpoint(self._redis_url, self._tokens, self.requests)
            listening = socket.create_server((_HOST, self._port))
            self._server = _Server(endpoint, self._around(endpoint.app), self._count)
            self._server.start(listening)

    def stop(self) -> None:
        """Refuse and close connections; what is being answered gets a second to finish."""
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
    """An endpoint, from when it answers to the end of the block.

    `around` may put faults between the clients and the endpoint. `requests` holds what has passed.
    """
    upstash = LocalUpstash(redis_url, port, around)
    upstash.start()
    try:
        yield upstash
    finally:
        upstash.stop()


class _Server(uvicorn.Server):
    """uvicorn in a thread; there it leaves signals alone by itself."""

    def __init__(self, endpoint: Endpoint, app: ASGIApp, on_connection: Callable[[], None]) -> None:
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
        """Serve `listening` until told to stop."""
        self._thread = threading.Thread(target=self.run, args=([listening],), daemon=True)
        self._thread.start()
        if not self._ready.wait(_START_TIMEOUT_S):
            raise TimeoutError("The local Upstash doesn't start.")

    def stop(self) -> None:
        """End it and wait for the end."""
        self.should_exit = True
        self._thread.join()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept connections."""
        await super().startup(sockets)
        self._ready.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Finish what is being answered; streams would never finish and are told to end."""
        self._endpoint.end_streams()
        await super().shutdown(sockets)
        await self._endpoint.close()


def _counting(on_connection: Callable[[], None]) -> type[asyncio.Protocol]:
    class Counting(HttpToolsProtocol):
        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # uvicorn's own
            on_connection()
            super().connection_made(transport)

    return Counting
