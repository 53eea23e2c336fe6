"""`GET /metrics`: Prometheus text."""

from hmac import compare_digest

from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from starlette.requests import Request
from starlette.responses import Response

from shared.errors import StoreUnavailable, Unauthenticated
from shared.http.call import Call
from shared.http.routing import Answers, Routes
from shared.metrics.prometheus import PrometheusMetrics
from shared.ports import SessionStore
from shared.settings import Settings


def routes_of(figures: PrometheusMetrics, settings: Settings) -> Routes:
    """The route of an instance that counts in `figures`."""
    routes = Routes("service")

    @routes.get("/metrics", Answers(200, None, "The figures", media_type="text/plain"))
    async def metrics(call: Call) -> Response:
        """This instance's figures, and those that are asked of the store at each scrape.

        Raises `Unauthenticated` where a token is set that the caller doesn't have, and in
        production where none is set.
        """
        _require_token(call, settings)
        return await exposition(figures, call.parts.store)

    return routes


async def exposition(figures: PrometheusMetrics, store: SessionStore) -> Response:
    """All figures, for a caller that may see them."""
    await _take_census(figures, store)
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


async def _take_census(figures: PrometheusMetrics, store: SessionStore) -> None:
    """An outage must not blind the dashboards: the last figures stand until it is over."""
    try:
        census = await store.census()
    except StoreUnavailable:
        return
    figures.live_sessions.set(census.live_sessions)
    figures.outbox_length.set(census.outbox_length)
    figures.outbox_age.set(census.outbox_age_ms)
    figures.dead_letters.set(census.dead_letters)
