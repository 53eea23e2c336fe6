"""`/metrics` on a port of its own, for a scraper that has no token and a network of its own."""

from collections.abc import Iterator
from contextlib import contextmanager
from socket import AI_PASSIVE, SOCK_STREAM, create_server, getaddrinfo

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from functions.connections.http import HttpConnection
from functions.service.metrics import exposition
from functions.serving import QUIET
from shared.metrics.prometheus import PrometheusMetrics
from shared.ports import SessionStore

_GRACE_S = 1


class MetricsPort:
    """A second server of this process, which knows that one path.

    Ends the process where the port can't be had.
    """

    def __init__(
        self, host: str, port: int, figures: PrometheusMetrics, store: SessionStore
    ) -> None:
        self._figures = figures
        self._store = store
        try:
            family = getaddrinfo(host, port, type=SOCK_STREAM, flags=AI_PASSIVE)[0][0]
            self._socket = create_server((host, port), family=family)
        except OSError as error:
            reason = error.strerror or error
            raise SystemExit(f"SyncKairos can't start. METRICS_PORT {port}: {reason}") from None

    async def run(self) -> None:
        """Serve for as long as the instance lives."""
        app = Starlette(routes=[Route("/metrics", self._metrics)])
        config = uvicorn.Config(
            app,
            http=HttpConnection,
            ws="none",
            lifespan="off",
            **QUIET,
            timeout_graceful_shutdown=_GRACE_S,
        )
        server = _Second(config)
        try:
            await server.serve([self._socket])
        finally:
            await server.shutdown([self._socket])

    async def _metrics(self, _: Request) -> Response:
        return await exposition(self._figures, self._store)


class _Second(uvicorn.Server):
    """Signals are the first one's, which ends this one with everything else."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
