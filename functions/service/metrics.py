"""`GET /metrics`: metrics in Prometheus' text format."""

from hmac import compare_digest

from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from starlette.requests import Request
from starlette.responses import Response

from shared.application.errors import StoreUnavailable, Unauthenticated
from shared.application.ports.session_store import SessionStore
from shared.http.request import ApiRequest
from shared.http.routing import ResponseSpec, Routes
from shared.observability.prometheus import PrometheusMetrics
from shared.settings.settings import Settings


def routes_of(figures: PrometheusMetrics, settings: Settings) -> Routes:
    """Return the route that serves `figures`."""
    routes = Routes("service")

    @routes.get("/metrics", ResponseSpec(200, None, "The metrics", media_type="text/plain"))
    async def metrics(request: ApiRequest) -> Response:
        """Return this instance's metrics, and figures read from the store at each scrape.

        If the setting `METRICS_TOKEN` is set, the request must carry it as a bearer token. If it
        isn't set, production answers 401.
        """
        _require_token(request, settings)
        return await metrics_response(figures, request.components.store)

    return routes


async def metrics_response(figures: PrometheusMetrics, store: SessionStore) -> Response:
    """Return all metrics as a response, without checking the caller."""
    await _read_store_statistics(figures, store)
    return Response(generate_latest(figures.registry), media_type=CONTENT_TYPE_PLAIN_0_0_4)


def _require_token(request: Request, settings: Settings) -> None:
    token = settings.metrics_token
    if token is None:
        if settings.app_env != "production":
            return
        raise Unauthenticated
    expected = f"Bearer {token.get_secret_value()}".encode()
    given = request.headers.get("authorization", "").encode()
    if not compare_digest(given, expected):
        raise Unauthenticated


async def _read_store_statistics(figures: PrometheusMetrics, store: SessionStore) -> None:
    """Update the store's figures; keep the last ones while the store is unavailable."""
    try:
        statistics = await store.statistics()
    except StoreUnavailable:
        return
    figures.live_sessions.set(statistics.live_sessions)
    figures.outbox_length.set(statistics.outbox_length)
    figures.outbox_age.set(statistics.outbox_age_ms)
    figures.dead_letters.set(statistics.dead_letters)
