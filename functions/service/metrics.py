"""`GET /metrics`: Prometheus text."""

from hmac import compare_digest

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse
from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from pydantic import SecretStr

from shared.errors import StoreUnavailable, Unauthenticated
from shared.http.parts import Store
from shared.metrics.prometheus import PrometheusMetrics
from shared.ports import SessionStore

router = APIRouter(tags=["service"])


@router.get("/metrics", response_class=PlainTextResponse)
async def metrics(request: Request, store: Store) -> Response:
    """This instance's figures, and those that are asked of the store at each scrape.

    Raises `Unauthenticated` where a token is set that the caller doesn't have, and in production
    where none is set.
    """
    _require_token(request)
    return await exposition(request.app.state.metrics, store)


async def exposition(figures: PrometheusMetrics, store: SessionStore) -> Response:
    """All figures, for whoever may see them."""
    await _take_census(figures, store)
    return Response(generate_latest(figures.registry), media_type=CONTENT_TYPE_PLAIN_0_0_4)


def _require_token(request: Request) -> None:
    token: SecretStr | None = request.app.state.metrics_token
    if token is None:
        if request.app.state.metrics_are_public:
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
