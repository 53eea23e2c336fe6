"""`GET /v1/time`: the clock that rules every session, for clients to synchronise with."""

from typing import Any

from fastapi import APIRouter

from shared.clock import StoreClock
from shared.errors import StoreUnavailable
from shared.http.application import VERSION
from shared.http.openapi import answers
from shared.http.parts import Clock, Store
from shared.ports import SessionStore
from shared.serverless.http_function import function_of

DRIFT_TOLERANCE_MS = 50

router = APIRouter(tags=["service"])


@router.get("/v1/time", responses=answers(200, "Time", "The time", (503,)), response_model=None)
async def read_time(
    clock: Clock,
    store: Store,
) -> Any:
    """The store's time, from this instance's monotonic clock; no round trip while it is fresh."""
    if clock.is_stale:
        await _measure(clock, store)
    return {
        "timestamp_ms": clock.now(),
        "server_version": VERSION,
        "drift_tolerance_ms": DRIFT_TOLERANCE_MS,
    }


async def _measure(clock: StoreClock, store: SessionStore) -> None:
    try:
        await store.time()
    except StoreUnavailable:
        if not clock.was_measured:
            raise


handler = function_of(router)
