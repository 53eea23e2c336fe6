"""`GET /ready`: readiness. Whether this instance can do its work right now."""

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from shared.errors import StoreUnavailable
from shared.http.documents import Readiness
from shared.http.openapi import answers
from shared.http.parts import Store

router = APIRouter(tags=["service"])


@router.get(
    "/ready",
    responses=answers(200, Readiness, "Ready")
    | {503: {"model": Readiness, "description": "Not ready; `checks` say why"}},
    response_model=None,
)
async def ready(store: Store) -> JSONResponse:
    """Ask Redis for the time."""
    try:
        await store.time()
    except StoreUnavailable:
        return JSONResponse({"status": "not_ready", "checks": {"redis": "down"}}, 503)
    return JSONResponse({"status": "ready", "checks": {"redis": "up"}})
