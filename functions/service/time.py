"""`GET /v1/time`: the clock that rules every session, for clients to synchronise with."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request

from shared.clock import StoreClock
from shared.errors import StoreUnavailable
from shared.http.application import VERSION
from shared.http.documents import Time
from shared.http.openapi import answers
from shared.ports import SessionStore

DRIFT_TOLERANCE_MS = 50

router = APIRouter(tags=["service"])


async def clock_of(request: Request) -> StoreClock:
    """The instance's view of the store's clock."""
    clock: StoreClock = request.app.state.clock
    return clock


async def store_of(request: Request) -> SessionStore:
    """The store, to measure against."""
    store: SessionStore = request.app.state.store
    return store


@router.get("/v1/time", responses=answers(200, Time, "The time", (503,)), response_model=None)
async def read_time(
    clock: Annotated[StoreClock, Depends(clock_of)],
    store: Annotated[SessionStore, Depends(store_of)],
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
