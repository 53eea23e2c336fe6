"""`GET /ready`: readiness. Whether this instance can do its work right now."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from shared.http.openapi import answers
from shared.http.parts import Ready
from shared.serverless.http_function import function_of

router = APIRouter(tags=["service"])


@router.get(
    "/ready",
    responses=answers(200, "Readiness", "Ready, or degraded: `reasons` say why")
    | answers(503, "Readiness", "Not ready; `reasons` say why"),
    response_model=None,
)
async def ready(request: Request, readiness: Ready) -> JSONResponse:
    """Write to Redis, and ask the audit database whether it takes entries: at most once a second.

    Changes don't wait for the audit database: without it the service is degraded, not down.
    An instance that is about to end is `stopping`, so that nobody new is sent to it.
    """
    found = await readiness.checks()
    status = "stopping" if request.app.state.is_leaving else found.status
    checks = {"redis": found.redis, "audit": found.audit}
    answer: dict[str, Any] = {"status": status, "checks": checks}
    if found.reasons:
        answer["reasons"] = found.reasons
    return JSONResponse(answer, 200 if status in ("ready", "degraded") else 503)


handler = function_of(router)
