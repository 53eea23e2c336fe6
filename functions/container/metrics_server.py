"""`/metrics` on a separate port, for a scraper without a token in a private network."""

from collections.abc import Iterator
from contextlib import contextmanager
from socket import AI_PASSIVE, SOCK_STREAM, create_server, getaddrinfo

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from functions.container.connections.http import HttpConnection
from functions.container.http_server import UVICORN_OPTIONS
from functions.service.metrics import metrics_response
from shared.application.ports.session_store import SessionStore
from shared.observability.prometheus import PrometheusMetrics

_GRACE_S = 1


class MetricsServer:
    """A second server in this process, which serves only `/metrics`.

    Ends the process if it can't listen on the port.
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
        """Serve until cancelled."""
        app = Starlette(routes=[Route("/metrics", self._metrics)])
        config = uvicorn.Config(
            app,
            http=HttpConnection,
            ws="none",
            lifespan="off",
            **UVICORN_OPTIONS,
            timeout_graceful_shutdown=_GRACE_S,
        )
        server = _ServerWithoutSignals(config)
        try:
            await server.serve([self._socket])
        finally:
            await server.shutdown([self._socket])

    async def _metrics(self, _: Request) -> Response:
        return await metrics_response(self._figures, self._store)


class _ServerWithoutSignals(uvicorn.Server):
    """A server that leaves signals to the main server, which cancels this one when it stops."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
