"""Run the endpoint on a loopback port, in a separate thread."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from secrets import token_urlsafe

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from infra.local.serving import RestartableServer, serve
from infra.local.upstash.endpoint import RestEndpoint
from infra.local.upstash.request_log import RequestLog

_TIMEOUT_S = 10.0


class LocalUpstash(RestartableServer):
    """One endpoint for the Redis at `redis_url`."""

    def __init__(self, redis_url: str, around: Callable[[ASGIApp], ASGIApp]) -> None:
        super().__init__()
        self.requests = RequestLog()
        self.connections = 0
        """Number of TCP connections accepted so far."""
        self.token = token_urlsafe()
        """The value for `UPSTASH_REDIS_REST_TOKEN`; restarts don't change it."""
        self._redis_url = redis_url
        self._around = around

    @asynccontextmanager
    async def _serve(self) -> AsyncIterator[None]:
        async with _connect(self._redis_url) as redis:
            app = self._around(RestEndpoint(redis, self.token, self.requests).app)
            async with serve(app, self._port, http=_counting(self._count)):
                yield

    def _count(self) -> None:
        self.connections += 1


def local_upstash(
    redis_url: str, *, around: Callable[[ASGIApp], ASGIApp] = lambda app: app
) -> LocalUpstash:
    """Return an endpoint, which runs in a `with` block.

    `around` wraps the ASGI application, for example to inject faults.
    """
    return LocalUpstash(redis_url, around)


def _connect(url: str) -> Redis:
    """Return a client without retries that leaves replies and error texts as they are."""
    redis = Redis.from_url(
        url,
        protocol=2,
        socket_timeout=_TIMEOUT_S,
        socket_connect_timeout=_TIMEOUT_S,
        retry=Retry(NoBackoff(), 0),
    )
    redis.response_callbacks.clear()
    return redis


def _counting(on_connection: Callable[[], None]) -> type[asyncio.Protocol]:
    class Counting(HttpToolsProtocol):
        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # uvicorn's own
            on_connection()
            super().connection_made(transport)

    return Counting
