"""`GET /v1/time`: the store's clock, for clients to synchronise with."""

from starlette.responses import JSONResponse, Response

from shared import VERSION
from shared.application.errors import StoreUnavailable
from shared.application.ports.session_store import SessionStore
from shared.application.store_clock import StoreClock
from shared.http.request import ApiRequest
from shared.http.routing import ResponseSpec, Routes
from shared.serverless.http_function import make_http_function

DRIFT_TOLERANCE_MS = 50

routes = Routes("service")


@routes.get("/v1/time", ResponseSpec(200, "Time", "The time", (503,)))
async def read_time(request: ApiRequest) -> Response:
    """Return the store's time, the reference for all sessions.

    The instance calculates it from its monotonic clock, and asks the store only when its last
    measurement is too old.
    """
    clock = request.components.clock
    if clock.is_stale:
        await _measure(clock, request.components.store)
    return JSONResponse(
        {
            "timestamp_ms": clock.now(),
            "server_version": VERSION,
            "drift_tolerance_ms": DRIFT_TOLERANCE_MS,
        }
    )


async def _measure(clock: StoreClock, store: SessionStore) -> None:
    try:
        await store.time()
    except StoreUnavailable:
        if not clock.was_measured:
            raise


handler = make_http_function(routes)
