"""`GET /ready`: readiness. Whether this instance can do its work right now."""

import asyncio
from collections.abc import Awaitable, Callable

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from shared.errors import StoreUnavailable
from shared.http.openapi import answers
from shared.http.parts import Audit, Store
from shared.serverless.http_function import function_of

router = APIRouter(tags=["service"])


@router.get(
    "/ready",
    responses=answers(200, "Readiness", "Ready, or degraded: `checks` say why")
    | answers(503, "Readiness", "Not ready; `checks` say why"),
    response_model=None,
)
async def ready(request: Request, store: Store, audit: Audit) -> JSONResponse:
    """Ask Redis for the time, and the audit database for an answer.

    Changes don't wait for the audit database: without it the service is degraded, not down.
    An instance that is about to end is `stopping`, so that nobody new is sent to it.
    """
    redis_check, audit_check = await asyncio.gather(
        _check(store.time), _check(audit.ping if audit else None)
    )
    status = "degraded" if audit_check == "down" else "ready"
    if redis_check == "down":
        status = "not_ready"
    if request.app.state.is_leaving:
        status = "stopping"
    answer = {"status": status, "checks": {"redis": redis_check, "audit": audit_check}}
    return JSONResponse(answer, 200 if status in ("ready", "degraded") else 503)


async def _check(ask: Callable[[], Awaitable[object]] | None) -> str:
    if ask is None:
        return "off"
    try:
        await ask()
    except StoreUnavailable:
        return "down"
    return "up"


handler = function_of(router)
