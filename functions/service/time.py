"""`GET /v1/time`: the store's clock, for clients to synchronise with."""

from starlette.responses import JSONResponse, Response

from shared import VERSION
from shared.clock import StoreClock
from shared.errors import StoreUnavailable
from shared.http.call import Call
from shared.http.routing import Answers, Routes
from shared.ports import SessionStore
from shared.serverless.http_function import function_of

DRIFT_TOLERANCE_MS = 50

routes = Routes("service")


@routes.get("/v1/time", Answers(200, "Time", "The time", (503,)))
async def read_time(call: Call) -> Response:
    """Return the store's time, the reference for all sessions.

    The instance calculates it from its monotonic clock, and asks the store only when its last
    measurement is too old.
    """
    clock = call.parts.clock
    if clock.is_stale:
        await _measure(clock, call.parts.store)
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


handler = function_of(routes)
